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
from msgspec.structs import replace

from breakeven.errors import BreakevenError
from breakeven.gate.keys import CAUSES, Change, Loc, cause_of, changed_keys, mixed, sharing
from breakeven.yamlio import Document

_KEYS_ALONE = 100  # no more keys are costed one by one: each takes two evaluations


class Share(Struct, frozen=True):
    """One cause's part of the change, with its keys."""

    cause: str
    usd_per_month: float
    cents: int
    changes: tuple[Change, ...]


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
    head = sharing(base, head)  # a thousand mixes: each looks only at what differs
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
                known[mix] = cost(mixed(base, head, lambda loc: cause_of(loc) in mix))
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
    costed = _alone(base, head, changes, cost, before, after)
    rows = []
    for name, group in names.items():
        keys = [change for change in costed if change.cause in group]
        rows.append(Share(name, values[name], cents[name], tuple(sorted(keys, key=lambda change: _weight(change, values[name])))))
    return tuple(rows), note


def _alone(base: Any, head: Any, changes: Sequence[Change], cost: Callable[[Any], float], before: float, after: float) -> list[Change]:
    """The changes with what each makes alone, where its cause has others: a cause's share says that of a single key."""
    counted = [change for change in changes if sum(other.cause == change.cause for other in changes) > 1]
    if len(counted) > _KEYS_ALONE:
        return list(changes)

    def of(taken: Callable[[Loc], bool]) -> float | None:
        try:
            return cost(mixed(base, head, taken))
        except BreakevenError:
            return None

    out = []
    for change in changes:
        if change in counted:
            only, without = of(change.loc.__eq__), of(change.loc.__ne__)
            if only is not None or without is not None:
                at_base = None if only is None else only - before
                at_head = None if without is None else after - without
                # Where only one of the two can be served, it speaks for both.
                pair = (at_base if at_base is not None else at_head, at_head if at_head is not None else at_base)
                change = replace(change, alone=pair)
        out.append(change)
    return out


def _weight(change: Change, share: float) -> tuple[bool, float]:
    """Sorts first what moved the cost most in the direction of its cause, and last what moved nothing."""
    moved = 0.0 if change.alone is None else sum(change.alone) / 2
    return abs(moved) < 0.005, moved if share < 0 else -moved
