"""A Hugging Face config.json on disk as a model: for what the catalogue does not list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven import yamlio
from breakeven.catalog.store import Catalogue
from breakeven.errors import FactNotFound, InputError, Problem
from breakeven.offers.hf_layers import Layers, layer_count, read_layers
from breakeven.offers.hf_reader import SUPPORTED_HINT, Reader
from breakeven.offers.hf_refusals import refuse_other_models
from breakeven.offers.hf_state import read_linear
from breakeven.serving.spec import ModelSpec

# Classes of transformers whose FFN has no gate: two matrices (all other FFNs have three).
_PLAIN_FFN = frozenset({
    "apertus", "arcee", "biogpt", "bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox",
    "gpt_neox_japanese", "gptj", "jais2", "mpt", "nanochat", "nemotron", "nemotron_h", "opt", "persimmon", "phi",
    "refinedweb", "refinedwebmodel", "starcoder2", "xglm",
})  # fmt: skip
_FOUR_TIMES_HIDDEN = frozenset({
    "bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gptj", "mpt", "refinedweb", "refinedwebmodel",
})  # fmt: skip
_EXPERT_WIDTHS = (
    "moe_intermediate_size", "expert_ffn_hidden_size", "intermediate_size_moe", "intermediate_size", "ffn_dim", "ffn_hidden_size",
)  # fmt: skip


def looks_like_path(name: str) -> bool:
    """Whether a model name is a path to a config file (or its directory) rather than an id."""
    return name.endswith(".json") or name.startswith((".", "/", "~"))


def id_or_path(name: str, catalogue: Catalogue) -> str:
    """A name given on the command line: of a folder that holds a config.json, its path, unless it is a catalogue's model.

    Ids come first, or a download in the working directory would change what an id means. Profiles write ``./``.
    """
    if looks_like_path(name) or not (Path(name) / "config.json").is_file():
        return name
    try:
        catalogue.resolve("models", name)
    except FactNotFound:
        return f"./{name}"
    return name


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
        raise InputError(Problem("is not valid JSON", "name " + SUPPORTED_HINT, str(path))) from None
    if not isinstance(data, dict):
        raise InputError(Problem("is not a JSON object", "name " + SUPPORTED_HINT, str(path)))
    name = path.parent.name if path.name == "config.json" and path.parent.name else path.stem
    return from_hf_config(data, model_id=str(data.get("_name_or_path") or name), path=str(path))


def from_hf_config(data: Mapping[str, Any], *, model_id: str, path: str = "config.json") -> ModelSpec:
    """Map a config's keys; raises :class:`InputError` with all that is missing, contradictory or not modelled."""
    outer, data = data, _of_text(data)
    kind = str(data.get("model_type") or outer.get("model_type") or "").lower()
    read = Reader(data, kind, path)
    refuse_other_models(read, outer)
    layers = layer_count(read)
    hidden = read.whole("hidden_size", "n_embd", "d_model")
    heads = _read_heads(read, hidden)
    experts = _read_experts(read)
    kinds = Layers(layers, 0, 0, 0, 0 if experts.count else layers, layers if experts.count else 0)
    if read.ok("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
        kinds = read_layers(read, layers, experts.count)
        if not kinds.full + kinds.windowed and not read.problems:
            read.refuse("num_hidden_layers", f"none of the {layers} layers attends, and models without attention are not modelled")
    linear = read_linear(read, kinds.linear, hidden, heads.query, heads.dim)
    sparse_tokens, sparse_bytes = _read_sparse(read)
    rank = read.whole("kv_lora_rank", default=0, least=0)
    mla = _read_mla(read) if rank else _NO_MLA
    model = ModelSpec(
        id=model_id,
        layers=layers,
        hidden=hidden,
        query_heads=heads.query,
        kv_heads=heads.kv,
        head_dim=mla.nope_dim + mla.rope_dim if rank else heads.dim,
        vocabulary=read.whole("vocab_size", "padded_vocab_size"),
        attention="mla" if rank else "gqa",
        mla_q_rank=read.whole("q_lora_rank", default=0, least=0) if rank else 0,
        mla_kv_rank=rank,
        mla_rope_dim=mla.rope_dim,
        mla_nope_dim=mla.nope_dim,
        mla_value_dim=mla.value_dim,
        ffn_intermediate=_dense_width(read, hidden, experts.count) if kinds.dense else 0,
        ffn_matrices=2 if kind in _PLAIN_FFN else 3,
        dense_ffn_layers=kinds.dense,
        moe_layers=kinds.moe,
        experts=experts.count,
        experts_per_token=experts.per_token,
        expert_intermediate=experts.width,
        expert_matrices=2 if kind in _PLAIN_FFN else 3,
        expert_hidden=read.whole("moe_latent_size", "routed_expert_hidden_size", default=0, least=0),
        shared_expert_intermediate=experts.shared_width,
        full_attention_layers=kinds.full,
        windowed_attention_layers=kinds.windowed,
        window=kinds.window,
        linear=linear,
        sparse_top_k=sparse_tokens,
        sparse_index_dim=sparse_bytes,
        qk_norm_over_heads=_qk_norm_over_heads(data),
        tied_embeddings=_tied(read, outer),
        native_precision=_native_precision(read, outer),
        cache_precision=_cache_precision(data, outer),
        max_context_tokens=read.whole("max_position_embeddings", "n_positions", "seq_length", "max_seq_len", default=0) or None,
    )  # fmt: skip
    read.finish()
    return model


def _of_text(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part that describes the decoder of text: of a model of several modalities, a config inside the config."""
    for nested in ("text_config", "llm_config", "language_config", "thinker_config"):
        inner = data.get(nested)
        if isinstance(inner, dict) and ("hidden_size" in inner or "text_config" in inner):
            data = inner.get("text_config", inner) if nested == "thinker_config" else inner
            break
    parts = [data[name] for name in ("attn_config", "ffn_config") if isinstance(data.get(name), dict)]  # DBRX, MPT
    for part in parts:
        data = {**{key: value for key, value in part.items() if key != "model_type"}, **data}
    return data


class _Heads(Struct, frozen=True):
    query: int
    kv: int
    dim: int


def _read_heads(read: Reader, hidden: int) -> _Heads:
    """Attention heads; refuses counts that no attention can have, before anything divides by them."""
    query = read.whole("num_attention_heads", "n_head", "num_heads", "n_heads")
    kv = read.whole("num_key_value_heads", "num_kv_heads", "n_head_kv", "kv_n_heads", "multi_query_group_num", default=query)
    if read.get("multi_query") is True and not read.get("new_decoder_architecture"):
        kv = 1
    mla = bool(read.get("kv_lora_rank"))
    dim = read.whole("head_dim", "attention_head_dim", "kv_channels", default=max(1, hidden // query))
    if read.problems:
        return _Heads(query, kv, dim)
    if not mla and query % kv:
        read.refuse("num_key_value_heads", f"must divide the {query} attention heads, not be {kv}")
    if not mla and not read.has("head_dim", "attention_head_dim", "kv_channels") and hidden % query:
        read.refuse("num_attention_heads", f"must divide hidden_size = {hidden} where head_dim is not stated, not be {query}")
    value_dim = read.whole("v_head_dim", default=dim) if not mla else dim
    if value_dim != dim:
        read.refuse("v_head_dim", f"{value_dim} differs from the {dim} of queries and keys, which is modelled for MLA alone")
    return _Heads(query, kv, dim)


class _Mla(Struct, frozen=True):
    nope_dim: int
    rope_dim: int
    value_dim: int


_NO_MLA = _Mla(0, 0, 0)


def _read_mla(read: Reader) -> _Mla:
    """Widths of one MLA head; configs state it in these parts, or something else as head_dim."""
    return _Mla(read.whole("qk_nope_head_dim"), read.whole("qk_rope_head_dim", least=0), read.whole("v_head_dim"))


class _Experts(Struct, frozen=True):
    count: int = 0
    per_token: int = 0
    width: int = 0
    shared_width: int = 0


def _read_experts(read: Reader) -> _Experts:
    """Experts of one layer; none where there is at most one, which is a dense FFN."""
    count = read.whole("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", default=0, least=0)
    if count < 2:
        return _Experts()
    names = (
        "num_experts_per_tok", "experts_per_token", "num_experts_per_token", "moe_topk", "moe_top_k", "moe_k", "top_k_experts",
    )  # fmt: skip
    per_token = read.whole(*names)
    if per_token > count:
        stated = next((name for name in names if read.has(name)), names[0])
        read.refuse(stated, f"must lie between 1 and the {count} experts, not {per_token}")
    width = read.whole(*_EXPERT_WIDTHS)
    if read.kind.startswith("llama4"):  # one shared expert beside the routed ones, as wide as they are
        return _Experts(count, per_token, width, width)
    shared = read.whole(
        "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "share_expert_dim", "shared_intermediate_size",
        default=0, least=0,
    ) or width * read.whole(
        "n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts", default=0, least=0
    )  # fmt: skip
    return _Experts(count, per_token, width, shared)


def _dense_width(read: Reader, hidden: int, experts: int) -> int:
    """Width of the dense FFN layers; only classes that define a default of 4 x hidden may leave it out."""
    names = ["dense_intermediate_size", "intermediate_size_mlp", "intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim"]
    if read.kind == "granitemoehybrid" and not experts:  # its dense models have the shared expert alone
        names = ["shared_intermediate_size"]
    if read.kind in _FOUR_TIMES_HIDDEN:
        return read.whole(*names, default=4 * hidden)
    return read.whole("intermediate_size", *names) if not read.has(*names) else read.whole(*names)


def _read_sparse(read: Reader) -> tuple[int, int]:
    """(tokens that sparse attention reads, bytes per token and layer of the index that picks them)."""
    blocks = read.get("sparse_attention_config")
    if isinstance(blocks, dict) and blocks.get("use_sparse_attention"):  # MiniMax-M3: blocks, and 16-bit index keys
        inner = Reader(blocks, "", read.path)
        chosen = inner.whole("sparse_topk_blocks") + inner.whole("sparse_local_block", default=0, least=0)
        chosen += inner.whole("sparse_init_block", default=0, least=0)
        tokens, index_bytes = chosen * inner.whole("sparse_block_size"), 2 * inner.whole("sparse_index_dim")
        for problem in inner.problems:
            read.refuse(f"sparse_attention_config.{problem.field}", problem.message)
        return tokens, index_bytes
    tokens = read.whole("index_topk", default=0, least=0)
    dim = read.whole("index_head_dim", default=0, least=0)
    return tokens, dim + 4 * -(-dim // 128)  # DeepSeek: 8-bit index keys with a 32-bit scale per 128


def _tied(read: Reader, outer: Mapping[str, Any]) -> bool:
    """Whether input and output embeddings are one; what the file says, wherever it does, before the class default."""
    for part in (_of_text(outer), outer, read.data):
        if part.get("tie_word_embeddings") is not None:
            return bool(part["tie_word_embeddings"])
    return False


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


def _native_precision(read: Reader, outer: Mapping[str, Any]) -> str:
    """What the checkpoint's weights are, from quantization_config or the tensor type.

    Refuses a quantisation that is not known: its weights have another size than the tensor type says.
    """
    data = read.data
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
                read.refuse("quantization_config.bits", f"{method} of {bits!r} bits is not known", "give --precision")
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
        read.refuse("quantization_config", f"the quantisation {str(said)[:40]!r} is not known", fix)
    dtype = str(data.get("torch_dtype") or data.get("dtype") or outer.get("torch_dtype") or "bfloat16").lower()
    return "fp16" if dtype == "float16" else "bf16"
