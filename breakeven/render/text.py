"""What a user file may print to a terminal: text, never control sequences."""

from __future__ import annotations

import sys
import unicodedata

PIPED_WIDTH = 80
# Characters that reorder text can make a report read as something else.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def plain(text: str, *, limit: int | None = None) -> str:
    """The text with control, escape, direction and line-separating characters shown as U+FFFD, on one line.

    >>> plain("a\\x1b[31mred")
    'a\\ufffd[31mred'
    """
    if limit is not None:
        text = text[: 2 * limit]  # what follows only gets shorter by joining line ends
    if text.isprintable():  # no control, direction or private character in it
        out = text
    else:
        out = _shown(text)
    if limit is not None and len(out) > limit:
        out = out[: limit - 1] + "\u2026"
    return out


def _shown(text: str) -> str:
    return "".join(
        "\ufffd" if (unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or c in _BIDI) else c
        for c in text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    )


def stdout_width() -> int:
    """Columns to lay out for: the terminal's, or a fixed width when piped."""
    import os
    import shutil

    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) >= 40:
        return min(int(columns), 200)
    if not sys.stdout.isatty():
        return PIPED_WIDTH
    return max(40, min(shutil.get_terminal_size((PIPED_WIDTH, 24)).columns, 200))
