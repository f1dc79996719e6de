"""A value at which the verdict flips has its unit in every report, and its amount in the report's currency."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import breakeven
from breakeven.cli.main import run
from breakeven.compare.result import Comparison
from breakeven.render.registry import Options, render_run

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "reference.yaml"
EUR = {"code": "EUR", "usd_per_unit": 1.06, "as_of": "2026-11-20", "source": "ECB"}


def result(currency: dict[str, Any] | None) -> Comparison:
    return breakeven.run(CONFIG, overrides=[f"finance.currency={json.dumps(currency)}"] if currency else [])


def text(name: str, currency: dict[str, Any] | None) -> str:
    said = str(render_run(name, [result(currency)], Options(chart=False, to_file=True)))
    return " ".join(said.replace("\\", "").split())


def test_the_terminal_and_markdown_give_value_and_unit_now_and_then() -> None:
    """The API costs 6 USD/Mtok and the GPU 63.60 USD/day at 10 Mtok/day: 6.36 USD/Mtok, and 60 / 24 = 2.50 USD/GPU-hour."""
    table, md = text("table", None), text("md", None)
    assert "self_host.supply[0].usd_per_gpu_hour: 2.5 USD/GPU-hour (now 2.65 USD/GPU-hour)" in table
    assert "| self_host.supply[0].usd_per_gpu_hour | 2.65 USD/GPU-hour | 2.5 USD/GPU-hour |" in md
    assert "api price at this shape: 6.36 USD/Mtok (now 6 USD/Mtok)" in table
    assert "| api price at this shape | 6 USD/Mtok | 6.36 USD/Mtok |" in md


@pytest.mark.parametrize("name", ("table", "md", "html"))
def test_a_report_in_another_currency_says_the_amount_in_it_too(name: str) -> None:
    """2.50 / 1.06 and 6.36 / 1.06."""
    said = text(name, EUR)
    assert "EUR 2.36/GPU-hour" in said and "EUR 6.00/Mtok" in said
    assert "EUR 2.36/GPU-hour" not in text(name, None)


@pytest.mark.parametrize("currency", (None, EUR))
def test_the_workbook_says_the_unit_it_counts_in(currency: dict[str, Any] | None) -> None:
    pytest.importorskip("xlsxwriter")
    assert b"USD/GPU-hour" in render_run("xlsx", [result(currency)], Options(to_file=True))


def test_solve_says_units_and_shares_in_per_cent(capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["self_host.supply[0].usd_per_gpu_hour", "workload.cached_input_share"]
    assert run(["solve", str(CONFIG), *keys, "--set", f"finance.currency={json.dumps(EUR)}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert " 2.65 2.5 USD/GPU-hour self-hosting, then" in said
    assert "the API stays cheaper" in said and "from 0% to 100%" in said
    assert "In EUR: self_host.supply[0].usd_per_gpu_hour 2.5 USD/GPU-hour = EUR 2.36/GPU-hour." in said


def test_solve_as_data_has_the_key_unit_beside_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", str(CONFIG), "self_host.supply[0].usd_per_gpu_hour", "-f", "json"]) == 0
    (solution,) = json.loads(capsys.readouterr().out)["solutions"]
    assert solution["unit"] == "USD/GPU-hour" and solution["flips"][0]["value"] == pytest.approx(2.5)
