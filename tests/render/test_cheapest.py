"""A cheaper offer outside the headline pair is named beside the verdict in every report."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

import breakeven
from breakeven.compare.result import Comparison
from breakeven.render.cheapest import cheaper_elsewhere
from breakeven.render.html_report import render_html
from breakeven.render.registry import Options, render_run
from breakeven.render.xlsx import render_xlsx

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.fixture(scope="module")
def rag() -> Comparison:
    return breakeven.run(CONFIGS / "rag.yaml")


def test_the_sentence_names_the_cheapest_and_its_cost(rag: Comparison) -> None:
    best = min((row for row in rag.offers if row.offer.eligible), key=lambda row: row.usd_per_day or 0.0)
    assert best.offer.id not in (rag.headline.api, rag.headline.self_host)
    said = cheaper_elsewhere(rag)
    assert said is not None
    assert best.offer.name in said
    assert f"${best.usd_per_day:.2f}" in said
    assert cheaper_elsewhere(breakeven.run(CONFIGS / "reference.yaml")) is None


@pytest.mark.parametrize("name", ["table", "md"])
def test_text_reports_say_it_before_the_table_of_offers(rag: Comparison, name: str) -> None:
    text = str(render_run(name, [rag], Options(chart=False, to_file=True))).replace("\\", "")
    assert text.index("costs least") < text.index("$/Mtok" if name == "table" else "## Offers")


def test_the_page_and_the_workbook_say_it(rag: Comparison) -> None:
    page = render_html([rag])
    assert "costs least" in page
    assert "choose" not in page[page.index("<main") : page.index("This holds if")]
    summary = openpyxl.load_workbook(io.BytesIO(render_xlsx([rag])))["Summary"]
    assert any("costs least" in str(cell.value) for row in summary.iter_rows() for cell in row)
