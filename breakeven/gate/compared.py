"""One profile, base against head, with the two questions kept apart.

    this change = cost(head's profile, head's facts) - cost(base's profile, head's facts)      USD/month
    the market  = cost(head's profile, head's facts) - cost(head's profile, base's facts)      USD/month

What neither did alone is shown as what they did together, so that the parts always sum to the whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from breakeven import __version__
from breakeven.compare.at_volume import at_volume
from breakeven.compare.numbers import usd
from breakeven.compare.result import Comparison
from breakeven.compare.verdict import choose_pair
from breakeven.errors import InputError, Problem
from breakeven.gate.attribution import Share, attribute
from breakeven.gate.even import in_the_gates_month, month_left_out, over_the_bases_years, taken_back
from breakeven.gate.facts import World
from breakeven.gate.remarks import confidential, remarks
from breakeven.gate.report import Compared, ToolChange
from breakeven.gate.same_tasks import at_the_bases_tasks
from breakeven.gate.snapshot import Snapshot, snapshot
from breakeven.offers.build import build_offers
from breakeven.profile.load import LoadedProfile, from_document
from breakeven.yamlio import Document


class Facts(Struct, frozen=True):
    """Three sets of facts: those that judge, and those of the base and the head for the market's part.

    With a base revision the base's overlays judge, so that a change of overlays can loosen nothing.
    """

    judged: World
    head: World


class Side(Struct, frozen=True):
    """The base of one profile."""

    loaded: LoadedProfile
    as_of: dt.date | None = None  # a baseline's or a lock's date; else as the profile and the facts say
    recorded: Snapshot | None = None  # what a baseline or a result says it cost
    recorded_by: str = __version__  # the version of the tool that recorded it
    recorded_facts: str | None = None  # the digest of the facts it was recorded on, where that is known
    data: Any = None  # its data with files that differ from the head's named where they lie
    labels: Mapping[str, str] = field(default_factory=dict)  # such names as people know them
    moved_from: str | None = None  # its path at the base, if it was another

    @property
    def raw(self) -> Any:
        return self.loaded.document.data if self.data is None else self.data


class Counted(Struct, frozen=True):
    """A profile as it was counted, and how any other data in its place is."""

    head: LoadedProfile
    base_data: Any  # what the base's says, its files named where they lie; None where there is none
    cost: Callable[[Any], float]  # USD a month of the subject; BreakevenError where the data are none that can be served


def compare_profile(head: LoadedProfile, base: Side | None, *, subject: str, facts: Facts) -> tuple[Compared, Comparison, Counted]:
    """Both sides compared, the head's result on the facts that judge, and how both were counted.

    Raises BreakevenError when a side cannot be computed: unknown is never unchanged.
    """
    judged = facts.judged
    date = judged.date_of(head)
    name, path = head.profile.name, head.path
    notes = taken_back(head, None if base is None else base.loaded)
    head, base = _evened(head, base)
    result = judged.compare(head, date)
    counted = Counted(head, None if base is None else base.raw, _cost(head, subject, judged, date))
    now = snapshot(result, subject)
    later = None if facts.head is judged else snapshot(facts.head.compare(head, date), subject)
    if base is None:
        notes += confidential(result)
        row = Compared(name, path, None, now, None, None, date, date, notes=tuple(notes), first_after=_first(result), later=later)
        return row, result, counted
    base_date = base.as_of or judged.date_of(base.loaded)
    # The same bytes of data and files cost the same: half the work of a repository where little changed.
    same = base.data is None and repr(base.loaded.document.data) == repr(head.document.data)
    base_result = result if same else judged.compare(base.loaded, date)
    base_now = snapshot(base_result, subject)
    change = _less(now, base_now)
    then = now if base_date == date else snapshot(judged.compare(head, base_date), subject)
    today = now if later is None else later
    market = _less(today, then)
    shown, tool, versions, market_of = base_now, 0.0, None, None
    if base.recorded is not None or base_date != date:
        shown = snapshot(judged.compare(base.loaded, base_date), subject)
    if base.recorded is not None:
        moved = _less(shown, base.recorded)
        shown = base.recorded
        if moved is not None and abs(moved) >= 0.005:
            if base.recorded_by == __version__:  # the same tool on other facts
                market_of = _share_whole(market, moved, today, then, base.recorded)
                market = None if market is None else market + moved
            else:
                tool = moved
                other_facts = base.recorded_facts is not None and base.recorded_facts != judged.catalogue.digest
                versions = ToolChange("tool version with its facts" if other_facts else "tool version", base.recorded_by, __version__, base.loaded.path)
                notes.append(f"{versions.cause}: {base.recorded_by} -> {__version__} moves the cost of what was recorded by {'-' if tool < 0 else '+'}{usd(abs(tool))} a month")
        elif moved is None:
            market = None
    shares: tuple[Share, ...] = ()
    if change is not None and not same and now.usd_per_month is not None and base_now.usd_per_month is not None:
        shares, note = attribute(
            base.raw, head.document.data, head.document, counted.cost,
            before=base_now.usd_per_month, after=now.usd_per_month,
        )  # fmt: skip
        notes += [note] if note else []
        shares = tuple(replace(share, changes=tuple(_labelled(c, base.labels) for c in share.changes)) for share in shares)
    notes += [] if same else remarks(base.loaded, head, base_now, now)
    notes += confidential(result, base_result)
    # A head that cannot serve at all is a finding of its own.
    as_many, fewer = (at_the_bases_tasks(head, base.loaded) if now.usd_per_month is not None else None) or (None, None)
    same_work = None if as_many is None else _subject_cost(judged, as_many, subject, date)
    unserved = as_many is not None and same_work is None
    row = Compared(
        name, path, shown, now, change, market, date, base_date, base_now=base_now, market_of_usd_per_month=market_of, tool_usd_per_month=tool, tool=versions, shares=shares,
        notes=tuple(notes), moved_from=base.moved_from, first_before=_first(base_result), first_after=_first(result), later=later,
        same_work_usd_per_month=same_work, same_work_unserved=unserved, fewer_tasks=fewer,
    )  # fmt: skip
    return row, result, counted


def _evened(head: LoadedProfile, base: Side | None) -> tuple[LoadedProfile, Side | None]:
    """Both sides in one month, and their one-off costs over the same years."""
    head = in_the_gates_month(head)
    if base is None:
        return head, None
    loaded = in_the_gates_month(base.loaded)
    if loaded is not base.loaded:
        base = replace(base, loaded=loaded, data=None if base.data is None else month_left_out(base.data))
    return over_the_bases_years(head, loaded), base


def _less(after: Snapshot, before: Snapshot) -> float | None:
    if after.usd_per_month is None or before.usd_per_month is None:
        return None
    return after.usd_per_month - before.usd_per_month


def _share_whole(market: float | None, moved: float, today: Snapshot, then: Snapshot, recorded: Snapshot) -> float | None:
    """What market + moved is a share of: one is counted on the head's profile, the other on the base's, and both add up as rates.

    Facts that are gone with an older catalogue are known by what was recorded on them only, which is the base's cost: as a
    share of a head that costs twice as much, a rise of theirs would look half as large.
    """
    now, was, before = today.usd_per_month, then.usd_per_month, recorded.usd_per_month
    if market is None or now is None or was is None or before is None:
        return None
    if was <= 0.0 or before <= 0.0:
        return 0.0
    rate = now / was * ((before + moved) / before) - 1.0
    whole = (market + moved) / rate if rate else 0.0
    return whole if whole > 0.0 else None


def _labelled(change: Any, labels: Mapping[str, str]) -> Any:
    label = labels.get(change.before) if isinstance(change.before, str) else None
    return change if label is None else replace(change, before=label, after=None if change.after is None else f"{change.after} as it is here")


def _cost(head: LoadedProfile, subject: str, world: World, date: dt.date) -> Callable[[Any], float]:
    """Monthly cost of the subject for raw profile data, read as if it stood where the head stands."""

    known: dict[Any, float | None] = {}

    def cost(data: Any) -> float:
        loaded = from_document(Document(data, head.path, head.document.node))
        asked = loaded.profile
        parts = (asked.workload, asked.latency, asked.requirements, asked.api, asked.self_host, asked.finance)
        if parts not in known:  # 30% and 0.3 cost the same, and so do two mixes that differ only by that
            known[parts] = _subject_cost(world, loaded, subject, date)
        value = known[parts]
        if value is None:
            raise InputError(Problem("a mix of old and new keys cannot be served", "see both results", head.path))
        return value

    return cost


def _subject_cost(world: World, loaded: LoadedProfile, subject: str, date: dt.date) -> float | None:
    """What :func:`snapshot` says of a whole comparison, without the crossings: an attribution asks for it a thousand times."""
    scope = world.scope(loaded if _may_mix(subject) else _unmixed(loaded), date)
    workload = scope.profile.workload
    rows = [
        at_volume(
            offer, tokens_per_day=workload.volume_tokens_per_day, tokens_per_request=workload.tokens_per_request,
            calls_per_task=workload.calls_per_task, hours_per_month=scope.profile.finance.hours_per_month,
        )
        for offer in build_offers(scope)
    ]  # fmt: skip
    if subject.startswith("headline-"):
        api, own = choose_pair(rows)
        paid = api if subject == "headline-api" else own
        return paid.usd_per_month if paid is not None and paid.offer.feasible else None
    chosen = (row for row in rows if row.offer.feasible and (row.offer.eligible if subject == "cheapest" else row.offer.id == subject))
    return min((row.usd_per_month for row in chosen if row.usd_per_month is not None), default=None)


def _may_mix(subject: str) -> bool:
    """Whether a mix of machines and an API could be what is judged."""
    return subject == "cheapest" or subject.startswith("hybrid:")


def _unmixed(loaded: LoadedProfile) -> LoadedProfile:
    """The profile without mixes, which take as long to build as all that they are made of."""
    host = loaded.profile.self_host.model_copy(update={"hybrid": False})
    return replace(loaded, profile=loaded.profile.model_copy(update={"self_host": host}))


def _first(result: Comparison) -> float | None:
    head = result.headline
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    return found.first_tokens_per_day if found else None
