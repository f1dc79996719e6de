"""Ways to fool the gate by which files a change touches, and by what they are called."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, git
from tests.gate.scene import DOUBLED, RISE, ROOT, WAGE, Register, Scene, assert_caught

SABOTAGES = sabotage = Register()
HUGE = PROFILE.replace("33333", "30M")


def named(name: str, text: str = PROFILE) -> str:
    return text.replace("name: chat", f"name: {name}")


# --- which file is the base ---------------------------------------------------------------------------


@sabotage(1, "new.yaml is new: tests/huge.yaml of the same name is gone, but is no base, since the check does not look there(.*\\n)*.*new_profile")
def a_dear_fixture_removed_to_be_the_base_of_a_new_profile(scene: Scene) -> None:
    scene.base({"tests/huge.yaml": named("huge", HUGE)})
    (scene.folder / "tests" / "huge.yaml").unlink()
    scene.write({"new.yaml": named("huge", DOUBLED)})
    scene.more = ["new.yaml"]


@sabotage(1, "cost_increase")
def a_profile_moved_within_the_checked_folders(scene: Scene) -> None:
    scene.base({"old.yaml": named("moves")})
    git(scene.folder, "mv", "old.yaml", "new.yaml")
    scene.write({"new.yaml": named("moves", DOUBLED)})
    scene.more = ["new.yaml"]


# --- where the check does not look --------------------------------------------------------------------


@sabotage(1, "left_unchecked: low moved from low.yaml to low.json")
def a_profile_with_a_suffix_of_another_kind(scene: Scene) -> None:
    scene.base({"low.yaml": named("low")})
    git(scene.folder, "mv", "low.yaml", "low.json")
    scene.write({"low.json": named("low", DOUBLED)})


@sabotage(1, "left_unchecked: low moved from low.yaml to low.YAML")
def a_profile_with_a_suffix_in_capitals(scene: Scene) -> None:
    scene.base({"low.yaml": named("low")})
    git(scene.folder, "mv", "low.yaml", "low.YAML")


@sabotage(1, "left_unchecked: low moved from low.yaml to other/low.yaml")
def a_profile_whose_first_key_is_written_in_escapes(scene: Scene) -> None:
    scene.base({"low.yaml": named("low")})
    (scene.folder / "low.yaml").unlink()
    scene.write({"other/low.yaml": named("low", DOUBLED).replace("workload:", '"work\\u006coad":')})


@sabotage(1, "left_unchecked: low \\(low.yaml\\) is gone, and profiles that change here are not checked: drafts/x.yaml .*; check them as well, or remove the old one in a change of its own")
def a_profile_that_takes_the_place_of_another(scene: Scene) -> None:
    scene.base({"low.yaml": named("low"), "drafts/x.yaml": named("x")})
    (scene.folder / "low.yaml").unlink()
    scene.write({"drafts/x.yaml": named("x", DOUBLED)})


@sabotage(1, "left_unchecked: low moved from low.yaml, where other is now, to drafts/low.yaml, which is not checked here .*; check the new file as well")
def a_profile_moved_out_behind_another_in_its_file(scene: Scene) -> None:
    scene.base({"low.yaml": named("low", PROFILE.replace("33333", "90000"))})
    scene.write({"low.yaml": named("other", PROFILE.replace("33333", "80000")), "drafts/low.yaml": named("low", PROFILE.replace("33333", "90000"))})
    scene.more = ["low.yaml"]


@sabotage(1, "left_unchecked: low.yaml was low and is other, and profiles that change here are not checked: drafts/x.yaml .*; check them as well, or rename the profile in a change of its own")
def a_profile_moved_out_under_another_name_behind_another_in_its_file(scene: Scene) -> None:
    scene.base({"low.yaml": named("low", PROFILE.replace("33333", "90000"))})
    scene.write({"low.yaml": named("other", PROFILE.replace("33333", "80000")), "drafts/x.yaml": named("x", PROFILE.replace("33333", "90000"))})
    scene.more = ["low.yaml"]


@sabotage(1, "left_unchecked: low.yaml was low and is other, and profiles that change here are not checked: drafts/x.yaml")
def a_profile_moved_out_behind_a_small_new_one_of_its_name(scene: Scene) -> None:
    scene.base({"low.yaml": named("low", PROFILE.replace("33333", "90000")), "breakeven.policy.yaml": RISE + "  new_profile: {level: warn}\n"})
    scene.write({"low.yaml": named("other", PROFILE.replace("33333", "80000")), "new.yaml": named("low"), "drafts/x.yaml": named("x", PROFILE.replace("33333", "90000"))})
    scene.more = ["low.yaml", "new.yaml"]


# --- what a file is called ----------------------------------------------------------------------------


@sabotage(2, r"error: ch%FF.yaml: has a name that is not UTF-8; rename the file")
def a_name_that_is_no_text(scene: Scene) -> None:
    (scene.folder / os.fsdecode(b"ch\xff.yaml")).write_text(named("odd"), encoding="utf-8")
    scene.more = [os.fsdecode(b"ch\xff.yaml"), "-f", "json"]


@sabotage(1, "low moved from low.yaml to x/ch%FF.yaml, which is not checked here")
def a_profile_hidden_behind_a_name_that_is_no_text(scene: Scene) -> None:
    scene.base({"low.yaml": named("low")})
    (scene.folder / "x").mkdir()
    (scene.folder / "low.yaml").rename(scene.folder / "x" / os.fsdecode(b"ch\xff.yaml"))
    scene.more = ["-f", "sarif"]


@sabotage(2, r"goes back \('..'\) from a symbolic link \(lnk\); name the file without the link")
def a_way_through_a_link_and_back(scene: Scene) -> None:
    scene.base({"other/chat.yaml": named("b", DOUBLED), "other/inner/x": "", "configs/chat.yaml": named("b")})
    (scene.folder / "configs" / "lnk").symlink_to("../other/inner")
    scene.more = ["configs/lnk/../chat.yaml"]


@pytest.mark.parametrize("name", SABOTAGES)
def test_is_caught_for_its_own_reason(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_caught(scene, SABOTAGES[name], capsys)


@pytest.mark.parametrize(("names", "code"), [(["zürich.yaml"], 2), ([], 0)], ids=["named", "beside"])
def test_a_locale_without_letters_is_no_crash(scene: Scene, names: list[str], code: int) -> None:
    scene.base({"zürich.yaml": named("z")})
    scene.write({"zürich.yaml": named("z", DOUBLED)})
    done = subprocess.run(
        [sys.executable, "-m", "breakeven", "check", "chat.yaml", *names, "--policy", "breakeven.policy.yaml", "--base-ref", "main", "-f", "json"],
        cwd=scene.folder, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert (b"has letters that this locale cannot name; set PYTHONUTF8=1" in done.stderr) == bool(names)
    assert ("zürich.yaml".encode() in done.stdout) == (not names)


def test_a_profile_renamed_alone_passes_and_is_said(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"chat.yaml": named("talk")})
    assert scene.check() == 0
    assert "note: it is called chat at the base" in capsys.readouterr().out


def test_a_removal_of_large_files_is_no_error(scene: Scene) -> None:
    """Whatever the suffix, what is gone is looked at, and what is larger than a profile is not."""
    scene.base({f"data/{number}.bin": "x" * 3_000_000 for number in range(3)} | {f"more/{number}.txt": f"{number}" * 900_000 for number in range(9)})
    git(scene.folder, "rm", "-rq", "data", "more")
    assert scene.check() == 0


def test_a_file_that_nothing_tracks_yet_is_a_change(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"fresh.yaml": named("fresh")})
    scene.more = ["fresh.yaml"]
    assert scene.check() == 1
    said = capsys.readouterr().out
    assert "with uncommitted changes" in said
    assert "there is no change to judge" not in said


@pytest.mark.parametrize("more", [
    ["-o", "chat.yaml"], ["-o", "./x/../chat.yaml"], ["--report", "md=breakeven.policy.yaml"], ["--report", "json=x.lock"], ["-o", "facts/report.md"], ["-o", "alias.yaml"],
], ids=str)  # fmt: skip
def test_a_report_does_not_take_the_place_of_what_it_is_about(scene: Scene, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"facts/own.yaml": WAGE.format(value=1)})
    (scene.folder / "x").mkdir()
    (scene.folder / "alias.yaml").symlink_to("chat.yaml")
    assert run(["catalog", "lock", "chat.yaml", "-o", "x.lock"]) == 0
    scene.base({})
    before = {path: path.read_bytes() for path in scene.folder.iterdir() if path.is_file()}
    scene.more = ["--catalog", "facts", "--locked", "x.lock"]
    assert scene.check(*more) == 2
    assert "is read by this check, so no report may be written there; name another file" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in scene.folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("more", [["--approve", "--approver", "bob", "--reason", "start", "-o", "chat.yaml"], ["--baseline", "approved.json", "-o", "approved.json"]], ids=str)
def test_an_approval_and_a_baseline_are_spared_too(scene: Scene, more: list[str]) -> None:
    command = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml"]
    signed = ["--approve", "--approver", "bob", "--reason", "start", "-o", "approved.json"]
    assert run([*command, *signed]) == 0
    assert run([*command, *more]) == 2
    assert run([*command, *signed]) == 0  # an approval may renew the baseline
    assert (scene.folder / "chat.yaml").read_text(encoding="utf-8") == PROFILE
