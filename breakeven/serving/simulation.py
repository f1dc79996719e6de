"""An event simulation of the same step model: tests the queueing formula, not the hardware.

Requests arrive at random (Poisson, or burstier), wait for a slot, are prefilled in chunks beside
those that decode, and leave after their last token. Every random number comes from one seed.
"""

from __future__ import annotations

import math
import random
from collections import deque

from msgspec import Struct

from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.instance import Instance
from breakeven.serving.load import pipeline_step_s
from breakeven.serving.spec import Estimate, Shape
from breakeven.serving.step import step_time


class _Request(Struct):
    arrival_s: float
    prompt: float
    output: int
    done_prompt: float = 0.0
    done_output: int = 0
    first_s: float = 0.0


class Simulated(Struct, frozen=True):
    """Milliseconds over the requests that came after the warm-up."""

    requests: int
    ttft_mean_ms: float
    ttft_p50_ms: float
    ttft_p95_ms: float
    tpot_mean_ms: float
    tpot_p95_ms: float
    output_tok_per_s: float


def gaps(generator: random.Random, *, rate: float, cv2: float, count: int) -> list[float]:
    """Interarrival times of a given rate and squared coefficient of variation (gamma distributed)."""
    if cv2 <= 0:
        return [1.0 / rate] * count
    shape = 1.0 / cv2
    return [generator.gammavariate(shape, cv2 / rate) for _ in range(count)]


def simulate(
    instance: Instance,
    shape: Shape,
    *,
    requests_per_s: float,
    arrival_cv2: float = 1.0,
    requests: int = 600,
    seed: int = 20260101,
    length_spread: float = 0.0,
) -> Simulated:
    """Open loop at ``requests_per_s`` for one copy; lengths vary uniformly by +- ``length_spread``."""
    generator = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    asked = instance.requests(shape)
    now = 0.0
    arrivals: deque[_Request] = deque()
    for gap in gaps(generator, rate=requests_per_s, cv2=arrival_cv2, count=requests):
        now += gap
        stretch = 1.0 + length_spread * (2.0 * generator.random() - 1.0)
        output = max(1, round(float(asked.output) * stretch))
        arrivals.append(_Request(now, max(1.0, float(asked.new_input) * stretch), output))
    return _run(instance, shape, arrivals, warm_up=requests // 4)


def _run(instance: Instance, shape: Shape, arrivals: deque[_Request], *, warm_up: int) -> Simulated:
    asked = instance.requests(shape)
    rules, p, w = instance.resolved.scheduling, instance.resolved.step, instance.work
    slots = max(1, math.floor(instance.concurrency_cap(shape)))
    waiting: deque[_Request] = deque()
    prefilling: deque[_Request] = deque()
    decoding: list[_Request] = []
    finished: list[tuple[float, float, int]] = []  # TTFT, TPOT, tokens
    now, start, order = 0.0, 0.0, 0
    stages, ranks = float(instance.config.pp), float(instance.config.attention_ranks)
    while arrivals or waiting or prefilling or decoding:
        while arrivals and arrivals[0].arrival_s + rules.front_end_s <= now:
            waiting.append(arrivals.popleft())
        while waiting and len(prefilling) + len(decoding) < slots:
            prefilling.append(waiting.popleft())
        if not prefilling and not decoding:
            now = arrivals[0].arrival_s + rules.front_end_s
            continue
        budget = max((rules.budget_tokens - len(decoding) / ranks * rules.mixed), 0.25 * rules.budget_tokens) * ranks
        taken: list[tuple[_Request, float]] = []
        for request in prefilling:
            share = min(budget, request.prompt - request.done_prompt)
            if share <= 0:
                break
            taken.append((request, share))
            budget -= share
        tokens = sum(share for _, share in taken)
        mixes = rules.mixed > 0 or not taken
        batch = float(len(decoding)) if mixes else 0.0
        context = asked.cached + asked.new_input
        if decoding:
            context += sum(r.done_output for r in decoding) / len(decoding)
        per_rank = max(tokens / ranks, min(tokens, asked.new_input) if len(taken) < ranks else tokens / ranks)
        duration = step_time(
            SCALAR, w, p, decode=batch / stages, prefill=tokens, prefill_rank=per_rank, context=context,
            span=asked.span, prompts=len(taken) / ranks,
        ).total  # fmt: skip
        # A round of the pipeline is one step of every stage; prefill stalls it once.
        if stages > 1:
            alone = step_time(
                SCALAR, w, p, decode=batch / stages, prefill=0.0, prefill_rank=0.0, context=context, span=1.0,
                prompts=0.0,
            ).total  # fmt: skip
            duration = (alone + pipeline_step_s(SCALAR, w, rules)) * stages + (duration - alone)
        now += duration
        if mixes:
            for request in decoding:
                request.done_output += 1
        for request, share in taken:
            request.done_prompt += share
        while prefilling and prefilling[0].done_prompt >= prefilling[0].prompt - 1e-9:
            request = prefilling.popleft()
            request.first_s, request.done_output = now, 1
            decoding.append(request)
        still = []
        for request in decoding:
            if request.done_output < request.output:
                still.append(request)
                continue
            order += 1
            if order == warm_up:
                start = now
            if order > warm_up:
                steps = max(request.output - 1, 1)
                finished.append((request.first_s - request.arrival_s, (now - request.first_s) / steps, request.output))
        decoding = still
    first = sorted(item[0] for item in finished)
    later = sorted(item[1] for item in finished)
    return Simulated(
        requests=len(finished),
        ttft_mean_ms=math.fsum(first) / len(first) * 1e3,
        ttft_p50_ms=first[len(first) // 2] * 1e3,
        ttft_p95_ms=first[min(int(len(first) * 0.95), len(first) - 1)] * 1e3,
        tpot_mean_ms=math.fsum(later) / len(later) * 1e3,
        tpot_p95_ms=later[min(int(len(later) * 0.95), len(later) - 1)] * 1e3,
        output_tok_per_s=math.fsum(item[2] for item in finished) / max(now - start, 1e-9),
    )


LOAD_SHARE = 0.97  # at its very capacity a queue has no steady state: simulate just below


def check_by_simulation(
    instance: Instance, shape: Shape, estimate: Estimate, *, arrival_cv2: float, closed_loop: bool
) -> dict[str, float | str]:
    """The model's estimate beside what an event by event account of the same steps gives, and which of the two holds.

    ``closed_loop``: the estimate is of requests always in flight, not of arrivals within latency targets.
    """
    rate = estimate.requests_per_s / instance.config.copies
    in_flight = estimate.concurrency / instance.config.copies
    seen = simulate(
        instance, shape, requests_per_s=rate * LOAD_SHARE, arrival_cv2=arrival_cv2, requests=max(600, int(8 * in_flight))
    )
    return {
        "simulated_requests": float(seen.requests),
        "simulated_tpot_ms": seen.tpot_mean_ms,
        "simulated_tpot_ms_p95": seen.tpot_p95_ms,
        "simulated_ttft_ms_mean": seen.ttft_mean_ms,
        "simulated_ttft_ms_p95": seen.ttft_p95_ms,
        "formula_tpot_ms": estimate.tpot_ms.typical,
        "formula_ttft_ms_mean": estimate.ttft_ms_mean,
        "formula_ttft_ms_p95": estimate.ttft_ms_p95,
        "simulation_note": _which_holds(closed_loop=closed_loop, arrival_cv2=arrival_cv2),
    }


def _which_holds(*, closed_loop: bool, arrival_cv2: float) -> str:
    """Why the two first-token times differ, and when to take which."""
    arrivals = "at random (Poisson)" if arrival_cv2 == 1.0 else f"in bursts (squared variation {arrival_cv2:g})"
    if closed_loop:
        return (
            "the formula's TTFT holds for a closed loop, where a request starts only as another ends (a load test of fixed "
            f"concurrency); the simulated one for requests that arrive {arrivals} at {LOAD_SHARE:.0%} of that rate and queue, as "
            "those of users do; that near to capacity it grows with the time simulated: for users, set --ttft-ms"
        )
    return (
        f"both are of requests that arrive {arrivals}, the simulated ones at {LOAD_SHARE:.0%} of the rate; take the simulated "
        "times where they differ: they count every wait and every crowd that the formula approximates. The time of a step is the same in both, "
        "so neither is surer about the hardware"
    )
