"""What must hold whatever the calibration says."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from breakeven.errors import Infeasible, InputError
from breakeven.offers.points import Point, answer
from breakeven.serving.architecture import dense_products, total_params
from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import FITTED_FIELDS
from breakeven.serving.estimate import at_best_throughput, at_concurrency, within_latency
from breakeven.serving.instance import prepare
from breakeven.serving.memory import sequence_bytes
from breakeven.serving.precision import default_kv_precision
from breakeven.serving.spec import LatencyTarget, ServingConfig, Shape
from tests.serving.specimens import calibration, instance, lookup

SHARES = [n for n, p in calibration().parameters.items() if p.unit == "share"]


def test_every_share_of_a_peak_is_at_most_one():
    for name in SHARES:
        entry = calibration().parameters[name]
        assert 0 < entry.low < entry.high <= 1.0
        for kind in entry.base:
            for engine in ("vllm", "sglang", "tensorrt-llm", "unheard-of"):
                for generation in ("hopper", "blackwell", "ampere", "cdna3", "unheard-of"):
                    assert entry.low <= entry.value(kind=kind, engine=engine, generation=generation) <= entry.high
    assert set(FITTED_FIELDS) <= set(calibration().parameters)


@pytest.mark.parametrize(("model", "billions"), [
    ("llama-3.1-8b-instruct", 8.03), ("llama-3.1-70b-instruct", 70.55), ("gpt-oss-120b", 116.8),
    ("deepseek-v3", 671.0), ("mixtral-8x7b-v0.1", 46.7), ("qwen3-30b-a3b", 30.5), ("falcon-180b", 179.5),
    ("llama-4-maverick-17b-128e-instruct", 400.0), ("nvidia-nemotron-nano-9b-v2", 8.9),
    ("nvidia-nemotron-3-nano-30b-a3b-fp8", 31.6), ("nvidia-nemotron-3-super-120b-a12b-nvfp4", 120.7),
    ("gemma-3-27b-it", 27.0), ("kimi-k2.5", 1026.0), ("qwen3.5-397b-a17b", 397.0),
])  # fmt: skip
def test_parameters_are_counted_right(model, billions):
    assert total_params(lookup().model(model)) / 1e9 == pytest.approx(billions, rel=0.03)


def test_windowed_layers_hold_their_window_only():
    one = instance("gpt-oss-120b", "h200-sxm", weight_precision="mxfp4")
    short, long = (sequence_bytes(SCALAR, one.footprint, tokens=t, window_kept=0.0) for t in (128.0, 10_128.0))
    full_only = one.footprint.seq_full_bytes_per_token * 10_000.0
    assert long - short == pytest.approx(full_only)
    kept = sequence_bytes(SCALAR, one.footprint, tokens=10_128.0, window_kept=1.0)
    assert kept - long == pytest.approx(one.footprint.seq_window_bytes_per_token * 10_000.0)


def test_mla_cache_is_not_shared_by_tensor_parallelism():
    wide = instance("deepseek-v3", "h200-sxm", 8, weight_precision="fp8").footprint
    assert wide.seq_full_bytes_per_token == 61 * 576 * 2
    ranks = instance("deepseek-v3", "h200-sxm", 8, tp=1, ep=8, dp=8, weight_precision="fp8").footprint
    assert ranks.attention_ranks == 8


def test_tensorrt_llm_keeps_windowed_tokens_that_other_engines_give_back():
    shape = Shape(8000, 1000)
    caps = {
        engine: instance("gpt-oss-20b", "h200-sxm", weight_precision="mxfp4", engine=engine).concurrency_cap(shape)
        for engine in ("vllm", "tensorrt-llm")
    }
    assert caps["tensorrt-llm"] < 0.7 * caps["vllm"]


def test_a_prompt_attends_unabsorbed_under_mla_and_alike_elsewhere():
    mla = instance("deepseek-v3", "h200-sxm", 8, weight_precision="fp8").work
    assert mla.attention_flop_s_per_token == pytest.approx(3.4 * mla.prefill_flop_s_per_token)
    gqa = instance("llama-3.1-8b-instruct", "h100-sxm").work
    assert gqa.attention_flop_s_per_token == gqa.prefill_flop_s_per_token


@pytest.mark.parametrize(("model", "products"), [
    ("llama-3.1-70b-instruct", 80 * 4),  # query-key-value and out, gate-up and down
    ("gpt-oss-120b", 36 * 3),  # query-key-value, out, router
    ("deepseek-v3", 61 * 5 + 3 * 2 + 58 * 3),  # five of latent attention; three dense layers; router and shared expert
    ("deepseek-v3.2", 61 * 8 + 3 * 2 + 58 * 3),  # its indexer has three of its own
])  # fmt: skip
def test_matrix_products_are_counted_as_engines_launch_them(model, products):
    assert dense_products(lookup().model(model)) == products
    assert instance(model, "h200-sxm", 8, pp=2, tp=4, weight_precision="fp8").work.products == products / 2


def test_an_indexer_launches_as_much_as_a_layer():
    sparse = lookup().model("deepseek-v3.2")
    dense = replace(sparse, sparse_top_k=0)
    config = ServingConfig(8, tp=8, weight_precision="fp8")
    made = [
        prepare(model=m, accelerator=lookup().accelerator("h200-sxm"), config=config, calibration=calibration()).work
        for m in (sparse, dense)
    ]
    assert made[0].layers - made[1].layers == sparse.attention_layers


def test_a_norm_over_all_heads_reduces_once_more_where_the_heads_are_split():
    wide = lookup().model("minimax-m2.5")
    assert wide.qk_norm_over_heads
    narrow = replace(wide, qk_norm_over_heads=False)
    for tp, more in ((4, wide.attention_layers), (1, 0)):
        config = ServingConfig(4, tp=tp, dp=4 // tp, ep=4 if tp == 1 else 1, weight_precision="fp8")
        made = [
            prepare(model=m, accelerator=lookup().accelerator("b200-sxm"), config=config, calibration=calibration()).work
            for m in (wide, narrow)
        ]
        assert made[0].tp_collectives - made[1].tp_collectives == more


def test_a_smaller_cache_does_not_slow_the_states_of_linear_layers():
    tpot = {}
    for kv in ("bf16", "fp8"):
        made = instance("nvidia-nemotron-nano-9b-v2", "h200-sxm", 1, kv_precision=kv)
        tpot[kv] = at_concurrency(made, Shape(1000, 1000), calibration(), concurrency=512).tpot_ms.typical
    assert tpot["fp8"] < tpot["bf16"]


@pytest.mark.parametrize(("model", "weights", "engine", "accelerator", "cache"), [
    ("llama-3.1-70b-instruct", "nvfp4", "vllm", "b200-sxm", "fp8"),  # every NVFP4 checkpoint states it
    ("deepseek-v3", "nvfp4", "sglang", "b200-sxm", "fp8"),
    ("llama-3.1-70b-instruct", "fp8", "vllm", "h100-sxm", "fp8"),  # quantised after publication
    ("deepseek-v3", "fp8", "vllm", "h200-sxm", "bf16"),  # published in FP8, without scales of a cache
    ("deepseek-v3", "fp8", "tensorrt-llm", "h200-sxm", "fp8"),
    ("gpt-oss-120b", "mxfp4", "vllm", "b200-sxm", "bf16"),
    ("llama-3.1-70b-instruct", "fp8", "vllm", "a100-sxm-80gb", "bf16"),  # no FP8 there
    ("llama-3.1-70b-instruct", "int4-awq", "vllm", "h100-sxm", "bf16"),
    ("llama-3.1-8b-instruct", "fp16", "vllm", "v100-sxm2", "fp16"),
])  # fmt: skip
def test_a_cache_nobody_named_is_what_the_checkpoint_states(model, weights, engine, accelerator, cache):
    spec, card = lookup().model(model), lookup().accelerator(accelerator)
    assert default_kv_precision(weights, engine=engine, model=spec, accelerator=card) == cache


def test_the_last_wave_of_tiles_weighs_more_on_thin_products():
    """Eight GPUs share the products' FLOPs, but each product still ends with a wave of its own."""
    one, eight = (
        instance("llama-3.1-70b-instruct", "h200-sxm", n, weight_precision="fp8") for n in (1, 8)
    )
    assert eight.work.dense_flop_s_per_token == pytest.approx(one.work.dense_flop_s_per_token / 8)
    assert one.work.dense_element_s / 3 < eight.work.dense_element_s < one.work.dense_element_s


def test_groups_beyond_a_node_send_through_the_network():
    within = instance("deepseek-v3", "h200-sxm", 8, tp=1, ep=8, dp=8, weight_precision="fp8").work
    across = instance("deepseek-v3", "h200-sxm", 16, tp=1, ep=16, dp=16, weight_precision="fp8").work
    assert across.ep_link_s_per_token > 3 * within.ep_link_s_per_token
    near, far = (instance("llama-3.1-405b-instruct", "h200-sxm", 8 * pp, tp=8, pp=pp).work for pp in (1, 2))
    assert near.stage_link_s_per_token == 0 < far.stage_link_s_per_token
    assert far.tp_link_s_per_token == pytest.approx(near.tp_link_s_per_token / 2)  # of one stage, half the layers


def test_a_pipeline_pays_the_hand_over_in_every_stage():
    shape = Shape(200, 200)
    for stages in (2, 4):
        one = instance("llama-3.1-8b-instruct", "l40s", stages, tp=1, pp=stages)
        work = one.step(shape, decode_batch=8.0, prefill_tokens=0.0).total
        more = one.at(shape, 8.0).decode_step_s - work * stages
        assert more == pytest.approx(one.resolved.scheduling.stage_step_s * stages, rel=0.2)


def test_one_gpu_does_not_communicate():
    assert instance("llama-3.1-8b-instruct", "h100-sxm").work.tp_collectives == 0


@settings(max_examples=30, deadline=None)
@given(st.floats(min_value=1, max_value=300), st.floats(min_value=10, max_value=8000), st.floats(min_value=10, max_value=2000))
def test_more_in_flight_is_never_faster_per_token_and_littles_law_holds(concurrency, isl, osl):
    one = instance("llama-3.1-8b-instruct", "h100-sxm")
    shape = Shape(isl, osl)
    here, more = (at_concurrency(one, shape, calibration(), concurrency=c) for c in (concurrency, concurrency * 1.5))
    assert more.tpot_ms.typical >= here.tpot_ms.typical * (1 - 1e-6)
    in_flight = here.output_tok_per_s.typical / osl * (here.ttft_ms_mean + (osl - 1) * here.tpot_ms.typical) / 1e3
    assert in_flight == pytest.approx(concurrency, rel=1e-9)
    assert here.total_tok_per_s == pytest.approx(here.output_tok_per_s.typical * (isl + osl) / osl)
    assert here.ttft_ms_p50 <= here.ttft_ms_p95


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([("llama-3.1-70b-instruct", "h100-sxm", 2, "fp8"), ("gpt-oss-120b", "h200-sxm", 1, "mxfp4"),
                     ("qwen3-30b-a3b", "b200-sxm", 1, "bf16"), ("gemma-3-27b-it", "l40s", 4, "bf16")]),
    st.integers(min_value=100, max_value=30000), st.integers(min_value=100, max_value=4000),
    st.sampled_from([None, 1, 7, 64, 300]),
)  # fmt: skip
def test_one_more_input_token_moves_nothing_by_a_percent(case, isl, osl, concurrency):
    model, accelerator, n, precision = case
    one = instance(model, accelerator, n, weight_precision=precision)

    def ask(tokens):
        if concurrency is None:
            return at_best_throughput(one, Shape(tokens, osl), calibration())
        return at_concurrency(one, Shape(tokens, osl), calibration(), concurrency=concurrency)

    a, b = ask(isl), ask(isl + 1)
    assert b.output_tok_per_s.typical == pytest.approx(a.output_tok_per_s.typical, rel=0.01)
    assert b.tpot_ms.typical == pytest.approx(a.tpot_ms.typical, rel=0.01)


def test_renaming_changes_nothing():
    one = instance("gpt-oss-120b", "h200-sxm", weight_precision="mxfp4")
    other = prepare(
        model=replace(one.model, id="somebody/else"), accelerator=replace(one.accelerator, id="gpu-x"),
        config=one.config, calibration=calibration(),
    )  # fmt: skip
    shape = Shape(1000, 1000)
    assert one.at(shape, 32.0) == other.at(shape, 32.0)


def test_an_unknown_engine_gets_the_default_and_says_so():
    one = instance("llama-3.1-8b-instruct", "h100-sxm", engine="lmdeploy")
    found = at_concurrency(one, Shape(1000, 200), calibration(), concurrency=8)
    assert found.grade == "D"
    assert any("lmdeploy" in note for note in found.notes)


def test_the_cache_cliff_of_a_model_that_barely_fits():
    one = at_best_throughput(instance("llama-3.1-70b-instruct", "h100-sxm", 1, weight_precision="fp8",
                                      kv_precision="fp8", engine="tensorrt-llm"), Shape(1000, 1000), calibration())
    two = at_best_throughput(instance("llama-3.1-70b-instruct", "h100-sxm", 2, weight_precision="fp8",
                                      kv_precision="fp8", engine="tensorrt-llm"), Shape(1000, 1000), calibration())
    assert one.limit == "kv-memory"
    assert two.output_tok_per_s.typical > 5 * one.output_tok_per_s.typical


def test_weights_that_do_not_fit_say_how_many_would():
    with pytest.raises(Infeasible, match=r"use 4 of them"):
        instance("llama-3.1-70b-instruct", "l40s", 2, weight_precision="bf16")


def test_weights_that_leave_no_room_for_the_engine_itself_do_not_fit():
    """DeepSeek-V3 in FP8 does not start on eight 80 GB cards (InternLM/lmdeploy#2960): 84.1 of 85.5 GB are weights."""
    with pytest.raises(Infeasible, match=r"needs 84 GB per accelerator, h100-sxm has 86, of which engines take 2\.2 .*use 16 of them"):
        instance("deepseek-v3", "h100-sxm", 8, weight_precision="fp8")
    assert instance("deepseek-v3", "h200-sxm", 8, weight_precision="fp8")
    assert instance("deepseek-v3", "h100-sxm", 16, tp=8, pp=2, weight_precision="fp8")


def test_memory_below_an_engines_usual_reserve_is_outside_the_calibration():
    one = instance("llama-3.1-70b-instruct", "a100-sxm-40gb", weight_precision="int4")
    found = at_best_throughput(one, Shape(1000, 500), calibration())
    assert found.grade == "D"
    assert any("the weights leave 1.8 GB per accelerator" in note for note in found.notes)
    roomy = at_best_throughput(instance("llama-3.1-70b-instruct", "a100-sxm-80gb", weight_precision="int4"), Shape(1000, 500), calibration())
    assert roomy.grade == "C" and not any("the weights leave" in note for note in roomy.notes)


def test_heads_that_do_not_divide_are_refused_with_a_degree_that_does():
    with pytest.raises(InputError, match=r"use tp = 2"):
        instance("qwen2.5-0.5b-instruct", "h100-sxm", 8)


@pytest.mark.parametrize("concurrency", [0, -1, math.nan, 0.5])
def test_concurrency_below_one_is_refused(concurrency):
    with pytest.raises(InputError, match="concurrency"):
        at_concurrency(instance("llama-3.1-8b-instruct", "h100-sxm"), Shape(10, 10), calibration(), concurrency=concurrency)


def test_fp8_on_hardware_without_it_says_what_it_falls_back_to():
    one = instance("llama-3.1-8b-instruct", "a100-sxm-80gb", weight_precision="fp8")
    assert "expanded to 16 bit" in one.notes[0]
    assert one.numerics.dense_bytes == 1.0


def test_targets_that_nothing_meets_say_how_near_one_comes():
    with pytest.raises(Infeasible, match=r"TPOT 1 ms .* gets \d"):
        within_latency(instance("llama-3.1-70b-instruct", "h100-sxm", 2), Shape(1000, 200), calibration(),
                       latency=LatencyTarget(tpot_ms=1.0))


@pytest.mark.parametrize("target", [LatencyTarget(ttft_ms=800, tpot_ms=30), LatencyTarget(tpot_ms=20), LatencyTarget(ttft_ms=250)])
def test_the_sustained_load_meets_its_targets_and_a_little_more_would_not(target):
    one = instance("llama-3.1-8b-instruct", "h100-sxm")
    shape = Shape(2000, 300)
    found = within_latency(one, shape, calibration(), latency=target)
    assert target.ttft_ms is None or found.ttft_ms_p95 <= target.ttft_ms * 1.001
    assert target.tpot_ms is None or found.tpot_ms.typical <= target.tpot_ms
    looser = LatencyTarget(
        ttft_ms=None if target.ttft_ms is None else target.ttft_ms * 1.3,
        tpot_ms=None if target.tpot_ms is None else target.tpot_ms * 1.3,
    )
    assert within_latency(one, shape, calibration(), latency=looser).requests_per_s > found.requests_per_s


def test_a_prefix_cache_saves_prefill_but_not_reading_the_cache():
    one = instance("llama-3.1-8b-instruct", "h100-sxm")
    cold = at_concurrency(one, Shape(8000, 200), calibration(), concurrency=16)
    warm = at_concurrency(one, Shape(8000, 200, cached_input_share=0.9), calibration(), concurrency=16)
    assert warm.ttft_ms_mean < 0.5 * cold.ttft_ms_mean
    assert warm.tpot_ms.typical < cold.tpot_ms.typical
    fresh = at_concurrency(one, Shape(800, 200), calibration(), concurrency=16)
    assert warm.tpot_ms.typical > fresh.tpot_ms.typical


def test_config_counts_copies_and_attention_ranks():
    assert ServingConfig(8, tp=2, dp=4).copies == 4
    assert ServingConfig(8, tp=1, dp=8, ep=8).copies == 1
    assert ServingConfig(8, tp=1, dp=8, ep=8).attention_ranks == 8
    one = at_concurrency(instance("llama-3.1-8b-instruct", "h100-sxm", 1), Shape(500, 200), calibration(), concurrency=8)
    four = at_concurrency(instance("llama-3.1-8b-instruct", "h100-sxm", 4, tp=1, dp=4), Shape(500, 200), calibration(),
                          concurrency=32)
    assert four.output_tok_per_s.typical == pytest.approx(4 * one.output_tok_per_s.typical)


def test_a_target_that_one_request_in_flight_misses_can_be_met_by_fewer():
    """Long prompts wait for each other: with one in flight on average the 95th percentile is that of a queue."""
    made, shape = instance("glm-4.6", "h200-sxm", 8), Shape(35_700, 700)
    busy = at_concurrency(made, shape, calibration(), concurrency=1)
    target = 0.9 * busy.ttft_ms_p95
    found = within_latency(made, shape, calibration(), latency=LatencyTarget(ttft_ms=target))
    assert found.concurrency < 1
    assert 0.98 * target < found.ttft_ms_p95 <= target
    assert found.output_tok_per_s.typical < busy.output_tok_per_s.typical
    with pytest.raises(Infeasible, match="alone, a request gets"):
        within_latency(made, shape, calibration(), latency=LatencyTarget(ttft_ms=1000))


@pytest.mark.parametrize("concurrency", [1, 3, 7, 8, 40])
def test_fewer_requests_than_copies_leave_copies_idle(concurrency):
    """Requests in flight / time of a request, whatever the number of copies."""
    shape = Shape(1000, 300)
    found = at_concurrency(instance("llama-3.1-8b-instruct", "h100-sxm", 8, tp=1, dp=8), shape, calibration(), concurrency=concurrency)
    seconds = (found.ttft_ms_mean + 299 * found.tpot_ms.typical) / 1e3
    assert found.output_tok_per_s.typical == pytest.approx(concurrency * 300 / seconds, rel=1e-6)
    assert found.decode_batch <= concurrency * 1.0001


def test_one_request_spreads_over_the_gpus_rather_than_on_idle_copies():
    found = answer(Point("llama-3.1-8b-instruct", "h100-sxm", 1000, 300, accelerators=8, concurrency=1), lookup(), calibration())
    assert found.config.dp == 1 and found.config.tp == 8


def test_slow_tensor_cores_slow_one_request_by_low_tiles_only():
    """An H20 has a seventh of an H100's rate and more bandwidth: full tiles would cost one request 2.4 times the time."""
    shape = Shape(1000, 500)
    times = [
        at_concurrency(instance("llama-3.1-70b-instruct", name, 8, weight_precision="fp8"), shape, calibration(), concurrency=1)
        for name in ("h20-sxm", "h100-sxm")
    ]
    assert times[0].tpot_ms.typical < 2.0 * times[1].tpot_ms.typical
