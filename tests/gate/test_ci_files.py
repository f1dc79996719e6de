"""The files teams copy into their CI: they parse, and their script runs against a local repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from breakeven.gate.policy import load_policy
from breakeven.yamlio import load_bytes, load_path
from tests.gate.bench import PROFILE, git, repository

ROOT = Path(__file__).resolve().parents[2]


def script(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "docs" / "ci" / "check.sh")], cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BREAKEVEN": f"{sys.executable} -m breakeven", "BREAKEVEN_PROFILES": "chat.yaml",
             "BREAKEVEN_BASE_REF": "main", **environment},
    )  # fmt: skip


def test_the_actions_script_fails_a_dearer_change_and_writes_every_surface(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    (folder / "chat.yaml").write_text(PROFILE.replace("input_tokens: 1000", "input_tokens: 2000"), encoding="utf-8")
    done = script(
        folder, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(tmp_path / "output"), GITHUB_STEP_SUMMARY=str(tmp_path / "step.md"),
        BREAKEVEN_SUMMARY=str(tmp_path / "comment.md"), BREAKEVEN_SARIF=str(tmp_path / "x.sarif"), BREAKEVEN_JUNIT=str(tmp_path / "x.xml"),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "::error file=chat.yaml,line=4" in done.stdout
    assert (tmp_path / "output").read_text(encoding="utf-8") == "failed=true\n"
    assert (tmp_path / "comment.md").read_text(encoding="utf-8").startswith("<!-- breakeven-gate -->")
    assert json.loads((tmp_path / "x.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert (tmp_path / "step.md").exists()
    assert (tmp_path / "x.xml").exists()


def test_the_actions_script_passes_a_clean_change_and_fails_closed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    assert script(folder, GITHUB_OUTPUT=str(tmp_path / "output")).returncode == 0
    assert (tmp_path / "output").read_text(encoding="utf-8") == "failed=false\n"
    assert script(folder, BREAKEVEN_BASE_REF="--upload-pack=touch pwned").returncode == 2
    assert script(folder, BREAKEVEN_PROFILES="gone.yaml").returncode == 2
    assert script(folder, BREAKEVEN_PROFILES="").returncode != 0
    assert script(folder, BREAKEVEN_PROFILES="$(touch pwned) chat.yaml").returncode == 2
    assert not (folder / "pwned").exists()
    assert git(folder, "status", "--porcelain") == ""


def test_the_actions_inputs_are_what_the_host_knows() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for name, entry in action["inputs"].items():
        assert set(entry) <= {"description", "required", "default"}, name
    used = set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == set(action["inputs"])


@pytest.mark.parametrize("name", ["action.yml", ".pre-commit-hooks.yaml", "docs/ci/gitlab.yml", "docs/ci/github.yml"])
def test_ci_files_are_yaml(name: str) -> None:
    assert yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_action_never_puts_an_input_into_its_script() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_the_policies_shown_are_valid() -> None:
    load_policy(load_path(ROOT / "breakeven.policy.yaml"))
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "gate.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    policy = load_policy(load_bytes(shown.group(1).encode(), "docs/gate.md"))
    assert policy.waivers[0].id == "launch-week"
