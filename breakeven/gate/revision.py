"""Files as they were at a git revision, without touching the working tree.

The revision is verified and can never be an option. Files are read as the objects that were committed
(``git ls-tree``, then one ``git cat-file --batch``), so that neither attributes, line-ending settings
nor replacement references can change what the base says.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from breakeven.errors import InputError, Problem

_TIMEOUT_SECONDS = 60
_MAX_BYTES = 64_000_000
_AT_ONCE_BYTES = 16_000_000
_PATHS_AT_ONCE = 400  # long lists would not fit on a command line
_OPTION = "--base-ref"
_SUBMODULES = "--ignore-submodules=dirty"  # whatever .gitmodules says, which is the change's: a new commit of one is a change
_FILE_MODES = ("100644", "100755")
_KEPT = ("GIT_CONFIG", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM")


def _environment() -> dict[str, str]:
    # Variables such as GIT_DIR would point git at another repository; GIT_CONFIG_* says who may read this one.
    # Nothing is fetched: an object that a partial clone lacks is an error, not a connection.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith(_KEPT)}
    return kept | {
        "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_LITERAL_PATHSPECS": "1",
    }  # fmt: skip


def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> bytes:
    """Output of a git command. Raises :class:`InputError` when git is missing or fails."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "--no-replace-objects", "-c", "core.fsmonitor=false", *arguments], cwd=cwd, input=stdin, capture_output=True,  # noqa: S607
            timeout=_TIMEOUT_SECONDS, check=False, env=_environment(),
        )  # fmt: skip
    except FileNotFoundError:
        raise InputError(Problem("git is not installed", "install git, or compare with --baseline", _OPTION)) from None
    except subprocess.TimeoutExpired:
        raise InputError(Problem("git did not answer in time", "check the repository", _OPTION)) from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
        said = next((line for line in lines if line.startswith("fatal:")), lines[-1]).removeprefix("fatal:").strip()
        if "promisor remote" in said or "lazy fetching" in said:
            raise _left_out(cwd)
        fix = "git config --global --add safe.directory names the folder" if "dubious" in said else "check the repository and the revision"
        raise InputError(Problem(said, fix, _OPTION))
    return done.stdout


class Revision(Struct, frozen=True):
    """A commit of a repository. ``ref`` is what the user called it."""

    repository: Path
    ref: str
    commit: str

    def files(self, paths: Sequence[str]) -> dict[str, str]:
        """The files among some paths (files or folders; "." is everything), with their object ids."""
        found: dict[str, str] = {}
        wanted = [] if "." in paths else list(dict.fromkeys(paths))
        for start in range(0, max(len(wanted), 1), _PATHS_AT_ONCE):
            chunk = wanted[start : start + _PATHS_AT_ONCE]
            if not chunk and paths and "." not in paths:
                break
            raw = git("ls-tree", "-r", "-z", "--full-tree", self.commit, "--", *chunk, cwd=self.repository)
            for entry in os.fsdecode(raw).split("\0"):
                if not entry:
                    continue
                facts, _, name = entry.partition("\t")
                mode, _, identity = facts.split(" ")
                if mode in _FILE_MODES:
                    found[name] = identity
                elif name in paths:
                    raise InputError(Problem(f"is a link at {self.ref}", "commit the file itself", name))
        return found

    def read(self, files: Mapping[str, str]) -> dict[str, bytes]:
        """The bytes of some files, through one process."""
        if not files:
            return {}
        ids = list(dict.fromkeys(files.values()))
        raw = git("cat-file", "--batch", cwd=self.repository, stdin="".join(f"{one}\n" for one in ids).encode())
        if len(raw) > _MAX_BYTES:
            raise InputError(Problem("the base revision's files are too large", "name fewer overlays", _OPTION))
        contents: dict[str, bytes] = {}
        at = 0
        for one in ids:
            end = raw.index(b"\n", at)
            header = raw[at:end].decode().split(" ")
            if len(header) != 3 or header[0] != one or header[1] != "blob":
                raise _left_out(self.repository)
            size = int(header[2])
            contents[one] = raw[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return {name: contents[identity] for name, identity in files.items()}

    def small(self, files: Mapping[str, str], max_bytes: int) -> Iterator[tuple[str, bytes]]:
        """The bytes of those files that are no larger: what a change removes may be of any size and number."""
        chunk: dict[str, str] = {}
        total = 0
        for name, size in self._sizes(files).items():
            if size > max_bytes:
                continue
            if total + size > _AT_ONCE_BYTES:
                yield from self.read(chunk).items()
                chunk, total = {}, 0
            chunk[name], total = files[name], total + size
        yield from self.read(chunk).items()

    def _sizes(self, files: Mapping[str, str]) -> dict[str, int]:
        if not files:
            return {}
        raw = git("cat-file", "--batch-check=%(objectname) %(objectsize)", cwd=self.repository, stdin="".join(f"{one}\n" for one in files.values()).encode())
        rows = [line.split(" ") for line in raw.decode().splitlines()]
        if any(not size.isdigit() for *_, size in rows):
            raise _left_out(self.repository)
        return {name: int(size) for name, (*_, size) in zip(files, rows, strict=True)}

    def changed(self) -> tuple[str, ...]:
        """Files of the working tree that differ from this revision's, new ones included."""
        differ = git("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", _SUBMODULES, self.commit, "--", cwd=self.repository)
        new = git("ls-files", "-z", "--others", "--exclude-standard", cwd=self.repository)
        return tuple(sorted({name for name in os.fsdecode(differ + new).split("\0") if name}))

    def newer(self) -> Revision | None:
        """What was fetched of this branch since, where the revision is a local branch that lags behind it."""
        name = self.ref.removeprefix("refs/heads/")
        listing = git("for-each-ref", "--format=%(refname)%00%(upstream)", "--", f"refs/heads/{name}", f"refs/remotes/origin/{name}", cwd=self.repository)
        rows = dict(line.split("\0") for line in listing.decode("utf-8", "replace").splitlines())
        if f"refs/heads/{name}" not in rows:
            return None
        remote = rows[f"refs/heads/{name}"] or f"refs/remotes/origin/{name}"
        if not remote.startswith("refs/remotes/") or not git("for-each-ref", "--format=x", "--", remote, cwd=self.repository):
            return None
        commit = git("rev-parse", "--verify", "--quiet", f"{remote}^{{commit}}", cwd=self.repository).decode().strip()
        return None if self._contains(commit) else Revision(self.repository, remote.removeprefix("refs/remotes/"), commit)

    def _contains(self, commit: str) -> bool:
        return not git("rev-list", "--max-count=1", commit, f"^{self.commit}", cwd=self.repository).strip()

    def fork(self) -> Revision | None:
        """Where the working tree's history left this revision's; None when it contains it."""
        try:
            base = git("merge-base", self.commit, "HEAD", cwd=self.repository).decode().strip()
        except InputError:
            raise InputError(Problem(f"the history between {self.ref} and HEAD is not here", _FETCH, _OPTION)) from None
        return None if base == self.commit else Revision(self.repository, "the common ancestor", base)


def _left_out(cwd: Path) -> InputError:
    """What to do about an object that is not here: a clone made with --filter leaves some out, and nothing here fetches."""
    try:
        row = git("config", "--get-regexp", r"^remote\..*\.promisor$", cwd=cwd).decode("utf-8", "replace").splitlines()[0]
    except (InputError, IndexError):
        return InputError(Problem("an object of the base revision is not here", _FETCH, _OPTION))
    remote = row.split(" ")[0].removeprefix("remote.").removesuffix(".promisor")
    fix = f"run: git fetch --refetch --no-filter {remote}, or clone without --filter"
    return InputError(Problem("an object of the base revision is not here: this clone leaves some out (it was made with --filter)", fix, _OPTION))


_FETCH = "fetch the base with its history (fetch-depth: 0)"


def top_level(start: Path) -> Path:
    """The working tree that a check is about: the working directory's, or that of ``start`` where it stands in none.

    A folder that a change turns into a repository of its own (a submodule) would bring its own base, policy and
    waivers, so neither the working directory nor a file may lie in a repository inside another (:func:`relative`).
    """
    top = _top_level(Path.cwd())
    if top is None:
        folder = start if start.is_dir() else start.parent
        if not folder.is_dir():
            raise InputError(Problem("there is no such folder", "check the path", str(start)))
        top = _top_level(folder)
    if top is None:
        raise InputError(Problem("not a git repository", "run it inside the repository, or compare with --baseline", _OPTION))
    outer = _top_level(top.parent)
    if outer is not None and _holds(outer, top):
        raise InputError(Problem(f"is a repository inside that of {outer}", f"a change could put its own base there: run it in {outer}, or in a clone of its own", str(top)))
    return top


def _top_level(folder: Path) -> Path | None:
    """The working tree that holds a folder; None outside every repository."""
    try:
        return Path(os.fsdecode(git("rev-parse", "--show-toplevel", cwd=folder)).rstrip("\n")).resolve()
    except InputError as error:
        if all(problem.message.startswith("not a git repository") for problem in error.problems):
            return None
        raise


def _holds(outer: Path, folder: Path) -> bool:
    """Whether a repository has a folder inside it as its own: as files, now or at HEAD, or as a submodule."""
    name = folder.relative_to(outer).as_posix()
    if git("ls-files", "-z", "--stage", "--", name, cwd=outer):
        return True
    try:
        return bool(git("ls-tree", "-z", "HEAD", "--", name, cwd=outer))
    except InputError:
        return False  # nothing was ever committed there


def submodules(repository: Path) -> frozenset[str]:
    """Folders that the index has as repositories of their own, whether or not they are checked out."""
    rows = os.fsdecode(git("ls-files", "-z", "--stage", cwd=repository)).split("\0")
    return frozenset(row.partition("\t")[2] for row in rows if row.startswith("160000 "))


def verify(ref: str, repository: Path) -> Revision:
    """The commit a revision names. Raises :class:`InputError`, saying so for a shallow clone."""
    if not ref.strip() or ref.startswith("-") or any(c in ref for c in "\0\n\r") or len(ref) > 250:
        raise InputError(Problem(f"{ref!r} is not a revision", "write for example origin/main", _OPTION))
    try:
        commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=repository)
    except InputError:
        shallow = git("rev-parse", "--is-shallow-repository", cwd=repository).strip() == b"true"
        fix = f"this is a shallow clone: {_FETCH}" if shallow else "fetch it first, or check its name"
        raise InputError(Problem(f"there is no revision {ref!r} here", fix, _OPTION)) from None
    found = commit.decode().strip()
    if re.fullmatch("[0-9a-f]{40,64}", found) is None:  # ^main is everything but main
        raise InputError(Problem(f"{ref!r} does not name one commit", "write for example origin/main", _OPTION))
    _one_thing_only(ref, repository)
    return Revision(repository, ref, found)


def _one_thing_only(ref: str, repository: Path) -> None:
    """Refuse a name that a tag or branch of the change could have taken over: git would only warn."""
    name = re.split(r"[~^:]|@\{", ref, maxsplit=1)[0]
    if not name or name == "@":
        return
    names = [f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}", f"refs/remotes/{name}/HEAD"]
    listing = git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "--", *names, cwd=repository).decode("utf-8", "replace")
    targets = {}
    for line in listing.splitlines():
        full, first, *peeled = line.split(" ")
        if full in names:
            targets[full] = next((sha for sha in peeled if sha), first)
    hexadecimal = re.fullmatch(r"[0-9a-fA-F]{4,39}", name) is not None
    if len(set(targets.values())) > 1 or (targets and (hexadecimal or name == "HEAD")):
        raise InputError(
            Problem(f"{ref!r} names more than one thing here: {', '.join(sorted(targets))}", "write the full name, such as refs/remotes/origin/main", _OPTION)
        )


def relative(path: Path, repository: Path, apart: Collection[str] = ()) -> str:
    """A path as git names it. Raises :class:`InputError` for one outside the repository, behind a link or in a
    repository inside it (``apart``: those that the index names).

    A link is refused because its target has a base of its own: a profile replaced by a link to a
    dearer one would be compared with that one.
    """
    written = path if path.is_absolute() else Path.cwd().resolve() / path
    _refuse_way_back(written)
    lexical = Path(os.path.normpath(written))
    if not lexical.is_relative_to(repository):
        # The way to the repository may itself go through links (a linked home, say); inside it none may.
        lexical = next((Path(os.path.normpath(folder.resolve() / lexical.relative_to(folder)))
                        for folder in reversed(lexical.parents) if folder.resolve().is_relative_to(repository)), lexical)  # fmt: skip
    if not lexical.is_relative_to(repository):
        raise InputError(Problem("lies outside the repository of the base revision", "name a file inside it", str(path)))
    inside = lexical.relative_to(repository)
    step = repository
    for part in inside.parts:
        step = step / part
        if step.is_symlink():
            raise InputError(Problem("is reached through a symbolic link", "name the file itself", str(path)))
        if os.path.lexists(step / ".git") or step.relative_to(repository).as_posix() in apart:
            where = step.relative_to(repository).as_posix()
            raise InputError(Problem(f"lies in a repository of its own ({where}), whose history is not the one that judges", "keep what is checked in one repository", str(path)))
    return inside.as_posix()


def shown(name: str) -> str:
    """A file's name as a report may print it: bytes of it that are no text are escaped.

    >>> shown("ch\\udcff.yaml")
    'ch%FF.yaml'
    """
    text = os.fsencode(name).decode("utf-8", "surrogateescape")
    return "".join(f"%{ord(c) - 0xDC00:02X}" if no_text(c) else c for c in text)


def no_text(name: str) -> bool:
    """Whether a name holds bytes that are no letters, or none that the locale has."""
    return any("\ud800" <= c <= "\udfff" for c in name)


def _refuse_way_back(path: Path) -> None:
    """``link/..`` is the folder of the link's target for what opens the file, and that of the link for what reads its name."""
    way = Path(path.anchor)
    for part in path.parts[1:]:
        if part == ".." and way.is_symlink():
            raise InputError(Problem(f"goes back ('..') from a symbolic link ({way.name})", "name the file without the link", str(path)))
        way = way.parent if part == ".." else way / part


def placed(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write some files of a revision under a folder."""
    for name, raw in contents.items():
        parts = Path(name).parts
        if ".." in parts or Path(name).is_absolute():
            raise InputError(Problem(f"{name} is not a path inside the repository", "check the repository", _OPTION))
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(raw)


def is_dirty(repository: Path) -> bool:
    """Whether tracked files differ from HEAD."""
    return bool(git("status", "--porcelain", "--untracked-files=no", _SUBMODULES, cwd=repository).strip())


def head_commit(repository: Path) -> str:
    """HEAD, in short."""
    try:
        return git("rev-parse", "--verify", "--quiet", "HEAD", cwd=repository).decode().strip()[:12]
    except InputError:
        raise InputError(Problem("no commit is checked out here", "commit the change first", _OPTION)) from None


def gone(revision: Revision) -> dict[str, str]:
    """Files of the revision that the working tree no longer has: where a moved file came from."""
    missing = {name: identity for name, identity in revision.files(["."]).items() if not os.path.lexists(revision.repository / name)}
    kept = left_out(revision.repository) if missing else {}
    return {name: identity for name, identity in missing.items() if name not in kept}


def left_out(repository: Path) -> dict[str, str]:
    """Files of the index that a sparse checkout leaves out of the working tree, with their object ids: none of them is gone."""
    found = {}
    for row in os.fsdecode(git("ls-files", "-t", "--stage", "-z", cwd=repository)).split("\0"):
        facts, _, name = row.partition("\t")
        tag, _, rest = facts.partition(" ")
        mode, _, rest = rest.partition(" ")
        if tag == "S" and mode in _FILE_MODES and not os.path.lexists(repository / name):
            found[name] = rest.split(" ")[0]
    return found
