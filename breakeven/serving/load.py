"""From the time of a step to latency and throughput under load.

Continuous batching as a two-state mixture. Between two of its own tokens a request waits for one
decode step, plus the prefill work of the other requests that arrive meanwhile:

    TPOT = T_d / A + lambda' x TPOT x stall
    stall = (T_m - T_d) x new_input / p          seconds of prefill per arriving request
    lambda = C / (TTFT + (osl - 1) x TPOT)       Little's law, C requests in flight

T_d is a step that only decodes, T_m one that also carries p prompt tokens; lambda' leaves out the
request itself; a step emits A tokens of each sequence, one without speculative decoding. Source: docs/accuracy.md, equation ``closed-loop``.
"""

from __future__ import annotations

from msgspec import Struct

from breakeven.serving.arithmetic import Arithmetic, Number
from breakeven.serving.step import StepParameters, step_time
from breakeven.serving.work import Work

# Rounds of the closed loop end where the rate changes by less than this from one to the next, or after so many.
SETTLED, MOST_ROUNDS = 1e-4, 60
_STEP = 0.8  # of the way to what a round finds: all the way swings where prompts share steps
# Sequences per attention rank from which prompts are held back to prefill together.
BUSY_RANK = 8.0


class Scheduling(Struct, frozen=True):
    """How an engine mixes prompts into decoding.

    budget_tokens  prompt and output tokens one attention rank processes in a step at most
    mixed          1 where prompts share a step with decoding sequences, 0 where they get their own
    rank_balance   how far prompts wait for each other so that all attention ranks prefill at once (0..1)
    front_end_s    tokenizer, queue and network, before the first step of a request
    bunching       share of the requests in flight that arrive together and queue for prefill behind each other
    stage_step_s   added to every stage's step of a pipeline: hand-over between processes, and host work that
                   nothing hides while micro-batches follow each other
    max_sequences  the engine's own default limit on sequences in flight per attention rank
    """

    budget_tokens: Number
    mixed: Number
    rank_balance: Number
    front_end_s: Number
    bunching: Number
    stage_step_s: Number
    max_sequences: Number


class Drafting(Struct, frozen=True):
    """What a decoding sequence passes and emits in one step; the defaults are decoding without speculation.

    rows         tokens passed: the one it is at, and the drafted ones
    emitted      tokens emitted, on average (A)
    emitted_cv2  squared coefficient of variation of that number, from step to step
    cost_share   time of drafting, over a plain decode step
    """

    rows: float = 1.0
    emitted: float = 1.0
    emitted_cv2: float = 0.0
    cost_share: float = 0.0


PLAIN = Drafting()


class Requests(Struct, frozen=True):
    """Numbers of the request shape: tokens to prefill, tokens found in the cache, tokens to generate."""

    new_input: Number
    cached: Number
    output: Number

    @property
    def context(self) -> Number:
        """Mean cache length of a decoding sequence."""
        return self.cached + self.new_input + self.output * 0.5

    @property
    def span(self) -> Number:
        """Mean tokens a prompt token attends to."""
        return self.cached + self.new_input * 0.5


class LoadState(Struct, frozen=True):
    """What the instance does at one load. Times in seconds, rates per second."""

    requests_per_s: Number
    tpot_s: Number
    ttft_s: Number
    decode_step_s: Number
    stall_s: Number  # prefill time one arriving request takes from the others
    prefill_s: Number  # a prompt's own way through prefill, without waiting
    decode_batch: Number
    prefill_tokens: Number  # prompt tokens in a step that carries any
    tokens_per_step: Number = 1.0  # emitted of each sequence

    @property
    def stalled_tpot_s(self) -> Number:
        """The part of TPOT in which other requests' prompts are prefilled."""
        return self.tpot_s - self.decode_step_s / self.tokens_per_step

    def output_tok_per_s(self, r: Requests) -> Number:
        return self.requests_per_s * r.output


def _decode_step(
    x: Arithmetic, w: Work, p: StepParameters, r: Requests, d: Drafting, decode: Number
) -> tuple[Number, Number]:
    """Seconds of a step that only decodes (and verifies), and of the drafting before it."""
    def step(rows: float) -> Number:
        return step_time(
            x, w, p, decode=decode, prefill=0.0, prefill_rank=0.0, context=r.context, span=1.0, prompts=0.0, rows=rows
        ).total

    return step(d.rows), d.cost_share * step(1.0) if d.cost_share else 0.0


def _one_round(
    x: Arithmetic, w: Work, p: StepParameters, s: Scheduling, r: Requests, d: Drafting, batch: Number, arrivals: Number
) -> tuple[Number, Number, Number, Number, Number]:
    """(decode round, stall per request, own prefill time, prompt tokens per step, time of a step with prompts)."""
    decode = batch / w.stages
    budget = x.maximum(s.budget_tokens - decode * d.rows / w.attention_ranks * s.mixed, 0.25 * s.budget_tokens)
    # Prompts reach the ranks unevenly; a rank that waits for others to prefill with it does not hold
    # them up later. Worth it only once every rank has work to go on with.
    together = s.rank_balance * (w.attention_ranks - 1.0) * x.minimum(batch / (BUSY_RANK * w.attention_ranks), 1.0)
    ranks = x.clip(arrivals, 1.0 + together, w.attention_ranks)
    prefill_rank = x.minimum(budget, r.new_input * x.maximum(arrivals / ranks, 1.0))
    prefill = prefill_rank * ranks
    prompts = prefill_rank / r.new_input
    decode_step, drafting = _decode_step(x, w, p, r, d, decode)
    with_decode = decode * s.mixed
    mixed_step = step_time(
        x, w, p, decode=with_decode, prefill=prefill, prefill_rank=prefill_rank, context=r.context, span=r.span,
        prompts=prompts, rows=d.rows,
    ).total  # fmt: skip
    added = x.maximum(mixed_step - decode_step * s.mixed, 0.0)
    decode_step, mixed_step = decode_step + drafting, mixed_step + drafting * s.mixed
    steps = r.new_input / prefill_rank  # of this rank; below one where prompts share a step
    stall = added * r.new_input / prefill
    own = mixed_step * (x.maximum(steps, 1.0) + w.stages - 1.0)
    return (decode_step + pipeline_step_s(x, w, s)) * w.stages, stall, own, prefill, mixed_step


def decode_round_s(
    x: Arithmetic, w: Work, p: StepParameters, s: Scheduling, r: Requests, d: Drafting, batch: Number
) -> Number:
    """Seconds in which ``batch`` sequences pass all stages once, prompts being prefilled elsewhere."""
    step, drafting = _decode_step(x, w, p, r, d, batch / w.stages)
    return (step + drafting + pipeline_step_s(x, w, s)) * w.stages


def pipeline_step_s(x: Arithmetic, w: Work, s: Scheduling) -> Number:
    """Seconds each stage's step takes beyond the work itself; none where there is one stage."""
    return s.stage_step_s * x.minimum(w.stages - 1.0, 1.0)


def closed_loop(
    x: Arithmetic, w: Work, p: StepParameters, s: Scheduling, r: Requests, *, concurrency: Number, cap: Number,
    drafting: Drafting = PLAIN,
) -> LoadState:  # fmt: skip
    """``concurrency`` requests always in flight, prefill included; more than ``cap`` wait for a slot."""
    inside = x.minimum(concurrency, cap)
    others = (inside - 1.0) / inside
    others = x.maximum(others, 0.0)
    batch = inside
    arrivals: Number = 0.0
    later = x.maximum(r.output - 1.0, 1e-9)
    emitted = tokens_per_step(x, drafting, later)
    bunched = s.bunching * 0.5 * (inside - 1.0)
    kept: tuple[Number, ...] | None = None
    settled: Number = False
    for _ in range(MOST_ROUNDS):
        decode_round, stall, own, prefill, longest = _one_round(x, w, p, s, r, drafting, batch, arrivals)
        # Both times grow by 1 / (1 - z) with z = rate x others x stall, and the rate shrinks with them: solved for z.
        first = s.front_end_s + 0.5 * decode_round + own + stall * bunched
        alone = first + later * decode_round / emitted
        stretch = 1.0 + inside * others * stall / alone
        ttft, tpot = first * stretch, decode_round / emitted * stretch
        rate = inside / (alone * stretch)
        share = x.minimum(rate * stall, 0.98)
        new = (rate, tpot, ttft, decode_round, stall, own, batch, prefill)
        if kept is None:
            kept = new
        else:
            change = x.maximum(rate / kept[0], kept[0] / rate) - 1.0
            # What has settled stays as it is: an answer among many has the digits of the answer alone.
            kept = tuple(x.where(settled, old, now) for old, now in zip(kept, new, strict=True))
            settled = x.where(settled, settled, change < SETTLED)
            if x.every(settled):
                break
        batch = batch + _STEP * (x.clip(rate * later * tpot, 1.0, inside) - batch)
        arrivals = arrivals + _STEP * (rate * x.maximum(decode_round + share * tpot, longest) - arrivals)
    assert kept is not None
    rate, tpot, ttft, decode_round, stall, own, batch, prefill = kept
    total_ttft = ttft + (concurrency - inside) / rate
    return LoadState(rate, tpot, total_ttft, decode_round, stall, own, batch, prefill, emitted)


def tokens_per_step(x: Arithmetic, d: Drafting, later: Number) -> Number:
    """Tokens a step emits, of a request that decodes ``later`` of them: the last step's surplus is thrown away.

    Steps = max(1, (later + overshoot) / A); by renewal theory the overshoot is (E[N^2] / A - 1) / 2.
    """
    if d.rows <= 1.0:
        return d.emitted
    overshoot = 0.5 * (d.emitted * (1.0 + d.emitted_cv2) - 1.0)
    tokens = x.maximum(later, 1.0)
    return tokens / x.maximum((tokens + overshoot) / d.emitted, 1.0)
