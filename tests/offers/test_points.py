"""estimate --points and accuracy: columns, resolution, errors per row."""

import csv
import gzip
import io
import json
import re
from pathlib import Path

import pytest

import breakeven
from breakeven.cli.main import run
from breakeven.offers.measurements import Measurement, NotComparable, measurements
from breakeven.offers.points_csv import INPUT_COLUMNS, OUTPUT_COLUMNS

HEADER = ",".join(INPUT_COLUMNS)
ROWS = """a,openai/gpt-oss-120b,h200-sxm,1,1,1,1,1,mxfp4,,vllm,1000,1000,64
b,meta-llama/Llama-3.3-70B-Instruct,h100-sxm,,,,,,fp8,,tensorrt-llm,1000,1000,
c,nobody/nothing,h100-sxm,1,,,,,,,,1000,1000,
d,meta-llama/Llama-3.3-70B-Instruct,h100-sxm,4,4,2,1,1,fp8,,vllm,1000,1000,8
e,meta-llama/Llama-3.1-405B-Instruct,h100-sxm,1,,,,,bf16,,vllm,1000,1000,8
f,meta-llama/Llama-3.1-8B-Instruct,h100-sxm,1,,,,,bf16,,vllm,1000,1000,0
g,meta-llama/Llama-3.1-8B-Instruct,h100-sxm,2,1,1,1,2,bf16,,vllm,1000,1000,32
h,deepseek-ai/DeepSeek-R1,h200-sxm,8,1,1,8,8,fp8,,sglang,1000,1000,64
i,meta-llama/Llama-3.1-8B-Instruct,h100-sxm,1,,,,,int3,,vllm,1000,1000,8
"""


def points(tmp_path, text, *more):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(text)
    code = run(["estimate", "--points", str(source), "-o", str(target), *more])
    return code, list(csv.DictReader(io.StringIO(target.read_text()))) if target.exists() else []


def test_rows_are_answered_in_order_and_errors_stay_in_their_row(tmp_path):
    code, rows = points(tmp_path, f"{HEADER}\n{ROWS}", "--evidence", "model")
    assert code == 0
    assert [row["id"] for row in rows] == list("abcdefghi")
    assert list(rows[0]) == [*INPUT_COLUMNS, *OUTPUT_COLUMNS]
    for row in rows:
        figures = [row[name] for name in OUTPUT_COLUMNS if name not in ("error", "grade", "evidence", "limit")]
        if row["id"] in "cdefi":
            assert row["error"] and not any(figures)
        else:
            assert not row["error"] and all(float(figure) > 0 for figure in figures)
            assert row["evidence"] == "calibrated model"
            assert float(row["low_tpot_ms"]) < float(row["tpot_ms"]) < float(row["high_tpot_ms"])
            assert int(row["n_accelerators"]) == int(row["tp"]) * int(row["pp"]) * int(row["dp"])
    by_id = {row["id"]: row for row in rows}
    assert by_id["b"]["n_accelerators"] == "1"
    assert by_id["b"]["kv_precision"] == "fp8"
    row = by_id["a"]
    cycle = float(row["ttft_ms_mean"]) + 999 * float(row["tpot_ms"])
    assert float(row["output_tok_per_s"]) == pytest.approx(64 * 1000 / cycle * 1e3)


def test_a_file_without_its_columns_is_refused(tmp_path):
    assert points(tmp_path, "id,model\na,b\n")[0] == 2
    assert points(tmp_path, f"{HEADER},extra\n")[0] == 2
    assert points(tmp_path, f"{HEADER}\n")[0] == 0


def test_single_questions(capsys):
    base = ["estimate", "-m", "llama-3.1-8b-instruct", "-a", "h100-sxm", "--input-tokens", "1000", "--output-tokens", "200"]
    assert run([*base, "-n", "1", "--concurrency", "8"]) == 0
    assert "TPOT ms" in capsys.readouterr().out
    assert run([*base, "-n", "1", "--tpot-ms", "0.1"]) == 4
    assert run([*base, "--concurrency", "-1"]) == 2
    assert run([*base, "--draft-tokens", "3"]) == 2
    assert run(["estimate", "-m", "llama-3.1-8b-instruct"]) == 2
    assert run(["estimate", "-m", "llama-3.1-405b-instruct", "-a", "l4", "-n", "1", "--input-tokens", "10",
                "--output-tokens", "10"]) == 4


def row(**changes):
    base = {
        "id": "x", "family": "inferencex", "framework": "vllm", "model": "openai/gpt-oss-120b", "gpu": "h200-sxm",
        "weight_precision": "mxfp4", "n_gpus": "8", "tp": "8", "scenario": "fixed concurrency", "input_tokens": "1024",
        "output_tokens": "1024", "concurrency_or_batch": "16", "tpot_ms": "4.6",
    }  # fmt: skip
    return {**base, **changes}


def only(table_row):
    (found,) = measurements([table_row])
    return found


def test_measurement_rows_become_questions():
    found = only(row())
    assert isinstance(found, Measurement)
    assert found.point.input_tokens == pytest.approx(921.6)  # InferenceX draws 0.8 to 1.0 of nominal
    assert (found.metric, found.measured, found.point.concurrency) == ("tpot", 4.6, 16)
    same = only(row(family="other", tpot_ms="", output_tok_s_total="500", scenario="offline/max-throughput"))
    assert (same.metric, same.point.concurrency, same.point.input_tokens) == ("throughput", None, 1024)


def test_attention_data_parallel_rows_that_count_tp_twice():
    found = only(row(ep="8", dp="8"))
    assert (found.point.tp, found.point.dp, found.point.ep) == (1, 8, 8)


@pytest.mark.parametrize("changes", [
    {"disagg": "yes"}, {"prefix_cache_or_spec_decode": "spec_decode=mtp"}, {"batching": "static"},
    {"framework": "llama.cpp"}, {"input_tokens": ""}, {"tpot_ms": ""}, {"scenario": "server (Poisson, SLA met)"},
    {"concurrency_or_batch": ""}, {"weight_precision": "gguf-q4_k_m"},
])  # fmt: skip
def test_rows_that_cannot_be_compared_say_why(changes):
    found = only(row(**changes))
    assert isinstance(found, NotComparable)
    assert found.reason


def test_accuracy_reports_by_slice(tmp_path, capsys):
    table = tmp_path / "m.csv"
    rows = [row(id=str(c), concurrency_or_batch=str(c)) for c in (4, 8, 16)]
    rows.append(row(id="big", model="meta-llama/Llama-3.1-405B-Instruct", n_gpus="1", tp="1", weight_precision="bf16"))
    with table.open("w") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run(["accuracy", str(table)]) == 0
    out = capsys.readouterr().out
    assert "3 rows compared, 1 refused although measured" in out
    assert "h200-sxm" in out


@pytest.mark.parametrize(("degrees", "read"), [
    ({"tp": "4", "n_gpus": "8"}, (4, 2)),  # two copies
    ({"tp": "1", "n_gpus": "8"}, (8, 1)),  # a table without the column
    ({"tp": "8", "n_gpus": "8"}, (8, 1)),
])  # fmt: skip
def test_degrees_that_do_not_say_what_all_accelerators_do(degrees, read):
    found = only(row(ep="1", dp="1", **degrees))
    assert (found.point.tp, found.point.dp) == read


def test_degrees_that_no_layout_has_are_not_another_layout():
    found = only(row(tp="3", ep="1", dp="1", n_gpus="4"))
    assert isinstance(found, NotComparable)
    assert "tp x pp x dp = 3 x 1 x 1 is not the 4 accelerators" in found.reason


def test_accuracy_says_how_many_rows_the_fit_has_seen(tmp_path, capsys):
    packaged = Path(breakeven.__file__).parent / "catalog" / "data" / "calibration" / "measurements.csv.gz"
    known = list(csv.DictReader(io.StringIO(gzip.decompress(packaged.read_bytes()).decode())))
    known = [r for r in known if r["tpot_ms"] and "InferenceX" in r["source_name"]][:5]
    new = [dict(r, id=f"new {r['id']}", tpot_ms=str(float(r["tpot_ms"]) * 1.01)) for r in known[:2]]
    table = tmp_path / "m.csv"
    with table.open("w") as stream:
        writer = csv.DictWriter(stream, list(known[0]))
        writer.writeheader()
        writer.writerows([*known, *new])
    assert run(["accuracy", str(table), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["compared"], document["compared_in_calibration_table"]) == (7, 5)
    assert run(["accuracy", str(table)]) == 0
    assert "5 of those compared are in the table" in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_expert_parallelism_of_a_dense_model_is_said_to_be_ignored(capsys):
    asked = ["estimate", "-m", "llama-3.1-70b-instruct", "-a", "h100-sxm", "-n", "4", "--input-tokens", "1000", "--output-tokens", "200"]
    assert run([*asked, "--ep", "4"]) == 0
    assert "ep = 4 says nothing of a dense model" in capsys.readouterr().out


FRONTIER = [
    "estimate", "-m", "llama-3.1-8b-instruct", "-a", "h100-sxm", "--input-tokens", "1000", "--output-tokens", "200",
    "--frontier",
]  # fmt: skip


def test_the_frontier_trades_cost_for_speed_and_holds_its_targets(capsys):
    assert run([*FRONTIER, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["estimates"]
    costs = [row["usd_per_mtok"] for row in rows]
    times = [row["tpot_ms"]["typical"] for row in rows]
    assert costs == sorted(costs) and times == sorted(times, reverse=True)
    assert len(rows) > 5 and {row["n_accelerators"] for row in rows} > {1}
    assert {row["weight_precision"] for row in rows} == {"fp8"}  # never dearer and never slower than 16 bit here
    assert any("check the quality" in note for note in rows[0]["notes"])
    assert run([*FRONTIER, "--precision", "bf16", "--tpot-ms", "8", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["estimates"]
    assert {row["weight_precision"] for row in rows} == {"bf16"}
    assert max(row["tpot_ms"]["typical"] for row in rows) <= 8
    assert run(FRONTIER) == 0
    assert "user tok/s" in capsys.readouterr().out


def test_a_row_of_the_frontier_keeps_its_grade_in_a_terminal(monkeypatch, capsys):
    """The grades were a second table of 'n' and 'grade', with the same n in many rows."""
    asked = ["estimate", "-m", "openai/gpt-oss-120b", "-a", "h100-sxm", "--input-tokens", "2k", "--output-tokens", "500", "--frontier"]

    def rows(columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert run(asked) == 0
        text = capsys.readouterr().out
        assert "every row has mxfp4 weights" in text
        assert max(map(len, text.splitlines())) <= columns
        return [re.split(r" {2,}", line.strip()) for line in text.splitlines() if re.match(r" *\d+ {2,}", line)]

    whole = rows(80)
    assert {len(row) for row in whole} == {8} and {row[-1] for row in whole} <= set("ABCD")
    above, below = (halves := rows(60))[:len(whole)], halves[len(whole):]
    assert [a + b[3:] for a, b in zip(above, below, strict=True)] == whole
    keys = [tuple(row[:3]) for row in below]
    assert keys == [tuple(row[:3]) for row in above] and len(set(keys)) == len(keys)


def test_a_frontier_is_of_one_accelerator_over_all_loads():
    assert run([*FRONTIER, "--concurrency", "4"]) == 2
    assert run([*FRONTIER[:3], "-a", "all", *FRONTIER[5:]]) == 2
    assert run([*FRONTIER, "--tpot-ms", "0.01"]) == 4


def frontier(capsys, *more):
    assert run([*FRONTIER, *more, "-f", "json"]) == 0
    return json.loads(capsys.readouterr().out)["estimates"]


@pytest.mark.parametrize("degrees", [{"pp": 3}, {"pp": 2}, {"dp": 2}, {"tp": 2, "dp": 2}, {"tp": 2, "pp": 3}])
def test_a_frontier_of_given_degrees_has_them(degrees, capsys):
    """Only 1, 2, 4 and 8 accelerators were tried, without copies: --pp 3 answered alone and exited with 4 here."""
    rows = frontier(capsys, *(f"--{name}={value}" for name, value in degrees.items()))
    assert all(row | degrees == row for row in rows)
    product = degrees.get("tp", 1) * degrees.get("pp", 1) * degrees.get("dp", 1)
    assert product in {row["n_accelerators"] for row in rows}


def test_a_frontier_of_a_given_count_has_its_copies(capsys):
    assert max(row["dp"] for row in frontier(capsys, "-n", "4")) == 4
    assert max(row["dp"] for row in frontier(capsys)) == 1  # those of one accelerator are its own rows


@pytest.mark.parametrize(("degrees", "reason"), [
    (["--tp", "3"], "32 attention heads of llama-3.1-8b-instruct do not divide by tp = 3"), (["-n", "4", "--tp", "3"], "does not divide the 4 accelerators"),
])  # fmt: skip
def test_degrees_that_no_engine_runs_are_no_infeasibility(degrees, reason, capsys):
    for way in ([], ["--frontier"]):
        assert run([*FRONTIER[:-1], *degrees, *way]) == 2
        assert reason in capsys.readouterr().err


@pytest.mark.parametrize("way", [[], ["--frontier"]])
def test_experts_spread_over_as_many_accelerators_as_asked(way, capsys):
    asked = ["estimate", "-m", "openai/gpt-oss-120b", "-a", "h100-sxm", "--input-tokens", "1000", "--output-tokens", "200", "--ep", "8"]
    assert run([*asked, *way, "-f", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["estimates"]
    assert {(row["n_accelerators"], row["ep"]) for row in rows} == {(8, 8)}


def test_a_frontier_is_of_the_model_alone_and_says_so_when_more_is_asked_for(capsys):
    assert run([*FRONTIER, "--evidence", "best"]) == 2
    assert "error: --evidence: compares loads by the calibrated model alone; leave --evidence out, or write model" in capsys.readouterr().err
    assert frontier(capsys) == frontier(capsys, "--evidence", "model")


def scored(tmp_path, capsys, text):
    table = tmp_path / "m.csv"
    table.write_text(text)
    code = run(["accuracy", str(table)])
    return code, capsys.readouterr().err


def test_a_table_of_other_columns_says_which_are_read(tmp_path, capsys):
    code, said = scored(tmp_path, capsys, "model,gpu,n_gpus,input_tokens,output_tokens,concurrency,output_tok_per_s\nopenai/gpt-oss-120b,h100-sxm,1,1000,1000,8,900\n")
    assert code == 2
    assert "lacks a measurement; give a column tpot_ms or output_tok_s_total" in said
    assert "the column 'concurrency' is not read; did you mean 'concurrency_or_batch'?" in said
    assert "the column 'output_tok_per_s' is not read; did you mean 'output_tok_s_total'?" in said
    code, said = scored(tmp_path, capsys, "model,tpot_ms\nx,1\n")
    assert code == 2
    assert "lacks the columns gpu, n_gpus, input_tokens, output_tokens; needs model, gpu, n_gpus, input_tokens, output_tokens and tpot_ms or output_tok_s_total" in said


def test_a_table_of_which_nothing_can_be_compared_is_no_score(tmp_path, capsys):
    code, said = scored(tmp_path, capsys, "model,gpu,n_gpus,input_tokens,output_tokens,concurrency_or_batch,tpot_ms\nno/body,h100-sxm,1,1000,1000,8,9\nno/body,h100-sxm,,1,1,8,9\n")
    assert code == 2
    assert "no row can be compared" in said


def test_the_rent_of_an_estimate_is_the_median_that_profiles_use(capsys):
    """$3.85, of 25 quotes: the same market in both answers."""
    assert run(["estimate", "-m", "openai/gpt-oss-120b", "-a", "h100-sxm", "-n", "1", "--input-tokens", "1k", "--output-tokens", "1k", "-f", "json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["estimates"]
    assert one["rent"]["usd_per_gpu_hour"] == 3.85
    assert one["rent"]["quotes"] == len(one["rent"]["sources"]) == 25
    assert one["rent"]["as_of"] == "2026-11-24"
    per_hour = one["total_tok_per_s"] * 3600 / 1e6
    assert one["usd_per_mtok"] == pytest.approx(3.85 / per_hour)


@pytest.mark.parametrize("way", [[], ["-c", "1"], ["--ttft-ms", "90000"], ["--frontier"], ["-a", "all"]])
def test_a_request_beyond_the_context_is_no_answer(way, capsys):
    """The engine turns it away, however much memory there is: exit 4 and the reason, whatever was asked of it."""
    asked = ["-m", "meta-llama/Llama-3.3-70B-Instruct", "-a", "h100-sxm", "--input-tokens", "300k", "--output-tokens", "500"]
    assert run(["estimate", *asked, *way]) == 4
    assert "reads at most 131,072 tokens, and a request has 300,500 (in and out)" in capsys.readouterr().err


def test_a_row_beyond_the_context_has_the_reason_and_no_figures(tmp_path):
    row = "x,meta-llama/Llama-3.3-70B-Instruct,h100-sxm,8,,,,,,,vllm,{},1000,8"
    _, rows = points(tmp_path, f"{HEADER}\n{row.format(300000)}\n{row.format(130072)}\n")
    assert "reads at most 131,072 tokens" in rows[0]["error"] and not rows[0]["tpot_ms"] and not rows[0]["grade"]
    assert not rows[1]["error"] and float(rows[1]["tpot_ms"]) > 0


def test_a_frontier_leaves_out_what_does_not_fit_and_keeps_the_rest(capsys):
    asked = ["-m", "meta-llama/Llama-3.3-70B-Instruct", "-a", "h100-sxm", "--input-tokens", "100k", "--output-tokens", "500"]
    assert run(["estimate", *asked, "--frontier"]) == 0
    assert {line[0] for line in capsys.readouterr().out.splitlines() if line[:1].isdigit()} <= set("248")


LLAMA = ["estimate", "-m", "meta-llama/Llama-3.3-70B-Instruct", "-a", "h100-sxm", "-n", "2", "--input-tokens", "3k", "--output-tokens", "500"]


def said(capsys, *more):
    assert run([*LLAMA, *more]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_requests_in_flight_are_said_beside_what_the_instance_holds(capsys):
    """An instance holds a mean of requests, with tenths: never '2.4 of 2'."""
    found = re.search(r"concurrency 200 in flight: the instance holds (\d+) at once, the other (\d+) wait", said(capsys, "-c", "200"))
    assert found is not None and int(found[1]) + int(found[2]) == 200
    assert f"concurrency 4.0 in flight, of {found[1]} that the instance holds at once" in said(capsys, "-c", "4")
    assert f"concurrency {found[1]} in flight, all that the instance holds at once" in said(capsys)
    assert " in flight, all that the instance holds at once" in said(capsys, "--input-tokens", "8k")


def test_a_simulation_stands_beside_the_formula_and_says_which_holds(capsys):
    """Targets: both of random arrivals. A fixed concurrency: two kinds of load, hence two times to first token."""
    open_loop = said(capsys, "--tpot-ms", "40", "--simulate")
    assert re.search(r"simulated 450 requests: TPOT [\d.]+ ms, by the formula [\d.]+; TTFT mean [\d,]+ ms, by the formula [\d,]+;", open_loop)
    assert "take the simulated times where they differ" in open_loop
    closed = said(capsys, "-c", "8", "--simulate")
    assert "the formula's TTFT holds for a closed loop" in closed and "set --ttft-ms" in closed


def test_what_is_simulated_is_held_against_the_model_alone(capsys):
    """A published measurement corrects the answer; the queue is of the model's own steps, and so is what it is compared with."""
    asked = ["estimate", "-m", "openai/gpt-oss-120b", "-a", "h100-sxm", "-n", "4", "--tp", "4", "--input-tokens", "922", "--output-tokens", "922", "-c", "64", "--simulate", "-f", "json"]
    figures = []
    for evidence in ("best", "model"):
        assert run([*asked, "--evidence", evidence]) == 0
        figures += json.loads(capsys.readouterr().out)["estimates"]
    best, alone = figures
    assert best["grade"] == "B" and alone["grade"] in "CD"
    last = best["extras"].pop("simulation_note")
    assert last == alone["extras"].pop("simulation_note") + ". Neither counts the measurement that the answer above rests on"
    assert best["extras"] == alone["extras"]
    assert alone["extras"]["formula_ttft_ms_mean"] == alone["ttft_ms"]["mean"]


def test_within_a_time_per_token_only_the_cost_ranks(capsys):
    """All rows run as loaded as the target lets them: which is a hair faster is no frontier."""
    every = [*LLAMA[:4], "all", *LLAMA[7:], "-f", "json"]
    assert run([*every, "--tpot-ms", "40"]) == 0
    rows = json.loads(capsys.readouterr().out)["estimates"]
    assert not any(row["on_frontier"] for row in rows)
    assert run(every) == 0
    assert any(row["on_frontier"] for row in json.loads(capsys.readouterr().out)["estimates"])
    assert run([*every[:-2], "--tpot-ms", "40"]) == 0
    assert "*" not in capsys.readouterr().out


def test_an_accelerator_with_old_quotes_alone_says_so(capsys):
    assert run(["estimate", "-m", "llama-3.1-8b-instruct", "-a", "tpu-v6e", "--input-tokens", "1k", "--output-tokens", "500"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "rent not known: the only on-demand quote of tpu-v6e on file is gcp's of 2024-12-23, older than the 300 days" in text


@pytest.mark.parametrize("command", [
    LLAMA, [*LLAMA, "--tpot-ms", "40", "--simulate"], [*LLAMA, "-c", "8", "--simulate"], [*LLAMA[:5], *LLAMA[7:], "--frontier"],
    [*LLAMA[:4], "all", *LLAMA[7:]], ["accuracy", "{table}"],
    ["portfolio", "configs/rag.yaml", "configs/support-chat.yaml", "configs/classification.yaml"],
])  # fmt: skip
def test_no_line_is_wider_than_the_terminal(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    packaged = Path(breakeven.__file__).parent / "catalog" / "data" / "calibration" / "measurements.csv.gz"
    lines = gzip.decompress(packaged.read_bytes()).decode().splitlines(keepends=True)
    table = tmp_path / "m.csv"
    table.write_text("".join(lines[:1] + lines[1::20]))
    assert run([part.format(table=table) for part in command]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    assert len(out.splitlines()) > 9


@pytest.mark.parametrize("degree", ["--tp", "--pp", "--ep", "--dp", "-n"])
@pytest.mark.parametrize("value", ["0", "-2"])
def test_a_degree_below_one_is_refused_and_does_not_hang(degree, value, capsys):
    assert run([*LLAMA[:5], *LLAMA[7:], degree, value]) == 2
    assert f"must be at least 1, not {value}" in capsys.readouterr().err


def test_a_row_with_a_negative_degree_keeps_to_its_row(tmp_path):
    rows = "a,openai/gpt-oss-120b,h100-sxm,,-2,,,,,,,1000,1000,8\nb,openai/gpt-oss-120b,h100-sxm,,,,,,,,,1000,1000,8\n"
    _, (bad, good) = points(tmp_path, f"{HEADER}\n{rows}")
    assert bad["error"] == "tp must be at least 1, not -2" and not good["error"]


@pytest.mark.parametrize(("more", "option"), [
    (["-a", "all", "--tp", "2"], "--tp"), (["-a", "all", "--simulate"], "--simulate"), (["-a", "all", "--own", "x.yaml"], "--own"),
    (["-a", "all", "--prefill-accelerators", "1"], "--prefill-accelerators"), (["--frontier", "--simulate"], "--simulate"),
    (["--frontier", "--max-throughput"], "--frontier"), (["--percentile", "99"], "--percentile"), (["--burstiness", "4"], "--burstiness"),
    (["--frontier", "--tpot-ms", "40", "--burstiness", "4"], "--burstiness"),
    (["--own", "x.yaml", "--evidence", "model"], "--evidence"),
    (["--simulate", "--draft-tokens", "3", "--acceptance", "0.7"], "--simulate"),
])  # fmt: skip
def test_an_option_that_would_go_unheeded_is_refused(more, option, capsys):
    """-a all answered with its own layouts whatever --tp said."""
    assert run([*LLAMA[:5], *LLAMA[7:], *more]) == 2
    assert f"error: {option}: " in capsys.readouterr().err


def test_a_question_beside_a_table_of_questions_is_refused(tmp_path, capsys):
    source = tmp_path / "in.csv"
    source.write_text(f"{HEADER}\n{ROWS}")
    assert run(["estimate", "--points", str(source), "-m", "x", "--tp", "2"]) == 2
    said = capsys.readouterr().err
    assert "error: --model: is not of a table of questions" in said and "error: --tp: is not of a table" in said
    assert run(["estimate", "--points", str(source), "--format", "json"]) == 2
    assert run(["estimate", "--points", str(source), "--evidence", "model", "--as-of", "2026-11-23"]) == 0


TABLE = "model,gpu,n_gpus,input_tokens,output_tokens,concurrency_or_batch,tpot_ms,set\n"


@pytest.mark.parametrize(("row", "reason"), [
    ("openai/gpt-oss-120b,h100-sxm,1,1000,1000,8,abc,x", "tpot_ms 'abc' is not a number above zero"),
    ("openai/gpt-oss-120b,h100-sxm,1,1000,1000,8,-3,x", "tpot_ms '-3' is not a number above zero"),
    ("openai/gpt-oss-120b,h100-sxm,1.5,1000,1000,8,9,x", "n_gpus '1.5' is not a whole number above zero"),
    ("openai/gpt-oss-120b,h100-sxm,1,?,1000,8,9,x", "input_tokens '?' is not a number above zero"),
    ("openai/gpt-oss-120b,h100-sxm,1,1000,1000,8,,x", "neither TPOT nor output throughput was measured"),
    ("openai/gpt-oss-120b,h100-sxm,1,1,000,1000,8,9,x", ":2: has more cells than columns; quote a cell that holds a comma"),
])  # fmt: skip
def test_a_cell_that_is_no_figure_is_named(tmp_path, capsys, row, reason):
    code, said = scored(tmp_path, capsys, TABLE + row + "\n")
    assert code == 2 and reason in said


@pytest.mark.parametrize(("changes", "reason"), [
    ({"concurrency_or_batch": "64 users"}, "concurrency_or_batch '64 users' is not a number above zero"),
    ({"concurrency_or_batch": "-64"}, "concurrency_or_batch '-64' is not a number above zero"),
    ({"concurrency_or_batch": "64 users", "scenario": "fixed concurrency"}, "concurrency_or_batch '64 users' is not a number above zero"),
    ({"tp": "two"}, "tp 'two' is not a whole number above zero"), ({"tp": "1.5"}, "tp '1.5' is not a whole number above zero"),
    ({"pp": "-1"}, "pp '-1' is not a whole number above zero"), ({"ep": "yes"}, "ep 'yes' is not a whole number above zero"),
    ({"dp": "0"}, "dp '0' is not a whole number above zero"),
    ({"concurrency_or_batch": "", "output_tok_s_total": ""}, "a TPOT needs the concurrency that it was measured at: concurrency_or_batch is blank"),
    ({"scenario": "offline/max-throughput", "output_tok_s_total": ""}, "a TPOT needs the concurrency that it was measured at: the scenario is a maximum throughput"),
    ({"scenario": "offline batch (50 requests)", "output_tok_s_total": ""}, "a batch handed over at once is compared by its output throughput, which is not given"),
])  # fmt: skip
def test_a_cell_that_is_not_read_is_not_a_blank_one(changes, reason):
    """'64 users' was compared with the best throughput, and tp 'two' with the best layout."""
    found = only(row(**({"scenario": "", "output_tok_s_total": "900"} | changes)))
    assert isinstance(found, NotComparable) and found.reason == reason


def test_a_cell_that_the_question_does_not_use_is_left_alone():
    found = only(row(scenario="offline/max-throughput", concurrency_or_batch="all at once", output_tok_s_total="900"))
    assert isinstance(found, Measurement) and found.point.concurrency is None


def test_a_set_that_the_table_lacks_is_named_with_those_it_has(tmp_path, capsys):
    table = tmp_path / "m.csv"
    table.write_text(TABLE + "openai/gpt-oss-120b,h100-sxm,1,1000,1000,8,9,train\n")
    assert run(["accuracy", str(table), "--set", "test"]) == 2
    assert "error: --set: no row is of test; the column 'set' has train" in capsys.readouterr().err
    assert run(["accuracy", str(table), "--set", "train", "--set", "zz"]) == 2
    assert "error: --set: no row is of zz; the column 'set' has train" in capsys.readouterr().err


@pytest.mark.parametrize("command", [LLAMA, ["accuracy", "{table}"], ["catalog", "diff", "packaged", "packaged"], ["catalog", "list"], ["catalog", "show", "h100"]])
def test_the_suffix_of_the_output_is_its_format(command, tmp_path, capsys):
    """A table in result.json helps nobody."""
    table, out = tmp_path / "m.csv", tmp_path / "out.json"
    table.write_text(TABLE + "openai/gpt-oss-120b,h100-sxm,1,1000,1000,8,9,train\n")
    assert run([*(part.format(table=table) for part in command), "-o", str(out)]) == 0
    assert json.loads(out.read_text())["schema_version"] == 1
