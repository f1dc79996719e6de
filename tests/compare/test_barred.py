"""What a requirement bars is never advised, whatever the command; what is left is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from breakeven.cli.app import invoke

from .profiles import simple


def write(folder: Path, *, volume: float = 200e6, region: str | None = "eu-central", **changes: Any) -> str:
    data = simple(tokens_per_day=volume, price=1.0, usd_per_gpu_hour=70 / 24, tok_per_s=100e6 / 86_400, **changes)
    data["requirements"] = {"data_residency": ["eu"]}
    if region:
        data["self_host"]["supply"][0]["region"] = region
    path = folder / "profile.yaml"
    path.write_text(yaml.safe_dump(data))
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert invoke(list(words)) == 0
    return " ".join(capsys.readouterr().out.split())


def test_forecast_names_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, volume=1e6)
    out = said(capsys, "forecast", path)
    assert out.startswith("api (own) does not meet the requirements, so 1x h100-sxm at $2.91667/h is what is left: ")
    assert "never pays" not in out
    made = json.loads(said(capsys, "forecast", path, "--format", "json"))
    barred = {row["kind"]: bool(row["why_not"]) for row in made["offers"]}
    assert barred == {"api": True, "rented": False, "hybrid": True}


def test_forecast_of_two_barred_offers_advises_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "forecast", write(tmp_path, region=None))
    assert out.startswith("Neither api (own) nor ")
    assert "Switch" not in out.split(".")[0]


def test_forecast_names_a_cheaper_offer_outside_the_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = simple(tokens_per_day=1e6, price=5.0, usd_per_gpu_hour=70 / 24, tok_per_s=1000)
    data["api"].append({"model": "own/cheap", "name": "the cheap one", "prices": {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.1}})
    path = tmp_path / "profile.yaml"
    path.write_text(yaml.safe_dump(data))
    assert "Of all offers that may serve it, the cheap one costs least: $" in said(capsys, "forecast", str(path))


def test_solve_says_that_it_is_on_cost_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, volume=1e6)
    out = said(capsys, "solve", path, "workload.tokens_per_day")
    assert "the API is cheaper, on cost alone" in out
    assert "api (own) does not meet the requirements: requirements.data_residency" in out
    made = json.loads(said(capsys, "solve", path, "workload.tokens_per_day", "--format", "json"))
    assert made["api"]["why_not"] and not made["self_host"]["why_not"]


def test_risk_says_that_it_is_on_cost_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scipy")
    ranges = {"self_host.supply[0].usd_per_gpu_hour": {"low": 2, "typical": 3, "high": 4}}
    path = write(tmp_path, uncertainty={"ranges": ranges})
    assert "This is on cost alone: api (own) does not meet the requirements (" in said(capsys, "risk", path)
    assert "hybrids are left out" in said(capsys, "risk", path)
