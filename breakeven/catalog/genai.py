"""genai-prices read exactly: no guessing of names, no silent fall back, no network, no clock.

The package (MIT) carries dated prices of some 2,300 models. Its own look-up matches names loosely,
treats an unknown ``price_context`` as the standard price, lets a time of day override a date, and
knows no launch or retirement. So its price objects are read here directly, and everything it would
guess is an error. Importing it takes about 0.1 s: only ``GenaiPrices.load`` does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from breakeven.catalog.list_price import ListPrice, Rates
from breakeven.errors import FactNotInForce, Problem

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

PREFIX = "genai-prices/"
_CONTEXT: Mapping[str, Mapping[str, str]] = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
_KEYS = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "output_reasoning_mtok")


class GenaiModel(Struct, frozen=True):
    """A model of the package, found by an exact name."""

    provider: Provider
    info: ModelInfo
    alias_of: str | None = None  # the id, where another declared name was used

    @property
    def source_id(self) -> str:
        """The id its prices are cited by."""
        return f"{PREFIX}{self.provider.id}/{self.info.id}"


class GenaiPrices:
    """The package's data on one machine: version, digest and exact look-up."""

    def __init__(self, providers: list[Provider], version: str, data_path: str | None) -> None:
        self.version = version
        self._data_path = data_path
        self._providers = {provider.id: provider for provider in providers}

    @classmethod
    def load(cls) -> GenaiPrices:
        """Import the package and its bundled data; never an update from the network."""
        import genai_prices
        from genai_prices import data

        return cls(data.providers, genai_prices.__version__, data.__file__)

    @cached_property
    def digest(self) -> str:
        """sha256 of the file that holds the package's data."""
        from hashlib import sha256
        from pathlib import Path

        return sha256(Path(self._data_path).read_bytes()).hexdigest() if self._data_path else ""

    @property
    def provider_ids(self) -> tuple[str, ...]:
        """Ids of all providers."""
        return tuple(self._providers)

    def pricing_url(self, provider_id: str) -> str | None:
        """The provider's pricing page, which is what a price is cited by."""
        provider = self._providers.get(provider_id)
        return provider.pricing_urls[0] if provider and provider.pricing_urls else None

    def model_ids(self, provider_id: str) -> tuple[str, ...]:
        """Ids of the models of one provider; none for an unknown provider."""
        provider = self._providers.get(provider_id)
        return tuple(model.id for model in provider.models) if provider else ()

    def find(self, provider_id: str, name: str) -> GenaiModel | None:
        """The model whose id, or whose declared whole name, this is; upper and lower case are alike."""
        provider = self._providers.get(provider_id)
        if provider is None:
            return None
        wanted = name.lower()
        for info in provider.models:
            if info.id.lower() == wanted:
                return GenaiModel(provider, info)
        for info in provider.models:
            if any(_is_whole_name(clause, wanted) for clause in _alternatives(info.match)):
                return GenaiModel(provider, info, alias_of=info.id)
        return None

    def price(self, model: GenaiModel, *, as_of: dt.date, variant: str = "standard") -> ListPrice | None:
        """The list price on a date; None where this variant is not offered then."""
        dated = _dated_prices(model)
        standard, start = _in_force(dated, as_of)
        values = {key: value for key, value in vars(standard).items() if value is not None}
        if variant != "standard":
            override = _variant(model.info, variant, as_of)
            if override is None:
                return None
            values.update(override)
        if "input_mtok" not in values or "output_mtok" not in values:
            raise FactNotInForce(
                Problem(
                    f"{model.provider.id}/{model.info.id} is not priced per input and output token",
                    "choose a text model, or write its prices under api[].prices",
                )
            )
        return _list_price(model, values, start, _notes(model, start, dated))

    def price_dates(self, model: GenaiModel) -> tuple[dt.date, ...]:
        """The days on which its price changes, past and announced, ascending."""
        return tuple(sorted(day for day, _ in _dated_prices(model) if day is not None))


def _alternatives(clause: Any) -> Iterator[Any]:
    if hasattr(clause, "or_"):
        for part in clause.or_:
            yield from _alternatives(part)
    else:
        yield clause


def _is_whole_name(clause: Any, name: str) -> bool:
    """Whether a declared clause names exactly this: equal text, or an anchored pattern of dated snapshots."""
    import re

    for kind in ("equals", "starts_with"):  # a declared prefix is a name too, but only itself
        text = getattr(clause, kind, None)
        if text is not None and text.lower() == name:
            return True
    pattern = getattr(clause, "regex", None)
    if pattern and pattern.startswith("^") and pattern.endswith("$"):
        return re.fullmatch(pattern, name) is not None
    return False


def _dated_prices(model: GenaiModel) -> list[tuple[dt.date | None, Any]]:
    """(start, prices) in the package's order. A price by the time of day is refused: it has no weekday
    and overrides every date, so only an overlay can state it."""
    prices = model.info.prices
    if not isinstance(prices, list):
        return [(None, prices)]
    out: list[tuple[dt.date | None, Any]] = []
    for conditional in prices:
        constraint = conditional.constraint
        start = getattr(constraint, "start_date", None)
        if constraint is not None and start is None:
            raise FactNotInForce(
                Problem(
                    f"{model.provider.id}/{model.info.id} is priced by the time of day, "
                    "which genai-prices states without weekdays or dates",
                    "give its weekly windows in a --catalog overlay, or its prices under api[].prices",
                )
            )
        out.append((start, conditional.prices))
    return out


def _in_force(dated: list[tuple[dt.date | None, Any]], as_of: dt.date) -> tuple[Any, dt.date | None]:
    """The last entry that has started, as the package chooses; its first entry has no start."""
    for start, prices in reversed(dated):
        if start is None or start <= as_of:
            return prices, start
    return dated[0][1], dated[0][0]


def _variant(info: ModelInfo, variant: str, as_of: dt.date) -> dict[str, Any] | None:
    """The prices a request variant changes; None where the model offers no such variant on the date."""
    wanted = dict(_CONTEXT[variant])
    found: dict[str, Any] | None = None
    for entry in info.price_variants or ():
        start = getattr(entry.constraint, "start_date", None)
        if entry.when != wanted or (entry.constraint is not None and (start is None or start > as_of)):
            continue
        found = {} if found is None else found
        for key, value in vars(entry.prices).items():
            if value is not None:
                found.setdefault(key, value)
    return found


def _list_price(
    model: GenaiModel, values: Mapping[str, Any], start: dt.date | None, notes: tuple[str, ...]
) -> ListPrice:
    thresholds = sorted({tier.start for key in _KEYS for tier in getattr(values.get(key), "tiers", ())})
    source_id = model.source_id if start is None else f"{model.source_id}@{start.isoformat()}"
    return ListPrice(
        _rates(values, 0),
        start,
        source_id,
        tuple((threshold, _rates(values, threshold + 1)) for threshold in thresholds),
        notes=notes,
    )


def _rates(values: Mapping[str, Any], input_tokens: int) -> Rates:
    def at(key: str) -> Decimal | None:
        price = values.get(key)
        if price is None or isinstance(price, Decimal):
            return price
        found: Decimal = price.base
        for tier in price.tiers:
            if input_tokens > tier.start:
                found = tier.price
        return found

    into, out = at("input_mtok"), at("output_mtok")
    assert into is not None and out is not None
    return Rates(into, out, at("cache_read_mtok"), at("cache_write_mtok"), at("output_reasoning_mtok"))


def _notes(model: GenaiModel, start: dt.date | None, dated: list[tuple[dt.date | None, Any]]) -> tuple[str, ...]:
    notes = []
    name = f"{model.provider.id}/{model.info.id}"
    if model.alias_of is not None:
        notes.append(f"priced as {model.provider.id}/{model.alias_of}, of which it is a declared name")
    if model.info.deprecated:
        notes.append(f"{name} is marked deprecated: it may be switched off")
    remark = model.info.price_comments or ""
    if "Imported from" in remark:
        notes.append(f"the price of {name} is not the provider's own: {remark.split(';')[0]}")
    if "requests_kcount" in vars(dated[-1][1]):
        notes.append(f"{name} also charges per request, which is not counted here")
    return tuple(notes)
