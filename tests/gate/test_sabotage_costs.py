"""Ways to fool the gate by how a cost is counted: in which month, for which tasks, on which facts, by whose number."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, WAIVER
from tests.gate.scene import OWN, RENT, RISE, Register, Scene

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


# --- in which month, over which years -----------------------------------------------------------------

SHORT = "finance: {hours_per_month: 1}\n"
BUDGET = RISE + "  budget_month: {max_usd: 6k}\n"


@sabotage(1, "new_profile: .*it adds \\$7,097 a month")
def a_new_profile_with_a_month_of_an_hour(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + WAIVER.format(rule="new_profile", scope="new", expires="2027-01-01", more=", max_usd_per_month: $100")})
    scene.write({"new.yaml": PROFILE.replace("name: chat", "name: new") + SHORT})
    scene.more = ["new.yaml", *ON]


@sabotage(1, "budget_month: \\$7,097 a month is above the budget of \\$6,000")
def a_month_of_an_hour_that_has_landed_already(scene: Scene) -> None:
    scene.base({"chat.yaml": PROFILE.replace("33333", "20000") + SHORT, "breakeven.policy.yaml": BUDGET.replace("1%", "900%")})
    scene.write({"chat.yaml": PROFILE + SHORT})


MOVING = PROFILE.replace("  supply:", "  migration_usd: 60000\n  supply:")


@sabotage(1, "horizon_years goes from 3 to 30 \\(chat.yaml:14\\); both sides spread one-off costs over the base's 3(.*\n)*.*cost_increase")
def one_off_costs_spread_over_a_longer_time(scene: Scene) -> None:
    scene.base({"chat.yaml": MOVING, "breakeven.policy.yaml": OWN})
    scene.write({"chat.yaml": MOVING.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 13") + "finance: {horizon_years: 30}\n"})


# --- on which facts -----------------------------------------------------------------------------------

RENTED = PROFILE.replace("rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1", "rent: h100-sxm, provider: own, gpus: 1")


def made_dearer(scene: Scene, rules: str) -> None:
    """An overlay of the change that makes what the profile rents ten times as dear once it has landed."""
    scene.base({"chat.yaml": RENTED, "facts/own.yaml": RENT.format(price=3), "breakeven.policy.yaml": f"version: 1\nsubject: headline-self-host\nrules: {rules}\n"})
    scene.write({"facts/own.yaml": RENT.format(price=30)})
    scene.more = ["--catalog", "facts"]


@sabotage(1, "budget_mtok: .* per Mtok with the overlays of this change is above the budget of \\$5.00")
def tokens_that_an_overlay_makes_dearer(scene: Scene) -> None:
    made_dearer(scene, "{budget_mtok: {max_usd: 5}}")


@sabotage(1, "budget_task: .* per task with the overlays of this change is above the budget of \\$0.005")
def tasks_that_an_overlay_makes_dearer(scene: Scene) -> None:
    made_dearer(scene, "{budget_task: {max_usd: 0.005}}")


@sabotage(1, "budget_crossed: .*was met before this change .*, and is not with the overlays of this change \\(\\$21,900\\)")
def a_budget_that_an_overlay_crosses(scene: Scene) -> None:
    made_dearer(scene, "{budget_month: {max_usd: 9k, level: warn}, budget_crossed: {level: error}}")


@sabotage(1, "verdict_flipped: the cheaper side was rented:.* and is api:.* with the overlays of this change")
def a_verdict_that_an_overlay_turns(scene: Scene) -> None:
    made_dearer(scene, "{verdict_flipped: {level: error}}")


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


def test_a_baseline_counts_in_the_gates_month_too(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": PROFILE + SHORT})
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--approve", "--approver", "bob", "--reason", "start", "-o", "approved.json"]) == 0
    capsys.readouterr()
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--baseline", "approved.json", "-f", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["profiles"]
    assert round(row["base"]["usd_per_month"], 2) == round(row["head"]["usd_per_month"], 2) == 7097.15
    assert row["market_usd_per_month"] == row["total_usd_per_month"] == 0.0


def test_a_result_of_another_month_is_computed_anew(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": PROFILE + SHORT})
    assert run(["run", "chat.yaml", "--format", "json", "-o", "then.json"]) == 0
    capsys.readouterr()
    assert run(["diff", "then.json", "chat.yaml", "-f", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["profiles"]
    assert row["total_usd_per_month"] == 0.0
    assert row["base"]["usd_per_month"] > 5000


def test_a_waiver_of_a_crossed_budget_is_limited_by_what_the_overlay_does(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    made_dearer(scene, "{budget_month: {max_usd: 9k, level: warn}, budget_crossed: {level: error}}")
    policy = (scene.folder / "breakeven.policy.yaml").read_text(encoding="utf-8")
    scene.write({"facts/own.yaml": RENT.format(price=3)})
    scene.base({"breakeven.policy.yaml": policy + WAIVER.format(rule="budget_crossed", scope="*", expires="2027-01-01", more=", max_usd_per_month: $100")})
    scene.write({"facts/own.yaml": RENT.format(price=30)})
    (crossed,) = (item for item in found(scene, capsys, *ON)["findings"] if item["rule"] == "budget_crossed")
    assert crossed["waived_by"] is None
