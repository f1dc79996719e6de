"""Suppliers and clouds side by side, as Python ranked them; the sheet is there when the catalogue holds quotes."""

from __future__ import annotations

from breakeven.render import quotes
from breakeven.render.workbook.book import Book


def write_quotes(book: Book) -> None:
    """One row per way to run the model; nothing where there is no quote."""
    result = book.result
    if not result.quotes:
        return
    sheet = book.sheets["Quotes"]
    book.write(sheet, 0, 0, quotes.TITLE, book.title)
    book.columns(sheet, (8, 44, 14, 16, 8, 14, 70))
    heads = ("rank", "offer", "NPV, USD/Mtok", "wins from, tokens/day", "units", "valid until", "remarks")
    book.heads(sheet, 3, heads, right=range(2, 5))
    for number, row in enumerate(result.quotes, 4):
        cells = quotes.rows(result)[number - 4]
        book.write(sheet, number, 0, cells[0])
        book.write(sheet, number, 1, row.name)
        if row.npv_usd_per_mtok is not None:
            sheet.write_number(number, 2, row.npv_usd_per_mtok, book.usd_fine)
        if row.first_tokens_per_day is not None:
            sheet.write_number(number, 3, row.first_tokens_per_day, book.tokens)
        else:
            book.write(sheet, number, 3, cells[3], book.tokens)
        if row.units is not None:
            sheet.write_number(number, 4, row.units, book.count)
        book.date_cell(sheet, number, 5, row.valid_until)
        book.write(sheet, number, 6, cells[-1])
    note = f"{quotes.note(result)} Computed by the tool for this run's inputs; it does not follow the Inputs sheet."
    book.across(sheet, 1, 0, 6, note, book.note)
    sheet.freeze_panes(4, 2)
