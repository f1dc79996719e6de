"""Every accelerator of the catalogue for one question, ranked by cost, with the frontier."""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.errors import BreakevenError, Infeasible
from breakeven.offers.interactivity import undominated
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.question import Answered, Question, priced, to_point
from breakeven.offers.sizing import plan_replica
from breakeven.serving.calibration import Calibration
from breakeven.serving.estimate import at_best_throughput, at_concurrency
from breakeven.serving.instance import check_context, prepare
from breakeven.serving.spec import Estimate, LatencyTarget


def rank_accelerators(question: Question, lookup: ServingLookup, calibration: Calibration) -> list[Answered]:
    """Cheapest per token first; accelerators without a rental price last, by throughput per accelerator."""
    check_context(lookup.model(str(question.model)), to_point(question).shape)
    found: list[Answered] = []
    reasons: list[str] = []
    for name in lookup.catalogue.ids("accelerators"):
        try:
            accelerator = lookup.accelerator(name)
            estimate = _best(question, name, lookup, calibration)
        except BreakevenError as error:
            reasons.append(error.problems[0].message)
            continue
        found.append(priced(lookup, Answered(lookup.model(str(question.model)).id, name, estimate, accelerator.tdp_w)))
    if not found:
        raise Infeasible("no accelerator of the catalogue serves this: " + (reasons[-1] if reasons else "none is known"))
    found.sort(key=_order)
    # Within a time per token every row runs as loaded as it may: all are about as fast, and only the cost tells them apart.
    return found if question.tpot_ms is not None else mark_frontier(found)


def _best(question: Question, name: str, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    point = to_point(question, accelerator=name)
    plan = plan_replica(
        model=lookup.model(point.model), accelerator=lookup.accelerator(name), gpus_per_replica=point.accelerators,
        shape=point.shape, latency=point.latency or LatencyTarget(), calibration=calibration, engine=point.engine,
        weight_precision=point.weight_precision, kv_precision=point.kv_precision, max_accelerators=8,
        arrival_cv2=question.burstiness,
    )  # fmt: skip
    if point.latency is not None:
        return plan.estimate
    instance = prepare(
        model=lookup.model(point.model), accelerator=lookup.accelerator(name), config=plan.config,
        calibration=calibration,
    )  # fmt: skip
    if point.concurrency is not None:
        return at_concurrency(instance, point.shape, calibration, concurrency=point.concurrency)
    return at_best_throughput(instance, point.shape, calibration)


def _order(row: Answered) -> tuple[float, float, str]:
    per_accelerator = row.estimate.total_tok_per_s / row.estimate.config.accelerators
    return (row.usd_per_mtok if row.usd_per_mtok is not None else float("inf"), -per_accelerator, row.accelerator)


def mark_frontier(rows: list[Answered]) -> list[Answered]:
    """Mark the rows that no other beats on both cost per token and time per token."""
    best = undominated([row for row in rows if row.usd_per_mtok is not None])
    return [replace(row, on_frontier=any(row is one for one in best)) for row in rows]
