"""An offer's cost over volume as a short list of regions, each a plain staircase.

On a region (lo, hi] the cost is

    C(V) = fixed_usd_per_day + step_usd_per_day * ceil(V / width_tokens) + usd_per_mtok * V / 1e6

The minimum number of replicas and a minimum spend each cut the curve in two; nothing else does.
Source: docs/model.md, equations ``offer-cost``, ``replicas`` and ``minimum-spend``.
"""

from __future__ import annotations

import math

from msgspec import Struct

from breakeven.offers.offer import Offer, steps

_MTOK = 1e6


class Region(Struct, frozen=True):
    """One stretch of a cost curve; ``width_tokens`` is None where the cost has no steps."""

    from_tokens_per_day: float
    to_tokens_per_day: float  # math.inf for the last one
    fixed_usd_per_day: float
    usd_per_mtok: float
    step_usd_per_day: float = 0.0
    width_tokens: float | None = None

    def usd_per_day_at(self, tokens_per_day: float) -> float:
        """The region's law at one volume."""
        count = steps(tokens_per_day, self.width_tokens) if self.width_tokens is not None else 0
        return math.fsum(
            (self.fixed_usd_per_day, self.step_usd_per_day * count, self.usd_per_mtok * tokens_per_day / _MTOK)
        )


def regions(offer: Offer) -> tuple[Region, ...]:
    """The offer's cost on (0, inf), cut where its law changes."""
    plain = _staircase(offer, covered=None)
    if offer.minimum_usd_per_day <= 0:
        return plain
    # Below the kink the minimum is paid on top of what it does not cover; above it, all lines are.
    kink = minimum_spend_volume(offer)
    below = _staircase(offer, covered=False, extra_usd_per_day=offer.minimum_usd_per_day)
    return (*_clip(below, 0.0, kink), *_clip(plain, kink, math.inf))


def minimum_spend_volume(offer: Offer) -> float:
    """Tokens a day up to which the minimum spend exceeds the lines it covers; inf if always.

    The covered lines grow with volume, so this is where they reach the minimum: inside a step in
    closed form, or at the start of the step that jumps past it.
    """
    for region in _staircase(offer, covered=True):
        low, high = region.from_tokens_per_day, region.to_tokens_per_day
        gap = offer.minimum_usd_per_day - region.fixed_usd_per_day
        slope, step, width = region.usd_per_mtok, region.step_usd_per_day, region.width_tokens
        if width is None or step <= 0:
            reach = gap * _MTOK / slope if slope > 0 else (0.0 if gap < 0 else math.inf)
            reach = max(reach, low)
        else:
            # The last step whose start lies below the minimum holds the crossing, or ends at it.
            per_step = step + slope * width / _MTOK
            count = max(math.floor((gap + slope * width / _MTOK) / per_step), steps(low, width) + 1)
            left = gap - step * count
            inside = left * _MTOK / slope if slope > 0 else (math.inf if left >= 0 else -math.inf)
            reach = min(max(inside, (count - 1) * width, low), count * width)
        if reach < high:
            return reach
    return math.inf


def _staircase(offer: Offer, *, covered: bool | None, extra_usd_per_day: float = 0.0) -> tuple[Region, ...]:
    """The cost of the lines that a minimum spend covers (True), does not (False), or of all (None)."""
    lines = [line for line in offer.lines if covered is None or line.counts_towards_minimum is covered]
    fixed = math.fsum([extra_usd_per_day, *(line.usd_per_day for line in lines)])
    step = math.fsum(line.usd_per_replica_day for line in lines)
    slope = math.fsum(line.usd_per_mtok for line in lines)
    width = offer.tokens_per_day_per_replica
    if width is None:
        return (Region(0.0, math.inf, fixed, slope),)
    if step == 0.0:
        return (Region(0.0, math.inf, fixed, slope),)
    flat_steps = max(0, offer.min_replicas - offer.redundant_replicas)
    edge = flat_steps * width
    rising = Region(edge, math.inf, fixed + step * offer.redundant_replicas, slope, step, width)
    if flat_steps == 0:
        return (rising,)
    return (Region(0.0, edge, fixed + step * offer.min_replicas, slope), rising)


def _clip(curve: tuple[Region, ...], low: float, high: float) -> tuple[Region, ...]:
    return tuple(
        Region(
            max(region.from_tokens_per_day, low),
            min(region.to_tokens_per_day, high),
            region.fixed_usd_per_day,
            region.usd_per_mtok,
            region.step_usd_per_day,
            region.width_tokens,
        )
        for region in curve
        if max(region.from_tokens_per_day, low) < min(region.to_tokens_per_day, high)
    )
