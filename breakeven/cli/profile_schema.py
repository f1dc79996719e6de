"""``breakeven profile schema``: the profile's JSON Schema, for editors."""

from __future__ import annotations

from pathlib import Path

import typer


def schema(
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write here."),
) -> None:
    """Keys, types and bounds of a profile. `# yaml-language-server: $schema=FILE` makes editors use it."""
    from breakeven.cli.output import write
    from breakeven.profile.schema import schema_text

    write(schema_text(), output)
