"""What a requirement bars is never advised, whatever the command; what is left is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import breakeven
from breakeven.cli.app import invoke
from breakeven.errors import BreakevenError

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


def too_short(*others: str) -> dict[str, Any]:
    """An API at $1 that takes no more than 100 input tokens, where requests have 1,000."""
    data = simple(tokens_per_day=10e6, price=1.0, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    data["api"][0]["max_input_tokens"] = 100
    data["api"] += others
    return data


def test_an_api_that_cannot_serve_is_not_what_the_verdict_is_about() -> None:
    result = breakeven.run(too_short("openai/gpt-6.1-sol"))
    assert result.headline.api == "api:openai/gpt-6.1-sol"
    hybrids = [row for row in result.offers if row.offer.kind == "hybrid"]
    assert hybrids and all(row.offer.meta["api"] == "api:openai/gpt-6.1-sol" for row in hybrids)


def test_beside_an_api_that_cannot_serve_only_the_machine_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = breakeven.run(too_short())
    assert result.headline.cheaper_at_volume == result.headline.self_host
    assert any("the API cannot serve this workload: requests of 1,000 input" in text for text in result.headline.conditions)
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(too_short()))
    assert "is the only one of this pair that can serve; it costs" in said(capsys, "run", str(path))
    rows = said(capsys, "sweep", str(path), "--vary", "self_host.labour_fte=0,1", "--format", "csv").split()[1:]
    assert len(rows) == 2 and all(row.split(",")[3].startswith("rented:") for row in rows)


def test_what_cannot_serve_is_not_called_barred_by_a_requirement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    data = too_short()
    data["uncertainty"] = {"ranges": {"self_host.supply[0].usd_per_gpu_hour": {"low": 0.01, "high": 3}}}
    path.write_text(yaml.safe_dump(data))
    why = "requests of 1,000 input tokens exceed api[0].max_input_tokens"
    texts = {name: said(capsys, name, str(path)) for name in ("forecast", "solve", "risk")}
    for text in texts.values():
        assert "api (own) cannot serve this workload" in text and why in text and "requirements" not in text
    assert "so 1x h100-sxm at $2.5/h is what is left" in texts["forecast"]
    found = json.loads(said(capsys, "risk", str(path), "--format", "json"))
    # On cost alone: 10M tokens at $1 against 24 hours of a rate that is seldom below $0.42.
    assert 0 < found["self_host_wins_probability"] < 0.1
    assert {row["offer"][:3]: row["cheapest_probability"] for row in found["offers"]} == {"api": 0.0, "ren": 1.0}
    assert found["inputs"][0]["total_effect_share"] == pytest.approx(1.0, abs=0.05)


def test_without_a_machine_that_fits_every_command_says_which_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = simple(tokens_per_day=10e6, price=1.0, usd_per_gpu_hour=2.5, tok_per_s=1e6, accelerator="rtx-4090")
    del data["self_host"]["throughput"]
    data["uncertainty"] = {"ranges": {"self_host.labour_fte": {"low": 0, "high": 1}}}
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(data))
    why = "gpt-oss-120b in mxfp4 needs 65 GB per accelerator"
    assert why in said(capsys, "solve", str(path))
    assert f"note: no self-hosted offer can serve this workload: {why}" in said(capsys, "forecast", str(path))
    assert why in said(capsys, "solve", str(path), "--format", "json")
    for command in (["risk"], ["forecast", "--history"]):
        with pytest.raises(BreakevenError, match=why):
            invoke([*command, str(path)])


def test_a_draw_without_an_answer_has_no_winner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cached and written shares that are more than all of the input together cannot be priced."""
    data = simple(tokens_per_day=10e6, price=1.0, usd_per_gpu_hour=2.5, tok_per_s=1e6)
    data["workload"] |= {"cached_input_share": 0.2, "cache_write_share": 0.2}
    data["uncertainty"] = {"ranges": {
        f"workload.{key}": {"low": 0.1, "typical": 0.2, "high": 0.8} for key in ("cached_input_share", "cache_write_share")
    }}  # fmt: skip
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(data))
    found = json.loads(said(capsys, "risk", str(path), "--draws", "1024", "--format", "json"))
    assert 0 < found["failed_draws"] < found["draws"]
    assert found["never_probability"] == 0.0  # of those that could be answered: the crossing lies at 60M in each
    assert [row["cheapest_probability"] for row in found["offers"]] == [1.0, 0.0]


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
