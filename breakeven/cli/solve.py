"""``breakeven solve``: the value of a key at which the verdict flips."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import choose_format, write


def solve(
    profile: str = typer.Argument(..., metavar="PROFILE", help="Profile file; - reads standard input."),
    keys: list[str] = typer.Argument(None, metavar="[KEY...]", help="Keys to solve for; the usual ones when none is named."),
    between: str | None = typer.Option(None, "--between", metavar="LOW:HIGH", help="Look only in this range."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json or csv."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """The values at which the cheaper side changes, for volume, prices, rates, labour, lengths, ..."""
    from breakeven.cli.inputs import facts_date, load_catalogue, load_profiles
    from breakeven.compare.axes import read_range
    from breakeven.compare.comparison import make_scope
    from breakeven.compare.solve import default_keys, sides
    from breakeven.compare.solve import solve as find
    from breakeven.render.solve import FORMATS, render
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    loaded = load_profiles([profile], set_)[0]
    facts = load_catalogue(catalog)
    scope = make_scope(loaded, facts, as_of=facts_date(as_of, facts))
    found = []
    for key in keys or default_keys(scope):
        low, high = read_range(loaded, key, between) if between else (None, None)
        found.append(find(scope, key, low=low, high=high))
    text = render(
        name, found, sides(scope), profile=loaded.profile.name, as_of=scope.as_of.isoformat(), width=stdout_width(),
        currency=scope.currency,
    )  # fmt: skip
    write(text, output)
