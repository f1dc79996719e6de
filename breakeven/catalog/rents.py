"""Rental prices of one accelerator across every provider, reading no more than names it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from breakeven.catalog.citation import Cited
from breakeven.catalog.excerpt import records_naming
from breakeven.catalog.fact_files import shown_path
from breakeven.catalog.records import RentalPrice
from breakeven.catalog.trusted import construct

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue


def current_rentals(
    catalogue: Catalogue, *, accelerator: str, as_of: dt.date, provider: str | None, term: str | None,
    region: str | None,
) -> tuple[Cited[RentalPrice], ...]:  # fmt: skip
    """The latest price per provider, SKU, region and term."""
    latest: dict[tuple[str, ...], Cited[RentalPrice]] = {}
    for cited in observed_rentals(catalogue, accelerator=accelerator, as_of=as_of, provider=provider, term=term):
        record = cited.record
        if region is None or (record.region or "").lower() == region.lower():
            key = (cited.thing_id, record.sku or "", record.region or "", record.term, str(record.gpus_per_sku))
            latest[key] = cited
    return tuple(latest[key] for key in sorted(latest))


def observed_rentals(
    catalogue: Catalogue, *, accelerator: str, as_of: dt.date, provider: str | None, term: str | None
) -> Iterator[Cited[RentalPrice]]:
    """Every price on file that has begun and not ended, by provider, oldest first, the user's own last."""
    wanted = catalogue.resolve("accelerators", accelerator)
    providers = (catalogue.resolve("rental", provider),) if provider else catalogue.ids("rental")
    for name in providers:
        found = _packaged(catalogue, name, wanted) if catalogue.files.is_packaged("rental", name) else None
        if found is None:
            rows = [
                cited
                for cited in catalogue.records("rental", name, "prices", as_of)
                if catalogue.resolve("accelerators", cited.record.accelerator) == wanted
            ]
        else:
            rows = [cited for cited in found if cited.record.is_in_force(as_of)]
            rows.sort(key=lambda cited: cited.record.effective)
        yield from (cited for cited in rows if term is None or cited.record.term == term)


def _packaged(catalogue: Catalogue, name: str, accelerator: str) -> list[Cited[RentalPrice]]:
    """The records of a packaged provider that name the accelerator by its id, as packaged files do."""
    key = (name, accelerator)
    if key not in catalogue.rents_read:  # sweeps and the gate ask again and again
        path = catalogue.files.table["rental"][name][0][0]
        file = shown_path(path)
        rows = records_naming(path.read_bytes(), str(path), field="prices", key="accelerator", value=accelerator)
        catalogue.rents_read[key] = [
            catalogue.cite("rental", name, "prices", index, construct(RentalPrice, data), file) for index, data in rows
        ]
    return catalogue.rents_read[key]
