"""``breakeven explain``: any figure as its equation, with numbers and sources."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import choose_format, write


def explain(
    profile: str = typer.Argument(..., metavar="PROFILE", help="Profile file; - reads standard input."),
    item: str | None = typer.Argument(None, metavar="[ITEM]", help="An offer, offer.line, crossover, alternative:NAME, flip:KEY, or part of one."),
    format: str | None = typer.Option(None, "--format", "-f", help="tree, md or json."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Every figure of a result, down to the dated record, the profile's key or the default it rests on."""
    from breakeven.cli.inputs import facts_date, load_catalogue, load_profiles
    from breakeven.compare.comparison import compare_scope, make_scope
    from breakeven.compare.explain import explain_result
    from breakeven.render.explain import EXPLAIN_FORMATS, render_explain
    from breakeven.render.registry import Options, terminal_options

    name = choose_format(format, output, EXPLAIN_FORMATS, default="tree")
    loaded = load_profiles([profile], set_)[0]
    facts = load_catalogue(catalog)
    scope = make_scope(loaded, facts, as_of=facts_date(as_of, facts))
    nodes = explain_result(compare_scope(scope), item, scope=scope)
    write(render_explain(name, nodes, Options(**terminal_options(output))), output)
