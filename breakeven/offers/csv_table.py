"""A CSV table as rows of named cells, with the line of whatever cannot be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from breakeven import yamlio
from breakeven.errors import InputError, Problem

MAX_BYTES = 200_000_000
_END = "\x1eend"  # read as a row of its own unless a quote is still open


def read_csv(path: Path, *, check: Callable[[list[str]], None], more_cells_fix: str | None = None) -> list[dict[str, str]]:
    """The rows by the names of the first line, cells stripped, absent ones blank; ``check`` refuses a header."""
    raw = yamlio.read_bytes(path, max_bytes=MAX_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(Problem("is not UTF-8 text", "save it as UTF-8 CSV", str(path))) from None
    lines = _lines(text, path)
    header = [name.strip() for name in next(lines, (1, []))[1]]
    check(header)
    rows = []
    for line, cells in lines:
        if len(cells) > len(header):  # cells have moved: what stands under a head is not what it says
            raise InputError(Problem("has more cells than columns", more_cells_fix, str(path), line=line))
        padded = chain(cells, [""] * (len(header) - len(cells)))
        rows.append({name: cell.strip() for name, cell in zip(header, padded, strict=True)})
    return rows


def refuse_repeated(header: Sequence[str], read: Sequence[str], path: Path) -> None:
    """A column that is read and stands there twice: of two cells only one would count."""
    repeated = [name for name in read if header.count(name) > 1]
    if repeated:
        raise InputError(Problem(f"has the column {', '.join(repeated)} twice", "leave one of the two out", str(path)))


def _lines(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the line on which it starts."""
    reader = csv.reader(chain(io.StringIO(text + "\n", newline=None), [_END]))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except csv.Error as error:
            raise InputError(Problem(f"is not read as CSV: {error}", "close every quote that a cell opens", str(path), line=line)) from None
        if cells == [_END]:
            return
        if cells and cells[-1].endswith(_END):
            message = "a quote that opens in this row is not closed"
            raise InputError(Problem(message, "close it, or double a quote that is part of a text", str(path), line=line))
        if cells:
            yield line, cells
