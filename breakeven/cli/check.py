"""``breakeven check``: the CI gate."""

from __future__ import annotations

from pathlib import Path

import typer

from breakeven.cli.output import write
from breakeven.errors import EXIT_FAILED, EXIT_OK, InputError, Problem


def check(
    profiles: list[str] = typer.Argument(None, metavar="PROFILE...", help="Profile files."),
    policy: Path | None = typer.Option(None, "--policy", metavar="FILE", help="breakeven.policy.yaml."),
    fail_if: str | None = typer.Option(None, "--fail-if", metavar="RULE", help="One rule without a file: 'increase > 5%'."),
    base_ref: str | None = typer.Option(None, "--base-ref", metavar="REV", help="The git revision to compare with."),
    baseline: Path | None = typer.Option(None, "--baseline", metavar="FILE", help="An approved baseline to compare with."),
    approve: bool = typer.Option(False, "--approve", help="Write a signed-off baseline instead of judging."),
    approver: str | None = typer.Option(None, "--approver", metavar="WHO", help="Who approves."),
    reason: str | None = typer.Option(None, "--reason", help="Why it is approved."),
    on: str | None = typer.Option(None, "--on", metavar="DATE", help="Today, for waivers and approvals, YYYY-MM-DD."),
    format: str = typer.Option("text", "--format", "-f", help="text, json, md, github, junit, sarif, codequality, openmetrics."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here instead of printing."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
    self_test: bool = typer.Option(False, "--self-test", help="Run the built-in sabotages and prove that each is caught."),
) -> None:
    """Fail (exit 1) when a change breaks a rule; exit 2 or 3 when it cannot be judged. Never passes by accident."""
    if self_test:
        from breakeven.gate.self_test import self_test_report

        text, failed = self_test_report()
        write(text, output)
        raise typer.Exit(EXIT_FAILED if failed else EXIT_OK)
    from breakeven.cli.inputs import load_catalogue, load_profiles, parse_date
    from breakeven.gate.engine import Request, run_gate
    from breakeven.gate.policy import load_policy, policy_from_expression
    from breakeven.render.gate_surfaces import GATE_FORMATS, render_gate

    if not profiles:
        raise InputError(Problem("no profile was named", "name at least one profile file", "PROFILE"))
    if format not in GATE_FORMATS:
        raise InputError(Problem(f"unknown format {format!r}", f"write one of {', '.join(GATE_FORMATS)}", "--format"))
    date, day = parse_date(as_of), parse_date(on, "--on")
    if policy is not None and fail_if is not None:
        raise InputError(Problem("--policy and --fail-if exclude each other", "give one of them", "check"))
    if approve:
        from breakeven.compare.comparison import compare
        from breakeven.gate.baseline import baseline_text
        from breakeven.yamlio import load_path

        if output is None:
            raise InputError(Problem("an approval needs a file to write", "give -o approved.json", "--approve"))
        if base_ref is not None or baseline is not None or fail_if is not None:
            raise InputError(Problem("--approve judges nothing", "leave out --base-ref, --baseline and --fail-if", "--approve"))
        subject = load_policy(load_path(policy)).subject if policy is not None else "cheapest"
        catalogue = load_catalogue(catalog)
        results = [compare(item, catalogue, as_of=date) for item in load_profiles(profiles)]
        write(baseline_text(results, subject=subject, approver=approver, on=day, reason=reason), output)
        typer.echo(f"approved {len(results)} profile(s) in {output}", err=True)
        return
    if policy is None and fail_if is None:
        raise InputError(Problem("no rule was given", "give --policy FILE or --fail-if 'increase > 5%'", "check"))
    if (base_ref is None) == (baseline is None):
        raise InputError(Problem("needs exactly one thing to compare with", "give --base-ref REV or --baseline FILE", "check"))
    request = Request(
        profiles, catalog, date, base_ref=base_ref, baseline=baseline, policy_path=policy,
        policy=policy_from_expression(fail_if) if fail_if is not None else None, on=day,
    )  # fmt: skip
    report = run_gate(request)
    write(render_gate(format, report), output)
    if output is not None:
        typer.echo(f"breakeven check: {report.verdict}", err=True)
    raise typer.Exit(EXIT_FAILED if report.failed else EXIT_OK)
