"""``catalog list``, ``show`` and ``verify`` from the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from breakeven.cli.main import run


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = run(["catalog", *argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_names_every_thing_of_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "list", "servers", "--format", "json")
    data = json.loads(out)
    assert (code, err) == (0, "")
    rows = {row["id"]: row for row in data["things"]}
    assert rows["hgx-h100-8"]["records"] == 4 and rows["hgx-h100-8"]["newest"] == "2026-06-14"
    assert rows["gb300-nvl72"]["newest"] is None
    assert rows["hgx-h200-8"]["assumptions"] == 1
    assert data["as_of"] == "2026-11-24" and data["digest"].startswith("sha256:")


def test_list_takes_the_singular_and_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "sites.csv"
    code, out, _ = call(capsys, "list", "site", "--format", "csv", "-o", str(target))
    assert (code, out) == (0, "")
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert {"us-va", "de", "sg"} <= {row["id"] for row in rows}


def test_stale_lists_old_current_prices_oldest_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "list", "rental", "--stale", "--days", "90", "--format", "json")
    records = json.loads(out)["records"]
    ages = [row["age_days"] for row in records]
    assert code == 0 and ages == sorted(ages, reverse=True) and min(ages) > 90
    assert records[0]["thing"] == "gcp" and "tpu" in records[0]["says"]
    assert all(row["current"] for row in records)
    shown = {row["id"] for row in records}
    assert "rental/index-semianalysis#prices[2]" in shown and "rental/index-semianalysis#prices[1]" not in shown
    younger = json.loads(call(capsys, "list", "rental", "--stale", "--days", "200", "--format", "json")[1])["records"]
    assert 0 < len(younger) < len(records)


def test_a_datasheet_does_not_go_stale(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "list", "accelerators", "--stale", "--days", "0", "--format", "json")
    assert {row["field"] for row in json.loads(out)["records"]} == {"prices"}


def test_show_prints_every_record_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "show", "rental/nebius")
    assert code == 0
    assert "usd_per_gpu_hour 3.85" in out and "usd_per_gpu_hour 4.5" in out
    assert "* prices[1] 2026-10-24" in out and "  prices[0] 2026-09-25" in out
    assert "renshuBTC/compute-screener" in out and "list_price B, read 2026-11-23" in out


@pytest.mark.parametrize("name", ["accelerators/h100-sxm", "accelerator/H100", "h100"])
def test_show_takes_any_name(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = call(capsys, "show", name, "--format", "json")
    assert code == 0 and json.loads(out)["id"] == "h100-sxm"


def test_show_one_record_by_the_id_it_is_cited_by(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "show", "rental/index-semianalysis#prices[2]", "--format", "json")
    (record,) = json.loads(out)["records"]
    assert code == 0 and record["effective"] == "2026-06-01"
    code, _, err = call(capsys, "show", "rental/index-semianalysis#prices[9]")
    assert code == 2 and "has no record 'prices[9]'" in err


def test_a_name_of_several_kinds_has_to_say_which(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "show", "nebius")
    assert code == 2 and "write rental/nebius or api/nebius" in err


def test_show_says_what_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "show", "h10-sxm")
    assert (code, out) == (2, "") and "did you mean 'h100-sxm'" in err and err.count("\n") == 1


def test_verify_passes_on_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "verify")
    assert (code, err) == (0, "") and out.startswith("ok: ")


QUOTE = """\
kind: rental
id: acme
name: Acme
tier: user
prices:
  - effective: 2026-11-01
    accelerator: h100-sxm
    term: on-demand
    usd_per_gpu_hour: 2
    source: {title: "[red]offer[/red] \\u001b[31m", retrieved: 2026-11-02, kind: quote}
"""


def test_verify_tells_malformed_from_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(QUOTE)
    assert call(capsys, "verify", str(path)) == (0, "ok: 1 files, 1 records\n", "")
    path.write_text(QUOTE.replace("h100-sxm", "h999"))
    code, out, err = call(capsys, "verify", str(path))
    assert (code, out) == (1, "") and "unknown accelerator 'h999'" in err
    path.write_text(QUOTE.replace("tier: user", "tier: usr").replace("kind: quote", "kind: guess"))
    code, out, err = call(capsys, "verify", str(path))
    assert (code, out) == (2, "") and err.count("\n") == 2 and "acme.yaml:4:7: tier: cannot be 'usr'" in err


def test_nothing_of_a_user_file_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(QUOTE)
    for name in ("table", "csv"):
        code, out, _ = call(capsys, "show", "rental/acme", "--catalog", str(path), "--format", name)
        assert code == 0 and "\x1b" not in out and "[red]offer[/red]" in out
    path.write_text(QUOTE.replace("name: Acme", 'name: "=HYPERLINK(1) [/x]"'))
    code, out, _ = call(capsys, "list", "rental", "--catalog", str(path), "--format", "csv")
    assert code == 0 and "'=HYPERLINK(1)" in out
    assert call(capsys, "list", "rental", "--catalog", str(path))[0] == 0


def test_a_record_of_later_has_no_age_below_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["catalog", "show", "h100-sxm", "--as-of", "2015-01-01"]) == 0
    out = capsys.readouterr().out
    assert "specs[0] 2022-03-22 (begins 2637 d later)" in out
    assert "(-" not in out
