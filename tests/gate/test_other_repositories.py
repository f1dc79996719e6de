"""A folder with a history of its own brings its own base, policy and waivers: nothing that is judged may lie in one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, git, repository
from tests.gate.scene import RISE, WAGE, Scene

LONG = PROFILE.replace("input_tokens: 1000", "input_tokens: 9000")
LOOSE = RISE.replace("1%", "900%")
CHECK = ["check", "configs/chat.yaml", "--policy", "configs/p.yaml", "--base-ref", "origin/main"]


def inner(folder: Path, files: dict[str, str]) -> None:
    """A repository whose ``origin/main`` is what it says now."""
    git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "its own base")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A repository with its profile and policy in ``configs``, as a runner checks it out."""
    found = Scene(repository(tmp_path / "r"))
    monkeypatch.chdir(found.folder)
    found.base({"configs/chat.yaml": PROFILE, "configs/p.yaml": RISE, "other.yaml": PROFILE.replace("name: chat", "name: other"), "p.yaml": RISE})
    git(found.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return found


def submodule(scene: Scene, name: str, files: dict[str, str], where: Path) -> None:
    """A change that turns a folder into a submodule."""
    (where / name).mkdir(parents=True)
    inner(where / name, files)
    git(scene.folder, "rm", "-q", "-r", "--ignore-unmatch", name)
    git(scene.folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(where / name), name)
    git(scene.folder / name, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(scene.folder, "commit", "-q", "-m", "a submodule")


def refused(capsys: pytest.CaptureFixture[str], command: list[str], words: str) -> None:
    capsys.readouterr()
    assert run(command) == 2
    assert words in capsys.readouterr().err


def test_the_clean_case_passes_from_wherever_it_runs(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(CHECK) == 0
    monkeypatch.chdir(scene.folder / "configs")
    assert run(["check", "chat.yaml", "--policy", "p.yaml", "--base-ref", "origin/main"]) == 0
    monkeypatch.chdir(tmp_path)  # in no repository: that of the profile counts
    assert run(["check", "r/configs/chat.yaml", "--policy", "r/configs/p.yaml", "--base-ref", "origin/main"]) == 0


def test_a_folder_turned_into_a_submodule_does_not_judge_itself(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    submodule(scene, "configs", {"chat.yaml": LONG, "p.yaml": LOOSE}, tmp_path / "elsewhere")
    refused(capsys, CHECK, "lies in a repository of its own (configs)")
    refused(capsys, ["diff", "configs/chat.yaml", "--base-ref", "origin/main"], "lies in a repository of its own (configs)")
    refused(capsys, ["check", "other.yaml", "--policy", "configs/p.yaml", "--base-ref", "origin/main"], "lies in a repository of its own (configs)")
    short = ["check", "chat.yaml", "--policy", "p.yaml", "--base-ref", "origin/main"]
    monkeypatch.chdir(scene.folder / "configs")  # a job whose working directory is that folder
    refused(capsys, short, "is a repository inside that of")
    monkeypatch.chdir(tmp_path)  # a job that runs beside the checkout
    refused(capsys, ["check", "r/configs/chat.yaml", "--policy", "r/configs/p.yaml", "--base-ref", "origin/main"], "is a repository inside that of")


def test_nor_one_that_was_already_there(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    submodule(scene, "configs", {"chat.yaml": LONG, "p.yaml": LOOSE}, tmp_path / "elsewhere")
    git(scene.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    refused(capsys, CHECK, "lies in a repository of its own (configs)")


def test_nor_one_whose_history_is_not_checked_out(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    submodule(scene, "configs", {"chat.yaml": LONG, "p.yaml": LOOSE}, tmp_path / "elsewhere")
    (scene.folder / "configs" / ".git").unlink()
    refused(capsys, CHECK, "lies in a repository of its own (configs)")


def test_nor_a_repository_that_nothing_registered(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    inner(scene.folder / "configs", {"chat.yaml": LONG, "p.yaml": LOOSE})
    refused(capsys, CHECK, "lies in a repository of its own (configs)")
    monkeypatch.chdir(scene.folder / "configs")
    refused(capsys, ["check", "chat.yaml", "--policy", "p.yaml", "--base-ref", "origin/main"], "is a repository inside that of")


def test_an_overlay_with_a_submodule_is_refused(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene.base({"facts/own.yaml": WAGE.format(value=5)})
    git(scene.folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    command = ["check", "other.yaml", "--policy", "p.yaml", "--base-ref", "origin/main", "--catalog"]
    assert run([*command, "facts"]) == 0
    submodule(scene, "facts/more", {"x.yaml": WAGE.format(value=7).replace("id: own", "id: more")}, tmp_path / "elsewhere")
    refused(capsys, [*command, "facts"], "holds a repository of its own (facts/more)")
    refused(capsys, [*command, "facts/more"], "lies in a repository of its own (facts/more)")


def test_files_of_another_repository_are_refused(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "far").mkdir()
    inner(tmp_path / "far", {"chat.yaml": LONG, "p.yaml": LOOSE})
    refused(capsys, ["check", "../far/chat.yaml", "--policy", "../far/p.yaml", "--base-ref", "origin/main"], "lies outside the repository")
    refused(capsys, ["check", "other.yaml", "--policy", "../far/p.yaml", "--base-ref", "origin/main"], "lies outside the repository")
    (tmp_path / "way").symlink_to(tmp_path / "far")  # by way of a link as well
    refused(capsys, ["check", "../way/chat.yaml", "--policy", "p.yaml", "--base-ref", "origin/main"], "lies outside the repository")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "far" / ".git"))  # nor does a variable make it this one
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "far"))
    refused(capsys, ["check", "../far/chat.yaml", "--policy", "p.yaml", "--base-ref", "origin/main"], "lies outside the repository")


def test_a_linked_working_tree_is_the_same_repository(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (tmp_path / "beside", scene.folder / "trees" / "one"):
        git(scene.folder, "worktree", "add", "-q", "--detach", str(place), "main")
        monkeypatch.chdir(place)
        assert run(CHECK) == 0
        (place / "configs" / "chat.yaml").write_text(LONG, encoding="utf-8")
        assert run(CHECK) == 1
    monkeypatch.chdir(scene.folder)  # but its files are those of another branch
    refused(capsys, ["check", "trees/one/configs/chat.yaml", "--policy", "p.yaml", "--base-ref", "origin/main"], "lies in a repository of its own (trees/one)")


def test_a_repository_below_one_that_does_not_have_it_judges_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that is a repository, say, with a clone somewhere below that it never tracked."""
    git(tmp_path, "init", "-q", "-b", "main")
    folder = repository(tmp_path / "r")
    monkeypatch.chdir(folder)
    command = ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main"]
    assert run(command) == 0
    shutil.rmtree(tmp_path / ".git")
    assert run(command) == 0


def test_the_self_test_runs_inside_another_repository(scene: Scene) -> None:
    assert run(["check", "--self-test"]) == 0
