"""The self-test's sabotages that need history: a small git repository of its own, in a temporary folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

Case = tuple[str, bool, list[str]]


def repository_cases(folder: Path, profile: str, policy: str) -> list[tuple[Case, Callable[[], object]]]:
    """(label, whether it has to pass, arguments), each with what prepares it. Raises OSError where git is missing."""
    _git(folder, "init", "-q", "-b", "main")
    files = {"profile.yaml": profile, "policy.yaml": policy, "a/other.yaml": profile.replace("name: self-test", "name: other")}
    put(folder, files)
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=self-test", "-c", "user.email=self-test@localhost", "commit", "-q", "-m", "base")
    check = ["check", str(folder / "profile.yaml"), str(folder / "a" / "other.yaml"), "--policy", str(folder / "policy.yaml"), "--base-ref"]
    doubled = profile.replace("input_tokens: 1000", "input_tokens: 2000")
    loose = policy.replace("1%", "900%").replace("9k", "9M")
    waiver = "waivers: [{id: w, rule: cost_increase, scope: '*', max_share: 900%, reason: because, owner: a, approver: b, expires: 2026-12-31}]\n"
    tokens = profile.replace("requests_per_day: 33333", "tokens_per_day: 30M").replace("input_tokens: 1000", "input_tokens: 2000")
    changes = [
        ("the base revision passes", True, {}, "main"), ("doubled prompt against a revision", False, {"profile.yaml": doubled}, "main"),
        ("a policy loosened by the change", False, {"profile.yaml": doubled, "policy.yaml": loose}, "main"),
        ("a waiver brought along", False, {"profile.yaml": doubled, "policy.yaml": policy.replace("budget_month: {max_usd: 9k}", "") + waiver}, "main"),
        ("a policy broken by the change", False, {"policy.yaml": "version: 1"}, "main"), ("a volume that hides a longer prompt", False, {"profile.yaml": tokens}, "main"),
        ("a revision that is not here", False, {}, "nowhere"), ("a revision of another history", False, {}, "main:profile.yaml"),
    ]  # fmt: skip
    return [((label, good, [*check, ref, "--on", "2026-11-24"]), partial(put, folder, {**files, **edit})) for label, good, edit, ref in changes]


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
