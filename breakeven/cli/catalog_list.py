"""``breakeven catalog list``: what the catalogue knows, and what in it is old."""

from __future__ import annotations

from pathlib import Path

import typer


def list_(
    kind: str | None = typer.Argument(None, metavar="[KIND]", help="accelerators, rental, servers, sites, figures, ..."),
    stale: bool = typer.Option(False, "--stale", help="Only current prices and figures that are old, oldest first."),
    days: int = typer.Option(90, "--days", min=0, help="Older than this many days is old."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json or csv."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write here."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Every thing of the catalogue, or with --stale every current price older than --days."""
    from breakeven.catalog.inventory import entries, items, kind_named
    from breakeven.catalog.records import KINDS
    from breakeven.cli.inputs import load_catalogue, parse_date
    from breakeven.cli.output import choose_format, write
    from breakeven.render.catalogue import FORMATS, head_of, render_entries, render_items
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    catalogue = load_catalogue(catalog)
    date = parse_date(as_of) or catalogue.released
    kinds = (kind_named(kind),) if kind else tuple(KINDS)
    head = head_of(catalogue, date)
    if stale:
        old = [item for item in items(catalogue, kinds, date) if item.is_stale(days)]
        old.sort(key=lambda item: (-(item.age_days or 0), item.id))
        text = render_items(old, format=name, head={**head, "older_than_days": days}, width=stdout_width())
    else:
        text = render_entries(entries(catalogue, kinds, date), format=name, head=head, width=stdout_width())
    write(text, output)
