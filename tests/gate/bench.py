"""A small world in which the gate can be fooled: one profile, one policy, one baseline."""

from __future__ import annotations

import subprocess
from pathlib import Path

from breakeven.cli.main import run

PROFILE = """\
name: chat
workload:
  requests_per_day: 33333
  input_tokens: 1000
  output_tokens: 500
api:
  - {model: own/price, prices: {input_usd_per_mtok: 2, output_usd_per_mtok: 10, cached_input_usd_per_mtok: 0.2}}
self_host:
  model: openai/gpt-oss-120b
  throughput: {total_tok_per_s: 9000}
  supply:
    - {rent: h100-sxm, usd_per_gpu_hour: 12, gpus: 1}
"""
POLICY = """\
version: 1
subject: headline-api
rules:
  cost_increase: {max_share: 1%}
  budget_month: {max_usd: 9k}
"""
WAIVER = "waivers: [{{id: w1, rule: {rule}, scope: '{scope}', reason: launch week, owner: ann, approver: bob, expires: {expires}{more}}}]\n"
LIMIT = ", max_share: 80%"


class World:
    """Files in a folder, and the check command over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profile, self.policy, self.baseline = folder / "chat.yaml", folder / "policy.yaml", folder / "approved.json"
        self.profile.write_text(PROFILE, encoding="utf-8")
        self.policy.write_text(POLICY, encoding="utf-8")
        assert run(["check", str(self.profile), "--policy", str(self.policy), "--approve", "--approver", "bob", "--reason", "start", "-o", str(self.baseline)]) == 0

    def check(self, *more: str) -> int:
        return run(["check", str(self.profile), "--policy", str(self.policy), "--baseline", str(self.baseline), *more])

    def edit(self, old: str, new: str) -> None:
        text = self.profile.read_text(encoding="utf-8")
        assert old in text
        self.profile.write_text(text.replace(old, new), encoding="utf-8")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", *arguments],
        cwd=folder, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def repository(folder: Path) -> Path:
    """A repository whose main branch holds the profile and the policy."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "chat.yaml").write_text(PROFILE, encoding="utf-8")
    (folder / "breakeven.policy.yaml").write_text(POLICY, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "base")
    git(folder, "checkout", "-q", "-b", "change")
    return folder
