"""The best evidence for a question: own benchmark (A), published measurement (B), else the model.

A published measurement of the same configuration corrects the model rather than replace it: the
ratio measured / predicted at the measured loads, interpolated to the load that was asked. So a
figure between two published ones stays between them, and the curve keeps the model's form.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import BreakevenError
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import Measurement, shipped
from breakeven.offers.points import Point, answer
from breakeven.serving import grade as grading
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration
from breakeven.serving.spec import Band, Estimate, ModelSpec, ServingConfig

# A shape counts as measured when both lengths are within this share of a published one, and a
# concurrency when it lies between published ones or within this factor of the nearest.
LENGTH_TOLERANCE = 0.15
CONCURRENCY_REACH = 1.5


class Ratio(Struct, frozen=True):
    """Measured over predicted at one load; log of the concurrency, None at capacity."""

    log_concurrency: float | None
    log_ratio: float
    source: str


def best_evidence(point: Point, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    """The model's answer, corrected by published measurements of the same configuration where there are any."""
    estimate = answer(point, lookup, calibration)
    if point.latency is not None:
        return estimate
    model = lookup.model(point.model)
    ratios = published_ratios(point, estimate, model, lookup, calibration)
    at_capacity = point.concurrency is None
    found = interpolate(ratios, None if at_capacity else float(SCALAR.log(point.concurrency)))
    if found is None:
        return estimate
    log_ratio, sources = found
    factor = float(SCALAR.exp(log_ratio))
    return corrected(estimate, model, calibration, factor=factor, at_capacity=at_capacity, sources=sources)


def published_ratios(
    point: Point, estimate: Estimate, model: ModelSpec, lookup: ServingLookup, calibration: Calibration
) -> list[Ratio]:
    """Ratios of the packaged rows with this model, hardware, layout, precision, engine and shape."""
    out = []
    for row in shipped():
        if not _same_question(row, point, estimate.config, model, lookup):
            continue
        if (row.regime == "max-throughput") != (point.concurrency is None):
            continue
        c = estimate.config
        pinned = replace(
            row.point, accelerators=c.accelerators, tp=c.tp, pp=c.pp, ep=c.ep, dp=c.dp,
            weight_precision=c.weight_precision, kv_precision=c.kv_precision,
        )  # fmt: skip
        predicted = answer(pinned, lookup, calibration)
        if row.metric == "tpot":
            ratio = row.measured / predicted.tpot_ms.typical
        else:
            # As a ratio of times, so that both metrics correct in the same direction.
            ratio = predicted.output_tok_per_s.typical / row.measured
        where = float(SCALAR.log(row.point.concurrency)) if row.point.concurrency else None
        out.append(Ratio(where, float(SCALAR.log(ratio)), row.source))
    return out


def _same_question(
    row: Measurement, point: Point, config: ServingConfig, model: ModelSpec, lookup: ServingLookup
) -> bool:
    asked, p = config, row.point
    if row.regime not in ("max-throughput", "fixed-concurrency") or p.engine != asked.engine:
        return False
    if p.accelerators != asked.accelerators or p.weight_precision != asked.weight_precision:
        return False
    if any((getattr(p, name) or 1) != getattr(asked, name) for name in ("tp", "pp", "ep", "dp")):
        return False
    for measured, wanted in ((p.input_tokens, point.input_tokens), (p.output_tokens, point.output_tokens)):
        if abs(measured / wanted - 1.0) > LENGTH_TOLERANCE:
            return False
    try:
        same_hardware = lookup.accelerator(p.accelerator).id == lookup.accelerator(point.accelerator).id
        return same_hardware and lookup.model(p.model).id == model.id
    except BreakevenError:
        return False


def interpolate(ratios: Iterable[Ratio], log_concurrency: float | None) -> tuple[float, tuple[str, ...]] | None:
    """The ratio at a load: the mean at capacity, linear in the logarithms between concurrencies."""
    known = list(ratios)
    if not known:
        return None
    if log_concurrency is None:
        mean = sum(r.log_ratio for r in known) / len(known)
        return mean, tuple(sorted({r.source for r in known}))
    by_load: dict[float, list[Ratio]] = {}
    for ratio in known:
        if ratio.log_concurrency is not None:
            by_load.setdefault(ratio.log_concurrency, []).append(ratio)
    loads = sorted(by_load)
    reach = float(SCALAR.log(CONCURRENCY_REACH))
    below = [c for c in loads if c <= log_concurrency + 1e-12]
    above = [c for c in loads if c >= log_concurrency - 1e-12]
    if not below or not above:
        nearest = loads[0] if not below else loads[-1]
        if abs(nearest - log_concurrency) > reach:
            return None
        below = above = [nearest]
    low, high = below[-1], above[0]
    share = 0.0 if high == low else (log_concurrency - low) / (high - low)

    def mean_at(load: float) -> float:
        return sum(r.log_ratio for r in by_load[load]) / len(by_load[load])

    used = {r.source for load in (low, high) for r in by_load[load]}
    return mean_at(low) * (1.0 - share) + mean_at(high) * share, tuple(sorted(used))


def corrected(
    estimate: Estimate, model: ModelSpec, calibration: Calibration, *, factor: float, at_capacity: bool,
    sources: tuple[str, ...],
) -> Estimate:  # fmt: skip
    """The estimate with all times multiplied by ``factor``, as published measurements have them: grade B."""
    times = replace(
        estimate,
        requests_per_s=estimate.requests_per_s / factor,
        output_tok_per_s=estimate.output_tok_per_s.times(1.0 / factor),
        total_tok_per_s=estimate.total_tok_per_s / factor,
        ttft_ms_mean=estimate.ttft_ms_mean * factor,
        ttft_ms_p50=estimate.ttft_ms_p50 * factor,
        ttft_ms_p95=estimate.ttft_ms_p95 * factor,
        tpot_ms=estimate.tpot_ms.times(factor),
        notes=(*estimate.notes, f"the model alone gives {1.0 / factor - 1.0:+.0%} time per token"),
    )
    said = f"published measurement: {'; '.join(sources)}"
    return graded(times, model, calibration, grade="B", evidence=said, at_capacity=at_capacity)


def graded(
    estimate: Estimate, model: ModelSpec, calibration: Calibration, *, grade: str, evidence: str, at_capacity: bool,
    least_log_width: float = 0.0,
) -> Estimate:  # fmt: skip
    """The same figures under a better grade and its band, which is never narrower than ``exp(+-least_log_width)``."""
    floor, ceiling = float(SCALAR.exp(-least_log_width)), float(SCALAR.exp(least_log_width))

    def band(metric: str, value: float) -> Band:
        width = grading.band_width(calibration, metric=metric, model=model, band=grade, at_capacity=at_capacity)
        return grading.banded(value, replace(width, low=min(width.low, floor), high=max(width.high, ceiling)))

    return replace(
        estimate,
        output_tok_per_s=band("throughput", estimate.output_tok_per_s.typical),
        tpot_ms=band("tpot", estimate.tpot_ms.typical),
        grade=grade,
        band=grade,
        evidence=evidence,
    )
