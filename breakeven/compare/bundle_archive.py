"""An archive that is the same bytes for the same files, and a reader that trusts nothing in one.

Files are stored, not compressed: what a compressor writes depends on its version. Names are plain
relative paths in a fixed order with a fixed date.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from breakeven.errors import CheckFailed, InputError, Problem

MAX_ARCHIVE_BYTES = 100_000_000
MAX_FILE_BYTES = 20_000_000
MAX_FILES = 20_000
_DATE = (1980, 1, 1, 0, 0, 0)
_PART = re.compile(r"(?!\.)[A-Za-z0-9._+-]{1,120}\Z")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)")


def is_safe_name(name: str) -> bool:
    """Whether a name is a plain relative path on any system: no ``..``, no drive, no odd characters.

    >>> is_safe_name("profiles/1/a.yaml"), is_safe_name("../a"), is_safe_name("/a"), is_safe_name("a//b"), is_safe_name("c:a")
    (True, False, False, False, False)
    """
    parts = name.split("/")
    return len(parts) <= 12 and all(_PART.match(part) and not _RESERVED.match(part) and part[-1] != "." for part in parts)


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of some files. Raises ValueError for a name that no reader would accept."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            if not is_safe_name(name):
                raise ValueError(f"unsafe name in an archive: {name!r}")
            info = zipfile.ZipInfo(name, date_time=_DATE)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, files[name])
    return stream.getvalue()


def unpack(path: Path) -> dict[str, bytes]:
    """The files of an archive, in memory. Raises :class:`CheckFailed` for what must not be unpacked."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise CheckFailed(Problem(f"is larger than {MAX_ARCHIVE_BYTES / 1e6:.0f} MB", "a bundle is a few megabytes", name))
        if not _is_all_archive(path.read_bytes()):
            raise CheckFailed(Problem("is not a bundle, or has bytes before or after it", "ask for it again", name))
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            problems = _refusals(infos, name)
            if problems:
                raise CheckFailed(problems)
            return {info.filename: _read(archive, info, name) for info in infos}
    except FileNotFoundError:
        raise InputError(Problem("no such file", "check the path", name)) from None
    except IsADirectoryError:
        raise InputError(Problem("is a directory", "name a bundle", name)) from None
    except OSError as error:
        raise InputError(Problem(f"cannot be read ({error.strerror})", "check its permissions", name)) from None
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise CheckFailed(Problem(f"is not a bundle, or a damaged one ({error})", "ask for it again", name)) from None


def _is_all_archive(raw: bytes) -> bool:
    """Whether the first file starts at the first byte and the directory ends, without a comment, at the last."""
    return raw.startswith(b"PK\x03\x04") and raw[-22:-18] == b"PK\x05\x06" and raw[-2:] == b"\x00\x00"


def _refusals(infos: list[zipfile.ZipInfo], path: str) -> list[Problem]:
    fix = "do not trust it; a bundle of breakeven holds no such file"
    if len(infos) > MAX_FILES:
        return [Problem(f"holds more than {MAX_FILES:,} files", fix, path)]
    total = sum(info.file_size for info in infos)
    if total > MAX_ARCHIVE_BYTES:
        return [Problem(f"unpacks to {total / 1e6:,.0f} MB", fix, path)]
    out: list[Problem] = []
    seen: set[str] = set()
    for info in infos:
        mode = info.external_attr >> 16
        reason = None
        # orig_filename: zipfile cuts names at a NUL and turns backslashes on Windows.
        if info.filename != info.orig_filename or not is_safe_name(info.filename):
            reason = "a name that leaves the folder or that no system can hold"
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            reason = "a link or a device"
        elif info.flag_bits & 0x1:
            reason = "an encrypted file"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            reason = "an unusual compression"
        elif info.file_size > MAX_FILE_BYTES:
            reason = f"a file larger than {MAX_FILE_BYTES / 1e6:.0f} MB"
        elif info.filename.lower() in seen:
            reason = "the same name twice"
        seen.add(info.filename.lower())
        if reason is not None:
            out.append(Problem(f"holds {reason}: {info.orig_filename[:200]!r}", fix, path))
    return out[:20]


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> bytes:
    """At most as many bytes as the directory says, however many the data would expand to."""
    with archive.open(info) as stream:
        raw = stream.read(info.file_size + 1)
    if len(raw) != info.file_size:
        raise CheckFailed(Problem(f"says a wrong size for {info.filename}", "do not trust it", path))
    return raw
