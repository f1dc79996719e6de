"""``breakeven catalog show``: one thing with every record and its source."""

from __future__ import annotations

from pathlib import Path

import typer


def show(
    name: str = typer.Argument(..., metavar="[KIND/]ID", help="rental/lambda, h100-sxm, an alias, or a record's id."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json or csv."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write here."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """One accelerator, provider, server, site, figure set, model or API provider, record by record."""
    from breakeven.catalog.naming import named
    from breakeven.cli.inputs import load_catalogue, parse_date
    from breakeven.cli.output import choose_format, write
    from breakeven.render.catalogue import FORMATS, head_of, render_thing
    from breakeven.render.text import stdout_width

    chosen = choose_format(format, output, FORMATS, default="table")
    catalogue = load_catalogue(catalog)
    date = parse_date(as_of) or catalogue.released
    found = named(catalogue, name)
    text = render_thing(
        found.thing, found.kind, found.rows(date), format=chosen, head=head_of(catalogue, date), width=stdout_width(),
        files=catalogue.files.shown(found.kind, found.thing.id),
    )  # fmt: skip
    write(text, output)
