"""Compare and judge: base against head, profile by profile, with shared look-ups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breakeven import __version__
from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare_scope
from breakeven.compare.result import Comparison
from breakeven.errors import BreakevenError, InputError, Problem
from breakeven.gate.attribution import Share, attribute
from breakeven.gate.baseline import read_baseline
from breakeven.gate.policy import Policy, load_policy
from breakeven.gate.report import Compared, Finding, GateReport, WaiverStatus
from breakeven.gate.revision import git, listed, materialised, relative, top_level, verify
from breakeven.gate.rules import Case, apply_waivers, judge
from breakeven.gate.snapshot import Snapshot, snapshot
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile, from_document, load_profile
from breakeven.yamlio import Document, load_path


@dataclass(frozen=True, slots=True)
class World:
    """Facts on a date. Estimates are shared between every profile looked at in it."""

    catalogue: Catalogue
    prices: PriceBook
    as_of: dt.date | None
    plans: dict[Any, Any]

    @classmethod
    def of(cls, catalogue: Catalogue, as_of: dt.date | None) -> World:
        return cls(catalogue, PriceBook(catalogue), as_of, {})

    def date_of(self, loaded: LoadedProfile) -> dt.date:
        return self.as_of or loaded.profile.as_of or self.catalogue.released

    def scope(self, loaded: LoadedProfile, date: dt.date | None = None) -> Scope:
        date = date or self.date_of(loaded)
        # Estimates are shared by date; what stands in a file beside its profile is not shared at all.
        profile = loaded.profile
        beside = profile.self_host.model.endswith(".json") or profile.workload.demand.hourly_file is not None
        shared: dict[Any, Any] = {} if beside else self.plans.setdefault(date, {})
        return Scope(loaded, self.catalogue, self.prices, date, shared)

    def compare(self, loaded: LoadedProfile, *, detail: bool = False, date: dt.date | None = None) -> Comparison:
        return compare_scope(self.scope(loaded, date), detail=detail)


@dataclass(frozen=True, slots=True)
class Side:
    """The base of one profile: its data as loaded, or nothing when it is new."""

    loaded: LoadedProfile | None
    recorded: Snapshot | None = None  # what a baseline says it cost on its own facts


def compare_profile(
    head: LoadedProfile, base: Side, *, subject: str, head_world: World
) -> tuple[Compared, Comparison]:
    """One profile, both questions kept apart."""
    result = head_world.compare(head, detail=False)
    now = snapshot(result, subject)
    first_after = _first(result)
    if base.loaded is None:
        return Compared(head.profile.name, head.path, None, now, None, None, None, first_after=first_after), result
    date = head_world.date_of(head)  # both sides at the head's facts
    base_result = head_world.compare(base.loaded, date=date)
    before = snapshot(base_result, subject)
    change = None if now.usd_per_month is None or before.usd_per_month is None else now.usd_per_month - before.usd_per_month
    market: float | None = 0.0
    shown = before
    base_date = head_world.date_of(base.loaded)
    if base.recorded is not None:
        shown = base.recorded
        then = base.recorded.usd_per_month
        market = None if then is None or before.usd_per_month is None else before.usd_per_month - then
    elif base_date != date:
        shown = snapshot(head_world.compare(base.loaded), subject)
        then = snapshot(head_world.compare(head, date=base_date), subject).usd_per_month
        market = None if then is None or now.usd_per_month is None else now.usd_per_month - then
    shares: tuple[Share, ...] = ()
    note = None
    if change is not None:
        shares, note = attribute(
            base.loaded.document.data, head.document.data, head.document, _cost(head, subject, head_world, date)
        )
    compared = Compared(
        head.profile.name, head.path, shown, now, change, market, before.usd_per_month, shares, note, _first(base_result), first_after
    )
    return compared, result


def _cost(head: LoadedProfile, subject: str, world: World, date: dt.date) -> Callable[[Any], float]:
    """Monthly cost of the subject for raw profile data, read as if it stood where the head stands."""

    def cost(data: Any) -> float:
        loaded = from_document(Document(data, head.path, head.document.node))
        item = snapshot(world.compare(loaded, date=date), subject)
        if item.usd_per_month is None:
            raise InputError(Problem("a mix of old and new keys cannot be served", "see both results", head.path))
        return item.usd_per_month

    return cost


def _first(result: Comparison) -> float | None:
    head = result.headline
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    return found.first_tokens_per_day if found else None


# --- where the base comes from -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a command asked for. Exactly one of ``base_ref`` and ``baseline`` is given."""

    profiles: Sequence[str]
    catalog: Sequence[Path]
    as_of: dt.date | None
    base_ref: str | None = None
    baseline: Path | None = None
    policy_path: Path | None = None
    policy: Policy | None = None
    on: dt.date | None = None
    kind: str = "check"


def run_gate(request: Request) -> GateReport:
    """Diff or check every profile. Raises BreakevenError for whatever cannot be judged: never a silent pass."""
    if not request.profiles:
        raise InputError(Problem("no profile was named", "name at least one profile file", "PROFILE"))
    with ExitStack() as stack:
        if request.base_ref is not None:
            return _against_revision(request, stack)
        if request.baseline is not None:
            return _against_baseline(request)
    raise InputError(Problem("nothing to compare with", "give --base-ref REV or --baseline FILE", request.kind))


def _heads(request: Request) -> list[LoadedProfile]:
    problems: list[Problem] = []
    out = []
    for path in request.profiles:
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


def _against_revision(request: Request, stack: ExitStack) -> GateReport:
    heads = _heads(request)
    assert request.base_ref is not None
    repository = top_level(Path(heads[0].path).resolve())
    commit = verify(request.base_ref, repository)
    wanted = {item.path: relative(Path(item.path), repository) for item in heads}
    overlays = [relative(path, repository) for path in request.catalog]
    policy_path = relative(request.policy_path, repository) if request.policy_path is not None else None
    companions = [name for item in heads for name in _companions(item, repository)]
    everything = [*wanted.values(), *overlays, *companions, *([policy_path] if policy_path else [])]
    present = listed(commit, repository, everything) if everything else set()
    folder = stack.enter_context(materialised(commit, repository, present))
    notes: list[str] = []
    policy = request.policy
    if policy_path is not None:
        if policy_path not in present:
            raise InputError(
                Problem(f"the base revision {request.base_ref} has no {policy_path}", "land the policy first: the gate is judged by the base's", policy_path)
            )
        base_policy = _renamed(load_path(folder / policy_path), f"{request.base_ref}:{policy_path}")
        policy = load_policy(base_policy)
        if request.policy_path is not None and _differs(folder / policy_path, request.policy_path):
            notes.append(f"{policy_path} changes here; the base's version judges this change, the new one takes effect after it lands")
            load_policy(load_path(request.policy_path))  # a malformed policy may not land either
    base_overlays: list[Path] = []
    for name, path in zip(overlays, request.catalog, strict=True):
        if (folder / name).exists():
            base_overlays.append(folder / name)
            if _differs(folder / name, path):
                notes.append(f"the catalogue overlay {name} changes here; its effect is shown as market, and the base's version judges this change")
        else:
            notes.append(f"the catalogue overlay {name} is new here; it takes effect after it lands")
    base_world = World.of(Catalogue.load(base_overlays), request.as_of)
    changed_facts = any("overlay" in note for note in notes)
    # No change can loosen the gate that judges it: profiles are judged on the base's overlays.
    judged_world = base_world
    head_world = World.of(Catalogue.load(list(request.catalog)), request.as_of) if changed_facts else base_world
    bases = {}
    for item in heads:
        path = folder / wanted[item.path]
        bases[item.path] = Side(load_profile(path) if wanted[item.path] in present else None)
    dirty = "" if not _dirty(repository) else " with uncommitted changes"
    head_commit = git("rev-parse", "--verify", "--quiet", "HEAD", cwd=repository).decode().strip()[:12]
    return _report(
        request, heads, bases, policy, base=f"{request.base_ref} ({commit[:12]})", head=f"{head_commit}{dirty}",
        judged=judged_world, market_world=head_world, notes=notes, same_facts=not changed_facts, base_as_of=None,
    )  # fmt: skip


def _companions(item: LoadedProfile, repository: Path) -> list[str]:
    """Files that a profile points at, as git names them."""
    folder = Path(item.path).resolve().parent
    out = []
    for name in (item.profile.workload.demand.hourly_file, item.profile.self_host.benchmark, item.profile.self_host.model):
        if name and (folder / name).is_file() and (folder / name).resolve().is_relative_to(repository.resolve()):
            out.append(relative(folder / name, repository))
    return out


def _against_baseline(request: Request) -> GateReport:
    assert request.baseline is not None
    heads = _heads(request)
    baseline = read_baseline(request.baseline)
    world = World.of(Catalogue.load(list(request.catalog)), request.as_of)
    policy = request.policy
    if request.policy_path is not None:
        policy = load_policy(load_path(request.policy_path))
    notes = []
    if policy is not None and policy.subject != baseline.subject:
        raise InputError(
            Problem(f"the baseline was approved for subject {baseline.subject!r}, the policy asks for {policy.subject!r}",
                    "approve it again under this policy", str(request.baseline))
        )  # fmt: skip
    if baseline.tool_version != __version__:
        notes.append(f"the baseline was approved with breakeven {baseline.tool_version}; its profiles are recomputed with {__version__}")
    bases = {}
    for item in heads:
        approved = baseline.profiles.get(item.profile.name)
        if approved is None:
            bases[item.path] = Side(None)
            continue
        document = Document(approved.data, f"{baseline.path}:{item.profile.name}", None)
        bases[item.path] = Side(from_document(document), approved.snapshot)
    missing = sorted(set(baseline.profiles) - {item.profile.name for item in heads})
    if missing:
        notes.append(f"approved but not checked here: {', '.join(missing)}")
    who = f" by {baseline.approved_by}" if baseline.approved_by else ""
    return _report(
        request, heads, bases, policy, base=f"{baseline.path}, approved{who}", head="working tree", judged=world, market_world=world,
        notes=notes, same_facts=True, base_as_of=baseline.as_of,
    )  # fmt: skip


def _report(
    request: Request, heads: Sequence[LoadedProfile], bases: Mapping[str, Side], policy: Policy | None, *, base: str, head: str,
    judged: World, market_world: World, notes: Sequence[str], same_facts: bool, base_as_of: dt.date | None,
) -> GateReport:  # fmt: skip
    subject = policy.subject if policy is not None else "cheapest"
    compared, cases, problems = [], [], []
    for item in heads:
        try:
            row, result = compare_profile(item, bases[item.path], subject=subject, head_world=judged)
            if not same_facts:
                row = _with_market(row, item, subject, judged, market_world)
        except BreakevenError as error:
            problems.append(error)
            continue
        compared.append(row)
        if policy is not None:
            detailed = result if policy.rules.unsourced_assumption is None else judged.compare(item, detail=True)
            cases.append(Case(policy, row, detailed, judged.scope(item), item.document, request.on))
    if problems:
        worst = max(problems, key=lambda error: (error.exit_code == 2, error.exit_code))
        raise type(worst)([problem for error in problems for problem in error.problems])
    as_of = judged.scope(heads[0]).as_of
    findings: list[Finding] = []
    statuses: list[WaiverStatus] = []
    if policy is not None:
        on = request.on
        if policy.waivers and on is None:
            raise InputError(Problem("the policy has waivers, and whether they expired depends on the day", "give --on YYYY-MM-DD, for example the CI run's date", "--on"))
        found = [finding for case in cases for finding in judge(case)]
        findings, statuses = apply_waivers(policy, found, cases, on or as_of)
    rules_on = tuple(
        name for name in type(policy.rules).model_fields
        if (rule := getattr(policy.rules, name)) is not None and rule.level != "off"
    ) if policy is not None else ()  # fmt: skip
    return GateReport(
        kind="check" if request.kind == "check" else "diff", base=base, head=head, subject=subject, as_of=as_of, base_as_of=base_as_of or as_of,
        catalogue=f"{judged.catalogue.version} {judged.catalogue.digest[:19]}", tool_version=__version__, profiles=tuple(compared),
        findings=tuple(findings), waivers=tuple(statuses), notes=tuple(notes), rules_on=rules_on,
    )  # fmt: skip


def _with_market(row: Compared, item: LoadedProfile, subject: str, judged: World, market: World) -> Compared:
    """The head's profile on the base's facts and on the head's: what the facts did."""
    from dataclasses import replace

    then = row.head.usd_per_month
    now = snapshot(market.compare(item), subject).usd_per_month
    return replace(row, market_usd_per_month=None if then is None or now is None else now - then)


def _renamed(document: Document, path: str) -> Document:
    return Document(document.data, path, document.node)


def _differs(a: Path, b: Path) -> bool:
    if a.is_file() and b.is_file():
        return a.read_bytes() != b.read_bytes()
    if a.is_dir() and b.is_dir():
        left = {p.relative_to(a).as_posix(): p.read_bytes() for p in a.rglob("*") if p.is_file()}
        right = {p.relative_to(b).as_posix(): p.read_bytes() for p in b.rglob("*") if p.is_file()}
        return left != right
    return True


def _dirty(repository: Path) -> bool:
    return bool(git("status", "--porcelain", "--untracked-files=no", cwd=repository).strip())


def diff_files(a: str, b: str, *, catalog: Sequence[Path], as_of: dt.date | None) -> GateReport:
    """Two profiles, or two result files of ``run --format json``."""
    world = World.of(Catalogue.load(list(catalog)), as_of)
    left, right = _either(a), _either(b)
    row, _ = compare_profile(right, Side(left), subject="cheapest", head_world=world)
    date = world.scope(right).as_of
    return GateReport(
        "diff", a, b, "cheapest", date, date, f"{world.catalogue.version} {world.catalogue.digest[:19]}", __version__, (row,)
    )


def _either(path: str) -> LoadedProfile:
    """A profile file, or the profile inside a result."""
    if not path.endswith(".json"):
        return load_profile(path)
    import json

    from breakeven.yamlio import read_bytes

    try:
        data = json.loads(read_bytes(Path(path), max_bytes=64_000_000))
        inner = data["profile"]["data"]
    except (ValueError, KeyError, TypeError):
        raise InputError(Problem("is not a result of `breakeven run --format json` for one profile", "name a profile or such a result", path)) from None
    return from_document(Document(inner, path, None))


__all__ = ["Request", "World", "diff_files", "run_gate"]
