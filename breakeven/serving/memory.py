"""What fits: weights per GPU and the cache that is left, as the engines divide memory."""

from __future__ import annotations

from msgspec import Struct

from breakeven.serving import architecture as arch
from breakeven.serving.arithmetic import Arithmetic, Number
from breakeven.serving.precision import Numerics
from breakeven.serving.spec import AcceleratorSpec, ModelSpec, ServingConfig

# What no engine does without, beside weights and cache: a context per device, communication buffers and the
# activations of one step. DeepSeek-V3 in FP8 leaves 1.4 GB on each of eight 80 GB cards, and does not start there
# (InternLM/lmdeploy#2960; SGLang's guide asks for two nodes of them, docs.sglang.io/docs/basic_usage/deepseek_v3).
RUNTIME_BYTES = 0.5e9
RUNTIME_SHARE = 0.02


class MemoryRules(Struct, frozen=True):
    """How an engine divides a GPU's memory.

    cache_share    share of the memory left after weights and reserve that becomes KV cache
    reserve_bytes  runtime context, activations and captured graphs
    growth_share   share of the output for which cache is held on average: 1 where the engine
                   reserves the whole request, about one half where pages grow with the output
    window_kept    share of the tokens beyond a sliding window whose cache is kept all the same: 1 where
                   the engine has one pool for all layers, 0 where windowed layers give them back
    """

    cache_share: float
    reserve_bytes: float
    growth_share: float
    window_kept: float


class Footprint(Struct, frozen=True):
    """Bytes on one GPU. ``seq_*`` are per sequence and, for caches, per token."""

    weights: Number
    memory: Number
    seq_full_bytes_per_token: Number
    seq_window_bytes_per_token: Number
    window: Number
    seq_state_bytes: Number
    attention_ranks: Number


def weight_bytes_per_accelerator(*, model: ModelSpec, config: ServingConfig, numerics: Numerics) -> float:
    """Weights one GPU holds: dense parts split over TP x PP, experts over all GPUs of a copy.

    >>> from breakeven.serving.spec import ModelSpec, ServingConfig
    >>> numbers = Numerics(2.0, "f16", 2.0, "f16", 2.0, "f16", 2.0)
    >>> llama = ModelSpec("llama-8b", 32, 4096, 32, 8, 128, 128256, ffn_intermediate=14336,
    ...     dense_ffn_layers=32, full_attention_layers=32)
    >>> round(weight_bytes_per_accelerator(model=llama, config=ServingConfig(1), numerics=numbers) / 1e9, 1)
    16.1
    """
    split = config.tp * config.pp
    attention = arch.attention_params(model) * numerics.attention_bytes
    dense = (arch.dense_ffn_params(model) + arch.shared_expert_params(model)) * numerics.dense_bytes
    routed = arch.routed_params(model) * numerics.expert_bytes
    tables = 1 if model.tied_embeddings or config.pp > 1 else 2  # with PP, first and last stage hold one each
    embeddings = arch.head_params(model) * 2.0 * tables
    router = model.moe_layers * model.hidden * model.experts * 2.0
    return (attention + dense + router) / split + embeddings / config.tp + routed / config.accelerators_per_copy


def footprint(
    *, model: ModelSpec, accelerator: AcceleratorSpec, config: ServingConfig, numerics: Numerics
) -> Footprint:
    """Bytes on one GPU of the configuration."""
    shard = 1.0 if model.attention == "mla" else float(min(config.tp, model.kv_heads))
    per_token = arch.kv_elements_per_token(model) * numerics.kv_bytes / shard / config.pp
    index = model.sparse_index_dim * model.full_attention_layers / config.pp
    return Footprint(
        weights=weight_bytes_per_accelerator(model=model, config=config, numerics=numerics),
        memory=accelerator.usable_memory_bytes,
        seq_full_bytes_per_token=per_token * model.full_attention_layers + index,
        seq_window_bytes_per_token=per_token * model.windowed_attention_layers,
        window=float(model.window or 1),
        seq_state_bytes=model.linear.count * model.linear.state_bytes_per_layer / config.tp / config.pp,
        attention_ranks=float(config.attention_ranks),
    )


def cache_bytes(x: Arithmetic, f: Footprint, *, cache_share: Number, reserve_bytes: Number) -> Number:
    """KV cache on one GPU: ``share x (memory - weights - reserve)``.

    Engines fall back to a smaller reserve rather than not start (fewer captured graphs, a smaller
    prefill budget), so a configuration whose weights fit keeps at least a fifth of what the weights
    leave, and 0.2 % of the memory; no measurement covers that, and :func:`is_tight` says where it is.
    """
    left = f.memory - f.weights
    tight = x.maximum(0.2 * left, 0.002 * f.memory)
    return cache_share * x.maximum(left - reserve_bytes, tight)


def runtime_bytes(memory: float) -> float:
    """What the least of engines takes of a GPU's memory, beside weights and cache."""
    return RUNTIME_BYTES + RUNTIME_SHARE * memory


def is_tight(f: Footprint, *, reserve_bytes: float) -> bool:
    """Whether the weights leave so little that an engine has to give up part of its usual reserve."""
    left = float(f.memory - f.weights)
    return left - reserve_bytes < 0.2 * left


def sequence_bytes(x: Arithmetic, f: Footprint, *, tokens: Number, window_kept: Number) -> Number:
    """Cache one sequence of ``tokens`` holds on one GPU; windowed layers need their window only."""
    windowed = x.minimum(tokens, f.window)
    return (
        f.seq_full_bytes_per_token * tokens
        + f.seq_window_bytes_per_token * (windowed + window_kept * (tokens - windowed))
        + f.seq_state_bytes
    )


def concurrency_cap(
    x: Arithmetic, f: Footprint, *, cache_share: Number, reserve_bytes: Number, window_kept: Number,
    input_tokens: Number, held_output: Number,
) -> Number:  # fmt: skip
    """Sequences whose cache fits at once, over all attention ranks; not rounded, and at least one.

    Rounding would make one more token of input cost a whole sequence.
    """
    room = cache_bytes(x, f, cache_share=cache_share, reserve_bytes=reserve_bytes)
    held = sequence_bytes(x, f, tokens=input_tokens + held_output, window_kept=window_kept)
    return x.maximum(room / held * f.attention_ranks, 1.0)
