"""Where a report goes: stdout, or a file that is either complete or not there at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from breakeven.errors import InputError, Problem


def choose_format(explicit: str | None, output: Path | None, known: tuple[str, ...], *, default: str) -> str:
    """The format that was named, else the one of the output's suffix, else the default."""
    suffixes = {"markdown": "md", "htm": "html"}
    if explicit is not None:
        name = suffixes.get(explicit.lower(), explicit.lower())
        if name not in known:
            raise InputError(Problem(f"unknown format {explicit!r}", f"write one of {', '.join(known)}", "--format"))
        return name
    if output is None or str(output) == "-":
        return default
    name = output.suffix.lstrip(".").lower()
    name = suffixes.get(name, name)
    name = "table" if name in ("txt", "text") and "table" in known else name
    if name not in known:
        shown = ", ".join("txt" if one == "table" else one for one in known)
        raise InputError(
            Problem(
                f"cannot tell the format from {output.name!r}", f"use a suffix of {shown}, or --format", "-o"
            )
        )
    return name


def write(content: str | bytes, output: Path | None) -> None:
    """Write to ``output`` atomically, or to stdout when it is None or ``-``.

    The bytes go to a temporary file in the same directory that replaces the target only when it is
    complete and flushed, so an interrupted or failed run leaves the old file as it was.
    """
    write_parts([content if isinstance(content, bytes) else content.encode("utf-8", "replace")], output)


def write_parts(parts: Iterable[bytes], output: Path | None) -> None:
    """Like :func:`write` for a report that is made piece by piece and never held whole."""
    if output is not None and str(output) != "-":
        _write_atomically(parts, output)
        return
    stream = sys.stdout
    stream.flush()
    for raw in parts:
        if hasattr(stream, "buffer"):
            stream.buffer.write(raw)
        else:
            stream.write(raw.decode("utf-8", "replace"))
    stream.flush()


def write_atomically(raw: bytes, output: Path) -> None:
    """Replace ``output`` by ``raw``, all or nothing. Raises :class:`InputError` when it cannot."""
    _write_atomically([raw], output)


def _write_atomically(parts: Iterable[bytes], output: Path) -> None:
    target = output.resolve() if output.is_symlink() else output
    if target.is_dir():
        raise InputError(Problem("is a directory", "name a file", str(output)))
    if target.exists() and not target.is_file():
        # A device or pipe (/dev/null, /dev/stdout) cannot be replaced; write through it.
        try:
            with target.open("wb") as stream:
                stream.writelines(parts)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(Problem(f"cannot be written ({error.strerror})", "name another file", str(output))) from None
        return
    handle, name = -1, ""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:50]}.", suffix=".part", dir=target.parent or Path())
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError as error:
        raise InputError(
            Problem(f"cannot be written ({error.strerror})", "check the directory, permissions and free space", str(output))
        ) from None
    finally:
        if name and Path(name).exists():
            Path(name).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
