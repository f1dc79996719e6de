"""Waivers: every report lists each of them, used or not, and one that ended covers nothing."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from breakeven.cli.main import run
from breakeven.render.gate_surfaces import GATE_FORMATS
from tests.gate.bench import PROFILE
from tests.gate.scene import DOUBLED, RISE, Scene

WAIVERS = """\
waivers:
  - {id: w-used, rule: cost_increase, scope: chat, max_share: 80%, reason: launch week, owner: ann, approver: bob, expires: 2027-01-15}
  - {id: w-idle, rule: infeasible, scope: 'other-*', reason: old cluster, owner: carl, approver: dora, expires: 2027-02-16}
  - {id: w-near, rule: budget_month, scope: chat, max_usd_per_month: $5, reason: month end, owner: emil, approver: fay, expires: 2026-11-30}
  - {id: w-old, rule: new_profile, scope: x, max_usd_per_month: $7, reason: pilot run, owner: gus, approver: hal, expires: 2026-11-01}
"""
LISTED = {
    "w-used": ("cost_increase", "chat", "+80%", "ann", "bob", "2027-01-15", "in force", True, "launch week"),
    "w-idle": ("infeasible", "other-*", "no amount", "carl", "dora", "2027-02-16", "in force", False, "old cluster"),
    "w-near": ("budget_month", "chat", "$5.00/month", "emil", "fay", "2026-11-30", "near expiry", False, "month end"),
    "w-old": ("new_profile", "x", "$7.00/month", "gus", "hal", "2026-11-01", "expired", False, "pilot run"),
}
KEYS = ("rule", "scope", "limit", "owner", "approver", "expires", "state", "used", "reason")


def report(scene: Scene, surface: str, capsys: pytest.CaptureFixture[str]) -> str:
    scene.base({"breakeven.policy.yaml": RISE + WAIVERS})
    scene.write({"chat.yaml": DOUBLED})
    capsys.readouterr()
    assert scene.check("--on", "2026-11-24", "-f", surface) == 1  # the expired one fails
    return capsys.readouterr().out


@pytest.mark.parametrize("surface", GATE_FORMATS)
def test_every_surface_lists_every_waiver_whole(scene: Scene, surface: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = report(scene, surface, capsys).replace("\\", "").replace("%25", "%").replace("\u200b", "")
    lines = re.split(r"\n|%0A|(?<=/>)|(?<=}),", said) if surface != "json" else re.split(r"\n    }", said)
    for name, facts in LISTED.items():
        words = [name, *(str(fact) for fact in facts if not isinstance(fact, bool))]
        assert any(all(word in line for word in words) for line in lines), (name, surface)


def test_data_has_them_key_by_key(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    found = {w["id"]: w for w in json.loads(report(scene, "json", capsys))["waivers"]}
    for name, facts in LISTED.items():
        assert tuple(found[name][key] for key in KEYS) == facts
    assert [(w["file"], w["line"]) for w in found.values()] == [("breakeven.policy.yaml", line) for line in (6, 7, 8, 9)]


def test_junit_has_them_as_properties(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    root = ET.fromstring(report(scene, "junit", capsys))
    found = {item.attrib["name"]: item.attrib["value"] for item in root.iterfind("testsuite/properties/property")}
    assert list(found) == [f"waiver {name}" for name in LISTED]
    assert found["waiver w-idle"] == "w-idle: infeasible for other-*, limit no amount, expires 2027-02-16 (in force, not used); owner carl, approved by dora: old cluster"
    (skipped,) = root.iter("skipped")
    assert skipped.attrib["message"] == f"waived by {found['waiver w-used']}"


def test_sarif_has_them_in_the_run_and_at_what_they_cover(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = json.loads(report(scene, "sarif", capsys))["runs"]
    assert [w["id"] for w in run["properties"]["waivers"]] == list(LISTED)
    assert {"id", *KEYS} == set(run["properties"]["waivers"][0])
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert [note.split(":")[0] for note in notes if note.startswith("waiver ")] == [f"waiver {name}" for name in LISTED]
    (suppressed,) = (result["suppressions"][0]["justification"] for result in run["results"] if "suppressions" in result)
    assert suppressed == next(note for note in notes if note.startswith("waiver w-used"))


def test_code_quality_has_them_for_information(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    found = [item for item in json.loads(report(scene, "codequality", capsys)) if item["check_name"] == "breakeven/waiver"]
    assert {item["severity"] for item in found} == {"info"}
    assert [item["location"] for item in found] == [{"path": "breakeven.policy.yaml", "lines": {"begin": line}} for line in (6, 7, 8, 9)]
    assert len({item["fingerprint"] for item in found}) == 4


def test_openmetrics_has_one_sample_each_that_is_1_while_it_counts(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(report(scene, "openmetrics", capsys))}
    samples = families["breakeven_waiver"].samples
    assert {sample.labels["id"]: sample.value for sample in samples} == {"w-used": 1.0, "w-idle": 1.0, "w-near": 1.0, "w-old": 0.0}
    assert {sample.labels["id"]: sample.labels["used"] for sample in samples} == {"w-used": "true", "w-idle": "false", "w-near": "false", "w-old": "false"}


def test_annotations_keep_them_whatever_else_is_said(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A host shows ten of a level: notes give way, the waivers and the verdict do not."""
    many = "waivers:\n" + "".join(
        f"  - {{id: w{number}, rule: cost_increase, scope: chat, max_share: 80%, reason: {'because ' * 12}, owner: ann, approver: bob, expires: 2027-01-15}}\n" for number in range(60)
    )
    scene.base({"breakeven.policy.yaml": RISE + many, **{f"p{number}.yaml": DOUBLED.replace("name: chat", f"name: p{number}") for number in range(12)}})
    note = "uncertainty:\n  ranges:\n    self_host.supply[0].usd_per_gpu_hour: {low: 2.5, high: 22.5, distribution: uniform}\n"
    scene.write({f"p{number}.yaml": DOUBLED.replace("name: chat", f"name: p{number}") + note for number in range(12)})
    scene.more = ["--on", "2026-11-24", *(f"p{number}.yaml" for number in range(12))]
    capsys.readouterr()
    assert scene.check("-f", "github") == 0
    notices = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::notice")]
    assert len(notices) == 10
    assert "more note(s) are in the report" in notices[-3]
    listed = notices[-2].partition("::notice title=breakeven waivers::")[2].split("%0A")
    assert len(notices[-2]) < 4100
    *each, last = listed
    assert [line.split(":")[0] for line in each] == [f"w{number}" for number in range(len(each))]
    assert last == f"{60 - len(each)} more waiver(s) are in the report"
    assert notices[-1].startswith("::notice title=breakeven::passed")


@pytest.mark.parametrize(("on", "waived"), [("2026-12-01", "w1"), ("2026-12-02", None), ("2027-06-01", None), ("2025-11-24", None)], ids=str)
def test_only_a_waiver_in_force_marks_a_finding(scene: Scene, on: str, waived: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """On its last day it counts; expired, or longer than a waiver may last, it covers nothing, whatever else fails."""
    scene.base({"breakeven.policy.yaml": RISE + "waivers: [{id: w1, rule: cost_increase, scope: chat, max_share: 80%, reason: launch week, owner: ann, approver: bob, expires: 2026-12-01}]\n"})
    scene.write({"chat.yaml": DOUBLED})
    capsys.readouterr()
    assert scene.check("--on", on, "-f", "json") == (0 if waived else 1)
    found = json.loads(capsys.readouterr().out)
    (rise,) = (item for item in found["findings"] if item["rule"] == "cost_increase")
    assert rise["waived_by"] == waived
    assert found["waivers"][0]["used"] is (waived is not None)
    errors = [item["rule"] for item in found["findings"] if item["level"] == "error" and item["waived_by"] is None]
    assert errors == ([] if waived else ["cost_increase", "waiver_expiry"])


ONE = "waivers: [{{id: w1, rule: cost_increase, scope: '{}', max_share: 80%, reason: launch week, owner: ann, approver: bob, expires: 2026-12-01}}]\n"


@pytest.mark.parametrize(("scope", "name", "file", "covered"), [
    ("configs/chat.yaml", "x", "configs/chat.yaml", True), ("configs/*.yaml", "x", "configs/chat.yaml", True), ("./configs/chat.yaml", "x", "configs/chat.yaml", True),
    ("*", "x", "configs/chat.yaml", True), ("a*z", "abcz", "one.yaml", True), ("one.yaml", "x", "one.yaml", True),
    ("a[b]c", "a[b]c", "one.yaml", True), ("a[b]c", "abc", "one.yaml", False), ("a?c", "abc", "one.yaml", False),
    ("one.yaml", "one.yaml", "two.yaml", False), ("configs/chat", "configs/chat", "two.yaml", False), ("x", "x", "one.yaml", True), ("one", "x", "one.yaml", False),
])  # fmt: skip
def test_a_scope_is_a_name_or_a_path_and_never_both(scene: Scene, scope: str, name: str, file: str, covered: bool) -> None:
    text = PROFILE.replace("name: chat", f"name: '{name}'")
    scene.base({"breakeven.policy.yaml": RISE + ONE.format(scope), file: text})
    scene.write({file: text.replace("input_tokens: 1000", "input_tokens: 2000")})
    scene.more = [file, "--on", "2026-11-24"]
    assert scene.check() == (0 if covered else 1)


def test_a_path_is_the_same_however_it_is_spelled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.base({"breakeven.policy.yaml": RISE + ONE.format("configs/chat.yaml"), "configs/chat.yaml": PROFILE.replace("name: chat", "name: b")})
    scene.write({"configs/chat.yaml": DOUBLED.replace("name: chat", "name: b")})
    command = ["--policy", str(scene.folder / "breakeven.policy.yaml"), "--base-ref", "main", "--on", "2026-11-24"]
    for spelling in ("configs/chat.yaml", "./configs/chat.yaml", "configs/../configs/chat.yaml", str(scene.folder / "configs" / "chat.yaml")):
        assert run(["check", spelling, *command]) == 0, spelling
    monkeypatch.chdir(scene.folder / "configs")
    assert run(["check", "chat.yaml", *command]) == 0


def test_with_a_baseline_a_path_is_that_from_the_working_folder(scene: Scene) -> None:
    scene.base({"breakeven.policy.yaml": RISE + ONE.format("chat.yaml")})
    command = ["check", str(scene.folder / "chat.yaml"), "--policy", "breakeven.policy.yaml"]
    assert run([*command, "--approve", "--approver", "bob", "--reason", "start", "-o", "approved.json"]) == 0
    scene.write({"chat.yaml": DOUBLED})
    assert Path("chat.yaml").is_file()
    assert run([*command, "--baseline", "approved.json", "--on", "2026-11-24"]) == 0


def test_a_waiver_that_a_new_name_leaves_without_effect_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    policy = {"breakeven.policy.yaml": RISE + ONE.format("chat")}
    scene.base(policy)
    scene.write({"chat.yaml": DOUBLED.replace("name: chat", "name: talk")})
    scene.more = ["--on", "2026-11-24"]
    assert scene.check() == 1
    said = capsys.readouterr().out
    assert "waiver w1 fits chat, as the base has it, and not talk, as it is here: rename or move it in a later change of its own" in said
    scene.write({"chat.yaml": DOUBLED})
    assert scene.check() == 0
    scene.base({})
    scene.write({"chat.yaml": DOUBLED.replace("name: chat", "name: talk")})
    assert scene.check() == 0


def test_a_waiver_that_only_a_new_place_fits_is_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"breakeven.policy.yaml": RISE + ONE.format("launch-*.yaml"), "b.yaml": PROFILE.replace("name: chat", "name: b")})
    (scene.folder / "b.yaml").unlink()
    scene.write({"launch-b.yaml": DOUBLED.replace("name: chat", "name: b")})
    scene.more = ["launch-b.yaml", "--on", "2026-11-24"]
    assert scene.check() == 1
    assert "waiver w1 fits launch-b.yaml only since this change, and not b.yaml, as the base has it: nothing is renamed or moved into a waiver" in capsys.readouterr().out


@pytest.mark.parametrize(("reason", "said"), [
    ("ab", "waivers[0].reason: has 2 letter(s), and needs at least 3; write more of it"), ("''", "waivers[0].reason: is empty; write some text of at least 3 letters"),
    ("' '", "waivers[0].reason: is empty; write some text of at least 3 letters"), ("'   '", "cannot be blank"),
])  # fmt: skip
def test_a_reason_that_is_too_short_says_so(scene: Scene, reason: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"breakeven.policy.yaml": RISE + ONE.format("chat").replace("launch week", reason)})
    assert scene.check("--on", "2026-11-24") == 2
    assert said in capsys.readouterr().err
