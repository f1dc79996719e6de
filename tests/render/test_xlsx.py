"""The workbook: cached values are Python's, LibreOffice recomputes the same, changed inputs move it as in Python."""

from __future__ import annotations

import io
import math
import re
import shutil
import subprocess
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare, compare_scope, make_scope
from breakeven.compare.forecast import forecast
from breakeven.compare.outlook import Outlook, with_outlook
from breakeven.compare.result import Comparison
from breakeven.errors import InputError
from breakeven.profile.load import load_profile
from breakeven.render.workbook.book import SHEETS
from breakeven.render.xlsx import render_xlsx

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Catalogue.load()
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
EVERYTHING = "tests/compare/data/everything.yaml"
PROFILES = ["configs/reference.yaml", "configs/owned-70b.yaml", "configs/support-chat.yaml", EVERYTHING]
needs_office = pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")


def run(path: str, *overrides: str) -> Comparison:
    return compare(load_profile(ROOT / path, overrides), CATALOGUE)


@cache
def full(path: str, *overrides: str) -> Comparison:
    """With a forecast; with the risk analysis too, but for the profile that holds everything (it takes seconds)."""
    scope = make_scope(load_profile(ROOT / path, overrides), CATALOGUE)
    result = compare_scope(scope)
    if path != EVERYTHING:
        return with_outlook(scope, result)
    head = result.headline
    made = forecast(scope, [row.offer for row in result.offers], api=head.api, self_host=head.self_host)
    return replace(result, outlook=Outlook(made, None, None, "left out here"))


def load(raw: bytes | Path, *, values: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(io.BytesIO(raw) if isinstance(raw, bytes) else raw, data_only=values)


def named(book: Any) -> dict[str, Any]:
    """Values by defined name."""
    out = {}
    for name, defined in book.defined_names.items():
        sheet, _, cell = defined.attr_text.replace("'", "").partition("!")
        out[name] = book[sheet][cell.replace("$", "")].value
    return out


def recomputed(raw: bytes, folder: Path, changes: dict[str, float] | None = None) -> Any:
    """The workbook's values after LibreOffice has recalculated it, with inputs changed first."""
    book = load(raw, values=False)
    for name, value in (changes or {}).items():
        sheet, _, cell = book.defined_names[name].attr_text.replace("'", "").partition("!")
        assert book[sheet][cell.replace("$", "")].data_type == "n", f"{name} is not an input"
        book[sheet][cell.replace("$", "")].value = value
    source = folder / "in.xlsx"
    book.save(source)  # without cached values, so that every figure is computed afresh
    assert OFFICE is not None
    subprocess.run(
        [OFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML",
         "--outdir", str(folder / "out"), str(source)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return load(folder / "out" / "in.xlsx", values=True)


def same(one: object, other: object) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return (one or "") == (other or "")


def written(value: float) -> Any:
    """As the file holds it: plain numbers have sixteen digits."""
    return pytest.approx(value, rel=1e-15)


def priced(result: Comparison) -> list[Any]:
    return [row for row in result.offers if row.usd_per_day is not None]


def headline(result: Comparison) -> Any:
    return next(c for c in result.crossovers if (c.api, c.self_host) == (result.headline.api, result.headline.self_host))


@pytest.mark.parametrize("path", PROFILES)
def test_cached_values_are_pythons(path: str) -> None:
    result = full(path)
    book = load(render_xlsx([result]), values=True)
    assert tuple(book.sheetnames) == SHEETS
    values = named(book)
    for number, row in enumerate(priced(result), 1):
        assert values[f"o{number}_usd_per_day"] == written(row.usd_per_day)
        if row.offer.tokens_per_day_per_replica is not None:
            assert values[f"o{number}_replicas"] == row.replicas
    found = headline(result)
    for name, volume in (("headline_first", found.first_tokens_per_day), ("headline_settled", found.settled_tokens_per_day)):
        assert values[name] == ("never" if volume is None else written(volume))
    assert result.outlook is not None
    assert result.outlook.forecast is not None
    by_offer = {row.offer.id: f"o{number}_npv" for number, row in enumerate(priced(result), 1)}
    shown = [row for row in result.outlook.forecast.offers if by_offer[row.offer] in values]
    assert len(shown) >= 2
    for row in shown:
        assert values[by_offer[row.offer]] == written(row.npv_usd)


@needs_office
@pytest.mark.parametrize("path", PROFILES)
def test_libreoffice_recomputes_every_formula_to_pythons_figure(path: str, tmp_path: Path) -> None:
    raw = render_xlsx([full(path)])
    formulas, cached, fresh = load(raw, values=False), load(raw, values=True), recomputed(raw, tmp_path)
    count = 0
    wrong = []
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    count += 1
                    before, after = cached[sheet.title][cell.coordinate].value, fresh[sheet.title][cell.coordinate].value
                    if not same(before, after):
                        wrong.append((sheet.title, cell.coordinate, before, after))
    assert not wrong[:5]
    assert count > 300


@needs_office
def test_escalated_requests_beside_a_minimum_spend_and_its_fee_follow_their_api(tmp_path: Path) -> None:
    """The API's minimum covers its tokens and not its fee, so the two stand on lines of their own."""
    change = ("self_host.escalate_to=own/negotiated", "api[0].minimum_usd_per_month=90000")
    result = run(EVERYTHING, *change)
    raw = render_xlsx([result])
    for changes, expected in (({}, result), ({"in_labour_fte": 1.5}, run(EVERYTHING, *change, "self_host.labour_fte=1.5"))):
        values = named(recomputed(raw, tmp_path, changes))
        for number, row in enumerate(priced(expected), 1):
            if row.offer.kind != "hybrid":
                assert values[f"o{number}_usd_per_day"] == pytest.approx(row.usd_per_day, rel=1e-9), row.offer.id


def test_what_may_wait_is_not_for_changing_by_halves() -> None:
    """It moves the price now, the price later and the peak: three cells of one choice."""
    sheet = load(render_xlsx([run(EVERYTHING)]), values=True)["Inputs"]
    shares = [row[2] for row in sheet.iter_rows(min_row=5) if row[0].value in ("in_batch_share", "in_interactive_share")]
    assert len(shares) == 2 and all(cell.protection.locked for cell in shares)


@needs_office
def test_changing_prices_moves_everything_as_it_does_in_python(tmp_path: Path) -> None:
    result = full("configs/reference.yaml")
    fresh = recomputed(
        render_xlsx([result]), tmp_path,
        {"in_input_usd_per_mtok": 1.0, "in_output_usd_per_mtok": 8.0, "in_usd_per_gpu_hour": 3.5, "in_volume_tokens_per_day": 25e6,
         "fc_discount_rate": 0.12},
    )  # fmt: skip
    changed = full(
        "configs/reference.yaml", "api[0].model=own/price", "api[0].prices.input_usd_per_mtok=1", "api[0].prices.output_usd_per_mtok=8",
        "workload.tokens_per_day=25M", "self_host.supply[0]={rent: h100-sxm, usd_per_gpu_hour: 3.5, gpus: 1}",
        "finance.discount_rate=12%",
    )  # fmt: skip
    values = named(fresh)
    assert values["o1_usd_per_day"] == pytest.approx(changed.offers[0].usd_per_day, rel=1e-9)
    assert values["o2_usd_per_day"] == pytest.approx(changed.offers[1].usd_per_day, rel=1e-9)
    assert values["headline_first"] == pytest.approx(headline(changed).first_tokens_per_day, rel=1e-9)
    assert values["headline_settled"] == pytest.approx(headline(changed).settled_tokens_per_day, rel=1e-9)
    assert changed.outlook is not None
    assert changed.outlook.forecast is not None
    plain = [row for row in changed.outlook.forecast.offers if row.kind != "hybrid"]  # the sheet has no hybrids
    for number, row in enumerate(plain, 1):
        assert values[f"o{number}_npv"] == pytest.approx(row.npv_usd, rel=1e-9)
    assert fresh["Summary"]["B5"].value == "changed"
    assert values["checks_failed"] > 0


@needs_office
def test_changing_a_server_a_life_and_labour_moves_the_bill_as_in_python(tmp_path: Path) -> None:
    raw = render_xlsx([full("configs/owned-70b.yaml")])
    fresh = named(
        recomputed(
            raw, tmp_path,
            {"in_capex_usd": 260_000.0, "in_life_years": 5.0, "in_residual_share": 0.05, "in_labour_fte": 0.5, "in_pue": 1.2,
             "in_discount_rate": 0.08, "in_volume_tokens_per_day": 3e9},
        )
    )  # fmt: skip
    entry = "self_host.supply[0]"
    changed = run(
        "configs/owned-70b.yaml", f"{entry}.capex_usd=260000", f"{entry}.life_years=5",
        f"{entry}.residual_share=5%", f"{entry}.pue=1.2", "self_host.labour_fte=0.5", "finance.discount_rate=8%",
        "workload.tokens_per_day=3B",
    )  # fmt: skip
    own = next(row for row in changed.offers if row.offer.kind == "owned")
    assert fresh["o2_usd_per_day"] == pytest.approx(own.usd_per_day, rel=1e-9)
    assert fresh["o2_replicas"] == own.replicas
    assert fresh["headline_first"] == pytest.approx(headline(changed).first_tokens_per_day, rel=1e-9)


def test_a_hybrids_row_says_that_it_is_fixed() -> None:
    result = full("configs/owned-70b.yaml")
    sheet = load(render_xlsx([result]), values=True)["Summary"]
    rows = {str(row[0].value): row for row in sheet.iter_rows(min_row=11)}
    for entry in priced(result):
        row = rows[entry.offer.name + (" (fleet chosen for the run's inputs; it shows re-run once one is changed)" if entry.offer.kind == "hybrid" else "")]
        assert row[1].value == written(entry.usd_per_day)
    assert "but for those that say re-run" in sheet["C5"].value


@needs_office
@pytest.mark.parametrize("name", ["in_volume_tokens_per_day", "in_usd_per_gpu_hour", "in_peak_to_mean"])
def test_a_changed_input_leaves_no_hybrid_figure_standing(tmp_path: Path, name: str) -> None:
    """Also where only its fleet would be another one, and no other figure moves."""
    result = run("configs/reference.yaml")
    raw = render_xlsx([result])
    was = named(load(raw, values=True))
    fresh = recomputed(raw, tmp_path, {name: was[name] * 1.0001})
    values = named(fresh)
    hybrids = [number for number, row in enumerate(priced(result), 1) if row.offer.kind == "hybrid"]
    assert hybrids and all(values[f"o{number}_usd_per_day"] == "re-run" for number in hybrids)
    summary = {str(row[0].value): row for row in fresh["Summary"].iter_rows(min_row=11)}
    for number in hybrids:
        row = next(row for text, row in summary.items() if text.startswith(priced(result)[number - 1].offer.name))
        assert [cell.value for cell in row[1:4]] == ["re-run"] * 3
    assert isinstance(values["o1_usd_per_day"], (int, float)) and values["inputs_changed"] == 1
    assert fresh["Summary"]["B5"].value == "changed"
    errors = [cell.coordinate for sheet in fresh for row in sheet.iter_rows() for cell in row if str(cell.value).startswith("#")]
    assert not errors


@needs_office
@pytest.mark.parametrize(
    ("price", "rent", "n_min", "spare"),
    [(0.095, 2.65, 1, 1), (0.085, 2.65, 3, 1), (0.08, 2.65, 4, 0), (0.9, 2.65, 5, 2)],
)  # fmt: skip
def test_the_closed_form_is_the_crossing_law(price: float, rent: float, n_min: int, spare: int, tmp_path: Path) -> None:
    """Also where a staircase wins, loses again and settles later, wins for a stretch only, or never."""
    raw = render_xlsx([run("configs/reference.yaml")])
    changes = {
        "in_input_usd_per_mtok": price, "in_output_usd_per_mtok": price, "in_usd_per_gpu_hour": rent, "in_o2_least_replicas": n_min,
        "in_o2_redundant_replicas": spare,
    }  # fmt: skip
    fresh = recomputed(raw, tmp_path, changes)
    changed = run(
        "configs/reference.yaml", "api[0].model=own/price", f"api[0].prices.input_usd_per_mtok={price}",
        f"api[0].prices.output_usd_per_mtok={price}", f"self_host.supply[0]={{rent: h100-sxm, usd_per_gpu_hour: {rent}, gpus: 1}}",
        f"self_host.min_replicas={n_min}", f"self_host.redundancy={spare}",
    )  # fmt: skip
    found = headline(changed)
    values = named(fresh)
    for name, volume in (("headline_first", found.first_tokens_per_day), ("headline_settled", found.settled_tokens_per_day)):
        assert values[name] == ("never" if volume is None else pytest.approx(volume, rel=1e-9))
    assert fresh["Crossover"]["E4"].value == found.outcome


def test_inputs_say_where_they_come_from() -> None:
    result = run(EVERYTHING)
    sheet = load(render_xlsx([result]), values=True)["Inputs"]
    rows = [[cell.value for cell in row[:9]] for row in sheet.iter_rows(min_row=5) if str(row[0].value).startswith("in_")]
    assert len(rows) > 30
    cited = {source.id for source in result.sources}
    for name, what, value, unit, source, as_of, grade, _, used_by in rows:
        assert name
        assert what
        assert isinstance(value, (int, float))
        assert unit
        assert source
        assert grade
        assert used_by
        if set(str(source).split()) & cited:
            assert (as_of is None) == str(grade).startswith("grade ")
    assert len({row[0] for row in rows}) == len(rows)


def test_a_throughput_is_graded_as_the_estimate_it_is() -> None:
    """Not as the datasheets under it: those are of 2022, and certain."""
    result = run("configs/owned-70b.yaml")
    serving = next(row.offer.serving for row in result.offers if row.offer.serving)
    (row,) = [row for row in load(render_xlsx([result]), values=True)["Inputs"].iter_rows(min_row=5) if row[0].value == "in_requests_per_s"]
    assert serving.grade == "C" and row[6].value == "grade C, estimate" and row[5].value is None
    assert row[4].value == f"{serving.evidence}, from models/llama-3.1-70b-instruct#architectures[0] accelerators/h100-sxm#specs[0]"
    measured = run("configs/owned-70b.yaml", "self_host.throughput={total_tok_per_s: 9000, source: our bench}")
    rows = [row for row in load(render_xlsx([measured]), values=True)["Inputs"].iter_rows(min_row=5) if "flat_capacity" in str(row[1].value)]
    assert [(row[4].value, row[6].value) for row in rows] == [("our bench", "grade A, measured")]


def test_several_results_are_refused() -> None:
    result = run("configs/reference.yaml")
    with pytest.raises(InputError, match="about one profile"):
        render_xlsx([result, result])


def test_the_same_input_gives_the_same_bytes_and_nothing_is_compressed() -> None:
    raw = render_xlsx([full("configs/reference.yaml")])
    full.cache_clear()
    assert raw == render_xlsx([full("configs/reference.yaml")])
    assert raw != render_xlsx([full("configs/reference.yaml", "workload.tokens_per_day=11M")])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert {part.compress_type for part in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {part.date_time for part in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT", core)) == {"2026-11-24T"}


def test_every_record_used_is_cited_and_a_missing_one_is_noticed() -> None:
    result = run("configs/reference.yaml")
    book = load(render_xlsx([result]), values=False)
    listed = [row[0].value for row in book["Sources"].iter_rows(min_row=4)]
    used = [source.id for source in result.sources]
    assert listed == used
    listed.pop()
    assert listed != used


def test_user_text_never_becomes_a_formula_or_a_link() -> None:
    hostile = '=HYPERLINK("http://evil","x")'
    result = full("configs/reference.yaml", f"name='{hostile}'", f"owner='{hostile}'", f"description='{hostile}'")
    raw = render_xlsx([result])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        sheets = "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))
        assert "HYPERLINK" not in sheets  # it is in the shared strings, as text
        assert "<hyperlink" not in sheets
        assert not [name for name in archive.namelist() if "externalLink" in name or "vba" in name.lower()]
    seen = 0
    for sheet in load(raw, values=False):
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and "HYPERLINK" in cell.value:
                    seen += 1
                    assert cell.data_type == "s"
                    assert cell.quotePrefix or not cell.value.startswith("=")
    assert seen > 3


def test_a_barred_side_makes_the_comparison_one_of_cost_alone() -> None:
    book = openpyxl.load_workbook(io.BytesIO(render_xlsx([full("configs/owned-70b.yaml")])))
    cells = [cell.value for row in book["Summary"].iter_rows() for cell in row]
    assert "cheaper of the headline pair at the volume, on cost alone" in cells
