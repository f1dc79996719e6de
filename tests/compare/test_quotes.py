"""Quotes side by side: ranked on present value per token, with clouds, and with what cannot be taken at the end."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from breakeven.cli.main import run
from breakeven.compare.api import run as compare
from tests.offers.test_quoted import PROFILE, RENTAL, SERVER, answer, quote

Capture = pytest.CaptureFixture[str]
FORMATS = ("table", "md", "html", "json", "csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "q"
    quote(place, "dear", SERVER, usd_per_unit="$400k")
    quote(place, "cheap", SERVER, usd_per_unit="$200k")
    quote(place, "old", SERVER, usd_per_unit="$1k", ends="2026-11-20")
    quote(place, "cloud", RENTAL, confidential="true")
    return place


def test_best_first_then_the_api_then_what_cannot_be_taken(folder: Path) -> None:
    rows = answer(folder).quotes
    ranked = [row for row in rows if row.rank is not None]
    assert [row.rank for row in ranked] == list(range(1, len(ranked) + 1))
    assert [row.npv_usd_per_mtok for row in ranked] == sorted(row.npv_usd_per_mtok or 0 for row in ranked)
    names = [row.offer for row in ranked]
    assert set(names) == {"owned:cheap@us-va", "owned:dear@us-va", "rented:cloud/h100-sxm/reserved", "owned:hgx-h100-8@us-va",
                          "rented:lambda/h100-sxm/on-demand"}  # fmt: skip
    assert names.index("owned:cheap@us-va") < names.index("owned:dear@us-va")
    assert [row.kind for row in rows[len(ranked) :]] == ["api", "owned"]
    assert rows[-1].offer == "owned:old@us-va" and rows[-1].flags[0] == "quote expired on 2026-11-20"


def test_a_constant_cost_is_its_own_present_value(folder: Path) -> None:
    """With flat demand and prices, the present value per token is the cost per token, whatever the rate."""
    result = answer(folder, finance={"discount_rate": 0.25})
    for row in result.quotes:
        assert row.npv_usd_per_mtok == pytest.approx(result.offer(row.offer).usd_per_mtok, rel=1e-9)


def test_money_scales_and_ranks_stay(folder: Path) -> None:
    one, two = answer(folder), answer(folder, workload={**PROFILE["workload"], "tokens_per_day": 200e6})
    assert {row.offer for row in one.quotes} == {row.offer for row in two.quotes}
    assert [row.rank for row in two.quotes if row.rank] == list(range(1, 6))


def test_a_contract_beyond_the_horizon_is_flagged(tmp_path: Path) -> None:
    quote(tmp_path / "q", "long", RENTAL, term_years=5)
    (row,) = [row for row in answer(tmp_path / "q").quotes if row.quote]
    assert "bound for 5 years, beyond the horizon of 36 months" in row.flags


def test_a_life_shorter_than_the_horizon_says_so(folder: Path) -> None:
    rows = answer(folder, forecast={"horizon_months": 60}).quotes
    owned = [row for row in rows if row.kind == "owned"]
    assert all(row.npv_usd_per_mtok is None and any("outlives" in flag for flag in row.flags) for row in owned)
    assert [row.rank for row in rows if row.kind == "rented"] == [1, 2]


def test_every_format_shows_them(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text(json.dumps(PROFILE))  # JSON is YAML
    for name in FORMATS:
        capsys.readouterr()
        assert run(["run", str(profile), "--catalog", str(folder), "--format", name, "--no-chart"]) == 0
        text = capsys.readouterr().out
        assert "Cheap quote" in text and "quote expired on 2026-11-20" in text.replace("\n", " ")
        if name == "html":
            assert '<a href="#quotes">' in text and '<h2 id="quotes">' in text
        if name == "json":
            rows = json.loads(text)["quotes"]
            assert [row["rank"] for row in rows[:5]] == [1, 2, 3, 4, 5]
        if name == "csv":
            rows = [row for row in csv.DictReader(io.StringIO(text)) if row["line"] == "quote"]
            assert len(rows) == 7 and rows[0]["category"] == "rank 1"


def test_the_workbook_shows_them(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("xlsxwriter")
    openpyxl = pytest.importorskip("openpyxl")
    (tmp_path / "p.yaml").write_text(json.dumps(PROFILE))
    target = tmp_path / "o.xlsx"
    assert run(["run", str(tmp_path / "p.yaml"), "--catalog", str(folder), "-o", str(target)]) == 0
    book = openpyxl.load_workbook(target)
    sheet = book["Quotes"]
    rows = answer(folder).quotes
    assert [cell.value for cell in sheet["B"][4:]] == [row.name for row in rows]
    assert [cell.value for cell in sheet["C"][4:]] == [row.npv_usd_per_mtok for row in rows]
    assert run(["run", str(tmp_path / "p.yaml"), "-o", str(target)]) == 0
    assert "Quotes" not in openpyxl.load_workbook(target).sheetnames


def test_confidential_quotes_are_used_and_withheld(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text(json.dumps(PROFILE))
    texts = []
    for rate in ("$2.1737", "$2.2941"):
        quote(folder, "cloud", RENTAL, confidential="true", usd_per_gpu_hour=rate)
        for name in FORMATS:
            capsys.readouterr()
            argv = ["run", str(profile), "--catalog", str(folder), "--format", name, "--no-chart", "--redact"]
            assert run(argv) == 0
            texts.append(capsys.readouterr().out)
    assert texts[: len(FORMATS)] == texts[len(FORMATS) :]
    assert not any("loud quote" in text or "2.1737" in text for text in texts[: len(FORMATS)])


def test_duty_and_tax_of_quotes_are_not_called_left_out(folder: Path) -> None:
    """They are in the quotes' bills; those of everything else are not."""
    assert compare(PROFILE).not_included[0] == "taxes (VAT, sales tax, duty, depreciation allowances)"
    (said,) = [text for text in answer(folder).not_included if "duty" in text]
    assert said.startswith("taxes (VAT, sales tax, duty) on anything but the suppliers' quotes") and "depreciation" in said


def test_a_redacted_report_gives_no_rank_across_public_and_confidential(tmp_path: Path, capsys: Capture) -> None:
    """The confidential quote is second of three; first among the confidential ones is all that a shared report says."""
    place = tmp_path / "q"
    quote(place, "best", SERVER, usd_per_unit="$100k")
    quote(place, "secret", SERVER, usd_per_unit="$200k", confidential="true")
    quote(place, "worst", SERVER, usd_per_unit="$600k")
    (full,) = [row for row in answer(place).quotes if row.offer.startswith("owned:secret")]
    assert full.rank != 1
    profile = tmp_path / "p.yaml"
    profile.write_text(json.dumps(PROFILE))
    texts = {}
    for name in FORMATS:
        capsys.readouterr()
        assert run(["run", str(profile), "--catalog", str(place), "--format", name, "--no-chart", "--redact"]) == 0
        texts[name] = capsys.readouterr().out
    rows = json.loads(texts["json"])["quotes"]
    assert all(row["rank"] is None for row in rows)
    assert [row["confidential_rank"] for row in rows] == [1, *[None] * (len(rows) - 1)]
    cells = [row["category"] for row in csv.DictReader(io.StringIO(texts["csv"])) if row["line"] == "quote"]
    assert cells[0] == "confidential rank 1" and not any(cells[1:])
    for name in ("table", "md", "html"):
        words = " ".join(texts[name].replace("&#x27;", "'").split())
        assert "conf. 1" in words and "says nothing about the others" in words and "Ranked: complete" not in words
    assert 'class="best"' not in texts["html"]


def test_a_blank_quote_lists_all_that_is_open(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "quote.yaml"
    assert run(["profile", "init", "--rfp", str(path)]) == 0
    capsys.readouterr()
    assert run(["catalog", "verify", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    for name in ("name", "effective", "ends", "accelerator", "gpus_per_unit", "usd_per_unit", "duty_share", "tax_share",
                 "delivery_usd_per_unit", "support_usd_per_unit_year", "nameplate_w", "active_w", "idle_w"):  # fmt: skip
        assert sum(bool(re.search(rf"[ .]{name}: is ", line)) for line in lines) == 1
    numbers = [int(line.split(":")[2]) for line in lines]
    assert numbers == sorted(numbers)


def test_a_filled_in_quote_verifies_and_an_incomplete_one_does_not(tmp_path: Path, capsys: Capture) -> None:
    good = quote(tmp_path / "q", "good", SERVER)
    assert run(["catalog", "verify", str(good)]) == 0
    thin = quote(tmp_path / "t", "thin", RENTAL, term_years=None)
    capsys.readouterr()
    assert run(["catalog", "verify", str(thin)]) == 1
    assert "thin.yaml:13:16: offers[0].term_years: is not stated; the length of the contract" in capsys.readouterr().err


def test_the_template_filled_in_is_a_quote(tmp_path: Path) -> None:
    """Every line of the template is a key that the reader knows."""
    assert run(["profile", "init", "--rfp", str(tmp_path / "blank.yaml")]) == 0
    text = (tmp_path / "blank.yaml").read_text()
    for key, value in (("name", "Acme"), ("effective", "2026-11-10"), ("ends", "2027-02-10"), ("title", "q"),
                       ("retrieved", "2026-11-12"), ("accelerator", "h100-sxm"), ("gpus_per_unit", "8"), ("usd_per_unit", "$265k"),
                       ("duty_share", "0"), ("tax_share", "0"), ("delivery_usd_per_unit", "0"), ("support_usd_per_unit_year", "0"),
                       ("nameplate_w", "10200"), ("active_w", "6200"), ("idle_w", "2900")):  # fmt: skip
        text, count = re.subn(rf"(?m)^(\s*(?:- )?{key}:)[^#\n]*", rf"\g<1> {value} ", text, count=1)
        assert count == 1
    path = tmp_path / "acme.yaml"
    path.write_text(text)
    assert run(["catalog", "verify", str(path)]) == 0
