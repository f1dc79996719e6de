"""``breakeven risk``: how sure the verdict is, and what to measure first."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import choose_format, write


def risk(
    profile: str = typer.Argument(..., metavar="PROFILE", help="Profile file; - reads standard input."),
    draws: int = typer.Option(16384, "--draws", help="Draws, rounded to a power of two."),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Seed; uncertainty.seed otherwise."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json, csv or md."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Probability that each offer is the cheapest, the range of the crossover, and what decides."""
    from breakeven.cli.inputs import facts_date, load_catalogue, load_profiles, need
    from breakeven.compare.comparison import make_scope

    need("numpy", "risk", "risk")
    need("scipy", "risk", "risk")
    from breakeven.compare.risk import risk as weigh
    from breakeven.render.risk import FORMATS, render
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    loaded = load_profiles([profile], set_)[0]
    facts = load_catalogue(catalog)
    scope = make_scope(loaded, facts, as_of=facts_date(as_of, facts))
    write(render(name, weigh(scope, draws=draws, seed=seed), width=stdout_width()), output)
