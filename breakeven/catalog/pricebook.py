"""API prices on a date, for a workload's requests: the catalogue's overlay over genai-prices.

The overlay answers where it has a price in force; genai-prices answers for the rest and for the
past. Whatever neither states is an error with a way out, never a nearby price:

- requests are priced by their shape, so a long-context tier applies only to long requests;
- a model that is not yet, or no longer, in service has no price;
- batch, flex and priority are prices of their own, or an error;
- prices by the hour of the week need the week's demand;
- every price is cited by record, pricing page and the day it was read.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from breakeven.catalog.api_models import (
    CataloguedModel,
    find_model,
    in_force,
    list_price,
    provisioned_units,
    variant_price,
)
from breakeven.catalog.list_price import ListPrice, Prices, Shape, mean_prices
from breakeven.catalog.quote import Announced, Host, OffPeak, ProvisionedQuote, Quote, ServiceTier
from breakeven.catalog.records import ApiProvider
from breakeven.catalog.weekly import cheapest_hours, mean_ratio
from breakeven.errors import FactNotFound, FactNotInForce, did_you_mean

if TYPE_CHECKING:
    from breakeven.catalog.genai import GenaiModel, GenaiPrices
    from breakeven.catalog.store import Catalogue, SourceRow

GENAI = "genai-prices"


class _Model(Struct, frozen=True):
    """A model reference resolved by exact names; at least one of the two sources knows it."""

    ref: str
    provider_id: str
    provider_name: str
    name: str
    genai_provider: str | None
    catalogued: CataloguedModel | None


class PriceBook:
    """Look-up of API prices. Cheap to make; reads files and genai-prices only when asked."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._found: dict[str, _Model] = {}

    # --- prices per token ----------------------------------------------------------------------

    def quote(
        self,
        model_ref: str,
        *,
        as_of: dt.date,
        shapes: Sequence[Shape],
        tier: ServiceTier = "standard",
        batch: bool = False,
        week_weights: Sequence[float] | None = None,
        cached_input_share: float = 0.0,
        cache_write_share: float = 0.0,
    ) -> Quote:
        """Prices of ``provider/model`` for requests of these shapes.

        ``week_weights`` are 24 or 168 relative hourly weights of demand (UTC, Monday first; None is
        flat). ``batch`` asks for the batch price instead of the tier's. The two shares only decide
        which remarks matter. Raises FactNotFound for an unknown name and FactNotInForce for a model
        without such a price on the date.
        """
        model = self._resolve(model_ref)
        self._require_service(model, as_of)
        variant = "batch" if batch else tier
        listed = self._list_price(model, as_of, variant)
        prices = _at(listed, shapes, week_weights)
        life = model.catalogued
        long_share = sum(s.share for s in shapes if listed.at_input_tokens(s.input_tokens)[1] is not None)
        cached_listed = listed.base.cached_input is not None
        write_listed = listed.base.cache_write is not None
        window = self._batch_window(model, as_of) if batch else None
        sources = [listed.source_id, *((window[1],) if window else ())]
        announced = tuple(self._announced(model, as_of, variant, listed, shapes, week_weights))
        notes = [
            *listed.notes,
            *(life.notes if life else ()),
            *_shape_notes(model_ref, listed, shapes, long_share),
            *_cache_notes(model_ref, listed, cached_input_share, cache_write_share),
            *_change_notes(model_ref, life, as_of, announced, prices),
        ]
        if listed.windows and week_weights is None:
            notes.append(f"{model_ref} is dearer in some hours of the week: a flat load is assumed")
        return Quote(
            model_ref=model_ref,
            provider=model.provider_id,
            provider_name=model.provider_name,
            model=model.name,
            tier=tier,
            batch=batch,
            as_of=as_of,
            prices=prices,
            effective=listed.effective,
            sources=tuple(sources),
            cached_input_listed=cached_listed,
            cache_write_listed=write_listed,
            long_context_share=long_share,
            batch_window_hours=window[0] if window else None,
            off_peak=_off_peak(listed, shapes),
            announced=announced,
            retires_on=life.retired_on if life else None,
            regions=life.regions if life else (),
            open_model=life.open_model if life else None,
            notes=tuple(dict.fromkeys(notes)),
        )

    def offers_batch(self, model_ref: str, *, as_of: dt.date) -> bool:
        """Whether the model has a batch price on the date."""
        model = self._resolve(model_ref)
        self._require_service(model, as_of)
        return self._variant(model, as_of, "batch") is not None

    # --- the same open model elsewhere ---------------------------------------------------------

    def same_open_model(self, open_model: str, *, as_of: dt.date) -> tuple[Host, ...]:
        """Every provider that sells an open-weight model per token on the date, by reference.

        ``open_model`` is a Hugging Face id or its last part. Where nobody serves those weights, hosts
        of another checkpoint of the same architecture are returned, marked ``exact=False``.
        """
        wanted = {open_model.strip().lower()}
        found = tuple(self._hosts(wanted, as_of, exact=True))
        if found:
            return found
        try:
            thing = self._catalogue.find("models", open_model)
        except FactNotFound:
            return ()
        own = str(getattr(thing, "hf_id", thing.id)).lower()
        if open_model.strip().lower() == thing.id:
            found = tuple(self._hosts({own}, as_of, exact=True))
        return found or tuple(self._hosts({own, *(a.lower() for a in thing.aliases)}, as_of, exact=False))

    def _hosts(self, wanted: set[str], as_of: dt.date, *, exact: bool) -> Iterator[Host]:
        names = wanted | {name.rpartition("/")[2] for name in wanted}
        for provider_id in self._catalogue.ids("api"):
            if not self._catalogue.mentions("api", provider_id, names):
                continue  # most files name none of them: no need to read them as YAML
            provider = self._catalogue.find("api", provider_id)
            assert isinstance(provider, ApiProvider)
            for entry in provider.models:
                weights = (entry.open_model or "").lower()
                if not entry.prices or not ({weights, weights.rpartition("/")[2]} & names):
                    continue
                ref = f"{provider.id}/{entry.model}"
                model = self._resolve(ref)
                assert model.catalogued is not None and entry.open_model is not None
                if not model.catalogued.in_service(as_of) or self._variant(model, as_of, "standard") is None:
                    continue  # not in service, or not priced, on this date: not a host then
                yield Host(ref, provider.id, provider.name, entry.open_model, exact)

    # --- provisioned throughput ----------------------------------------------------------------

    def provisioned(self, model_ref: str, *, unit: str, term: str, as_of: dt.date) -> ProvisionedQuote:
        """The price of a unit of provisioned throughput. Raises FactNotInForce where none is on record."""
        model = self._resolve(model_ref)
        self._require_service(model, as_of)
        life = model.catalogued
        records = life.provisioned(self._catalogue) if life else ()
        wanted = tuple(r for r in records if r.record.unit == unit.lower() and term in r.record.terms)
        found = in_force(wanted, as_of)
        if found is not None:
            return ProvisionedQuote(
                provider=model.provider_id,
                provider_name=model.provider_name,
                model=model.name,
                record=found.record,
                price_source=found.cite(self._catalogue),
                throughput_source=found.cite_throughput(self._catalogue),
                regions=life.regions if life else (),
                notes=(*((found.record.note,) if found.record.note else ()), *_end_notes(model_ref, life, as_of)),
            )
        if wanted:
            start = min(r.record.effective for r in wanted)
            raise FactNotInForce(
                f"{model_ref}: {unit} ({term}) is not in force on {as_of}", fix=f"its price is on record from {start}"
            )
        known = provisioned_units(records)
        if known and all(r.record.unit != unit.lower() for r in records):
            raise FactNotFound(f"{model_ref} has no provisioned unit {unit!r}", fix=f"known: {', '.join(known)}")
        raise FactNotInForce(
            f"{model_ref} has no provisioned unit {unit!r} with term {term!r}",
            fix=f"known: {', '.join(known)}" if known else "add one in a --catalog overlay (api/<provider>.yaml)",
        )

    # --- provenance ----------------------------------------------------------------------------

    def source(self, source_id: str) -> SourceRow:
        """The provenance of anything a quote cites."""
        if not source_id.startswith(f"{GENAI}/"):
            return self._catalogue.source(source_id)
        from breakeven.catalog.store import SourceRow

        name = source_id.removeprefix(f"{GENAI}/")
        dated = re.fullmatch(r"(.+)@(\d{4}-\d{2}-\d{2})", name)  # a model's own name may hold an @, too
        name, start = dated.groups() if dated else (name, "")
        provider_id = name.partition("/")[0]
        published = self._published
        return SourceRow(
            id=source_id,
            file=f"{GENAI} {self.genai.version}",
            record=name,
            effective=dt.date.fromisoformat(start) if start else None,
            retrieved=published,
            kind="list_price",
            url=self.genai.pricing_url(provider_id),
            title=f"{GENAI} {self.genai.version}, data sha256:{self.genai.digest}",
            confidence=None,
            confidential=False,
            note=None if start else "the first price on record, undated",
            licence="MIT",
        )

    @cached_property
    def genai(self) -> GenaiPrices:
        """The genai-prices package, imported at the first use."""
        from breakeven.catalog.genai import GenaiPrices

        return GenaiPrices.load()

    @cached_property
    def _published(self) -> dt.date:
        """The day of the installed version: only a version this catalogue was checked against is used."""
        thing = self._catalogue.find("api", GENAI)
        assert isinstance(thing, ApiProvider)
        for record in thing.packages:
            if record.version == self.genai.version:
                return record.effective
        known = " or ".join(record.version for record in thing.packages)
        raise FactNotFound(
            f"{GENAI} {self.genai.version} is installed, which this catalogue was not checked against",
            fix=f"install version {known}",
        )

    # --- names ---------------------------------------------------------------------------------

    def require(self, model_ref: str) -> None:
        """Raises FactNotFound, with the nearest names, for a ``provider/model`` that nobody knows."""
        self._resolve(model_ref)

    def _resolve(self, model_ref: str) -> _Model:
        if model_ref not in self._found:
            self._found[model_ref] = self._find(model_ref)
        return self._found[model_ref]

    def _find(self, model_ref: str) -> _Model:
        provider_name, slash, name = model_ref.strip().partition("/")
        if not slash or not name:
            raise FactNotFound(f"{model_ref!r} names no provider", fix="write provider/model, for example openai/gpt-5")
        provider = self._provider(provider_name)
        if provider is None:
            return self._find_in_package(model_ref, provider_name, name)
        catalogued = find_model(provider, name)
        if catalogued is None and provider.genai_provider is not None:
            package = self.genai.find(provider.genai_provider, name)
            if package is not None:
                return _Model(
                    model_ref, provider.id, provider.name, package.info.id, provider.genai_provider,
                    find_model(provider, package.info.id),
                )  # fmt: skip
        if catalogued is None:
            raise self._unknown_model(model_ref, provider.id, provider.genai_provider)
        return _Model(model_ref, provider.id, provider.name, catalogued.model, provider.genai_provider, catalogued)

    def _find_in_package(self, model_ref: str, provider_id: str, name: str) -> _Model:
        wanted = provider_id.lower()
        if wanted not in self.genai.provider_ids:
            known = sorted({*self._provider_ids(), *self.genai.provider_ids})
            raise FactNotFound(
                f"{model_ref!r}: {provider_id!r} is not a known API provider", fix=did_you_mean(provider_id, known)
            )
        package = self.genai.find(wanted, name)
        if package is None:
            raise self._unknown_model(model_ref, wanted, wanted)
        return _Model(model_ref, wanted, package.provider.name, package.info.id, wanted, None)

    def _provider_ids(self) -> tuple[str, ...]:
        return tuple(name for name in self._catalogue.ids("api") if name != GENAI)

    def _provider(self, name: str) -> ApiProvider | None:
        if name.lower() == GENAI:
            return None
        try:
            thing = self._catalogue.find("api", name)
        except FactNotFound:
            return None
        assert isinstance(thing, ApiProvider)
        return thing

    def _unknown_model(self, model_ref: str, provider_id: str, genai_provider: str | None) -> FactNotFound:
        name = model_ref.partition("/")[2]
        last = name.rpartition("/")[2].lower()
        refs: list[str] = []
        for other in self._provider_ids():
            thing = self._catalogue.find("api", other)
            refs.extend(f"{other}/{entry.model}" for entry in getattr(thing, "models", ()))
        for other in self.genai.provider_ids:
            refs.extend(f"{other}/{model_id}" for model_id in self.genai.model_ids(other))
        refs = list(dict.fromkeys(refs))
        same = [ref for ref in refs if ref.rpartition("/")[2].lower() == last and not ref.startswith("huggingface_")]
        if same:
            fix = f"it is sold as {' or '.join(same[:4])}"
        else:
            own = [ref for ref in refs if ref.partition("/")[0] in (provider_id, genai_provider)]
            near = did_you_mean(model_ref, own)
            fix = near if near.startswith("did you mean") else did_you_mean(model_ref, refs)
        return FactNotFound(f"{provider_id} sells no model {name!r} on record", fix=fix)

    # --- prices --------------------------------------------------------------------------------

    def _require_service(self, model: _Model, as_of: dt.date) -> None:
        life = model.catalogued
        if life is None:
            return
        if life.available_from is not None and as_of < life.available_from:
            raise FactNotInForce(
                f"{model.ref} is not available on {as_of}: it is offered from {life.available_from}",
                fix="choose a later --as-of or another model",
            )
        if life.retired_on is not None and as_of >= life.retired_on:
            raise FactNotInForce(
                f"{model.ref} is not available on {as_of}: it was switched off on {life.retired_on}",
                fix=self._other_hosts(life, as_of) or "choose another model",
            )

    def _other_hosts(self, life: CataloguedModel, as_of: dt.date) -> str | None:
        if life.open_model is None:
            return None
        hosts = self.same_open_model(life.open_model, as_of=as_of)
        return f"the same model is sold as {' or '.join(host.model_ref for host in hosts[:3])}" if hosts else None

    def _list_price(self, model: _Model, as_of: dt.date, variant: str) -> ListPrice:
        listed = self._variant(model, as_of, variant)
        if listed is not None:
            return listed
        if variant != "standard" and self._variant(model, as_of, "standard") is not None:
            how = "set workload.batch_share to 0" if variant == "batch" else "write tier: standard"
            raise FactNotInForce(
                f"{model.ref} has no {variant} price on {as_of}", fix=f"{how}, or choose another model"
            )
        records = model.catalogued.prices(self._catalogue) if model.catalogued else ()
        if records:
            first = min(recorded.record.effective for recorded in records)
            raise FactNotInForce(
                f"{model.ref} has no price on record for {as_of}", fix=f"its prices are on record from {first}"
            )
        raise FactNotInForce(
            f"{model.ref} has no price per token on record",
            fix="give its prices under api[].prices or in a --catalog overlay",
        )

    def _variant(self, model: _Model, as_of: dt.date, variant: str) -> ListPrice | None:
        records = model.catalogued.prices(self._catalogue) if model.catalogued else ()
        current = in_force(records, as_of)
        if current is not None:
            listed = variant_price(current, variant)
            if listed is not None:
                current.cite(self._catalogue)
                return listed
            if current.layer > 0 or current.record.windows:
                # A list ratio is not part of the user's own price; nor can the package state weekly windows.
                return None
        package = self._package_model(model)
        if package is None:
            return None
        # A packaged record without this variant leaves the question to genai-prices.
        published = self._published
        listed = self.genai.price(package, as_of=as_of, variant=variant)
        if listed is not None and listed.effective is None and as_of < published:
            note = f"the price of {model.ref} on {as_of} is undated, the first on record: changes may be missing"
            return ListPrice(listed.base, None, listed.source_id, listed.tiers, listed.windows, (*listed.notes, note))
        return listed

    def _package_model(self, model: _Model) -> GenaiModel | None:
        if model.genai_provider is None:
            return None
        for name in dict.fromkeys((model.ref.partition("/")[2], model.name, _genai_name(model))):
            package = self.genai.find(model.genai_provider, name)
            if package is not None:
                return package
        return None

    def _announced(
        self, model: _Model, as_of: dt.date, variant: str, listed: ListPrice, shapes: Sequence[Shape],
        week_weights: Sequence[float] | None,
    ) -> Iterator[Announced]:  # fmt: skip
        days: set[dt.date] = set()
        for recorded in model.catalogued.prices(self._catalogue) if model.catalogued else ():
            days.update(day for day in (recorded.record.effective, recorded.record.ends) if day is not None)
        if listed.source_id.startswith(f"{GENAI}/"):
            package = self._package_model(model)
            days.update(self.genai.price_dates(package) if package else ())
        before = listed
        for day in sorted(day for day in days if day > as_of):
            after = self._variant(model, day, variant)
            if after is None or (after.base, after.tiers, after.windows) == (before.base, before.tiers, before.windows):
                continue
            yield Announced(day, _at(after, shapes, week_weights), after.source_id)
            before = after

    def _batch_window(self, model: _Model, as_of: dt.date) -> tuple[float, str] | None:
        """(hours, source) within which a batch ends, where the provider states it."""
        provider = self._provider(model.provider_id)
        if model.catalogued is not None:
            current = in_force(model.catalogued.prices(self._catalogue), as_of)
            if current is not None and current.record.batch_window_hours is not None:
                return current.record.batch_window_hours, current.cite(self._catalogue)
        if provider is None or not provider.batch_windows:
            return None
        found = self._catalogue.records("api", provider.id, "batch_windows", as_of)
        return (found[-1].record.hours, found[-1].source_id) if found else None


def _genai_name(model: _Model) -> str:
    return model.catalogued.genai_model if model.catalogued else model.name


def _at(listed: ListPrice, shapes: Sequence[Shape], week_weights: Sequence[float] | None) -> Prices:
    return _mixed(listed, tuple(shapes), None if week_weights is None else tuple(week_weights))


@lru_cache(maxsize=256)  # exact fractions are slow, and a risk run asks for the same mix hundreds of times
def _mixed(listed: ListPrice, shapes: tuple[Shape, ...], week_weights: tuple[float, ...] | None) -> Prices:
    prices = mean_prices(listed, shapes)
    return prices.times(mean_ratio(listed.windows, week_weights)) if listed.windows else prices


def _off_peak(listed: ListPrice, shapes: Sequence[Shape]) -> OffPeak | None:
    if not listed.windows:
        return None
    ratio, wait = cheapest_hours(listed.windows)
    return OffPeak(mean_prices(listed, shapes).times(ratio), wait) if wait else None


def _reach(above: int | None, listed: ListPrice) -> str:
    """Which requests a tier is for."""
    return f"up to {listed.tiers[0][0]:,}" if above is None else f"above {above:,}"


def _shape_notes(ref: str, listed: ListPrice, shapes: Sequence[Shape], long_share: float) -> Iterator[str]:
    if not listed.tiers:
        return
    first = listed.tiers[0][0]
    if long_share > 0:
        # The lines show one price per kind of token; whoever recomputes it needs those that it is the mean of.
        used = {listed.at_input_tokens(shape.input_tokens) for shape in shapes}
        by_length = sorted(used, key=lambda pair: pair[1] or 0)
        prices = [f"${rates.input:f} in and ${rates.output:f} out per Mtok {_reach(above, listed)}" for rates, above in by_length]
        mean = "; the lines show their means over the tokens" if len(used) > 1 else ""
        yield f"{ref}: {long_share:.0%} of requests exceed {first:,} input tokens and cost more in all their tokens ({', '.join(prices)}{mean})"
    elif len(shapes) == 1 and shapes[0].input_tokens > first / 2:
        yield (
            f"{ref}: requests above {first:,} input tokens cost more; the mean is below, "
            "but a histogram under workload.requests would count the long ones"
        )


def _cache_notes(ref: str, listed: ListPrice, cached_share: float, write_share: float) -> Iterator[str]:
    if cached_share > 0 and listed.base.cached_input is None:
        yield f"{ref} lists no price for cached reads: they are charged as input"
    if write_share > 0 and listed.base.cache_write is None:
        yield f"{ref} lists no price for cache writes: they are charged as input"


def _change_notes(
    ref: str, life: CataloguedModel | None, as_of: dt.date, announced: Sequence[Announced], now: Prices
) -> Iterator[str]:
    for change in announced:
        yield (
            f"{ref}: from {change.effective} input costs ${change.prices.input:f} and output "
            f"${change.prices.output:f} per Mtok (now ${now.input:f} and ${now.output:f})"
        )
    yield from _end_notes(ref, life, as_of)


def _end_notes(ref: str, life: CataloguedModel | None, as_of: dt.date) -> Iterator[str]:
    if life is not None and life.retired_on is not None and life.retired_on > as_of:
        yield f"{ref} will be switched off on {life.retired_on}"


__all__ = ["Announced", "Host", "OffPeak", "PriceBook", "Prices", "Quote", "Shape", "list_price"]
