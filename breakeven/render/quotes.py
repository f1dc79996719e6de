"""Suppliers and clouds side by side, as the cells of a table; each format lays them out its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from breakeven.compare.numbers import Money, spoken
from breakeven.compare.result import Comparison

if TYPE_CHECKING:
    from breakeven.compare.quotes import QuoteRow

TITLE = "Quotes side by side"
COLUMNS = ("rank", "offer", "NPV/Mtok", "wins from", "units", "valid until", "remarks")
RIGHT = (0, 2, 3, 4)
NOTE = (
    "NPV/Mtok: present value of the costs over the horizon, by that of the tokens, duty, tax, delivery and minimum orders "
    "included. Ranked: complete, valid on the date, and meeting the requirements. Wins from: tokens/day, over the API."
)


def rows(result: Comparison) -> list[tuple[str, ...]]:
    """One row of text per way to run the model, best first; the API is the price to beat."""
    return [_cells(row, Money.of(result.currency)) for row in result.quotes]


def _cells(row: QuoteRow, money: Money) -> tuple[str, ...]:
    first = row.outcome or ""
    if row.first_tokens_per_day is not None and row.outcome in ("at", "sometimes"):
        first = spoken(row.first_tokens_per_day)
    elif row.outcome in ("at", "sometimes"):
        first = "withheld"
    return (
        str(row.rank) if row.rank is not None else "api" if row.kind == "api" else "-",
        row.name, "?" if row.npv_usd_per_mtok is None else money(row.npv_usd_per_mtok), first,
        "" if row.units is None else str(row.units), "" if row.valid_until is None else row.valid_until.isoformat(),
        "; ".join(row.flags),
    )  # fmt: skip


def quote_object(row: QuoteRow) -> dict[str, Any]:
    """One row as plain JSON data."""
    return {
        "offer": row.offer, "name": row.name, "kind": row.kind, "quote": row.quote, "rank": row.rank,
        "npv_usd_per_mtok": row.npv_usd_per_mtok, "npv_usd": row.npv_usd, "outcome": row.outcome,
        "first_tokens_per_day": row.first_tokens_per_day, "units": row.units,
        "valid_until": None if row.valid_until is None else row.valid_until.isoformat(), "flags": list(row.flags),
    }  # fmt: skip
