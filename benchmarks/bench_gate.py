"""`breakeven check --base-ref` in a repository with a hundred profiles; target: under 3 s.

The limit in the same run: parsing the same hundred files twice (base and head) with the C YAML parser.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROFILE = (ROOT / "configs" / "support-chat.yaml").read_text(encoding="utf-8")
POLICY = "version: 1\nsubject: headline-api\nrules:\n  cost_increase: {max_share: 1%}\n"


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=b", "-c", "user.email=b@example.com", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        git(folder, "init", "-q", "-b", "main")
        names = [f"p{number}.yaml" for number in range(100)]
        for number, path in enumerate(names):
            (folder / path).write_text(PROFILE.replace("name: support-chat", f"name: p{number}"), encoding="utf-8")
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "base")
        doubled = PROFILE.replace("name: support-chat", "name: p7").replace("input_tokens: 2600", "input_tokens: 5200")
        (folder / "p7.yaml").write_text(doubled, encoding="utf-8")
        command = [sys.executable, "-m", "breakeven", "check", *names, "--policy", "policy.yaml", "--base-ref", "main"]
        start = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=environment)
        whole = time.perf_counter() - start
        # A command that never ran also ends in exit code 1: the report itself has to say what was judged.
        if done.returncode != 1 or "100 profile(s) checked" not in done.stdout or "p7.yaml:" not in done.stdout:
            sys.exit(f"the check itself failed with exit code {done.returncode}: {done.stderr[-500:]}")
        start = time.perf_counter()
        for path in names * 2:
            yaml.load((folder / path).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        print(f"check of 100 profiles: {whole:.2f} s (target 3 s); parsing them twice alone: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
