"""The difference between two catalogues as a table, CSV or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from breakeven.catalog.changes import Change
from breakeven.compare.catalogue_effect import Effect
from breakeven.compare.numbers import spoken, times
from breakeven.render.catalogue import CATALOGUE_SCHEMA_VERSION
from breakeven.render.csv_result import table as csv_table
from breakeven.render.json_result import dumps
from breakeven.render.tables import grid
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
    out = [
        f"{head['old']['catalogue']} ({head['old']['as_of']}) to {head['new']['catalogue']} ({head['new']['as_of']}): "
        + (", ".join(f"{counts[word]} {word}" for word in ("changed", "added", "removed", "confirmed") if counts[word])
           or "no fact differs")
    ]  # fmt: skip
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
    factor = times(new / old) if old and new else ""
    problems = [f"{word}: {text}" for word, text in (("old", row.old_problem), ("new", row.new_problem)) if text]
    verdict = "; ".join(problems) or (f"flips to {row.new_cheaper}" if row.verdict_flips else "same")
    return (row.profile, _volume(old), _volume(new), factor, verdict)


def _volume(value: float | None) -> str:
    return "never" if value is None else spoken(value)


def _row(row: Any) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in row.__struct_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_row(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
