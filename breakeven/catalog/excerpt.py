"""Cut a packaged file before it is parsed: its head, or the records that name one accelerator.

A run asks for the rents of one accelerator at three dozen providers; parsing every record of every
provider would cost more than the rest of the look-up. Packaged files are block-style YAML with one
record per ``- `` item, which a test holds them to. Files of the user are always parsed whole.
"""

from __future__ import annotations

import re
from typing import Any

from breakeven.yamlio import load_bytes

_FIRST_RECORDS = re.compile(rb"^[a-z_]+:[ \t]*\n(?=[ \t]*- (?:\{|[a-z_]+:))", re.MULTILINE)


def head(raw: bytes, path: str) -> dict[str, Any]:
    """The keys of a thing that stand before its first list of records: id, name, aliases, tier, ..."""
    match = _FIRST_RECORDS.search(raw)
    text = raw[: match.start()] if match else raw
    data = load_bytes(text, path).data
    return data if isinstance(data, dict) else {}


def records_naming(raw: bytes, path: str, *, field: str, key: str, value: str) -> list[tuple[int, dict[str, Any]]]:
    """(index, data) of each record of ``field`` in which ``key`` has exactly this ``value``."""
    section = _section(raw, field)
    line = re.compile(rb"(?:^|[ {])" + re.escape(f"{key}: {value}".encode()) + rb"(?=[,}\s]|\Z)", re.MULTILINE)
    if line.search(section) is None:
        return []
    indent = re.match(rb"[ \t]*", section)
    assert indent is not None
    starts = [m.start() for m in re.finditer(rb"^" + indent.group() + rb"- ", section, re.MULTILINE)]
    chunks = [section[start:end] for start, end in zip(starts, [*starts[1:], len(section)], strict=True)]
    wanted = [index for index, chunk in enumerate(chunks) if line.search(chunk)]
    data = load_bytes(b"".join(chunks[index] for index in wanted), path).data
    return [(index, item) for index, item in zip(wanted, data, strict=True) if item.get(key) == value]


def _section(raw: bytes, field: str) -> bytes:
    """The lines under a top-level key, up to the next one."""
    start = re.search(rb"^" + field.encode() + rb":[ \t]*\n", raw, re.MULTILINE)
    if start is None:
        return b""
    end = re.compile(rb"^[A-Za-z_]", re.MULTILINE).search(raw, start.end())
    return raw[start.end() : end.start() if end else len(raw)]
