"""``breakeven forecast``: the decision month by month."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import choose_format, write


def forecast(
    profile: str = typer.Argument(..., metavar="PROFILE", help="Profile file; - reads standard input."),
    months: int | None = typer.Option(None, "--months", min=1, max=360, help="Horizon; forecast.horizon_months otherwise."),
    path: str | None = typer.Option(
        None, "--path", help="API price path: none, same-model, same-quality or frontier."
    ),
    history: bool = typer.Option(False, "--history", help="Add the crossover at the prices in force since March 2024."),
    since: str = typer.Option("2024-03-01", "--since", metavar="DATE", help="First day of --history."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json, csv, md, or focus (CSV)."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Cost of every offer over the horizon, present value, payback, and the month in which to switch."""
    from breakeven.cli.inputs import facts_date, load_catalogue, load_profiles, parse_date
    from breakeven.compare.crossover_history import crossover_history
    from breakeven.compare.forecast_profile import forecast_profile
    from breakeven.compare.solve import nothing_to_weigh
    from breakeven.errors import InputError, Problem
    from breakeven.render.forecast import FORMATS, render
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    overrides = list(set_)
    if months is not None:
        overrides.append(f"forecast.horizon_months={months}")
    if path is not None:
        overrides += [f"forecast.api_price_path={path}", "forecast.api_price_change_per_year="]
    loaded = load_profiles([profile], overrides)[0]
    facts = load_catalogue(catalog)
    scope, own, result = forecast_profile(loaded, facts, as_of=facts_date(as_of, facts))
    past = None
    if history:
        start = parse_date(since, "--since")
        if own is None or start is None:
            raise InputError(Problem(nothing_to_weigh(scope), "see breakeven run", "--history"))
        past = crossover_history(scope, own, since=start)
    if name == "focus":
        from breakeven.render.focus import render_focus

        write(render_focus(result, hours_per_month=scope.profile.finance.hours_per_month), output)
        return
    write(render(name, result, past, width=stdout_width()), output)
