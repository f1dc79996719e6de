"""``-a all``: each row is the answer about that accelerator alone, and what is wrong with the question is no infeasibility."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakeven.cli.main import run

LENGTHS = ["--input-tokens", "1000", "--output-tokens", "200"]
LLAMA = ["-m", "llama-3.1-8b-instruct", *LENGTHS]
# Lengths and a load at which published measurements are on file.
PUBLISHED = ["-m", "openai/gpt-oss-120b", "--input-tokens", "922", "--output-tokens", "922", "-c", "64"]
Capture = pytest.CaptureFixture[str]


def answers(capsys: Capture, *asked: str) -> dict[str, dict[str, Any]]:
    assert run(["estimate", *asked, "-f", "json"]) == 0
    return {row.pop("accelerator"): row for row in json.loads(capsys.readouterr().out)["estimates"]}


@pytest.mark.parametrize("asked", [
    [*LLAMA, "-n", "3", "--tpot-ms", "30"], [*LLAMA, "-n", "4", "--tpot-ms", "15"], [*LLAMA, "--ttft-ms", "800", "--burstiness", "4"],
    [*LLAMA, "-n", "8"], [*PUBLISHED, "-n", "1"], PUBLISHED, [*PUBLISHED, "-n", "1", "--evidence", "model"],
], ids=" ".join)  # fmt: skip
def test_a_row_is_the_answer_about_its_accelerator_alone(asked: list[str], capsys: Capture) -> None:
    ranked = answers(capsys, *asked, "-a", "all")
    for accelerator in ("h100-sxm", "h200-sxm", "b200-sxm", "l40s"):
        if accelerator in ranked:
            row = ranked[accelerator] | {"on_frontier": False}
            alone = answers(capsys, *asked, "-a", accelerator, "-n", str(row["n_accelerators"]))
            assert alone == {accelerator: row}


def test_published_measurements_rank_too_unless_the_model_alone_is_asked_for(capsys: Capture) -> None:
    grades = {evidence: {row["grade"] for row in answers(capsys, *PUBLISHED, "-n", "1", "-a", "all", "--evidence", evidence).values()} for evidence in ("best", "model")}
    assert "B" in grades["best"] and "B" not in grades["model"]


@pytest.mark.parametrize("wrong", [
    ["--precision", "foo"], ["--kv-precision", "foo"], ["-n", "0"], ["-n", "5000"], ["-c", "0.5"], ["--output-tokens", "0.5"],
], ids=" ".join)  # fmt: skip
def test_what_is_wrong_with_the_question_is_the_same_for_all_as_for_one(wrong: list[str], capsys: Capture) -> None:
    said = []
    for accelerator in ("all", "h100-sxm"):
        assert run(["estimate", *LLAMA, "-a", accelerator, *wrong]) == 2
        said.append(capsys.readouterr().err)
    assert said[0] == said[1]


def test_what_no_accelerator_serves_is_infeasible(capsys: Capture) -> None:
    assert run(["estimate", "-m", "llama-3.1-405b-instruct", *LENGTHS, "-a", "all", "-n", "1"]) == 4
    assert "no accelerator of the catalogue serves this" in capsys.readouterr().err
