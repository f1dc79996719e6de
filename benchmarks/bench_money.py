"""Sweeps, risk and forecasts: time on one core against the targets, and how the cost grows.

Each line prints what was measured, the target, and whether it holds; a missed target fails the run.
The sweep is checked while it is timed: 1,000 random points must equal single runs to the last digit.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from timing import best_of

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from breakeven.catalog.store import Catalogue
from breakeven.compare.axes import read_axes
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.forecast import forecast
from breakeven.compare.risk import risk
from breakeven.compare.sweep import Sweep, rows
from breakeven.profile.load import load_profile, with_values

REFERENCE = Path(__file__).parents[1] / "configs" / "reference.yaml"
AXES = [
    "workload.tokens_per_day=1M:1B:{volumes}:log",
    "self_host.supply[0].usd_per_gpu_hour=1:8:{rates}",
    "workload.output_tokens=64:4096:20:log",  # each value needs a new serving estimate
    "self_host.labour_fte=0:1:10",
]


def swept(scope: Any, *, volumes: int, rates: int) -> tuple[Sweep, int]:
    """A fresh sweep, its estimates forgotten, run to the end."""
    scope = replace(scope, plans={})
    grid = Sweep(scope, read_axes(scope.loaded, [text.format(volumes=volumes, rates=rates) for text in AXES]))
    return grid, sum(len(chunk) for chunk in grid.chunks())


def agree(scope: Any, grid: Sweep, count: int) -> int:
    """How many of ``count`` random points equal a single run to the last digit."""
    wanted = sorted(random.Random(20261123).sample(range(grid.count), count))
    same = 0
    for index in wanted:
        chunk = grid.chunk(index, index + 1)
        (row,) = rows(grid, chunk)
        loaded = with_values(scope.loaded, {axis.key: row[axis.key] for axis in grid.axes})
        result = compare_scope(replace(scope, loaded=loaded), detail=False)
        head = result.headline
        found = next(c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host))
        same += (
            row["cheaper"] == head.cheaper_at_volume
            and row["outcome"] == found.outcome
            and row["first_tokens_per_day"] == found.first_tokens_per_day
            and row["settled_tokens_per_day"] == found.settled_tokens_per_day
            and row["capacity_share"] == found.capacity_share
            and row["api_usd_per_day"] == result.offer(head.api).usd_per_day
            and row["self_host_usd_per_day"] == result.offer(head.self_host).usd_per_day
        )
    return same


def main() -> int:
    failed = False

    def line(what: str, value: str, target: str, ok: bool) -> None:
        nonlocal failed
        failed |= not ok
        print(f"{'ok  ' if ok else 'FAIL'} {what:<58} {value:>14}   target {target}")

    scope = make_scope(load_profile(REFERENCE), Catalogue.load())
    compare_scope(scope, detail=False)

    grid, count = swept(scope, volumes=100, rates=50)
    seconds = best_of(3, lambda: swept(scope, volumes=100, rates=50))
    line(f"sweep of {count:,} points, serving estimates included", f"{seconds:.2f} s", "< 2 s", seconds < 2.0)
    same = agree(scope, grid, 1000)
    line("random points equal to run --set, last digit", f"{same} of 1000", "all", same == 1000)
    sizes, times = [], []
    for volumes in (50, 100, 200, 400):
        sizes.append(volumes * 50 * 200)
        times.append(best_of(3, lambda volumes=volumes: swept(scope, volumes=volumes, rates=50)))
    xs, ys = [math.log(n) for n in sizes], [math.log(t) for t in times]
    mx, my = statistics.fmean(xs), statistics.fmean(ys)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True)) / sum((x - mx) ** 2 for x in xs)
    line(f"exponent of time over points, {sizes[0]:,} to {sizes[-1]:,}", f"{slope:.2f}", "<= 1.1", slope <= 1.1)

    risk(scope, draws=256)  # scipy's own import is not ours to time
    seconds = best_of(3, lambda: risk(scope, draws=1 << 16))
    line("risk, 65,536 draws, effects and information included", f"{seconds:.2f} s", "< 1 s", seconds < 1.0)

    texts = ["forecast.horizon_months=120", "workload.demand.growth_per_year=40%", "forecast.api_price_path=same-model"]
    long = make_scope(load_profile(REFERENCE, texts), scope.catalogue)
    compared = compare_scope(long, detail=False)
    offers = [row.offer for row in compared.offers]
    head = compared.headline
    seconds = best_of(5, lambda: forecast(long, offers, api=head.api, self_host=head.self_host))
    line("forecast of 120 months, every start month tried", f"{seconds * 1e3:.0f} ms", "< 50 ms", seconds < 0.05)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
