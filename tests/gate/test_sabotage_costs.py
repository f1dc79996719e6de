"""Ways to fool the gate by how a cost is counted: in which month, for which tasks, on which facts, by whose number."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.gate.bench import PROFILE, WAIVER
from tests.gate.scene import RISE, Register, Scene

TOKENS = PROFILE.replace("requests_per_day: 33333", "tokens_per_day: 50M")
ON = ["--on", "2026-11-24"]
NARROW = TOKENS.replace("model: own/price,", "model: own/price, max_input_tokens: 3000,")


def waived(limit: str, *, scope: str = "chat") -> str:
    """The policy with a waiver of the rise."""
    return RISE + WAIVER.format(rule="cost_increase", scope=scope, expires="2027-01-01", more=limit)


def found(scene: Scene, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    """The report of a check as data."""
    capsys.readouterr()
    scene.check("-f", "json", *more)
    return dict(json.loads(capsys.readouterr().out))


SABOTAGES = sabotage = Register()


# --- for which tasks --------------------------------------------------------------------------------


@sabotage(1, "\\[error\\] cost_increase: the same tasks would cost .*\\(452%; allowed 1%\\)")
def a_prompt_grown_fivefold_behind_a_waiver_of_the_plain_rise(scene: Scene) -> None:
    scene.base({"chat.yaml": TOKENS, "breakeven.policy.yaml": waived(", max_share: 40%")})
    scene.write({"chat.yaml": TOKENS.replace("50M", "69M").replace("input_tokens: 1000", "input_tokens: 4000").replace("output_tokens: 500", "output_tokens: 2000")})
    scene.more = ON


@sabotage(1, "infeasible: api:own/price cannot serve")
def a_prompt_that_no_longer_fits(scene: Scene) -> None:
    scene.base({"chat.yaml": NARROW})
    scene.write({"chat.yaml": NARROW.replace("input_tokens: 1000", "input_tokens: 4000")})


@pytest.mark.parametrize("name", SABOTAGES)
def test_is_caught_for_its_own_reason(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    prepare, code, words = SABOTAGES[name]
    prepare(scene)
    capsys.readouterr()
    result = scene.check()
    said = "".join(capsys.readouterr())
    assert result == code, said
    assert re.search(words, said), said


def test_tasks_that_nothing_has_room_for_are_no_saving(scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unknown is under no waiver's limit either."""
    monkeypatch.setattr("breakeven.gate.compared._subject_cost", lambda *_: None)
    scene.base({"chat.yaml": TOKENS, "breakeven.policy.yaml": waived(", max_share: 900%")})
    scene.write({"chat.yaml": TOKENS.replace("input_tokens: 1000", "input_tokens: 2000")})
    (finding,) = (item for item in found(scene, capsys, *ON)["findings"])
    assert finding["message"].startswith("the same tasks could not be served, so what they would cost is unknown")
    assert finding["waived_by"] is None
