"""The rule about probability: when it fires, at which level, and what it does where it cannot know."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from breakeven.cli.main import run
from breakeven.compare.risk import risk
from tests.gate.bench import PROFILE, git, repository

CHECK = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]
# The API costs $233.33 a day, and so does one GPU at $9.72 an hour: of the rents between $2.50 and $22.50, 64 % are dearer.
UNSURE = PROFILE + "uncertainty:\n  ranges:\n    self_host.supply[0].usd_per_gpu_hour: {low: 2.5, high: 22.5, distribution: uniform}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = repository(tmp_path / "r")
    monkeypatch.chdir(found)
    return found


def based(folder: Path, rule: str, profile: str = UNSURE) -> None:
    (folder / "breakeven.policy.yaml").write_text(f"version: 1\nrules: {{cost_increase: {{}}, probability: {rule}}}\n", encoding="utf-8")
    (folder / "chat.yaml").write_text(profile, encoding="utf-8")
    git(folder, "commit", "-q", "-a", "--allow-empty", "-m", "base")
    git(folder, "branch", "-f", "main", "HEAD")


@pytest.mark.parametrize(
    ("rule", "code", "level"),
    [("{minimum: 99%}", 1, "error"), ("{level: warn, minimum: 99%}", 0, "warn"), ("{level: off, minimum: 99%}", 0, None), ("{minimum: 50%}", 0, None)],
)
def test_it_fires_below_its_threshold_at_its_level(folder: Path, rule: str, code: int, level: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, rule)
    assert run([*CHECK, "-f", "json"]) == code
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [item["level"] for item in found] == ([level] if level else [])
    if level:
        assert re.match(r"api:own/price is cheapest with probability 64% \(required 99%\)", found[0]["message"])
        assert (folder / "chat.yaml").read_text(encoding="utf-8").splitlines()[found[0]["line"] - 1] == "uncertainty:"


def test_the_threshold_itself_is_enough(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, "{minimum: 99%}")
    run([*CHECK, "-f", "json"])
    shown = re.search(r"probability ([0-9.]+)%", json.loads(capsys.readouterr().out)["findings"][0]["message"])
    assert shown is not None
    based(folder, f"{{minimum: {float(shown.group(1)) - 1:g}%}}")
    assert run(CHECK) == 0
    based(folder, f"{{minimum: {float(shown.group(1)) + 1:g}%}}")
    assert run(CHECK) == 1


@pytest.mark.parametrize("minimum", [".nan", ".inf", "-1%", "101%", "1.5", "null", "high"])
def test_a_threshold_that_is_none_is_an_error(folder: Path, minimum: str, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, f"{{minimum: {minimum}}}")
    assert run(CHECK) == 2
    assert re.search(r"breakeven.policy.yaml:2:\d+: rules.probability.minimum: ", capsys.readouterr().err)


@pytest.mark.parametrize("missing", ["numpy", "scipy"])
def test_without_its_libraries_it_says_so_and_does_not_pass(folder: Path, missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, "{level: warn, minimum: 1%}")
    find = importlib.util.find_spec
    monkeypatch.setattr("breakeven.gate.rules.find_spec", lambda name: None if name == missing else find(name))
    assert run(CHECK) == 2
    said = capsys.readouterr().err
    assert "rules.probability" in said
    assert f"needs {missing}" in said
    assert "pip install 'breakeven[risk]'" in said


def test_a_rule_that_is_off_needs_no_library(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    based(folder, "{level: off, minimum: 1%}")
    monkeypatch.setattr("breakeven.gate.rules.find_spec", lambda name: None)
    assert run(CHECK) == 0


def test_a_profile_in_which_nothing_is_uncertain_is_no_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, "{level: warn, minimum: 1%}", PROFILE)
    assert run(CHECK) == 2
    assert "nothing is uncertain here" in capsys.readouterr().err


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_probability_that_is_none_does_not_pass(folder: Path, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    based(folder, "{minimum: 1%}")

    def poisoned(*arguments: object, **named: object) -> object:
        found = risk(*arguments, **named)  # type: ignore[arg-type]
        return replace(found, offers=tuple(replace(offer, cheapest_probability=value) for offer in found.offers))

    monkeypatch.setattr("breakeven.compare.risk.risk", poisoned)
    assert run(CHECK) == 1


def test_draws_that_failed_do_not_speak_for_the_offer(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    based(folder, "{minimum: 50%}")
    assert run(CHECK) == 0
    monkeypatch.setattr("breakeven.compare.risk.risk", lambda *a, **k: replace(risk(*a, **k), failed_draws=1024))
    assert run(CHECK) == 1
    assert "is cheapest with probability 3" in capsys.readouterr().out


def test_a_profile_cannot_choose_its_seed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def watched(*arguments: object, **named: object) -> object:
        found = risk(*arguments, **named)  # type: ignore[arg-type]
        used.append((found.seed, found.draws))
        return found

    monkeypatch.setattr("breakeven.compare.risk.risk", watched)
    for seed in (1, 2, 77):
        based(folder, "{level: warn, minimum: 99%}", UNSURE.replace("uncertainty:", f"uncertainty:\n  seed: {seed}"))
        assert run(CHECK) == 0
    assert used == [(1, 4096)] * 3
