"""Figures that cannot be what they say they are: watts written in kW, a price of another unit, a page not yet read.

Power is held against what the accelerators of the machine are rated for (``power.py``), a price against
what the package has on file for the same accelerator. Only what no honest figure would be is refused.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from breakeven.catalog.importing.suspect import MAX_USD_PER_GPU_HOUR, MIN_USD_PER_GPU_HOUR
from breakeven.catalog.inventory import records_in
from breakeven.catalog.power import (
    Fault,
    Place,
    power_fault_at,
    power_faults,
    power_on,
    problem_at,
    quote_faults,
    rated_w,
)
from breakeven.catalog.records import QuotedOffer, RentalProvider, Server, SupplierQuote, Thing
from breakeven.errors import FactNotFound, Problem

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

# Prices of one accelerator on file lie within a factor of ten of each other; currencies, cents and totals lie further out.
MARGIN = 5.0
LEAST_ON_FILE = 3  # fewer prices than this are no range


Span = tuple[float, float]  # the least and the most of one price


class Priced(Struct, frozen=True):
    """A price per what, how to write it, the bounds of any such price, and where the package holds them."""

    unit: str
    fix: str
    bounds: Span
    read: Callable[[Catalogue], Iterator[tuple[str, Span]]]


class Plausibility:
    """Checks things of a catalogue; prices are held against the package's own, read once and only when asked."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[str, dict[str, list[Span]]] = {}

    def problems(self, kind: str, thing: Thing) -> Iterator[Problem]:
        """Power of servers, and prices that an overlay says."""
        if isinstance(thing, Server):
            yield from self._server(thing)
        elif isinstance(thing, RentalProvider):
            for index, price in enumerate(thing.prices):
                place = Place(kind, thing.id, "prices", index, "usd_per_gpu_hour")
                yield from self._price(place, RENT, price.accelerator, price.usd_per_gpu_hour.typical)
        elif isinstance(thing, SupplierQuote):
            for index, offer in enumerate(thing.offers):
                yield from self._quote(Place(kind, thing.id, "offers", index, ""), offer)

    def read_after(self, kind: str, thing: Thing, as_of: dt.date | None) -> Iterator[Problem]:
        """Records of overlays whose source was read after the day on which they are looked at, or after the release."""
        day, fix = as_of, "write the day on which it was read"
        if day is None:
            day, fix = self._catalogue.released, f"{fix}, or give --as-of, the day of this check"
        event = "" if as_of is not None else "the release of the catalogue, "
        for path, _, record in records_in(thing):
            field, index, *rest = (int(step) if step.isdigit() else step for step in re.findall(r"[a-z_]+|[0-9]+", path))
            place = Place(kind, thing.id, str(field), int(index), ".".join([*map(str, rest), "source.retrieved"]))
            if record.source.retrieved > day and self._is_said_by_overlay(place):
                yield self._at(place, f"{record.source.retrieved} is after {event}{day}", fix)

    def _quote(self, offer_at: Place, offer: QuotedOffer) -> Iterator[Problem]:
        for fault in quote_faults(self._catalogue, offer):
            yield self._at(offer_at.of(fault.field), fault.message, fault.fix)
        if offer.usd_per_gpu_hour is not None:
            yield from self._price(offer_at.of("usd_per_gpu_hour"), RENT, offer.accelerator, offer.usd_per_gpu_hour)
        if offer.usd_per_unit is not None and offer.gpus_per_unit:
            each = offer.usd_per_unit / offer.gpus_per_unit
            yield from self._price(offer_at.of("usd_per_unit"), MACHINE, offer.accelerator, each)

    def _server(self, server: Server) -> Iterator[Problem]:
        rated = rated_w(self._catalogue, server.accelerator, server.accelerators_count)
        found: dict[Place, Fault] = {}
        for day in sorted({record.effective for record in server.power}):
            known = power_on(self._catalogue, server.id, day)
            for fault in power_faults({name: watts for name, (watts, _) in known.items()}, rated):
                places = {name: index for name, (_, index) in known.items()}
                found.setdefault(power_fault_at(self._catalogue, server.id, fault, places), fault)
        for place, fault in found.items():
            yield self._at(place, fault.message, fault.fix)
        for index, price in enumerate(server.prices):
            each = price.capex_usd.typical / server.accelerators_count
            yield from self._price(Place("servers", server.id, "prices", index, "capex_usd"), MACHINE, server.accelerator, each)

    def _price(self, place: Place, what: Priced, accelerator: str | None, value: float) -> Iterator[Problem]:
        name = self._accelerator(accelerator)
        if name is None or not self._is_said_by_overlay(place):
            return
        spans = self._on_file(what).get(name, ())
        if len(spans) >= LEAST_ON_FILE:
            low, high = min(span[0] for span in spans), max(span[1] for span in spans)
            known = f"the {len(spans)} prices of {name} on file are ${low:,.10g} to ${high:,.10g}"
            bounds = (low / MARGIN, high * MARGIN)
        else:
            bounds, known = what.bounds, f"no accelerator has ever been sold so, and there is no range of {name} on file"
        if not bounds[0] <= value <= bounds[1]:
            yield self._at(place, f"cannot be ${value:,.10g} per {what.unit}: {known}", f"write {what.fix}")

    def _on_file(self, what: Priced) -> dict[str, list[Span]]:
        """Prices of the package by accelerator, without those of overlays."""
        if what.unit not in self._known:
            package = self._catalogue.without_overlays()
            known: dict[str, list[Span]] = {}
            for accelerator, span in what.read(package):
                known.setdefault(package.resolve("accelerators", accelerator), []).append(span)
            self._known[what.unit] = known
        return self._known[what.unit]

    def _accelerator(self, name: str | None) -> str | None:
        try:
            return None if name is None else self._catalogue.resolve("accelerators", name)
        except FactNotFound:
            return None

    def _is_said_by_overlay(self, place: Place) -> bool:
        return self._catalogue.origin_of(place.kind, place.name, place.field, place.index)[1] > 0

    def _at(self, place: Place, message: str, fix: str) -> Problem:
        return problem_at(self._catalogue, place, message, fix)


def _rents(package: Catalogue) -> Iterator[tuple[str, Span]]:
    for provider in package.all("rental"):
        for price in provider.prices:  # type: ignore[attr-defined]
            yield price.accelerator, (price.usd_per_gpu_hour.low, price.usd_per_gpu_hour.high)


def _machines(package: Catalogue) -> Iterator[tuple[str, Span]]:
    for part in package.all("accelerators"):
        for price in part.prices:  # type: ignore[attr-defined]
            yield part.id, (price.capex_usd.low, price.capex_usd.high)
    for server in package.all("servers"):
        count: int = server.accelerators_count  # type: ignore[attr-defined]
        for price in server.prices:  # type: ignore[attr-defined]
            yield server.accelerator, (price.capex_usd.low / count, price.capex_usd.high / count)  # type: ignore[attr-defined]


RENT = Priced("GPU-hour", "US dollars per GPU and hour", (MIN_USD_PER_GPU_HOUR, MAX_USD_PER_GPU_HOUR), _rents)
MACHINE = Priced("GPU of a server", "US dollars per server", (0.0, math.inf), _machines)
