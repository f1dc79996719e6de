"""At which value of a key does the verdict flip?

The verdict at the profile's volume is the sign of (self-hosting - API). Volume is solved exactly
from the crossing law. Any other number of the profile is probed over a range by the builders
themselves, and each change of sign is closed in on to the last digits; a jump (one more replica)
flips between two neighbouring numbers. Source: docs/model.md, equation ``flip``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.compare.axes import refuse_outputs
from breakeven.compare.barred import reasons
from breakeven.compare.crossover import crossover
from breakeven.compare.verdict import choose_pair
from breakeven.errors import BreakevenError, InputError, Problem
from breakeven.offers.build import build_offers
from breakeven.offers.offer import Offer
from breakeven.offers.other_values import at_values, price_follows_volume
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile, parse_key, with_values

SOLVE_SCHEMA_VERSION = 1
VOLUME_KEYS = ("workload.tokens_per_day", "workload.requests_per_day", "workload.tasks_per_day")
_SHARES = tuple(i / 20 for i in range(21))
_LADDER = tuple(10.0 ** (i / 4) for i in range(-16, 17))
_POWERS_OF_TWO = frozenset(2.0**n for n in range(18))  # counts that models divide over
_BISECTIONS = 80
_EDGE = 1e-9  # of a value: how narrowly the end of what can be served is closed in on


class FlipValue(Struct, frozen=True):
    """One value at which the verdict changes; ``above`` is who is cheaper past it."""

    value: float
    below: str
    above: str


class Unserved(Struct, frozen=True):
    """Where nothing serves: ``below`` or ``above`` the last ``value`` that still does, as far as values were tried, and why."""

    side: str
    value: float
    tried_to: float
    why: str


class Solution(Struct, frozen=True):
    """The flips of one key, nearest to the present value first; ``low`` and ``high`` are those of what can be served."""

    key: str
    now: float | None
    cheaper_now: str
    flips: tuple[FlipValue, ...]
    low: float
    high: float
    why_not: str | None = None
    difference_now_usd_per_day: float | None = None  # self-hosting less API; None where nothing can be compared
    cheaper_throughout: str | None = None  # from low to high, where nothing flips between them
    unserved: tuple[Unserved, ...] = ()


class Side(Struct, frozen=True):
    """One of the pair whose verdict is solved for, and why it is not advised."""

    offer: str
    name: str
    why_not: tuple[str, ...]
    able: bool = True  # False: it cannot serve the workload, whatever is required


def sides(scope: Scope) -> tuple[Side | None, Side | None]:
    """The API and the machines that ``solve`` compares."""
    api, own = (
        None if offer is None else Side(offer.id, offer.name, reasons(offer), offer.feasible)
        for offer in _pair(scope)
    )
    return api, own


def default_keys(scope: Scope) -> tuple[str, ...]:
    """The keys most worth asking about for this profile."""
    profile = scope.profile
    volume = next(key for key in VOLUME_KEYS if getattr(profile.workload, key.split(".")[1]) is not None)
    keys = [volume, "api[0].discount"]
    _, own = _pair(scope)
    # A quote that the catalogue adds is not an entry of the profile: no key of it can be set.
    if own is not None and (index := int(own.meta["supply"])) < len(scope.loaded.document.data["self_host"]["supply"]):
        supply = f"self_host.supply[{index}]"
        if own.kind == "rented":
            keys.append(f"{supply}.usd_per_gpu_hour")
        else:
            leased = profile.self_host.supply[index].lease_usd_per_month is not None
            bought = ("lease_usd_per_month",) if leased else ("capex_usd", "life_years")
            keys += [*(f"{supply}.{name}" for name in bought), f"{supply}.electricity_usd_per_kwh"]
    keys += ["self_host.labour_fte", "workload.cached_input_share", "workload.output_tokens",
             "workload.demand.peak_to_mean", "self_host.headroom_share"]  # fmt: skip
    if profile.workload.requests:
        keys.remove("workload.output_tokens")
    return tuple(keys)


def solve(scope: Scope, key: str, *, low: float | None = None, high: float | None = None) -> Solution:
    """Every flip of ``key`` between ``low`` and ``high`` (a wide range about the present value when None)."""
    refuse_outputs(key, "solve")
    loc = parse_key(key)
    if low is not None and high is not None and low >= high:
        raise InputError(Problem(f"the range is upside down ({low:g} to {high:g})", "swap its ends", "--between", field=key))
    now = _present(scope, key, loc)
    gap_now = _gap(scope)
    if gap_now is None:
        return Solution(key, now, "api", (), low or 0.0, high or 0.0, nothing_to_weigh(scope))
    cheaper = _who(gap_now)
    if key in VOLUME_KEYS and not price_follows_volume(scope):
        return replace(_volume(scope, key, now, cheaper, low, high), difference_now_usd_per_day=gap_now)
    grid = _grid(scope, key, now, low, high)
    if key in VOLUME_KEYS:
        grid = _with_crossings(scope, key, grid)
    if len(grid) < 2:
        with_values(scope.loaded, {key: 1})  # where the key takes no number at all, the profile's words say why
        raise InputError(
            Problem("no range of values to try", "give --between low:high within what the key allows", "solve", field=key)
        )
    served = [(value, _who(gap)) for value, gap in grid if gap is not None]
    if not served:
        why_not = _why_unserved(scope, key, grid[0][0])
        return Solution(key, now, cheaper, (), grid[0][0], grid[-1][0], why_not, difference_now_usd_per_day=gap_now)
    flips = [
        FlipValue(_close_in(scope, key, left, right, before), before, after)
        for (left, before), (right, after) in pairwise(served) if before != after
    ]  # fmt: skip
    flips.sort(key=lambda flip: _distance(flip.value, now))
    unserved = _unserved(scope, key, [value for value, _ in grid], served[0][0], served[-1][0])
    ends = {one.side: one.value for one in unserved}
    return Solution(
        key, now, cheaper, tuple(flips), ends.get("below", served[0][0]), ends.get("above", served[-1][0]),
        difference_now_usd_per_day=gap_now, cheaper_throughout=None if flips else served[0][1], unserved=unserved,
    )  # fmt: skip


def _unserved(scope: Scope, key: str, values: Sequence[float], first: float, last: float) -> tuple[Unserved, ...]:
    """Below the first value that is served and above the last one, where values were tried there."""
    sides_tried = (("below", first, [v for v in reversed(values) if v < first]), ("above", last, [v for v in values if v > last]))
    found = []
    for side, end, tried in sides_tried:
        if tried:
            # The reason of the farthest: beside the edge a request of 131,072.01 tokens is more than 131,072.
            edge = _edge(scope, key, end, tried[0])
            why = _why_unserved(scope, key, tried[-1], last=_served_by(scope, key, edge))
            found.append(Unserved(side, edge, tried[-1], why))
    return tuple(found)


def _edge(scope: Scope, key: str, serves: float, fails: float) -> float:
    """The last value that is served on the way from one that is to one that is not."""
    whole, narrow = _is_whole(scope, key), _EDGE * max(abs(serves), abs(fails))
    while abs(fails - serves) > (1.0 if whole else narrow):
        middle = serves + (fails - serves) / 2.0
        middle = float(math.floor(middle)) if whole else middle
        if _at(scope, key, int(middle) if whole else middle) is None:
            fails = middle
        else:
            serves = middle
    return serves


def _why_unserved(scope: Scope, key: str, value: float, *, last: Collection[str] = ()) -> str:
    try:
        return nothing_to_weigh(_scope_at(scope, key, value), last=last)
    except BreakevenError as error:
        return error.problems[0].message


def _scope_at(scope: Scope, key: str, value: float) -> Scope:
    return at_values(scope, {key: int(value) if _is_whole(scope, key) else value})


def _served_by(scope: Scope, key: str, value: float) -> frozenset[str]:
    """The machines that serve at a value: beyond the last such value, what stops them is why nothing serves."""
    try:
        return frozenset(offer.id for offer in _machines(_scope_at(scope, key, value)) if offer.feasible)
    except BreakevenError:
        return frozenset()


def _machines(scope: Scope) -> list[Offer]:
    return [offer for offer in build_offers(_plain(scope)) if offer.kind in ("rented", "owned")]


def nothing_to_weigh(scope: Scope, *, last: Collection[str] = ()) -> str:
    """Why there is no pair: the reason of the first machines, as the verdict of ``run`` gives it, or of the ``last`` that served."""
    barred = [offer for offer in _machines(scope) if not offer.feasible and offer.why_not]
    barred.sort(key=lambda offer: offer.id not in last)
    first = barred[0].why_not[0] if barred else None
    return "no self-hosted offer can serve this workload" + (f": {first}" if first else "")


def _volume(
    scope: Scope, key: str, now: float | None, cheaper: str, low: float | None, high: float | None
) -> Solution:
    api, own = _pair(scope)
    assert api is not None and own is not None
    per_unit = _tokens_per_unit(scope, key)
    found = crossover(api, own)
    names = {api.id: "api", own.id: "self_host"}
    flips = []
    for before, after in pairwise(found.intervals):
        value = after.from_tokens_per_day / per_unit
        if (low is None or value >= low) and (high is None or value <= high):
            flips.append(FlipValue(value, names[before.cheaper], names[after.cheaper]))
    flips.sort(key=lambda flip: _distance(flip.value, now))
    throughout = next((names[one.cheaper] for one in reversed(found.intervals) if one.from_tokens_per_day / per_unit <= (low or 0.0)), cheaper)
    return Solution(
        key, now, cheaper, tuple(flips), low or 0.0, math.inf if high is None else high,
        cheaper_throughout=None if flips else throughout,
    )  # fmt: skip


def _tokens_per_unit(scope: Scope, key: str) -> float:
    """Tokens of one unit of a volume key."""
    workload = scope.profile.workload
    if key == VOLUME_KEYS[0]:
        return 1.0
    return workload.tokens_per_request * (workload.calls_per_task if key == VOLUME_KEYS[2] else 1.0)


def _with_crossings(
    scope: Scope, key: str, grid: list[tuple[float, float | None]]
) -> list[tuple[float, float | None]]:
    """The grid of a volume with both sides of every crossing of the bills that hold at its values.

    Where a quote has price breaks each order has its own bill, and a staircase may cross more than once within a step of the grid.
    """
    edges: dict[str, float] = {}
    for value, _ in grid:
        there = at_values(scope, {key: value})
        api, own = _pair(there)
        if api is None or own is None:
            continue
        for interval in crossover(api, own).intervals[1:]:
            edge = interval.from_tokens_per_day / _tokens_per_unit(there, key)
            edges[f"{edge:.12e}"] = edge
    beside = {value * side for value in edges.values() for side in (1 - 1e-9, 1 + 1e-9)}
    more = {value for value in beside if grid[0][0] < value < grid[-1][0]} - {value for value, _ in grid}
    return sorted([*grid, *((value, _at(scope, key, value)) for value in more)], key=lambda pair: pair[0])


def _pair(scope: Scope) -> tuple[Offer | None, Offer | None]:
    """The headline pair without what it does not need: no hybrids."""
    offers = build_offers(_plain(scope))
    api, own = choose_pair([_Row(offer) for offer in offers])  # type: ignore[misc]
    return (api.offer if api else None), (own.offer if own else None)


def _plain(scope: Scope) -> Scope:
    profile = scope.profile
    plain = profile.model_copy(update={"self_host": profile.self_host.model_copy(update={"hybrid": False})})
    return replace(scope, loaded=LoadedProfile(plain, scope.loaded.document, scope.loaded.overrides))


class _Row(Struct, frozen=True):
    offer: Offer


def _gap(scope: Scope) -> float | None:
    """Self-hosting less API in USD a day at the profile's volume; None where it cannot serve."""
    api, own = _pair(scope)
    if api is None or own is None or own.tokens_per_day_per_replica is None:
        return None
    volume = scope.profile.workload.volume_tokens_per_day
    return own.usd_per_day_at(volume) - api.usd_per_day_at(volume)


def _who(gap: float) -> str:
    return "self_host" if gap < 0 else "api"


def _at(scope: Scope, key: str, value: float | int) -> float | None:
    """The gap with the key at a value; None where the value is not allowed or nothing can serve."""
    try:
        return _gap(at_values(scope, {key: value}))
    except BreakevenError:
        return None


def _present(scope: Scope, key: str, loc: tuple[int | str, ...]) -> float | None:
    """The key's value now. Raises InputError, with the nearest keys, for one that does not exist."""
    node: Any = scope.profile
    for depth, step in enumerate(loc):
        try:
            node = node[step] if isinstance(step, int) else getattr(node, step)
        except (AttributeError, IndexError, TypeError):
            with_values(scope.loaded, {key: 1})  # says what is wrong with the key, in the profile's words
            if depth == len(loc) - 1:
                return None
            node = None
    if node is None:
        return _from_facts(scope, str(loc[-1]))
    if isinstance(node, bool) or not isinstance(node, (int, float)):
        raise InputError(Problem("is not a number, so it has no flip value", "name a numeric key", "solve", field=key))
    return float(node)


def _from_facts(scope: Scope, name: str) -> float | None:
    """What the catalogue gives for a key that the profile leaves to it."""
    _, own = _pair(scope)
    for line in own.lines if own is not None else ():
        for term in line.terms:
            if term.name == name and isinstance(term.value, (int, float)):
                return float(term.value)
    return None


def _grid(
    scope: Scope, key: str, now: float | None, low: float | None, high: float | None
) -> list[tuple[float, float | None]]:
    """Values to try in rising order, each with its gap; only those the key allows."""
    base = now if now else 1.0
    values = {0.0, *_SHARES, *(base * step for step in _LADDER)} if low is None or high is None else set()
    if now is not None:
        values.add(now)
    if low is not None and high is not None:
        values = {low + (high - low) * i / 48 for i in range(49)} | ({now} if now is not None and low <= now <= high else set())
        if low > 0:
            values |= {low * (high / low) ** (i / 48) for i in range(1, 48)}
    values = {v for v in values if (low is None or v >= low) and (high is None or v <= high)}
    whole = _is_whole(scope, key)
    if whole:
        values = {float(round(v)) for v in values if v < 1e6} | {float(n) for n in range(17)} | _POWERS_OF_TWO
        values = {v for v in values if (low is None or v >= low) and (high is None or v <= high)}
    pairs = []
    for value in sorted(values):
        try:
            there = at_values(scope, {key: int(value) if whole else value})
        except BreakevenError:
            continue
        try:
            pairs.append((value, _gap(there)))
        except BreakevenError:
            pairs.append((value, None))
    return pairs


def _is_whole(scope: Scope, key: str) -> bool:
    """Whether the key takes whole numbers only."""

    def allowed(value: float) -> bool:
        try:
            with_values(scope.loaded, {key: value})
        except BreakevenError:
            return False
        return True

    return not any(allowed(value) for value in (1.5, 0.5, 0.25, 2.5)) and any(allowed(value) for value in (1, 2, 8))


def _close_in(scope: Scope, key: str, low: float, high: float, below: str) -> float:
    """The first value past ``low`` with the other verdict, to neighbouring numbers."""
    whole = _is_whole(scope, key)
    for _ in range(_BISECTIONS):
        middle = low + (high - low) / 2.0
        if whole:
            middle = float(math.floor(middle))
        if not low < middle < high or high - low <= 4e-16 * abs(high):
            break
        gap = _at(scope, key, int(middle) if whole else middle)
        if gap is None or _who(gap) == below:  # where nothing serves in between, it flips past that
            low = middle
        else:
            high = middle
    return high


def _distance(value: float, now: float | None) -> float:
    if now is None:
        return value
    if now > 0 and value > 0:
        return abs(math.log(value / now))
    return abs(value - now)
