"""A pull request in a real git repository, and every surface of its report."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.errors import InputError, Problem
from breakeven.gate.waivers import apply_waivers
from tests.gate.bench import PROFILE, git, repository

ROOT = Path(__file__).resolve().parents[2]
CHECK = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]


@pytest.fixture
def pull_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    (folder / "chat.yaml").write_text(PROFILE.replace("input_tokens: 1000", "input_tokens: 2000"), encoding="utf-8")
    git(folder, "commit", "-q", "-a", "-m", "longer prompt")
    return folder


def test_a_doubled_prompt_fails_names_its_line_and_sums_exactly(pull_request: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CHECK) == 1
    text = capsys.readouterr().out
    assert "chat.yaml:4 workload.input_tokens 1000 -> 2000" in text
    assert run([*CHECK, "-f", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    row = report["profiles"][0]
    assert sum(share["cents"] for share in row["waterfall"]) == round(row["change_usd_per_month"] * 100)
    assert sum(share["usd_per_month"] for share in row["waterfall"]) == pytest.approx(row["change_usd_per_month"], abs=1e-9)
    assert [share["cause"] for share in row["waterfall"]] == ["token mix"]
    # 33,333 requests a day, 1,000 more input tokens each, at $2 per million, in a month of 730 hours
    assert row["change_usd_per_month"] == pytest.approx(33_333 * 1000 / 1e6 * 2 * 730 / 24, rel=1e-9)
    assert git(pull_request, "status", "--porcelain") == ""


@pytest.mark.parametrize(("input_tokens", "requests", "price", "output_tokens"), [(1777, 41111, 11.37, 500), (3141, 41111, 11.37, 700), (3141, 35791, 10.9, 700), (1234, 20000, 10.9, 812)])
def test_several_causes_sum_to_the_last_bit_whatever_their_order(
    pull_request: Path, input_tokens: int, requests: int, price: float, output_tokens: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PROFILE.replace("input_tokens: 1000", f"input_tokens: {input_tokens}").replace("33333", str(requests))
    text = text.replace("output_usd_per_mtok: 10", f"output_usd_per_mtok: {price}").replace("output_tokens: 500", f"output_tokens: {output_tokens}\n  calls_per_task: 3")
    head, host = text.split("self_host:")
    told = []
    for order in (text, f"self_host:{host}{head}"):
        (pull_request / "chat.yaml").write_text(order, encoding="utf-8")
        run([*CHECK, "-f", "json"])
        row = json.loads(capsys.readouterr().out)["profiles"][0]
        assert {share["cause"] for share in row["waterfall"]} == {"volume", "token mix", "calls per task", "API price"}
        assert sum(share["cents"] for share in row["waterfall"]) == round(row["change_usd_per_month"] * 100)
        assert math.fsum(share["usd_per_month"] for share in row["waterfall"]) == row["change_usd_per_month"]
        told.append([(share["cause"], share["usd_per_month"]) for share in row["waterfall"]])
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("old", "new"), [("33333", "33334"), ("33333", "20000"), ("name: chat", "# a comment\nname: chat\ndescription: words")],
    ids=["below tolerance", "decrease", "unrelated"],
)  # fmt: skip
def test_what_does_not_hurt_passes_and_says_so(tmp_path: Path, old: str, new: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    (folder / "chat.yaml").write_text(PROFILE.replace(old, new), encoding="utf-8")
    assert run(CHECK) == 0
    assert "passed: 0 error(s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("33333", "33332", 0, "cheaper: a decrease never blocks"), ("output_usd_per_mtok: 10", "output_usd_per_mtok: 9.99", 0, "cheaper: a decrease never blocks"),
        ("name: chat", "name: chat\nowner: ann", 0, "unchanged: nothing that costs money changed"), ("33333", "33334", 1, "dearer, beyond the tolerance"),
        ("input_tokens: 1000", "input_tokens: 1000.0", 0, "same cost|unchanged"),
    ],
)  # fmt: skip
def test_an_exact_tolerance_takes_every_rise_and_nothing_else(
    tmp_path: Path, old: str, new: str, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    (folder / "breakeven.policy.yaml").write_text("version: 1\nsubject: headline-api\nrules: {cost_increase: {}}\n", encoding="utf-8")
    git(folder, "commit", "-q", "-a", "-m", "exact")
    git(folder, "branch", "-f", "main", "HEAD")
    assert old in PROFILE
    (folder / "chat.yaml").write_text(PROFILE.replace(old, new), encoding="utf-8")
    assert run(CHECK) == code
    assert re.search(said, capsys.readouterr().out)


def surface(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    run([*CHECK, "-f", name])
    return capsys.readouterr().out


def test_junit_is_what_its_readers_expect(pull_request: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ET.fromstring(surface("junit", capsys))
    assert root.tag == "testsuites"
    suite = root.find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "0")) == len(cases)
    assert int(suite.get("failures", "0")) == len([case for case in cases if case.find("failure") is not None]) >= 1
    assert all(case.get("name") and case.get("classname") for case in cases)


def test_sarif_has_what_the_standard_requires(pull_request: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(surface("sarif", capsys))
    assert data["version"] == "2.1.0"
    (sarif_run,) = data["runs"]
    rules = [rule["id"] for rule in sarif_run["tool"]["driver"]["rules"]]
    assert sarif_run["tool"]["driver"]["name"] == "breakeven"
    for result in sarif_run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "chat.yaml"
        assert place["region"]["startLine"] >= 1
        assert result["partialFingerprints"]


def test_openmetrics_parses(pull_request: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    families = {family.name: family for family in text_string_to_metric_families(surface("openmetrics", capsys))}
    assert families["breakeven_gate_failed"].samples[0].value == 1.0
    assert families["breakeven_change_usd_per_month"].samples[0].labels == {"profile": "chat"}


def test_code_quality_and_annotations(pull_request: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for item in json.loads(surface("codequality", capsys)):
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= set(item)
        assert item["location"]["lines"]["begin"] >= 1
    lines = surface("github", capsys).splitlines()
    assert lines[0].startswith("::error file=chat.yaml,line=4,title=breakeven cost_increase::")
    assert sum(line.startswith("::error") for line in lines) <= 10
    assert surface("md", capsys).startswith("<!-- breakeven-gate -->")


def test_the_market_is_kept_apart_from_the_change(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    text = PROFILE.replace("{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}", "google/gemini-4-argon")
    (folder / "chat.yaml").write_text(text, encoding="utf-8")
    git(folder, "commit", "-q", "-a", "-m", "another API")
    git(folder, "branch", "-f", "main", "HEAD")
    (folder / "chat.yaml").write_text(text.replace("name: chat", "name: chat\nas_of: 2026-12-02"), encoding="utf-8")
    assert run(["diff", "chat.yaml", "--base-ref", "main", "-f", "json"]) == 0
    row = json.loads(capsys.readouterr().out)["profiles"][0]
    assert row["change_usd_per_month"] == 0.0
    assert row["market_usd_per_month"] > 0.0  # the announced rise of December


def test_a_doubled_prompt_among_a_hundred_profiles_in_three_seconds(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    names = [f"p{number}.yaml" for number in range(100)]
    for number, name in enumerate(names):
        (folder / name).write_text(PROFILE.replace("name: chat", f"name: p{number}"), encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "hundred")
    git(folder, "branch", "-f", "main", "HEAD")
    (folder / "p7.yaml").write_text(PROFILE.replace("name: chat", "name: p7").replace("input_tokens: 1000", "input_tokens: 2000"), encoding="utf-8")
    git(folder, "commit", "-q", "-a", "-m", "a longer prompt")
    command = [sys.executable, "-m", "breakeven", "check", *names, "--policy", "breakeven.policy.yaml", "--base-ref", "main", "--report", "json=../report.json"]
    seconds = []
    for _ in range(3):  # what a busy machine adds is not the gate's
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
        seconds.append(time.perf_counter() - start)
        if seconds[-1] < 3:
            break
    assert done.returncode == 1, done.stderr
    assert min(seconds) < 3
    assert "100 profile(s) checked" in done.stdout
    assert "p7.yaml:4 workload.input_tokens 1000 -> 2000" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (row,) = [item for item in report["profiles"] if item["change_cents"]]
    assert (row["name"], report["head"]) == ("p7", git(folder, "rev-parse", "HEAD")[:12])
    assert sum(share["cents"] for share in row["waterfall"]) == row["change_cents"] == round(row["change_usd_per_month"] * 100)
    assert math.fsum(share["usd_per_month"] for share in row["waterfall"]) == row["change_usd_per_month"]


def test_approval_and_diff_of_results(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    approve = ["check", "chat.yaml", "--approve", "--approver", "bob", "--on", "2026-11-24", "--reason", "budget 2027", "-o"]
    assert run([*approve, "a.json"]) == 0
    assert run([*approve, "b.json"]) == 0
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    assert json.loads(Path("a.json").read_text(encoding="utf-8"))["approved_by"] == "bob"
    assert run(["run", "chat.yaml", "-o", "before.json"]) == 0
    (folder / "chat.yaml").write_text(PROFILE.replace("33333", "44444"), encoding="utf-8")
    capsys.readouterr()
    assert run(["diff", "before.json", "chat.yaml"]) == 0
    assert "workload.requests_per_day 33333 -> 44444" in capsys.readouterr().out


def test_the_self_test_finds_no_hole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--self-test"]) == 0
    assert "0 failed" in capsys.readouterr().out


def test_the_self_test_covers_history_and_says_when_it_cannot(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["check", "--self-test"]) == 0
    said = capsys.readouterr().out
    for label in ("the base revision passes: exit 0", "doubled prompt against a revision: exit 1", "a policy loosened by the change: exit 1", "a waiver brought along: exit 1"):
        assert f"ok   {label}\n" in said
    whole = int(said.splitlines()[-1].split()[0])
    monkeypatch.setenv("PATH", "")
    assert run(["check", "--self-test"]) == 0
    said = capsys.readouterr().out
    assert "left out: what needs git (" in said
    assert said.endswith(f"{whole - 9} passed, 0 failed; what needs git was left out\n")


def test_the_self_test_leaves_the_callers_repository_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    before = git(folder, "log", "--all", "--format=%H"), git(folder, "status", "--porcelain")
    for name, value in (("GIT_DIR", folder / ".git"), ("GIT_WORK_TREE", folder), ("GIT_INDEX_FILE", folder / ".git" / "index")):
        monkeypatch.setenv(name, str(value))
    assert run(["check", "--self-test"]) == 0
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)
    assert (git(folder, "log", "--all", "--format=%H"), git(folder, "status", "--porcelain")) == before


def test_the_self_test_fails_when_the_gate_has_a_hole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("breakeven.gate.engine.judge", lambda case: [])
    assert run(["check", "--self-test"]) == 1
    assert "HOLE doubled prompt: exit 0, must be 1" in capsys.readouterr().out


def test_the_self_test_fails_when_waivers_never_expire(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("breakeven.gate.engine.apply_waivers", lambda *given: apply_waivers(*given[:-1], min(given[-1], dt.date(2026, 12, 1))))
    assert run(["check", "--self-test"]) == 1
    holes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("HOLE")]
    assert holes == ["HOLE an expired waiver: exit 0, must be 1"]


def test_the_self_test_fails_when_a_gate_refuses_for_another_reason(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that cannot judge at all is closed, and proves nothing about what it would catch."""

    def broken(*_: object) -> None:
        raise InputError(Problem("broken", "mend it", "gate"))

    monkeypatch.setattr("breakeven.gate.engine.judge", broken)
    assert run(["check", "--self-test"]) == 1
    assert "HOLE doubled prompt: exit 2, must be 1" in capsys.readouterr().out
