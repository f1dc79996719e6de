"""A config.json on disk describes the same model as the catalogue."""

import json

import pytest

from breakeven.cli.main import run
from breakeven.errors import InputError
from breakeven.offers.hf_config import from_hf_config, read_hf_config
from breakeven.offers.points import Point, answer
from breakeven.serving.architecture import total_params
from tests.offers import hf_configs as published
from tests.offers.hf_configs import DEEPSEEK, GPT_OSS, KIMI_LINEAR, LLAMA_8B, MINIMAX
from tests.serving.specimens import calibration, lookup


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


@pytest.mark.parametrize(("config", "name"), [
    (published.LLAMA_8B, "llama-3.1-8b-instruct"), (published.LLAMA_70B, "llama-3.1-70b-instruct"),
    (published.MISTRAL, "mistral-7b-v0.1"), (published.MIXTRAL, "mixtral-8x7b-v0.1"),
    (published.QWEN_25_7B, "qwen2.5-7b-instruct"), (published.QWEN_3_32B, "qwen3-32b"),
    (published.QWEN_3_30B, "qwen3-30b-a3b"), (published.QWEN_35_397B, "qwen3.5-397b-a17b"),
    (published.GPT_OSS, "gpt-oss-120b"), (published.DEEPSEEK, "deepseek-v3"), (published.DEEPSEEK_V32, "deepseek-v3.2"),
    (published.MINIMAX, "minimax-m2.5"), (published.MINIMAX_M3, "minimax-m3"),
    (published.LLAMA_4_MAVERICK, "llama-4-maverick-17b-128e-instruct"), (published.GEMMA_3_27B, "gemma-3-27b-it"),
    (published.GEMMA_3_12B, "gemma-3-12b-it"), (published.NEMOTRON_3_NANO, "nvidia-nemotron-3-nano-30b-a3b-fp8"),
])  # fmt: skip
def test_a_config_gives_the_architecture_of_the_catalogue(config, name):
    mine, listed = from_hf_config(config, model_id=name), lookup().model(name)
    assert total_params(mine) == pytest.approx(total_params(listed), rel=0.001)
    elsewhere = {"id", "native_precision", "cache_precision", "max_context_tokens", "stated_total_params", "vocabulary"}
    if not mine.dense_ffn_layers:  # the catalogue keeps the widths that no layer has
        elsewhere |= {"ffn_intermediate", "ffn_matrices"}
    fields = [field for field in mine.__struct_fields__ if field not in elsewhere]
    assert {field: getattr(mine, field) for field in fields} == {field: getattr(listed, field) for field in fields}


@pytest.mark.parametrize(("config", "published_billions"), [
    (published.DEEPSEEK, 671), (published.GPT_OSS, 116.8), (published.GEMMA_2_9B, 9.24), (published.GEMMA_2_27B, 27.2),
    (published.QWEN_3_NEXT, 80), (published.JAMBA_MINI, 51.6), (published.JAMBA_LARGE, 398), (published.GRANITE_4_SMALL, 32),
    (published.BAMBA_9B, 9.78), (published.MINIMAX_TEXT, 456), (published.KIMI_LINEAR, 49.1), (published.ERNIE_21B, 21.8),
    (published.PHI_3_MINI, 3.82), (published.DBRX, 132),
])  # fmt: skip
def test_parameters_are_those_that_were_published(config, published_billions):
    assert total_params(from_hf_config(config, model_id="x")) / 1e9 == pytest.approx(published_billions, rel=0.01)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"hidden_size": "x"}', '{"num_hidden_layers": -1}',
                                  json.dumps({**LLAMA_8B, "num_hidden_layers": 0}),
                                  json.dumps({**LLAMA_8B, "num_attention_heads": 1.5})])  # fmt: skip
def test_what_is_not_a_config_is_refused_in_one_line_a_problem(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_hf_config(path)
    for problem in caught.value.problems:
        assert "\n" not in str(problem)
        assert str(path) in str(problem)


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
    ({"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 768, "first_k_dense_replace": 100}, "first_k_dense_replace"),
])  # fmt: skip
def test_a_config_that_no_model_can_have_names_its_field(tmp_path, change, field):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**LLAMA_8B, **change}))
    with pytest.raises(InputError) as caught:
        read_hf_config(path)
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize("value", [0, -1, True, False, 4096.0, 4096.5, "4096", [4096, 8192], {}, 10**12])
@pytest.mark.parametrize("field", ["vocab_size", "intermediate_size", "hidden_size", "num_hidden_layers", "head_dim",
                                   "num_attention_heads", "num_key_value_heads", "max_position_embeddings"])  # fmt: skip
def test_a_size_is_a_positive_whole_number(field, value):
    with pytest.raises(InputError) as caught:
        from_hf_config(LLAMA_8B | {field: value}, model_id="x")
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize("config", [LLAMA_8B, KIMI_LINEAR, GPT_OSS])
def test_layers_that_would_fill_the_memory_are_refused_before_they_are_listed(config):
    """Every layer is looked at: 900 million of them ended in a MemoryError, exit code 70."""
    with pytest.raises(InputError) as caught:
        from_hf_config(config | {"num_hidden_layers": 900_000_000}, model_id="x")
    assert [str(problem.message) for problem in caught.value.problems] == ["must be at most 10,000, not 900000000"]
    assert from_hf_config(LLAMA_8B | {"num_hidden_layers": 10_000}, model_id="x").layers == 10_000


def test_all_that_is_wrong_is_said_at_once():
    wrong = {"vocab_size": 0, "intermediate_size": 0, "hidden_size": "wide", "num_key_value_heads": True, "layer_types": ["odd"] * 32}
    with pytest.raises(InputError) as caught:
        from_hf_config(LLAMA_8B | wrong, model_id="x")
    assert {problem.field for problem in caught.value.problems} == set(wrong)


def test_a_width_is_asked_for_only_where_a_layer_has_it():
    without = {key: value for key, value in LLAMA_8B.items() if key != "intermediate_size"}
    with pytest.raises(InputError) as caught:
        from_hf_config(without, model_id="x")
    assert [problem.field for problem in caught.value.problems] == ["intermediate_size"]
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 768}
    assert from_hf_config(without | experts, model_id="x").moe_layers == 32


@pytest.mark.parametrize("field", ["qk_nope_head_dim", "v_head_dim", "num_experts_per_tok"])
def test_what_no_default_can_stand_for_is_missing(field):
    with pytest.raises(InputError) as caught:
        from_hf_config({key: value for key, value in DEEPSEEK.items() if key != field}, model_id="x")
    assert [problem.field for problem in caught.value.problems] == [field]


@pytest.mark.parametrize(("kind", "matrices"), [("phi", 2), ("phi3", 3), ("nemotron", 2), ("falcon", 2), ("llama", 3)])
def test_only_classes_without_a_gate_have_two_matrices(kind, matrices):
    assert from_hf_config(LLAMA_8B | {"model_type": kind}, model_id="x").ffn_matrices == matrices


def test_a_folder_with_a_config_is_a_model_and_a_listed_id_stays_one(tmp_path, monkeypatch, capsys):
    """A download in the working directory must not change what an id means."""
    monkeypatch.chdir(tmp_path)
    asked = ["estimate", "-a", "h100-sxm", "-n", "1", "--input-tokens", "1000", "--output-tokens", "200", "-f", "json", "-m"]
    figures = {}
    for name, listed in (("cfg", False), ("mine/llama", False), ("openai/gpt-oss-120b", True)):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text(json.dumps(LLAMA_8B))
        assert run([*asked, name]) == 0
        (figures[name],) = json.loads(capsys.readouterr().out)["estimates"]
        assert (figures[name]["model"] == "gpt-oss-120b") is listed
    assert run([*asked, "./cfg"]) == 0
    assert json.loads(capsys.readouterr().out)["estimates"] == [figures["cfg"]]
    (tmp_path / "empty").mkdir()
    assert run([*asked, "empty"]) == 2
    assert "unknown open-weight model 'empty'" in capsys.readouterr().err
