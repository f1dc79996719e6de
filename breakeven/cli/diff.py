"""``breakeven diff``: what changed and why."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import write
from breakeven.cli.targets import spare_inputs
from breakeven.errors import InputError, Problem


def diff(
    files: list[str] = typer.Argument(..., metavar="A [B]", help="Two profiles or results; or profiles with --base-ref."),
    base_ref: str | None = typer.Option(None, "--base-ref", metavar="REV", help="Compare with the files at a git revision."),
    baseline: Path | None = typer.Option(None, "--baseline", metavar="FILE", help="Compare with an approved baseline."),
    format: str = typer.Option("text", "--format", "-f", help="text, json, md, github, junit, sarif, codequality, openmetrics."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here instead of printing."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
    locked: Path | None = typer.Option(None, "--locked", metavar="LOCK", help="The lock whose date of facts counts."),
) -> None:
    """What a change did (on the same facts) and what the market did (on the same profile). Always exits 0 when it can tell."""
    from breakeven.cli.inputs import parse_date
    from breakeven.gate.engine import Request, run_gate
    from breakeven.gate.results import diff_files
    from breakeven.render.gate_surfaces import GATE_FORMATS, render_gate

    if format not in GATE_FORMATS:
        raise InputError(Problem(f"unknown format {format!r}", f"write one of {', '.join(GATE_FORMATS)}", "--format"))
    spare_inputs(files, (baseline, locked), catalog, [output], by="diff")
    date = parse_date(as_of)
    if base_ref is not None or baseline is not None:
        if base_ref is not None and baseline is not None:
            raise InputError(Problem("--base-ref and --baseline exclude each other", "give one of them", "diff"))
        report = run_gate(Request(files, catalog, date, base_ref=base_ref, baseline=baseline, lock=locked, kind="diff"))
    elif locked is not None:
        raise InputError(Problem("--locked needs a base whose lock it is compared with", "give --base-ref REV or --baseline FILE", "diff"))
    elif len(files) == 2:
        report = diff_files(files[0], files[1], catalog=catalog, as_of=date)
    else:
        raise InputError(Problem(f"got {len(files)} file(s)", "name two, or give --base-ref REV", "diff"))
    write(render_gate(format, report), output)
