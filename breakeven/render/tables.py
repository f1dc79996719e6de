"""Plain tables and JSON for the smaller commands: one console, no markup, the same bytes everywhere."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from breakeven.render.text import plain


def grid(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], *, width: int) -> str:
    """A table; each column is (head, ``left`` or ``right``). User text is made harmless."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for head, side in columns:
        table.add_column(head, justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(text)) for text in row))
    stream = io.StringIO()
    Console(
        file=stream, width=width, force_terminal=False, no_color=True, color_system=None, highlight=False, markup=False,
        emoji=False, legacy_windows=False, _environ={},
    ).print(table)  # fmt: skip
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def markdown_table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """The same table for Markdown; a bar in a cell cannot end it."""

    def cells(row: Iterable[str]) -> str:
        return "| " + " | ".join(plain(text).replace("|", "\\|") for text in row) + " |"

    rule = "|" + "|".join("---:" if side == "right" else "---" for _, side in columns) + "|"
    return "\n".join([cells(name for name, _ in columns), rule, *(cells(row) for row in rows), ""])


def wrapped(text: str, *, width: int) -> str:
    """One paragraph."""
    import textwrap

    return "\n".join(textwrap.wrap(plain(text), width)) or ""


def as_json(value: Any) -> str:
    """A frozen result as JSON: dates as text, tuples as lists, NaN and infinity as null."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and not (-1.7976931348623157e308 <= value <= 1.7976931348623157e308):
        return None
    return value
