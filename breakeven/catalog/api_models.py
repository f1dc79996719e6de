"""One model at one provider as the catalogue knows it: its entries, life span and dated prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from breakeven.catalog.list_price import ListPrice, Rates
from breakeven.catalog.records import ApiModel, ApiPrice, ApiProvider, ApiTier, ProvisionedPrice
from breakeven.catalog.weekly import Window

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

T = TypeVar("T")


class Recorded(Struct, frozen=True):
    """A nested price record, the id it is cited by and the layer it stands in (0 = packaged)."""

    record: Any
    source_id: str
    layer: int
    file: str
    path: str

    def cite(self, catalogue: Catalogue) -> str:
        """Its source id, made known to the catalogue."""
        catalogue.register(self.source_id, file=self.file, path=self.path, record=self.record)
        return self.source_id

    def cite_throughput(self, catalogue: Catalogue) -> str:
        """The source id of a provisioned unit's throughput, which may have another page than its price."""
        page = self.record.throughput_source
        if page is None:
            return self.cite(catalogue)
        source_id, path = f"{self.source_id}.throughput", f"{self.path}.throughput"
        catalogue.register(source_id, file=self.file, path=path, record=self.record.model_copy(update={"source": page}))
        return source_id


class CataloguedModel(Struct, frozen=True):
    """All entries of one model in one provider's file and its overlays, in that order."""

    provider: ApiProvider
    entries: tuple[tuple[int, ApiModel], ...]

    @property
    def model(self) -> str:
        """The provider's own name of the model."""
        return self.entries[0][1].model

    @property
    def available_from(self) -> dt.date | None:
        """First day of service, where known."""
        return _latest(entry.available_from for _, entry in self.entries)

    @property
    def retired_on(self) -> dt.date | None:
        """First day without service, where known."""
        return _latest(entry.retired_on for _, entry in self.entries)

    @property
    def open_model(self) -> str | None:
        """Hugging Face id of the open weights it serves."""
        return _latest(entry.open_model for _, entry in self.entries)

    @property
    def genai_model(self) -> str:
        """Its id in genai-prices."""
        return _latest(entry.genai_model for _, entry in self.entries) or self.model

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions it is served from, where stated."""
        return _latest(entry.regions for _, entry in self.entries) or ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of its entries."""
        return tuple(entry.note for _, entry in self.entries if entry.note)

    def in_service(self, as_of: dt.date) -> bool:
        """Whether it is offered on the date, as far as its dates are known."""
        start, end = self.available_from, self.retired_on
        return (start is None or start <= as_of) and (end is None or as_of < end)

    def prices(self, catalogue: Catalogue) -> tuple[Recorded, ...]:
        """Every dated price per token."""
        return tuple(self._records(catalogue, "prices"))

    def provisioned(self, catalogue: Catalogue) -> tuple[Recorded, ...]:
        """Every dated price of provisioned throughput."""
        return tuple(self._records(catalogue, "provisioned"))

    def _records(self, catalogue: Catalogue, field: str) -> Iterator[Recorded]:
        for index, entry in self.entries:
            file, layer = catalogue.origin_of("api", self.provider.id, "models", index)
            for position, record in enumerate(getattr(entry, field)):
                path = f"models[{index}].{field}[{position}]"
                yield Recorded(record, f"api/{self.provider.id}#{path}", layer, file, path)


def _latest(values: Iterable[T | None]) -> T | None:
    """The last value that is stated: an overlay's entry comes after the package's."""
    found = None
    for value in values:
        found = value or found
    return found


def in_force(records: tuple[Recorded, ...], as_of: dt.date) -> Recorded | None:
    """The record that counts on a date: an overlay's before the package's, then the latest."""
    valid = [
        (recorded.layer > 0, recorded.record.effective, position, recorded)
        for position, recorded in enumerate(records)
        if recorded.record.effective <= as_of and (recorded.record.ends is None or as_of < recorded.record.ends)
    ]
    return max(valid, key=lambda row: row[:3])[3] if valid else None


def find_model(provider: ApiProvider, name: str) -> CataloguedModel | None:
    """The model by its own name or a declared alias; upper and lower case are alike."""
    wanted = name.lower()
    entries = tuple(
        (index, entry)
        for index, entry in enumerate(provider.models)
        if entry.model.lower() == wanted or any(alias.lower() == wanted for alias in entry.aliases)
    )
    return CataloguedModel(provider, entries) if entries else None


def list_price(recorded: Recorded) -> ListPrice:
    """The standard list price of a catalogue record."""
    record: ApiPrice = recorded.record
    return ListPrice(
        _rates(record, reasoning=record.reasoning_usd_per_mtok),
        record.effective,
        recorded.source_id,
        tuple(
            (tier.above_input_tokens, _rates(tier, reasoning=None))
            for tier in sorted(record.tiers, key=lambda tier: tier.above_input_tokens)
        ),
        tuple(Window.of(window) for window in record.windows),
        (record.note,) if record.note and record.note != "announced" else (),
    )


def variant_price(recorded: Recorded, variant: str) -> ListPrice | None:
    """The list price of a service tier or of batch; None where the record states no ratio for it."""
    standard = list_price(recorded)
    if variant == "standard":
        return standard
    record: ApiPrice = recorded.record
    ratio = getattr(record, f"{variant}_price_ratio")
    if ratio is None:
        return None
    cached = getattr(record, f"{variant}_cached_price_ratio", None)
    return standard.scaled(ratio=Decimal(repr(ratio)), cached_ratio=None if cached is None else Decimal(repr(cached)))


def _rates(record: ApiPrice | ApiTier, *, reasoning: str | None) -> Rates:
    def exact(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Rates(
        Decimal(record.input_usd_per_mtok),
        Decimal(record.output_usd_per_mtok),
        exact(record.cached_input_usd_per_mtok),
        exact(record.cache_write_usd_per_mtok),
        exact(reasoning),
    )


def provisioned_units(records: tuple[Recorded, ...]) -> tuple[str, ...]:
    """The kinds of provisioned unit on record, as ``unit (term)``."""
    found: dict[str, None] = {}
    for recorded in records:
        record: ProvisionedPrice = recorded.record
        found.update(dict.fromkeys(f"{record.unit} ({term})" for term in record.terms))
    return tuple(found)
