"""Speculative decoding: several tokens per step, for the price of verifying them.

Acceptance is always the user's own measurement; none is assumed.
"""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.serving import grade as grading
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration
from breakeven.serving.instance import Instance
from breakeven.serving.spec import Estimate, Shape, Speculation
from breakeven.serving.step import step_time

_ROUNDS = 20


def tokens_per_step(*, draft_tokens: int, acceptance: float) -> float:
    """Expected tokens a step emits: A = (1 - a^(g + 1)) / (1 - a).

    Source: Leviathan, Kalman and Matias (2023), equation 1.

    >>> tokens_per_step(draft_tokens=3, acceptance=0.5)
    1.875
    >>> tokens_per_step(draft_tokens=3, acceptance=0.0)
    1.0
    """
    total, power = 0.0, 1.0
    for _ in range(draft_tokens + 1):
        total += power
        power *= acceptance
    return total


def verify_ratio(instance: Instance, shape: Shape, speculation: Speculation, *, batch: float) -> float:
    """Time of a step that verifies g drafted tokens per sequence, over that of a plain decode step.

    The drafted tokens pass the weights with the others and attend to the whole cache, which is read
    once for all tokens of a sequence.
    """
    requests = instance.requests(shape)
    per_stage = batch / instance.config.pp
    extra = per_stage * speculation.draft_tokens
    ranks = instance.config.attention_ranks
    parameters = replace(instance.resolved.step, prefill_step_s=0.0)  # verification runs in captured graphs
    plain = step_time(
        SCALAR, instance.work, parameters, decode=per_stage, prefill=0.0, prefill_rank=0.0, context=requests.context,
        span=1.0, prompts=0.0,
    ).total  # fmt: skip
    verify = step_time(
        SCALAR, instance.work, parameters, decode=per_stage, prefill=extra, prefill_rank=extra / ranks,
        context=requests.context, span=requests.context, prompts=extra / ranks,
    ).total  # fmt: skip
    drafting = speculation.draft_tokens * speculation.draft_cost_share * plain
    return float((verify + drafting) / plain)


def with_speculation(
    instance: Instance, shape: Shape, calibration: Calibration, plain: Estimate, speculation: Speculation
) -> tuple[Estimate, dict[str, float | str]]:
    """The same load with speculation: TPOT, throughput, and whether it pays."""
    emitted = tokens_per_step(draft_tokens=speculation.draft_tokens, acceptance=speculation.acceptance)
    state = instance.at(shape, plain.concurrency)
    later = max(shape.output_tokens - 1.0, 1e-9)
    batch, tpot, ratio = float(state.decode_batch), float(state.tpot_s), 1.0
    in_flight = min(plain.concurrency / instance.config.copies, instance.concurrency_cap(shape))
    rate = float(state.requests_per_s)
    for _ in range(_ROUNDS):
        ratio = verify_ratio(instance, shape, speculation, batch=batch)
        # Prompts take their share of all time, as without speculation: it grows with the rate.
        busy = min(rate * float(state.stall_s), 0.95)
        tpot = 0.5 * (tpot + float(state.decode_step_s) * ratio / emitted / (1.0 - busy))
        rate = in_flight / (float(state.ttft_s) + later * tpot)
        batch = max(min(rate * later * tpot, in_flight), 1.0)
    rate = in_flight / (float(state.ttft_s) + later * tpot) * instance.config.copies
    throughput = rate * shape.output_tokens
    wide = grading.band_width(
        calibration, metric="throughput", model=instance.model, band=plain.band, at_capacity=False
    )
    slow = grading.band_width(calibration, metric="tpot", model=instance.model, band=plain.band, at_capacity=False)
    gain = tpot * 1e3 / plain.tpot_ms.typical
    estimate = replace(
        plain,
        requests_per_s=rate,
        output_tok_per_s=grading.banded(throughput, wide),
        total_tok_per_s=throughput * (shape.input_tokens + shape.output_tokens) / shape.output_tokens,
        tpot_ms=grading.banded(tpot * 1e3, slow),
        decode_batch=batch * instance.config.copies,
        notes=(*plain.notes, "speculation at the acceptance you measured; it changes with load and content"),
    )
    extras: dict[str, float | str] = {
        "tokens_per_step": emitted,
        "step_ratio": ratio,
        "tpot_ratio": gain,
        "speculation": "pays" if gain < 1.0 else "does not pay at this load",
    }
    return estimate, extras
