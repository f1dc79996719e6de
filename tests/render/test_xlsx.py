"""The workbook: cached values are Python's, LibreOffice recomputes the same, and changed inputs move it."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.result import Comparison
from breakeven.render.xlsx import render_xlsx

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Catalogue.load()
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
PROFILES = ["reference", "owned-70b", "classification", "support-chat"]


def run(name: str, *overrides: str) -> Comparison:
    return breakeven.run(ROOT / "configs" / f"{name}.yaml", CATALOGUE, overrides=overrides)


def cells(book: Any) -> dict[str, Any]:
    """Values by defined name."""
    out = {}
    for name, defined in book.defined_names.items():
        sheet, _, cell = defined.attr_text.replace("'", "").partition("!")
        out[name] = book[sheet][cell.replace("$", "")].value
    return out


def recomputed(raw: bytes, folder: Path, changes: dict[str, float] | None = None) -> dict[str, Any]:
    """Named values after LibreOffice has recalculated the workbook, with inputs changed first."""
    book = openpyxl.load_workbook(io.BytesIO(raw))
    for name, value in (changes or {}).items():
        sheet, _, cell = book.defined_names[name].attr_text.replace("'", "").partition("!")
        book[sheet][cell.replace("$", "")].value = value
    source = folder / "in.xlsx"
    book.save(source)  # openpyxl drops cached values, so every figure is computed afresh
    assert OFFICE is not None
    subprocess.run(
        [OFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML",
         "--outdir", str(folder / "out"), str(source)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return cells(openpyxl.load_workbook(folder / "out" / "in.xlsx", data_only=True))


@pytest.mark.parametrize("name", PROFILES)
def test_cached_values_are_pythons(name: str) -> None:
    result = run(name)
    book = openpyxl.load_workbook(io.BytesIO(render_xlsx([result])), data_only=True)
    values = cells(book)
    rows = [row for row in result.offers if row.offer.kind != "hybrid" and row.usd_per_day is not None]
    for number, row in enumerate(rows):
        assert values[f"o{number}_total"] == pytest.approx(row.usd_per_day, rel=1e-12)
    found = next(c for c in result.crossovers if c.self_host == result.headline.self_host and c.api == result.headline.api)
    assert values["headline_first_tokens_per_day"] == (found.first_tokens_per_day or "never")
    assert book.sheetnames == ["Summary", "Inputs", "Model", "Crossover", "Forecast", "Sensitivity", "Sources", "Checks", "Sign-off"]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert render_xlsx([run("reference")]) == render_xlsx([run("reference")])


def test_every_record_used_is_cited() -> None:
    result = run("reference")
    book = openpyxl.load_workbook(io.BytesIO(render_xlsx([result])))
    listed = {row[0].value for row in book["Sources"].iter_rows(min_row=2)}
    assert {source.id for source in result.sources} <= listed


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("name", PROFILES)
def test_libreoffice_recomputes_the_same_figures(name: str, tmp_path: Path) -> None:
    result = run(name)
    values = recomputed(render_xlsx([result]), tmp_path)
    rows = [row for row in result.offers if row.offer.kind != "hybrid" and row.usd_per_day is not None]
    for number, row in enumerate(rows):
        assert values[f"o{number}_total"] == pytest.approx(row.usd_per_day, rel=1e-9)
        assert values[f"o{number}_replicas"] == (row.replicas or 0)
    found = next(c for c in result.crossovers if c.self_host == result.headline.self_host and c.api == result.headline.api)
    expected = found.first_tokens_per_day if found.first_tokens_per_day is not None else "never"
    assert values["headline_first_tokens_per_day"] == (pytest.approx(expected, rel=1e-9) if expected != "never" else "never")


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
def test_changing_a_price_moves_the_crossover_as_it_does_in_python(tmp_path: Path) -> None:
    result = run("reference")
    values = recomputed(
        render_xlsx([result]), tmp_path, {"o0_input_usd_per_mtok": 0.5, "volume_tokens_per_day": 25e6, "o1_rent_usd_per_replica_day": 96.0}
    )
    changed = run(
        "reference", "api[0].model=own/price", "api[0].prices.input_usd_per_mtok=1", "api[0].prices.output_usd_per_mtok=10",
        "workload.tokens_per_day=25M", "self_host.supply[0]={rent: h100-sxm, usd_per_gpu_hour: 4.0, gpus: 1}",
    )  # fmt: skip
    assert values["o0_total"] == pytest.approx(changed.offers[0].usd_per_day, rel=1e-9)
    assert values["o1_total"] == pytest.approx(changed.offers[1].usd_per_day, rel=1e-9)
    assert values["headline_first_tokens_per_day"] == pytest.approx(changed.crossovers[0].first_tokens_per_day, rel=1e-9)


def test_user_text_never_becomes_a_formula() -> None:
    hostile = '=HYPERLINK("http://evil","x")'
    result = run("reference", f"name='{hostile}'", f"owner='{hostile}'", f"description='{hostile}'")
    raw = render_xlsx([result])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        sheets = "".join(archive.read(n).decode() for n in archive.namelist() if n.startswith("xl/worksheets/sheet"))
        assert "HYPERLINK" not in sheets  # it is in the shared strings, as text
        assert not [n for n in archive.namelist() if "externalLink" in n]
    book = openpyxl.load_workbook(io.BytesIO(raw))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and "HYPERLINK" in cell.value:
                    assert cell.data_type == "s"
