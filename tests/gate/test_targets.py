"""Where a report may go: over nothing that is read, and never into a repository's own folder."""

from __future__ import annotations

import subprocess

import pytest

from breakeven.cli.main import run
from tests.gate.bench import PROFILE, git
from tests.gate.scene import FLAT, HOURLY, Scene

OWN_MODEL = PROFILE.replace("model: openai/gpt-oss-120b", "model: ./own")
SPARED = "so no report may be written there; name another file"
SIGNED = ["--approve", "--approver", "bob", "--reason", "start"]


@pytest.fixture
def beside(scene: Scene) -> Scene:
    """A profile that reads a series, and a second one that reads a model and a benchmark; the last two say nothing."""
    scene.base({"chat.yaml": HOURLY, "week.txt": FLAT, "own/config.json": "{}", "bench.yaml": "x: 1\n", "deep/two.yaml": OWN_MODEL.replace("name: chat", "name: two").replace("./own", "../own") + "  benchmark: ../bench.yaml\n"})
    (scene.folder / "alias.md").symlink_to("week.txt")
    return scene


@pytest.mark.parametrize("target", ["week.txt", "deep/../week.txt", "alias.md", "own/config.json", "bench.yaml"])
@pytest.mark.parametrize("how", [["-o"], ["--report", "md="], ["approve"], ["diff"]], ids=lambda how: how[0])
def test_files_beside_a_profile_are_spared(beside: Scene, how: list[str], target: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in beside.folder.rglob("*") if path.is_file() and ".git" not in path.parts}
    command = ["check", "chat.yaml", "deep/two.yaml", "--policy", "breakeven.policy.yaml"]
    commands = {
        "-o": [*command, "--base-ref", "main", "-o", target], "--report": [*command, "--base-ref", "main", "--report", f"md={target}"],
        "approve": [*command, *SIGNED, "-o", target], "diff": ["diff", "chat.yaml", "deep/two.yaml", "--base-ref", "main", "-o", target],
    }  # fmt: skip
    assert run(commands[how[0]]) == 2
    assert f"{target}: is read by this {'diff' if how == ['diff'] else 'check'}, {SPARED}" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in beside.folder.rglob("*") if path.is_file() and ".git" not in path.parts} == before


@pytest.mark.parametrize("target", ["a.yaml", "b.json", "facts/new.md", "approved.json"])
def test_a_diff_spares_what_it_compares(scene: Scene, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    scene.write({"a.yaml": PROFILE})
    assert run(["run", "a.yaml", "--format", "json", "-o", "b.json"]) == 0
    (scene.folder / "facts").mkdir()
    assert run(["check", "chat.yaml", "--policy", "breakeven.policy.yaml", *SIGNED, "-o", "approved.json"]) == 0
    kept = (scene.folder / "approved.json").read_bytes()
    base = ["chat.yaml", "--baseline", "approved.json"] if target == "approved.json" else ["a.yaml", "b.json"]
    assert run(["diff", *base, "--catalog", "facts", "-o", target]) == 2
    assert f"is read by this diff, {SPARED}" in capsys.readouterr().err
    assert (scene.folder / "approved.json").read_bytes() == kept
    assert run(["diff", "a.yaml", "b.json", "-o", "new.txt"]) == 0


@pytest.mark.parametrize("target", [".git/HEAD", ".git/new.md", "x/../.git/config", "link/HEAD", "head.md", "../bare/HEAD", ".GIT/x", "tree/.git"])
@pytest.mark.parametrize("command", ["check", "approve", "diff", "self-test"])
def test_a_repository_is_never_written_into(scene: Scene, command: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    (scene.folder / "link").symlink_to(".git")
    (scene.folder / "head.md").symlink_to(".git/HEAD")
    git(scene.folder, "init", "-q", "--bare", "../bare")
    git(scene.folder, "worktree", "add", "-q", "tree", "main")
    commands = {
        "check": ["check", "chat.yaml", "--policy", "breakeven.policy.yaml", "--base-ref", "main", "--report", f"json={target}"],
        "approve": ["check", "chat.yaml", *SIGNED, "-o", target], "diff": ["diff", "chat.yaml", "--base-ref", "main", "-o", target],
        "self-test": ["check", "--self-test", "-o", target],
    }  # fmt: skip
    assert run(commands[command]) == 2
    assert "belongs to a git repository's own files, which a report would damage; name a file outside .git" in capsys.readouterr().err
    subprocess.run(["git", "status"], cwd=scene.folder, check=True, capture_output=True)
    subprocess.run(["git", "status"], cwd=scene.folder / "tree", check=True, capture_output=True)


def test_one_file_under_two_names_is_written_once(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (scene.folder / "x").mkdir()
    assert scene.check("--report", "md=r.md", "--report", "json=x/../r.md") == 2
    assert "one file is named for two surfaces" in capsys.readouterr().err


def test_a_link_that_leads_to_itself_is_no_crash(scene: Scene) -> None:
    (scene.folder / "loop").symlink_to("loop")
    assert scene.check("-o", "loop") == 2
