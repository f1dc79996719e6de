"""Speculative decoding: several tokens per step, for the price of verifying them.

Acceptance is always the user's own measurement; none is assumed. An instance that speculates is asked
like any other: its steps pass more rows and emit more tokens, and every search and limit sees that.
"""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.serving.instance import Instance
from breakeven.serving.load import PLAIN, Drafting
from breakeven.serving.spec import Estimate, Shape, Speculation


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


def tokens_per_step_cv2(*, draft_tokens: int, acceptance: float) -> float:
    """Squared coefficient of variation of the tokens a step emits, drafts accepted independently.

    P(N > k) = a^k for k <= g, so E[N^2] = sum over k of (2k + 1) a^k.

    >>> tokens_per_step_cv2(draft_tokens=1, acceptance=0.5)  # one or two, evenly: variance 1/4 over 1.5^2
    0.1111111111111111
    """
    mean = tokens_per_step(draft_tokens=draft_tokens, acceptance=acceptance)
    square, power = 0.0, 1.0
    for k in range(draft_tokens + 1):
        square += (2 * k + 1) * power
        power *= acceptance
    return max(square - mean * mean, 0.0) / (mean * mean)


def speculating(instance: Instance, speculation: Speculation) -> Instance:
    """The same instance, drafting and verifying in every decode step."""
    asked = {"draft_tokens": speculation.draft_tokens, "acceptance": speculation.acceptance}
    drafting = Drafting(
        rows=1.0 + speculation.draft_tokens,
        emitted=tokens_per_step(**asked),  # type: ignore[arg-type]
        emitted_cv2=tokens_per_step_cv2(**asked),  # type: ignore[arg-type]
        cost_share=speculation.draft_tokens * speculation.draft_cost_share,
    )
    notes = [*instance.notes, "speculation at the acceptance you measured; it changes with load and content"]
    if not speculation.draft_cost_share:
        notes.append("drafting itself is not counted: right for n-gram look-up, too kind to a draft model")
    return replace(instance, drafting=drafting, notes=tuple(notes))


def verify_ratio(instance: Instance, shape: Shape, *, batch: float) -> float:
    """Time of a speculating instance's decode step over that of a plain one, for ``batch`` sequences of one copy.

    The drafted tokens pass the weights with the others and attend to the whole cache, which is read
    once for all tokens of a sequence.
    """
    plain = replace(instance, drafting=PLAIN)
    return instance.decode_round_s(shape, batch) / plain.decode_round_s(shape, batch)


def comparison(
    instance: Instance, shape: Shape, fast: Estimate, plain: Estimate | None
) -> dict[str, float | str]:
    """What speculation does to the answer ``fast``; ``plain`` is None where only with it the targets are met."""
    out: dict[str, float | str] = {
        "tokens_per_step": fast.tokens_per_step,
        "step_ratio": verify_ratio(instance, shape, batch=fast.decode_batch / instance.config.copies),
    }
    if plain is None:
        return out | {"speculation": "pays: without it the targets are not met"}
    pays = fast.requests_per_s > plain.requests_per_s
    ratio = fast.tpot_ms.typical / plain.tpot_ms.typical
    return out | {"tpot_ratio": ratio, "speculation": "pays" if pays else "does not pay at this load"}
