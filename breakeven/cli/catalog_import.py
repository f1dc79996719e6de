"""``breakeven catalog import``: someone's price list into a dated overlay."""

from __future__ import annotations

from pathlib import Path

import typer


def import_(
    path: Path = typer.Argument(..., metavar="FILE", help="gpuhunt, SkyPilot or generic CSV, or genai-prices JSON."),
    output: Path = typer.Option(..., "-o", "--output", metavar="DIR", help="Overlay directory to write into."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="The day the list was taken. Needed."),
    format: str | None = typer.Option(None, "--format", "-f", help="gpuhunt, skypilot, csv or genai-prices; else by its header."),
    provider: str | None = typer.Option(None, "--provider", help="Who sells; the file's name when absent."),
    said: list[str] = typer.Option([], "--as", metavar="NAME=ACCELERATOR", help="What an ambiguous name means; repeatable."),
    accelerator: list[str] = typer.Option([], "--accelerator", help="Only this accelerator; repeatable."),
    region: list[str] = typer.Option([], "--region", help="Only this region; repeatable."),
    url: str | None = typer.Option(None, "--url", help="Where the list was published."),
    force: bool = typer.Option(False, "--force", help="Replace files of the overlay that are already there."),
) -> None:
    """Asks for what is ambiguous (form factor, date), refuses what is suspect (spot not below on-demand)."""
    from breakeven.catalog.importing.overlay_writer import overlay_text, summary
    from breakeven.catalog.importing.read_any import Wanted, read_any
    from breakeven.cli.inputs import load_catalogue, parse_date
    from breakeven.cli.output import write_atomically
    from breakeven.errors import InputError, Problem
    from breakeven.render.text import plain

    date = parse_date(as_of)
    if date is None:
        raise InputError(Problem("a price list does not say its date", "give --as-of YYYY-MM-DD", str(path)))
    pairs = {}
    for text in said:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InputError(Problem(f"cannot read {text!r}", "write --as H100=h100-sxm", "--as"))
        pairs[name] = value
    wanted = Wanted(date, provider, format, url, tuple(accelerator), tuple(region), pairs)
    imported = read_any(path, load_catalogue([]), wanted)
    texts = {output / name: overlay_text(data) for name, data in imported.files.items()}
    there = [target for target in texts if target.exists()]
    if there and not force:
        raise InputError(Problem("is already there", "choose another directory, or --force", str(target)) for target in there)
    for target, text in texts.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(text.encode(), target)
    for line in summary(imported):
        typer.echo(plain(line), err=True)
    typer.echo(f"{imported.records} records in {len(texts)} files under {output}")
