"""What the command line says when something is missing, or means another thing than it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakeven.cli.main import run

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([], "error: a command is missing; choose one of those above"), (["catalog"], "error: a command is missing; choose one of those above"),
        (["run"], "error: PROFILE... is missing; see above"), (["catalog", "lock", "--check"], "error: PROFILE... is missing; see above"),
        (["benchmark", "import"], "error: RESULT.json is missing; see above"),
    ],
)
def test_what_is_missing_is_named_below_the_help(command: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == said
    assert err.startswith("Usage: breakeven")


def test_an_override_of_another_volume_says_how_to_take_the_files_away(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", str(CONFIGS / "rag.yaml"), "--set", "workload.tokens_per_day=50M"]
    assert run(command) == 2
    assert capsys.readouterr().err == (
        "error: --set workload.tokens_per_day=50M: workload: needs exactly one of tokens_per_day, requests_per_day, tasks_per_day "
        "(got tokens_per_day and requests_per_day); add --set workload.requests_per_day=null\n"
    )
    assert run([*command, "--set", "workload.requests_per_day=null"]) == 0


@pytest.mark.parametrize(("text", "tokens"), [("1500", 1500), ("1.5k", 1500), ("1,500", 1500)])
def test_tokens_are_written_as_in_a_profile(text: str, tokens: int, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["estimate", "-m", "openai/gpt-oss-120b", "-a", "h100-sxm", "-n", "1", "--output-tokens", "100", "-f", "json", "--input-tokens"]
    assert run([*command, str(tokens)]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert run([*command, text]) == 0
    assert json.loads(capsys.readouterr().out) == plain


@pytest.mark.parametrize(("text", "said"), [("1kk", "the unit 'kk' does not fit here"), ("nan", "cannot be read as a number"), ("-5", "must be at least 0")])
def test_tokens_that_are_none_say_what_to_write(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", "-m", "openai/gpt-oss-120b", "-a", "h100-sxm", "--output-tokens", "100", "--input-tokens", text]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "--input-tokens" in err


def test_a_file_that_is_not_utf_8_has_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(b"name: x\nnote: \xff\n")
    assert run(["run", str(path)]) == 2
    assert capsys.readouterr().err == f"error: {path}:2:7: is not UTF-8 text; save it as UTF-8\n"


def test_an_api_model_is_among_the_names_that_are_near(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "show", "sonnet-5-5"]) == 2
    assert "did you mean 'anthropic/claude-sonnet-5-5'" in capsys.readouterr().err


def test_a_config_that_lacks_a_key_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    text = (CONFIGS / "reference.yaml").read_text(encoding="utf-8")
    path = tmp_path / "p.yaml"
    path.write_text(text.replace("model: openai/gpt-oss-120b", "model: ./short.json"), encoding="utf-8")
    assert run(["run", str(path)]) == 2
    assert "short.json: num_hidden_layers: is missing" in capsys.readouterr().err


def test_machines_that_cost_nothing_are_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", str(CONFIGS / "reference.yaml"), "--set", "self_host.supply=[{rent: h100-sxm, usd_per_gpu_hour: 0}]", "-f", "json"]) == 0
    assert any("self_host.supply[0].usd_per_gpu_hour is 0" in line for line in json.loads(capsys.readouterr().out)["warnings"])
