"""The gap between two staircases of different widths: bounded, then listed step by step.

With D(V) = fixed + usd_per_mtok V / 1e6 + up * ceil(V / up_width) - down * ceil(V / down_width) and
x <= ceil(x) < x + 1, D differs from the straight line S V + fixed by less than ``up`` above and
``down`` below, S = usd_per_mtok / 1e6 + up / up_width - down / down_width. Every crossing lies
where that band holds zero, so only the break points inside it are visited.
Source: docs/model.md, equation ``crossing-law``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from breakeven.compare.runs import API, SELF_HOST, Block, Listed, Run, Uniform, line_blocks

_MTOK = 1e6

# Two offers whose asymptotic prices agree to five digits change places this often; past it the
# first and the last changes are still exact, the ones between are not listed.
MAX_PIECES = 100_000


class TwoStaircases(Struct, frozen=True):
    """The gap above: positive where self-hosting (the ``down`` side) is cheaper."""

    fixed_usd_per_day: float
    usd_per_mtok: float
    up_usd_per_day: float
    up_width_tokens: float
    down_usd_per_day: float
    down_width_tokens: float


def two_staircase_blocks(gap: TwoStaircases, *, low: float, high: float) -> list[Block]:
    """Blocks on (low, high]; ``high`` may be infinite."""
    up_slope = gap.up_usd_per_day / gap.up_width_tokens
    down_slope = gap.down_usd_per_day / gap.down_width_tokens
    own_slope = gap.usd_per_mtok / _MTOK
    slope = math.fsum((own_slope, up_slope, -down_slope))
    if abs(slope) <= 1e-12 * max(abs(own_slope), up_slope, down_slope):
        slope = 0.0
    above = gap.fixed_usd_per_day + gap.up_usd_per_day
    below = gap.fixed_usd_per_day - gap.down_usd_per_day
    if slope == 0.0:
        if below > 0 or above <= 0:
            return [Uniform(Run(low, high, SELF_HOST if below > 0 else API))]
        start, end, before, after = low, high, API, API
    elif slope > 0:
        start, end, before, after = -above / slope, -below / slope, API, SELF_HOST
    else:
        start, end, before, after = below / -slope, above / -slope, SELF_HOST, API
    # One step of margin on either side keeps rounding out of the bounds.
    margin = max(gap.up_width_tokens, gap.down_width_tokens)
    start = min(max(start - margin, low), high)
    end = max(min(end + margin, high), start)
    blocks: list[Block] = []
    if start > low:
        blocks.append(Uniform(Run(low, start, before)))
    if end > start:
        blocks.append(_listed(gap, low=start, high=end))
    if high > end:
        blocks.append(Uniform(Run(end, high, after)))
    return blocks


def _listed(gap: TwoStaircases, *, low: float, high: float) -> Listed:
    head: list[Run] = []
    for seen, (start, stop) in enumerate(_pieces(gap, low, high)):
        if seen >= MAX_PIECES:
            break
        _append(head, _piece_runs(gap, start, stop))
    else:
        return Listed(tuple(head))
    if math.isinf(high):
        return Listed(tuple(head), complete=False, endless=True)
    width = MAX_PIECES / (1 / gap.up_width_tokens + 1 / gap.down_width_tokens)
    tail: list[Run] = []
    for start, stop in _pieces(gap, max(high - width, low), high):
        _append(tail, _piece_runs(gap, start, stop))
    return Listed(tuple(head), tuple(tail), complete=False)


def _pieces(gap: TwoStaircases, low: float, high: float) -> Iterator[tuple[float, float]]:
    """The stretches between consecutive break points of either staircase, from low to high."""
    up, down = gap.up_width_tokens, gap.down_width_tokens
    up_step, down_step = math.floor(low / up), math.floor(low / down)
    here = low
    while here < high:
        while up_step * up <= here:
            up_step += 1
        while down_step * down <= here:
            down_step += 1
        there = min(up_step * up, down_step * down, high)
        yield here, there
        here = there


def _piece_runs(gap: TwoStaircases, low: float, high: float) -> list[Run]:
    # Steps counted at the right end, where the piece is closed, by products as the law states it.
    fixed = math.fsum(
        (
            gap.fixed_usd_per_day,
            gap.up_usd_per_day * _count(high, gap.up_width_tokens),
            -gap.down_usd_per_day * _count(high, gap.down_width_tokens),
        )
    )
    found = line_blocks(fixed_usd_per_day=fixed, usd_per_mtok=gap.usd_per_mtok, low=low, high=high)
    return [run for block in found for run in block.runs()]


def _count(volume: float, width: float) -> int:
    step = math.ceil(volume / width)
    while (step - 1) * width >= volume:
        step -= 1
    while step * width < volume:
        step += 1
    return step


def _append(runs: list[Run], more: list[Run]) -> None:
    for run in more:
        if runs and runs[-1].winner == run.winner:
            runs[-1] = Run(runs[-1].from_tokens_per_day, run.to_tokens_per_day, run.winner)
        else:
            runs.append(run)
