"""Bills that are paid side by side while their volumes keep their proportions, as one cost curve.

A member with a share ``s`` of the total V costs C_i(s V). Summed, straight regions stay straight
and every kink of a member (a minimum spend that is reached) stays a kink of the sum; one member
may be a staircase. Source: docs/model.md, equations ``crossing-law`` and ``minimum-spend``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from breakeven.compare.curve import Region, minimum_spend_volume
from breakeven.offers.offer import Offer

Curve = Sequence[Region]

MAX_PIECES = 100_000
_ROUNDING = 1e-12


def scaled(curve: Curve, share: float) -> tuple[Region, ...]:
    """A member's curve over the total of which it has ``share``."""
    return tuple(
        Region(
            region.from_tokens_per_day / share, region.to_tokens_per_day / share, region.fixed_usd_per_day,
            region.usd_per_mtok * share, region.step_usd_per_day,
            None if region.width_tokens is None else region.width_tokens / share,
        )
        for region in curve
    )  # fmt: skip


def top_up(offer: Offer) -> tuple[Region, ...]:
    """What a minimum spend adds to the bill of tokens that it covers; nothing without one."""
    covered = [line for line in offer.lines if line.counts_towards_minimum]
    kink = minimum_spend_volume(offer) if offer.minimum_usd_per_day > 0 else 0.0
    if kink <= 0.0:
        return (Region(0.0, math.inf, 0.0, 0.0),)
    below = Region(
        0.0, kink, offer.minimum_usd_per_day - math.fsum(line.usd_per_day for line in covered),
        -math.fsum(line.usd_per_mtok for line in covered),
    )  # fmt: skip
    return (below,) if math.isinf(kink) else (below, Region(kink, math.inf, 0.0, 0.0))


def summed(curves: Sequence[Curve]) -> tuple[Region, ...]:
    """The sum of curves over one volume. Raises ValueError where two of them are staircases at once."""
    edges = sorted({region.to_tokens_per_day for curve in curves for region in curve})
    out: list[Region] = []
    low = 0.0
    for high in edges:
        here = [_at(curve, high) for curve in curves]
        stepped = [region for region in here if region.width_tokens is not None]
        if len(stepped) > 1:
            raise ValueError("two staircases have no common step")
        out.append(
            Region(
                low, high, math.fsum(region.fixed_usd_per_day for region in here),
                math.fsum(region.usd_per_mtok for region in here),
                *((stepped[0].step_usd_per_day, stepped[0].width_tokens) if stepped else ()),
            )
        )  # fmt: skip
        low = high
    return tuple(out)


def curve_at(curve: Curve, tokens_per_day: float) -> float:
    """USD a day at one volume."""
    return _at(curve, tokens_per_day).usd_per_day_at(tokens_per_day)


def first_below(ours: Sequence[Curve], theirs: Sequence[Curve]) -> float | None:
    """The volume just above which the sum of ``ours`` first costs less than that of ``theirs``; None if never.

    Every break point of every staircase is visited in turn, each piece solved in closed form, up to
    the volume past which the slopes decide.
    """
    curves = [(curve, 1.0) for curve in ours] + [(curve, -1.0) for curve in theirs]
    last = [(curve[-1], sign) for curve, sign in curves]
    fixed = math.fsum(sign * region.fixed_usd_per_day for region, sign in last)
    steps_up = math.fsum(max(0.0, sign * region.step_usd_per_day) for region, sign in last)
    steps_down = math.fsum(max(0.0, -sign * region.step_usd_per_day) for region, sign in last)
    rise = math.fsum(sign * _slope(region) for region, sign in last)  # of the gap, USD per token, in the long run
    edge = max(curve[-1].from_tokens_per_day for curve, _ in curves)
    # fixed - steps_down <= gap - rise V <= fixed + steps_up past the last edge.
    end = math.inf
    if rise < 0:
        end = max(edge, (fixed + steps_up) / -rise)
    elif rise > 0:
        end = max(edge, (steps_down - fixed) / rise)
    elif fixed - steps_down >= 0:
        end = edge
    here = 0.0
    for _ in range(MAX_PIECES):
        there, level, slope = _piece(curves, here)
        if there - here <= _ROUNDING * there:  # two steps that differ by rounding alone
            here = there
            continue
        zero = -level / slope if slope < 0 else math.inf
        if level + slope * here < -_ROUNDING * abs(level):
            return here
        if zero < there:
            return max(zero, here)
        if there > end or math.isinf(there):
            return None
        here = there
    return None


def _piece(curves: Sequence[tuple[Curve, float]], here: float) -> tuple[float, float, float]:
    """(end, USD a day at zero volume, USD per token) of the line on which the gap runs just above ``here``."""
    end, level, slope = math.inf, [], []
    for curve, sign in curves:
        region = next(region for region in curve if region.to_tokens_per_day > here)
        end = min(end, region.to_tokens_per_day)
        level.append(sign * region.fixed_usd_per_day)
        slope.append(sign * region.usd_per_mtok / 1e6)
        if region.width_tokens is not None:
            count = math.floor(here / region.width_tokens) + 1
            while count * region.width_tokens <= here:
                count += 1
            level.append(sign * region.step_usd_per_day * count)
            end = min(end, count * region.width_tokens)
    return end, math.fsum(level), math.fsum(slope)


def _slope(region: Region) -> float:
    step = 0.0 if region.width_tokens is None else region.step_usd_per_day / region.width_tokens
    return region.usd_per_mtok / 1e6 + step


def _at(curve: Curve, high: float) -> Region:
    """The region that holds a volume, its right end included."""
    return next(region for region in curve if region.to_tokens_per_day >= high)
