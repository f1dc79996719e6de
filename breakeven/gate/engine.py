"""Compare and judge every profile of a request against its base."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from breakeven import __version__
from breakeven.catalog.store import Catalogue
from breakeven.compare.lock import drift, read_lock
from breakeven.compare.result import Comparison
from breakeven.errors import BreakevenError, InputError, Problem, worst_exit_code
from breakeven.gate.base_baseline import against_baseline
from breakeven.gate.baseline import SignOff, baseline_text
from breakeven.gate.compared import Side, compare_profile
from breakeven.gate.facts import World
from breakeven.gate.policy import RULE_IDS, Policy, load_policy
from breakeven.gate.question import Question, Request
from breakeven.gate.report import Compared, FactsId, Finding, GateReport, WaiverStatus
from breakeven.gate.revision import no_text, shown
from breakeven.gate.rules import Case, judge
from breakeven.gate.waivers import apply_waivers
from breakeven.profile.load import LoadedProfile, load_profile
from breakeven.yamlio import load_path


def run_gate(request: Request) -> GateReport:
    """Diff or check every profile. Raises BreakevenError for whatever cannot be judged: never a silent pass."""
    if not request.profiles:
        raise InputError(Problem("no profile was named", "name at least one profile file", "PROFILE"))
    _refuse_names_that_are_no_text(request)
    if request.lock is not None:
        request = _locked(request, request.lock)
    heads = _heads(request.profiles)
    if request.base_ref is not None:
        from breakeven.gate.base_revision import against_revision

        opened: AbstractContextManager[Question] = against_revision(request, heads)
        with opened as question:
            return _report(request, heads, question)
    if request.baseline is not None:
        with TemporaryDirectory(prefix="breakeven-baseline-") as name:
            return _report(request, heads, against_baseline(request, heads, Path(name)))
    raise InputError(Problem("nothing to compare with", "give --base-ref REV or --baseline FILE", request.kind))


def _refuse_names_that_are_no_text(request: Request) -> None:
    """No surface could name such a file so that another program finds it."""
    problems = []
    for path in (*request.profiles, *request.catalog, *(path for path in (request.policy_path, request.baseline, request.lock) if path is not None)):
        if no_text(str(path)):
            utf_8 = not no_text(os.fsencode(str(path)).decode("utf-8", "surrogateescape"))
            said = ("has letters that this locale cannot name", "set PYTHONUTF8=1, or LC_ALL=C.UTF-8") if utf_8 else ("has a name that is not UTF-8", "rename the file")
            problems.append(Problem(*said, shown(str(path))))
    if problems:
        raise InputError(problems)


def _locked(request: Request, lock: Path) -> Request:
    """The lock decides the date of the head's facts."""
    date = dt.date.fromisoformat(str(read_lock(lock)["as_of"]))
    if request.as_of is not None and request.as_of != date:
        raise InputError(Problem(f"the lock holds facts as of {date}, not {request.as_of}", "leave out --as-of, or renew the lock", str(lock)))
    return replace(request, as_of=date)


def _heads(paths: Sequence[str]) -> list[LoadedProfile]:
    problems: list[Problem] = []
    out = []
    for path in paths:
        if path == "-":
            problems.append(Problem("standard input has no history", "name files", "-"))
            continue
        if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
            problems.append(Problem("is no regular file", "name a file of the repository", path))
            continue
        try:
            out.append(load_profile(path))
        except BreakevenError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    _refuse_twice(out)
    names = [item.profile.name for item in out]
    read = [_as_read(name) for name in names]
    alike = sorted({repr(name) for name, shown_as in zip(names, read, strict=True) if read.count(shown_as) > 1})
    if alike:
        raise InputError(Problem(f"profile names read the same in a report: {', '.join(alike)}", "give each profile its own name", "PROFILE"))
    return out


def _refuse_twice(profiles: Sequence[LoadedProfile]) -> None:
    """One file named twice, or two files of one name: a report could not tell them apart."""
    by_name: dict[str, list[str]] = {}
    for item in profiles:
        by_name.setdefault(item.profile.name, []).append(item.path)
    problems = []
    for name, paths in by_name.items():
        places = [os.path.realpath(path) for path in paths]
        if len(set(places)) > 1:
            problems.append(Problem(f"profile names are given twice: {name} ({', '.join(paths)})", "give each profile its own name", "PROFILE"))
        elif len(places) > 1:
            problems.append(Problem(f"one file is named twice: {', '.join(paths)}", "name it once", "PROFILE"))
    if problems:
        raise InputError(problems)


def _as_read(name: str) -> str:
    """A name as every surface prints it: on one line, and without characters that control it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in re.sub(r"\r\n|[\n\t]", " ", name))


def approve(request: Request, sign_off: SignOff, *, beside: Path) -> str:
    """The text of a signed-off baseline of the profiles as they stand; ``beside`` is the folder that it goes to."""
    if not sign_off.by.strip() or not sign_off.reason.strip():
        raise InputError(Problem("a baseline is signed off by someone, for a reason", "give --approver WHO and --reason WHY", "--approve"))
    _refuse_names_that_are_no_text(request)
    document = load_path(request.policy_path) if request.policy_path is not None else None
    subject = load_policy(document).subject if document is not None else "cheapest"
    world = World.of(Catalogue.load(list(request.catalog)), request.as_of)
    text = document.data if document is not None else None
    return baseline_text(_heads(request.profiles), world, subject=subject, sign_off=sign_off, beside=beside, policy=text)


def _report(request: Request, heads: Sequence[LoadedProfile], question: Question) -> GateReport:
    policy, judged = question.policy, question.facts.judged
    subject = policy.subject if policy is not None else "cheapest"
    if policy is not None and policy.waivers and request.on is None:
        raise InputError(Problem("the policy has waivers, and whether they expired depends on the day", "give --on YYYY-MM-DD, for example the CI run's date", "--on"))
    compared: list[Compared] = []
    cases: list[Case] = []
    errors: list[BreakevenError] = []
    lock = read_lock(request.lock) if request.lock is not None else None
    for item in heads:
        side = question.bases[item.path]
        try:
            row, result, counted = compare_profile(item, side, subject=subject, facts=question.facts)
            compared.append(row)
            if policy is not None:
                drifted = _drift(str(request.lock), lock, question.base_lock, judged, result) if lock is not None else ()
                cases.append(
                    Case(
                        policy, row, result, judged.scope(counted.head, row.as_of), item, request.on, _already_infeasible(side, judged, row, result),
                        counted=counted, elsewhere=question.elsewhere.get(item.path), drift=drifted, by_option=request.policy_path is None,
                    )
                )  # fmt: skip
        except BreakevenError as error:
            errors.append(error)
    if errors:
        worst = worst_exit_code(error.exit_code for error in errors)
        kind = next(type(error) for error in errors if error.exit_code == worst)
        raise kind(problem for error in errors for problem in error.problems)
    findings: list[Finding] = []
    statuses: list[WaiverStatus] = []
    if policy is not None:
        found = [*_at_its_level(policy, question.general), *(finding for case in cases for finding in judge(case))]
        on = request.on or max(row.as_of for row in compared)
        judged_findings, listed = apply_waivers(policy, question.policy_document, found, {row.name: row for row in compared}, question.places, on)
        findings = [f if f.file else replace(f, file=question.places.get(f.path, "")) for f in judged_findings]
        statuses = [replace(w, file=question.places.get(w.path, "")) for w in listed]
    unasked = question.unasked | ({"lock_drift"} if lock is None else set())  # a rule that was not asked was not met either
    catalogue, other = FactsId(judged.catalogue.version, judged.catalogue.digest), question.base_catalogue
    return GateReport(
        kind="check" if request.kind == "check" else "diff", base=question.base, head=question.head, subject=subject, catalogue=catalogue,
        tool_version=__version__, profiles=tuple(compared), findings=tuple(findings), waivers=tuple(statuses),
        notes=(*question.notes, *_later_facts(compared, request.on, judged)),
        rules_on=tuple(name for name in RULE_IDS if policy is not None and policy.is_on(name) and name not in unasked),
        lock=None if lock is None else f"{request.lock} of {lock['as_of']}",
        base_catalogue=None if other is None or other.digest == catalogue.digest else other,
    )  # fmt: skip


def _later_facts(rows: Sequence[Compared], on: dt.date | None, world: World) -> Iterator[str]:
    """Facts of a day that is still to come: what is announced counts as if it were so."""
    today, name = (world.catalogue.released, "the catalogue") if on is None else (on, "--on")
    late = sorted({row.as_of for row in rows if row.as_of > today})
    if late:
        yield f"facts are looked up as of {', '.join(map(str, late))}, after {name}'s {today}: prices announced for then count already"


def _already_infeasible(side: Side | None, judged: World, row: Compared, result: Comparison) -> frozenset[str]:
    """Offers that could not serve before the change either."""
    if side is None or all(offer.offer.feasible for offer in result.offers):
        return frozenset()
    return frozenset(offer.offer.id for offer in judged.compare(side.loaded, row.as_of).offers if not offer.offer.feasible)


def _drift(path: str, lock: Mapping[str, Any], base: Mapping[str, Any] | None, judged: World, result: Comparison) -> tuple[str, ...]:
    """How the facts that a result uses differ from the lock, and how the lock itself differs from the base's."""
    problems = [problem.message for problem in drift([result], judged.catalogue, dict(lock), path)]
    if base is not None:
        old, new = base["facts"], lock["facts"]
        used = sorted({source.id for source in result.sources} & set(old) & set(new))
        problems += [f"the lock of this change says something else of {name} than the base's" for name in used if old[name] != new[name]]
        if base["as_of"] != lock["as_of"]:
            problems.append(f"the lock of this change is of {lock['as_of']}, the base's of {base['as_of']}")
    return tuple(problems)


def _at_its_level(policy: Policy, found: Sequence[Finding]) -> list[Finding]:
    levels: dict[str, str] = {finding.rule: getattr(policy.rules, finding.rule).level for finding in found}
    return [replace(finding, level=levels[finding.rule]) for finding in found if levels[finding.rule] != "off"]


__all__ = ["Question", "Request", "SignOff", "approve", "run_gate"]
