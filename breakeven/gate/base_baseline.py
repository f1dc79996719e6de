"""The base as an approved baseline has it. The baseline, the policy and the overlays are those of the change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from breakeven import __version__
from breakeven.catalog.store import Catalogue
from breakeven.errors import BreakevenError, InputError, Problem
from breakeven.gate.baseline import Approved, Baseline, policy_digest, read_baseline, renewal, unpacked
from breakeven.gate.compared import Facts, Side
from breakeven.gate.even import MONTH_HOURS
from breakeven.gate.facts import World, companions, same_text, with_file
from breakeven.gate.policy import load_policy
from breakeven.gate.question import Question, Request
from breakeven.gate.report import FactsId, Finding
from breakeven.profile.load import LoadedProfile, from_document, load_profile
from breakeven.yamlio import Document, load_path


def against_baseline(request: Request, heads: Sequence[LoadedProfile], folder: Path) -> Question:
    assert request.baseline is not None
    baseline = read_baseline(request.baseline)
    world = World.of(Catalogue.load(list(request.catalog)), request.as_of)
    policy, document = request.policy, None
    if request.policy_path is not None:
        document = load_path(request.policy_path)
        policy = load_policy(document)
    notes = list(_unprotected(request, baseline, document))
    if policy is not None and policy.subject != baseline.subject:
        raise InputError(
            Problem(f"the baseline was approved for subject {baseline.subject!r}, the policy asks for {policy.subject!r}",
                    renewal(baseline.path), baseline.path)
        )  # fmt: skip
    if baseline.tool_version != __version__:
        notes.append(f"the baseline was approved with breakeven {baseline.tool_version}; what {__version__} changes is shown apart")
    if baseline.catalogue_digest != world.catalogue.digest:
        notes.append(f"the baseline rests on catalogue {baseline.catalogue_version} {baseline.catalogue_digest[:19]}; differences count as market")
    bases: dict[str, Side | None] = {}
    for number, item in enumerate(heads):
        approved = baseline.profiles.get(item.profile.name)
        if approved is None:
            bases[item.path] = None
            continue
        bases[item.path] = _approved(approved, item, baseline, folder / str(number))
    names = {item.profile.name for item in heads}
    moved = list(_moved_out(baseline, names))
    missing = sorted(set(baseline.profiles) - names - {finding.about for finding in moved})
    if missing:
        notes.append(f"approved but not checked here: {', '.join(missing)}")
    when = f" on {baseline.approved_on}" if baseline.approved_on else ""
    base = f"{baseline.path} {baseline.digest[:19]}, approved by {baseline.approved_by}{when}: {baseline.reason}"
    return Question(
        bases, Facts(world, world), policy, base=base, head="working tree", notes=tuple(notes), general=(*_older_catalogue(baseline, world), *moved),
        policy_document=document, unasked=frozenset({"stale_branch"}), base_catalogue=FactsId(baseline.catalogue_version, baseline.catalogue_digest),
    )  # fmt: skip


def _unprotected(request: Request, baseline: Baseline, policy: Document | None) -> Iterator[str]:
    """A baseline and the policy beside it are files of the change itself: who reviews it has to know."""
    files = [baseline.path, *(str(path) for path in (request.policy_path, *request.catalog) if path is not None)]
    yield f"{', '.join(files)} {'are' if len(files) > 1 else 'is'} read as this change has them: only review protects them (--base-ref reads the base's)"
    if policy is not None and baseline.policy_digest is None:
        yield f"{baseline.path} does not say under which policy it was approved: approve it with --policy, and a change of the policy shows here"
    elif policy is not None and baseline.policy_digest != policy_digest(policy.data):
        yield f"{policy.path} is not the policy that {baseline.path} was approved under: review its changes"


def _older_catalogue(baseline: Baseline, world: World) -> tuple[Finding, ...]:
    """Facts of an older release would hide what prices did since."""
    now = world.catalogue.version
    if baseline.catalogue_version <= now:
        return ()
    said = f"the catalogue here is of {now}, and the baseline was approved on that of {baseline.catalogue_version}: prices since then do not count"
    return (Finding("facts_moved_back", "error", "", said, "upgrade breakeven", baseline.path, about="catalogue"),)


def _moved_out(baseline: Baseline, checked: Collection[str]) -> Iterator[Finding]:
    """Approved profiles that are not checked, and no longer stand where they were approved."""
    for name in sorted(set(baseline.profiles) - set(checked)):
        path = baseline.profiles[name].path
        if path is None or _stands(Path(baseline.path).parent / path, name):
            continue
        here = _name_at(Path(baseline.path).parent / path)
        said = f"{name} was approved as {path} (seen from {baseline.path}), no longer stands there{f' ({here} does)' if here else ''}, and is not checked"
        renamed = f"; if it is only called {here} now, {renewal(baseline.path)}" if here else ""
        yield Finding("left_unchecked", "error", "", said, f"check it where it is now, or approve a baseline without it{renamed}", baseline.path, about=name)


def _stands(path: Path, name: str) -> bool:
    return _name_at(path) == name


def _name_at(path: Path) -> str | None:
    """The name of the profile that a file holds; None where it holds none."""
    try:
        return load_profile(path).profile.name
    except BreakevenError:
        return None


def _approved(approved: Approved, head: LoadedProfile, baseline: Baseline, folder: Path) -> Side:
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
        if not here.is_file() or not same_text(here.read_bytes(), path.read_bytes()):
            data = with_file(data, loc, str(path))
            labels[str(path)] = f"{name} as approved"
    placed = from_document(Document(pinned, place, None))
    # What was recorded of another month is no cost of the gate's: it is computed anew.
    recorded = approved.snapshot if MONTH_HOURS in (baseline.hours_per_month, loaded.profile.finance.hours_per_month) else None
    return Side(placed, baseline.as_of, recorded, baseline.tool_version, baseline.catalogue_digest, data=data if files else None, labels=labels)
