"""Work of one step on one GPU, in seconds at the hardware's peak rates.

Nothing here is calibrated: FLOPs over peak FLOP/s, bytes over peak bytes/s, counts of layers and
collectives. :mod:`step` divides each by an efficiency. Every field is a plain number, so a
thousand configurations stack into arrays (:func:`stack`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from breakeven.serving import architecture as arch
from breakeven.serving.arithmetic import Number
from breakeven.serving.precision import Numerics
from breakeven.serving.spec import NETWORK_BYTES_PER_S, AcceleratorSpec, ModelSpec, ServingConfig


class Work(Struct, frozen=True):
    """See the module. ``_s`` are seconds at peak; the word before it says per what."""

    # linear layers every token visits: attention projections, dense FFN, shared experts
    dense_flop_s_per_token: Number
    dense_byte_s: Number
    dense_element_s: Number  # one output element of each of these products, multiplied on the whole GPU
    # routed experts on this GPU
    expert_flop_s_per_row: Number  # one token through one expert, this GPU's share
    expert_byte_s: Number  # all experts held here, once
    experts: Number  # routed experts per layer of the model (1 when dense)
    experts_per_token: Number
    touch_odds: Number  # k / (E - k): odds that one token touches a given expert
    # output projection, per sequence that emits a token
    head_flop_s_per_row: Number
    head_byte_s: Number
    # attention over the cache, per decoding sequence of one attention rank
    kv_full_byte_s_per_token: Number
    kv_window_byte_s_per_token: Number
    window: Number
    read_cap: Number  # tokens a full layer reads at most (sparse attention), else infinite
    index_byte_s_per_token: Number
    state_byte_s: Number
    attention_flop_s_per_token: Number  # full layers: per query and cached token
    prefill_flop_s_per_token: Number  # the same for prompt tokens, which MLA attends to unabsorbed
    attention_window_flop_s_per_token: Number
    # activations, per token of one attention rank
    activation_byte_s_per_token: Number
    # collectives
    tp_collectives: Number
    tp_link_s_per_token: Number
    tp_doublings: Number  # log2(tp)
    ep_collectives: Number
    ep_link_s_per_token: Number
    stage_link_s_per_token: Number  # hand-over to the next pipeline stage
    # counts
    products: Number  # dense matrix products of this stage
    layers: Number  # of this stage; two blocks make one
    attention_layers: Number  # over the share of heads this GPU computes: sequences times layers, per unit of heads
    expert_layers: Number
    stages: Number
    attention_ranks: Number
    expert_ranks: Number
    accelerators: Number  # of one copy


def _log2_whole(count: int) -> float:
    """log2 of a count, linear between the powers of two: exact on any machine.

    >>> _log2_whole(8), _log2_whole(6)
    (3.0, 2.5)
    """
    whole = count.bit_length() - 1
    return whole + count / float(1 << whole) - 1.0


def touch_odds(model: ModelSpec) -> float:
    """``k / (E - k)``; endless where every token visits every expert.

    >>> touch_odds(ModelSpec("x", 1, 8, 1, 1, 8, 10, moe_layers=1, experts=128, experts_per_token=8))
    0.06666666666666667
    """
    if not model.is_moe or model.experts_per_token >= model.experts:
        return 1e18
    return model.experts_per_token / float(model.experts - model.experts_per_token)


class Between(Struct, frozen=True):
    """Seconds per byte at peak that one accelerator sends, by pattern, within a node and across nodes."""

    reduce_s_per_byte: float  # all-reduce of a tensor-parallel group
    exchange_s_per_byte: float  # all-to-all of expert parallelism
    hand_over_s_per_byte: float  # to the next pipeline stage

    @classmethod
    def of(cls, accelerator: AcceleratorSpec, config: ServingConfig) -> Between:
        """Where a group is larger than the fast interconnect joins, part of its bytes cross the network.

        A ring that reduces over several nodes uses every adapter of a node at once. An exchange with
        all ranks sends the share of ranks outside the node through the accelerator's own adapter.
        """
        node = accelerator.scale_up_count
        inside, outside = 1.0 / accelerator.link_bytes_per_s, 1.0 / NETWORK_BYTES_PER_S
        ranks = max(config.ep, 1)
        far = max(ranks - node, 0) / max(ranks - 1, 1)
        return cls(
            reduce_s_per_byte=inside if config.tp <= node else max(inside, outside / node),
            exchange_s_per_byte=(1.0 - far) * inside + far * outside,
            hand_over_s_per_byte=inside if config.accelerators_per_copy <= node else max(inside, outside),
        )


def expert_ranks(model: ModelSpec, config: ServingConfig) -> int:
    """GPUs over which whole experts are spread."""
    return max(1, config.ep) if model.is_moe else 1


def work(
    *, model: ModelSpec, accelerator: AcceleratorSpec, config: ServingConfig, numerics: Numerics
) -> Work:
    """Seconds at peak for one configuration."""
    n = config.accelerators_per_copy
    stages = config.pp
    per_stage = n // stages
    ranks = config.attention_ranks
    tp = config.tp
    rate = accelerator.flop_per_s
    byte_s = 1.0 / accelerator.memory_bytes_per_s
    between = Between.of(accelerator, config)

    attention = arch.attention_params(model)
    dense = arch.dense_ffn_params(model) + arch.shared_expert_params(model)
    routed = arch.routed_params(model)
    split = tp * stages  # the weights every token visits are shared by TP and PP, repeated across DP ranks
    dense_flop_s = (
        2.0 * attention / rate[numerics.attention_class] + 2.0 * dense / rate[numerics.dense_class]
    ) / split
    dense_byte_s = (attention * numerics.attention_bytes + dense * numerics.dense_bytes) * byte_s / split

    dense_element_s = (
        2.0 * arch.attention_depth(model, tp=tp) / rate[numerics.attention_class]
        + 2.0 * arch.dense_ffn_depth(model, tp=tp) / rate[numerics.dense_class]
    ) / stages

    is_moe = model.is_moe
    expert_flop_s = expert_byte_s = 0.0
    if is_moe:
        per_layer = arch.expert_params(model)
        # Rows are counted over the whole copy; this GPU computes 1/per_stage of them.
        expert_flop_s = 2.0 * per_layer * model.moe_layers / rate[numerics.expert_class] / (stages * per_stage)
        expert_byte_s = routed * numerics.expert_bytes * byte_s / (stages * per_stage)

    kv_shard = 1.0 if model.attention == "mla" else float(min(tp, model.kv_heads))
    elements = arch.kv_elements_per_token(model)
    kv_byte_s = elements * numerics.kv_bytes * byte_s / kv_shard
    attention_flop_s = 4.0 * arch.decode_query_width(model) / rate["f16"] / tp
    prefill_flop_s = 4.0 * arch.prefill_query_width(model) / rate["f16"] / tp
    state = 2.0 * model.linear.count * model.linear.state_bytes_per_layer * byte_s / tp  # read and written

    h = model.hidden
    shared_width = model.shared_expert_intermediate
    # Attention (or a linear layer) and FFN (or experts) are two blocks of a layer; hybrid models
    # such as Nemotron have layers of one block only, so blocks are what counts.
    blocks = float(model.attention_layers + model.linear.count + model.dense_ffn_layers + model.moe_layers)
    # Normalising queries and keys over all heads at once adds a reduction of its own; an indexer (norm, rotation,
    # quantising, scores, top-k) launches as much as a layer.
    wide_norms = float(model.attention_layers) if model.qk_norm_over_heads else 0.0
    indexers = float(model.attention_layers) if model.sparse_top_k else 0.0
    activation = 2.0 * (
        blocks * 6.0 * h
        + model.attention_layers * 2.0 * model.query_heads * model.head_dim / tp
        + model.dense_ffn_layers * 3.0 * model.ffn_intermediate / tp
        + model.moe_layers
        * (
            model.experts_per_token * (2.0 * (model.expert_hidden or h) + 3.0 * model.expert_intermediate) * ranks
            / per_stage
            + 3.0 * shared_width / tp
        )
    )  # fmt: skip

    hops = float(tp - 1) / tp
    # Each block ends with an all-reduce of t x h 16-bit values; with attention
    # data parallelism the FFN's becomes a dispatch and a combine over the expert ranks.
    ep = expert_ranks(model, config)
    spread = ep > 1 and ranks > 1
    reduced_layers = blocks - (model.moe_layers if spread else 0.0)
    tp_link_s = reduced_layers * 2.0 * hops * h * 2.0 * between.reduce_s_per_byte / stages
    ep_link_s = 0.0
    if spread:
        reach = float(min(model.experts_per_token, ep)) * (ep - 1) / ep
        ep_link_s = model.moe_layers * reach * h * 3.0 * between.exchange_s_per_byte / stages  # 8-bit out, 16-bit back
    return Work(
        dense_flop_s_per_token=dense_flop_s,
        dense_byte_s=dense_byte_s,
        dense_element_s=dense_element_s,
        expert_flop_s_per_row=expert_flop_s,
        expert_byte_s=expert_byte_s,
        experts=float(model.experts if is_moe else 1),
        experts_per_token=float(model.experts_per_token if is_moe else 1),
        touch_odds=touch_odds(model),
        head_flop_s_per_row=2.0 * arch.head_params(model) / rate["f16"] / tp,
        head_byte_s=arch.head_params(model) * 2.0 * byte_s / tp,
        kv_full_byte_s_per_token=kv_byte_s * model.full_attention_layers / stages,
        kv_window_byte_s_per_token=kv_byte_s * model.windowed_attention_layers / stages,
        window=float(model.window or 1),
        read_cap=float(model.sparse_top_k) if model.sparse_top_k else 1e18,
        index_byte_s_per_token=model.sparse_index_dim * model.full_attention_layers * byte_s / stages,
        state_byte_s=state / stages,
        attention_flop_s_per_token=attention_flop_s * model.full_attention_layers / stages,
        prefill_flop_s_per_token=prefill_flop_s * model.full_attention_layers / stages,
        attention_window_flop_s_per_token=attention_flop_s * model.windowed_attention_layers / stages,
        activation_byte_s_per_token=activation * byte_s / stages,
        tp_collectives=(reduced_layers + wide_norms) / stages if tp > 1 else 0.0,
        tp_link_s_per_token=tp_link_s,
        tp_doublings=_log2_whole(tp),
        ep_collectives=2.0 * model.moe_layers / stages if spread else 0.0,
        ep_link_s_per_token=ep_link_s,
        stage_link_s_per_token=h * 2.0 * between.hand_over_s_per_byte if stages > 1 else 0.0,
        products=arch.dense_products(model) / stages,
        layers=(0.5 * blocks + indexers) / stages,
        attention_layers=float(model.attention_layers) / stages / min(tp, model.kv_heads),
        expert_layers=float(model.moe_layers) / stages,
        stages=float(stages),
        attention_ranks=float(ranks),
        expert_ranks=float(ep),
        accelerators=float(n),
    )


WORK_FIELDS = Work.__struct_fields__


def stack(works: Sequence[Work], make: Callable[[list[float]], Any]) -> Work:
    """Many configurations as one Work of arrays; ``make`` is e.g. ``numpy.array``."""
    return Work(**{name: make([float(getattr(w, name)) for w in works]) for name in WORK_FIELDS})
