"""Which layers of a config.json attend how and have experts, and which configs describe no such model."""

import json

import pytest

from breakeven.cli.main import run
from breakeven.errors import EXIT_INPUT, InputError
from breakeven.offers.hf_config import from_hf_config
from tests.offers.hf_configs import (
    BAMBA_9B,
    DEEPSEEK,
    ERNIE_21B,
    GEMMA_2_9B,
    GEMMA_3_12B,
    JAMBA_MINI,
    KIMI_LINEAR,
    LLAMA_4_MAVERICK,
    LLAMA_8B,
    MINIMAX_TEXT,
    MISTRAL,
    NEMOTRON_3_NANO,
    QWEN_3_30B,
    QWEN_3_NEXT,
    QWEN_25_7B,
)


def read(config, **changes):
    return from_hf_config(config | changes, model_id="x")


def attention(config, **changes):
    model = read(config, **changes)
    return model.full_attention_layers, model.windowed_attention_layers, model.window, model.linear.count


def ffn(config, **changes):
    model = read(config, **changes)
    return model.dense_ffn_layers, model.moe_layers


def refused(config, **changes):
    with pytest.raises(InputError) as caught:
        read(config, **changes)
    return [problem.field for problem in caught.value.problems]


def test_an_interval_of_full_attention_needs_linear_layers_between():
    assert refused(LLAMA_8B, full_attention_interval=4) == ["full_attention_interval"]
    assert attention(LLAMA_8B, full_attention_interval=1) == (32, 0, 0, 0)
    assert attention(QWEN_3_NEXT) == (12, 0, 0, 36)
    named_class = {key: value for key, value in QWEN_3_NEXT.items() if "linear" not in key and "interval" not in key}
    assert attention(named_class) == (12, 0, 0, 36)


def test_linear_layers_without_sizes_are_refused():
    assert refused(LLAMA_8B, layer_types=["linear_attention", "full_attention"] * 16) == ["linear_num_value_heads"]


@pytest.mark.parametrize(("config", "field"), [
    ({"model_type": "t5", "is_encoder_decoder": True, "d_model": 512, "num_heads": 8, "num_layers": 6, "vocab_size": 32128,
      "d_ff": 2048, "architectures": ["T5ForConditionalGeneration"]}, "is_encoder_decoder"),
    ({"model_type": "bart", "d_model": 1024, "encoder_layers": 12, "decoder_layers": 12, "vocab_size": 50265}, "model_type"),
    (LLAMA_8B | {"model_type": "novel", "num_decoder_layers": 6}, "num_decoder_layers"),
    (LLAMA_8B | {"model_type": "bert", "architectures": ["BertModel"]}, "model_type"),
    (LLAMA_8B | {"model_type": "novel", "architectures": ["NovelForMaskedLM"]}, "architectures"),
    (LLAMA_8B | {"architectures": ["LlamaForSequenceClassification"]}, "architectures"),
    ({"model_type": "mamba", "hidden_size": 768, "num_hidden_layers": 24, "state_size": 16, "vocab_size": 50280}, "model_type"),
    ({"model_type": "mamba2", "hidden_size": 4096, "num_hidden_layers": 64, "num_heads": 128, "head_dim": 64, "state_size": 128,
      "vocab_size": 32768, "architectures": ["Mamba2ForCausalLM"]}, "model_type"),
    ({"d_model": 2560, "n_layer": 64, "vocab_size": 50277, "ssm_cfg": {"layer": "Mamba2"}}, "ssm_cfg"),
    (LLAMA_8B | {"model_type": "falcon_h1"}, "model_type"),
    (LLAMA_8B | {"model_type": "zamba2"}, "model_type"),
])  # fmt: skip
def test_what_is_no_decoder_with_attention_is_refused(tmp_path, capsys, config, field):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    asked = ["estimate", "--model", str(path), "--accelerator", "h100-sxm", "--input-tokens", "1000", "--output-tokens", "300"]
    assert run([*asked, "--concurrency", "8"]) == EXIT_INPUT
    assert field in capsys.readouterr().err
    assert refused(config) == [field]


def test_a_pattern_without_attention_is_refused():
    assert refused(NEMOTRON_3_NANO, hybrid_override_pattern="ME" * 26) == ["num_hidden_layers"]


def test_jamba_counts_from_its_periods():
    assert attention(JAMBA_MINI) == (4, 0, 0, 28)
    assert ffn(JAMBA_MINI) == (16, 16)
    assert attention(JAMBA_MINI, num_hidden_layers=28, attn_layer_offset=5) == (3, 0, 0, 25)
    assert ffn(JAMBA_MINI, num_experts=1) == (32, 0)
    assert refused(JAMBA_MINI, attn_layer_offset=8) == ["attn_layer_offset"]
    defaults = {key: value for key, value in JAMBA_MINI.items() if not key.startswith(("attn_", "expert_", "mamba_"))}
    assert read(defaults) == read(JAMBA_MINI)


def test_the_state_of_a_mamba_layer_is_a_row_of_states_per_channel():
    assert read(JAMBA_MINI).linear.state_bytes_per_layer == 2 * 4096 * 16 * 4
    assert read(BAMBA_9B).linear.state_bytes_per_layer == 2 * 4096 * 128 * 4
    assert read(BAMBA_9B, mamba_d_head="auto").linear == read(BAMBA_9B).linear
    assert read(MINIMAX_TEXT).linear.state_bytes_per_layer == 64 * 128 * 128 * 4


def test_hybrids_that_list_their_layers():
    assert attention(BAMBA_9B) == (3, 0, 0, 29)
    assert refused(BAMBA_9B, attn_layer_indices=[9, 32]) == ["attn_layer_indices"]
    assert attention(MINIMAX_TEXT) == (10, 0, 0, 70)
    assert refused(MINIMAX_TEXT, attn_type_list=None) == ["layer_types"]
    assert attention(KIMI_LINEAR) == (7, 0, 0, 20)
    lists = KIMI_LINEAR["linear_attn_config"]
    assert refused(KIMI_LINEAR, linear_attn_config=lists | {"kda_layers": [1, 2]}) == ["linear_attn_config"]
    assert refused(KIMI_LINEAR, linear_attn_config=lists | {"num_heads": 0}) == ["linear_attn_config.num_heads"]


def test_nemotron_by_letters_or_by_words():
    words = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}
    listed = [words[letter] for letter in NEMOTRON_3_NANO["hybrid_override_pattern"]]
    by_words = {key: value for key, value in NEMOTRON_3_NANO.items() if key not in ("hybrid_override_pattern", "num_hidden_layers")}
    assert read(by_words, layers_block_type=listed) == read(NEMOTRON_3_NANO)
    assert refused(NEMOTRON_3_NANO, hybrid_override_pattern="M*") == ["hybrid_override_pattern"]
    assert refused(NEMOTRON_3_NANO, hybrid_override_pattern="M?" * 26) == ["hybrid_override_pattern"]
    assert refused(NEMOTRON_3_NANO, n_routed_experts=None) == ["n_routed_experts"]


def test_gemma_alternates_as_its_class_says():
    assert attention(GEMMA_2_9B) == (21, 21, 4096, 0)
    assert attention(GEMMA_2_9B, num_hidden_layers=41) == (20, 21, 4096, 0)
    inner = GEMMA_3_12B["text_config"]
    assert attention(GEMMA_3_12B) == (8, 40, 1024, 0)
    assert attention(inner, sliding_window_pattern=2) == (24, 24, 1024, 0)
    assert attention(inner, num_hidden_layers=26) == (4, 22, 1024, 0)
    assert attention(inner, layer_types=["full_attention"] * 48) == (48, 0, 0, 0)
    assert read(inner).head_dim == 256
    assert read(inner).tied_embeddings
    assert not read(inner, tie_word_embeddings=False).tied_embeddings


def test_mistral_attends_in_its_window_everywhere_and_newer_ones_nowhere():
    assert attention(MISTRAL) == (0, 32, 4096, 0)
    assert attention(MISTRAL, sliding_window=None) == (32, 0, 0, 0)


def test_the_window_of_qwen_is_off_or_of_the_upper_layers():
    assert attention(QWEN_25_7B) == (28, 0, 0, 0)
    assert attention(QWEN_25_7B, use_sliding_window=True) == (28, 0, 0, 0)
    assert attention(QWEN_25_7B, use_sliding_window=True, max_window_layers=21) == (21, 7, 131072, 0)
    unsaid = {key: value for key, value in QWEN_25_7B.items() if key != "use_sliding_window"}
    assert attention(unsaid, max_window_layers=0) == (28, 0, 0, 0)


def test_exaone_patterns_and_windows_of_unknown_classes():
    assert attention(LLAMA_8B, model_type="exaone4", sliding_window_pattern="LLLG", sliding_window=4096) == (8, 24, 4096, 0)
    assert refused(LLAMA_8B, model_type="exaone4", sliding_window_pattern="LLXG") == ["sliding_window_pattern"]
    assert refused(LLAMA_8B, model_type="novel", sliding_window=4096) == ["sliding_window"]
    assert refused(LLAMA_8B, layer_types=["sliding_attention", "full_attention"] * 16) == ["sliding_window"]
    assert refused(LLAMA_8B, layer_types=["full_attention", "novel_attention"] * 16) == ["layer_types"]


def test_llama_4_attends_in_chunks_where_it_has_rotary_embeddings():
    inner = LLAMA_4_MAVERICK["text_config"]
    assert attention(LLAMA_4_MAVERICK) == (12, 36, 8192, 0)
    assert attention(inner, no_rope_layers=[1, 0] * 24) == (24, 24, 8192, 0)
    assert attention(inner, attention_chunk_size=None) == (48, 0, 0, 0)


@pytest.mark.parametrize(("config", "changes", "expected"), [
    (LLAMA_4_MAVERICK["text_config"], {}, (24, 24)),
    (LLAMA_4_MAVERICK["text_config"], {"num_hidden_layers": 47}, (24, 23)),
    (LLAMA_4_MAVERICK["text_config"], {"moe_layers": [1, 3, 5]}, (45, 3)),
    (QWEN_3_30B, {}, (0, 48)),
    (QWEN_3_30B, {"mlp_only_layers": [0, 1, 47]}, (3, 45)),
    (QWEN_3_30B, {"decoder_sparse_step": 2}, (24, 24)),
    (QWEN_3_30B, {"decoder_sparse_step": 2, "mlp_only_layers": [0, 1]}, (25, 23)),
    (DEEPSEEK, {}, (3, 58)),
    (DEEPSEEK, {"moe_layer_freq": [0] * 3 + [1] * 58}, (3, 58)),
    (DEEPSEEK, {"moe_layer_freq": [0] * 3 + [1] * 58, "first_k_dense_replace": None}, (3, 58)),
    (DEEPSEEK, {"moe_layer_freq": 2}, (32, 29)),
    (DEEPSEEK, {"mlp_layer_types": ["dense"] * 5 + ["sparse"] * 56}, (5, 56)),
    (ERNIE_21B, {}, (1, 27)),
    (ERNIE_21B, {"moe_layer_end_index": -1}, (1, 27)),
    (ERNIE_21B, {"moe_layer_start_index": 3, "moe_layer_end_index": 20}, (10, 18)),
    (ERNIE_21B, {"moe_layer_interval": 2}, (14, 14)),
])  # fmt: skip
def test_layers_with_experts(config, changes, expected):
    assert ffn(config, **changes) == expected


@pytest.mark.parametrize(("changes", "field"), [
    ({"moe_layer_freq": [1] * 60}, "moe_layer_freq"),
    ({"moe_layer_freq": [2] * 61}, "moe_layer_freq"),
    ({"moe_layer_freq": 0}, "moe_layer_freq"),
    ({"mlp_layer_types": ["dense", "other"] * 30 + ["dense"]}, "mlp_layer_types"),
    ({"mlp_only_layers": [61]}, "mlp_only_layers"),
    ({"mlp_only_layers": "0"}, "mlp_only_layers"),
    ({"moe_layer_frequency": 2}, "moe_layer_frequency"),
    ({"expert_block_pattern": "ABBA"}, "expert_block_pattern"),
    ({"block_configs": [{"attention": {"no_op": True}}]}, "block_configs"),
    ({"compress_ratios": [0, 4, 128]}, "compress_ratios"),
    ({"num_kv_shared_layers": 10}, "num_kv_shared_layers"),
    ({"swa_num_key_value_heads": 8}, "swa_num_key_value_heads"),
    ({"layer_types": ["novel_attention"] * 61}, "layer_types"),
])  # fmt: skip
def test_layers_that_cannot_be_told_or_described_name_their_key(changes, field):
    assert refused(DEEPSEEK, **changes) == [field]


def test_keys_that_change_no_layer_of_the_decoder_are_let_be():
    harmless = {
        "mtp_hybrid_override_pattern": "*E", "index_topk_freq": 4, "vision_feature_layer_types": ["a"], "rope_layer_types": ["a"],
        "layer_norm_types": ["rms"], "moe_router_step": 3, "time_step_floor": 1e-4, "num_kv_shared_layers": 0, "block_configs": None,
        "swa_num_key_value_heads": 8,
    }  # fmt: skip
    assert read(LLAMA_8B, **harmless) == read(LLAMA_8B)
    assert read(LLAMA_8B, layer_types=["full_attention"] * 32, global_attn_every_n_layers=4) == read(LLAMA_8B)


def test_heads_of_values_that_are_narrower_are_described_for_mla_alone():
    assert refused(LLAMA_8B, v_head_dim=64) == ["v_head_dim"]
    assert read(DEEPSEEK).mla_value_dim == 128
