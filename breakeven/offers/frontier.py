"""Every accelerator of the catalogue for one question, ranked by cost, with the frontier."""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.errors import BreakevenError, Infeasible
from breakeven.offers.interactivity import undominated
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import LARGEST_UNASKED
from breakeven.offers.question import Answered, Question, ask_one, to_point
from breakeven.offers.sizing import choose_instance
from breakeven.serving.calibration import Calibration
from breakeven.serving.instance import check_context
from breakeven.serving.spec import LatencyTarget


def rank_accelerators(question: Question, lookup: ServingLookup, calibration: Calibration) -> list[Answered]:
    """Cheapest per token first; accelerators without a rental price last, by throughput per accelerator.

    Each row is the answer to the question about that accelerator alone, at the count it shows. Raises what is wrong
    with the question itself, and Infeasible where no accelerator serves it.
    """
    check_context(lookup.model(str(question.model)), to_point(question).shape)
    found: list[Answered] = []
    reasons: list[str] = []
    for name in lookup.catalogue.ids("accelerators"):
        try:
            lookup.accelerator(name)
        except BreakevenError as error:  # one that is announced, or of which no rate is published, bars no other
            reasons.append(error.problems[0].message)
            continue
        try:
            count = question.accelerators or _instance_size(question, name, lookup, calibration)
            found.append(ask_one(replace(question, accelerator=name, accelerators=count), lookup, calibration))
        except Infeasible as error:
            reasons.append(error.problems[0].message)
    if not found:
        raise Infeasible("no accelerator of the catalogue serves this: " + (reasons[-1] if reasons else "none is known"))
    found.sort(key=_order)
    # Within a time per token every row runs as loaded as it may: all are about as fast, and only the cost tells them apart.
    return found if question.tpot_ms is not None else mark_frontier(found)


def _instance_size(question: Question, name: str, lookup: ServingLookup, calibration: Calibration) -> int:
    """The count that a profile would take: the smallest that starts and that no larger one beats by half per accelerator."""
    point = to_point(question, accelerator=name)
    return choose_instance(
        model=lookup.model(point.model), accelerator=lookup.accelerator(name), gpus_per_replica=None,
        shape=point.shape, latency=point.latency or LatencyTarget(), calibration=calibration, engine=point.engine,
        weight_precision=point.weight_precision, kv_precision=point.kv_precision, max_accelerators=LARGEST_UNASKED,
        arrival_cv2=question.burstiness,
    ).config.accelerators  # fmt: skip


def _order(row: Answered) -> tuple[float, float, str]:
    per_accelerator = row.estimate.total_tok_per_s / row.estimate.config.accelerators
    return (row.usd_per_mtok if row.usd_per_mtok is not None else float("inf"), -per_accelerator, row.accelerator)


def mark_frontier(rows: list[Answered]) -> list[Answered]:
    """Mark the rows that no other beats on both cost per token and time per token."""
    best = undominated([row for row in rows if row.usd_per_mtok is not None])
    return [replace(row, on_frontier=any(row is one for one in best)) for row in rows]
