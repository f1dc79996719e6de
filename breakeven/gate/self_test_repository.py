"""The self-test's sabotages that need history: a small git repository of its own, in a temporary folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from breakeven.gate.self_test_texts import LONGER, POLICY, PROFILE, Case, waiver

_DOUBLED = PROFILE.replace("input_tokens: 1000", "input_tokens: 2000")
_LOOSE = POLICY.replace("1%", "900%").replace("9k", "9M")
_TOKENS = PROFILE.replace("requests_per_day: 33333", "tokens_per_day: 30M").replace("input_tokens: 1000", "input_tokens: 2000")
_AUTHOR = ("-c", "user.name=self-test", "-c", "user.email=self-test@localhost", "-c", "commit.gpgsign=false")


def repository_cases(folder: Path) -> list[tuple[Case, Callable[[], object]]]:
    """Each case with what prepares it. Raises OSError where git is missing."""
    files = {"profile.yaml": PROFILE, "policy.yaml": POLICY, "a/other.yaml": PROFILE.replace("name: self-test", "name: other")}
    _git(folder, "init", "-q", "-b", "main")
    put(folder, files)
    _git(folder, "add", "-A")
    _git(folder, *_AUTHOR, "commit", "-q", "-m", "base")
    # The same files in a history that has no commit in common with the one that is checked out.
    _git(folder, "checkout", "-q", "--orphan", "unrelated")
    _git(folder, *_AUTHOR, "commit", "-q", "-m", "another beginning")
    _git(folder, "checkout", "-q", "main")
    check = ["check", str(folder / "profile.yaml"), str(folder / "a" / "other.yaml"), "--policy", str(folder / "policy.yaml"), "--on", "2026-11-24", "--base-ref"]
    brought = POLICY + waiver(expires="2026-12-31")
    changes = [
        ("the base revision passes", 0, {}, "main"), ("doubled prompt against a revision", 1, {"profile.yaml": _DOUBLED}, "main"),
        ("a policy loosened by the change", 1, {"profile.yaml": _DOUBLED, "policy.yaml": _LOOSE}, "main"),
        ("a waiver brought along", 1, {"profile.yaml": LONGER, "policy.yaml": brought}, "main"),
        ("a policy broken by the change", 2, {"policy.yaml": "version: 1"}, "main"), ("a volume that hides a longer prompt", 1, {"profile.yaml": _TOKENS}, "main"),
        ("a revision that is not here", 2, {}, "nowhere"), ("a revision that is a file", 2, {}, "main:profile.yaml"),
        ("a revision of another history", 2, {}, "unrelated"),
    ]  # fmt: skip
    return [((label, code, [*check, ref]), partial(put, folder, {**files, **edit})) for label, code, edit, ref in changes]


def put(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _git(folder: Path, *arguments: str) -> None:
    # Neither the caller's repository (GIT_DIR, in a hook) nor the caller's settings have a part in it.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, timeout=60, env=kept | own)  # noqa: S603, S607
