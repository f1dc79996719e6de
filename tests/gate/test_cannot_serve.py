"""An offer that cannot serve has no cost: it is found, whatever its kind, and no figure is taken from it."""

from __future__ import annotations

import json

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE
from tests.gate.scene import RISE, Scene

LIMITED = PROFILE.replace("model: own/price,", "model: own/price, max_input_tokens: 1500,")
LONGER = LIMITED.replace("input_tokens: 1000", "input_tokens: 2000")
SECOND = "  - {model: own/second, prices: {input_usd_per_mtok: 3, output_usd_per_mtok: 10}}\nself_host:"
CHEAPEST = RISE.replace("headline-api", "cheapest")


def report(scene: Scene, code: int, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert scene.check("-f", "json") == code
    found = json.loads(capsys.readouterr().out)
    (row,) = found["profiles"]
    return {"rules": {(item["rule"], item["about"], item["level"], item["line"]) for item in found["findings"]}, **row}


@pytest.mark.parametrize("subject", ["headline-api", "cheapest", "'api:own/price'", "headline-self-host"])
def test_an_api_whose_limit_is_passed(scene: Scene, subject: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The requests stay as long as they were: only the limit goes, so the bill alone would say `same cost`."""
    text = LIMITED.replace("self_host:", SECOND)
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": RISE.replace("headline-api", subject)})
    assert scene.check() == 0
    scene.write({"chat.yaml": text.replace("max_input_tokens: 1500", "max_input_tokens: 900")})
    found = report(scene, 1, capsys)
    assert ("infeasible", "api:own/price", "error", 7) in found["rules"]  # type: ignore[operator]
    assert found["head"]["offers"]["api:own/price"] is None  # type: ignore[index]
    assert found["base_at_head_facts"]["offers"]["api:own/price"] > 0  # type: ignore[index]


def test_no_budget_is_met_by_it(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    rules = "version: 1\nsubject: headline-api\nrules: {infeasible: {level: off}, budget_month: {max_usd: 1M}, budget_mtok: {max_usd: 1M}, budget_task: {max_usd: 1M}, cost_increase: {max_share: 900%}}\n"
    scene.base({"chat.yaml": LIMITED, "breakeven.policy.yaml": rules})
    assert scene.check() == 0
    scene.write({"chat.yaml": LONGER})
    found = report(scene, 1, capsys)
    assert {rule for rule, *_ in found["rules"]} == {"budget_month", "budget_mtok", "budget_task", "cost_increase"}  # type: ignore[attr-defined]
    assert (found["head"]["subject"], found["head"]["usd_per_month"], found["change_usd_per_month"]) == (None, None, None)  # type: ignore[index]


def test_the_note_says_that_it_can_no_longer_serve(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    text = LIMITED.replace("self_host:", SECOND)
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": CHEAPEST.replace("1%", "900%")})
    scene.write({"chat.yaml": text.replace("max_input_tokens: 1500", "max_input_tokens: 900")})
    assert scene.check() == 1
    said = capsys.readouterr().out
    assert "was that of api:own/price and is that of api:own/second; api:own/price can no longer serve" in said
    assert "itself goes from" not in said


def test_a_mix_with_it_cannot_serve_either(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A dear API, so that machines for the base load and the API for the peak would be the cheapest of all."""
    text = LIMITED.replace("input_usd_per_mtok: 2,", "input_usd_per_mtok: 20,").replace("output_tokens: 500", "output_tokens: 500\n  demand: {peak_to_mean: 4}")
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": CHEAPEST})
    assert str(report(scene, 0, capsys)["head"]["subject"]).startswith("hybrid:")  # type: ignore[index]
    scene.write({"chat.yaml": text.replace("max_input_tokens: 1500", "max_input_tokens: 900")})
    found = report(scene, 1, capsys)
    assert str(found["head"]["subject"]).startswith("rented:")  # type: ignore[index]
    assert {about for rule, about, *_ in found["rules"] if rule == "infeasible"} == {"api:own/price"}  # type: ignore[attr-defined]


def test_what_could_not_serve_before_is_a_warning(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    text = LIMITED.replace("max_input_tokens: 1500", "max_input_tokens: 900").replace("self_host:", SECOND)
    scene.base({"chat.yaml": text, "breakeven.policy.yaml": CHEAPEST})
    assert ("infeasible", "api:own/price", "warn", 7) in report(scene, 0, capsys)["rules"]  # type: ignore[operator]


def test_provisioned_units_that_cannot_take_the_requests(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    unit = PROFILE.replace("self_host:", "  - {model: azure/gpt-4.1, provisioned: {unit: ptu}}\nself_host:")
    scene.base({"chat.yaml": unit, "breakeven.policy.yaml": RISE.replace("1%", "900%")})
    assert scene.check() == 0
    scene.write({"chat.yaml": unit.replace("input_tokens: 1000", "input_tokens: 250000")})
    found = report(scene, 1, capsys)
    assert [(about, level, line) for rule, about, level, line in found["rules"] if rule == "infeasible" and about.startswith("provisioned:")] == [("provisioned:azure/gpt-4.1@ptu-hourly", "error", 8)]  # type: ignore[attr-defined]


def test_nothing_that_cannot_serve_is_approved(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": LONGER})
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--approve", "--approver", "bob", "--reason", "budget", "-o", "approved.json"]) == 2
    assert "nothing can serve chat" in capsys.readouterr().err


@pytest.mark.parametrize("surface", ["text", "md"])
def test_a_change_that_cannot_be_known_is_not_called_unchanged(scene: Scene, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"p{number}.yaml" for number in range(5)]
    scene.base({name: PROFILE.replace("name: chat", f"name: {name.removesuffix('.yaml')}") for name in names})
    scene.write({"p3.yaml": PROFILE.replace("name: chat", "name: p3") + "requirements: {no_third_party: true}\n"})
    capsys.readouterr()
    assert run(["diff", *names, "--base-ref", "main", "-f", surface]) == 0
    said = capsys.readouterr().out
    assert "the change cannot be known: nothing can serve on one side" in said
    assert surface == "md" or "$7,097.15 -> nothing can serve a month (api:own/price -> no offer)" in said
    assert ("4 more profile(s): unchanged." if surface == "md" else "4 profile(s): p0, p1, p2, p4\n") in said
