"""Profiles that move: what counts as their base, and what lets the move of a whole folder land."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from breakeven.cli.main import run
from tests.gate.bench import POLICY, PROFILE, git
from tests.gate.scene import DOUBLED, FLAT, HOURLY, RISE, Scene


def named(name: str, text: str = PROFILE) -> str:
    return text.replace("name: chat", f"name: {name}")


@pytest.fixture
def moved(scene: Scene) -> Scene:
    """A folder that moves as it is, with a file that one of its profiles reads."""
    git(scene.folder, "rm", "-q", "chat.yaml")
    scene.base({"configs/a.yaml": named("a"), "configs/b.yaml": named("b", HOURLY), "configs/week.txt": FLAT, "breakeven.policy.yaml": RISE})
    git(scene.folder, "mv", "configs", "profiles")
    return scene


CHECK = ["check", "profiles/a.yaml", "profiles/b.yaml", "--base-ref", "main", "-f", "json", "--on", "2026-11-24"]


def findings(capsys: pytest.CaptureFixture[str], code: int, *more: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run([*CHECK, *more]) == code
    return list(json.loads(capsys.readouterr().out)["findings"])


def test_a_folder_that_moves_lands_with_the_waivers_that_are_named(moved: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, 1, "--policy", "breakeven.policy.yaml")
    waivers = []
    for item, name in zip(found, ("a", "b"), strict=True):
        assert item["rule"] == "new_profile"
        assert item["message"].startswith(f"the base has this name only in configs/{name}.yaml, which is no base, since the check does not look there: it adds $7,097 a month")
        asked = re.search(r"land first a waiver with (.*) \(one for each", item["fix"])
        assert asked is not None
        waivers.append(f"  - {{id: move-{name}, {asked.group(1)}, reason: folder renamed, owner: ann, approver: bob, expires: 2026-12-31}}\n")
    git(moved.folder, "stash", "-q")
    moved.base({"breakeven.policy.yaml": RISE + "waivers:\n" + "".join(waivers)})
    git(moved.folder, "stash", "pop", "-q", "--index")
    assert [item["waived_by"] for item in findings(capsys, 0, "--policy", "breakeven.policy.yaml")] == ["move-a", "move-b"]
    moved.write({"profiles/a.yaml": named("a", DOUBLED)})  # no dearer one lands in their shadow
    assert [item["waived_by"] for item in findings(capsys, 1, "--policy", "breakeven.policy.yaml")] == [None, "move-b"]


def test_without_a_policy_the_option_is_named(moved: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (first, _) = findings(capsys, 1, "--fail-if", "increase > 5%")
    assert first["fix"] == "review all that it adds: it is not compared with configs/a.yaml; for a move alone give --allow-new"
    (first, _) = findings(capsys, 0, "--fail-if", "increase > 5%", "--allow-new")
    assert first["fix"] == "review all that it adds: it is not compared with configs/a.yaml"


def test_a_draft_that_nobody_checked_does_not_land_by_its_move(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """The same bytes under the same file name are no proof that the old place was checked."""
    scene.base({"configs/a.yaml": named("a"), "drafts/huge.yaml": named("huge", PROFILE.replace("33333", "90M")), "breakeven.policy.yaml": POLICY})
    git(scene.folder, "mv", "drafts/huge.yaml", "configs/huge.yaml")
    assert run(["check", "configs/a.yaml", "configs/huge.yaml", "--base-ref", "main", "--policy", "breakeven.policy.yaml"]) == 1
    assert "the base has this name only in drafts/huge.yaml, which is no base" in capsys.readouterr().out


def test_two_of_a_name_are_no_base_and_say_so(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"one.yaml": named("x"), "two.yaml": named("x", DOUBLED)})
    git(scene.folder, "rm", "-q", "one.yaml")
    git(scene.folder, "mv", "two.yaml", "three.yaml")
    scene.more = ["three.yaml"]
    assert scene.check() == 1
    assert "the base has this name only in one.yaml, two.yaml, which is no base, since two of that name are gone" in capsys.readouterr().out
