"""``breakeven catalog verify``: the packaged catalogue, or overlays and quotes, checked whole."""

from __future__ import annotations

from pathlib import Path

import typer


def verify(
    paths: list[Path] = typer.Argument(None, metavar="[PATH...]", help="Overlay directories or files; none = the package."),
) -> None:
    """Every problem at once. Exit 2 when a file is malformed, 1 when facts contradict each other.

    A file is malformed when it cannot be read as facts: wrong keys, no source, low above high. Facts
    contradict each other when one names an accelerator that nobody knows or takes a name twice.
    """
    from breakeven.catalog.verification import verify as check
    from breakeven.cli.inputs import load_catalogue
    from breakeven.cli.output import write
    from breakeven.errors import CheckFailed, InputError

    overlays = list(paths or ())
    found = check(load_catalogue(overlays), overlays_only=bool(overlays))
    if found.malformed:
        every = [*found.malformed, *found.wrong]
        raise InputError(sorted(every, key=lambda problem: (problem.path or "", problem.line or 0, problem.column or 0)))
    if found.wrong:
        raise CheckFailed(found.wrong)
    write(f"ok: {found.files} files, {found.records} records\n", None)
