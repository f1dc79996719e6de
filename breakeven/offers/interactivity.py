"""One accelerator, every way to run the model on it: cost per token against tokens per second and user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

from msgspec.structs import replace

from breakeven.errors import Infeasible
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import LARGEST_UNASKED, Point, configurations, counts, noting_ep
from breakeven.offers.question import Answered, Question, priced, to_point
from breakeven.serving.calibration import Calibration
from breakeven.serving.estimate import at_concurrency
from breakeven.serving.instance import Instance, check_context, check_fits, check_shape, prepare
from breakeven.serving.precision import BYTES_PER_PARAM, compute_class, native_precision
from breakeven.serving.spec import AcceleratorSpec, Estimate, ModelSpec, ServingConfig, Shape

CONCURRENCIES = 10  # per layout, from one request to what the cache holds, in equal factors
# Fewer bytes than the model's own, tried where the hardware multiplies them.
NARROWER = {"fp8": "f8", "nvfp4": "f4"}


def interactivity_frontier(question: Question, lookup: ServingLookup, calibration: Calibration) -> list[Answered]:
    """What no other configuration beats on both cost per token and time per token, slowest and cheapest first.

    A blank count tries one to eight accelerators (multiples of what the degrees ask for), a blank precision the model's own
    and narrower ones that the hardware has units for. The calibrated model alone answers: a measurement of one of the
    loads would lift it over its neighbours. Without a rental price, accelerators per token stand for the cost.
    """
    point = to_point(question)
    check_shape(point.shape)
    model, accelerator = lookup.model(point.model), lookup.accelerator(point.accelerator)
    check_context(model, point.shape)
    found = [
        priced(lookup, Answered(model.id, accelerator.id, estimate, accelerator.tdp_w, on_frontier=True))
        for instance in _instances(question, point.shape, model, accelerator, calibration)
        for estimate in _loads(instance, point.shape, calibration)
        if _within(estimate, question)
    ]
    if not found:
        raise Infeasible(
            f"no configuration of {model.id} on {accelerator.id} fits or meets the targets",
            fix="use more or faster accelerators, fewer bytes per weight, or a looser target",
        )
    return undominated(found)


def undominated(rows: list[Answered]) -> list[Answered]:
    """Cheapest first; every further row costs more and is faster per token."""
    kept: list[Answered] = []
    fastest = inf
    for row in sorted(rows, key=lambda row: (_cost(row), row.estimate.tpot_ms.typical)):
        if row.estimate.tpot_ms.typical < fastest:
            fastest = row.estimate.tpot_ms.typical
            kept.append(row)
    return kept


def _cost(row: Answered) -> float:
    if row.usd_per_mtok is not None:
        return row.usd_per_mtok
    return row.estimate.config.accelerators / row.estimate.total_tok_per_s


def _instances(
    question: Question, shape: Shape, model: ModelSpec, accelerator: AcceleratorSpec, calibration: Calibration
) -> Iterator[Instance]:
    """Every configuration that fits. Raises what is wrong with the degrees that were given."""
    asked = to_point(question)
    for count in counts(asked, model, largest=LARGEST_UNASKED):
        for weights in _precisions(question, model, accelerator):
            point = replace(asked, weight_precision=weights)
            for config in _layouts(point, model, accelerator, count):
                try:
                    instance = prepare(model=model, accelerator=accelerator, config=config, calibration=calibration)
                    check_fits(instance, shape)
                    yield noting_ep(point, instance)
                except Infeasible:
                    continue


def _layouts(point: Point, model: ModelSpec, accelerator: AcceleratorSpec, count: int) -> Iterable[ServingConfig]:
    """Those that the given count and degrees leave open; without any, copies would only repeat a smaller count."""
    found = configurations(point, model, accelerator, count)
    given = (point.accelerators, point.tp, point.pp, point.dp, point.ep if model.is_moe else None)
    if any(value is not None for value in given):
        return found
    return [config for config in found if config.copies == 1]


def _precisions(question: Question, model: ModelSpec, accelerator: AcceleratorSpec) -> tuple[str, ...]:
    if question.weight_precision is not None:
        return (question.weight_precision,)
    native = native_precision(model, accelerator)
    narrower = (
        name
        for name, wanted in NARROWER.items()
        if BYTES_PER_PARAM[name] < BYTES_PER_PARAM[native] and compute_class(name, accelerator) == wanted
    )
    return (native, *narrower)


def _loads(instance: Instance, shape: Shape, calibration: Calibration) -> Iterator[Estimate]:
    top = instance.concurrency_cap(shape) * instance.config.copies
    for step in range(CONCURRENCIES):
        concurrency = max(top ** (step / (CONCURRENCIES - 1)), 1.0)
        made = at_concurrency(instance, shape, calibration, concurrency=concurrency)
        note = f"{instance.config.weight_precision} weights are not the model's own: check the quality of its answers"
        if instance.config.weight_precision != native_precision(instance.model, instance.accelerator):
            made = replace(made, notes=(*made.notes, note))
        yield made


def _within(estimate: Estimate, question: Question) -> bool:
    slow = question.tpot_ms is not None and estimate.tpot_ms.typical > question.tpot_ms
    late = question.ttft_ms is not None and estimate.ttft_ms_p95 > question.ttft_ms
    return not (slow or late)
