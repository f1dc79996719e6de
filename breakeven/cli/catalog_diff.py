"""``breakeven catalog diff``: what changed between two catalogues, and what it does to answers."""

from __future__ import annotations

from pathlib import Path

import typer


def diff(
    old: str = typer.Argument(..., metavar="OLD", help="A catalogue folder, an overlay, or the word packaged."),
    new: str = typer.Argument(..., metavar="NEW", help="A catalogue folder, an overlay, or the word packaged."),
    profiles: list[str] = typer.Argument(None, metavar="[PROFILE...]", help="Also show what it does to these profiles."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="One date for both; each release's own when absent."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json or csv."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write here."),
) -> None:
    """Facts that were added, removed, changed or merely confirmed. A difference is no failure: exit 0."""
    from breakeven.catalog.changes import changes, open_catalogue
    from breakeven.cli.inputs import load_profiles, parse_date
    from breakeven.cli.output import choose_format, write
    from breakeven.compare.catalogue_effect import effects
    from breakeven.render.catalogue import FORMATS
    from breakeven.render.catalogue_changes import render_changes
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    before, after = open_catalogue(old), open_catalogue(new)
    date = parse_date(as_of)
    dates = {"old_date": date or before.released, "new_date": date or after.released}
    loaded = load_profiles(profiles or ())
    rows = changes(before, after, **dates)
    moved = effects(loaded, old=before, new=after, **dates)
    head = {
        "old": {"catalogue": before.version, "digest": before.digest, "as_of": dates["old_date"].isoformat()},
        "new": {"catalogue": after.version, "digest": after.digest, "as_of": dates["new_date"].isoformat()},
    }
    write(render_changes(rows, moved, format=name, head=head, width=stdout_width()), output)
