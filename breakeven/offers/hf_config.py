"""A Hugging Face config.json on disk as a model: for what the catalogue does not list."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from breakeven import yamlio
from breakeven.errors import InputError, Problem
from breakeven.serving.spec import LinearLayers, ModelSpec

_PLAIN_FFN = ("falcon", "bloom", "gptj", "gpt2", "gpt_neox", "opt", "mpt", "phi", "starcoder2", "gpt_bigcode")
_SUPPORTED_HINT = "a decoder-only text model's config.json, as published next to its weights"


def looks_like_path(name: str) -> bool:
    """Whether a model name is a path to a config file (or its directory) rather than an id."""
    return name.endswith(".json") or name.startswith((".", "/", "~"))


def config_file(name: str) -> Path | None:
    """The config.json that a model name points at; None where it is an id."""
    if not looks_like_path(name):
        return None
    path = Path(name).expanduser()
    return path / "config.json" if path.is_dir() else path


def read_hf_config(path: Path) -> ModelSpec:
    """Architecture constants from a config.json (or a directory that holds one)."""
    path = path.expanduser()
    if path.is_dir():
        path = path / "config.json"
    raw = yamlio.read_bytes(path)
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError(Problem("is not valid JSON", "name " + _SUPPORTED_HINT, str(path))) from None
    if not isinstance(data, dict):
        raise InputError(Problem("is not a JSON object", "name " + _SUPPORTED_HINT, str(path)))
    name = path.parent.name if path.name == "config.json" and path.parent.name else path.stem
    return from_hf_config(data, model_id=str(data.get("_name_or_path") or name), path=str(path))


class _Reader:
    def __init__(self, data: Mapping[str, Any], path: str) -> None:
        self.data, self.path = data, path

    def whole(self, *names: str, default: int | None = None) -> int:
        for name in names:
            value = self.data.get(name)
            if value is None:
                continue
            if isinstance(value, list) and value and all(isinstance(v, int) for v in value):
                value = max(value)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value != int(value):
                raise InputError(Problem(f"is not a whole number ({value!r})", None, self.path, field=name))
            if not 0 <= value < 10**9:
                raise InputError(Problem(f"is out of range ({value!r})", None, self.path, field=name))
            return int(value)
        if default is not None:
            return default
        raise InputError(Problem("is missing", "name " + _SUPPORTED_HINT, self.path, field=names[0]))


def from_hf_config(data: Mapping[str, Any], *, model_id: str, path: str = "config.json") -> ModelSpec:
    """Map a config's keys; raises :class:`InputError` for what is missing or contradictory."""
    outer = data
    for nested in ("text_config", "llm_config", "language_config", "thinker_config"):
        inner = data.get(nested)
        if isinstance(inner, dict) and ("hidden_size" in inner or "text_config" in inner):
            data = inner.get("text_config", inner) if nested == "thinker_config" else inner
            break
    read = _Reader(data, path)
    kind = str(data.get("model_type") or outer.get("model_type") or "").lower()
    layers = read.whole("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    hidden = read.whole("hidden_size", "n_embd", "d_model")
    heads = read.whole("num_attention_heads", "n_head", "num_heads", "n_heads")
    for field, value in (("num_hidden_layers", layers), ("hidden_size", hidden), ("num_attention_heads", heads)):
        if value < 1:
            raise InputError(Problem("must be at least 1", None, path, field=field))
    kv_default = 1 if data.get("multi_query") and not data.get("new_decoder_architecture") else heads
    kv_heads = read.whole("num_key_value_heads", "num_kv_heads", "n_head_kv", default=kv_default)
    head_dim = read.whole("head_dim", "attention_head_dim", default=max(1, hidden // heads))
    rank = read.whole("kv_lora_rank", default=0)
    _check_heads(path, heads, kv_heads, head_dim, mla=bool(rank))
    if rank:  # of queries and keys; configs of MLA models state it in parts, or something else as head_dim
        head_dim = read.whole("qk_nope_head_dim", default=128) + read.whole("qk_rope_head_dim", default=64)
    experts = read.whole("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", default=0)
    per_token = read.whole(
        "num_experts_per_tok", "experts_per_token", "num_experts_per_token", "moe_topk", "moe_top_k",
        default=2 if experts else 0,
    )  # fmt: skip
    if experts and not 1 <= per_token <= experts:
        raise InputError(Problem(f"must lie between 1 and the {experts} experts, not {per_token}", None, path, field="num_experts_per_tok"))
    dense, moe = _ffn_layers(read, data, layers, experts)
    if not 0 <= dense <= layers or not 0 <= moe <= layers:
        raise InputError(Problem(f"{dense} dense and {moe} expert layers are not {layers} layers", None, path, field="num_hidden_layers"))
    expert_width = 0
    if experts:
        expert_width = read.whole(
            "moe_intermediate_size", "expert_ffn_hidden_size", "intermediate_size_moe", "intermediate_size", "ffn_dim"
        )
    plain = kind.startswith(_PLAIN_FFN) or kind == "nemotron_h"
    ffn = read.whole(
        "intermediate_size_mlp", "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim", default=4 * hidden
    )
    shared = read.whole("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", default=0)
    if experts and not shared:
        shared = read.whole("n_shared_experts", "num_shared_experts", default=0) * expert_width
    if kind.startswith("llama4") and experts:
        shared = expert_width = read.whole("intermediate_size")
    full, windowed, window, linear = _attention_layers(read, data, layers, hidden)
    per_layer_blocks = full + windowed + linear.count
    if kind == "nemotron_h":
        dense, moe = _nemotron_ffn(data, dense, moe, bool(experts))
    if per_layer_blocks < 1 and not linear.count:
        raise InputError(Problem("has no attention layers", "name " + _SUPPORTED_HINT, path))
    return ModelSpec(
        id=model_id,
        layers=layers,
        hidden=hidden,
        query_heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=read.whole("vocab_size"),
        attention="mla" if rank else "gqa",
        mla_q_rank=read.whole("q_lora_rank", default=0),
        mla_kv_rank=rank,
        mla_rope_dim=read.whole("qk_rope_head_dim", default=0),
        mla_nope_dim=read.whole("qk_nope_head_dim", default=0),
        mla_value_dim=read.whole("v_head_dim", default=0),
        ffn_intermediate=ffn if dense else 0,
        ffn_matrices=2 if plain else 3,
        dense_ffn_layers=dense,
        moe_layers=moe,
        experts=experts,
        experts_per_token=per_token,
        expert_intermediate=expert_width,
        expert_matrices=2 if plain else 3,
        expert_hidden=read.whole("moe_latent_size", "routed_expert_hidden_size", default=0),
        shared_expert_intermediate=shared,
        full_attention_layers=full,
        windowed_attention_layers=windowed,
        window=window,
        linear=linear,
        sparse_top_k=read.whole("index_topk", default=0),
        sparse_index_dim=read.whole("index_head_dim", default=0),
        qk_norm_over_heads=_qk_norm_over_heads(data),
        tied_embeddings=bool(data.get("tie_word_embeddings", outer.get("tie_word_embeddings", False))),
        native_precision=_native_precision(data, outer, path),
        cache_precision=_cache_precision(data, outer),
        max_context_tokens=read.whole("max_position_embeddings", "n_positions", "seq_length", default=0) or None,
    )  # fmt: skip


def _check_heads(path: str, heads: int, kv_heads: int, head_dim: int, *, mla: bool) -> None:
    """Refuse head counts that no attention can have, before anything divides by them."""
    problems = []
    if head_dim < 1:
        problems.append(Problem("must be at least 1", None, path, field="head_dim"))
    if kv_heads < 1 or (not mla and heads % kv_heads):
        message = f"must divide the {heads} attention heads, not be {kv_heads}"
        problems.append(Problem(message, None, path, field="num_key_value_heads"))
    if problems:
        raise InputError(problems)


def _ffn_layers(read: _Reader, data: Mapping[str, Any], layers: int, experts: int) -> tuple[int, int]:
    """(dense FFN layers, MoE layers) of a config."""
    if not experts:
        return layers, 0
    dense = read.whole("first_k_dense_replace", "num_dense_layers", default=0)
    only = data.get("mlp_only_layers")
    if isinstance(only, list) and only:
        dense = max(dense, len(only))
    every = read.whole("interleave_moe_layer_step", "moe_layer_freq", "decoder_sparse_step", default=1)
    moe = layers - dense
    if every > 1:
        moe = layers // every
        dense = layers - moe
    return dense, moe


def _nemotron_ffn(data: Mapping[str, Any], dense: int, moe: int, experts: bool) -> tuple[int, int]:
    pattern = str(data.get("hybrid_override_pattern") or "")
    if not pattern:
        return dense, moe
    return pattern.count("-"), pattern.count("E") if experts else 0


def _attention_layers(
    read: _Reader, data: Mapping[str, Any], layers: int, hidden: int
) -> tuple[int, int, int, LinearLayers]:
    """(full, windowed, window, linear) from layer_types, a pattern string or an interval."""
    window = read.whole("sliding_window", "attention_chunk_size", default=0)
    types = data.get("layer_types")
    pattern = data.get("hybrid_override_pattern")
    if isinstance(pattern, str) and pattern:
        count = pattern.count("M")
        inner = read.whole("mamba_num_heads", default=0) * read.whole("mamba_head_dim", default=0)
        groups, state = read.whole("n_groups", default=8), read.whole("ssm_state_size", default=128)
        heads = read.whole("mamba_num_heads", default=0)
        params = hidden * (2 * inner + 2 * groups * state + heads) + inner * hidden
        return pattern.count("*"), 0, 0, LinearLayers(count, float(params), float(inner * state * 4))
    if isinstance(types, list) and types:
        if len(types) != layers or not all(isinstance(t, str) for t in types):
            message = f"names {len(types)} layers of num_hidden_layers = {layers}, or some not by a word"
            raise InputError(Problem(message, "list one type for each layer", read.path, field="layer_types"))
        names = list(types)
        windowed = sum("sliding" in n or "chunked" in n for n in names)
        linear = sum("linear" in n or "mamba" in n for n in names)
        return len(names) - windowed - linear, windowed, window, _delta_net(read, hidden, linear)
    interval = read.whole("full_attention_interval", default=0)
    if interval > 1:
        linear = layers - layers // interval
        return layers // interval, 0, 0, _delta_net(read, hidden, linear)
    every = read.whole("sliding_window_pattern", "_sliding_window_pattern", default=0)
    if window and every > 1:
        return layers // every, layers - layers // every, window, LinearLayers()
    if window and data.get("use_sliding_window", True) and not data.get("max_window_layers"):
        return 0, layers, window, LinearLayers()
    return layers, 0, 0, LinearLayers()


def _delta_net(read: _Reader, hidden: int, count: int) -> LinearLayers:
    """Gated DeltaNet: query and key, value and gate, two scalars per head, and the way out."""
    if not count:
        return LinearLayers()
    key_dim, value_dim = read.whole("linear_key_head_dim", default=128), read.whole("linear_value_head_dim", default=128)
    key_heads = read.whole("linear_num_key_heads", default=16)
    value_heads = read.whole("linear_num_value_heads", default=32)
    keys, values = key_heads * key_dim, value_heads * value_dim
    params = hidden * (2 * keys + 2 * values + 2 * value_heads) + values * hidden
    return LinearLayers(count, float(params), float(value_heads * key_dim * value_dim * 4))


def _qk_norm_over_heads(data: Mapping[str, Any]) -> bool:
    """Whether one norm spans all heads: ``qk_norm_type: per_layer`` (MiniMax-M2), or OLMo 2 and 3, whose norm always does."""
    return data.get("qk_norm_type") == "per_layer" or str(data.get("model_type") or "").lower() in ("olmo2", "olmo3")


def _cache_precision(data: Mapping[str, Any], outer: Mapping[str, Any]) -> str:
    """``fp8`` where the checkpoint states an 8-bit float cache: ModelOpt's and llm-compressor's spellings."""
    quantisation = data.get("quantization_config") or outer.get("quantization_config")
    if not isinstance(quantisation, dict):
        return ""
    scheme = quantisation.get("kv_cache_scheme")
    if isinstance(scheme, dict):
        return "fp8" if (scheme.get("num_bits"), scheme.get("type")) == (8, "float") else ""
    return "fp8" if str(quantisation.get("kv_cache_quant_algo") or scheme or "").upper() == "FP8" else ""


def _native_precision(data: Mapping[str, Any], outer: Mapping[str, Any], path: str) -> str:
    """What the checkpoint's weights are, from quantization_config or the tensor type.

    Raises InputError for a quantisation that is not known: its weights have another size than the tensor type says.
    """
    quantisation = data.get("quantization_config") or outer.get("quantization_config")
    if isinstance(quantisation, dict):
        method = str(quantisation.get("quant_method") or quantisation.get("quant_algo") or "").lower()
        if "mxfp4" in method:
            return "mxfp4"
        if "fp4" in method or "nvfp4" in str(quantisation).lower():
            return "nvfp4"
        if "fp8" in method or "fp8" in str(quantisation.get("quant_algo", "")).lower():
            return "fp8"
        if method in ("awq", "gptq"):
            bits = quantisation.get("bits") or quantisation.get("w_bit") or 4
            if bits not in (4, 8):
                problem = Problem(f"{method} of {bits!r} bits is not known", "give --precision", path, field="quantization_config.bits")
                raise InputError(problem)
            return f"int4-{method}" if bits == 4 else "w8a16"
        if "compressed-tensors" in method:
            text = str(quantisation).lower()
            if "'num_bits': 4" in text:
                return "w4a16"
            return "fp8" if "float" in text else "w8a8"
    if quantisation:
        said = quantisation.get("quant_method") if isinstance(quantisation, dict) else quantisation
        known = "awq, gptq, fp8, nvfp4 (modelopt), mxfp4 and compressed-tensors"
        fix = f"known are {known}; take the quantization_config out and give --precision"
        raise InputError(Problem(f"the quantisation {str(said)[:40]!r} is not known", fix, path, field="quantization_config"))
    dtype = str(data.get("torch_dtype") or data.get("dtype") or outer.get("torch_dtype") or "bfloat16").lower()
    return "fp16" if dtype == "float16" else "bf16"
