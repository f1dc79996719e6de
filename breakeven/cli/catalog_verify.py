"""``breakeven catalog verify``: the packaged catalogue, or overlays and quotes, checked whole."""

from __future__ import annotations

from pathlib import Path

import typer


def verify(
    paths: list[Path] = typer.Argument(None, metavar="[PATH...]", help="Overlay directories or files; none = the package."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Refuse sources of overlays that were read after this day."),
) -> None:
    """Every problem at once. Exit 2 when a file is malformed, 1 when facts contradict each other.

    A file is malformed when it cannot be read as facts: wrong keys, no source, low above high. Facts
    contradict each other when one names an accelerator that nobody knows or takes a name twice, or when a
    power or price is out of all proportion to what is known of the accelerator.
    """
    from breakeven.catalog.verification import verify as check
    from breakeven.cli.inputs import load_catalogue, parse_date
    from breakeven.cli.output import write
    from breakeven.errors import CheckFailed, InputError
    from breakeven.render.text import plain

    overlays = list(paths or ())
    catalogue = load_catalogue(overlays)
    found = check(catalogue, overlays_only=bool(overlays), as_of=parse_date(as_of))
    if found.malformed:
        every = [*found.malformed, *found.wrong]
        raise InputError(sorted(every, key=lambda problem: (problem.path or "", problem.line or 0, problem.column or 0)))
    if found.wrong:
        raise CheckFailed(found.wrong)
    said = [f"ok: {found.files} files, {found.records} records"]
    said += [f"note: {plain(str(problem))}" for problem in found.doubtful]
    write("\n".join(said) + "\n", None)
