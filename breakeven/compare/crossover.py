"""Where two bills cross: every crossing of two offers, exactly, without a search.

Whole replicas make the curves cross more than once: self-hosting first wins, loses again whenever
the next replica starts, and wins for good only later. Hence an outcome, two volumes and intervals:

- ``never``: self-hosting is cheaper at no volume;
- ``always``: at every volume above zero (first = settled = 0);
- ``at``: for good above ``settled_tokens_per_day``; it wins for the first time just above
  ``first_tokens_per_day``, which is lower where the staircase loses again in between;
- ``sometimes``: on some volumes, never for good (no settled volume).

Intervals are open on the left and closed on the right; a tie goes to the API, the first offer.
Source: docs/model.md, equation ``crossing-law``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Literal

from msgspec import Struct

from breakeven.compare.curve import Region, regions
from breakeven.compare.runs import SELF_HOST, Block, Gap, line_blocks, merged, step_blocks
from breakeven.compare.two_staircases import TwoStaircases, two_staircase_blocks
from breakeven.offers.offer import Offer

Outcome = Literal["never", "always", "at", "sometimes"]

MAX_INTERVALS = 64


class Interval(Struct, frozen=True):
    """``cheaper`` (an offer id) is cheaper on (from, to]; ``to`` None means without end."""

    from_tokens_per_day: float
    to_tokens_per_day: float | None
    cheaper: str


class Crossover(Struct, frozen=True):
    """All crossings of one pair; see the module for the outcomes.

    ``intervals_total`` is None where they go on for ever (or are too many to count).
    ``capacity_share`` is the first volume over the flat capacity of the replicas running just
    above it: how much of the hardware the break-even needs.
    """

    api: str
    self_host: str
    outcome: Outcome
    first_tokens_per_day: float | None
    settled_tokens_per_day: float | None
    intervals: tuple[Interval, ...]
    intervals_total: int | None
    capacity_share: float | None


def crossover(api: Offer, self_host: Offer) -> Crossover:
    """Where ``self_host`` becomes cheaper than ``api``: any two offers, each with any steps.

    The API at $1 per Mtok against a $70-a-day replica that carries 100 Mtok a day:

    >>> from breakeven.offers.offer import CostLine
    >>> api = Offer("api", "", "api", (CostLine("t", "", "tokens", usd_per_mtok=1.0),))
    >>> gpu = Offer("gpu", "", "rented", (CostLine("r", "", "compute", usd_per_replica_day=70.0),),
    ...             tokens_per_day_per_replica=100e6, capacity_per_replica_tokens_per_day=100e6)
    >>> found = crossover(api, gpu)
    >>> found.outcome, found.first_tokens_per_day / 1e6, found.settled_tokens_per_day / 1e6
    ('at', 70.0, 210.0)
    >>> [(i.from_tokens_per_day / 1e6, i.cheaper) for i in found.intervals]
    [(0.0, 'api'), (70.0, 'gpu'), (100.0, 'api'), (140.0, 'gpu'), (200.0, 'api'), (210.0, 'gpu')]
    """
    return crossover_of(api.id, regions(api), self_host, regions(self_host))


def crossover_of(api: str, theirs: Sequence[Region], self_host: Offer, ours: Sequence[Region]) -> Crossover:
    """:func:`crossover` of two cost curves; ``self_host`` names its side and gives its capacity."""
    blocks = gap_blocks(theirs, ours)
    outcome, first, settled = _turning_points(blocks)
    total = _total(blocks)
    names = {SELF_HOST: self_host.id}
    intervals = tuple(
        Interval(
            run.from_tokens_per_day,
            None if math.isinf(run.to_tokens_per_day) else run.to_tokens_per_day,
            names.get(run.winner, api),
        )
        for run in islice(merged(blocks), MAX_INTERVALS)
    )
    return Crossover(
        api=api,
        self_host=self_host.id,
        outcome=outcome,
        first_tokens_per_day=first,
        settled_tokens_per_day=settled,
        intervals=intervals,
        intervals_total=total,
        capacity_share=None if first is None else capacity_share(self_host, first),
    )


def turning_points(api: Offer, self_host: Offer) -> tuple[Outcome, float | None, float | None]:
    """(outcome, first, settled) of :func:`crossover`, without the intervals between."""
    return _turning_points(gap_blocks(regions(api), regions(self_host)))


def capacity_share(offer: Offer, tokens_per_day: float) -> float | None:
    """A volume over the flat capacity of the replicas that run just above it; None without replicas."""
    width, capacity = offer.tokens_per_day_per_replica, offer.capacity_per_replica_tokens_per_day
    if width is None or capacity is None:
        return None
    step = math.floor(tokens_per_day / width) + 1
    while step * width <= tokens_per_day:
        step += 1
    replicas = max(offer.min_replicas, step + offer.redundant_replicas)
    return tokens_per_day / (replicas * capacity)


def gap_blocks(api: Sequence[Region], self_host: Sequence[Region]) -> list[Block]:
    """Who is cheaper on (0, inf), as blocks in order of volume."""
    blocks: list[Block] = []
    theirs, ours = list(api), list(self_host)
    while theirs and ours:
        low = max(theirs[0].from_tokens_per_day, ours[0].from_tokens_per_day)
        high = min(theirs[0].to_tokens_per_day, ours[0].to_tokens_per_day)
        blocks += _region_blocks(theirs[0], ours[0], low, high)
        if theirs[0].to_tokens_per_day == high:
            theirs.pop(0)
        if ours[0].to_tokens_per_day == high:
            ours.pop(0)
    return blocks


def _region_blocks(api: Region, own: Region, low: float, high: float) -> list[Block]:
    fixed = api.fixed_usd_per_day - own.fixed_usd_per_day
    slope = _difference(api.usd_per_mtok, own.usd_per_mtok)
    if api.width_tokens is None and own.width_tokens is None:
        return line_blocks(fixed_usd_per_day=fixed, usd_per_mtok=slope, low=low, high=high)
    if api.width_tokens is None or own.width_tokens is None or api.width_tokens == own.width_tokens:
        # One side has steps, or both step together: one staircase in all.
        width = own.width_tokens or api.width_tokens
        step = _difference(own.step_usd_per_day, api.step_usd_per_day)
        if step == 0.0 or width is None:
            return line_blocks(fixed_usd_per_day=fixed, usd_per_mtok=slope, low=low, high=high)
        return step_blocks(Gap(fixed, slope, step, width), low=low, high=high)
    gap = TwoStaircases(
        fixed_usd_per_day=fixed,
        usd_per_mtok=slope,
        up_usd_per_day=api.step_usd_per_day,
        up_width_tokens=api.width_tokens,
        down_usd_per_day=own.step_usd_per_day,
        down_width_tokens=own.width_tokens,
    )
    return two_staircase_blocks(gap, low=low, high=high)


def _difference(one: float, other: float) -> float:
    """one - other, and exactly zero where the two agree to rounding: equal prices never cross."""
    return 0.0 if abs(one - other) <= 1e-12 * max(abs(one), abs(other)) else one - other


def _turning_points(blocks: list[Block]) -> tuple[Outcome, float | None, float | None]:
    first, settled = _first(blocks), _settled(blocks)
    if first is None:
        return "never", None, settled
    if settled is None:
        return "sometimes", first, None
    return "always" if settled == 0.0 else "at", first, settled


def _first(blocks: list[Block]) -> float | None:
    return next((start for block in blocks if (start := block.first_start(SELF_HOST)) is not None), None)


def _settled(blocks: list[Block]) -> float | None:
    if blocks[-1].endless or blocks[-1].last != SELF_HOST:
        return None
    start = blocks[-1].last_start()
    for index in range(len(blocks) - 1, 0, -1):
        if blocks[index].count != 1 or blocks[index - 1].last != SELF_HOST:
            break
        start = blocks[index - 1].last_start()
    return start


def _total(blocks: list[Block]) -> int | None:
    counts = [block.count for block in blocks]
    joined = sum(1 for before, after in pairwise(blocks) if before.last == after.first)
    known = [count for count in counts if count is not None]
    return None if len(known) < len(counts) else sum(known) - joined
