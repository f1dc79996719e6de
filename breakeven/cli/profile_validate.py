"""``breakeven profile validate``: check profiles without running them."""

from __future__ import annotations

from pathlib import Path

import typer


def validate(
    profiles: list[str] = typer.Argument(..., metavar="PROFILE...", help="Profile files; - reads standard input."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profiles."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Every problem of every file at once, with line, column and what to write instead.

    Keys and values first; then the names that the catalogue does not know. Whether everything has a
    price on a date, and can be served, is what `breakeven run` finds out.
    """
    from breakeven.cli.inputs import load_catalogue, load_profiles
    from breakeven.cli.output import write
    from breakeven.errors import InputError, Problem
    from breakeven.offers.names import unknown_names
    from breakeven.render.text import plain

    catalogue = load_catalogue(catalog)
    problems: list[Problem] = []
    good: list[str] = []
    for path in profiles:
        try:
            (loaded,) = load_profiles([path], set_)
            unknown = unknown_names(loaded, catalogue)
            problems.extend(unknown)
            if not unknown:
                good.append(loaded.path)
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    write("".join(f"{plain(path)}: ok\n" for path in good), None)
