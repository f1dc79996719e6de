"""What the serving model is told: the model, the accelerator, the configuration, the load.

All SI: bytes, seconds, FLOP/s, except where a name says otherwise (``ttft_ms``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

# Bytes per second of one 400 Gbit/s network adapter per accelerator, the usual fabric between nodes
# (eight of them in an eight-GPU server: NVIDIA DGX H100 datasheet, 2023).
NETWORK_BYTES_PER_S = 50e9

Attention = Literal["gqa", "mla"]  # MHA and MQA are GQA with as many, or one, key-value heads


class LinearLayers(Struct, frozen=True):
    """Layers with a constant-size state instead of a KV cache (Mamba-2, Gated DeltaNet, KDA)."""

    count: int = 0
    params_per_layer: float = 0.0
    state_bytes_per_layer: float = 0.0  # per sequence


class ModelSpec(Struct, frozen=True):
    """Architecture constants of a decoder model, as its config.json states them."""

    id: str
    layers: int
    hidden: int
    query_heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    attention: Attention = "gqa"
    mla_q_rank: int = 0
    mla_kv_rank: int = 0
    mla_rope_dim: int = 0
    mla_nope_dim: int = 0
    mla_value_dim: int = 0
    ffn_intermediate: int = 0  # dense FFN width; 0 where no layer has a dense FFN
    ffn_matrices: int = 3  # 3 = gated (SwiGLU), 2 = plain
    dense_ffn_layers: int = 0
    moe_layers: int = 0
    experts: int = 0
    experts_per_token: int = 0
    expert_intermediate: int = 0
    expert_matrices: int = 3
    expert_hidden: int = 0  # width of a latent space in which routed experts work; 0 = hidden
    shared_expert_intermediate: int = 0  # total width of shared experts
    full_attention_layers: int = 0
    windowed_attention_layers: int = 0
    window: int = 0
    linear: LinearLayers = LinearLayers()
    sparse_top_k: int = 0  # tokens a sparse-attention layer reads at decode; 0 = all
    sparse_index_dim: int = 0  # bytes per token and layer of the index that picks them
    qk_norm_over_heads: bool = False  # queries and keys are normalised over all heads at once, not head by head
    tied_embeddings: bool = False
    native_precision: str = "bf16"
    cache_precision: str = ""  # of the KV cache, where the checkpoint states it
    max_context_tokens: int | None = None
    stated_total_params: float | None = None

    @property
    def is_moe(self) -> bool:
        return self.moe_layers > 0 and self.experts > 1

    @property
    def attention_layers(self) -> int:
        return self.full_attention_layers + self.windowed_attention_layers


class AcceleratorSpec(Struct, frozen=True):
    """One accelerator, from its datasheet. Rates are dense peaks; absent = not supported."""

    id: str
    vendor: str
    generation: str
    usable_memory_bytes: float
    memory_bytes_per_s: float
    flop_per_s: Mapping[str, float]  # by compute class: f16, f8, f4, i8
    link_bytes_per_s: float  # one direction; the fast interconnect where there is one
    scale_up_count: int = 8  # accelerators joined by that interconnect
    tdp_w: float | None = None
    peer_to_peer: bool = True  # GPUs exchange data directly (false on consumer cards)


class ServingConfig(Struct, frozen=True):
    """One serving instance on ``accelerators`` GPUs. dp > 1 with ep > 1 is attention data parallelism."""

    accelerators: int
    tp: int = 1
    pp: int = 1
    ep: int = 1
    dp: int = 1
    weight_precision: str = "bf16"
    kv_precision: str = "bf16"
    engine: str = "vllm"

    @property
    def copies(self) -> int:
        """Independent copies of the model: data parallelism without expert parallelism."""
        return self.dp if self.ep <= 1 else 1

    @property
    def attention_ranks(self) -> int:
        """Data-parallel attention ranks inside one copy."""
        return self.dp if self.ep > 1 else 1

    @property
    def accelerators_per_copy(self) -> int:
        return self.accelerators // self.copies


class Shape(Struct, frozen=True):
    """The requests: mean lengths in tokens and the share of input found in a prefix cache.

    ``longest_tokens`` is that of the longest request, input and output, where lengths differ: rates follow the
    mean, and what has to fit follows the longest.
    """

    input_tokens: float
    output_tokens: float
    cached_input_share: float = 0.0
    longest_tokens: float = 0.0

    @property
    def most_tokens(self) -> float:
        """Tokens of the longest request, input and output."""
        return max(self.input_tokens + self.output_tokens, self.longest_tokens)

    @property
    def new_input_tokens(self) -> float:
        """Tokens that must be prefilled: at least one, even when all are cached."""
        new = self.input_tokens * (1.0 - self.cached_input_share)
        return new if new > 1.0 else 1.0

    @property
    def cached_tokens(self) -> float:
        return self.input_tokens - self.new_input_tokens if self.cached_input_share > 0 else 0.0


class LatencyTarget(Struct, frozen=True):
    """Limits at a percentile; ``None`` does not limit."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    percentile: float = 95.0


class Speculation(Struct, frozen=True):
    """Speculative decoding with a *measured* acceptance; there is no default on purpose."""

    draft_tokens: int
    acceptance: float  # per drafted token, 0..1
    draft_cost_share: float = 0.0  # time of one draft step over one target step


class Band(Struct, frozen=True):
    """Low, typical and high of a figure; low..high is the 80 % band."""

    low: float
    typical: float
    high: float

    def times(self, factor: float) -> Band:
        """The band of the figure times a number."""
        return Band(self.low * factor, self.typical * factor, self.high * factor)


class Estimate(Struct, frozen=True):
    """What one serving instance does at one load."""

    config: ServingConfig
    concurrency: float
    decode_batch: float
    requests_per_s: float
    output_tok_per_s: Band
    total_tok_per_s: float
    ttft_ms_mean: float
    ttft_factors: tuple[float, float]  # low and high of the mean TTFT's 80 % band, over the mean
    ttft_ms_p50: float
    ttft_ms_p95: float
    tpot_ms: Band
    limit: str
    grade: str
    band: str  # key of its bands: the grade, or within D what is not covered
    evidence: str
    weight_bytes_per_accelerator: float
    kv_bytes_per_accelerator: float
    max_concurrency: float
    power_share_of_tdp: float | None = None
    step_parts_ms: Mapping[str, float] = field(default_factory=dict)  # of the time per output token
    tokens_per_step: float = 1.0  # emitted of each sequence; more than one under speculative decoding
    rows_per_step: float = 1.0  # tokens each sequence passes; more than one where drafts are verified
    notes: tuple[str, ...] = ()
