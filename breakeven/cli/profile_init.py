"""``breakeven profile init``: a commented starter, for a profile or for a supplier's quote."""

from __future__ import annotations

from pathlib import Path

import typer


def init(
    path: Path | None = typer.Argument(None, metavar="[FILE]", help="Where to write; - is standard output."),
    rfp: bool = typer.Option(False, "--rfp", help="A blank quote for a supplier to fill in, instead of a profile."),
    force: bool = typer.Option(False, "--force", help="Replace a file that already exists."),
) -> None:
    """Write a commented profile.yaml that runs as it is, or with --rfp a blank quote.yaml.

    A filled-in quote is checked by `breakeven catalog verify` and compared by `breakeven run --catalog`.
    """
    from breakeven.cli.output import write
    from breakeven.errors import InputError, Problem
    from breakeven.profile.starters import starter

    target = path or Path("quote.yaml" if rfp else "profile.yaml")
    if str(target) != "-" and target.exists() and not force:
        raise InputError(Problem("already exists", "choose another name, or --force", str(target)))
    if str(target) != "-":
        target.parent.mkdir(parents=True, exist_ok=True)  # a folder for quotes need not be there yet
    write(starter("quote" if rfp else "profile"), target)
    if str(target) != "-":
        then = f"breakeven catalog verify {target}" if rfp else f"breakeven run {target}"
        write(f"wrote {target}; next: {then}\n", None)
