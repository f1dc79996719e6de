"""The base as a git revision has it: profiles, the files they point at, policy, waivers and overlays."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven.catalog.store import Catalogue
from breakeven.compare.lock import read_lock
from breakeven.errors import BreakevenError, FactNotFound, InputError, Problem
from breakeven.gate.compared import Facts, Side
from breakeven.gate.facts import World, companions, same_text, with_file
from breakeven.gate.policy import Policy, load_policy
from breakeven.gate.question import Elsewhere, Question, Request
from breakeven.gate.report import Finding
from breakeven.gate.revision import (
    Revision,
    head_commit,
    is_dirty,
    placed,
    relative,
    shown,
    submodules,
    top_level,
    verify,
)
from breakeven.gate.rewritten import refuse_rewritten
from breakeven.gate.unchecked import folders_of, profiles_gone, unchecked
from breakeven.profile.load import LoadedProfile, from_document, load_profile
from breakeven.yamlio import Document, load_path

_YAML = (".yaml", ".yml")  # what a catalogue reads


class _Base(Struct, frozen=True):
    """A revision with the folder its files are placed in, and what is found on the way."""

    revision: Revision
    folder: Path
    notes: list[str]
    other_overlays: list[str]  # overlays that the change adds or edits: the base's judge
    elsewhere: dict[str, Elsewhere]
    profiles: list[str]  # its profiles that something is compared with

    def path(self, name: str) -> Path:
        return self.folder / name

    def fetch(self, files: Mapping[str, str]) -> None:
        placed(self.revision.read(files), self.folder)


@contextmanager
def against_revision(request: Request, heads: Sequence[LoadedProfile]) -> Iterator[Question]:
    """The question of a request with ``--base-ref``; the base's files exist while it is open."""
    assert request.base_ref is not None
    repository = top_level(Path(heads[0].path).absolute().parent)
    revision = verify(request.base_ref, repository)
    with tempfile.TemporaryDirectory(prefix="breakeven-base-") as name:
        base = _Base(revision, Path(name).resolve(), [], [], {}, [])
        try:
            yield _question(request, heads, base)
        except BreakevenError as error:
            # People know the base by its revision, not by a folder that is gone by now.
            problems = [_known(problem, base.folder, request.base_ref) for problem in error.problems]
            if isinstance(error, FactNotFound) and base.other_overlays:
                problems.append(
                    Problem("overlays that change here do not judge this change, and hold once it has landed",
                            "land a fact that comes with it first, then the profile that needs it; keep one that a profile needs", "--catalog")
                )  # fmt: skip
            own = {str(base.path(profile)) for profile in base.profiles}
            for path in sorted({problem.path for problem in error.problems if problem.path in own}):
                # Nobody can mend the base from here: a change of that very file would be compared with it again.
                problems.append(
                    Problem("what the base has there can't be judged, so nothing can be compared with it",
                            "what takes its place needs another file and another name: it then counts as new", str(path).replace(f"{base.folder}/", f"{request.base_ref}:"))
                )  # fmt: skip
            raise type(error)(problems) from None


def _question(request: Request, heads: Sequence[LoadedProfile], base: _Base) -> Question:
    revision = base.revision
    repository = revision.repository
    apart = submodules(repository)
    wanted = {item.path: relative(Path(item.path), repository, apart) for item in heads}
    beside_them = _beside_in_history(heads, repository, apart)
    overlays = [relative(path, repository, apart) for path in request.catalog]
    for overlay, folder in ((overlay, folder) for overlay in overlays for folder in sorted(apart)):
        if Path(folder).is_relative_to(overlay):
            raise InputError(Problem(f"holds a repository of its own ({folder}), whose history is not the one that judges", "keep what is checked in one repository", overlay))
    policy_path = relative(request.policy_path, repository, apart) if request.policy_path is not None else None
    lock_path = relative(request.lock, repository, apart) if request.lock is not None else None
    asked = [*wanted.values(), *overlays, *(name for name in (policy_path, lock_path) if name)]
    refuse_rewritten(revision, [*asked, *beside_them, *_overlay_files(overlays, request.catalog)])
    files = revision.files(asked)
    base.fetch(files)
    policy, policy_document = (request.policy, None) if policy_path is None else _policy(request, policy_path, base)
    judged = World.of(Catalogue.load(_overlays(request, overlays, base)), request.as_of)
    head_world = World.of(Catalogue.load(list(request.catalog)), request.as_of) if base.other_overlays else judged
    base_lock = _base_lock(lock_path, base) if lock_path is not None else None
    date = dt.date.fromisoformat(str(base_lock["as_of"])) if base_lock is not None else None
    left = profiles_gone(revision)
    found = _moved(base, heads, wanted, files, left)
    sides: dict[str, Side | None] = {}
    seen = dict(files)
    for item in heads:
        name = found[item.path]
        sides[item.path] = _side(base, item, name, date, seen) if name is not None else None
    renamed = _renamed(heads, sides, wanted)
    beside = unchecked(revision, set(wanted.values()), {name for name in found.values() if name is not None}, left, renamed)
    base.notes.extend(beside.notes)
    head = head_commit(repository)
    same_commit = revision.commit.startswith(head)
    # A file that nothing tracks yet is no change to git, and may be all that there is to judge.
    dirty = is_dirty(repository) or (same_commit and (bool(base.other_overlays) or not set(wanted.values()) <= set(files)))
    if same_commit and not dirty:
        base.notes.append(f"{revision.ref} is the commit that is checked out, and nothing is uncommitted: there is no change to judge")
    return Question(
        sides, Facts(judged, head_world), policy, base=f"{revision.ref} ({revision.commit[:12]})",
        head=head + (" with uncommitted changes" if dirty else ""), notes=tuple(base.notes),
        general=(*_stale(revision, asked, seen), *beside.findings), policy_document=policy_document, base_lock=base_lock,
        elsewhere=base.elsewhere, places=wanted | ({str(request.policy_path): policy_path} if policy_path is not None else {}),
    )  # fmt: skip


def _beside_in_history(heads: Sequence[LoadedProfile], repository: Path, apart: Collection[str]) -> list[str]:
    """The files beside the profiles. Refuse those that no base could ever show: once landed, nothing could be compared with them."""
    problems, found = [], []
    for item in heads:
        for loc, beside in companions(item).items():
            try:
                # A model's name may lead to the home folder.
                found.append(relative(Path(item.path).parent / (Path(beside).expanduser() if beside.startswith("~") else beside), repository, apart))
            except InputError as error:
                problems += [item.document.problem(loc, f"names {beside}, which {problem.message}", problem.fix) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return found


def _overlay_files(names: Sequence[str], overlays: Sequence[Path]) -> list[str]:
    """What a catalogue reads of the folders that are named: from the repository's top."""
    return [(Path(name) / file).as_posix() for name, path in zip(names, overlays, strict=True) if path.is_dir() for file in _contents(path)]


def _renamed(heads: Sequence[LoadedProfile], sides: Mapping[str, Side | None], wanted: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Files that hold a profile of another name than at the base, with both names, where nothing compared has the old one.

    Profiles that change places are all compared, each with the file's own base, so that their sum is judged.
    """
    compared = {item.path: side for item in heads if (side := sides[item.path]) is not None}
    names = {item.profile.name for item in heads if item.path in compared}
    both = {wanted[item.path]: (compared[item.path].loaded.profile.name, item.profile.name) for item in heads if item.path in compared}
    return {name: (was, now) for name, (was, now) in both.items() if was not in names}


def _stale(revision: Revision, asked: Sequence[str], seen: Mapping[str, str]) -> Iterator[Finding]:
    """Files that the base has in another version than the one this branch started from, or than the one already fetched."""
    fork, newer = revision.fork(), revision.newer()
    if fork is not None:
        for name in _differing(fork.files([*asked, *seen]), seen):
            yield Finding(
                "stale_branch", "error", "", "the base changed this file after this branch left it, so base and head differ by more than this change",
                "merge or rebase onto the base, or compare with the common ancestor", shown(name), file=shown(name), about=shown(name),
            )  # fmt: skip
    if newer is not None:
        for name in _differing(newer.files([*asked, *seen]), seen):
            yield Finding(
                "stale_branch", "error", "", f"{revision.ref} is behind {newer.ref}, which has another version of this file",
                f"compare with {newer.ref}", shown(name), file=shown(name), about=f"{newer.ref} {shown(name)}",
            )  # fmt: skip


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _policy(request: Request, name: str, base: _Base) -> tuple[Policy, Document]:
    assert request.policy_path is not None
    ref = base.revision.ref
    if not base.path(name).is_file():
        raise InputError(Problem(f"the base revision {ref} has no {name}", "land the policy first: a change is judged by its base's", name))
    document = load_path(base.path(name))
    try:
        policy = load_policy(Document(document.data, f"{ref}:{name}", document.node))
    except InputError as error:
        raise InputError(problem.changed(fix=f"{problem.fix or 'mend it'} (the base's policy judges: mend it there first)") for problem in error.problems) from None
    if not same_text(base.path(name).read_bytes(), _here(request.policy_path)):
        load_policy(load_path(request.policy_path))  # a policy that cannot judge may not land either
        base.notes.append(f"{name} changes here; the base's version judges this change, the new one takes effect after it lands")
    return policy, Document(document.data, str(request.policy_path), document.node)


def _here(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(Problem(f"cannot be read ({error.strerror})", "a policy may not be removed by the change it judges", str(path))) from None


def _overlays(request: Request, names: Sequence[str], base: _Base) -> list[Path]:
    out = []
    for name, path in zip(names, request.catalog, strict=True):
        if not path.exists():
            raise InputError(Problem("there is no such overlay", "check --catalog", str(path)))
        if not base.path(name).exists():
            base.other_overlays.append(name)
            base.notes.append(f"the catalogue overlay {name} is new here; it takes effect after it lands, and is shown as market")
            continue
        out.append(base.path(name))
        if not _same_contents(_contents(base.path(name)), _contents(path)):
            base.other_overlays.append(name)
            base.notes.append(f"the catalogue overlay {name} changes here; the base's version judges this change, and the difference is shown as market")
    return out


def _same_contents(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> bool:
    return one.keys() == other.keys() and all(same_text(raw, other[name]) for name, raw in one.items())


def _contents(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    # What a catalogue reads: editors' and the system's own files do not count.
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file() and p.suffix in _YAML}


def _base_lock(name: str, base: _Base) -> dict[str, Any]:
    if not base.path(name).is_file():
        raise InputError(Problem(f"the base revision {base.revision.ref} has no {name}", "land the lock first: breakeven catalog lock", name))
    return read_lock(base.path(name))


def _moved(base: _Base, heads: Sequence[LoadedProfile], wanted: Mapping[str, str], files: Mapping[str, str], left: Mapping[str, str]) -> dict[str, str | None]:
    """Each head's file at the base: of the same path, else one of the same profile name that is gone now.

    Only one that is gone from where the check looks counts: any other file of that name, a test's for example,
    was never judged, and however dear it is, it makes no base that a new profile could be cheaper than. The same bytes
    prove nothing either: a draft that nobody checked would land by its move.
    """
    found: dict[str, str | None] = {path: name if name in files else None for path, name in wanted.items()}
    folders = folders_of(wanted.values())
    for item in (item for item in heads if found[item.path] is None):
        named = sorted(path for path, name in left.items() if name == item.profile.name)
        same = [path for path in named if Path(path).parent.as_posix() in folders]
        if len(same) == 1:
            found[item.path] = same[0]
            base.fetch(base.revision.files(same))
            base.notes.append(f"{wanted[item.path]} was {shown(same[0])} at the base")
        elif named:
            why = "two of that name are gone" if same else "the check does not look there"
            were = ", ".join(map(shown, named))
            base.elsewhere[item.path] = Elsewhere(were, wanted[item.path], why)
            base.notes.append(f"{wanted[item.path]} is new: {were} of the same name is gone, but is no base, since {why}")
    return found


def _side(base: _Base, head: LoadedProfile, name: str, date: dt.date | None, seen: dict[str, str]) -> Side:
    """The base's profile with the files beside it, read as the base has them."""
    revision = base.revision
    base.profiles.append(name)
    try:
        loaded = load_profile(base.path(name))
    except InputError as error:
        raise InputError(problem.changed(message=f"the base's own profile: {problem.message}") for problem in error.problems) from None
    repository = revision.repository
    data: Any = None
    pinned = said = loaded.document.data
    labels: dict[str, str] = {}
    for loc, beside in companions(loaded).items():
        inside = (Path(name).parent / beside).as_posix()
        elsewhere = ".." in Path(inside).parts or Path(beside).is_absolute()
        if elsewhere:
            inside = _from_top(beside, name, revision)
        files = revision.files([inside])
        if inside not in files:
            raise InputError(Problem(f"points at {beside}, which the base revision lacks", "have the file committed there: until then nothing can be compared with it", f"{revision.ref}:{name}"))
        seen.update(files)
        base.fetch(files)
        if elsewhere:  # as it is written it would lead to the working tree's file, which the change may have edited
            pinned = with_file(pinned, loc, str(base.path(inside)))
        here = Path(head.path).parent / beside
        if not here.is_file() or not same_text(here.read_bytes(), base.path(inside).read_bytes()):
            data = with_file(said if data is None else data, loc, str(base.path(inside)))
            labels[str(base.path(inside))] = f"{beside} as at {revision.ref}"
    if pinned is not said:
        loaded, data = from_document(Document(pinned, loaded.path, loaded.document.node)), said if data is None else data
    moved = name if name != relative(Path(head.path), repository) else None
    return Side(loaded, date, data=data, labels=labels, moved_from=moved)


def _from_top(beside: str, name: str, revision: Revision) -> str:
    """A file beside the base's profile, by its path from the repository's top."""
    try:
        return relative(revision.repository / name / ".." / beside, revision.repository)
    except InputError as error:
        raise InputError(Problem(f"points at {beside}, which {problem.message}", problem.fix, f"{revision.ref}:{name}") for problem in error.problems) from None


def _known(problem: Problem, folder: Path, ref: str) -> Problem:
    return problem.rewritten(lambda text: text.replace(f"{folder}/", f"{ref}:").replace(str(folder), ref))
