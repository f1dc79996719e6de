"""Benchmark files: one test per trap of each format."""

import json
import re

import pytest
from msgspec.structs import replace

from breakeven.cli.main import run
from breakeven.errors import InputError
from breakeven.offers.benchmarks.read import read_benchmark
from breakeven.offers.own import Named, fit_own, own_evidence, own_fit
from breakeven.offers.own_fit import graded_by, no_fit, read_own_fit
from breakeven.offers.points import Point, answer
from breakeven.render.benchmark import render_own
from breakeven.serving.spec import LatencyTarget
from tests.serving.specimens import calibration, lookup

VLLM = {
    "date": "20261101-101010", "backend": "vllm", "model_id": "meta-llama/Llama-3.1-8B-Instruct", "tokenizer_id": "t",
    "num_prompts": 100, "request_rate": "inf", "max_concurrency": 16, "duration": 10.0, "completed": 100, "failed": 0,
    "total_input_tokens": 90_000, "total_output_tokens": 18_000, "request_throughput": 10.0,
    "output_throughput": 1800.0, "mean_ttft_ms": 60.0, "median_ttft_ms": 50.0, "p99_ttft_ms": 120.0,
    "mean_tpot_ms": 9.0, "mean_itl_ms": 30.0, "gpu": "h100-sxm", "tp": 1, "random_input_len": 1000,
}  # fmt: skip
SGLANG = {
    "backend": "sglang", "dataset_name": "random", "request_rate": float("inf"), "max_concurrency": 8,
    "random_input_len": 1000, "random_output_len": 200, "random_range_ratio": 0.0, "duration": 5.0, "completed": 10,
    "total_input_tokens": 5_100, "total_output_tokens": 900, "total_output_tokens_retokenized": 899,
    "output_throughput": 700.0, "mean_ttft_ms": 70.0, "mean_tpot_ms": 8.0, "mean_itl_ms": 8.0, "concurrency": 7.4,
}  # fmt: skip


def metric(**values):
    return {"successful": {"percentiles": {}, **values}, "errored": {}, "incomplete": {}}


GUIDELLM = {
    "metadata": {"version": 2},
    "benchmarks": [{
        "config": {"strategy": {"type_": "concurrent", "streams": 8}},
        "metrics": {
            "prompt_token_count": metric(mean=1000.0), "output_token_count": metric(mean=200.0),
            "time_per_output_token_ms": metric(mean=14.0), "inter_token_latency_ms": metric(mean=8.0),
            "time_to_first_token_ms": metric(mean=90.0, median=80.0, percentiles={"p95": 200.0}),
            "request_concurrency": metric(mean=7.8), "output_tokens_per_second": metric(mean=900.0),
        },
    }],
}  # fmt: skip
AIPERF = {
    "schema_version": "1.4", "is_complete": True, "was_cancelled": False,
    "input_config": {"loadgen": {"concurrency": 32}, "endpoint": {"model_names": ["meta-llama/Llama-3.1-8B-Instruct"]}},
    "inter_token_latency": {"unit": "ms", "avg": 11.0}, "time_to_first_token": {"unit": "ms", "avg": 80.0, "p95": 150.0},
    "input_sequence_length": {"unit": "tokens", "avg": 550.0}, "output_sequence_length": {"unit": "tokens", "avg": 150.0},
    "output_token_throughput": {"unit": "tokens/sec", "avg": 2500.0}, "request_throughput": {"avg": 16.0},
}  # fmt: skip
INFERENCEX = {
    "hw": "h200", "conc": 64, "model": "openai/gpt-oss-120b", "framework": "vllm", "precision": "fp4", "isl": 1024,
    "osl": 1024, "is_multinode": False, "spec_decoding": "none", "disagg": False, "tp": 2, "pp": 1, "ep": 1,
    "dp_attention": "false", "tput_per_gpu": 2400.0, "output_tput_per_gpu": 1200.0, "mean_ttft": 0.25,
    "median_ttft": 0.2, "mean_tpot": 0.0171, "mean_itl": 0.0171,
}  # fmt: skip


def load(tmp_path, *documents, lines=False):
    path = tmp_path / "result.json"
    text = "\n".join(json.dumps(d) for d in documents) if lines else json.dumps(documents[0])
    path.write_text(text)
    return read_benchmark(path)


def test_vllm_lengths_are_the_actual_ones(tmp_path):
    (row,) = load(tmp_path, VLLM)
    assert (row.tool, row.input_tokens, row.output_tokens) == ("vllm", 900.0, 180.0)


def test_vllm_without_p95_says_so(tmp_path):
    (row,) = load(tmp_path, VLLM)
    assert row.ttft_ms_p95 is None
    assert any("--metric-percentiles" in warning for warning in row.warnings)
    (row,) = load(tmp_path, {**VLLM, "p95_ttft_ms": 100.0})
    assert row.ttft_ms_p95 == 100.0


def test_an_unlimited_rate_is_closed_loop_and_its_ttft_is_not_that_of_random_arrivals(tmp_path):
    (row,) = load(tmp_path, VLLM)
    assert row.closed_loop
    assert any("closed loop" in warning for warning in row.warnings)
    (row,) = load(tmp_path, {**VLLM, "request_rate": 4.0})
    assert not row.closed_loop
    assert not any("closed loop" in warning for warning in row.warnings)


def test_without_a_limit_all_requests_start_at_once_and_littles_law_says_how_many_are_in_flight(tmp_path):
    """10 requests/s of 60 + 179 x 9 ms each: 16.7 in flight on average, not the 100 that were sent."""
    (row,) = load(tmp_path, {**VLLM, "max_concurrency": None})
    assert row.concurrency == pytest.approx(10 * (60 + 179 * 9) / 1e3)
    assert any("no max_concurrency: all 100 requests were sent at once" in warning for warning in row.warnings)
    (row,) = load(tmp_path, {**VLLM, "max_concurrency": None, "request_throughput": None})
    assert row.concurrency == 100
    assert any("their number is taken for it" in warning for warning in row.warnings)


@pytest.mark.parametrize("option", ["-n", "--tp", "--dp"])
def test_a_count_below_one_is_refused_not_passed_over(tmp_path, option, capsys):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(VLLM))
    assert run(["benchmark", "import", str(path), option, "0"]) == 2
    assert f"error: {option}: must be at least 1, not 0" in capsys.readouterr().err


def test_speculative_decoding_is_told_and_not_used(tmp_path):
    (row,) = load(tmp_path, {**VLLM, "spec_decode_acceptance_length": 2.6})
    assert row.acceptance_length == 2.6
    assert row.tpot_ms == 9.0  # not the inter-token latency
    with pytest.raises(InputError, match="without speculation"):
        fit_own([row], Named(accelerators=1), lookup(), calibration())


def test_appended_results_are_one_row_each(tmp_path):
    rows = load(tmp_path, VLLM, {**VLLM, "max_concurrency": 32}, lines=True)
    assert [row.concurrency for row in rows] == [16, 32]


def test_failed_requests(tmp_path):
    (row,) = load(tmp_path, {**VLLM, "failed": 2})
    assert any("2 of 102 requests failed" in warning for warning in row.warnings)
    with pytest.raises(InputError, match="requests failed"):
        load(tmp_path, {**VLLM, "failed": 50})
    with pytest.raises(InputError, match="no request completed"):
        load(tmp_path, {**VLLM, "completed": 0})


def test_sglang_is_told_from_vllm_and_names_no_hardware(tmp_path):
    (row,) = load(tmp_path, SGLANG)
    assert (row.tool, row.input_tokens, row.concurrency, row.closed_loop) == ("sglang", 510.0, 8, True)
    with pytest.raises(InputError) as caught:
        fit_own([row], Named(), lookup(), calibration())
    assert {p.field for p in caught.value.problems} == {"model", "accelerator"}


def test_guidellm_time_per_output_token_includes_ttft_and_is_not_used(tmp_path):
    (row,) = load(tmp_path, GUIDELLM)
    assert (row.tpot_ms, row.ttft_ms_p95, row.concurrency) == (8.0, 200.0, 8)


def test_aiperf_incomplete_runs_are_refused(tmp_path):
    (row,) = load(tmp_path, AIPERF)
    assert (row.tool, row.tpot_ms, row.concurrency) == ("aiperf", 11.0, 32)
    for flag in ({"is_complete": False}, {"was_cancelled": True}):
        with pytest.raises(InputError, match="not complete"):
            load(tmp_path, {**AIPERF, **flag})
    genai = {k: v for k, v in AIPERF.items() if k not in ("schema_version", "is_complete", "was_cancelled")}
    assert load(tmp_path, genai)[0].tool == "genai-perf"


def test_inferencex_is_in_seconds_and_its_output_is_per_gpu(tmp_path):
    (row,) = load(tmp_path, INFERENCEX)
    assert row.tpot_ms == pytest.approx(17.1)
    assert row.output_tok_per_s == 2400.0  # 1200 per GPU on two, not tput_per_gpu, which counts input too
    assert row.input_tokens == pytest.approx(921.6)


def test_inferencex_on_several_nodes_divides_by_decode_gpus(tmp_path):
    (row,) = load(tmp_path, {**INFERENCEX, "is_multinode": True, "num_prefill_gpu": 8, "num_decode_gpu": 16})
    assert row.output_tok_per_s == 1200.0 * 16
    assert row.accelerators == 24


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"mean_tpot_ms": 1}', "[1, 2]", '{"benchmarks": []}', "\x00"])
def test_other_files_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_benchmark(path)
    assert "\n" not in str(caught.value)


def asked_at(**changes):
    return Point(**{
        "model": "llama-3.1-8b-instruct", "accelerator": "h100-sxm", "input_tokens": 900, "output_tokens": 180,
        "accelerators": 2, "tp": 1, "pp": 1, "ep": 1, "dp": 1, "engine": "vllm", "concurrency": 16, **changes,
    })  # fmt: skip


TENSOR = asked_at(model="llama-3.1-70b-instruct", accelerators=4, tp=4)
PIPELINE = asked_at(pp=2)
EXPERTS = asked_at(model="gpt-oss-120b", accelerator="h200-sxm", tp=2, concurrency=64)
SPREAD = asked_at(model="gpt-oss-120b", accelerator="h200-sxm", accelerators=4, tp=4, ep=4, concurrency=64)


def runs_like(point, tmp_path, *loads):
    """Runs of the point's configuration at (concurrency, TPOT over the model's)."""
    runs = []
    for concurrency, factor in loads:
        tpot_ms = answer(replace(point, concurrency=concurrency), lookup(), calibration()).tpot_ms.typical * factor
        runs.append({
            **VLLM, "model_id": point.model, "gpu": point.accelerator, "gpus": point.accelerators, "mean_tpot_ms": tpot_ms,
            "max_concurrency": concurrency, "output_throughput": None,
            **{name: getattr(point, name) for name in ("tp", "pp", "ep", "dp")},
        })  # fmt: skip
    return load(tmp_path, *runs, lines=True)


@pytest.mark.parametrize("factor", [0.7, 1.3, 2.0])
@pytest.mark.parametrize("point", [TENSOR, PIPELINE, EXPERTS, SPREAD])
def test_one_load_rescales_and_the_own_figure_is_met(tmp_path, point, factor):
    """By the factor itself: no share or time may hold it back."""
    rows = runs_like(point, tmp_path, (point.concurrency, factor))
    own = fit_own(rows, Named(accelerators=point.accelerators), lookup(), calibration())
    assert own.fit.multipliers == {"time": pytest.approx(factor, rel=1e-3)}
    assert abs(own.fit.after[0]) < 0.01
    path = tmp_path / "own.yaml"
    path.write_text(own_fit(own, name="result.json").to_yaml())
    mine = own_evidence(point, path, lookup(), calibration())
    assert mine.grade == "A"
    assert mine.tpot_ms.typical == pytest.approx(rows[0].tpot_ms, rel=0.01)


def test_three_loads_of_a_pipeline_are_fitted(tmp_path):
    """Most of a thin stage's step is time that the stages add."""
    own = fit_own(runs_like(PIPELINE, tmp_path, (4, 0.6), (16, 0.6), (64, 0.6)), Named(accelerators=2), lookup(), calibration())
    assert own.unusable is None
    assert max(map(abs, own.fit.after)) < 0.06


def test_a_run_faster_than_the_peak_rates_is_of_something_else(tmp_path):
    """16 GB of weights at 3.35 TB/s are 4.8 ms: time alone would shrink to meet it."""
    found = one_row(tmp_path, mean_tpot_ms=3.5)
    assert re.search(r"3\.5 ms a token with 16 in flight is less than the [4-6]\.\d+ ms that a decode step takes at the peak rates", found.unusable)
    with pytest.raises(InputError, match=r"no fit is written: 3\.5 ms a token"):
        own_fit(found, name="result.json")
    assert one_row(tmp_path, mean_tpot_ms=6.5).unusable is None


def test_prompts_that_are_prefilled_all_at_once_make_no_run_impossible(tmp_path):
    """8,000 tokens in and 100 out: 400 tok/s are half of the peak rate, whenever the prefill happens to fall."""
    slow = one_row(tmp_path, mean_tpot_ms=20.0, mean_ttft_ms=1700.0, total_input_tokens=VLLM["completed"] * 8000,
                   total_output_tokens=VLLM["completed"] * 100)  # fmt: skip
    assert slow.unusable is None or "peak" not in slow.unusable


LLAMA_8B = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 131072, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}  # fmt: skip


def test_bursts_lower_the_load_that_a_fit_allows(tmp_path):
    """The fit's own times are searched, not the model's alone."""
    path, _ = written(tmp_path)
    calm, bursts = (
        asked_of(path, concurrency=None, latency=LatencyTarget(ttft_ms=120.0, tpot_ms=30.0), arrival_cv2=cv2) for cv2 in (1.0, 4.0)
    )
    assert bursts.requests_per_s < 0.8 * calm.requests_per_s
    assert any("result.json" in note for note in bursts.notes)


def test_a_config_json_is_named_from_the_folder_of_its_fit(tmp_path, capsys, monkeypatch):
    """However it was typed, profile and estimate find it again, from wherever they run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prof" / "m").mkdir(parents=True)
    (tmp_path / "prof" / "m" / "config.json").write_text(json.dumps(LLAMA_8B))
    (tmp_path / "r.json").write_text(json.dumps(VLLM))
    asked = ["-m", "prof/m/config.json", "-a", "h100-sxm", "-n", "1"]
    assert run(["benchmark", "import", "r.json", *asked, "-o", "prof/fit.yaml"]) == 0
    assert "model: m/config.json" in (tmp_path / "prof" / "fit.yaml").read_text().replace('"', "")
    question = ["estimate", *asked, "--input-tokens", "900", "--output-tokens", "180", "-c", "16", "--own", "prof/fit.yaml"]
    capsys.readouterr()
    assert run([*question, "-f", "json"]) == 0
    assert '"grade": "A"' in capsys.readouterr().out


def test_three_loads_refit_and_the_estimate_uses_it(tmp_path):
    truth = [(4, 6.9), (16, 9.4), (64, 17.5)]
    rows = load(tmp_path, *({**VLLM, "max_concurrency": c, "mean_tpot_ms": t} for c, t in truth), lines=True)
    own = fit_own(rows, Named(), lookup(), calibration())
    assert set(own.fit.multipliers) == {"memory", "compute", "layer", "sequence"}
    assert max(map(abs, own.fit.after)) < max(map(abs, own.fit.before))
    path = tmp_path / "own.yaml"
    fit = own_fit(own, name='a "result".json')
    path.write_text(fit.to_yaml())
    assert read_own_fit(path) == fit
    point = Point("llama-3.1-8b-instruct", "h100-sxm", 900, 180, accelerators=1, concurrency=16, engine="vllm")
    mine = own_evidence(point, path, lookup(), calibration())
    assert mine.grade == "A"
    assert not any("the model alone gives" in note for note in mine.notes)
    long = Point("llama-3.1-8b-instruct", "h100-sxm", 9000, 180, accelerators=1, concurrency=16, engine="vllm")
    assert own_evidence(long, path, lookup(), calibration()).grade == "C"
    assert abs(mine.tpot_ms.typical - 9.4) < abs(answer(point, lookup(), calibration()).tpot_ms.typical - 9.4)
    other = Point("llama-3.1-70b-instruct", "h100-sxm", 900, 180, accelerators=4, concurrency=16)
    with pytest.raises(InputError, match="another model"):
        own_evidence(other, path, lookup(), calibration())


def one_row(tmp_path, **changes):
    return fit_own(load(tmp_path, {**VLLM, **changes}), Named(), lookup(), calibration())


def test_a_throughput_that_the_requests_in_flight_cannot_make_is_not_offered(tmp_path):
    good = render_own(one_row(tmp_path), format="table", width=80)
    assert "throughput: {output_tok_per_s: 1800.0, source: own benchmark}" in good
    bad = render_own(one_row(tmp_path, output_throughput=182_370.0), format="table", width=80)
    assert "note: 182,370 output tokens per second are more than the 1,778 that 16 requests at 9 ms a token can make" in " ".join(bad.split())
    assert "for a profile" not in bad
    assert "182,370 output tokens" in json.loads(render_own(one_row(tmp_path, output_throughput=182_370.0), format="json", width=80))["rows"][0]["warnings"][-1]


def test_a_measurement_below_zero_is_no_measurement(tmp_path):
    with pytest.raises(InputError, match="mean_tpot_ms: is -5; a measurement is not below zero"):
        one_row(tmp_path, mean_tpot_ms=-5)


def test_a_fit_at_its_end_says_so(tmp_path):
    assert "at the end" not in one_row(tmp_path).grade_note
    assert one_row(tmp_path).unusable is None
    found = one_row(tmp_path, mean_tpot_ms=200.0, output_throughput=80.0)
    assert "time is at the end of what a fit may do (x0.25 to x4)" in found.grade_note


def test_no_line_of_an_import_is_wider_than_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    path = tmp_path / "runs.json"
    runs = [{**VLLM, "max_concurrency": c, "output_throughput": 1e5 * c, "mean_tpot_ms": 8.0 + c / 16} for c in (4, 16, 64)]
    path.write_text("\n".join(json.dumps(one) for one in runs))
    assert run(["benchmark", "import", str(path)]) == 0
    out = capsys.readouterr().out
    assert "multipliers" in out and "note: " in out
    assert [line for line in out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("data", [
    {**VLLM, "request_rate": 1.0, "max_concurrency": 200, "request_throughput": 1.0},
    {**SGLANG, "request_rate": 1.0, "max_concurrency": 200, "concurrency": 1.6},
    {**AIPERF, "input_config": {"loadgen": {"concurrency": 200, "request_rate": 1.0}},
     "request_throughput": {"avg": 1.0}},
])  # fmt: skip
def test_under_a_rate_the_concurrency_is_what_was_reached_not_the_limit(tmp_path, data):
    (row,) = load(tmp_path, data)
    assert not row.closed_loop
    assert 1.0 <= row.concurrency < 3.0


def test_guidellm_under_a_rate_takes_what_was_reached(tmp_path):
    run_ = {**GUIDELLM["benchmarks"][0], "config": {"strategy": {"type_": "constant", "max_concurrency": 200}}}
    (row,) = load(tmp_path, {**GUIDELLM, "benchmarks": [run_]})
    assert row.concurrency == 7.8


@pytest.mark.parametrize(("more", "said"), [
    ({"spec_decoding": "mtp"}, "speculative decoding"),
    ({"is_multinode": True, "num_prefill_gpu": 8, "num_decode_gpu": 16}, "several nodes"),
])  # fmt: skip
def test_inferencex_runs_that_are_not_one_plain_engine_are_not_fitted(tmp_path, more, said):
    rows = load(tmp_path, {**INFERENCEX, **more})
    with pytest.raises(InputError, match=said):
        fit_own(rows, Named(), lookup(), calibration())


LLAMA = Named("llama-3.1-8b-instruct", "h100-sxm", 1)


def of_sglang(**changes):
    return {
        "config": {"client_args": {"num_prompts": 10}, "server_args": {"tp_size": 1}}, "results": {**SGLANG, **changes},
    }  # fmt: skip


def llm_optimizer(*tests):
    return {
        "metadata": {"gpu_type": "h100-sxm", "gpu_count": 1, "model_tag": "meta-llama/Llama-3.1-8B-Instruct"},
        "test_results": list(tests),
    }  # fmt: skip


def guidellm(*runs, **changes):
    """Runs with counts of requests, and metrics changed."""
    first = GUIDELLM["benchmarks"][0]
    counted = [{**first, "metrics": {**first["metrics"], "request_totals": counts, **changes}} for counts in runs]
    return {**GUIDELLM, "benchmarks": counted}


@pytest.mark.parametrize(("data", "field"), [
    ({**VLLM, "failed": 12}, "failed"),
    ({k: v for k, v in {**VLLM, "completed": 80}.items() if k != "failed"}, "completed"),
    ({**SGLANG, "errors": ["", "timed out"] * 2}, "completed"),
    (llm_optimizer(of_sglang(completed=8)), "results.completed"),
    (guidellm({"successful": 85, "errored": 15, "incomplete": 0}), "metrics.request_totals.errored"),
    (guidellm({"successful": 100, "errored": 0, "incomplete": 50}), "metrics.request_totals.successful"),
    (guidellm({"successful": 2, "errored": 0, "incomplete": 8}), "metrics.request_totals.successful"),
    ({**AIPERF, "request_count": {"avg": 80}, "error_request_count": {"avg": 20}}, "error_request_count"),
    ({**{k: v for k, v in AIPERF.items() if k != "schema_version"}, "request_count": {"avg": 8}, "error_request_count": {"avg": 2}},
     "error_request_count"),
])  # fmt: skip
def test_of_every_tool_a_run_is_refused_of_which_more_than_a_tenth_failed(tmp_path, data, field):
    with pytest.raises(InputError, match="with more than a tenth gone it is no measurement") as caught:
        load(tmp_path, data)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert problem.path.startswith(str(tmp_path / "result.json"))


@pytest.mark.parametrize(("data", "said"), [
    ({**SGLANG, "completed": 19, "errors": ["timed out", *[""] * 19]}, "1 of 20 requests failed"),
    (llm_optimizer({**of_sglang(completed=19), "config": {"client_args": {"num_prompts": 20}}}), "1 of 20 requests failed"),
    (guidellm({"successful": 95, "errored": 5, "incomplete": 0}), "5 of 100 requests failed"),
    ({**AIPERF, "request_count": {"avg": 95}, "error_request_count": {"avg": 5}}, "5 of 100 requests failed"),
])  # fmt: skip
def test_fewer_failures_are_told(tmp_path, data, said):
    (row,) = load(tmp_path, data)
    assert any(said in warning for warning in row.warnings)


def test_requests_in_flight_when_a_run_ended_have_not_failed(tmp_path):
    """Eight clients leave eight requests unfinished, however short the run."""
    (row,) = load(tmp_path, guidellm({"successful": 24, "errored": 0, "incomplete": 8}))
    assert "8 of 32 requests were not complete at the end: they are left out" in row.warnings


def test_guidellm_counts_are_read_wherever_a_release_has_them(tmp_path):
    run_ = GUIDELLM["benchmarks"][0]
    counts = {"successful": 50, "errored": 50}
    prompts = {**run_["metrics"], "prompt_token_count": {"successful": {"mean": 1000.0, "count": 50}, "errored": {"count": 50}}}
    for more in (
        {"scheduler_metrics": {"requests_made": counts}}, {"run_stats": {"requests_made": counts}},
        {"requests": {"successful": [{}] * 50, "errored": [{}] * 50}}, {"metrics": prompts},
    ):  # fmt: skip
        with pytest.raises(InputError, match="50 of 100 requests failed"):
            load(tmp_path, {**GUIDELLM, "benchmarks": [{**run_, **more}]})


def test_beside_good_runs_a_refused_one_is_left_out_and_told(tmp_path):
    good, bad = {"successful": 100, "errored": 0}, {"successful": 10, "errored": 90}
    (row,) = load(tmp_path, guidellm(good, bad))
    assert any("left out" in said and "benchmark 2: metrics.request_totals.errored: 90 of 100" in said for said in row.warnings)
    (row,) = load(tmp_path, {**VLLM, "failed": 50}, VLLM, lines=True)
    assert any("result.json:1: failed: 50 of 150 requests failed" in said for said in row.warnings)
    with pytest.raises(InputError) as caught:
        load(tmp_path, guidellm(bad, bad))
    assert len(caught.value.problems) == 2


def test_a_count_that_counts_nothing_is_refused(tmp_path):
    for count in (-1, "many", float("nan"), True):
        with pytest.raises(InputError, match=r"failed: is .*; write a number of requests"):
            load(tmp_path, {**VLLM, "failed": count})
    with pytest.raises(InputError, match="duration: is 0"):
        load(tmp_path, {**VLLM, "duration": 0})


def test_repeats_of_one_load_are_one_load(tmp_path):
    """Lengths that are drawn at random differ a little from run to run."""
    repeats = [{**VLLM, "total_input_tokens": 90_000 + 500 * i, "mean_tpot_ms": 9.0 + 0.1 * i} for i in range(3)]
    own = fit_own(load(tmp_path, *repeats, lines=True), Named(), lookup(), calibration())
    assert set(own.fit.multipliers) == {"time"}
    assert "three different loads or more would refit it (1 different in 3 runs)" in own.grade_note
    assert len(own.fit.before) == len(own.fit.after) == 3
    loads = [{**VLLM, "max_concurrency": c, "mean_tpot_ms": t} for c, t in ((4, 6.9), (16, 9.4), (64, 17.5))]
    own = fit_own(load(tmp_path, *loads, *loads, lines=True), Named(), lookup(), calibration())
    assert "refitted from three or more loads (3 different in 6 runs)" in own.grade_note
    once = fit_own(load(tmp_path, *loads, lines=True), Named(), lookup(), calibration())
    assert own.fit.multipliers == pytest.approx(once.fit.multipliers)


def test_other_lengths_at_the_same_concurrency_are_another_load(tmp_path):
    runs = [{**VLLM, "total_input_tokens": n, "mean_tpot_ms": t} for n, t in ((90_000, 9.0), (300_000, 10.0), (900_000, 13.0))]
    own = fit_own(load(tmp_path, *runs, lines=True), Named(), lookup(), calibration())
    assert "memory" in own.fit.multipliers


@pytest.mark.parametrize(("runs", "said"), [
    ([(16, 200.0)], "time is at the end of what a fit may do (x0.25 to x4)"),
    ([(16, 9.0), (32, 30.0)], "after the fit one run is missed by a factor of"),
])  # fmt: skip
def test_a_fit_that_is_none_is_shown_and_not_written(tmp_path, capsys, runs, said):
    path, fit = tmp_path / "runs.json", tmp_path / "fit.yaml"
    path.write_text("\n".join(json.dumps({**VLLM, "max_concurrency": c, "mean_tpot_ms": t}) for c, t in runs))
    assert run(["benchmark", "import", str(path), "-o", str(fit)]) == 2
    out, err = capsys.readouterr()
    assert said in " ".join(out.split()) and "no fit, and none is written" in out
    assert "for a profile" not in out
    assert f"no fit is written: {said}" in err
    assert not fit.exists()
    assert run(["benchmark", "import", str(path), "-f", "json"]) == 0
    assert said in json.loads(capsys.readouterr().out)["no_fit"]


def test_a_written_fit_that_is_none_is_not_read(tmp_path):
    path = tmp_path / "fit.yaml"
    good = own_fit(one_row(tmp_path), name="result.json").to_yaml()
    path.write_text(good)
    read_own_fit(path)
    for before, after in ((r"time: .*", "time: 4.0"), (r"worst_residual: .*", "worst_residual: 0.5")):
        path.write_text(re.sub(before, after, good))
        with pytest.raises(InputError, match="is no fit: "):
            read_own_fit(path)
    assert no_fit({"memory": 0.8}, 0.26) is None and no_fit({"memory": 0.8}, 0.27) is not None


def test_a_list_of_one_model_is_that_model_and_of_several_none(tmp_path):
    genai = {k: v for k, v in AIPERF.items() if k not in ("schema_version", "is_complete", "was_cancelled")}
    old = {**genai, "input_config": {"model": ["openai/gpt-oss-120b"], "concurrency": 32}}
    new = {**genai, "input_config": {
        "model_names": ["openai/gpt-oss-120b"], "perf_analyzer": {"stimulus": {"concurrency": 32}},
    }}  # fmt: skip
    for data in (old, new):
        (row,) = load(tmp_path, data)
        assert (row.tool, row.model, row.concurrency) == ("genai-perf", "openai/gpt-oss-120b", 32)
    several = ({"model": ["a", "b"]}, "input_config.model"), ({"endpoint": {"model_names": ["a", "b"]}}, "input_config.endpoint.model_names")
    for config, field in several:
        with pytest.raises(InputError, match="names several models: a, b") as caught:
            load(tmp_path, {**genai, "input_config": config})
        assert caught.value.problems[0].field == field


@pytest.mark.parametrize("data", [
    GUIDELLM, AIPERF, {**VLLM, "backend": "openai"},
    {k: v for k, v in AIPERF.items() if k != "schema_version"},
])  # fmt: skip
def test_an_engine_that_the_file_does_not_name_is_told_to_be_assumed(tmp_path, data):
    rows = load(tmp_path, data)
    own = fit_own(rows, LLAMA, lookup(), calibration())
    assert own.point.engine == "vllm"
    said = "engine: the file does not say it and it is taken for vllm; state it with --engine"
    assert said in " ".join(render_own(own, format="table", width=80).split())
    assert said in json.loads(render_own(own, format="json", width=80))["notes"]
    stated = fit_own(rows, Named("llama-3.1-8b-instruct", "h100-sxm", 1, engine="sglang"), lookup(), calibration())
    assert (stated.point.engine, stated.notes) == ("sglang", ())


@pytest.mark.parametrize(("data", "engine"), [
    (VLLM, "vllm"), ({**VLLM, "backend": "sglang"}, "sglang"), ({**VLLM, "engine": "tensorrt-llm"}, "tensorrt-llm"),
    (SGLANG, "sglang"), ({**SGLANG, "backend": "vllm-chat"}, "vllm"), (llm_optimizer(of_sglang(backend="vllm")), "vllm"),
    ({**llm_optimizer(), **of_sglang(), "metadata": {"framework": "sglang"}}, "sglang"),
    ({**AIPERF, "input_config": {"service_kind": "triton", "backend": "tensorrtllm"}}, "tensorrt-llm"),
    ({**AIPERF, "input_config": {"service_kind": "openai", "backend": "tensorrtllm"}}, None),
])  # fmt: skip
def test_the_engine_is_that_of_the_server_not_of_the_client(tmp_path, data, engine):
    assert load(tmp_path, data)[0].engine == engine


def test_where_no_run_can_be_used_each_says_why(tmp_path):
    runs = (
        {**VLLM, "mean_tpot_ms": None}, {**VLLM, "spec_decode_acceptance_length": 2.6},
        {**VLLM, "request_rate": 4.0, "request_throughput": None}, {**VLLM, "mean_tpot_ms": float("nan")},
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        fit_own(load(tmp_path, *runs, lines=True), Named(), lookup(), calibration())
    found = [(problem.path.rpartition(":")[2], problem.field) for problem in caught.value.problems]
    assert found == [("1", "mean_tpot_ms"), ("2", None), ("3", "max_concurrency"), ("4", "mean_tpot_ms")]
    assert all(problem.fix for problem in caught.value.problems)


def test_a_run_that_is_not_used_says_why(tmp_path):
    own = fit_own(load(tmp_path, VLLM, {**VLLM, "mean_tpot_ms": "fast"}, lines=True), Named(), lookup(), calibration())
    (note,) = own.notes
    assert note.startswith("not used: ") and "result.json:2: mean_tpot_ms: is missing, zero or not a number" in note


def test_runs_of_two_configurations_name_what_differs(tmp_path):
    with pytest.raises(InputError, match=r"result.json:2: tp: is 2, and 1 in the first run.*--tp"):
        fit_own(load(tmp_path, VLLM, {**VLLM, "tp": 2, "gpus": 1}, lines=True), Named(accelerators=2), lookup(), calibration())


@pytest.mark.parametrize(("changes", "said"), [
    ({"model_id": "my-llama"}, "unknown open-weight model 'my-llama'.*[^,], or give --model or"),
    ({"total_input_tokens": 1}, "input_tokens must be at least 1"),
])  # fmt: skip
def test_what_the_model_cannot_answer_is_placed(tmp_path, changes, said):
    with pytest.raises(InputError, match=f"result.json: {said}"):
        one_row(tmp_path, **changes)


def test_a_document_cut_off_is_placed_where_it_ends(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(VLLM, indent=1)[:200])
    with pytest.raises(InputError) as caught:
        read_benchmark(path)
    assert caught.value.problems[0].line == path.read_text().count("\n") + 1


def test_a_unit_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"inter_token_latency\.unit: is 'minutes'; write one of ms"):
        load(tmp_path, {**AIPERF, "inter_token_latency": {"unit": "minutes", "avg": 11.0}})


ON_ONE = Point("llama-3.1-8b-instruct", "h100-sxm", 900, 180, accelerators=1, concurrency=16, engine="vllm")


def written(tmp_path, named=None, **changes):
    """(the file, what it says)"""
    rows = load(tmp_path, {**VLLM, **changes})
    path = tmp_path / "fit.yaml"
    path.write_text(own_fit(fit_own(rows, named or Named(), lookup(), calibration()), name="result.json").to_yaml())
    return path, read_own_fit(path)


def asked_of(path, **changes):
    return own_evidence(replace(ON_ONE, **changes), path, lookup(), calibration())


def test_a_fit_says_which_cache_it_measured(tmp_path):
    path, fit = written(tmp_path)
    assert (fit.kv_precision, fit.cached_input_share) == ("bf16", 0.0)
    assert asked_of(path).grade == "A"
    assert written(tmp_path, Named(kv_precision="fp8"))[1].kv_precision == "fp8"
    assert asked_of(path).grade != "A" and asked_of(path, kv_precision="fp8").grade == "A"


@pytest.mark.parametrize("without", ["", "(kv_precision|cached_input_share): .*\n"])
@pytest.mark.parametrize(("question", "said"), [
    ({"kv_precision": "fp8"}, "with the KV cache in bf16, not fp8"),
    ({"cached_input_share": 0.9}, "with 0% of the input in a prefix cache, not 90%"),
])  # fmt: skip
def test_another_cache_is_not_what_was_measured(tmp_path, question, said, without):
    """A file that does not say it was measured with the cache that the engine keeps by itself, and nothing in it."""
    path, fit = written(tmp_path)
    if without:
        path.write_text(re.sub(without, "", path.read_text()))
        assert read_own_fit(path) == replace(fit, kv_precision=None)
    assert asked_of(path).grade == "A"
    other = asked_of(path, **question)
    assert other.grade != "A"
    assert any(said in note and "not its grade" in note for note in other.notes)


def test_the_cache_that_was_measured_earns_its_grade(tmp_path):
    path, _ = written(tmp_path)
    path.write_text(path.read_text().replace("cached_input_share: 0.0", "cached_input_share: 0.88"))
    assert asked_of(path, cached_input_share=0.9).grade == "A"
    assert asked_of(path).grade != "A"


@pytest.mark.parametrize(("line", "said"), [
    ("kv_precision: int3", "unknown KV-cache precision 'int3'"), ("cached_input_share: 1.5", "cached_input_share outside 0 to 1"),
])  # fmt: skip
def test_a_damaged_cache_of_a_fit_is_refused_with_its_file(tmp_path, line, said):
    path, _ = written(tmp_path)
    path.write_text(re.sub(f"{line.split(':')[0]}: .*", line, path.read_text()))
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        read_own_fit(path)
    assert caught.value.problems[0].path == str(path)


def test_drafts_are_not_what_was_measured_even_where_none_is_accepted(tmp_path):
    path, fit = written(tmp_path)
    estimate, said = graded_by(
        fit, replace(asked_of(path), rows_per_step=4.0, grade="D"), model=lookup().model(ON_ONE.model), shape=ON_ONE.shape,
        calibration=calibration(), at_capacity=False, accelerator=lookup().accelerator(ON_ONE.accelerator),
    )  # fmt: skip
    assert estimate.grade == "D"
    assert "was measured without speculative decoding" in said


@pytest.mark.parametrize(("key", "value", "said"), [
    ("model", "nope-x", "unknown open-weight model 'nope-x'"), ("accelerator", "h1000", "unknown accelerator 'h1000'"),
])  # fmt: skip
def test_a_name_that_nobody_knows_is_blamed_on_the_file_that_has_it(tmp_path, capsys, key, value, said):
    path, _ = written(tmp_path)
    path.write_text(re.sub(f"^{key}: .*", f"{key}: {value}", path.read_text(), flags=re.MULTILINE))
    asked = ["estimate", "-m", ON_ONE.model, "-a", ON_ONE.accelerator, "-n", "1", "--input-tokens", "900", "--output-tokens", "180", "-c", "16"]
    assert run([*asked, "--own", str(path)]) == 2
    assert f"{path}: {key}: {said}" in capsys.readouterr().err
