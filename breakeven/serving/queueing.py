"""Percentiles of latency under arrivals that nobody schedules.

Prefill is the queue: one server per instance, service time ``stall`` (what one prompt adds). Mean
wait by Allen and Cunneen's formula for G/G/1; its distribution taken as a point mass at zero plus
an exponential tail, which is exact for M/M/1 and close for M/G/1 in heavy traffic.
"""

from __future__ import annotations

from msgspec import Struct

from breakeven.serving.arithmetic import Arithmetic, Number
from breakeven.serving.load import LoadState, Requests

# Squared coefficient of variation of a prompt's service time where lengths vary mildly.
SERVICE_CV2 = 0.3
_SATURATED = 0.999


class Latency(Struct, frozen=True):
    """Milliseconds. ``ttft_ms`` excludes the network to the client."""

    ttft_mean_ms: Number
    ttft_p50_ms: Number
    ttft_p95_ms: Number
    ttft_target_ms: Number  # at the percentile asked for
    tpot_mean_ms: Number
    tpot_target_ms: Number


def mean_wait(x: Arithmetic, *, load: Number, service_s: Number, arrival_cv2: Number, service_cv2: Number) -> Number:
    """W = rho / (1 - rho) x (c_a^2 + c_s^2) / 2 x S, in seconds. Source: Allen and Cunneen (1978).

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> mean_wait(SCALAR, load=0.5, service_s=1.0, arrival_cv2=1.0, service_cv2=1.0)
    1.0
    """
    rho = x.minimum(load, _SATURATED)
    return rho / (1.0 - rho) * (arrival_cv2 + service_cv2) * 0.5 * service_s


def wait_percentile(x: Arithmetic, *, load: Number, mean_wait_s: Number, percentile: Number) -> Number:
    """The wait that ``percentile`` per cent of requests stay below: P(W > t) = rho e^(-t rho / W).

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> wait_percentile(SCALAR, load=0.4, mean_wait_s=1.0, percentile=50)
    0.0
    """
    rho = x.clip(load, 1e-9, _SATURATED)
    beyond = 1.0 - percentile / 100.0
    return x.maximum(x.log(rho / beyond), 0.0) * mean_wait_s / rho


def normal_quantile(x: Arithmetic, percentile: Number) -> Number:
    """z of the standard normal, for 50 <= percentile < 100 (Abramowitz and Stegun 26.2.23, error < 4.5e-4).

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> round(normal_quantile(SCALAR, 95), 2)
    1.65
    """
    tail = x.clip(1.0 - percentile / 100.0, 1e-9, 0.5)
    t = x.sqrt(-2.0 * x.log(tail))
    top = 2.515517 + t * (0.802853 + t * 0.010328)
    bottom = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    return x.maximum(t - top / bottom, 0.0)


def open_loop_latency(
    x: Arithmetic, state: LoadState, r: Requests, *, percentile: Number = 95.0, arrival_cv2: Number = 1.0,
    front_end_s: Number = 0.0, drafts_cv2: float = 0.0,
) -> Latency:  # fmt: skip
    """Latency when the rate of ``state`` arrives unscheduled (Poisson: ``arrival_cv2`` = 1).

    ``drafts_cv2``: squared coefficient of variation of the tokens a step emits under speculative decoding.
    """
    load = state.requests_per_s * state.stall_s
    wait = mean_wait(x, load=load, service_s=state.stall_s, arrival_cv2=arrival_cv2, service_cv2=SERVICE_CV2)
    step = state.decode_step_s + x.minimum(load, 1.0) * state.stalled_tpot_s * state.tokens_per_step
    base = front_end_s + 0.5 * step + state.prefill_s
    # A request's own TPOT averages over the prompts that arrive while it decodes: Poisson, m of them.
    others = x.maximum(state.requests_per_s * r.output * state.tpot_s, 1e-9)
    stalled = x.maximum(state.stalled_tpot_s, 0.0)
    z = normal_quantile(x, percentile)
    slower = stalled * x.minimum(z / x.sqrt(others), 2.0)
    if drafts_cv2:  # luck with the drafts is independent of who else arrives: the squares add
        steps = x.maximum(r.output / state.tokens_per_step, 1.0)
        unlucky = z * x.sqrt(drafts_cv2 / steps) * (state.tpot_s - stalled)
        slower = x.sqrt(slower * slower + unlucky * unlucky)
    return Latency(
        ttft_mean_ms=(base + wait) * 1e3,
        ttft_p50_ms=(base + wait_percentile(x, load=load, mean_wait_s=wait, percentile=50.0)) * 1e3,
        ttft_p95_ms=(base + 0.5 * step + wait_percentile(x, load=load, mean_wait_s=wait, percentile=95.0)) * 1e3,
        ttft_target_ms=(base + 0.5 * step + wait_percentile(x, load=load, mean_wait_s=wait, percentile=percentile))
        * 1e3,
        tpot_mean_ms=state.tpot_s * 1e3,
        tpot_target_ms=(state.tpot_s + slower) * 1e3,
    )
