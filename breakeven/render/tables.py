"""Plain tables and JSON for the smaller commands: one console, no markup, the same bytes everywhere."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from breakeven.render.text import plain

_NAME = 12  # what a column of names needs at the least: they fold, and figures may not
_GAP = 3
_EDGES = 2  # the library counts a table's outer margins even where none is drawn


def grid(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], *, width: int, keys: int = 1) -> str:
    """A table; each column is (head, ``left`` or ``right``). User text is made harmless.

    A figure is never broken over lines: what is too wide for one table becomes several, each with the first ``keys`` columns,
    which tell its rows apart.
    """
    body = [[plain(text) for text in row] for row in rows]
    blocks = _blocks(columns, body, width, keys)
    return "\n".join(_one_grid([columns[at] for at in block], [[row[at] for at in block] for row in body], width) for block in blocks)


def _blocks(columns: Sequence[tuple[str, str]], body: Sequence[Sequence[str]], width: int, keys: int) -> list[list[int]]:
    """Columns of each table, by index."""
    needs = [_least(columns[at], [row[at] for row in body]) for at in range(len(columns))]
    beside_keys = width - _EDGES - sum(needs[:keys]) - _GAP * (keys - 1)
    blocks, room = [[*range(keys)]], beside_keys
    for at in range(keys, len(columns)):
        if needs[at] + _GAP > room and len(blocks[-1]) > keys:
            blocks.append([*range(keys)])
            room = beside_keys
        blocks[-1].append(at)
        room -= needs[at] + _GAP
    return blocks


def _least(column: tuple[str, str], cells: Sequence[str]) -> int:
    """The width below which a column is not read: its longest figure, or some of a name."""
    head, side = column
    longest = max(map(len, cells), default=0)
    if side == "right":
        return max(longest, min(max(map(len, head.split()), default=0), _NAME))
    return min(max(longest, len(head)), _NAME)


def _widths(columns: Sequence[tuple[str, str]], body: Sequence[Sequence[str]], width: int) -> list[int]:
    """Every column at its least, and what is left of the line where names would still fold."""
    cells = [[row[at] for row in body] for at in range(len(columns))]
    found = [_least(column, mine) for column, mine in zip(columns, cells, strict=True)]
    whole = [max(len(column[0]), *map(len, mine), 1) for column, mine in zip(columns, cells, strict=True)]
    spare = width - _EDGES - sum(found) - _GAP * (len(columns) - 1)
    # The least short first, so that one name folds rather than a letter of each; those that stay short share alike.
    short = sorted((at for at in range(len(columns)) if whole[at] > found[at]), key=lambda at: whole[at] - found[at])
    for done, at in enumerate(short):
        left = len(short) - done
        share = whole[at] - found[at]
        if share > spare or (left > 1 and spare - share < _NAME * (left - 1)):
            share = min(share, max(spare, 0) // left)
        found[at] += share
        spare -= share
    return found


def _one_grid(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], width: int) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    widths = _widths(columns, rows, width)
    for (head, side), one in zip(columns, widths, strict=True):
        table.add_column(head, justify="right" if side == "right" else "left", overflow="fold", width=one)
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    stream = io.StringIO()
    # As wide as the table: the library would squeeze figures together with names.
    console = Console(
        file=stream, width=max(width, sum(widths) + _GAP * len(widths) + _EDGES), force_terminal=False, no_color=True, color_system=None,
        highlight=False, markup=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    console.print(table)
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

    return "\n".join(textwrap.wrap(plain(text), width, break_on_hyphens=False)) or ""


def sheet(rows: Iterable[tuple[str, str]], *, width: int) -> str:
    """Named facts, one below the other; a long one goes on under its beginning."""
    import textwrap

    every = [(plain(name), plain(text)) for name, text in rows]
    indent = max((len(name) for name, _ in every), default=0) + 2
    lines = []
    for name, text in every:
        # A name such as h100-sxm stays whole, and so does a figure.
        parts = textwrap.wrap(text, max(width - indent, 20), break_on_hyphens=False) or [""]
        lines += [f"{name:<{indent}}{parts[0]}".rstrip(), *(" " * indent + part for part in parts[1:])]
    return "".join(f"{line}\n" for line in lines)


def columns_of(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Columns for :func:`grid`: to the right where every cell is a figure or a dash."""
    return [(head, "right" if all(_is_figure(row[at]) for row in body) else "left") for at, head in enumerate(header)]


def _is_figure(text: str) -> bool:
    bare = text.replace(",", "").replace(".", "").replace("%", "").strip().lstrip("+-x")
    return text in ("", "-") or bare.isdigit()


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
