"""One file per format, one entry here. Nothing is imported until its format is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven.compare.result import Comparison

# format -> (module, function); the function takes (results, options) and returns text or bytes
_RUN: dict[str, tuple[str, str]] = {
    "table": ("table", "render_table"),
    "json": ("json_result", "render_json"),
    "csv": ("csv_result", "render_csv"),
    "md": ("markdown", "render_markdown"),
    "html": ("html_report", "render_html"),
    "xlsx": ("xlsx", "render_xlsx"),
}
RUN_FORMATS = tuple(_RUN)
WITH_OUTLOOK = ("html", "xlsx")  # formats that show the decision over time and how sure it is


class Options(Struct, frozen=True):
    """How to lay out; never what the numbers are."""

    width: int = 80
    colour: bool = False
    wrap_first_line: bool = False
    chart: bool = True
    to_file: bool = False


def terminal_options(output: Path | None) -> dict[str, Any]:
    """Width and colour for where the text goes: colour only on a terminal and without NO_COLOR."""
    from breakeven.render.text import stdout_width

    on_terminal = output is None and sys.stdout.isatty()
    colour = on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return {"width": stdout_width(), "colour": colour, "wrap_first_line": on_terminal}


def render_run(name: str, results: Sequence[Comparison], options: Options) -> str | bytes:
    """Results of ``run`` in the named format."""
    module, function = _RUN[name]
    rendered: str | bytes = getattr(import_module(f"breakeven.render.{module}"), function)(results, options)
    return rendered
