"""``breakeven portfolio``: several profiles served together."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import choose_format, write


def portfolio(
    profiles: list[str] = typer.Argument(..., metavar="PROFILE...", help="Two or more profile files."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json, csv or md."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of every profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Fleets pooled by open model: peaks that do not coincide share machines."""
    from breakeven.cli.inputs import facts_date, load_catalogue, load_profiles
    from breakeven.compare.portfolio import portfolio as pool
    from breakeven.render.portfolio import FORMATS, render
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    loaded = load_profiles(profiles, set_)
    facts = load_catalogue(catalog)
    result = pool(loaded, facts, as_of=facts_date(as_of, facts))
    write(render(name, result, width=stdout_width()), output)
