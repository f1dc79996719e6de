"""``breakeven run``: the main job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from breakeven.cli.output import choose_format, write
from breakeven.errors import Infeasible

if TYPE_CHECKING:
    from breakeven.compare.result import Comparison


def run(
    profiles: list[str] = typer.Argument(..., metavar="PROFILE...", help="Profile files; - reads standard input."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, json, csv, md, html or xlsx."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
    locked: Path | None = typer.Option(None, "--locked", metavar="LOCK", help="Refuse facts that differ from a lock."),
    redact: bool = typer.Option(False, "--redact", help="Hide confidential figures and sources."),
    chart: bool = typer.Option(True, "--chart/--no-chart", help="Draw the crossover chart (table only)."),
) -> None:
    """Offers side by side at your volume, the crossover in one sentence, and what moves it.

    Exit code 0 (also when self-hosting never pays), 2 bad input, 3 unpriced on the date,
    4 no self-hosted offer is feasible.
    """
    from breakeven.cli.inputs import load_catalogue, load_profiles, parse_date
    from breakeven.compare.comparison import compare
    from breakeven.compare.no_offer import no_offer
    from breakeven.render import registry

    name = choose_format(format, output, registry.RUN_FORMATS, default="table")
    date = parse_date(as_of)
    catalogue = load_catalogue(catalog)
    loaded = load_profiles(profiles, set_)
    compute: Callable[..., Comparison] = compare
    if name in registry.WITH_OUTLOOK and not redact:  # totals over time would show what redaction hides
        from breakeven.compare.outlook import compare_with_outlook as compute
    results = [compute(item, catalogue, as_of=date) for item in loaded]
    if locked is not None:
        from breakeven.compare.lock import verify_lock

        verify_lock(results, catalogue, locked)
    if redact:
        from breakeven.compare.redaction import redacted

        results = [redacted(result, catalogue) for result in results]
    options = registry.Options(chart=chart, to_file=output is not None, **registry.terminal_options(output))
    write(registry.render_run(name, results, options), output)
    unserved = [problem for item, result in zip(loaded, results, strict=True) for problem in no_offer(item, result)]
    if unserved:  # the report is written all the same: the APIs and the reasons are in it
        raise Infeasible(unserved)
