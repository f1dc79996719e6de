"""One row per cost line and offer, for spreadsheets and scripts; inert against formula injection."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from breakeven.compare.result import Comparison
from breakeven.render.quotes import place_in_words
from breakeven.render.registry import Options

COLUMNS = (
    "profile", "as_of", "tokens_per_day", "offer", "kind", "name", "eligible", "feasible", "line", "category",
    "line_name", "usd_per_day", "usd_per_replica_day", "usd_per_mtok", "usd_per_day_at_volume", "replicas",
    "first_tokens_per_day", "settled_tokens_per_day", "outcome", "against", "sources",
)  # fmt: skip


def render_csv(results: Sequence[Comparison], options: Options | None = None) -> str:
    """Line rows, then one ``total`` row per offer, then one ``crossover`` row per pair."""
    return table(COLUMNS, (row for result in results for row in _rows(result)))


def table(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """CSV text with a header and LF line ends; every text cell is made inert by :func:`inert`."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(row.get(column)) for column in columns])
    return stream.getvalue()


def cell(value: Any) -> str:
    """Numbers unrounded, unknown empty, text inert."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return inert(str(value))


def inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a quote before = + - @, tab and return.

    >>> inert("=HYPERLINK(1)"), inert("plain")
    ("'=HYPERLINK(1)", 'plain')
    """
    from breakeven.render.text import plain

    clean = plain(text)
    return "'" + clean if clean.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") else clean


def _rows(result: Comparison) -> Iterable[dict[str, Any]]:
    common = {"profile": result.name, "as_of": result.as_of.isoformat(), "tokens_per_day": result.tokens_per_day}
    for row in result.offers:
        offer = row.offer
        same = {
            **common, "offer": offer.id, "kind": offer.kind, "name": offer.name, "eligible": offer.eligible,
            "feasible": offer.feasible, "replicas": row.replicas,
        }  # fmt: skip
        for line, usd in row.bill:
            yield {
                **same, "line": line.id, "category": line.category, "line_name": line.name,
                "usd_per_day": line.usd_per_day, "usd_per_replica_day": line.usd_per_replica_day,
                "usd_per_mtok": line.usd_per_mtok, "usd_per_day_at_volume": usd, "sources": " ".join(line.sources),
            }  # fmt: skip
        sums = {
            "usd_per_day": offer.fixed_usd_per_day, "usd_per_replica_day": offer.usd_per_replica_day,
            "usd_per_mtok": offer.usd_per_mtok,
        }  # fmt: skip
        yield {**same, "line": "total", **(sums if offer.lines else {}), "usd_per_day_at_volume": row.usd_per_day}
    for found in result.crossovers:
        yield {
            **common, "offer": found.self_host, "line": "crossover", "against": found.api, "outcome": found.outcome,
            "first_tokens_per_day": found.first_tokens_per_day, "settled_tokens_per_day": found.settled_tokens_per_day,
        }  # fmt: skip
    for quote in result.quotes:
        yield {
            **common, "offer": quote.offer, "kind": quote.kind, "name": quote.name, "line": "quote",
            "usd_per_mtok": quote.npv_usd_per_mtok, "category": place_in_words(quote),
            "first_tokens_per_day": quote.first_tokens_per_day, "outcome": quote.outcome, "line_name": "; ".join(quote.flags),
        }  # fmt: skip
    for source in result.sources:
        yield {**common, "line": "source", "sources": source.id, "line_name": source.url or source.title or ""}
