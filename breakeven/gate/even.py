"""What no profile may look cheaper by, made equal before anything is compared.

A shorter month has a smaller cost a month, whether a change shortens it or a profile starts with it, so
every month of the gate is the default's. The years over which one-off costs are spread are a profile's
own choice, but a change of them moves no money: both sides are counted in the base's.
"""

from __future__ import annotations

from typing import Any

from breakeven.profile.finance_section import Finance
from breakeven.profile.load import LoadedProfile, from_document
from breakeven.yamlio import Document

MONTH_HOURS: float = Finance.model_fields["hours_per_month"].default
_YEARS = "horizon_years"


def in_the_gates_month(loaded: LoadedProfile) -> LoadedProfile:
    """The profile with the month in which the gate counts; itself where it has that one."""
    if loaded.profile.finance.hours_per_month == MONTH_HOURS:
        return loaded
    return _with_data(loaded, month_left_out(loaded.document.data))


def month_left_out(data: Any) -> Any:
    """A profile's data with the default's month."""
    return _with_finance(data, "hours_per_month", None)


def over_the_bases_years(head: LoadedProfile, base: LoadedProfile) -> LoadedProfile:
    """The head with its one-off costs spread over as many years as the base's, as the base writes them."""
    if head.profile.finance.horizon_years == base.profile.finance.horizon_years:
        return head
    return _with_data(head, _with_finance(head.document.data, _YEARS, (base.document.data.get("finance") or {}).get(_YEARS)))


def _with_finance(data: Any, key: str, value: Any) -> Any:
    kept = {name: said for name, said in (data.get("finance") or {}).items() if name != key}
    return {**data, "finance": kept if value is None else {**kept, key: value}}


def taken_back(head: LoadedProfile, base: LoadedProfile | None) -> list[str]:
    """What is counted otherwise than the profiles say, for the reader who compares with another report."""
    notes = []
    hours = head.profile.finance.hours_per_month
    if hours != MONTH_HOURS:
        notes.append(f"finance.hours_per_month is {hours:g} here ({_place(head, 'hours_per_month')}); the gate counts every cost in a month of {MONTH_HOURS:g} hours")
    if base is not None and base.profile.finance.hours_per_month not in (MONTH_HOURS, hours):
        notes.append(f"finance.hours_per_month is {base.profile.finance.hours_per_month:g} at the base; the gate counts every cost in a month of {MONTH_HOURS:g} hours")
    years = None if base is None else (base.profile.finance.horizon_years, head.profile.finance.horizon_years)
    if years is not None and years[0] != years[1]:
        notes.append(f"finance.{_YEARS} goes from {years[0]:g} to {years[1]:g} ({_place(head, _YEARS)}); both sides spread one-off costs over the base's {years[0]:g}")
    return notes


def _place(loaded: LoadedProfile, key: str) -> str:
    place = loaded.document.key_position(("finance", key))
    return f"{loaded.path}:{place[0]}" if place else loaded.path


def _with_data(loaded: LoadedProfile, data: Any) -> LoadedProfile:
    return from_document(Document(data, loaded.path, loaded.document.node))
