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
