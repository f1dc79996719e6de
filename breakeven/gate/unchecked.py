"""What a change keeps away from the check: profiles that moved out of it, are gone, or were never named.

A check judges the files that it is given. A profile that leaves their folder leaves the gate with it, so
every file that a change touches is looked at, whatever it is called: whether it is a profile, and of which
name. Other commands read a profile from any file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from breakeven.errors import BreakevenError
from breakeven.gate.report import Finding
from breakeven.gate.revision import Revision, gone, left_out, shown, submodules
from breakeven.yamlio import MAX_BYTES, load_bytes

_SHOWN = 5
_SUBMODULE = " (a submodule)"
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(?:\r\n|[\n\r\x85\u2028\u2029])[ \t]*)")


class Unchecked(Struct, frozen=True):
    """What is said about it, and what is held against the change."""

    notes: tuple[str, ...]
    findings: tuple[Finding, ...]


def profiles_gone(base: Revision) -> dict[str, str]:
    """Profiles of the base that the working tree no longer has, with their names."""
    return _named(base.small(gone(base), MAX_BYTES))


def folders_of(checked: Iterable[str]) -> set[str]:
    """The folders in which the check looks: those of the files that it is given."""
    return {Path(name).parent.as_posix() for name in checked}


def unchecked(base: Revision, checked: Collection[str], compared: Collection[str], left: Mapping[str, str], renamed: Mapping[str, tuple[str, str]]) -> Unchecked:
    """``checked`` are the files of the check, ``compared`` those of the base that they are compared with, ``left`` what is gone.

    ``renamed`` are files of the check that hold a profile of another name than at the base, with both names.
    """
    folders = folders_of(checked)
    lost = {path: name for path, name in left.items() if path not in compared}
    changed = [name for name in base.changed() if name not in checked]
    unseen = left_out(base.repository)
    other = _named((name, raw) for name in changed if (raw := _here(base.repository / name)) is not None)
    other |= _named(base.small({name: unseen[name] for name in changed if name in unseen}, MAX_BYTES))
    # Nothing here looks into a repository of its own, and a runner may not even have fetched it.
    apart = [name + _SUBMODULE for name in changed if name in submodules(base.repository)]
    findings, moved = [], set()
    for old, name in lost.items():
        for new in (path for path, found in other.items() if found == name and Path(old).parent.as_posix() in folders):
            moved |= {old, new}
            findings.append(_finding(f"{name} moved from {shown(old)} to {shown(new)}, which is not checked here", "check the new file as well", new, about=new))
    # A file that holds another profile now may have made room for one that moved out, as if it were gone.
    for path, (was, now) in sorted(renamed.items()):
        for new in (new for new, found in other.items() if found == was):
            moved.add(new)
            findings.append(_finding(f"{was} moved from {shown(path)}, where {now} is now, to {shown(new)}, which is not checked here", "check the new file as well", new, about=new))
        if could := sorted({*other, *apart} - moved):
            said = f"{shown(path)} was {was} and is {now}, and profiles that change here are not checked: {_list(could)}"
            findings.append(_finding(said, "check them as well, or rename the profile in a change of its own", path, about=path))
    # Under another name, or in place of what another file said, nothing tells a profile that went there from one that is gone.
    could_hold_it = sorted({*other, *apart} - moved)
    for old in sorted(name for name in set(lost) - moved if could_hold_it and Path(name).parent.as_posix() in folders):
        said = f"{lost[old]} ({shown(old)}) is gone, and profiles that change here are not checked: {_list(could_hold_it)}"
        findings.append(_finding(said, "check them as well, or remove the old one in a change of its own", could_hold_it[0].removesuffix(_SUBMODULE), about=old))
        moved.add(old)
    notes = []
    if names := sorted(set(lost) - moved):
        notes.append(f"gone since the base, so not checked: {_list(names)}")
    if names := sorted(set(other) - moved):
        notes.append(f"profiles that change here and are not among those checked: {_list(names)}")
    return Unchecked(tuple(notes), tuple(findings))


def _finding(message: str, fix: str, path: str, *, about: str) -> Finding:
    return Finding("left_unchecked", "error", "", message, fix, shown(path), file=shown(path), about=shown(about))


def _named(files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """The profiles among some files, with their names."""
    out = {}
    for path, raw in files:
        if not _may_be_a_profile(raw):
            continue
        try:
            data = load_bytes(raw, path).data
        except BreakevenError:
            continue  # a file that nothing can read is no profile that anything could check
        if isinstance(data, dict) and isinstance(data.get("workload"), dict) and ("api" in data or "self_host" in data):
            out[path] = str(data.get("name"))
    return out


def _may_be_a_profile(raw: bytes) -> bool:
    """Whether the key that every profile has occurs in a file, in letters or in the escapes that YAML has for them."""
    if b"workload" in raw:
        return True
    return b"\\" in raw and b"\0" not in raw and "workload" in _ESCAPE.sub(_letter, raw.decode("utf-8", "replace"))


def _letter(match: re.Match[str]) -> str:
    digits = next((group for group in match.groups() if group), None)
    return "" if digits is None else chr(min(int(digits, 16), 0x10FFFF))


def _here(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(shown, names[:_SHOWN])) + more
