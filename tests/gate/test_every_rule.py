"""Every rule fires in a scene of its own, at the level that the policy gives it, and at no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.gate.policy import RULE_IDS
from breakeven.gate.report import Finding
from tests.gate.bench import PROFILE, git
from tests.gate.scene import DOUBLED, Scene

LISTED = PROFILE.replace("{model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}", "google/gemini-4-argon")
GROWING = PROFILE.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 10").replace("output_tokens: 500", "output_tokens: 500\n  demand: {growth_per_year: 100%}")
UNSURE = PROFILE + "uncertainty:\n  ranges:\n    self_host.supply[0].usd_per_gpu_hour: {low: 2.5, high: 22.5, distribution: uniform}\n"
SLOW = PROFILE.replace("  throughput: {total_tok_per_s: 9000}\n", "")
WAIVER = "waivers: [{id: w1, rule: infeasible, scope: other, reason: launch week, owner: ann, approver: bob, expires: 2026-12-01}]\n"

# A rule's own keys, the base's profile, and what the change does.
Case = tuple[str, str, Callable[[Scene], object]]


def writing(text: str) -> Callable[[Scene], object]:
    return lambda scene: scene.write({"chat.yaml": text})


def nothing(scene: Scene) -> None:
    """The base is enough."""


def a_new_profile(scene: Scene) -> None:
    scene.write({"new.yaml": PROFILE.replace("name: chat", "name: new")})
    scene.more += ["new.yaml"]


def an_older_branch(scene: Scene) -> None:
    git(scene.folder, "checkout", "-q", "main")
    scene.write({"chat.yaml": PROFILE.replace("33333", "40000")})
    scene.commit()
    git(scene.folder, "checkout", "-q", "change")


def a_profile_moved_away(scene: Scene) -> None:
    (scene.folder / "away").mkdir()
    git(scene.folder, "mv", "moves.yaml", "away/moves.yaml")


def a_lock_that_drifts(scene: Scene) -> None:
    lock = json.loads(Path("breakeven.lock").read_text(encoding="utf-8"))
    fact = next(name for name in lock["facts"] if name.startswith("rental/"))
    lock["facts"][fact]["digest"] = "sha256:0"
    Path("breakeven.lock").write_text(json.dumps(lock), encoding="utf-8")
    scene.more += ["--locked", "breakeven.lock"]


SCENES: dict[str, Case] = {
    "cost_increase": ("max_share: 1%", PROFILE, writing(DOUBLED)),
    "market_increase": ("max_share: 1%", LISTED, writing(LISTED.replace("name: chat", "name: chat\nas_of: 2026-12-02"))),
    "budget_month": ("max_usd: $5k", PROFILE, nothing),
    "budget_mtok": ("max_usd: 1", PROFILE, nothing),
    "budget_task": ("max_usd: 0.0001", PROFILE, nothing),
    "budget_crossed": ("", PROFILE, writing(DOUBLED)),
    "verdict_flipped": ("", PROFILE, writing(PROFILE.replace("usd_per_gpu_hour: 12", "usd_per_gpu_hour: 1"))),
    "near_crossover": ("within_share: 30%", GROWING, nothing),
    "crossing_within": ("months: 12", GROWING, nothing),
    "stale_fact": ("max_age_days: 0", PROFILE.replace("usd_per_gpu_hour: 12, ", ""), nothing),
    "unsourced_assumption": ("", PROFILE, nothing),
    "unsourced_saving": ("", PROFILE, writing(PROFILE.replace("output_usd_per_mtok: 10", "output_usd_per_mtok: 9"))),
    "probability": ("minimum: 99%", UNSURE, nothing),
    "infeasible": ("", SLOW, writing(SLOW + "latency: {ttft_ms: 0.001}\n")),
    "new_profile": ("", PROFILE, a_new_profile),
    "facts_moved_back": ("", LISTED, writing(LISTED.replace("name: chat", "name: chat\nas_of: 2026-11-20"))),
    "stale_branch": ("", PROFILE, an_older_branch),
    "left_unchecked": ("", PROFILE, a_profile_moved_away),
    "lock_drift": ("", PROFILE.replace("usd_per_gpu_hour: 12, ", ""), a_lock_that_drifts),
    "waiver_expiry": ("warn_days: 14", PROFILE, nothing),
}


def test_every_rule_has_its_scene() -> None:
    assert set(SCENES) == set(RULE_IDS)


def policy(rule: str, level: str, keys: str) -> str:
    """A policy in which only one rule can fail; a budget that is never met keeps it a policy when that rule is off."""
    others = ("infeasible", "new_profile", "facts_moved_back", "stale_branch", "left_unchecked", "lock_drift", "unsourced_saving", "waiver_expiry")
    rules = {name: "{level: off}" for name in others if name != rule}
    rules["budget_mtok"] = "{max_usd: 1M}"
    if rule == "budget_crossed":
        rules["budget_month"] = "{level: off, max_usd: 9k}"
    rules[rule] = f"{{level: {level}{', ' if keys else ''}{keys}}}"
    if rule == "budget_mtok" and level == "off":
        rules["budget_task"] = "{max_usd: 1M}"
    text = "version: 1\nsubject: headline-api\nrules:\n" + "".join(f"  {name}: {keys}\n" for name, keys in rules.items())
    return text + (WAIVER if rule == "waiver_expiry" else "")


@pytest.mark.parametrize(("level", "code"), [("off", 0), ("warn", 0), ("error", 1)])
@pytest.mark.parametrize("rule", RULE_IDS)
def test_it_fires_at_its_level(scene: Scene, rule: str, level: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    keys, base, change = SCENES[rule]
    if rule == "probability":
        pytest.importorskip("scipy")
    Path("chat.yaml").write_text(base, encoding="utf-8")
    if rule == "lock_drift":
        assert run(["catalog", "lock", "chat.yaml"]) == 0
    scene.base({"breakeven.policy.yaml": policy(rule, level, keys), "moves.yaml": PROFILE.replace("name: chat", "name: moves")})
    scene.more = ["--on", "2026-11-24"]
    change(scene)
    capsys.readouterr()
    assert scene.check("-f", "json") == code
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] is (code == 1)
    found = [item for item in report["findings"] if item["level"] == "error" or item["rule"] == rule]
    assert {(item["rule"], item["level"]) for item in found} == (set() if level == "off" else {(rule, level)})
    for item in found:
        assert item["message"]
        assert item["fix"]
        assert item["path"]
        assert set(item) >= set(Finding.__struct_fields__)
