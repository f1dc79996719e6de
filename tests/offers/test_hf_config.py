"""A config.json on disk describes the same model as the catalogue."""

import json

import pytest

from breakeven.errors import InputError
from breakeven.offers.hf_config import from_hf_config, read_hf_config
from breakeven.offers.points import Point, answer
from breakeven.serving.architecture import total_params
from tests.serving.specimens import calibration, lookup

LLAMA_8B = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 131072, "torch_dtype": "bfloat16", "tie_word_embeddings": False,
}  # fmt: skip
GPT_OSS = {
    "model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 64, "num_hidden_layers": 36, "vocab_size": 201088, "num_local_experts": 128,
    "num_experts_per_tok": 4, "sliding_window": 128, "max_position_embeddings": 131072,
    "layer_types": ["sliding_attention", "full_attention"] * 18, "quantization_config": {"quant_method": "mxfp4"},
}  # fmt: skip
DEEPSEEK = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "num_attention_heads": 128, "num_key_value_heads": 128, "num_hidden_layers": 61, "vocab_size": 129280,
    "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
    "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "moe_layer_freq": 1, "quantization_config": {"quant_method": "fp8"},
}  # fmt: skip
MINIMAX = {
    "model_type": "minimax_m2", "hidden_size": 3072, "intermediate_size": 1536, "num_attention_heads": 48,
    "num_key_value_heads": 8, "head_dim": 128, "num_hidden_layers": 62, "vocab_size": 200064, "num_local_experts": 256,
    "num_experts_per_tok": 8, "max_position_embeddings": 196608, "use_qk_norm": True, "qk_norm_type": "per_layer",
    "shared_intermediate_size": 0, "tie_word_embeddings": False,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}  # fmt: skip


@pytest.mark.parametrize(("config", "name", "accelerator", "n"), [
    (LLAMA_8B, "llama-3.1-8b-instruct", "h100-sxm", 1),
    (GPT_OSS, "gpt-oss-120b", "h200-sxm", 2),
    (DEEPSEEK, "deepseek-v3", "h200-sxm", 8),
    (MINIMAX, "minimax-m2.5", "h200-sxm", 4),
])  # fmt: skip
def test_a_config_gives_the_figures_of_the_catalogue(tmp_path, config, name, accelerator, n):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    asked = [Point(m, accelerator, 1000, 300, accelerators=n, concurrency=16) for m in (str(path), name)]
    mine, listed = (answer(point, lookup(), calibration()) for point in asked)
    assert mine.config == listed.config
    assert mine.tpot_ms == listed.tpot_ms
    assert mine.output_tok_per_s == listed.output_tok_per_s


def test_gemma_style_window_patterns_and_nested_text_config():
    inner = {**LLAMA_8B, "sliding_window": 1024, "sliding_window_pattern": 6, "num_hidden_layers": 48}
    model = from_hf_config({"model_type": "gemma3", "text_config": inner}, model_id="g")
    assert (model.full_attention_layers, model.windowed_attention_layers, model.window) == (8, 40, 1024)


def test_nemotron_patterns():
    model = from_hf_config(
        {**LLAMA_8B, "model_type": "nemotron_h", "hybrid_override_pattern": "M-M*E", "mamba_num_heads": 8,
         "mamba_head_dim": 64, "num_hidden_layers": 5, "n_routed_experts": 4, "moe_intermediate_size": 64,
         "num_experts_per_tok": 2},
        model_id="n",
    )  # fmt: skip
    assert (model.full_attention_layers, model.linear.count, model.dense_ffn_layers, model.moe_layers) == (1, 2, 1, 1)
    assert model.ffn_matrices == 2


def test_totals():
    assert total_params(from_hf_config(DEEPSEEK, model_id="d")) / 1e9 == pytest.approx(671, rel=0.01)
    assert total_params(from_hf_config(GPT_OSS, model_id="g")) / 1e9 == pytest.approx(116.8, rel=0.01)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"hidden_size": "x"}', '{"num_hidden_layers": -1}',
                                  json.dumps({**LLAMA_8B, "num_hidden_layers": 0}),
                                  json.dumps({**LLAMA_8B, "num_attention_heads": 1.5})])  # fmt: skip
def test_what_is_not_a_config_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_hf_config(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("quantisation", "cache"), [
    ({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}, "fp8"),
    ({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False}}, "fp8"),
    ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "bf16"),
    ({"quant_method": "compressed-tensors", "quant_algo": "FP8", "kv_cache_scheme": None}, "bf16"),
])  # fmt: skip
def test_the_cache_a_checkpoint_states_is_the_one_that_is_kept(tmp_path, quantisation, cache):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA_8B | {"quantization_config": quantisation}))
    kept = answer(Point(str(path), "h100-sxm", 1000, 300, accelerators=1, concurrency=16, weight_precision="fp8"), lookup(), calibration())
    assert kept.config.kv_precision == cache


@pytest.mark.parametrize(("keys", "wide"), [
    ({"use_qk_norm": True, "qk_norm_type": "per_layer"}, True),
    ({"use_qk_norm": True, "qk_norm_type": "per_head"}, False),
    ({"model_type": "olmo2"}, True),
    ({}, False),
])  # fmt: skip
def test_a_norm_over_all_heads_is_read(keys, wide):
    assert from_hf_config(LLAMA_8B | keys, model_id="x").qk_norm_over_heads is wide


@pytest.mark.parametrize(("change", "field"), [
    ({"num_key_value_heads": 0}, "num_key_value_heads"), ({"num_key_value_heads": 5}, "num_key_value_heads"),
    ({"num_key_value_heads": 64}, "num_key_value_heads"), ({"head_dim": 0}, "head_dim"),
    ({"hidden_size": float("nan")}, "hidden_size"), ({"hidden_size": float("inf")}, "hidden_size"),
    ({"quantization_config": {"quant_method": "gptq", "bits": "four"}}, "quantization_config.bits"),
    ({"quantization_config": {"quant_method": "awq", "bits": [4]}}, "quantization_config.bits"),
    ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantization_config"),
    ({"quantization_config": "fp8"}, "quantization_config"),
    ({"layer_types": ["full_attention"] * 3}, "layer_types"), ({"layer_types": [1, 2, 3]}, "layer_types"),
    ({"num_experts": 128, "num_experts_per_tok": 0, "moe_intermediate_size": 768}, "num_experts_per_tok"),
    ({"num_experts": 128, "num_experts_per_tok": 256, "moe_intermediate_size": 768}, "num_experts_per_tok"),
    ({"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 768, "first_k_dense_replace": 100}, "num_hidden_layers"),
])  # fmt: skip
def test_a_config_that_no_model_can_have_names_its_field(tmp_path, change, field):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**LLAMA_8B, **change}))
    with pytest.raises(InputError) as caught:
        read_hf_config(path)
    assert [problem.field for problem in caught.value.problems] == [field]
