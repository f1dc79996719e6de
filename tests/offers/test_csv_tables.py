"""Tables of questions and of measurements: what is no CSV is refused with its line, never half read."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.cli.main import run

POINTS = "model,accelerator,input_tokens,output_tokens\n"
MEASURED = "model,gpu,n_gpus,input_tokens,output_tokens,concurrency_or_batch,tpot_ms\n"
ROW = {POINTS: "openai/gpt-oss-120b,h100-sxm,1000,1000\n", MEASURED: "openai/gpt-oss-120b,h100-sxm,1,1000,1000,8,9\n"}
COMMAND = {POINTS: ["estimate", "--points"], MEASURED: ["accuracy"]}
both = pytest.mark.parametrize("header", [POINTS, MEASURED], ids=["points", "accuracy"])


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, header: str, text: str) -> str:
    table = tmp_path / "t.csv"
    table.write_text(text, encoding="utf-8")
    assert run([*COMMAND[header], str(table)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err.removeprefix(f"error: {table}")


@both
def test_a_cell_longer_than_csv_allows_has_its_line(header: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = header + ROW[header] + "x" * 200_000 + "\n"
    assert refused(capsys, tmp_path, header, text).startswith(":3: is not read as CSV: field larger than field limit (131072)")


@both
def test_an_open_quote_does_not_swallow_the_rows_below_it(header: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = header + ROW[header] + '"' + ROW[header] + "\n" + ROW[header] * 3
    assert refused(capsys, tmp_path, header, text).startswith(":3: a quote that opens in this row is not closed")
    text = header + '"' + ROW[header] * 5000
    assert refused(capsys, tmp_path, header, text).startswith(":2: is not read as CSV: field larger")


@both
def test_a_column_that_stands_twice_is_refused(header: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = "model," + header + "other," + ROW[header]
    assert refused(capsys, tmp_path, header, text) == ": has the column model twice; leave one of the two out\n"


def test_cells_may_hold_quotes_line_ends_and_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,model,accelerator,input_tokens,output_tokens,concurrency\r\n\r\n\"a\"\"b\",\"openai/gpt-oss-120b\",h100-sxm,1000,1000\r\n", newline="")
    assert run(["estimate", "--points", str(table)]) == 0
    (_, row) = capsys.readouterr().out.splitlines()
    assert row.startswith('"a""b",openai/gpt-oss-120b,h100-sxm,1,') and row.endswith(",")
