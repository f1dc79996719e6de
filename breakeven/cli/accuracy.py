"""``breakeven accuracy``: predictions against a table of measurements."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.errors import InputError, Problem


def _refuse_unknown(sets: list[str], known: set[str]) -> None:
    """A set that no row is of is a slip: the score would be of the others alone."""
    unknown = [name for name in sets if name not in known]
    if unknown:
        fix = f"the column 'set' has {', '.join(sorted(known)[:8])}" if known else "the table has no column 'set', or it is blank"
        raise InputError(Problem(f"no row is of {' or '.join(unknown)}", fix, "--set"))


def accuracy(
    measurements: Path = typer.Argument(..., metavar="MEASUREMENTS.csv", help="Published or own measurements."),
    set_: list[str] = typer.Option([], "--set", help="Only rows whose column 'set' is this; repeatable."),
    rows: Path | None = typer.Option(None, "--rows", metavar="CSV", help="Also write every compared row here."),
    output: Path | None = typer.Option(None, "-o", "--output", metavar="FILE", help="Write the report here."),
    format: str | None = typer.Option(None, "--format", "-f", help="table or json."),
    evidence: str = typer.Option("model", "--evidence", help="Always the calibrated model alone."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
) -> None:
    """Signed and absolute error, band width and hold rate by model, accelerator, engine, source and regime.

    The calibrated model alone answers, never a look-up of published points.
    """
    from collections import Counter

    from breakeven.cli.inputs import facts_date, load_catalogue
    from breakeven.cli.output import choose_format, write
    from breakeven.offers.accuracy import compare_table, seen_by_the_fit, slices
    from breakeven.offers.accuracy_csv import render_rows
    from breakeven.offers.lookup import ServingLookup
    from breakeven.offers.measurements import read_table
    from breakeven.offers.serving_specs import load_calibration
    from breakeven.render.accuracy import render_accuracy
    from breakeven.render.text import stdout_width

    if evidence != "model":
        raise InputError(Problem("only the model can be scored", "write model", "--evidence"))
    name = choose_format(format, output, ("table", "json"), default="table")
    table = read_table(measurements)
    if set_:
        _refuse_unknown(set_, {row.get("set", "") for row in table} - {""})
        table = [row for row in table if row.get("set") in set_]
    facts = load_catalogue(catalog)
    lookup = ServingLookup(facts, facts_date(as_of, facts))
    compared, missed = compare_table(table, lookup, load_calibration())
    if not compared and not any(item.measured_but_refused for item in missed):
        reasons = Counter(item.reason for item in missed).most_common(3)
        said = "; ".join(f"{reason} ({count})" for reason, count in reasons) or "the table has no rows"
        raise InputError(Problem(f"no row can be compared: {said}", "see the columns in docs/serving.md", str(measurements)))
    if rows is not None:
        write(render_rows(compared, missed), rows)
    text = render_accuracy(
        slices(compared), missed, format=name, compared=len(compared), fitted=seen_by_the_fit(compared), width=stdout_width()
    )
    write(text, output)
