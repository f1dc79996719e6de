"""Percentiles of latency under arrivals that nobody schedules.

Prefill is the queue: one server per instance, service time ``stall`` (what one prompt adds). A share
of the requests waits, with an exponential tail: exact for GI/M/1, whose share of waiting requests follows
from the arrivals, and close for M/G/1 in heavy traffic. Arrivals that are not Poisson have gamma
distributed gaps, as in the simulation.
"""

from __future__ import annotations

from msgspec import Struct

from breakeven.serving.arithmetic import Arithmetic, Number
from breakeven.serving.load import LoadState, Requests

# Squared coefficient of variation of a prompt's service time where lengths vary mildly.
SERVICE_CV2 = 0.3
_SATURATED = 0.999
_BISECTIONS = 30


class Latency(Struct, frozen=True):
    """Milliseconds. ``ttft_ms`` excludes the network to the client."""

    ttft_mean_ms: Number
    ttft_p50_ms: Number
    ttft_p95_ms: Number
    ttft_target_ms: Number  # at the percentile asked for
    tpot_mean_ms: Number
    tpot_target_ms: Number


def waiting_share(x: Arithmetic, *, load: Number, arrival_cv2: float) -> Number:
    """Share of requests that wait: the root below 1 of s = (1 + (1 - s) c / rho)^(-1 / c), c = ``arrival_cv2``.

    GI/M/1 with gamma distributed gaps; rho itself for Poisson arrivals (c = 1). Source: Kleinrock,
    Queueing Systems I (1975), section 6.4.

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> waiting_share(SCALAR, load=0.4, arrival_cv2=1.0)
    0.4
    >>> round(waiting_share(SCALAR, load=0.4, arrival_cv2=4.0), 3)  # bursts wait behind each other
    0.713
    """
    rho = x.clip(load, 1e-9, _SATURATED)
    if arrival_cv2 == 1.0:
        return rho
    low, high = 0.0 * rho, 0.0 * rho + (1.0 - 1e-9)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        reached = x.exp(-x.log(1.0 + (1.0 - middle) * arrival_cv2 / rho) / arrival_cv2)
        low, high = x.where(reached > middle, middle, low), x.where(reached > middle, high, middle)
    return 0.5 * (low + high)


def mean_wait(x: Arithmetic, *, load: Number, service_s: Number, arrival_cv2: float, service_cv2: Number) -> Number:
    """W = s / (1 - s) x (c_a^2 + c_s^2) / (c_a^2 + 1) x S, in seconds, with s = :func:`waiting_share`.

    Exact for GI/M/1 (c_s^2 = 1) and for M/G/1 (Pollaczek and Khinchine); between them the squared
    variations weigh as in Allen and Cunneen's formula (1978), which counts on rho for the share of bursts that
    wait and is several times too low where the load is low and arrivals are bursty.

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> mean_wait(SCALAR, load=0.5, service_s=1.0, arrival_cv2=1.0, service_cv2=1.0)
    1.0
    """
    s = waiting_share(x, load=load, arrival_cv2=arrival_cv2)
    return s / (1.0 - s) * (arrival_cv2 + service_cv2) / (arrival_cv2 + 1.0) * service_s


def wait_percentile(x: Arithmetic, *, share: Number, mean_wait_s: Number, percentile: Number) -> Number:
    """The wait that ``percentile`` per cent of requests stay below: P(W > t) = s e^(-t s / W), s the ``share`` that waits.

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> wait_percentile(SCALAR, share=0.4, mean_wait_s=1.0, percentile=50)
    0.0
    """
    beyond = 1.0 - percentile / 100.0
    return x.maximum(x.log(share / beyond), 0.0) * mean_wait_s / share


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


def batch_at_percentile(x: Arithmetic, batch: Number, *, percentile: Number, arrival_cv2: float, cap: Number) -> Number:
    """Sequences decoding at once, itself included, that ``percentile`` per cent of requests see fewer of while they decode.

    A request that arrives finds the mean of the others (Poisson arrivals see time averages) and, in bursts, those it
    came with, (c_a^2 - 1) / 2. Their number varies as in an infinite server: variance = mean x (1 + c_a^2) / 2
    (peakedness; the mean itself for Poisson), of which the mean over a request's own time keeps two thirds, since its
    correlation falls linearly over that time. Source: Wolff (1982); Eckberg (1983).

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> round(batch_at_percentile(SCALAR, 64.0, percentile=95.0, arrival_cv2=1.0, cap=256.0), 1)
    75.7
    """
    spread = x.sqrt(batch * (1.0 + arrival_cv2) / 3.0)
    together = max(0.5 * (arrival_cv2 - 1.0), 0.0)
    return x.minimum(batch + 1.0 + together + normal_quantile(x, percentile) * spread, x.maximum(cap, batch))


def drafts_spread(x: Arithmetic, *, output: Number, tokens_per_step: Number, drafts_cv2: float) -> Number:
    """Standard deviation over the mean of a request's TPOT, from the luck of its drafts: cv / sqrt(steps)."""
    return x.sqrt(drafts_cv2 / x.maximum(output / tokens_per_step, 1.0))


def open_loop_latency(
    x: Arithmetic, state: LoadState, r: Requests, *, percentile: Number = 95.0, arrival_cv2: float = 1.0,
    front_end_s: Number = 0.0, drafts_cv2: float = 0.0, crowded_step_s: Number | None = None,
) -> Latency:  # fmt: skip
    """Latency when the rate of ``state`` arrives unscheduled (Poisson: ``arrival_cv2`` = 1).

    ``crowded_step_s``: a decode step at the batch of :func:`batch_at_percentile`; that of the mean batch if None.
    ``drafts_cv2``: squared coefficient of variation of the tokens a step emits under speculative decoding.
    """
    load = state.requests_per_s * state.stall_s
    share = waiting_share(x, load=load, arrival_cv2=arrival_cv2)
    wait = mean_wait(x, load=load, service_s=state.stall_s, arrival_cv2=arrival_cv2, service_cv2=SERVICE_CV2)
    step = state.decode_step_s + x.minimum(load, 1.0) * state.stalled_tpot_s * state.tokens_per_step
    base = front_end_s + 0.5 * step + state.prefill_s
    # A request's own TPOT averages over the prompts that arrive while it decodes: Poisson, m of them.
    others = x.maximum(state.requests_per_s * r.output * state.tpot_s, 1e-9)
    stalled = x.maximum(state.stalled_tpot_s, 0.0)
    z = normal_quantile(x, percentile)
    slower = stalled * x.minimum(z / x.sqrt(others), 2.0)
    if drafts_cv2:  # luck with the drafts is independent of who else arrives: the squares add
        unlucky = z * (state.tpot_s - stalled) * drafts_spread(
            x, output=r.output, tokens_per_step=state.tokens_per_step, drafts_cv2=drafts_cv2
        )
        slower = x.sqrt(slower * slower + unlucky * unlucky)
    if crowded_step_s is not None:
        slower = slower + x.maximum(crowded_step_s - state.decode_step_s, 0.0) / state.tokens_per_step
    return Latency(
        ttft_mean_ms=(base + wait) * 1e3,
        ttft_p50_ms=(base + wait_percentile(x, share=share, mean_wait_s=wait, percentile=50.0)) * 1e3,
        ttft_p95_ms=(base + 0.5 * step + wait_percentile(x, share=share, mean_wait_s=wait, percentile=95.0)) * 1e3,
        ttft_target_ms=(base + 0.5 * step + wait_percentile(x, share=share, mean_wait_s=wait, percentile=percentile))
        * 1e3,
        tpot_mean_ms=state.tpot_s * 1e3,
        tpot_target_ms=(state.tpot_s + slower) * 1e3,
    )
