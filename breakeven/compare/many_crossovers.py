"""The crossing law for many pairs at once, with the digits of :func:`breakeven.compare.crossover.crossover`.

A linear API against whole replicas has a closed form that arrays can follow; the rare rest (minimum
spend, provisioned steps, free machines, falling gaps) is solved pair by pair by the law itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from breakeven.compare.crossover import Outcome
from breakeven.compare.many import Array, exact_sum

_MTOK = 1e6
_NEARBY = 12
OUTCOMES = ("never", "always", "at", "sometimes")
Turning = tuple[Outcome, float | None, float | None]  # outcome, first and settled volume
_NEVER, _ALWAYS, _AT, _SOMETIMES = range(4)


class Sums(Struct, frozen=True):
    """An offer's coefficients summed over its lines; each a number or an array."""

    fixed: Array
    replica: Array
    mtok: Array

    @classmethod
    def of(cls, lines: list[tuple[Array, Array, Array]]) -> Sums:
        """From (usd_per_day, usd_per_replica_day, usd_per_mtok) of each line."""
        return cls(*(exact_sum([line[i] for line in lines]) for i in range(3)))


class Replicas(Struct, frozen=True):
    """How a self-hosted offer steps; each a number or an array."""

    kappa: Array
    full: Array
    n_min: Array
    redundant: Array


class Crossings(Struct, frozen=True):
    """Arrays over the points; NaN where there is no such volume. ``outcome`` indexes OUTCOMES."""

    outcome: Any
    first: Any
    settled: Any
    capacity_share: Any


def crossings(
    api: Sums, own: Sums, replicas: Replicas, *, count: int, by_law: Callable[[int], Turning]
) -> Crossings:
    """All crossings; ``by_law`` solves one point where the closed form does not apply."""

    def column(value: Array) -> Any:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (count,))

    f, kappa = column(own.replica), column(replicas.kappa)
    n_min, redundant = column(replicas.n_min), column(replicas.redundant)
    slope = _difference(column(api.mtok), column(own.mtok))
    flat_steps = np.maximum(0.0, n_min - redundant)
    edge = flat_steps * kappa
    gap_flat = column(api.fixed) - (column(own.fixed) + f * n_min)
    gap = column(api.fixed) - (column(own.fixed) + f * redundant)
    begin = flat_steps + 1.0

    with np.errstate(all="ignore"):
        zero_flat = -gap_flat * _MTOK / slope
        rise = slope * kappa / _MTOK
        net = rise - f
        net = np.where(np.abs(net) <= 1e-12 * np.maximum(np.abs(rise), np.abs(f)), 0.0, net)

        def zero(step: Any) -> Any:
            return (step * f - gap) * _MTOK / slope

        def wins_somewhere(step: Any) -> Any:
            return zero(step) < step * kappa

        def wins_everywhere(step: Any) -> Any:
            return zero(step) <= (step - 1.0) * kappa

        plain = (f > 0.0) & (column(api.replica) == 0.0) & (kappa > 0.0) & np.isfinite(kappa)
        rising = plain & (slope > 0.0) & (net > 0.0)
        one, sure = _smallest(wins_somewhere, -gap / net, begin, rising)
        two, certain = _smallest(wins_everywhere, (rise - gap) / net, one, rising)
        rising = rising & sure & certain

        has_flat = flat_steps > 0.0
        flat_all = has_flat & (zero_flat <= 0.0)
        flat_part = has_flat & (zero_flat > 0.0) & (zero_flat < edge)
        flat_start = np.where(flat_all, 0.0, zero_flat)
        flat_wins = flat_all | flat_part
        partial = one < two
        steps_start = np.where(partial, zero(one), (two - 1.0) * kappa)
        first = np.where(flat_wins, flat_start, steps_start)
        last_start = np.where(partial, zero(two - 1.0), (two - 1.0) * kappa)
        # Where every whole step is won, the win reaches back into the flat part.
        joined = (two == begin) & flat_wins
        settled = np.where(joined, flat_start, last_start)
        outcome = np.where(settled == 0.0, _ALWAYS, _AT)

        # No win on the flat part, none on the first step, and later ones only worse: never.
        flat_none = ~has_flat | np.where(
            slope > 0.0, zero_flat >= edge, np.where(slope < 0.0, zero_flat <= 0.0, gap_flat <= 0.0)
        )
        step_none = np.where(
            slope > 0.0,
            zero(begin) >= begin * kappa,
            np.where(slope < 0.0, zero(begin) <= (begin - 1.0) * kappa, gap - begin * f <= 0.0),
        )
        never = plain & ((net <= 0.0) | (slope <= 0.0)) & flat_none & step_none
        outcome = np.where(never, _NEVER, outcome)
        first = np.where(never, np.nan, first)
        settled = np.where(never, np.nan, settled)

    solved = rising | never
    if not solved.all():
        first, settled, outcome = first.copy(), settled.copy(), outcome.copy()
        for index in np.flatnonzero(~solved).tolist():
            kind, begin, sure = by_law(index)
            outcome[index] = OUTCOMES.index(kind)
            first[index] = np.nan if begin is None else begin
            settled[index] = np.nan if sure is None else sure
    share = _capacity_share(first, kappa, column(replicas.full), n_min, redundant)
    return Crossings(outcome, first, settled, share)


def _difference(one: Any, other: Any) -> Any:
    gap = one - other
    return np.where(np.abs(gap) <= 1e-12 * np.maximum(np.abs(one), np.abs(other)), 0.0, gap)


def _smallest(holds: Callable[[Any], Any], guess: Any, floor: Any, where: Any) -> tuple[Any, Any]:
    """(the smallest whole step >= floor at which ``holds``, whether it was found).

    The guess is a step or two off by rounding; where it is further off, the law itself is asked.
    """
    step = np.where(where, np.maximum(floor, np.floor(np.where(where, guess, 0.0)) - 1.0), floor)
    back = on = np.zeros_like(where)
    for _ in range(_NEARBY):
        back = where & (step > floor) & holds(step - 1.0)
        if not back.any():
            break
        step = step - back
    for _ in range(_NEARBY):
        on = where & ~holds(step)
        if not on.any():
            break
        step = step + on
    return step, ~(back | on)


def _capacity_share(first: Any, kappa: Any, full: Any, n_min: Any, redundant: Any) -> Any:
    with np.errstate(all="ignore"):
        step = np.floor(first / kappa) + 1.0
        while True:
            low = step * kappa <= first
            if not low.any():
                break
            step = step + low
        return first / (np.maximum(n_min, step + redundant) * full)
