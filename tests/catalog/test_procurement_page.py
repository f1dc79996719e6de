"""What docs/procurement.md shows is true: its quotes verify, its profile loads, its commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from breakeven.cli.main import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/procurement.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
QUOTES = [text for text in YAML if text.startswith("kind: quotes")]
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profile.yaml").write_text((ROOT / "configs/owned-70b.yaml").read_text(encoding="utf-8"))
    (tmp_path / "quotes").mkdir()
    return tmp_path


def test_the_quotes_verify_and_rank(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, text in enumerate(QUOTES):
        (place / f"quotes/q{number}.yaml").write_text(text)
    assert run(["catalog", "verify", "quotes"]) == 0
    assert (
        run(["run", "profile.yaml", "--catalog", "quotes/", "--no-chart", "--set", "requirements.no_third_party=false"])
        == 0
    )
    out = capsys.readouterr().out
    assert len(QUOTES) == 2 and "Acme Systems, quote 4711" in out and "Cumulus, offer 17" in out


def test_the_profile_may_name_one(place: Path) -> None:
    (place / "quotes/acme-4711.yaml").write_text(QUOTES[0])
    (part,) = [text for text in YAML if text.startswith("self_host:")]
    (place / "p.yaml").write_text(
        "name: x\nworkload: {tokens_per_day: 100M, input_tokens: 1000, output_tokens: 500}\napi: [openai/gpt-5.4-mini]\n"
        + part
    )
    assert run(["run", "p.yaml", "--catalog", "quotes", "--no-chart"]) == 0


def test_the_commands_run_in_their_order(place: Path) -> None:
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        name, *argv = shlex.split(command)
        assert name == "breakeven" and run(argv) == 0
        blank = place / "quotes/acme-4711.yaml"
        if blank.exists() and "--rfp" in argv:
            blank.write_text(QUOTES[0])  # as the supplier sends it back
    assert (place / "decision.zip").exists() and (place / "breakeven.lock").exists()
