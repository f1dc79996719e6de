"""Tables of the smaller commands: whatever the width, a figure stays on its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.render.tables import grid

FIGURES = ["$1,234,567.89", "300M", "2026-11", "8"]


def test_what_is_too_wide_becomes_several_tables_with_the_first_column() -> None:
    columns = [("month", "left"), *((f"an offer of a long name {n} $/month", "right") for n in range(8))]
    rows = [[f"{m} 2026-11", *(f"${m},{n}00,000" for n in range(8))] for m in range(3)]
    text = grid(columns, rows, width=60)
    assert len(re.findall(r"^month ", text, re.MULTILINE)) == 3
    assert all(len(line) <= 60 for line in text.splitlines())
    for row in rows:
        assert all(re.search(rf"(?<!\S){re.escape(cell)}(?!\S)", text) for cell in row[1:])


def test_every_table_has_all_that_tells_its_rows_apart() -> None:
    columns = [("n", "right"), ("layout", "left"), *((f"{name} tok/s", "right") for name in ("output", "input", "total"))]
    rows = [["8", layout, "123,456,789", "123,456,789", "246,913,578"] for layout in ("TP 8", "EP 8, DP 8")]
    text = grid(columns, rows, width=48, keys=2)
    assert len(re.findall(r"^n   layout ", text, re.MULTILINE)) == 2
    assert [line.split("   ")[1].strip() for line in text.splitlines() if line[:1] == "8"] == ["TP 8", "EP 8, DP 8"] * 2


def test_what_fits_is_one_table() -> None:
    assert grid([("a", "left"), ("b", "right")], [["x", "1"]], width=80).splitlines() == ["a   b", "─────", "x   1"]


@given(st.integers(1, 9), st.integers(24, 140), st.data())
def test_no_figure_is_broken_at_any_width(count: int, width: int, data: st.DataObject) -> None:
    heads = [data.draw(st.sampled_from(["replicas", "tokens/day", "gemini-3-pro-preview (Google Gemini API) $/month"])) for _ in range(count)]
    row = ["name", *(data.draw(st.sampled_from(FIGURES)) for _ in heads)]
    text = grid([("what", "left"), *((head, "right") for head in heads)], [row], width=width)
    body = [line for line in text.splitlines() if line.startswith("name")]
    found = [cell for line in body for cell in line.split()[1:]]
    assert found == row[1:]
    assert all(len(line) <= width for line in text.splitlines())


@pytest.mark.parametrize("width", [80, 120])
def test_names_fold_where_they_must(width: int) -> None:
    text = grid([("offer", "left"), ("total", "right")], [["a long name " * 12, "$1,000"]], width=width)
    assert "$1,000" in text
    assert len(text.splitlines()) > 3
