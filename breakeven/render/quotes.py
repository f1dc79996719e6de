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
_NPV = (
    "NPV/Mtok: present value of the costs over the horizon, by that of the tokens, duty, tax, delivery and minimum orders "
    "included."
)
_WINS = "Wins from: tokens/day, over the API."
_RANKED = "Ranked: complete, valid on the date, and meeting the requirements."
_WITHHELD = (
    "Not ranked: a place beside a public price would give a confidential one away. Conf. 1, conf. 2, ... is the order of the "
    "confidential quotes among themselves, and says nothing about the others, which follow by name."
)


def note(result: Comparison) -> str:
    """What the columns mean; in a redacted result, that no rank compares all of them."""
    ranked = _WITHHELD if any(row.confidential for row in result.quotes) else _RANKED
    return f"{_NPV} {ranked} {_WINS}"


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
        _place(row),
        row.name, "?" if row.npv_usd_per_mtok is None else money(row.npv_usd_per_mtok), first,
        "" if row.units is None else str(row.units), "" if row.valid_until is None else row.valid_until.isoformat(),
        "; ".join(row.flags),
    )  # fmt: skip


def _place(row: QuoteRow) -> str:
    if row.confidential_rank is not None:
        return f"conf. {row.confidential_rank}"
    return str(row.rank) if row.rank is not None else "api" if row.kind == "api" else "-"


def place_in_words(row: QuoteRow) -> str:
    """``rank 2``, ``confidential rank 1`` or nothing, for a cell that stands without the note."""
    if row.confidential_rank is not None:
        return f"confidential rank {row.confidential_rank}"
    return "" if row.rank is None else f"rank {row.rank}"


def quote_object(row: QuoteRow) -> dict[str, Any]:
    """One row as plain JSON data."""
    return {
        "offer": row.offer, "name": row.name, "kind": row.kind, "quote": row.quote, "rank": row.rank,
        "confidential_rank": row.confidential_rank,
        "npv_usd_per_mtok": row.npv_usd_per_mtok, "npv_usd": row.npv_usd, "outcome": row.outcome,
        "first_tokens_per_day": row.first_tokens_per_day, "units": row.units,
        "valid_until": None if row.valid_until is None else row.valid_until.isoformat(), "flags": list(row.flags),
    }  # fmt: skip
