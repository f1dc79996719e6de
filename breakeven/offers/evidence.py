"""The best evidence for a question: own benchmark (A), published measurement (B), else the model.

A published measurement of the same configuration corrects the model rather than replace it: the ratios
measured / predicted of the time per output token and of the time to first token at the measured loads, each
interpolated to the load that was asked. So a figure between two published ones stays between them, and the
curve keeps the model's form. Rates follow from the times and the requests in flight (Little's law).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import BreakevenError
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import Measurement, shipped
from breakeven.offers.points import Point, answer
from breakeven.serving import grade as grading
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration
from breakeven.serving.precision import KV_BYTES, default_kv_precision
from breakeven.serving.spec import AcceleratorSpec, Band, Estimate, ModelSpec, ServingConfig

# A shape counts as measured when both lengths are within this share of a published one, and a concurrency when it lies
# between published ones that are at most this factor apart, or within the smaller factor of the nearest.
LENGTH_TOLERANCE = 0.15
MOST_GAP = 8.0
CONCURRENCY_REACH = 1.5
# Shares of the input that a prefix cache holds count as one up to this difference.
CACHED_SHARE_TOLERANCE = 0.05

# Factors from which a published row is no evidence; docs/decisions.md says what each leaves out.
MOST_OFF = 2.0  # a row's times over the model's, and the model's requests decoding at once over the row's
MOST_APART = 1.5  # time of a request of two rows at one load
MOST_FALL = 1.1  # time per token of a load over that of a higher load
# Lengths this close to the closest row's are as close.
_AS_CLOSE = 0.01


class Ratio(Struct, frozen=True):
    """A published row over the model at its load, in logarithms; ``log_concurrency`` is None at capacity."""

    id: str
    source: str
    log_concurrency: float | None
    log_tpot: float
    log_ttft: float | None  # None where it was not measured
    log_request: float  # time of a whole request, hence the inverse of the throughput
    lengths: tuple[float, float]  # input and output tokens
    distance: float  # of the lengths from those asked
    tpot_ms: float | None = None  # as measured

    @property
    def log_decoding(self) -> float:
        """Requests that decode at once, by Little's law: rate times the time that a request decodes."""
        return self.log_tpot - self.log_request

    @property
    def farthest(self) -> float:
        return max(abs(self.log_tpot), abs(self.log_request), -self.log_decoding)

    @property
    def place(self) -> str:
        return "at capacity" if self.log_concurrency is None else f"at {_exp(self.log_concurrency):.0f} in flight"


class Correction(Struct, frozen=True):
    """Factors on the model's times, and whose measurements they are."""

    tpot: float
    ttft: float
    ttft_measured: bool
    sources: tuple[str, ...]


def best_evidence(point: Point, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    """The model's answer, corrected by published measurements of the same configuration where there are any."""
    estimate = answer(point, lookup, calibration)
    if point.latency is not None or point.speculation is not None or point.cached_input_share > CACHED_SHARE_TOLERANCE:
        return estimate
    model, at_capacity = lookup.model(point.model), point.concurrency is None
    log_load = None if point.concurrency is None else _log(point.concurrency)
    ratios, refused = sound(published_ratios(point, estimate, model, lookup, calibration))
    estimate = replace(estimate, notes=(*estimate.notes, *_of_this_load(refused, log_load)))
    found = interpolate(ratios, log_load)
    if found is None:
        return estimate
    return corrected(
        estimate, model, calibration, output_tokens=point.output_tokens, by=found, at_capacity=at_capacity,
    )  # fmt: skip


def published_ratios(
    point: Point, estimate: Estimate, model: ModelSpec, lookup: ServingLookup, calibration: Calibration
) -> list[Ratio]:
    """Ratios of the packaged rows with this model, hardware, layout, precisions, engine and shape."""
    c = estimate.config
    out = []
    for row in shipped():
        if (row.regime == "max-throughput") != (point.concurrency is None):
            continue
        if not _same_question(row, point, c, model, lookup):
            continue
        pinned = replace(
            row.point, accelerators=c.accelerators, tp=c.tp, pp=c.pp, ep=c.ep, dp=c.dp,
            weight_precision=c.weight_precision, kv_precision=c.kv_precision,
        )  # fmt: skip
        out.append(_ratio(row, point, answer(pinned, lookup, calibration)))
    return out


def _ratio(row: Measurement, point: Point, predicted: Estimate) -> Ratio:
    p = row.point
    lengths = (p.input_tokens, p.output_tokens)
    common = {
        "id": row.id, "source": row.source, "lengths": lengths,
        "log_concurrency": _log(p.concurrency) if p.concurrency else None,
        "distance": max(abs(_log(p.input_tokens / point.input_tokens)), abs(_log(p.output_tokens / point.output_tokens))),
    }  # fmt: skip
    if row.metric != "tpot":
        # A rate alone says nothing of the two times: they are taken to be off by the same factor.
        slower = _log(predicted.output_tok_per_s.typical / row.measured)
        return Ratio(log_tpot=slower, log_ttft=slower, log_request=slower, **common)  # type: ignore[arg-type]
    tpot_ms, ttft_ms = predicted.tpot_ms.typical, predicted.ttft_ms_mean
    measured_ttft_ms = row.measured_ttft_ms or ttft_ms
    request = _request_ms(measured_ttft_ms, row.measured, p.output_tokens) / _request_ms(ttft_ms, tpot_ms, p.output_tokens)
    return Ratio(
        log_tpot=_log(row.measured / tpot_ms),
        log_ttft=_log(measured_ttft_ms / ttft_ms) if row.measured_ttft_ms else None,
        log_request=_log(request), tpot_ms=row.measured, **common,  # type: ignore[arg-type]
    )  # fmt: skip


def _log(value: float) -> float:
    return float(SCALAR.log(value))


def _exp(value: float) -> float:
    return float(SCALAR.exp(value))


def _request_ms(ttft_ms: float, tpot_ms: float, output_tokens: float) -> float:
    """Time of one request; requests in flight over it are the rate."""
    return ttft_ms + max(output_tokens - 1.0, 0.0) * tpot_ms


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
        accelerator = lookup.accelerator(p.accelerator)
        if accelerator.id != lookup.accelerator(point.accelerator).id or lookup.model(p.model).id != model.id:
            return False
    except BreakevenError:
        return False
    cache = cache_precision(p.kv_precision, asked.weight_precision, engine=asked.engine, model=model, accelerator=accelerator)
    return same_cache(cache, asked.kv_precision)


def cache_precision(
    stated: str | None, weights: str, *, engine: str, model: ModelSpec, accelerator: AcceleratorSpec
) -> str:
    """The KV cache of a measurement: as it states, else what the engine keeps where nobody names it."""
    return stated or default_kv_precision(weights, engine=engine, model=model, accelerator=accelerator)


def same_cache(one: str, other: str) -> bool:
    """Whether two cache precisions measure alike: the same one, or both of 16 bit."""
    return one == other or KV_BYTES.get(one) == KV_BYTES.get(other) == KV_BYTES["bf16"]


def sound(ratios: Iterable[Ratio]) -> tuple[list[Ratio], list[tuple[Ratio, str]]]:
    """(rows that may be evidence, the others and why they may not).

    Of rows that contradict each other the one nearer to the model stays.
    """
    kept: list[Ratio] = []
    refused: list[tuple[Ratio, str]] = []
    for ratio in sorted(ratios, key=lambda r: (r.farthest, r.id)):
        why = _off_the_model(ratio) or next(filter(None, (_contradiction(ratio, other) for other in kept)), None)
        if why is None:
            kept.append(ratio)
        else:
            refused.append((ratio, why))
    return kept, refused


def _off_the_model(ratio: Ratio) -> str | None:
    """What of a row is too far from the model to be a measurement of the same."""
    most = _log(MOST_OFF)
    if -ratio.log_decoding > most:
        return f"{_exp(-ratio.log_decoding):.1f} times fewer of its requests decode at once than by the model: the others waited"
    for what, log_ratio in (("time per token", ratio.log_tpot), ("time per request", ratio.log_request)):
        if abs(log_ratio) > most:
            return f"its {what} is {_exp(log_ratio):.2f} of the model's"
    return None


def _contradiction(ratio: Ratio, other: Ratio) -> str | None:
    """How a row disagrees with another of the same configuration."""
    here, there = ratio.log_concurrency, other.log_concurrency
    if here is None or there is None or here == there:
        apart = ratio.log_request - other.log_request
        return f"a request takes {_exp(apart):.2f} of its time in {other.id}" if abs(apart) > _log(MOST_APART) else None
    if ratio.lengths != other.lengths or ratio.tpot_ms is None or other.tpot_ms is None:
        return None
    low_ms, high_ms = (ratio.tpot_ms, other.tpot_ms) if here < there else (other.tpot_ms, ratio.tpot_ms)
    if low_ms <= high_ms * MOST_FALL:
        return None
    return f"its {ratio.tpot_ms:.3g} ms per token beside {other.tpot_ms:.3g} {other.place} fall as the load rises"


def _of_this_load(refused: Sequence[tuple[Ratio, str]], log_load: float | None) -> list[str]:
    """Notes on the refused rows that are near enough to have been evidence."""
    reach = _log(CONCURRENCY_REACH) + 1e-12
    return [
        f"not used: published measurement {ratio.id} {ratio.place}: {why}"
        for ratio, why in refused
        if ratio.log_concurrency is None or log_load is None or abs(ratio.log_concurrency - log_load) <= reach
    ]


def interpolate(ratios: Iterable[Ratio], log_concurrency: float | None) -> Correction | None:
    """The factors at a load: the mean at capacity, linear in the logarithms between concurrencies."""
    by_load: dict[float | None, list[Ratio]] = {}
    for ratio in ratios:
        by_load.setdefault(ratio.log_concurrency, []).append(ratio)
    between = _between(sorted(load for load in by_load if load is not None), log_concurrency)
    if log_concurrency is None and None in by_load:
        between = [(None, 1.0)]
    if not between:
        return None
    used = [(_closest(by_load[load]), share) for load, share in between]

    def factor(of: Callable[[Ratio], float | None]) -> float:
        return _exp(math.fsum(_mean(rows, of) * share for rows, share in used))

    rows = [ratio for found, _ in used for ratio in found]
    return Correction(
        tpot=factor(lambda r: r.log_tpot), ttft=factor(lambda r: r.log_ttft),
        ttft_measured=any(r.log_ttft is not None for r in rows), sources=tuple(sorted({r.source for r in rows})),
    )  # fmt: skip


def _between(loads: Sequence[float], log_concurrency: float | None) -> list[tuple[float | None, float]]:
    """The measured loads that answer for a load, with their shares; none where it is out of reach of all."""
    if log_concurrency is None or not loads:
        return []
    below = [load for load in loads if load <= log_concurrency + 1e-12]
    above = [load for load in loads if load >= log_concurrency - 1e-12]
    if below and above:
        low, high = below[-1], above[0]
        if low >= high:
            return [(low, 1.0)]
        if high - low <= _log(MOST_GAP) + 1e-12:
            share = (log_concurrency - low) / (high - low)
            return [(low, 1.0 - share), (high, share)]
    nearest = min(loads, key=lambda load: abs(load - log_concurrency))
    return [(nearest, 1.0)] if abs(nearest - log_concurrency) <= _log(CONCURRENCY_REACH) + 1e-12 else []


def _closest(ratios: Sequence[Ratio]) -> list[Ratio]:
    """The rows whose lengths are closest to those asked."""
    least = min(ratio.distance for ratio in ratios)
    return [ratio for ratio in ratios if ratio.distance <= least + _AS_CLOSE]


def _mean(ratios: Sequence[Ratio], of: Callable[[Ratio], float | None]) -> float:
    """The mean of a logarithm over the rows that have it; 0 where none has, which leaves the model's figure."""
    known = [value for value in map(of, ratios) if value is not None]
    return math.fsum(known) / len(known) if known else 0.0


def corrected(
    estimate: Estimate, model: ModelSpec, calibration: Calibration, *, output_tokens: float, by: Correction,
    at_capacity: bool,
) -> Estimate:  # fmt: skip
    """The estimate with the times that published measurements have, and the rates that follow from them: grade B."""
    tpot_ms, ttft_ms = estimate.tpot_ms.typical * by.tpot, estimate.ttft_ms_mean * by.ttft
    requests_per_s = estimate.concurrency / _request_ms(ttft_ms, tpot_ms, output_tokens) * 1e3
    faster = requests_per_s / estimate.requests_per_s
    times = replace(
        estimate,
        decode_batch=min(estimate.decode_batch * faster * by.tpot, max(estimate.concurrency, estimate.decode_batch)),
        requests_per_s=requests_per_s,
        output_tok_per_s=estimate.output_tok_per_s.times(faster),
        total_tok_per_s=estimate.total_tok_per_s * faster,
        ttft_ms_mean=ttft_ms,
        ttft_ms_p50=estimate.ttft_ms_p50 * by.ttft,
        ttft_ms_p95=estimate.ttft_ms_p95 * by.ttft,
        tpot_ms=estimate.tpot_ms.times(by.tpot),
        step_parts_ms={name: part * by.tpot for name, part in estimate.step_parts_ms.items()},
        notes=(*estimate.notes, _beside_the_model(by)),
    )
    said = f"published measurement: {'; '.join(by.sources)}"
    return graded(times, model, calibration, grade="B", evidence=said, at_capacity=at_capacity)


def _beside_the_model(by: Correction) -> str:
    said = f"the model alone gives {1.0 / by.tpot - 1.0:+.0%} time per token"
    return f"{said} and {1.0 / by.ttft - 1.0:+.0%} time to first token" if by.ttft_measured else said


def graded(
    estimate: Estimate, model: ModelSpec, calibration: Calibration, *, grade: str, evidence: str, at_capacity: bool,
    least_log_width: float = 0.0,
) -> Estimate:  # fmt: skip
    """The same figures under a better grade and its band, which is never narrower than ``exp(+-least_log_width)``."""
    floor, ceiling = _exp(-least_log_width), _exp(least_log_width)

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
