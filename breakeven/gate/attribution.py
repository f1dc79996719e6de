"""Why the cost changed: exact Shapley values over the named causes whose keys changed.

With N causes, a cause's share is its mean marginal effect over all orders of applying them:

    phi_i = sum over S without i of |S|! (N - |S| - 1)! / N! * (c(S + i) - c(S))

so the shares sum to the whole change and no order is privileged. Every c(S) is a full evaluation of
the profile in which the keys of S have their new values. Source: Shapley 1953.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from msgspec import Struct

from breakeven.errors import BreakevenError
from breakeven.yamlio import Document, dotted

Loc = tuple[int | str, ...]

CAUSES = (
    "volume", "token mix", "calls per task", "API price", "hardware price", "throughput", "power", "finance", "labour", "operations",
)  # fmt: skip
_VOLUME = {"tokens_per_day", "requests_per_day", "tasks_per_day", "demand"}
_POWER = {"electricity_usd_per_kwh", "pue", "idle_w", "active_w", "nameplate_w", "colocation_usd_per_kw_month", "site"}
_FINANCE = {"life_years", "residual_share", "amortisation", "prepaid_share", "term_years"}
_THROUGHPUT_SUPPLY = {"gpus", "throughput", "min_replicas", "servers_per_replica"}
_THROUGHPUT_HOST = {
    "model", "engine", "weight_precision", "kv_precision", "throughput", "benchmark", "redundancy", "min_replicas", "headroom_share",
    "speculative_acceptance", "speculative_tokens", "substitute", "hybrid",
}  # fmt: skip


# Labels, what only forecasts and risk read, and the date of the facts, which is the market's business.
_COST_NOTHING = ("name", "description", "owner", "schema_version", "uncertainty", "forecast", "as_of")


class Change(Struct, frozen=True):
    """One key that differs, where it stands in the head, and what it was and is."""

    key: str
    cause: str
    before: Any
    after: Any
    line: int | None
    loc: Loc = ()


class Share(Struct, frozen=True):
    """One cause's part of the change, with its keys."""

    cause: str
    usd_per_month: float
    cents: int
    changes: tuple[Change, ...]


def cause_of(loc: Loc) -> str:
    """The named cause a key belongs to."""
    head = loc[0] if loc else ""
    second = loc[1] if len(loc) > 1 else ""
    if head == "workload":
        if second in _VOLUME:
            return "volume"
        return "calls per task" if second == "calls_per_task" else "token mix"
    if head == "api":
        return "API price"
    if head == "latency":
        return "throughput"
    if head == "finance":
        return "finance"
    if head == "self_host":
        if second == "supply":
            key = loc[3] if len(loc) > 3 else ""
            if key in _POWER:
                return "power"
            if key in _FINANCE:
                return "finance"
            return "throughput" if key in _THROUGHPUT_SUPPLY else "hardware price"
        if second in ("labour_fte", "labour_usd_per_fte_year"):
            return "labour"
        if second in ("token_ratio", "cached_input_share", "escalation_share", "escalate_to"):
            return "token mix"
        return "throughput" if second in _THROUGHPUT_HOST else "operations"
    return "operations"


def changed_keys(base: Any, head: Any, document: Document) -> tuple[Change, ...]:
    """Every leaf that differs, in the head's order, with its line there. Names and comments cost nothing."""
    found: list[tuple[Loc, Any, Any]] = []
    _walk(base, head, (), found)
    changes = []
    for loc, before, after in found:
        if loc[0] in _COST_NOTHING:
            continue
        place = document.key_position(loc)  # of a key that is gone: of the section it stood in
        changes.append(Change(dotted(loc), cause_of(loc), before, after, place[0] if place else None, loc))
    return tuple(changes)


def _walk(base: Any, head: Any, loc: Loc, out: list[tuple[Loc, Any, Any]]) -> None:
    if isinstance(base, dict) and isinstance(head, dict):
        for key in dict.fromkeys((*head, *base)):
            _walk(base.get(key), head.get(key), (*loc, key), out)
    elif isinstance(base, list) and isinstance(head, list) and len(base) == len(head):
        for index, (a, b) in enumerate(zip(base, head, strict=True)):
            _walk(a, b, (*loc, index), out)
    elif (type(base), base) != (type(head), head):
        # A section that appears or goes is looked into, so that each key finds its own cause.
        if isinstance(base, dict) and head is None:
            _walk(base, {}, loc, out)
        elif isinstance(head, dict) and base is None:
            _walk({}, head, loc, out)
        else:
            out.append((loc, base, head))


def mixed(base: Any, head: Any, causes: frozenset[str], loc: Loc = ()) -> Any:
    """The base's data with every key that belongs to one of ``causes`` taken from the head."""
    if isinstance(base, dict) and isinstance(head, dict):
        out = {}
        for key in dict.fromkeys((*base, *head)):
            value = mixed(base.get(key), head.get(key), causes, (*loc, key))
            if value is not None:
                out[key] = value
        return out
    if isinstance(base, list) and isinstance(head, list) and len(base) == len(head):
        return [mixed(a, b, causes, (*loc, index)) for index, (a, b) in enumerate(zip(base, head, strict=True))]
    if isinstance(base, dict) and head is None:
        return mixed(base, {}, causes, loc) or None
    if isinstance(head, dict) and base is None:
        return mixed({}, head, causes, loc) or None
    return head if cause_of(loc) in causes else base


def shapley(causes: Sequence[str], cost: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """Exact Shapley values; they sum to cost(all) - cost(none).

    >>> shapley(["a", "b"], lambda s: {0: 1.0, 1: 2.0, 2: 6.0}[len(s)])
    {'a': 2.5, 'b': 2.5}
    """
    values: dict[frozenset[str], float] = {}

    def c(subset: frozenset[str]) -> float:
        if subset not in values:
            values[subset] = cost(subset)
        return values[subset]

    count = len(causes)
    out = {}
    for cause in causes:
        others = [other for other in causes if other != cause]
        parts = []
        for size in range(count):
            weight = 1.0 / (count * math.comb(count - 1, size))
            for chosen in combinations(others, size):
                subset = frozenset(chosen)
                parts.append(weight * (c(subset | {cause}) - c(subset)))
        out[cause] = math.fsum(parts)
    return out


def to_cents(shares: Mapping[str, float], total: float) -> dict[str, int]:
    """Shares in whole cents that sum to the total's cents: largest remainders get the odd ones.

    >>> to_cents({"a": 0.333, "b": 0.333, "c": 0.334}, 1.0)
    {'a': 33, 'b': 33, 'c': 34}
    """
    target = round(total * 100)
    floors = {name: math.floor(value * 100) for name, value in shares.items()}
    left = target - sum(floors.values())
    order = sorted(shares, key=lambda name: (-(shares[name] * 100 - floors[name]), name))
    step = 1 if left >= 0 else -1
    for index in range(abs(left)):
        floors[order[index % len(order)]] += step
    return floors


def summing_to(shares: Mapping[str, float], total: float) -> dict[str, float]:
    """Shares whose correctly rounded sum is the total to the last bit: the smallest, being the finest, takes the remainder.

    Where even the smallest share is much larger than the total, the sum is as near as its last bit allows.

    >>> math.fsum(summing_to({"a": 0.1, "b": 0.2}, 0.30000000000000004).values()) == 0.30000000000000004
    True
    """
    out = dict(shares)
    if not out:
        return out
    finest = min((name for name in out if out[name] != 0.0), key=lambda name: (abs(out[name]), name), default=max(out))
    before = 0.0
    for _ in range(8):
        rest = total - math.fsum(out.values())
        if rest == 0.0:
            break
        # A sum half-way between two floats rounds past the total and back: half a step lands on it.
        out[finest] += rest / 2 if rest == -before else rest
        before = rest
    return out


def separable(causes: Sequence[str], cost: Callable[[frozenset[str]], float | None]) -> tuple[tuple[str, ...], ...]:
    """Causes in the smallest groups of which every mix has a cost: keys that need each other move together.

    The pair whose joining leaves the fewest mixes without a cost is joined first; ties go to the order
    of ``causes``. ``cost`` is None where a mix is no profile that can be served.

    >>> separable(["a", "b", "c"], lambda s: None if ("a" in s) != ("b" in s) else 1.0)
    (('a', 'b'), ('c',))
    """
    groups: list[tuple[str, ...]] = [(cause,) for cause in causes]
    while len(groups) > 1 and _without_cost(groups, cost):
        ways = []
        for i, j in combinations(range(len(groups)), 2):
            joined = [group for index, group in enumerate(groups) if index not in (i, j)]
            joined.insert(i, (*groups[i], *groups[j]))
            ways.append((_without_cost(joined, cost), i, j, joined))
        groups = min(ways, key=lambda way: way[:3])[3]
    return tuple(groups)


def _without_cost(groups: Sequence[tuple[str, ...]], cost: Callable[[frozenset[str]], float | None]) -> int:
    mixes = (frozenset(c for g in chosen for c in g) for size in range(len(groups) + 1) for chosen in combinations(groups, size))
    return sum(1 for mix in mixes if cost(mix) is None)


def attribute(
    base: Any, head: Any, document: Document, cost: Callable[[Any], float], *, before: float, after: float
) -> tuple[tuple[Share, ...], str | None]:
    """Shares of the change from base to head, from ``before`` to ``after`` USD a month.

    Causes whose keys only make a valid profile together are one share, with a note.
    """
    changes = changed_keys(base, head, document)
    causes = [cause for cause in CAUSES if any(change.cause == cause for change in changes)]
    total = after - before
    if not causes:
        if total == 0.0:
            return (), None
        # Nothing a key says: it must not be hidden because it has no name.
        return (Share("unexplained", total, round(total * 100), ()),), "the cost changed although no key that costs money did: please report it"
    everything = frozenset(causes)
    known: dict[frozenset[str], float | None] = {frozenset(): before, everything: after}

    def c(mix: frozenset[str]) -> float | None:
        if mix not in known:
            try:
                known[mix] = cost(mixed(base, head, mix))
            except BreakevenError:
                known[mix] = None
        return known[mix]

    groups = separable(causes, c)
    names = {" with ".join(group): group for group in groups}

    def c_of(chosen: frozenset[str]) -> float:
        value = c(frozenset(cause for name in chosen for cause in names[name]))
        assert value is not None  # the groups were chosen so
        return value

    values = summing_to(shapley(list(names), c_of), total)
    together = [name for name, group in names.items() if len(group) > 1]
    note = None
    if together:
        note = f"cannot be told apart, since no profile has only some of these keys: {'; '.join(together)}"
    cents = to_cents(values, total)
    rows = []
    for name, group in names.items():
        keys = tuple(change for change in changes if change.cause in group)
        rows.append(Share(name, values[name], cents[name], keys))
    return tuple(rows), note
