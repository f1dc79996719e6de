"""What a machine draws, held against what its accelerators are rated for: watts written in kW, idle above busy.

Only what no honest figure would be is a fault.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from breakeven.catalog.fact_files import fact_document, shown_path
from breakeven.catalog.records import QuotedOffer
from breakeven.errors import FactNotFound, Problem

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

# The least share of its accelerators' rated power that a machine can be rated for, draw under load and draw idle.
# An idle accelerator draws some 10 % of its rating, and kilowatts written as watts come to 0.2 % at most.
LEAST_POWER = {"nameplate_w": 1.0, "active_w": 0.1, "idle_w": 0.01}


class Place(Struct, frozen=True):
    """One key of one record of a thing, by its index in the thing as all files together make it."""

    kind: str
    name: str
    field: str
    index: int
    key: str

    def of(self, key: str) -> Place:
        """Another key of the same record."""
        return Place(self.kind, self.name, self.field, self.index, key)


class Fault(Struct, frozen=True):
    """One field of a record that cannot be right."""

    field: str
    message: str
    fix: str
    against: str | None = None  # the other field, where two contradict each other


def rated_w(catalogue: Catalogue, accelerator: str | None, count: int | None) -> float | None:
    """Rated power of so many accelerators together; None where it is not on file."""
    if accelerator is None or not count:
        return None
    try:
        specs = catalogue.find("accelerators", accelerator).specs  # type: ignore[attr-defined]
    except FactNotFound:
        return None
    rated = [float(spec.tdp_w) for spec in specs if spec.tdp_w is not None]
    return rated[-1] * count if rated else None


def power_faults(power: Mapping[str, float | None], rated: float | None) -> tuple[Fault, ...]:
    """What of a machine's ``nameplate_w``, ``active_w`` and ``idle_w`` cannot be watts, or is out of order.

    >>> [fault.field for fault in power_faults({"nameplate_w": 10.2, "active_w": 6200, "idle_w": 2900}, 5600.0)]
    ['nameplate_w']
    >>> [fault.field for fault in power_faults({"nameplate_w": 10200, "active_w": 2000, "idle_w": 2900}, 5600.0)]
    ['active_w']
    """
    out = []
    for name, share in LEAST_POWER.items():
        value = power.get(name)
        if value is not None and rated is not None and value < share * rated:
            least = "" if share == 1.0 else f"{share:.0%} of "
            out.append(
                Fault(name, f"cannot be {value:,.10g} W: its accelerators are rated at {rated:,.0f} W together",
                      f"write watts, {least}that or more (10.2 kW is 10200)")
            )  # fmt: skip
    if out:
        return tuple(out)
    for low, high in (("idle_w", "active_w"), ("active_w", "nameplate_w")):
        below, above = power.get(low), power.get(high)
        if below is not None and above is not None and below > above:
            message = f"{high}, {above:,.10g} W, is below {low}, {below:,.10g} W"
            out.append(Fault(high, message, "swap or mend them", low))
    return tuple(out)


def quote_faults(catalogue: Catalogue, record: QuotedOffer) -> tuple[Fault, ...]:
    """What of a quoted server's power cannot be right."""
    power = {name: getattr(record, name) for name in LEAST_POWER}
    return power_faults(power, rated_w(catalogue, record.accelerator, record.gpus_per_unit))


def power_on(catalogue: Catalogue, server: str, day: dt.date) -> dict[str, tuple[float, int]]:
    """(watts, place among the server's power records) of each figure in force on a day; the latest record counts."""
    out: dict[str, tuple[float, int]] = {}
    for cited in catalogue.records("servers", server, "power", day):
        index = int(cited.source_id.rpartition("[")[2].rstrip("]"))
        for name in LEAST_POWER:
            value = getattr(cited.record, name)
            if value is not None:
                out[name] = (value if isinstance(value, float) else value.typical, index)
    return out


def power_fault_at(catalogue: Catalogue, server: str, fault: Fault, places: Mapping[str, int]) -> Place:
    """The record to mend: that of the field, unless only the other one is the user's own."""
    index, against = places[fault.field], places.get(fault.against or "")
    own = catalogue.origin_of("servers", server, "power", index)[1] > 0
    if not own and against is not None and fault.against is not None:
        return Place("servers", server, "power", against, fault.against)
    return Place("servers", server, "power", index, fault.field)


def problem_at(catalogue: Catalogue, place: Place, message: str, fix: str) -> Problem:
    """A problem of one key of a record, at its line of the file that holds it."""
    where = (place.kind, place.name, place.field)
    file, layer = catalogue.origin_of(*where, place.index)
    before = sum(catalogue.origin_of(*where, index) == (file, layer) for index in range(place.index))
    path = next(path for path, at in catalogue.files.table[place.kind][place.name] if (shown_path(path), at) == (file, layer))
    steps = (int(step) if step.isdigit() else step for step in place.key.split("."))
    found = fact_document(path).problem((place.field, before, *steps), message, fix)
    return Problem(message, fix, file, found.line, found.column, found.field)
