"""What a baseline can and cannot answer: a rule that was not asked is not met, and an approved profile does not just vanish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, World
from tests.gate.scene import HOURLY, OWN, PEAKED


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    """A baseline of two profiles; the check names one of them."""
    monkeypatch.chdir(tmp_path)
    made = World(tmp_path)
    other = tmp_path / "sub" / "other.yaml"
    other.parent.mkdir()
    other.write_text(PROFILE.replace("name: chat", "name: other"), encoding="utf-8")
    assert run(["check", str(made.profile), str(other), "--policy", str(made.policy), "--approve", "--approver", "bob", "--reason", "start", "-o", str(made.baseline)]) == 0
    capsys.readouterr()
    return made


def test_what_a_baseline_cannot_answer_is_not_listed_as_met(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.check("-f", "json") == 0
    rules = json.loads(capsys.readouterr().out)["rules_on"]
    assert not {"stale_branch", "lock_drift"} & set(rules)
    assert {"left_unchecked", "facts_moved_back", "cost_increase"} <= set(rules)
    assert world.check("-f", "junit") == 0
    said = capsys.readouterr().out
    assert "stale_branch" not in said
    assert "lock_drift" not in said
    assert 'name="left_unchecked"' in said


def test_an_approved_profile_that_still_stands_there_may_be_checked_elsewhere(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.check() == 0
    assert "note: approved but not checked here: other" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["gone", "moved", "renamed", "broken"])
def test_an_approved_profile_that_left_the_check_fails(world: World, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = world.folder / "sub" / "other.yaml"
    if what in ("gone", "moved"):
        other.rename(world.folder / "elsewhere.yaml") if what == "moved" else other.unlink()
    else:
        other.write_text(PROFILE.replace("name: chat", "name: new") if what == "renamed" else "name: other\n", encoding="utf-8")
    assert world.check() == 1
    said = capsys.readouterr().out
    assert "[error] left_unchecked: other was approved as sub/other.yaml" in said
    assert "check it where it is now, or approve a baseline without it" in said
    renamed = "; if it is only called new now, renew it with: breakeven check PROFILE... [--policy FILE] --approve"
    assert (renamed in said) == (what == "renamed")
    world.policy.write_text(world.policy.read_text(encoding="utf-8") + "  left_unchecked: {level: warn}\n", encoding="utf-8")
    assert world.check() == 0


def test_line_ends_of_a_file_beside_a_profile_are_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout may write them otherwise than the machine that approved; another number is a change, whatever it costs."""
    monkeypatch.chdir(tmp_path)
    Path("chat.yaml").write_text(HOURLY, encoding="utf-8")
    Path("week.txt").write_bytes(PEAKED.encode())
    Path("policy.yaml").write_text(OWN, encoding="utf-8")
    command = ["check", "chat.yaml", "--policy", "policy.yaml"]
    assert run([*command, "--approve", "--approver", "bob", "--reason", "start", "-o", "approved.json"]) == 0
    capsys.readouterr()
    for text, keys in ((PEAKED.replace("\n", "\r\n"), []), (PEAKED.replace("60", "90"), ["workload.demand.hourly_file"])):
        Path("week.txt").write_bytes(text.encode())
        assert run([*command, "--baseline", "approved.json", "-f", "json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)["profiles"]
        assert [change["key"] for share in row["waterfall"] for change in share["changes"]] == keys
