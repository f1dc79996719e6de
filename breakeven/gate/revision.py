"""Files as they were at a git revision, without touching the working tree.

The revision is verified and can never be an option; one ``git archive`` brings every file that is
needed into a temporary directory, extracted as plain files only.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from breakeven.errors import InputError, Problem

_TIMEOUT_SECONDS = 60
_MAX_BYTES = 64_000_000
_OPTION = "--base-ref"


def git(*arguments: str, cwd: Path) -> bytes:
    """Output of a git command. Raises :class:`InputError` when git is missing or fails."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments], cwd=cwd, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False, env=environment  # noqa: S607
        )
    except FileNotFoundError:
        raise InputError(Problem("git is not installed", "install git, or compare with --baseline", _OPTION)) from None
    except subprocess.TimeoutExpired:
        raise InputError(Problem("git did not answer in time", "check the repository", _OPTION)) from None
    if done.returncode != 0:
        text = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(Problem(text[-1] if text else "git failed", "check the repository and the revision", _OPTION))
    return done.stdout


def top_level(start: Path) -> Path:
    """The repository that holds ``start``."""
    folder = start if start.is_dir() else start.parent
    return Path(git("rev-parse", "--show-toplevel", cwd=folder or Path()).decode().rstrip("\n"))


def verify(ref: str, repository: Path) -> str:
    """The commit a revision names. Raises :class:`InputError`, saying so for a shallow clone."""
    if not ref or ref.startswith("-") or any(c in ref for c in "\0\n\r") or len(ref) > 250:
        raise InputError(Problem(f"{ref!r} is not a revision", "write for example origin/main", _OPTION))
    try:
        commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=repository)
    except InputError:
        shallow = git("rev-parse", "--is-shallow-repository", cwd=repository).strip() == b"true"
        fix = "this is a shallow clone: fetch the base with its history (fetch-depth: 0)" if shallow else "fetch it first, or check its name"
        raise InputError(Problem(f"there is no revision {ref!r} here", fix, _OPTION)) from None
    return commit.decode().strip()


def listed(commit: str, repository: Path, paths: Sequence[str]) -> set[str]:
    """Which of some paths (files or folders) the revision has, as files."""
    out = git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", *paths, cwd=repository)
    return {name for name in out.decode("utf-8", "surrogateescape").split("\0") if name}


def relative(path: Path, repository: Path) -> str:
    """A path as git names it. Raises :class:`InputError` for one outside the repository."""
    resolved = path.resolve()
    root = repository.resolve()
    if not resolved.is_relative_to(root):
        raise InputError(Problem("lies outside the repository of the base revision", "name a file inside it", str(path)))
    return resolved.relative_to(root).as_posix()


@contextmanager
def materialised(commit: str, repository: Path, files: Iterable[str]) -> Iterator[Path]:
    """A temporary directory with some files of a revision."""
    wanted = sorted(set(files))
    with tempfile.TemporaryDirectory(prefix="breakeven-base-") as name:
        folder = Path(name)
        if wanted:
            # Long lists would not fit on a command line.
            for start in range(0, len(wanted), 200):
                raw = git("archive", "--format=tar", commit, "--", *wanted[start : start + 200], cwd=repository)
                _extract(raw, folder)
        yield folder


def _extract(raw: bytes, folder: Path) -> None:
    if len(raw) > _MAX_BYTES:
        raise InputError(Problem("the base revision's files are too large", "name fewer overlays", _OPTION))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if not member.isfile():
                if member.issym() or member.islnk():
                    raise InputError(Problem(f"{member.name} is a link at the base revision", "commit the file itself", _OPTION))
                continue
            if path.is_absolute() or ".." in path.parts:
                raise InputError(Problem(f"{member.name} is not a path inside the repository", "check the repository", _OPTION))
            target = folder.joinpath(*path.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = archive.extractfile(member)
            assert stream is not None
            target.write_bytes(stream.read())
