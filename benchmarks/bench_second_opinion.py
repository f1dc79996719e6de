"""Our estimates and aiconfigurator's against the same published measurements, in the same run.

Needs the extra ``aic`` and skips itself without. Rows are drawn from the shipped table, a few of every source, model,
accelerator, engine and precision, at a fixed concurrency and at the maximum throughput. Errors are predicted / measured - 1: of
TPOT where it was measured, else of the output throughput. Rows that one of the two does not answer are counted, not compared.

Neither side is unseen: the shipped calibration was fitted to this table (docs/accuracy.md has the errors on held-out rows), and
aiconfigurator is asked with the newest engine it carries, while the rows are of older ones. Nothing here gates anything.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from breakeven.catalog.store import Catalogue
from breakeven.errors import BreakevenError
from breakeven.offers.accuracy import quantile
from breakeven.offers.evidence import _packaged
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import Measurement
from breakeven.offers.points import answer
from breakeven.offers.second_opinion import names
from breakeven.offers.second_opinion.opinion import Asked, asked, second_opinion
from breakeven.offers.serving_specs import load_calibration
from breakeven.serving.instance import prepare

ROWS = int(os.environ.get("BENCH_ROWS", "30"))  # of each regime
REGIMES = ("fixed-concurrency", "max-throughput")


def drawn(regime: str, lookup: ServingLookup) -> list[Measurement]:
    """Rows on accelerators it has a name for: one of every group in turn, in an order that is always the same."""
    groups: dict[tuple[str | None, ...], list[Measurement]] = {}
    for row in _packaged():
        if row.regime == regime and lookup.accelerator(row.point.accelerator).id in names.SYSTEMS:
            p = row.point
            groups.setdefault((row.model, p.accelerator, p.engine, p.weight_precision), []).append(row)
    draw = random.Random(20261129)
    queues = [draw.sample(rows, len(rows)) for _, rows in sorted(groups.items(), key=str)]
    draw.shuffle(queues)
    rounds = (queue[turn] for turn in range(max(map(len, queues))) for queue in queues if turn < len(queue))
    return [row for row, _ in zip(rounds, range(ROWS), strict=False)]


def question(row: Measurement, lookup: ServingLookup) -> Asked:
    """The row as our model answers it. Raises BreakevenError."""
    calibration = load_calibration()
    model, accelerator = lookup.model(row.point.model), lookup.accelerator(row.point.accelerator)
    estimate = answer(row.point, lookup, calibration)
    instance = prepare(model=model, accelerator=accelerator, config=estimate.config, calibration=calibration)
    budget = float(instance.resolved.scheduling.budget_tokens)
    return asked(model, accelerator.id, estimate, row.point.shape, budget_tokens=budget)


def report(regime: str, lookup: ServingLookup) -> None:
    """Prints one regime: both medians on the rows that both answer, the refusals and the time."""
    ours: dict[bool, list[float]] = {True: [], False: []}
    theirs: dict[bool, list[float]] = {True: [], False: []}
    inside, seconds, own_seconds = 0, [], []
    reasons: Counter[str] = Counter()
    unanswered = 0
    for row in drawn(regime, lookup):
        begun = time.perf_counter()
        try:
            one = question(row, lookup)
        except BreakevenError:
            unanswered += 1
            continue
        own_seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        other = second_opinion(one)
        if other.reason is not None:
            reasons[" ".join(other.reason.split()[:7])] += 1
            continue
        seconds.append(time.perf_counter() - begun)
        ratio, fits, band = (
            (other.tpot_ratio, other.tpot_in_band, one.estimate.tpot_ms)
            if row.metric == "tpot"
            else (other.output_tok_per_s_ratio, other.output_tok_per_s_in_band, one.estimate.output_tok_per_s)
        )
        assert ratio is not None
        inside += bool(fits)
        ours[one.is_moe].append(band.typical / row.measured - 1.0)
        theirs[one.is_moe].append(band.typical * ratio / row.measured - 1.0)
    both = len(ours[True]) + len(ours[False])
    asked_for = both + sum(reasons.values())
    print(f"{regime}: {asked_for + unanswered} rows, {unanswered} not answered by us, {both} answered by both")
    for name, keys in (("all", (True, False)), ("dense", (False,)), ("MoE", (True,))):
        pair = [[error for key in keys for error in side[key]] for side in (ours, theirs)]
        if not pair[0]:
            continue
        said = [
            f"median {statistics.median(map(abs, errors)):6.1%}, p90 {quantile([abs(e) for e in errors], 0.9):6.1%}, "
            f"signed {statistics.median(errors):+6.1%}"
            for errors in pair
        ]
        print(f"  {name:5} {len(pair[0]):3} rows   ours {said[0]}   aiconfigurator {said[1]}")
    if both:
        print(f"  its figure lies inside our band on {inside / both:.0%}; seconds per question: "
              f"{statistics.median(seconds):.1f}, ours {statistics.median(own_seconds):.3f}")  # fmt: skip
    print(f"  aiconfigurator refuses {sum(reasons.values()) / max(asked_for, 1):.0%}")
    for reason, count in reasons.most_common():
        print(f"    {count:3}  {reason} ...")


def main() -> None:
    if find_spec("aiconfigurator") is None:
        print("skipped: aiconfigurator is not installed (pip install 'breakeven[aic]')")
        return
    lookup = ServingLookup(Catalogue.load())
    for regime in REGIMES:
        report(regime, lookup)


if __name__ == "__main__":
    main()
