"""Time of one engine step: a roofline per kind of work, plus what the software adds.

``T = dense + experts + head + cache + prefill attention + activations + collectives + overhead``

Each roofline term takes the longer of its compute and its memory time, plus a share of the shorter
one (``overlap``: no kernel hides it completely). Source: docs/accuracy.md, equation ``step-time``.
"""

from __future__ import annotations

from msgspec import Struct

from breakeven.serving.arithmetic import Arithmetic, Number
from breakeven.serving.work import Work

# Rows of an output tile of a matrix product: as many as there are tokens, between the 64 that one instruction of a warp
# group takes at the least and the 128 of a full tile (PTX ISA, wgmma: m64; CUTLASS tiles of 128 x 128).
LEAST_TILE_ROWS, FULL_TILE_ROWS = 64.0, 128.0


class StepParameters(Struct, frozen=True):
    """Calibrated efficiencies (0..1] and times of one engine on one hardware generation."""

    dense_compute: Number  # share of peak FLOP/s large matrix products reach
    wave_elements: Number  # output elements by which a matrix product rounds up to whole waves of tiles
    dense_memory: Number  # share of peak bandwidth that streaming weights reaches
    expert_compute: Number
    expert_memory: Number
    attention_compute: Number  # prefill attention
    cache_memory: Number  # decode attention, bandwidth
    cache_compute: Number  # decode attention, FLOP/s
    link: Number  # share of the interconnect's one-way peak
    expert_link: Number
    overlap: Number  # share of the shorter of compute and memory time that is not hidden
    expert_overlap: Number  # the same for routed experts, of which some wait for weights while others multiply
    tile_rows: Number  # rows to which the tokens of one expert are padded
    activation_traffic: Number  # activation bytes over the unfused minimum
    collective_s: Number  # latency of an all-reduce between two GPUs
    collective_doubling_s: Number  # added per doubling of the group
    expert_collective_s: Number
    product_s: Number  # launch and tail of one dense matrix product, quantising its input included
    layer_s: Number  # launch and tail of one layer's other kernels
    expert_layer_s: Number  # added by routing in one MoE layer
    step_s: Number  # scheduler and sampler, per step
    sequence_s: Number  # the same, per decoding sequence of a rank
    sequence_layer_s: Number  # attention of one decoding sequence in one layer, beside reading its cache
    prefill_step_s: Number  # added to a step with prefill (no captured graph), per layer


PARAMETER_FIELDS = StepParameters.__struct_fields__


class StepTime(Struct, frozen=True):
    """Seconds of one step of one pipeline stage, by part."""

    dense: Number
    experts: Number
    head: Number
    cache: Number
    prefill_attention: Number
    activations: Number
    collectives: Number
    overhead: Number

    @property
    def total(self) -> Number:
        return (
            self.dense
            + self.experts
            + self.head
            + self.cache
            + self.prefill_attention
            + self.activations
            + self.collectives
            + self.overhead
        )


def roofline(x: Arithmetic, *, compute_s: Number, memory_s: Number, overlap: Number) -> Number:
    """max(compute, memory) + overlap x min(compute, memory).

    >>> from breakeven.serving.arithmetic import SCALAR
    >>> roofline(SCALAR, compute_s=2.0, memory_s=1.0, overlap=0.25)
    2.25
    """
    return x.maximum(compute_s, memory_s) + overlap * x.minimum(compute_s, memory_s)


def step_time(
    x: Arithmetic,
    w: Work,
    p: StepParameters,
    *,
    decode: Number,
    prefill: Number,
    prefill_rank: Number,
    context: Number,
    span: Number,
    prompts: Number,
    rows: Number = 1.0,
) -> StepTime:
    """One step of one stage.

    decode        sequences that each emit a token, over all attention ranks
    prefill       prompt tokens processed in the step, over all ranks
    prefill_rank  prompt tokens on the busiest attention rank
    context       mean tokens in the cache of a decoding sequence
    span          mean tokens a prompt token attends to
    prompts       prompts that finish in this step (each needs one row of the output projection)
    rows          tokens each decoding sequence passes: one, and the drafted ones where drafts are verified
    """
    rank_decode = decode / w.attention_ranks
    rank_tokens = rank_decode * rows + prefill_rank
    tokens = decode * rows + prefill

    # The GPU multiplies tiles of the output, one per core at a time; the last wave of tiles is half
    # empty on average, which is what makes thin products (few tokens, many GPUs) slow. Tiles are as
    # high as there are tokens, within what the instructions take.
    wave = p.wave_elements * x.maximum(x.minimum(rank_tokens, FULL_TILE_ROWS), LEAST_TILE_ROWS) / FULL_TILE_ROWS
    dense = roofline(
        x,
        compute_s=(rank_tokens * w.dense_flop_s_per_token + wave * w.dense_element_s) / p.dense_compute,
        memory_s=w.dense_byte_s / p.dense_memory,
        overlap=p.overlap,
    )

    # Experts are not equally popular. With popularities spread exponentially t tokens touch a share
    # u / (1 + u) of them, u = t k / (E - k); each touched one gets m rows on average, padded to a
    # tile (half a tile on average once several tiles fill).
    odds = x.maximum(tokens, 0.5) * w.touch_odds
    covered = odds / (1.0 + odds)
    expert_rows = tokens * w.experts_per_token / (w.experts * covered)
    padded = x.maximum(expert_rows + 0.5 * p.tile_rows, p.tile_rows)
    experts = roofline(
        x,
        compute_s=w.experts * covered * padded * w.expert_flop_s_per_row / p.expert_compute,
        memory_s=covered * w.expert_byte_s / p.expert_memory,
        overlap=p.expert_overlap,
    )

    head_rows = rank_decode * rows + prompts
    head = roofline(
        x,
        compute_s=head_rows * w.head_flop_s_per_row / p.dense_compute,
        memory_s=w.head_byte_s / p.dense_memory,
        overlap=p.overlap,
    )

    read = x.minimum(context, w.read_cap)
    read_window = x.minimum(context, w.window)
    cache_byte_s = (
        read * w.kv_full_byte_s_per_token
        + context * w.index_byte_s_per_token
        + read_window * w.kv_window_byte_s_per_token
        + w.state_byte_s
    )
    cache_flop_s = read * w.attention_flop_s_per_token + read_window * w.attention_window_flop_s_per_token
    # The cache is read once for all tokens a sequence passes.
    cache = rank_decode * x.maximum(cache_byte_s / p.cache_memory, cache_flop_s * rows / p.cache_compute)

    span_full = x.minimum(span, w.read_cap)
    span_window = x.where(
        2.0 * span > w.window, w.window - w.window * w.window / x.maximum(4.0 * span, 1.0), span
    )
    prefill_attention = (
        prefill_rank
        * (span_full * w.prefill_flop_s_per_token + span_window * w.attention_window_flop_s_per_token)
        / p.attention_compute
    )

    activations = rank_tokens * w.activation_byte_s_per_token * p.activation_traffic / p.dense_memory

    collectives = (
        w.tp_collectives * (p.collective_s + p.collective_doubling_s * (w.tp_doublings - 1.0))
        + rank_tokens * w.tp_link_s_per_token / p.link
        + w.ep_collectives * p.expert_collective_s
        + rank_tokens * w.ep_link_s_per_token / p.expert_link
        + rank_tokens * w.stage_link_s_per_token / p.link
    )

    some_prefill = x.minimum(prefill, 1.0)
    overhead = (
        w.products * p.product_s
        + w.layers * p.layer_s
        + w.expert_layers * p.expert_layer_s
        + p.step_s
        + p.sequence_s * rank_decode
        + p.sequence_layer_s * rank_decode * w.attention_layers
        + some_prefill * w.layers * p.prefill_step_s
    )
    return StepTime(dense, experts, head, cache, prefill_attention, activations, collectives, overhead)
