"""Prefill and decode on separate instances: how many of the one feed the other."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import InputError, Problem
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import Point, choose
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration
from breakeven.serving.instance import Instance
from breakeven.serving.memory import sequence_bytes
from breakeven.serving.queueing import (
    SERVICE_CV2,
    drafts_spread,
    mean_wait,
    normal_quantile,
    wait_percentile,
    waiting_share,
)
from breakeven.serving.spec import NETWORK_BYTES_PER_S, Estimate, LatencyTarget, Shape

# A prefill worker is kept this busy at most, so that prompts do not queue.
PREFILL_UTILISATION = 0.8
_ROUNDS = 40
_SHARES = 20  # steps in which the utilisation is lowered for a TTFT target


class Prefill(Struct, frozen=True):
    """One prefill worker. Prompts that wait for it share steps, up to the engine's token budget."""

    alone_s: float  # one prompt by itself
    service_s: float  # a prompt's share of the worker's time where steps are full
    copies: float  # independent copies of the model in one worker, which prefill at once
    arrival_cv2: float

    def ttft_s(self, utilisation: float, *, percentile: float | None = None) -> float:
        """Mean, or at a percentile, of waiting for the worker and being prefilled."""
        cv2 = self.arrival_cv2
        wait = mean_wait(SCALAR, load=utilisation, service_s=self.service_s, arrival_cv2=cv2, service_cv2=SERVICE_CV2)
        if percentile is not None:
            share = waiting_share(SCALAR, load=utilisation, arrival_cv2=cv2)
            wait = wait_percentile(SCALAR, share=share, mean_wait_s=wait, percentile=percentile)
        return float(self.alone_s + wait)


def disaggregate(
    point: Point, decoder: Instance, estimate: Estimate, prefill_accelerators: int, lookup: ServingLookup,
    calibration: Calibration,
) -> dict[str, float | str]:  # fmt: skip
    """Prefill workers per decode worker, and what each phase then takes.

    n_p = lambda x (prefill time of a prompt) / utilisation; decoding runs without stalls, and the first token comes
    from prefill; the cache of a prompt crosses the network once, on all adapters of the decode worker together.
    """
    shape = point.shape
    if shape.output_tokens <= 1.0:
        raise InputError(Problem("a request of one output token ends with its prefill: there is no decoding to separate",
                                 "leave --prefill-accelerators out", "--prefill-accelerators"))  # fmt: skip
    asked = replace(point, accelerators=prefill_accelerators, tp=None, pp=None, ep=None, dp=None, concurrency=1.0, speculation=None)
    prefiller = choose(asked, lookup.model(point.model), lookup.accelerator(point.accelerator), calibration)
    prefill = _prefill(prefiller, shape, point.arrival_cv2)
    bytes_per_prompt = float(sequence_bytes(SCALAR, decoder.footprint, tokens=shape.input_tokens, window_kept=0.0))
    transfer_s = bytes_per_prompt / NETWORK_BYTES_PER_S
    target = point.latency or LatencyTarget()
    extra_s = transfer_s + float(prefiller.resolved.scheduling.front_end_s)
    utilisation, note = _utilisation(prefill, target, extra_s)
    ttft_s = prefill.ttft_s(utilisation) + extra_s
    in_flight = estimate.concurrency / decoder.config.copies
    batch, tpot_s = _decoding(decoder, shape, point, ttft_s, in_flight=in_flight)
    decoding_s = (shape.output_tokens - 1.0) * tpot_s
    rate = batch / decoding_s * decoder.config.copies
    workers = rate * prefill.service_s / prefill.copies / utilisation
    if point.concurrency is not None:  # whoever finds no slot on the decode side waits for one: Little's law
        ttft_s = max(ttft_s, point.concurrency / rate - decoding_s)
    out: dict[str, float | str] = {
        "disaggregated_requests_per_s": rate,
        "disaggregated_output_tok_per_s": rate * shape.output_tokens,
        "disaggregated_tpot_ms": tpot_s * 1e3,
        "disaggregated_ttft_ms": ttft_s * 1e3,
        "cache_transfer_ms": transfer_s * 1e3,
        "prefill_utilisation": utilisation,
        "prefill_workers_per_decode_worker": workers,
        "output_tok_per_s_per_accelerator": rate
        * shape.output_tokens
        / (estimate.config.accelerators + workers * prefiller.config.accelerators),
    }
    if target.tpot_ms is not None and batch <= 1.0 and _tpot_at_percentile_s(decoder, shape, target, 1.0) * 1e3 > target.tpot_ms:
        note = f"the TPOT target is out of reach: alone, a request gets {tpot_s * 1e3:.1f} ms on average"
    return out if note is None else out | {"disaggregated_note": note}


def _prefill(prefiller: Instance, shape: Shape, arrival_cv2: float) -> Prefill:
    """Times of one prompt: by itself, and as one of those that fill a step."""
    new_input = float(prefiller.requests(shape).new_input)
    ranks, stages = prefiller.config.attention_ranks, prefiller.config.pp
    budget = float(prefiller.resolved.scheduling.budget_tokens)

    def step_s(tokens: float) -> float:
        return float(prefiller.step(shape, decode_batch=0.0, prefill_tokens=tokens).total)

    chunk = min(budget, new_input)
    alone = step_s(chunk) * (new_input / chunk + stages - 1.0)
    full = budget * ranks
    shared = step_s(full) * new_input / full
    return Prefill(alone, min(shared, alone), float(prefiller.config.copies), arrival_cv2)


def _utilisation(prefill: Prefill, target: LatencyTarget, extra_s: float) -> tuple[float, str | None]:
    """(how busy prefill workers may be for the TTFT target, what to say where none is idle enough)."""
    if target.ttft_ms is None:
        return PREFILL_UTILISATION, None
    for step in range(_SHARES, 0, -1):
        share = PREFILL_UTILISATION * step / _SHARES
        if (prefill.ttft_s(share, percentile=target.percentile) + extra_s) * 1e3 <= target.ttft_ms:
            return share, None
    least = (prefill.ttft_s(share, percentile=target.percentile) + extra_s) * 1e3
    said = f"the TTFT target is out of reach: prefill workers busy for {share:.0%} of their time give {least:.0f} ms at p{target.percentile:g}"
    return PREFILL_UTILISATION, said


def _decoding(decoder: Instance, shape: Shape, point: Point, ttft_s: float, *, in_flight: float) -> tuple[float, float]:
    """(sequences one copy decodes, TPOT in s): at the load asked for, within the target, or all that the cache holds."""
    cap = decoder.concurrency_cap(shape)

    def tpot_s(batch: float) -> float:
        return _tpot_s(decoder, shape, batch)

    if point.concurrency is not None:
        batch = min(in_flight, cap)
        for _ in range(_ROUNDS):  # requests that are being prefilled elsewhere do not decode
            decoding_s = (shape.output_tokens - 1.0) * tpot_s(max(batch, 1.0))
            batch = 0.5 * (batch + min(in_flight * decoding_s / (ttft_s + decoding_s), cap))
        return batch, tpot_s(max(batch, 1.0))
    if point.latency is None or point.latency.tpot_ms is None:
        return cap, tpot_s(cap)
    asked, target = point.latency, point.latency.tpot_ms / 1e3
    if _tpot_at_percentile_s(decoder, shape, asked, cap) <= target:
        return cap, tpot_s(cap)
    low, high = 1.0, max(cap, 1.0)
    for _ in range(_ROUNDS):
        middle = float(SCALAR.sqrt(low * high))
        low, high = (middle, high) if _tpot_at_percentile_s(decoder, shape, asked, middle) <= target else (low, middle)
    return low, tpot_s(low)


def _tpot_s(decoder: Instance, shape: Shape, batch: float) -> float:
    return decoder.decode_round_s(shape, batch) / decoder.emitted(shape)


def _tpot_at_percentile_s(decoder: Instance, shape: Shape, target: LatencyTarget, batch: float) -> float:
    """TPOT that the target's percentile of requests stay below: no prompt stalls them, bad luck with drafts may."""
    unlucky = 0.0
    if decoder.drafting.emitted_cv2:
        unlucky = normal_quantile(SCALAR, target.percentile) * drafts_spread(
            SCALAR, output=shape.output_tokens, tokens_per_step=decoder.emitted(shape), drafts_cv2=decoder.drafting.emitted_cv2
        )
    return float(_tpot_s(decoder, shape, batch) * (1.0 + unlucky))
