"""Prefill and decode on separate instances: how many of the one feed the other."""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import Point, choose
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration
from breakeven.serving.instance import Instance
from breakeven.serving.memory import sequence_bytes
from breakeven.serving.spec import NETWORK_BYTES_PER_S, Estimate

# A prefill worker is kept this busy at most, so that prompts do not queue.
PREFILL_UTILISATION = 0.8


def disaggregate(
    point: Point, decoder: Instance, estimate: Estimate, prefill_accelerators: int, lookup: ServingLookup,
    calibration: Calibration,
) -> dict[str, float | str]:  # fmt: skip
    """Prefill workers per decode worker, and what each phase then takes.

    n_p = lambda isl / (prefill tokens per second) / 0.8; decoding runs without stalls; the cache of
    a prompt crosses the network once, on all adapters of the decode worker together.
    """
    shape = point.shape
    asked = replace(point, accelerators=prefill_accelerators, tp=None, pp=None, ep=None, dp=None, concurrency=1.0)
    prefiller = choose(
        asked, lookup.model(point.model), lookup.accelerator(point.accelerator), calibration
    )
    requests = prefiller.requests(shape)
    budget = prefiller.resolved.scheduling.budget_tokens
    chunk = max(min(budget, requests.new_input), budget * 0.5)
    step = prefiller.step(shape, decode_batch=0.0, prefill_tokens=chunk).total
    prompt_tokens_per_s = chunk / step * prefiller.config.copies
    decode_state = decoder.at(shape, estimate.concurrency)
    in_flight = min(estimate.concurrency / decoder.config.copies, decoder.concurrency_cap(shape))
    tpot = float(decode_state.decode_step_s)
    rate = in_flight / (max(shape.output_tokens, 2.0) * tpot) * decoder.config.copies
    bytes_per_prompt = float(sequence_bytes(SCALAR, decoder.footprint, tokens=shape.input_tokens, window_kept=0.0))
    transfer_s = bytes_per_prompt / NETWORK_BYTES_PER_S
    workers = rate * requests.new_input / prompt_tokens_per_s / PREFILL_UTILISATION
    alone = step * max(requests.new_input / chunk, 1.0)
    return {
        "disaggregated_requests_per_s": rate,
        "disaggregated_output_tok_per_s": rate * shape.output_tokens,
        "disaggregated_tpot_ms": tpot * 1e3,
        "disaggregated_ttft_ms": (alone / (1.0 - PREFILL_UTILISATION * 0.5) + transfer_s) * 1e3,
        "cache_transfer_ms": transfer_s * 1e3,
        "prefill_workers_per_decode_worker": workers,
        "output_tok_per_s_per_accelerator": rate
        * shape.output_tokens
        / (estimate.config.accelerators + workers * prefiller.config.accelerators),
    }
