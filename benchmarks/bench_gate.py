"""`breakeven check --base-ref` in a repository with a hundred profiles; target: under 3 s.

The limit in the same run: parsing the same hundred files twice (base and head) with the C YAML parser.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

PROFILE = (Path(__file__).resolve().parents[1] / "configs" / "support-chat.yaml").read_text(encoding="utf-8")
POLICY = "version: 1\nrules:\n  cost_increase: {max_share: 1%}\n"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@example.com", *arguments], cwd=folder, check=True, capture_output=True)


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
        (folder / "p7.yaml").write_text(PROFILE.replace("name: support-chat", "name: p7").replace("2600", "5200"), encoding="utf-8")
        command = [sys.executable, "-m", "breakeven", "check", *names, "--policy", "policy.yaml", "--base-ref", "main"]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)
        whole = time.perf_counter() - start
        if done.returncode != 1 and done.returncode != 0:
            sys.exit(f"the check itself failed with exit code {done.returncode}")
        start = time.perf_counter()
        for path in names * 2:
            yaml.load((folder / path).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        print(f"check of 100 profiles: {whole:.2f} s (target 3 s); parsing them twice alone: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
