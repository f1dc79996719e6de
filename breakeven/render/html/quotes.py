"""Suppliers and clouds side by side."""

from __future__ import annotations

from breakeven.compare.result import Comparison
from breakeven.render import quotes
from breakeven.render.html.parts import esc, table


def quotes_section(result: Comparison) -> str:
    """The ranking; nothing where the catalogue holds no quote."""
    if not result.quotes:
        return ""
    body = ([esc(cell) for cell in row] for row in quotes.rows(result))
    ranks = not any(row.confidential for row in result.quotes)
    css = ["best" if row.rank == 1 else "" if row.rank or row.kind == "api" or not ranks else "off" for row in result.quotes]
    shown = table(quotes.COLUMNS, body, caption=quotes.note(result), right=quotes.RIGHT, nowrap=(5,), css=css)
    return f'<h2 id="quotes">{quotes.TITLE}</h2>{shown}'
