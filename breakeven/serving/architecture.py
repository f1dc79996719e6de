"""Counting a model's parameters and cache from its architecture constants."""

from __future__ import annotations

from breakeven.serving.spec import ModelSpec


def attention_params_per_layer(model: ModelSpec) -> float:
    """Parameters of one attention layer's projections.

    GQA: ``h d (n_q + 2 n_kv) + n_q d h``. MLA: ``h q + q n (d_n + d_r) + h (r + d_r)
    + r n (d_n + d_v) + n d_v h`` (q = 0: a direct query projection).
    Source: the projections of the reference implementations (Llama, DeepSeek-V3).

    >>> attention_params_per_layer(ModelSpec("x", 1, 4096, 32, 8, 128, 1000)) / 1e6
    41.94304
    """
    h, n = model.hidden, model.query_heads
    if model.attention == "mla":
        q, r = model.mla_q_rank, model.mla_kv_rank
        nope, rope, value = model.mla_nope_dim, model.mla_rope_dim, model.mla_value_dim
        query = h * q + q * n * (nope + rope) if q else h * n * (nope + rope)
        return float(query + h * (r + rope) + r * n * (nope + value) + n * value * h)
    d = model.head_dim
    return float(h * d * (n + 2 * model.kv_heads) + n * d * h)


def attention_params(model: ModelSpec) -> float:
    """All attention projections, linear-attention and state-space layers included."""
    return (
        model.attention_layers * attention_params_per_layer(model) + model.linear.count * model.linear.params_per_layer
    )


def decode_query_width(model: ModelSpec) -> float:
    """Mean of the widths a query multiplies with keys and with values, over all heads, when decoding.

    MLA decodes on its latent (the up-projections absorbed into the query): r + d_r and r per head.
    """
    if model.attention == "mla":
        return model.query_heads * (2 * model.mla_kv_rank + model.mla_rope_dim) / 2.0
    return float(model.query_heads * model.head_dim)


def prefill_query_width(model: ModelSpec) -> float:
    """The same for a prompt, whose keys and values MLA projects up once: d_n + d_r and d_v per head.

    Sparse attention picks other tokens for every query, so its prompts attend on the latent as decoding does.

    >>> deepseek = ModelSpec("x", 61, 7168, 128, 128, 128, 129280, attention="mla", mla_kv_rank=512,
    ...     mla_rope_dim=64, mla_nope_dim=128, mla_value_dim=128)
    >>> decode_query_width(deepseek) / prefill_query_width(deepseek)
    3.4
    """
    if model.attention == "mla" and not model.sparse_top_k:
        return model.query_heads * (model.mla_nope_dim + model.mla_rope_dim + model.mla_value_dim) / 2.0
    return decode_query_width(model)


def attention_depth(model: ModelSpec, *, tp: int) -> float:
    """Inner dimensions of one GPU's attention projections, one after the other, over all layers.

    A matrix product of inner dimension K makes each output element with K multiply-adds. GQA: the
    fused query, key and value projection (h) and the output projection (n d / tp). MLA: the two
    projections down (fused), the two up, and the output projection.

    >>> attention_depth(ModelSpec("x", 1, 4096, 32, 8, 128, 1000, full_attention_layers=1), tp=2)
    6144.0
    """
    h, n = model.hidden, model.query_heads
    linear = model.linear.count * (h + h / tp)
    if model.attention == "mla":
        layer = h + model.mla_q_rank + model.mla_kv_rank + n * model.mla_value_dim / tp
    else:
        layer = h + n * model.head_dim / tp
    return float(model.attention_layers * layer + linear)


def dense_ffn_depth(model: ModelSpec, *, tp: int) -> float:
    """The same of the FFN that every token visits: gate and up (h, fused), then down (f / tp); shared experts too."""
    dense = model.dense_ffn_layers * (model.hidden + model.ffn_intermediate / tp)
    width = model.shared_expert_intermediate
    return float(dense + (model.moe_layers * (model.hidden + width / tp) if width else 0.0))


def dense_products(model: ModelSpec) -> float:
    """Matrix products with weights that every token visits, over all layers, fused as engines fuse them.

    GQA and linear layers: in and out. MLA: down, query up, the two absorbed into query and value, out.
    FFN and shared experts: gate with up, and down. Routing: the router. Sparse attention: the indexer's query,
    key and weight projections.

    >>> dense_products(ModelSpec("x", 2, 4096, 32, 8, 128, 1000, full_attention_layers=2, dense_ffn_layers=2))
    8.0
    """
    attention = 5.0 if model.attention == "mla" else 2.0
    if model.sparse_top_k:
        attention += 3.0
    shared = 2.0 if model.shared_expert_intermediate else 0.0
    return (
        model.attention_layers * attention
        + model.linear.count * 2.0
        + model.dense_ffn_layers * 2.0
        + model.moe_layers * (1.0 + shared)
    )


def dense_ffn_params(model: ModelSpec) -> float:
    """Dense FFN layers: ``L_d x matrices x h x f``."""
    return float(model.dense_ffn_layers * model.ffn_matrices * model.hidden * model.ffn_intermediate)


def shared_expert_params(model: ModelSpec) -> float:
    """Shared experts, which every token visits, plus the projections into a latent expert space."""
    shared = model.expert_matrices * model.hidden * model.shared_expert_intermediate
    latent = 2 * model.hidden * model.expert_hidden if model.expert_hidden else 0
    return float(model.moe_layers * (shared + latent))


def expert_params(model: ModelSpec) -> float:
    """One routed expert of one layer: ``matrices x width x f_e``."""
    width = model.expert_hidden or model.hidden
    return float(model.expert_matrices * width * model.expert_intermediate)


def routed_params(model: ModelSpec) -> float:
    """All routed experts of all layers."""
    return model.moe_layers * model.experts * expert_params(model)


def head_params(model: ModelSpec) -> float:
    """The output projection, vocabulary x hidden."""
    return float(model.vocabulary * model.hidden)


def total_params(model: ModelSpec) -> float:
    """Every parameter; embeddings once when tied.

    >>> from breakeven.serving.spec import ModelSpec
    >>> llama = ModelSpec("llama-8b", 32, 4096, 32, 8, 128, 128256, ffn_intermediate=14336,
    ...     dense_ffn_layers=32, full_attention_layers=32)
    >>> round(total_params(llama) / 1e9, 2)
    8.03
    """
    router = model.moe_layers * model.hidden * model.experts
    embeddings = head_params(model) * (1 if model.tied_embeddings else 2)
    return (
        attention_params(model)
        + dense_ffn_params(model)
        + shared_expert_params(model)
        + routed_params(model)
        + router
        + embeddings
    )


def kv_elements_per_token(model: ModelSpec) -> float:
    """Cache elements one token leaves in one attention layer: ``2 n_kv d``, or ``r + d_r`` for MLA."""
    if model.attention == "mla":
        return float(model.mla_kv_rank + model.mla_rope_dim)
    return float(2 * model.kv_heads * model.head_dim)
