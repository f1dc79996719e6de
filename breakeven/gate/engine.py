"""Compare and judge every profile of a request against its base."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven import __version__
from breakeven.catalog.store import Catalogue
from breakeven.compare.lock import drift, read_lock
from breakeven.compare.result import Comparison
from breakeven.errors import BreakevenError, InputError, Problem, worst_exit_code
from breakeven.gate.baseline import Approved, Baseline, SignOff, baseline_text, read_baseline, renewal, unpacked
from breakeven.gate.compared import Facts, Side, compare_profile
from breakeven.gate.facts import World, companions, with_file
from breakeven.gate.policy import RULE_IDS, Policy, load_policy
from breakeven.gate.report import Compared, Finding, GateReport, Level, WaiverStatus
from breakeven.gate.rules import Case, judge
from breakeven.gate.waivers import apply_waivers
from breakeven.profile.load import LoadedProfile, from_document, load_profile
from breakeven.yamlio import Document, load_path


class Request(Struct, frozen=True):
    """What a command asked for. Exactly one of ``base_ref`` and ``baseline`` is given."""

    profiles: Sequence[str]
    catalog: Sequence[Path]
    as_of: dt.date | None
    base_ref: str | None = None
    baseline: Path | None = None
    policy_path: Path | None = None
    policy: Policy | None = None
    lock: Path | None = None
    on: dt.date | None = None
    kind: str = "check"


class Question(Struct, frozen=True):
    """What is compared with what, wherever the base came from."""

    bases: Mapping[str, Side | None]  # by the head's path
    facts: Facts
    policy: Policy | None
    base: str
    head: str
    notes: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()  # files that the base changed after this branch left it
    policy_document: Document | None = None
    base_lock: Mapping[str, Any] | None = None  # the lock as the base has it
    base_catalogue: str = ""  # digest of the facts that a baseline rests on


def run_gate(request: Request) -> GateReport:
    """Diff or check every profile. Raises BreakevenError for whatever cannot be judged: never a silent pass."""
    if not request.profiles:
        raise InputError(Problem("no profile was named", "name at least one profile file", "PROFILE"))
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
            return _report(request, heads, _against_baseline(request, heads, Path(name)))
    raise InputError(Problem("nothing to compare with", "give --base-ref REV or --baseline FILE", request.kind))


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
        try:
            out.append(load_profile(path))
        except BreakevenError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    names = [item.profile.name for item in out]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(Problem(f"profile names are given twice: {', '.join(twice)}", "give each profile its own name", "PROFILE"))
    return out


def approve(request: Request, sign_off: SignOff) -> str:
    """The text of a signed-off baseline of the profiles as they stand."""
    if not sign_off.by.strip() or not sign_off.reason.strip():
        raise InputError(Problem("a baseline is signed off by someone, for a reason", "give --approver WHO and --reason WHY", "--approve"))
    subject = load_policy(load_path(request.policy_path)).subject if request.policy_path is not None else "cheapest"
    world = World.of(Catalogue.load(list(request.catalog)), request.as_of)
    return baseline_text(_heads(request.profiles), world, subject=subject, sign_off=sign_off)


def _against_baseline(request: Request, heads: Sequence[LoadedProfile], folder: Path) -> Question:
    assert request.baseline is not None
    baseline = read_baseline(request.baseline)
    world = World.of(Catalogue.load(list(request.catalog)), request.as_of)
    policy, document = request.policy, None
    if request.policy_path is not None:
        document = load_path(request.policy_path)
        policy = load_policy(document)
    notes = []
    if policy is not None and policy.subject != baseline.subject:
        raise InputError(
            Problem(f"the baseline was approved for subject {baseline.subject!r}, the policy asks for {policy.subject!r}",
                    renewal(baseline.path), baseline.path)
        )  # fmt: skip
    this_tool = baseline.tool_version == __version__
    if not this_tool:
        notes.append(f"the baseline was approved with breakeven {baseline.tool_version}; what {__version__} changes is shown apart")
    if baseline.catalogue_digest != world.catalogue.digest:
        notes.append(f"the baseline rests on catalogue {baseline.catalogue_version} {baseline.catalogue_digest[:19]}; differences count as market")
    bases: dict[str, Side | None] = {}
    for number, item in enumerate(heads):
        approved = baseline.profiles.get(item.profile.name)
        if approved is None:
            bases[item.path] = None
            continue
        bases[item.path] = _approved(approved, item, baseline, folder / str(number), this_tool)
    missing = sorted(set(baseline.profiles) - {item.profile.name for item in heads})
    if missing:
        notes.append(f"approved but not checked here: {', '.join(missing)}")
    when = f" on {baseline.approved_on}" if baseline.approved_on else ""
    base = f"{baseline.path}, approved by {baseline.approved_by}{when}: {baseline.reason}"
    return Question(bases, Facts(world, world), policy, base, "working tree", tuple(notes), (), document, None, baseline.catalogue_digest[:19])


def _approved(approved: Approved, head: LoadedProfile, baseline: Baseline, folder: Path, this_tool: bool) -> Side:
    """An approved profile with the files beside it as they were approved."""
    place = f"{baseline.path}:{head.profile.name}"
    loaded = from_document(Document(approved.data, place, None))
    try:
        files = unpacked(loaded, approved.files, folder)
    except KeyError as error:
        raise InputError(Problem(f"lacks the file that {error} names", renewal(baseline.path), place)) from None
    data: Any = approved.data
    pinned: Any = approved.data
    labels: dict[str, str] = {}
    for loc, path in files.items():
        name = companions(loaded)[loc]
        here = Path(head.path).parent / name
        pinned = with_file(pinned, loc, str(path))
        if not here.is_file() or here.read_bytes() != path.read_bytes():
            data = with_file(data, loc, str(path))
            labels[str(path)] = f"{name} as approved"
    placed = from_document(Document(pinned, place, None))
    return Side(placed, baseline.as_of, approved.snapshot, this_tool, data=data if files else None, labels=labels)


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
            row, result = compare_profile(item, side, subject=subject, facts=question.facts)
            compared.append(row)
            if policy is not None:
                drifted = _drift(str(request.lock), lock, question.base_lock, judged, result) if lock is not None else ()
                cases.append(
                    Case(policy, row, result, judged.scope(item, row.as_of), item, request.on, _already_infeasible(side, judged, row, result), drifted)
                )
        except BreakevenError as error:
            errors.append(error)
    if errors:
        worst = worst_exit_code(error.exit_code for error in errors)
        kind = next(type(error) for error in errors if error.exit_code == worst)
        raise kind(problem for error in errors for problem in error.problems)
    findings: list[Finding] = []
    statuses: list[WaiverStatus] = []
    if policy is not None:
        found = [*_stale_branch(policy, question.stale), *(finding for case in cases for finding in judge(case))]
        on = request.on or max(row.as_of for row in compared)
        findings, statuses = apply_waivers(policy, question.policy_document, found, {row.name: row for row in compared}, on)
    catalogue = f"{judged.catalogue.version} {judged.catalogue.digest[:19]}"
    return GateReport(
        kind="check" if request.kind == "check" else "diff", base=question.base, head=question.head, subject=subject, catalogue=catalogue,
        tool_version=__version__, profiles=tuple(compared), findings=tuple(findings), waivers=tuple(statuses), notes=question.notes,
        rules_on=tuple(name for name in RULE_IDS if policy is not None and policy.is_on(name)),
        lock=None if lock is None else f"{request.lock} of {lock['as_of']}",
        base_catalogue="" if question.base_catalogue in catalogue else question.base_catalogue,
    )  # fmt: skip


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


def _stale_branch(policy: Policy, files: Sequence[str]) -> list[Finding]:
    level = policy.rules.stale_branch.level
    if level == "off":
        return []
    shown: Level = "error" if level == "error" else "warn"
    return [
        Finding("stale_branch", shown, "", "the base changed this file after this branch left it, so base and head differ by more than this change",
                "merge or rebase onto the base, or compare with the common ancestor", name, about=name)
        for name in files
    ]  # fmt: skip


__all__ = ["Question", "Request", "SignOff", "approve", "run_gate"]
