"""Configs that describe no decoder-only transformer, or layers that ModelSpec has no words for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from breakeven.errors import Problem
from breakeven.offers.hf_reader import SUPPORTED_HINT, Reader, shown

_HINT = "name " + SUPPORTED_HINT
_MEASURE = "a throughput you measured needs no such file (self_host.throughput of a profile)"
_ENCODER_DECODER = frozenset({
    "t5", "mt5", "umt5", "longt5", "t5gemma", "t5gemma2", "switch_transformers", "bart", "mbart", "plbart", "mvp", "pegasus",
    "pegasus_x", "bigbird_pegasus", "led", "marian", "m2m_100", "nllb-moe", "blenderbot", "blenderbot-small", "prophetnet",
    "whisper", "encoder-decoder", "fsmt", "seamless_m4t", "seamless_m4t_v2", "speech_to_text",
})  # fmt: skip
_ENCODER = frozenset({
    "bert", "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "albert", "electra", "distilbert", "deberta", "deberta-v2",
    "modernbert", "mpnet", "nomic_bert", "convbert", "longformer", "big_bird", "megatron-bert", "roformer", "rembert", "esm",
    "ernie", "fnet", "funnel", "mobilebert", "squeezebert", "xlm", "flaubert", "data2vec-text", "eurobert", "new", "gte",
    "jina_embeddings_v3", "nystromformer", "ibert", "xmod", "luke",
})  # fmt: skip
_STATE_SPACE = frozenset({"mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv5", "rwkv6", "rwkv7", "xlstm"})
_OTHER_LAYERS = {
    "falcon_h1": "has attention and a state-space mixer side by side in each layer",
    "zamba": "shares one attention block among its layers",
    "zamba2": "shares its attention blocks among its layers",
    "recurrent_gemma": "has recurrent layers whose state is not modelled",
    "lfm2": "has convolution layers, which are not modelled",
    "lfm2_moe": "has convolution layers, which are not modelled",
    "gemma3n": "has embeddings for each layer and shares caches between layers",
    "gemma3n_text": "has embeddings for each layer and shares caches between layers",
}
_NO_GENERATION = re.compile(r"For(MaskedLM|\w*Classification|QuestionAnswering|MultipleChoice|PreTraining|NextSentencePrediction)$")
_ENCODER_KEYS = ("encoder_layers", "decoder_layers", "num_decoder_layers", "num_encoder_layers", "encoder", "decoder")

# Keys that say of layers what ModelSpec, one set of sizes for all attention layers, cannot.
_UNMODELLED = {
    "ssm_cfg": "describes a state-space model without attention",
    "block_configs": "gives layers sizes of their own",
    "compress_ratios": "has layers attend over compressed tokens",
    "o_lora_rank": "has a low-rank attention output, which is not modelled",
    "num_kv_shared_layers": "lets layers share a KV cache",
    "use_cla": "lets layers share a KV cache",
    "hidden_size_per_layer_input": "gives each layer embeddings of its own",
    "enable_moe_block": "has a dense FFN and experts in the same layer",
    "parallel_attn_mlp_res": "has a dense FFN and experts in the same layer",
    "zero_expert_num": "has experts that compute nothing",
    "attention_other_setting": "gives some layers other attention heads",
    "num_attention_heads_per_layer": "gives layers other attention heads",
    "num_key_value_heads_per_layer": "gives layers other key-value heads",
    "cross_attention_layers": "has layers that attend to something other than the text",
    "layer_group_size": "mixes linear and full attention by groups of layers, which is not read",
    "conv_L_cache": "has convolution layers, which are not modelled",
    "full_attn_idxs": "has layers of another kind than attention, whose sizes are not read",
}
# Full and windowed layers have one set of heads in ModelSpec: these must agree with the key they vary.
_SECOND_HEADS = {
    "global_head_dim": "head_dim",
    "num_global_key_value_heads": "num_key_value_heads",
    "swa_num_attention_heads": "num_attention_heads",
    "swa_num_key_value_heads": "num_key_value_heads",
    "swa_head_dim": "head_dim",
}
_READ = frozenset({
    "layer_types", "layers_block_type", "hybrid_override_pattern", "hybrid_layer_pattern", "attn_type_list", "mlp_layer_types",
    "attn_layer_indices", "attn_layer_period", "attn_layer_offset", "expert_layer_period", "expert_layer_offset",
    "full_attention_interval", "sliding_window_pattern", "_sliding_window_pattern", "moe_layer_freq", "decoder_sparse_step",
    "interleave_moe_layer_step", "moe_layer_start_index", "moe_layer_end_index", "moe_layer_interval",
})  # fmt: skip
_STRUCTURE = re.compile(
    r"(layer|block|attn|attention|moe|mlp|expert|sliding_window|sparse|dense)\w*"
    r"(period|interval|offset|pattern|freq|frequency|step|types|type_list|enum|indices|idxs?|index|layer_ids|configs|every_n\w*)$"
)
_OF_ATTENTION = re.compile(r"^(?!.*(moe|mlp|expert|sparse|dense)).*(attn|attention|window)")
# Draft heads, towers of other modalities, rotary embeddings, norms: none of the decoder's layers.
_ELSEWHERE = re.compile(r"^(mtp|vision|audio|visual|mm|image|video|index|draft|eagle|aux|target|time_step|nextn)|rope|rotary|norm|quant|router")
_TRIVIAL: tuple[object, ...] = (None, False, 0, 1, "", [], {})


def refuse_other_models(read: Reader, outer: Mapping[str, Any]) -> None:
    """Raise for what is no decoder of tokens with attention layers, and for layers that cannot be described."""
    for problem in (*_other_kinds(read, outer), *_unmodelled(read)):
        if read.ok(problem.field or ""):
            read.problems.append(problem.changed(path=read.path))
    read.finish()


def _other_kinds(read: Reader, outer: Mapping[str, Any]) -> Iterator[Problem]:
    kinds = {read.kind, str(outer.get("model_type") or "").lower()}
    encoder_decoder = "describes an encoder-decoder model, and only decoders are modelled"
    if read.get("is_encoder_decoder") is True or outer.get("is_encoder_decoder") is True:
        yield Problem(encoder_decoder, _HINT, field="is_encoder_decoder")
    elif kinds & _ENCODER_DECODER:
        yield Problem(encoder_decoder, _HINT, field="model_type")
    elif stated := [key for key in _ENCODER_KEYS if read.get(key) not in _TRIVIAL]:
        yield Problem(encoder_decoder, _HINT, field=stated[0])
    elif kinds & _ENCODER:
        yield Problem(f"{read.kind!r} is an encoder, which generates no text", _HINT, field="model_type")
    elif kinds & _STATE_SPACE:
        yield Problem(f"{read.kind!r} has no attention layers, and pure state-space models are not modelled", _HINT, field="model_type")
    elif other := kinds & _OTHER_LAYERS.keys():
        yield Problem(_OTHER_LAYERS[min(other)], _MEASURE, field="model_type")
    architectures = outer.get("architectures") or read.get("architectures")
    names = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    if names and all(_NO_GENERATION.search(name) for name in names):
        yield Problem(f"{names[0][:60]} generates no text", _HINT, field="architectures")


def _unmodelled(read: Reader) -> Iterator[Problem]:
    for key, reason in _UNMODELLED.items():
        if read.get(key) not in _TRIVIAL:
            yield Problem(f"{reason} ({shown(read.get(key))})", _MEASURE, field=key)
    for key, plain in _SECOND_HEADS.items():
        value = read.get(key)
        if value is not None and read.has(plain) and value != read.get(plain):
            message = f"gives some layers {shown(value)} and {plain} = {shown(read.get(plain))} the others, which is not modelled"
            yield Problem(message, _MEASURE, field=key)
    listed = read.has("layer_types", "layers_block_type")
    for key, value in read.data.items():
        if key in _READ or key in _UNMODELLED or value in _TRIVIAL or _ELSEWHERE.search(key):
            continue
        if listed and _OF_ATTENTION.search(key):  # the list has said it already
            continue
        if _STRUCTURE.search(key):
            message = f"seems to say which layers differ, and is not known ({shown(value)})"
            yield Problem(message, "if it changes no layer, take it out of a copy of the file", field=key)
