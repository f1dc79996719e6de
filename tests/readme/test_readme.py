"""What the README tells a stranger to type works as written, and what it quotes is what the tool prints."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from breakeven.cli.app import COMMANDS, GROUP_HELP
from breakeven.cli.main import run
from breakeven.profile.load import loads_profile

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def shell_lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def test_the_commands_of_the_readme_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    commands = [line for line in shell_lines() if line.startswith("breakeven ")]
    assert len(commands) >= 6
    for line in commands:
        assert run(shlex.split(line)[1:]) == 0, line


def test_make_targets_named_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for line in shell_lines():
        if line.startswith("make "):
            assert line.split()[1] in targets


def test_the_example_profile_is_valid() -> None:
    example = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert example is not None
    assert loads_profile(example.group(1).encode(), "README.md").profile.name == "support-assistant"


def test_the_quoted_verdict_is_what_run_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", str(ROOT / "configs" / "reference.yaml"), "--no-chart"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    quoted = " ".join(line.removeprefix("> ") for line in README.splitlines() if line.startswith("> "))
    # The share of capacity is the serving model's and moves a little with each calibration.
    share = r"lies at [0-9.]+% of"
    assert re.search(share, quoted)
    assert re.sub(share, "", quoted) == re.sub(share, "", first)


def test_every_command_named_in_the_readme_exists() -> None:
    for words in re.findall(r"`breakeven ([a-z]+)(?: ([a-z]+))?", README):
        group, name = words
        if group in GROUP_HELP:
            assert not name or name in COMMANDS[group]
        else:
            assert group in COMMANDS[""]


def test_documents_named_in_the_readme_exist() -> None:
    for name in re.findall(r"\]\(((?:docs/)?[A-Za-z.-]+)\)", README):
        assert (ROOT / name).exists(), name
