"""Our estimates and aiconfigurator's against the same published measurements, in the same run.

Needs the extra ``aic`` and skips itself without. Rows are drawn from the shipped table, a few of every source, model,
accelerator, engine and precision, at a fixed concurrency and at the maximum throughput. Errors are predicted / measured - 1: of
TPOT where it was measured, else of the output throughput. Rows that one of the two does not answer are counted, not compared.

The shipped calibration was fitted to this table, so it has seen the answers; *unseen* is the same model fitted anew without any
row of the configuration, in five folds, as docs/accuracy.md has it. aiconfigurator is asked with the newest engine that it
carries, while the rows are of older ones. Nothing here gates anything.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import statistics
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from calibrate import cross_validate, shipped_table
from calibration_fit import Row, kernel_starts, load_rows
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.errors import BreakevenError
from breakeven.offers.accuracy import quantile
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import answer
from breakeven.offers.second_opinion import names
from breakeven.offers.second_opinion.opinion import Asked, asked, second_opinion
from breakeven.offers.serving_specs import load_calibration
from breakeven.serving.instance import prepare

ROWS = int(os.environ.get("BENCH_ROWS", "30"))  # of each regime
REGIMES = ("fixed-concurrency", "max-throughput")


def drawn(regime: str, rows: list[Row]) -> list[Row]:
    """Rows on accelerators it has a name for: one of every group in turn, in an order that is always the same."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.measurement.regime == regime and row.accelerator.id in names.SYSTEMS:
            key = (row.model.id, row.accelerator.id, row.config.engine, row.config.weight_precision)
            groups.setdefault(key, []).append(row)
    draw = random.Random(20261129)
    queues = [draw.sample(group, len(group)) for _, group in sorted(groups.items())]
    draw.shuffle(queues)
    rounds = (queue[turn] for turn in range(max(map(len, queues))) for queue in queues if turn < len(queue))
    return [row for row, _ in zip(rounds, range(ROWS), strict=False)]


def question(row: Row, lookup: ServingLookup) -> Asked:
    """The row as the shipped model answers it. Raises BreakevenError."""
    calibration, point = load_calibration(), row.measurement.point
    # The row's own names: the table calls some models as their vendors' quantised copies.
    estimate = answer(replace(point, model=row.model.id), lookup, calibration)
    instance = prepare(model=row.model, accelerator=row.accelerator, config=estimate.config, calibration=calibration)
    budget = float(instance.resolved.scheduling.budget_tokens)
    return asked(row.model, row.accelerator.id, estimate, point.shape, budget_tokens=budget)


class Compared(NamedTuple):
    """Errors of one row that both answered."""

    is_moe: bool
    unseen: float
    shipped: float
    theirs: float
    in_band: bool
    seconds: float
    own_seconds: float


def report(regime: str, rows: list[Row], lookup: ServingLookup, unseen: dict[int, float]) -> None:
    """Prints one regime: the medians on the rows that both answer, the refusals and the time."""
    done: list[Compared] = []
    reasons: Counter[str] = Counter()
    unanswered = 0
    for row in drawn(regime, rows):
        begun = time.perf_counter()
        try:
            one = question(row, lookup)
        except BreakevenError:
            unanswered += 1
            continue
        between = time.perf_counter()
        other = second_opinion(one)
        ended = time.perf_counter()
        if other.reason is not None:
            reasons[" ".join(other.reason.split()[:7])] += 1
            continue
        tpot = row.measurement.metric == "tpot"
        band = one.estimate.tpot_ms if tpot else one.estimate.output_tok_per_s
        theirs = other.tpot_ms if tpot else other.output_tok_per_s
        fits = other.tpot_in_band if tpot else other.output_tok_per_s_in_band
        assert theirs is not None
        shipped, other_error = (value / row.measurement.measured - 1.0 for value in (band.typical, theirs))
        done.append(
            Compared(one.is_moe, unseen[id(row)], shipped, other_error, bool(fits), ended - between, between - begun)
        )
    refused = sum(reasons.values())
    print(f"{regime}: {len(done) + refused + unanswered} rows, {unanswered} not answered by us, {len(done)} by both; "
          f"aiconfigurator refuses {refused / max(len(done) + refused, 1):.0%}")  # fmt: skip
    for reason, count in reasons.most_common():
        print(f"  {count:5}  {reason} ...")
    if not done:
        return
    print(f"  {'':5} {'rows':>4}  median / p90 absolute error, median signed error")
    for name, chosen in (("all", done), ("dense", [c for c in done if not c.is_moe]), ("MoE", [c for c in done if c.is_moe])):
        if chosen:
            sides = zip(("ours, unseen", "ours, shipped", "aiconfigurator"), *([(c.unseen, c.shipped, c.theirs) for c in chosen]), strict=True)
            print(f"  {name:5} {len(chosen):4}  " + "   ".join(f"{side} {_errors(errors)}" for side, *errors in sides))
    print(f"  its figure lies inside our band on {statistics.mean(c.in_band for c in done):.0%}; seconds per question: "
          f"{statistics.median(c.seconds for c in done):.1f}, ours {statistics.median(c.own_seconds for c in done):.3f}")  # fmt: skip


def _errors(errors: list[float]) -> str:
    size = [abs(error) for error in errors]
    return f"{statistics.median(size):.1%} / {quantile(size, 0.9):.1%}, {statistics.median(errors):+.1%}"


def main() -> None:
    if find_spec("aiconfigurator") is None:
        print("skipped: aiconfigurator is not installed (pip install 'breakeven[aic]')")
        return
    lookup = ServingLookup(Catalogue.load())
    rows = load_rows(shipped_table(), lookup)
    with contextlib.redirect_stdout(io.StringIO()):
        validated = cross_validate(rows, ["configuration"], kernels=kernel_starts(lookup))
        unseen = {id(found.row): found.error for found in validated["configuration"]}
    for regime in REGIMES:
        report(regime, rows, lookup, unseen)


if __name__ == "__main__":
    main()
