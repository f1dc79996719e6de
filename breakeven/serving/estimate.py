"""Answers about one configuration: at a concurrency, at its best throughput, or within latency targets."""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.errors import InputError, TargetMissed
from breakeven.serving import grade as grading
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration
from breakeven.serving.instance import Instance, best_load, best_throughput, check_fits, check_shape, parts_ms
from breakeven.serving.load import LoadState
from breakeven.serving.memory import is_tight
from breakeven.serving.queueing import Latency, batch_at_percentile, open_loop_latency
from breakeven.serving.spec import Estimate, LatencyTarget, Shape
from breakeven.serving.step import FULL_TILE_ROWS, LEAST_TILE_ROWS

BISECTIONS = 10
# Requests in flight below which a target counts as out of reach: by then one has the instance to itself.
LIGHTEST = 1.0 / 64.0
MODEL_ALONE = "calibrated model"
# Where a fifth less cache would cost more throughput than this, the cache is what binds.
_CACHE_BINDS = 0.04


def _binding(instance: Instance, shape: Shape, state: LoadState, *, full: bool) -> tuple[str, dict[str, float]]:
    """What the time of an average step goes to: compute, bandwidth, interconnect or (fixed) latency."""
    parts = {name: float(value) for name, value in parts_ms(instance, shape, state).items()}
    w, p = instance.work, instance.resolved.step
    tokens = state.decode_batch * instance.drafting.rows / instance.config.pp / instance.config.attention_ranks
    tokens += state.prefill_tokens * max(state.stalled_tpot_s, 0.0) / max(state.tpot_s, 1e-12)
    rows = min(max(tokens, LEAST_TILE_ROWS), FULL_TILE_ROWS) / FULL_TILE_ROWS
    wave = rows * p.wave_elements * w.dense_element_s
    compute_s = (tokens * w.dense_flop_s_per_token + wave) / p.dense_compute
    if compute_s > w.dense_byte_s / p.dense_memory:
        compute = parts["dense"] + parts["head"] + parts["experts"]
        bandwidth = 0.0
    else:
        compute = 0.0
        bandwidth = parts["dense"] + parts["head"] + parts["experts"]
    compute += parts["prefill_attention"]
    bandwidth += parts["cache"] + parts["activations"]
    shares = {
        "compute": compute,
        "bandwidth": bandwidth,
        "interconnect": parts["collectives"],
        "latency": parts["overhead"] + parts.get("drafting", 0.0),
    }
    limit = max(shares, key=lambda name: shares[name])
    if full and _cache_binds(instance, shape, state):
        limit = "kv-memory"
    return limit, parts


def _cache_binds(instance: Instance, shape: Shape, state: LoadState) -> bool:
    cap = instance.concurrency_cap(shape)
    less = instance.at(shape, max(cap * 0.8, 1.0) * instance.config.copies, cap=cap)
    return bool(less.requests_per_s < state.requests_per_s * (1.0 - _CACHE_BINDS))


def _power_share(instance: Instance, batch: float) -> float:
    """Draw over TDP under inference by batch: 0.65 to 16 sequences, 0.74 to 64, 0.82 above, joined smoothly."""
    if batch <= 16.0:
        return 0.65
    if batch >= 128.0:
        return 0.82
    return 0.65 + 0.17 * (batch - 16.0) / 112.0


def _build(
    instance: Instance,
    shape: Shape,
    calibration: Calibration,
    state: LoadState,
    latency: Latency,
    *,
    concurrency: float,
    ttft_closed: bool,
    limit: str | None,
    at_capacity: bool,
) -> Estimate:
    config = instance.config
    cap = instance.concurrency_cap(shape)
    per_rank = state.decode_batch / config.attention_ranks
    seen = covered_at(instance, calibration, state)
    like_capacity = grading.at_capacity_like(float(per_rank), at_capacity=at_capacity)
    # Requests that find no slot wait in order behind each other, all about as long.
    slot_wait_s = max(concurrency / config.copies - cap, 0.0) / max(float(state.requests_per_s), 1e-12)
    full = concurrency >= cap * config.copies * 0.999
    binding, parts = _binding(instance, shape, state, full=full)
    throughput = float(state.requests_per_s * shape.output_tokens * config.copies)
    wide = grading.band_width(
        calibration, metric="throughput", model=instance.model, band=seen.band, at_capacity=like_capacity
    )
    slow = grading.band_width(calibration, metric="tpot", model=instance.model, band=seen.band, at_capacity=like_capacity)
    mean, p50, p95 = _ttft_ms(state, latency, slot_wait_s=slot_wait_s) if ttft_closed else (
        float(latency.ttft_mean_ms), float(latency.ttft_p50_ms), float(latency.ttft_p95_ms)
    )  # fmt: skip
    notes = [*instance.notes, *seen.reasons]
    if shape.output_tokens <= 1.0:
        notes.append("a request of one output token has no time per output token: the one shown is that of a second token")
    return Estimate(
        config=config,
        concurrency=concurrency,
        decode_batch=min(float(state.decode_batch) * config.copies, max(concurrency, float(state.decode_batch))),
        requests_per_s=float(state.requests_per_s) * config.copies,
        output_tok_per_s=grading.banded(throughput, wide),
        total_tok_per_s=throughput * (shape.input_tokens + shape.output_tokens) / shape.output_tokens,
        ttft_ms_mean=mean,
        ttft_factors=grading.ttft_factors(calibration),
        ttft_ms_p50=p50,
        ttft_ms_p95=p95,
        tpot_ms=grading.banded(float(state.tpot_s) * 1e3, slow),
        limit=limit or binding,
        grade=seen.grade,
        band=seen.band,
        evidence=MODEL_ALONE,
        weight_bytes_per_accelerator=float(instance.footprint.weights),
        kv_bytes_per_accelerator=float(cap * _sequence_bytes(instance, shape) / config.attention_ranks),
        max_concurrency=cap * config.copies,
        power_share_of_tdp=_power_share(instance, per_rank),
        step_parts_ms=parts,
        tokens_per_step=float(state.tokens_per_step),
        rows_per_step=instance.drafting.rows,
        notes=tuple(notes),
    )


def _ttft_ms(state: LoadState, latency: Latency, *, slot_wait_s: float) -> tuple[float, float, float]:
    """Mean, median and 95th percentile under a closed loop: spread by arrivals, what comes after the wait for a slot."""
    mean = float(state.ttft_s) * 1e3
    inside, open_mean = mean - slot_wait_s * 1e3, max(float(latency.ttft_mean_ms), 1e-9)
    p50, p95 = (mean - inside + inside * float(ms) / open_mean for ms in (latency.ttft_p50_ms, latency.ttft_p95_ms))
    return mean, p50, p95


def covered_at(instance: Instance, calibration: Calibration, state: LoadState) -> grading.Coverage:
    """How far the calibration covers this instance at this load."""
    left = float(instance.footprint.memory - instance.footprint.weights)
    tight = is_tight(instance.footprint, reserve_bytes=instance.resolved.memory.reserve_bytes)
    return grading.coverage(
        calibration.covered,
        model=instance.model,
        accelerator=instance.accelerator,
        config=instance.config,
        batch_per_rank=float(state.decode_batch) / instance.config.attention_ranks * instance.drafting.rows,
        cache_bytes_if_tight=left if tight else None,
        speculating=instance.drafting.rows > 1.0,
    )


def _sequence_bytes(instance: Instance, shape: Shape) -> float:
    from breakeven.serving.memory import sequence_bytes

    rules = instance.resolved.memory
    held = shape.input_tokens + shape.output_tokens * rules.growth_share
    return float(sequence_bytes(SCALAR, instance.footprint, tokens=held, window_kept=rules.window_kept))


def _latency(instance: Instance, shape: Shape, state: LoadState, percentile: float, arrival_cv2: float) -> Latency:
    decoding = float(state.requests_per_s * max(shape.output_tokens - 1.0, 0.0) * state.tpot_s)  # on average: Little's law
    crowd = batch_at_percentile(
        SCALAR, decoding, percentile=percentile, arrival_cv2=arrival_cv2, cap=instance.concurrency_cap(shape)
    )
    return open_loop_latency(
        SCALAR,
        state,
        instance.requests(shape),
        crowded_step_s=instance.decode_round_s(shape, crowd),
        percentile=percentile,
        arrival_cv2=arrival_cv2,
        front_end_s=instance.resolved.scheduling.front_end_s,
        drafts_cv2=instance.drafting.emitted_cv2,
    )


def at_concurrency(instance: Instance, shape: Shape, calibration: Calibration, *, concurrency: float) -> Estimate:
    """Closed loop: ``concurrency`` requests always in flight, prefill included."""
    check_shape(shape)
    check_fits(instance, shape)
    if not concurrency >= 1:
        raise InputError(f"concurrency must be at least 1, not {concurrency:g}")
    state = instance.at(shape, concurrency)
    cap = instance.concurrency_cap(shape) * instance.config.copies
    latency = _latency(instance, shape, state, 95.0, 1.0)
    return _build(
        instance, shape, calibration, state, latency, concurrency=concurrency, ttft_closed=True,
        limit="kv-memory" if concurrency > cap else None, at_capacity=False,
    )  # fmt: skip


def at_best_throughput(instance: Instance, shape: Shape, calibration: Calibration) -> Estimate:
    """The best steady throughput over every concurrency the cache admits; no latency target."""
    check_shape(shape)
    check_fits(instance, shape)
    concurrency, state = best_throughput(instance, shape)
    latency = _latency(instance, shape, state, 95.0, 1.0)
    return _build(
        instance, shape, calibration, state, latency, concurrency=concurrency, ttft_closed=True, limit=None,
        at_capacity=True,
    )  # fmt: skip


def sustained(
    instance: Instance, shape: Shape, latency: LatencyTarget, *, arrival_cv2: float = 1.0
) -> tuple[float, LoadState, Latency, str | None]:
    """The load of the best rate within the targets: (concurrency, state, latency, what stopped it).

    Both latencies rise with concurrency, so bisection on its logarithm finds the limit; where more requests in
    flight serve fewer, a lower load of :data:`~breakeven.serving.instance.BEST_SHARES` is better. Below one request
    in flight nothing shares a step: the state is that of one, at a part of its rate, and only the wait for
    prefill shrinks.
    """
    check_fits(instance, shape)
    cap = instance.concurrency_cap(shape)
    copies = instance.config.copies

    # One output token comes from prefill: no time passes between it and another.
    tpot_ms = latency.tpot_ms if shape.output_tokens > 1.0 else None

    def probe(concurrency: float) -> tuple[LoadState, Latency, str | None]:
        state = instance.at(shape, max(concurrency, 1.0) * copies, cap=cap)
        if concurrency < 1.0:
            state = replace(state, requests_per_s=state.requests_per_s * concurrency)
        seen = _latency(instance, shape, state, latency.percentile, arrival_cv2)
        if tpot_ms is not None and seen.tpot_target_ms > tpot_ms:
            return state, seen, "tpot"
        if latency.ttft_ms is not None and seen.ttft_target_ms > latency.ttft_ms:
            return state, seen, "ttft"
        return state, seen, None

    def best(concurrency: float, state: LoadState, seen: Latency, broken: str | None) -> tuple[float, LoadState, Latency, str | None]:
        load, there = best_load(instance, shape, most=concurrency * copies, state=state)
        if there is state:
            return load, state, seen, broken
        return load, there, _latency(instance, shape, there, latency.percentile, arrival_cv2), None

    state, seen, broken = probe(cap)
    if broken is None:
        return best(cap, state, seen, None)
    low, high = 1.0, cap
    low_state, low_seen, low_broken = probe(low)
    if low_broken is not None:
        low, high, broken = LIGHTEST, 1.0, low_broken
        low_state, low_seen, low_broken = probe(low)
    if low_broken is not None:
        asked = latency.tpot_ms if low_broken == "tpot" else latency.ttft_ms
        alone = "alone" if arrival_cv2 <= 1.0 else "in bursts of the lightest load"
        got = low_seen.tpot_target_ms if low_broken == "tpot" else low_seen.ttft_target_ms
        missed = TargetMissed(
            f"{instance.model.id} on {instance.config.accelerators} x {instance.accelerator.id} does not meet "
            f"{low_broken.upper()} {asked:g} ms at p{latency.percentile:g}: {alone}, a request gets {got:.1f} ms",
            fix="use more or faster accelerators, fewer bytes per weight, or a looser target",
        )
        missed.missed_by = float(got / asked) if asked else 1.0
        raise missed
    for _ in range(BISECTIONS):
        middle = float(SCALAR.sqrt(low * high))
        state, seen, now = probe(middle)
        if now is None:
            low, low_state, low_seen = middle, state, seen
        else:
            high, broken = middle, now
        if high < low * 1.002:
            break
    return best(low, low_state, low_seen, broken)


def within_latency(
    instance: Instance, shape: Shape, calibration: Calibration, *, latency: LatencyTarget, arrival_cv2: float = 1.0
) -> Estimate:
    """The load one instance sustains within the targets, under Poisson arrivals (or burstier)."""
    check_shape(shape)
    concurrency, state, seen, broken = sustained(instance, shape, latency, arrival_cv2=arrival_cv2)
    made = _build(
        instance, shape, calibration, state, seen, concurrency=concurrency, ttft_closed=False,
        limit="latency" if broken else None, at_capacity=broken is None,
    )  # fmt: skip
    if broken:
        made = replace(made, notes=(*made.notes, f"the {broken.upper()} target is what limits it"))
    return made
