"""The difference between two catalogues as a table, CSV or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from breakeven.catalog.changes import Change
from breakeven.compare.catalogue_effect import CrossingMoved, Effect
from breakeven.compare.numbers import spoken, times, usd
from breakeven.render.catalogue import CATALOGUE_SCHEMA_VERSION
from breakeven.render.csv_result import table as csv_table
from breakeven.render.json_result import dumps
from breakeven.render.tables import grid, wrapped
from breakeven.render.text import plain

MAX_SIDE = 200
NOT_SAID = "not said"


def render_changes(
    rows: Sequence[Change], moved: Sequence[Effect], *, format: str, head: dict[str, Any], width: int
) -> str:
    """Changed facts first, then added and removed; profiles at the end."""
    if format == "json":
        return dumps(
            {
                "schema_version": CATALOGUE_SCHEMA_VERSION, **head, "changes": [_row(row) for row in rows],
                "profiles": [{**_row(row), "verdict_flips": row.verdict_flips} for row in moved],
            }
        )  # fmt: skip
    if format == "csv":
        return csv_table(Change.__struct_fields__, ({**_row(row), "fields": _in_words(row)} for row in rows))
    counts = Counter(row.change for row in rows)
    said = ", ".join(f"{counts[word]} {word}" for word in ("changed", "added", "removed", "confirmed") if counts[word])
    sides = (f"{head[side]['catalogue']} ({head[side]['as_of']})" for side in ("old", "new"))
    out = [wrapped(f"{' to '.join(sides)}: {said or 'no fact differs'}", width=width)]
    for word in ("changed", "added", "removed"):
        some = [row for row in rows if row.change == word]
        if not some:
            continue
        body = [(row.key, *_sides(row)) for row in some]
        out += ["", word, grid((("fact", "left"), ("old", "left"), ("new", "left")), body, width=width).rstrip("\n")]
    if moved:
        columns = (
            ("profile", "left"), ("first from, old", "right"), ("new", "right"), ("factor", "right"), ("verdict", "left"),
        )  # fmt: skip
        out += ["", "what it does", grid(columns, [_effect(row) for row in moved], width=width).rstrip("\n")]
        out += [line for row in moved for line in _details(row, width)]
    return "\n".join(out) + "\n"


def _sides(row: Change) -> tuple[str, str]:
    """What a fact said and says; of one that changed, only the fields that differ."""
    if not row.fields:
        return plain(row.old or "", limit=MAX_SIDE), plain(row.new or "", limit=MAX_SIDE)
    pairs = [(one.field, *_apart(one.old, one.new)) for one in row.fields]
    return ", ".join(f"{name} {old}" for name, old, _ in pairs), ", ".join(f"{name} {new}" for name, _, new in pairs)


def _apart(old: str | None, new: str | None) -> tuple[str, str]:
    """Both values, cut where they are long to where they begin to differ."""
    if old is None or new is None:
        return plain(old or NOT_SAID, limit=MAX_SIDE), plain(new or NOT_SAID, limit=MAX_SIDE)
    start = 0
    if max(len(old), len(new)) > MAX_SIDE:
        same = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        start = max(0, same - 20)
    mark = "…" if start else ""
    return plain(mark + old[start:], limit=MAX_SIDE), plain(mark + new[start:], limit=MAX_SIDE)


def _in_words(row: Change) -> str:
    return "; ".join(f"{one.field} {one.old or NOT_SAID} -> {one.new or NOT_SAID}" for one in row.fields)


def _effect(row: Effect) -> tuple[str, ...]:
    old, new = row.old_first_tokens_per_day, row.new_first_tokens_per_day
    problems = [f"{word}: {text}" for word, text in (("old", row.old_problem), ("new", row.new_problem)) if text]
    verdict = "; ".join(problems) or (f"flips to {row.new_cheaper}" if row.verdict_flips else "same")
    if not problems and row.old_cheapest != row.new_cheapest:
        verdict += f"; cheapest of all: {row.new_cheapest or 'none'}, was {row.old_cheapest or 'none'}"
    return (row.profile, _volume(old), _volume(new), _factor(old, new), verdict)


def _details(row: Effect, width: int) -> list[str]:
    """Every offer of the profile that costs something else, and every pair that crosses elsewhere."""
    out = []
    if row.offers:
        columns = (("offer", "left"), ("USD/day, old", "right"), ("new", "right"), ("factor", "right"))
        body = [(one.name, _usd(one.old_usd_per_day), _usd(one.new_usd_per_day), _factor(one.old_usd_per_day, one.new_usd_per_day)) for one in row.offers]
        out += ["", plain(f"{row.profile}: offers that cost something else at its volume"), grid(columns, body, width=width).rstrip("\n")]
    if row.crossovers:
        heads = (("wins over", "left"), ("with", "left"), ("first from", "right"), ("for good from", "right"), ("factor", "right"))
        pairs = [
            (
                one.api_name, one.self_host_name,
                _moved(one, one.old_first_tokens_per_day, one.new_first_tokens_per_day),
                _moved(one, one.old_settled_tokens_per_day, one.new_settled_tokens_per_day),
                _factor(one.old_first_tokens_per_day, one.new_first_tokens_per_day),
            )
            for one in row.crossovers
        ]  # fmt: skip
        out += ["", plain(f"{row.profile}: pairs that cross elsewhere (old -> new)"), grid(heads, pairs, width=width).rstrip("\n")]
    return out


def _moved(row: CrossingMoved, old: float | None, new: float | None) -> str:
    return f"{_first(row.old_outcome, old)} -> {_first(row.new_outcome, new)}"


def _usd(value: float | None) -> str:
    return "-" if value is None else usd(value)


def _factor(old: float | None, new: float | None) -> str:
    return times(new / old) if old and new else ""


def _first(outcome: str | None, value: float | None) -> str:
    if outcome is None:
        return "-"
    return "always" if outcome == "always" else _volume(value)


def _volume(value: float | None) -> str:
    return "never" if value is None else spoken(value)


def _row(row: Any) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in row.__struct_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_row(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
