"""Strict YAML 1.2 core: every value with its line and column, nothing guessed.

PyYAML alone reads ``1e6`` as text, ``12:30:00`` as 45000 and ``no`` as False, keeps the last of
two equal keys and expands alias bombs. Here the C parser only composes the node tree; scalars are
resolved by the YAML 1.2 core rules below, duplicates and aliases past a small budget are refused,
and positions are looked up lazily, since only errors need them.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from breakeven.errors import InputError, Problem

MAX_BYTES = 2_000_000
MAX_NODES = 200_000
MAX_DEPTH = 40

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_TEXT_STYLES = frozenset("'\"|>")  # quoted and block scalars are always text
_CONSTANTS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip

Loc = Sequence[int | str]


class Document(Struct, frozen=True):
    """Plain data plus the node tree from which any location's line and column can be found."""

    data: Any
    path: str
    node: yaml.Node | None

    def position(self, loc: Loc) -> tuple[int, int] | None:
        """1-based (line, column) of the value at ``loc``, or of its nearest existing parent."""
        node = self.node
        if node is None:
            return None
        for step in loc:
            child: yaml.Node | None = None
            if isinstance(node, yaml.MappingNode):
                child = next((v for k, v in node.value if k.value == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                child = node.value[step] if 0 <= step < len(node.value) else None
            if child is None:
                break
            node = child
        return node.start_mark.line + 1, node.start_mark.column + 1

    def key_position(self, loc: Loc) -> tuple[int, int] | None:
        """1-based (line, column) of the last key of ``loc`` itself rather than of its value."""
        *parents, last = loc
        node = self.node
        for step in parents:
            if isinstance(node, yaml.MappingNode):
                node = next((v for k, v in node.value if k.value == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
        if isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                if key.value == str(last):
                    return key.start_mark.line + 1, key.start_mark.column + 1
        return self.position(loc)

    def problem(self, loc: Loc, message: str, fix: str | None = None) -> Problem:
        """A problem placed at ``loc`` of this document."""
        line, column = self.position(loc) or (None, None)
        return Problem(message, fix, self.path, line, column, dotted(loc) or None)


def dotted(loc: Loc) -> str:
    """``("api", 0, "model")`` as people write it: ``api[0].model``."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def read_bytes(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a small regular file, or a one-line :class:`InputError`."""
    name = str(path)
    try:
        if path.is_dir():
            raise InputError(Problem("is a directory", "name a file", name))
        with path.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(Problem("no such file", "check the path", name)) from None
    except OSError as error:
        raise InputError(Problem(f"cannot be read ({error.strerror})", "check its permissions", name)) from None
    if len(raw) > max_bytes:
        raise InputError(
            Problem(f"is larger than {max_bytes / 1e6:.0f} MB", "a profile or fact file is a few kilobytes", name)
        )
    return raw


def load_path(path: Path) -> Document:
    """Read one YAML file strictly. Raises :class:`InputError` with path:line:column."""
    return load_bytes(*read_source(path))


def load_bytes(raw: bytes, path: str) -> Document:
    """Like :func:`load_path` for bytes already in memory; ``path`` names them in errors."""
    document, problems = parse(raw, path)
    if problems:
        raise InputError(problems)
    return document


def read_source(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, or of standard input for ``-``, and the name that errors use."""
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError(Problem("standard input is closed", "pipe a profile into it, or name a file", "-"))
        return sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>"
    return read_bytes(path), str(path)


def parse(raw: bytes, path: str) -> tuple[Document, tuple[Problem, ...]]:
    """The document and the problems of single values in it, so that a model can report its own beside them.

    A value with a problem reads as None. Raises :class:`InputError` for what is no YAML at all.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(Problem(f"is larger than {MAX_BYTES / 1e6:.0f} MB", "a profile is a few kilobytes", path))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        place = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise InputError(Problem("is not UTF-8 text", "save it as UTF-8", path, *place)) from None
    if "\x00" in text:
        raise InputError(Problem("is a binary file", "name a YAML file", path))
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        if error.problem == "but found another document":
            raise InputError(Problem("holds several documents", "keep one per file", path, line, column)) from None
        message = f"is not valid YAML: {error.problem or error.context}"
        raise InputError(Problem(message, "check indentation and quotes", path, line, column)) from None
    except (yaml.YAMLError, RecursionError) as error:
        message = f"is not valid YAML: {str(error).splitlines()[0]}"
        raise InputError(Problem(message, "check for control characters", path)) from None
    finally:
        loader.dispose()
    if node is None:
        raise InputError(Problem("is empty", "write at least a mapping of keys", path))
    builder = _Builder(path)
    return Document(builder.build(node, (), 0), path, node), tuple(builder.problems)


class _Builder:
    """Turns a node tree into plain data, collecting every problem before raising."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.budget = MAX_NODES
        self.problems: list[Problem] = []

    def fail(self, node: yaml.Node, loc: tuple[int | str, ...], message: str, fix: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(message, fix, self.path, mark.line + 1, mark.column + 1, dotted(loc) or None))

    def build(self, node: yaml.Node, loc: tuple[int | str, ...], depth: int) -> Any:
        self.budget -= 1
        if self.budget < 0 or depth > MAX_DEPTH:
            # Aliases are expanded here, so an alias bomb meets this budget instead of memory.
            mark = node.start_mark
            raise InputError(
                Problem(
                    "expands to too many values or is nested too deeply",
                    "write values out instead of nesting aliases",
                    self.path,
                    mark.line + 1,
                    mark.column + 1,
                )
            )
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*loc, index), depth + 1) for index, child in enumerate(node.value)]
        out: dict[str, Any] = {}
        lines: dict[str, int] = {}
        assert isinstance(node, yaml.MappingNode)
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fail(key_node, loc, "has a key that is not plain text", "write simple keys")
                continue
            key = key_node.value
            if key in out:
                first = lines[key]
                self.fail(key_node, (*loc, key), f"is given twice (first on line {first})", "keep one of them")
                continue
            if key == "<<":
                self.fail(key_node, loc, "merge keys (<<) are not supported", "write the values out")
                continue
            lines[key] = key_node.start_mark.line + 1
            out[key] = self.build(value_node, (*loc, key), depth + 1)
        return out

    def scalar(self, node: yaml.ScalarNode, loc: tuple[int | str, ...]) -> Any:
        text = node.value
        if node.tag not in _PLAIN_TAGS:
            self.fail(node, loc, f"has the tag {node.tag!r}", "write a plain value")
            return None
        if node.style in _TEXT_STYLES:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.match(text):
            if len(text) > 300:
                self.fail(node, loc, "is a number too long to mean anything", "write it as 1e12 or 1T")
                return None
            return int(text)
        if _FLOAT.match(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self.fail(node, loc, f"is not a finite number ({text})", "write a finite number")
                return None
            return value
        if _NOT_FINITE.match(text):
            self.fail(node, loc, f"is not a finite number ({text})", "write a finite number")
            return None
        if _DATE.match(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                self.fail(node, loc, f"is not a date ({text})", "write YYYY-MM-DD")
                return None
        return text
