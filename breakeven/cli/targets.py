"""Where the gate may write: over nothing that it reads, and never into a git repository's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from breakeven.errors import BreakevenError, InputError, Problem


def spare_inputs(profiles: Sequence[str], files: Iterable[Path | None], overlays: Iterable[Path], targets: Iterable[Path | None], *, by: str = "check") -> None:
    """Refuse a report that would take the place of what it is about: :class:`InputError` names the target.

    ``files`` are read beside the profiles, ``overlays`` are files or whole folders; a target that is None or ``-``
    is stdout.
    """
    written = [target for target in targets if target is not None and str(target) != "-"]
    for target in written:
        if _of_git(target):
            raise InputError(Problem("belongs to a git repository's own files, which a report would damage", "name a file outside .git", str(target)))
        if place(target).is_symlink():
            raise InputError(Problem("is a link that leads to itself", "name a file", str(target)))
    read = [*map(Path, profiles), *(path for path in files if path is not None)]
    # What is not there yet is no file of theirs: only then are the profiles read twice.
    read += beside(profiles) if any(os.path.lexists(target) for target in written) else []
    folders = [place(path) for path in overlays]
    for target in written:
        if _is_one_of(target, read) or any(place(target).is_relative_to(folder) for folder in folders):
            raise InputError(Problem(f"is read by this {by}, so no report may be written there", "name another file", str(target)))


def beside(profiles: Iterable[str]) -> list[Path]:
    """The files that profiles point at. What cannot be read is left to the check, which says why and writes nothing."""
    from breakeven.gate.facts import companions
    from breakeven.profile.load import load_profile

    found = []
    for path in profiles:
        try:
            found += [Path(path).parent / name for name in companions(load_profile(path)).values()] if Path(path).is_file() else []
        except BreakevenError:
            continue
    return found


def place(path: Path) -> Path:
    """The file that a path leads to, through links; a link that leads to itself is left as it is."""
    return Path(os.path.realpath(path))


def _is_one_of(target: Path, files: Iterable[Path]) -> bool:
    """Whether it is the same file, also in letters that the file system takes for the same."""
    return any(place(target) == place(path) or (target.exists() and path.exists() and target.samefile(path)) for path in files)


def _of_git(target: Path) -> bool:
    """Whether a path lies in a repository's own folder, or is the file that says where that is."""
    ways = [Path(os.path.normpath(Path.cwd() / target)), place(target)]
    if any(part.casefold() == ".git" for way in ways for part in way.parts):
        return True
    return any((folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir() for way in ways for folder in way.parents)
