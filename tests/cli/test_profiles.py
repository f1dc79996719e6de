"""Shipped profiles, the starter and the schema: they validate, they run, and they agree."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import breakeven
import breakeven.errors
from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.profile.load import load_profile
from breakeven.profile.schema import profile_schema
from breakeven.yamlio import load_path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
CATALOGUE = Catalogue.load()


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_a_shipped_profile_runs_and_says_something(path: Path) -> None:
    result = breakeven.run(path, CATALOGUE)
    assert result.headline.sentence
    assert result.any_self_host_feasible
    assert all(row.usd_per_day is None or row.usd_per_day > 0 for row in result.offers)
    assert result.sources


def test_there_are_at_least_ten_beside_the_reference() -> None:
    assert len([path for path in CONFIGS if path.stem != "reference"]) >= 10


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_the_schema_accepts_what_the_tool_accepts(path: Path) -> None:
    jsonschema.Draft202012Validator(profile_schema()).validate(plain(load_path(path).data))


@pytest.mark.parametrize(
    "change", [{"nmae": "x"}, {"workload": {"tokens_per_day": []}}, {"api": []}, {"self_host": {"model": "x"}}, {"latency": {"percentile": 42}}]
)
def test_the_schema_refuses_what_the_tool_refuses(change: dict[str, Any]) -> None:
    data = plain(load_path(ROOT / "configs" / "reference.yaml").data) | change
    assert list(jsonschema.Draft202012Validator(profile_schema()).iter_errors(data))
    with pytest.raises(breakeven.errors.InputError):
        breakeven.run(data, CATALOGUE)


def test_init_writes_a_profile_that_runs_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new.yaml"
    assert run(["profile", "init", str(target)]) == 0
    load_profile(target)
    assert run(["run", str(target), "--no-chart"]) == 0
    before = target.read_bytes()
    assert run(["profile", "init", str(target)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert target.read_bytes() == before
    assert run(["profile", "init", str(target), "--rfp", "--force"]) == 0
    assert target.read_bytes() != before


def test_schema_and_validate_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "breakeven profile"
    assert run(["profile", "validate", *map(str, CONFIGS)]) == 0
    assert capsys.readouterr().out.count(": ok") == len(CONFIGS)


def test_python_m_breakeven_and_stdin() -> None:
    text = (ROOT / "configs" / "reference.yaml").read_bytes()
    done = subprocess.run([sys.executable, "-m", "breakeven", "run", "-", "-f", "json"], input=text, capture_output=True, check=True, cwd=ROOT)
    assert json.loads(done.stdout)["crossovers"][0]["first_tokens_per_day"] == pytest.approx(10.6e6)
