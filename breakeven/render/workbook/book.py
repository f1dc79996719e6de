"""What every sheet shares: formats, text that is never a formula, and defined names."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

from breakeven.compare.result import Comparison
from breakeven.render.text import plain

SHEETS = ("Summary", "Inputs", "Model", "Crossover", "Forecast", "Sensitivity", "Sources", "Checks", "Sign-off")
MAX_TEXT = 2000
TOKENS = '[>=1000000000]#,##0.0##,,,"B";[>=1000000]#,##0.0##,,"M";#,##0'
USD_AXIS = '[>=1000000]"$"#,##0.#,,"M";[>=1000]"$"#,##0,"k";"$"#,##0'
TOKENS_AXIS = '[>=1000000000]#,##0,,,"B";[>=1000000]#,##0,,"M";#,##0'
_LINE = 13.5  # points


class Book:
    """The XlsxWriter workbook and its formats. Rows and columns count from 0, as in XlsxWriter."""

    def __init__(self, writer: Any, result: Comparison) -> None:
        self.writer, self.result = writer, result
        form = writer.add_format
        base = {"valign": "top", "font_name": "Calibri", "font_size": 10}
        figure = {**base, "align": "right", "indent": 1}  # a gap before the text of the next column
        # The prefix keeps text text when someone opens the cell for editing and presses enter.
        words = {**base, "quote_prefix": True}
        self.text = form({**words, "text_wrap": True, "indent": 1})
        self.label = form({**words, "text_wrap": True})
        self.bold = form({**words, "bold": True, "text_wrap": True})
        self.title = form({**words, "bold": True, "font_size": 15})
        self.verdict = form({**words, "bold": True, "font_size": 15, "text_wrap": True})
        self.section = form({**words, "bold": True, "font_size": 12, "font_color": "#17457F"})
        self.note = form({**words, "italic": True, "font_color": "#55606B", "text_wrap": True})
        self.head = form({**words, "bold": True, "bottom": 1, "bg_color": "#E3EAF3", "text_wrap": True})
        self.head_right = form(
            {**words, "bold": True, "bottom": 1, "bg_color": "#E3EAF3", "text_wrap": True, "align": "right", "indent": 1}
        )
        edit = {**figure, "bg_color": "#FFF6D6", "border": 1, "border_color": "#D9C681", "font_color": "#1F3FBF"}
        self.edit = form({**edit, "num_format": "#,##0.00######", "locked": False})
        self.edit_share = form({**edit, "num_format": "0.0##%", "locked": False})
        self.edit_tokens = form({**edit, "num_format": "#,##0", "locked": False})
        self.edit_date = form({**edit, "num_format": "yyyy-mm-dd", "locked": False})
        self.fixed = form({**figure, "num_format": "#,##0.00######", "font_color": "#55606B"})
        self.usd = form({**figure, "num_format": "$#,##0.00;-$#,##0.00"})
        self.usd_total = form({**figure, "num_format": "$#,##0.00;-$#,##0.00", "bold": True, "top": 1})
        self.usd_fine = form({**figure, "num_format": "$#,##0.00####;-$#,##0.00####"})
        self.usd_fine_total = form({**figure, "num_format": "$#,##0.00####;-$#,##0.00####", "bold": True, "top": 1})
        self.usd_whole = form({**figure, "num_format": "$#,##0;-$#,##0"})
        self.tokens = form({**figure, "num_format": TOKENS})
        self.tokens_bold = form({**figure, "num_format": TOKENS, "bold": True})
        self.count = form({**figure, "num_format": "#,##0"})
        self.number = form({**figure, "num_format": "#,##0.0#####"})
        self.factor = form({**figure, "num_format": '0.00#"x"'})
        self.share = form({**figure, "num_format": "0.0%"})
        self.date = form({**base, "num_format": "yyyy-mm-dd", "align": "left", "indent": 1})
        self.month = form({**base, "num_format": "0", "align": "left"})
        self.good = form({**words, "font_color": "#0B6B3A", "bold": True, "text_wrap": True, "indent": 1})
        self.warning = form({"font_color": "#A11D1D", "bold": True})
        self.bad = form({**words, "font_color": "#A11D1D", "bold": True, "text_wrap": True, "indent": 1})
        before = SHEETS.index("Sources")
        names = (*SHEETS[:before], "Quotes", *SHEETS[before:]) if result.quotes else SHEETS
        self._widths: dict[str, dict[int, float]] = {name: {} for name in names}
        self._lines: dict[str, dict[int, int]] = {name: {} for name in names}
        self.summary_chart: Any = None  # the crossover chart once more, for the first sheet
        self.sheets: dict[str, Any] = {}
        for name in names:
            sheet = writer.add_worksheet(name)
            sheet.set_landscape()
            sheet.set_paper(9)
            sheet.fit_to_pages(1, 0)
            sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
            sheet.set_footer("&L&F  &A&RPage &P of &N")
            sheet.hide_gridlines(2)
            self.sheets[name] = sheet
        self.sheets["Summary"].fit_to_pages(1, 1)
        self.sheets["Sign-off"].fit_to_pages(1, 1)

    def write(self, sheet: Any, row: int, column: int, value: object, form: Any = None) -> None:
        """Text as text, never as a formula, a number or a link."""
        content = plain(str(value), limit=MAX_TEXT)
        if form is None:
            form = self.label if column == 0 else self.text
        sheet.write_string(row, column, content, form)
        if form is self.title:
            sheet.set_row(row, 22.0)  # a programme that keeps the usual height would cut it
        if form not in (self.title, self.section, self.note):
            self._grow(sheet, row, content, self._widths[sheet.get_name()].get(column, 9.0))

    def across(self, sheet: Any, row: int, first: int, last: int, value: object, form: Any = None) -> None:
        """Text over merged cells."""
        content = plain(str(value), limit=MAX_TEXT)
        form = form or self.text
        sheet.merge_range(row, first, row, last, "", form)
        sheet.write_string(row, first, content, form)
        widths = self._widths[sheet.get_name()]
        wide = sum(widths.get(column, 9.0) for column in range(first, last + 1))
        self._grow(
            sheet,
            row,
            content,
            wide * (0.68 if form is self.verdict else 1.0),
            tall=20.0 if form is self.verdict else _LINE,
        )

    def _grow(self, sheet: Any, row: int, content: str, width: float, *, tall: float = 0.0) -> None:
        """Make room for wrapped text: spreadsheets do not all do so by themselves."""
        lines = max(1, math.ceil(len(content) / (1.12 * width)))
        known = self._lines[sheet.get_name()]
        if lines > known.get(row, 1) or tall > _LINE:
            known[row] = max(lines, known.get(row, 1))
            sheet.set_row(row, min(3.0 + (tall or _LINE) * known[row], 409.0))

    def columns(self, sheet: Any, widths: Sequence[float]) -> None:
        """Column widths in characters, from the first column on."""
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
            self._widths[sheet.get_name()][column] = width

    def date_cell(self, sheet: Any, row: int, column: int, day: dt.date | None) -> None:
        """A date, or nothing."""
        if day is not None:
            sheet.write_datetime(row, column, dt.datetime.combine(day, dt.time()), self.date)

    def heads(self, sheet: Any, row: int, names: Sequence[str], *, right: Sequence[int] | range = ()) -> None:
        """A row of heads; those in ``right`` stand over numbers."""
        for column, name in enumerate(names):
            self.write(sheet, row, column, name, self.head_right if column in right else self.head)

    def figure(self, sheet: Any, row: int, column: int, value: float) -> None:
        """A number of any size: large ones the way people say them."""
        sheet.write_number(row, column, value, self.tokens if abs(value) >= 1e6 else self.number)

    def define(self, name: str, sheet: str, row: int, column: int) -> str:
        """A workbook-wide name for one cell."""
        self.writer.define_name(name, f"='{sheet}'!${letter(column)}${row + 1}")
        return name

    def cached(self, value: float | str | None) -> float | str:
        """What a formula cell shows before anything is recalculated: Python's own figure."""
        return "" if value is None else value


def letter(column: int) -> str:
    """0 -> A, 26 -> AA."""
    out = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(ord("A") + rest) + out
    return out
