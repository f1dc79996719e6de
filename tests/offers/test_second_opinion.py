"""A second opinion never fails an estimate, writes nothing of its own, outlives nothing and reaches nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import Point, answer
from breakeven.offers.second_opinion import Unanswered, names, opinion
from breakeven.offers.second_opinion.opinion import Asked, arguments, second_opinion
from breakeven.offers.second_opinion.process import _short, ask_child
from breakeven.offers.serving_specs import load_calibration
from breakeven.serving.spec import Shape

LOOKUP, CALIBRATION = ServingLookup(Catalogue.load()), load_calibration()
ESTIMATE = [
    "estimate", "-m", "qwen3-32b", "-a", "h200-sxm", "--tp", "2", "--input-tokens", "2k", "--output-tokens", "500", "-c", "64",
    "--engine", "vllm", "--precision", "fp8", "--evidence", "model",
]  # fmt: skip
ASKED = [*ESTIMATE, "--second-opinion", "aiconfigurator"]
# Stands in for the library: writes down what it was asked, and answers by what the test puts in the place of BODY.
LIBRARY = """
import json, os, subprocess, sys, time
from types import SimpleNamespace

def cli_estimate(**question):
    with open({seen!r}, "w") as seen:
        json.dump({{"question": question, "offline": os.environ.get("HF_HUB_OFFLINE"), "token": os.environ.get("HF_TOKEN")}}, seen)
{body}
"""
GOOD = """
    return SimpleNamespace(tpot=20.0, raw={"seq/s": 5.0, "ttft": 1e9}, backend_version="0.24.0", kv_cache_warning=None)
"""


class Library:
    """A package of that name in front of any real one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder / "library", folder / "seen.json"
        (self.folder / "aiconfigurator" / "cli").mkdir(parents=True)
        (self.folder / "aiconfigurator" / "cli" / "__init__.py").touch()
        self.says(GOOD)

    def says(self, body: str, *, version: str = "0.12.0") -> None:
        (self.folder / "aiconfigurator" / "__init__.py").write_text(f"__version__ = {version!r}\n")
        (self.folder / "aiconfigurator" / "cli" / "api.py").write_text(LIBRARY.format(seen=str(self.seen), body=body))

    def heard(self) -> dict:
        return json.loads(self.seen.read_text())


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    stand_in = Library(tmp_path)
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", str(stand_in.folder) + (os.pathsep + before if before else ""))
    monkeypatch.syspath_prepend(str(stand_in.folder))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return stand_in


def asked(*, concurrency: float | None = 64.0, shape: Shape | None = None, **point: object) -> Asked:
    shape = shape or Shape(2000.0, 500.0)
    given = {"model": "qwen3-32b", "accelerator": "h200-sxm", "engine": "vllm", "weight_precision": "fp8"} | point
    question = Point(
        input_tokens=shape.input_tokens, output_tokens=shape.output_tokens, concurrency=concurrency,
        cached_input_share=shape.cached_input_share, **given,  # type: ignore[arg-type]
    )  # fmt: skip
    model = LOOKUP.model(question.model)
    return opinion.asked(model, question.accelerator, answer(question, LOOKUP, CALIBRATION), shape, budget_tokens=8192.0)


def estimates(capsys: pytest.CaptureFixture[str], *command: str) -> dict:
    assert run([*command, "-f", "json"]) == 0
    return json.loads(capsys.readouterr().out)["estimates"][0]


def test_its_figures_stand_beside_ours(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    alone, found = estimates(capsys, *ESTIMATE), estimates(capsys, *ASKED)
    other = found.pop("second_opinion")
    assert alone.pop("second_opinion") is None
    assert found == alone
    tpot, output = alone["tpot_ms"], alone["output_tok_per_s"]
    assert other == {
        "by": "aiconfigurator", "reason": None, "version": "0.12.0", "backend": "vllm", "backend_version": "0.24.0",
        "system": "h200_sxm", "model": "Qwen/Qwen3-32B-FP8", "batch_size": 64, "batches": 1,
        "tpot_ms": 20.0, "tpot_ratio": 20.0 / tpot["typical"], "tpot_in_band": tpot["low"] <= 20.0 <= tpot["high"],
        "output_tok_per_s": 2500.0, "output_tok_per_s_per_accelerator": 1250.0,
        "output_tok_per_s_ratio": 2500.0 / output["typical"],
        "output_tok_per_s_in_band": output["low"] <= 2500.0 <= output["high"], "caveat": None,
    }  # fmt: skip
    question = library.heard()["question"]
    assert (question["isl"], question["osl"], question["batch_size"], question["tp_size"]) == (2000, 500, 64, 2)
    assert question["kvcache_quant_mode"] == "fp8" and "gemm_quant_mode" not in question


def test_the_sheet_says_it_within_80_columns(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    library.says(GOOD.replace("kv_cache_warning=None", "kv_cache_warning='too many'"))
    assert run(ASKED) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    start = next(at for at, line in enumerate(lines) if line.startswith("second opinion"))
    # The ratios are those of our typical figures, whatever the calibration makes them.
    estimate = asked(tp=2, accelerators=2).estimate
    assert lines[start : start + 5] == [
        "second opinion  aiconfigurator 0.12.0, vllm 0.24.0 on h200_sxm, at a batch of",
        "                64; by its account of memory the cache does not hold this batch",
        f"its tok/s       output 2,500 (1,250 per accelerator), {2500 / estimate.output_tok_per_s.typical:.2f} of ours: "
        f"{'inside' if estimate.output_tok_per_s.low <= 2500 <= estimate.output_tok_per_s.high else 'outside'} our",
        "                band",
        f"its TPOT ms     20.00, {20 / estimate.tpot_ms.typical:.2f} of ours: "
        f"{'inside' if estimate.tpot_ms.low <= 20 <= estimate.tpot_ms.high else 'outside'} our band",
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    raise ValueError('no data.  For\\nthis at all')", "no data"),
        ("    raise ValueError('word ' * 100)", "word " * 32 + "..."),
        ("    raise KeyError", "KeyError"),
        ("    sys.exit('done')", "done"),
        ("    os._exit(3)", "it ended without an answer"),
        ("    os.write(1, b'\\nbreakeven-second-opinion:{oh'); os._exit(0)", "its answer is not JSON"),
        ("    os.write(1, b'\\nbreakeven-second-opinion:[]'); os._exit(0)", "its answer is not an object"),
        (GOOD.replace("20.0", "float('nan')"), "its tpot_ms is nan"),
        (GOOD.replace('"seq/s": 5.0', '"seq/s": 0'), "its requests_per_s is 0.0"),
        (GOOD.replace('"seq/s"', '"other"'), "'seq/s'"),
    ],
)
def test_whatever_goes_wrong_is_a_reason(library: Library, capsys: pytest.CaptureFixture[str], body: str, reason: str) -> None:
    library.says(body)
    other = estimates(capsys, *ASKED)["second_opinion"]
    assert other.pop("reason") == reason
    assert {name for name, value in other.items() if value is not None} == {"by"}
    assert not list(Path(tempfile.gettempdir()).iterdir())
    assert run(ASKED) == 0
    printed = capsys.readouterr()
    assert "second opinion  none from aiconfigurator: " + reason.split()[0] in printed.out
    assert not printed.err


def test_another_release_is_not_read(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    library.says(GOOD, version="0.13.1")
    assert "0.13.1" in estimates(capsys, *ASKED)["second_opinion"]["reason"]
    assert not library.seen.exists()


def test_noise_on_both_streams_is_heard_by_nobody(library: Library, capfd: pytest.CaptureFixture[str]) -> None:
    library.says("    print('noise', end=''); os.write(1, b'noise' * 100_000); os.write(2, b'noise')\n" + GOOD)
    assert run(ASKED) == 0
    printed = capfd.readouterr()
    assert "output 2,500" in printed.out
    assert "noise" not in printed.out + printed.err


def runs(pid: int) -> bool:
    """Whether a process still does anything: one that ended and was not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_a_hang_ends_at_the_limit_with_all_that_it_started(library: Library, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    sleep = "import time; time.sleep(60)"
    library.says(
        f"    child = subprocess.Popen([sys.executable, '-c', {sleep!r}])\n"
        f"    open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n    time.sleep(60)"
    )
    begun = time.monotonic()
    other = second_opinion(asked(), timeout_s=3.0)
    assert other.reason == "it had not answered after 3 s"
    assert time.monotonic() - begun < 20.0
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    deadline = time.monotonic() + 5.0
    while any(map(runs, started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, started))
    assert not list(Path(tempfile.gettempdir()).iterdir())


def test_it_reaches_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # so that a refusal below is ours
            server.accept()[0].close()
        library.says(f"    import socket; socket.create_connection(('127.0.0.1', {port}))\n" + GOOD)
        assert second_opinion(asked()).reason == "a second opinion uses no network"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    heard = library.heard()
    assert heard["offline"] == "1" and heard["token"] is None


def test_neither_the_working_directory_nor_our_files_stand_in_for_a_library(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong file')")
    monkeypatch.chdir(tmp_path)
    library.says("    import names\n" + GOOD)  # names.py lies beside the script that runs
    assert second_opinion(asked()).reason == "No module named 'names'"


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(opinion, "find_spec", lambda _name: None)
    assert run(ASKED) == 2
    assert capsys.readouterr().err == "error: --second-opinion: needs aiconfigurator; pip install 'breakeven[aic]'\n"
    monkeypatch.setattr(opinion, "_OLDEST_TOO_NEW", sys.version_info[:2])
    assert run(ASKED) == 2
    assert "Python 3.11 to 3.13" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--second-opinion", "vidur"], "unknown estimator 'vidur'; write aiconfigurator"),
        (["-a", "all", "--tp", "1"], "--second-opinion: is of one accelerator"),
        (["--points", "questions.csv"], "--second-opinion: is not of a table of questions"),
    ],
)
def test_what_it_cannot_be_asked_beside(library: Library, capsys: pytest.CaptureFixture[str], more: list[str], said: str) -> None:
    assert run([*ASKED, *more]) == 2
    assert said in capsys.readouterr().err


def test_what_is_infeasible_stays_so_and_is_not_asked(library: Library) -> None:
    assert run([*ASKED, "-m", "llama-3.1-405b-instruct", "--tp", "1", "-n", "1", "--precision", "bf16"]) == 4
    assert not library.seen.exists()


def test_speculation_has_no_counterpart(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    other = estimates(capsys, *ASKED, "--draft-tokens", "3", "--acceptance", "0.7")["second_opinion"]
    assert "speculative" in other["reason"]
    assert not library.seen.exists()


def test_a_config_json_is_handed_over_as_a_directory(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 131072,
    }  # fmt: skip
    (tmp_path / "own-model.json").write_text(json.dumps(config))
    library.says("    assert json.load(open(question['model_path'] + '/config.json'))['num_hidden_layers'] == 32\n" + GOOD)
    other = estimates(capsys, *ASKED, "-m", str(tmp_path / "own-model.json"))["second_opinion"]
    assert (other["reason"], other["model"]) == (None, "own-model")
    assert library.heard()["question"]["gemm_quant_mode"] == "fp8"


def test_copies_are_asked_one_at_a_time(library: Library) -> None:
    question = asked(tp=1, pp=1, dp=2, accelerators=2)
    call = arguments(question)
    assert (call["batch_size"], call["tp_size"], call["attention_dp_size"]) == (32, 1, 1)
    other = second_opinion(question)
    assert (other.batch_size, other.batches) == (32, 2)
    assert other.output_tok_per_s == 2 * 2500.0 and other.output_tok_per_s_per_accelerator == 2500.0


def test_ranks_stages_and_experts_are_spread_as_ours_are() -> None:
    spread = {"model": "deepseek-v3", "tp": 1, "pp": 1, "ep": 8, "dp": 8, "accelerators": 8}
    call = arguments(asked(**spread))
    assert call["model_path"] == "deepseek-ai/DeepSeek-V3"
    assert (call["batch_size"], call["tp_size"], call["attention_dp_size"]) == (8, 1, 8)
    assert (call["moe_tp_size"], call["moe_ep_size"]) == (1, 8)
    call = arguments(asked(model="llama-3.1-70b-instruct", tp=2, pp=2, accelerators=4))
    assert (call["batch_size"], call["tp_size"], call["pp_size"]) == (32, 2, 2) and "moe_tp_size" not in call
    with pytest.raises(Unanswered, match=r"whole sequences, and 4 in flight over 8 ranks"):
        arguments(asked(**spread, concurrency=4.0))


def test_a_step_holds_the_prompts_that_ours_does() -> None:
    def budget(concurrency: float, shape: Shape) -> int:
        return arguments(asked(concurrency=concurrency, shape=shape, tp=2, accelerators=2))["ctx_tokens"]

    assert budget(64.0, Shape(128.0, 128.0)) == 63 * 128  # one sequence decodes
    assert budget(100.0, Shape(128.0, 128.0)) == 8192
    assert budget(8.0, Shape(20000.0, 100.0)) == 8192
    assert budget(1.0, Shape(20000.0, 100.0)) == 20000


def test_best_throughput_is_asked_at_the_batch_that_ours_holds() -> None:
    question = asked(concurrency=None, tp=2, accelerators=2)
    held = min(question.estimate.concurrency, question.estimate.max_concurrency)
    assert arguments(question)["batch_size"] == round(held) > 100
    waiting = replace(question, estimate=replace(question.estimate, concurrency=10.0 * held))
    assert arguments(waiting)["batch_size"] == round(question.estimate.max_concurrency)


def test_cached_input_is_its_prefix() -> None:
    assert arguments(asked(shape=Shape(2000.0, 500.0, cached_input_share=0.3)))["prefix"] == 600
    assert arguments(asked(shape=Shape(2000.0, 500.0, cached_input_share=1.0)))["prefix"] == 1999
    with pytest.raises(Unanswered, match="two output tokens"):
        arguments(replace(asked(), shape=Shape(2000.0, 1.0)))


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"accelerator": "mi300x", "weight_precision": "fp8"}, "it has no system for mi300x"),
        ({"model": "qwen3-14b"}, "it carries no configuration of qwen3-14b"),
        ({"model": "gpt-oss-20b", "weight_precision": "bf16"}, "it carries gpt-oss-20b in mxfp4, not in bf16"),
        ({"model": "qwen3-30b-a3b", "weight_precision": "int4"}, "does not quantise a mixture of experts to int4"),
    ],
)
def test_a_name_without_a_counterpart_starts_nothing(library: Library, point: dict[str, str], reason: str) -> None:
    said = second_opinion(asked(**point)).reason
    assert said is not None and reason in said
    assert not library.seen.exists()


def test_an_engine_it_does_not_model_is_none() -> None:
    question = asked()
    other = replace(question, estimate=replace(question.estimate, config=replace(question.estimate.config, engine="tgi")))
    with pytest.raises(Unanswered, match="does not model the engine tgi"):
        arguments(other)


def test_every_name_of_ours_is_in_the_catalogue() -> None:
    known = LOOKUP.catalogue
    assert set(names.SYSTEMS) <= set(known.ids("accelerators"))
    assert set(names.CHECKPOINTS) <= set(known.ids("models"))


def test_a_reason_is_one_short_line() -> None:
    assert _short("OOM: does not fit (tp=1.5).  Try\nmore.") == "OOM: does not fit (tp=1.5)"
    assert len(_short("x" * 100 + " " + "y" * 100)) == 104


def test_a_plain_estimate_loads_none_of_it() -> None:
    code = (
        "import sys\nfrom breakeven.cli.main import run\n"
        f"assert run({ESTIMATE!r}) == 0\n"
        "sys.exit(any('second_opinion' in name or name == 'aiconfigurator' for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0


@pytest.mark.skipif(find_spec("aiconfigurator") is None, reason="needs the extra 'aic'")
def test_the_real_one_knows_every_name_and_answers() -> None:
    from aiconfigurator_core.sdk import common

    assert set(names.SYSTEMS.values()) <= common.SupportedSystems
    assert {path for known in names.CHECKPOINTS.values() for path in known.values()} <= common.DefaultHFModels
    assert set(names.DENSE_MODES.values()) <= set(common.GEMMQuantMode.__members__)
    assert set(names.EXPERT_MODES.values()) <= set(common.MoEQuantMode.__members__)
    assert set(names.KV_MODES.values()) <= set(common.KVCacheQuantMode.__members__)
    other = second_opinion(asked(tp=2, accelerators=2))
    assert other.reason is None and other.version is not None and other.version.startswith("0.12.")
    assert other.tpot_ratio is not None and 0.2 < other.tpot_ratio < 5.0
    with pytest.raises(Unanswered, match="no network"):
        ask_child({**arguments(asked()), "model_path": "nobody/nothing"})
