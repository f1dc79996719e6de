"""What a change keeps away from the check: profiles that moved out of it, are gone, or were never named.

A check judges the files that it is given. A profile that leaves their folder leaves the gate with it, so
every file that a change touches is looked at: whether it is a profile, and of which name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct

from breakeven.errors import BreakevenError
from breakeven.gate.report import Finding
from breakeven.gate.revision import Revision, gone
from breakeven.yamlio import MAX_BYTES, load_bytes

YAML = (".yaml", ".yml")
_SHOWN = 5


class Unchecked(Struct, frozen=True):
    """What is said about it, and what is held against the change."""

    notes: tuple[str, ...]
    findings: tuple[Finding, ...]


def unchecked(base: Revision, checked: Collection[str], compared: Collection[str]) -> Unchecked:
    """``checked`` are the files of the check, ``compared`` those of the base that they are compared with."""
    folders = {Path(name).parent.as_posix() for name in checked}
    lost = _named({name: raw for name, raw in base.read(gone(base, YAML)).items() if name not in compared})
    other = _named({name: raw for name in base.changed(YAML) if name not in checked and (raw := _here(base.repository / name)) is not None})
    findings, moved = [], set()
    for old, name in lost.items():
        for new in (path for path, found in other.items() if found == name and Path(old).parent.as_posix() in folders):
            moved |= {old, new}
            findings.append(
                Finding("left_unchecked", "error", "", f"{name} moved from {old} to {new}, which is not checked here", "check the new file as well", new, file=new, about=new)
            )
    # Under another name too, nothing tells a profile that was renamed on its way out from one that is gone.
    fresh = sorted(set(other) - moved - set(base.files(sorted(other))))
    for old in sorted(name for name in set(lost) - moved if fresh and Path(name).parent.as_posix() in folders):
        said = f"{lost[old]} ({old}) is gone, and what is new is not checked here: {_list(fresh)}"
        findings.append(Finding("left_unchecked", "error", "", said, "check the new file as well, or remove the old one in a change of its own", fresh[0], file=fresh[0], about=old))
        moved.add(old)
    notes = []
    if left := sorted(set(lost) - moved):
        notes.append(f"gone since the base, so not checked: {_list(left)}")
    if left := sorted(set(other) - moved):
        notes.append(f"profiles that change here and are not among those checked: {_list(left)}")
    return Unchecked(tuple(notes), tuple(findings))


def _named(files: Mapping[str, bytes]) -> dict[str, str]:
    """The profiles among some files, with their names."""
    out = {}
    for path, raw in files.items():
        if b"workload" not in raw or len(raw) > MAX_BYTES:
            continue
        try:
            data = load_bytes(raw, path).data
        except BreakevenError:
            continue  # a file that nothing can read is no profile that anything could check
        if isinstance(data, dict) and isinstance(data.get("workload"), dict) and ("api" in data or "self_host" in data):
            out[path] = str(data.get("name"))
    return out


def _here(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
