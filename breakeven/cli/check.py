"""``breakeven check``: the CI gate."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from breakeven.cli.output import write
from breakeven.cli.targets import place, spare_inputs
from breakeven.errors import EXIT_FAILED, EXIT_OK, InputError, Problem


def check(
    profiles: list[str] = typer.Argument(None, metavar="PROFILE...", help="Profile files."),
    policy: Path | None = typer.Option(None, "--policy", metavar="FILE", help="breakeven.policy.yaml."),
    fail_if: str | None = typer.Option(None, "--fail-if", metavar="RULE", help="One rule without a file: 'increase > 5%'."),
    allow_new: bool = typer.Option(False, "--allow-new", help="With --fail-if: a profile that the base lacks is a warning."),
    base_ref: str | None = typer.Option(None, "--base-ref", metavar="REV", help="The git revision to compare with."),
    baseline: Path | None = typer.Option(None, "--baseline", metavar="FILE", help="An approved baseline to compare with."),
    on: str | None = typer.Option(None, "--on", metavar="DATE", help="Today, for waivers, ages and approvals, YYYY-MM-DD."),
    format: str = typer.Option("text", "--format", "-f", help="text, json, md, github, junit, sarif, codequality, openmetrics."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here instead of printing."),
    report: list[str] = typer.Option([], "--report", metavar="FORMAT=FILE", help="One more surface of the same run; repeatable."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
    locked: Path | None = typer.Option(None, "--locked", metavar="LOCK", help="The lock whose date and facts count."),
    approve: bool = typer.Option(False, "--approve", help="Write a signed-off baseline instead of judging."),
    approver: str = typer.Option("", "--approver", metavar="WHO", help="Who approves."),
    reason: str = typer.Option("", "--reason", help="Why it is approved."),
    self_test: bool = typer.Option(False, "--self-test", help="Run the built-in sabotages and prove that each is caught."),
) -> None:
    """Fail (exit 1) when a change breaks a rule; exit 2 or 3 when it cannot be judged. Never passes by accident."""
    if self_test:
        from breakeven.gate.self_test import self_test_report

        spare_inputs((), (), (), [output])
        text, failed = self_test_report()
        _deliver([(text, output)])
        raise typer.Exit(EXIT_FAILED if failed else EXIT_OK)
    from breakeven.cli.inputs import parse_date
    from breakeven.gate.engine import Request, SignOff, run_gate
    from breakeven.gate.engine import approve as approved
    from breakeven.gate.policy import policy_from_expression
    from breakeven.render.gate_surfaces import render_gate

    targets = _targets(format, output, report)
    if policy is not None and fail_if is not None:
        raise InputError(Problem("--policy and --fail-if exclude each other", "give one of them", "check"))
    if allow_new and fail_if is None:
        raise InputError(Problem("--allow-new belongs to --fail-if", "in a policy write rules: {new_profile: {level: warn}}", "--allow-new"))
    request = Request(
        profiles or [], catalog, parse_date(as_of), base_ref=base_ref, baseline=baseline, policy_path=policy, lock=locked,
        policy=policy_from_expression(fail_if, allow_new=allow_new) if fail_if is not None else None, on=parse_date(on, "--on"),
    )  # fmt: skip
    if not request.profiles:
        raise InputError(Problem("no profile was named", "name at least one profile file", "PROFILE"))
    if policy is not None and (same := next((path for path in request.profiles if place(Path(path)) == place(policy)), None)):
        raise InputError(Problem("is the policy, and is named among the profiles", "leave it out of the profiles, for example by a folder for them", same))
    spare_inputs(request.profiles, (policy, baseline, locked), catalog, [target for _, target in targets])
    if approve:
        if output is None:
            raise InputError(Problem("an approval needs a file to write", "give -o approved.json", "--approve"))
        if base_ref is not None or baseline is not None or fail_if is not None or locked is not None or report or format != "text":
            raise InputError(
                Problem("--approve judges nothing", "leave out --base-ref, --baseline, --fail-if, --locked, --format and --report", "--approve")
            )
        write(approved(request, SignOff(approver, reason, request.on), beside=output.parent), output)
        typer.echo(f"approved {len(request.profiles)} profile(s) in {output}", err=True)
        return
    if policy is None and fail_if is None:
        raise InputError(Problem("no rule was given", "give --policy FILE or --fail-if 'increase > 5%'", "check"))
    if (base_ref is None) == (baseline is None):
        raise InputError(Problem("needs exactly one thing to compare with", "give --base-ref REV or --baseline FILE", "check"))
    found = run_gate(request)
    _deliver([(render_gate(name, found), target) for name, target in targets])
    if output is not None:
        typer.echo(f"breakeven check: {found.verdict}", err=True)
    raise typer.Exit(EXIT_FAILED if found.failed else EXIT_OK)


def _targets(format: str, output: Path | None, report: Sequence[str]) -> list[tuple[str, Path | None]]:
    """Every surface that was asked for, and where it goes. Each file is written once."""
    from breakeven.render.gate_surfaces import GATE_FORMATS

    targets = [(format, output, "--format")]
    for text in report:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise InputError(Problem(f"cannot read {text!r}", "write FORMAT=FILE, for example sarif=breakeven.sarif", "--report"))
        targets.append((name, Path(file), "--report"))
    for name, _, option in targets:
        if name not in GATE_FORMATS:
            raise InputError(Problem(f"unknown format {name!r}", f"write one of {', '.join(GATE_FORMATS)}", option))
    files = ["-" if target is None or str(target) == "-" else str(place(target)) for _, target, _ in targets]
    if len(set(files)) != len(files):
        raise InputError(Problem("one file is named for two surfaces", "give each its own", "--report"))
    return [(name, target) for name, target, _ in targets]


def _deliver(surfaces: Sequence[tuple[str, Path | None]]) -> None:
    """Write every surface. A reader that went away does not change the verdict, so it may not change the exit code."""
    for text, target in surfaces:
        try:
            write(text, target)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
