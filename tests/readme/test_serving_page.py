"""The commands of docs/serving.md run as written, in order, and the fit they write serves a profile."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from breakeven.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
RESULT = {
    "date": "20261101-101010", "backend": "vllm", "model_id": "openai/gpt-oss-120b", "num_prompts": 1000,
    "request_rate": "inf", "max_concurrency": 128, "duration": 300.0, "completed": 1000, "failed": 0,
    "total_input_tokens": 1_024_000, "total_output_tokens": 1_024_000, "request_throughput": 3.33,
    "output_throughput": 3413.0, "mean_ttft_ms": 300.0, "median_ttft_ms": 250.0, "p99_ttft_ms": 900.0,
    "mean_tpot_ms": 37.0, "mean_itl_ms": 37.0,
}  # fmt: skip


def test_the_commands_run_and_the_fit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("result.json").write_text(json.dumps(RESULT))
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(commands) >= 4
    for command in commands:
        assert run(shlex.split(command)[1:]) == 0, command
    shutil.copy(ROOT / "configs" / "reference.yaml", "profile.yaml")
    capsys.readouterr()
    assert run(["run", "profile.yaml", "--set", "self_host.benchmark=fit.yaml", "-f", "json"]) == 0
    offers = json.loads(capsys.readouterr().out)["offers"]
    serving = next(offer["serving"] for offer in offers if offer["kind"] == "rented")
    assert "result.json" in " ".join([serving["evidence"], *serving["notes"]])
