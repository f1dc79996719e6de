"""From a file, standard input or text to a validated profile that remembers its lines.

Overrides (``--set workload.tokens_per_day=20M``) are applied to the raw data before validation,
so that they obey the same rules as the file and fail with the same messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven.errors import InputError, Problem
from breakeven.modelio import validate
from breakeven.profile.model import Profile
from breakeven.yamlio import Document, Loc, dotted, load_bytes, parse, read_source


class LoadedProfile(Struct, frozen=True):
    """A profile, the document it came from, and the overrides that were applied to it."""

    profile: Profile
    document: Document
    overrides: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The file as the user named it."""
        return self.document.path

    def where(self, loc: Loc) -> str | None:
        """``path:line`` of a key of the profile, when it is written there."""
        position = self.document.position(loc)
        return f"{self.document.path}:{position[0]}" if position else None


def load_profile(path: Path | str, overrides: Sequence[str] = ()) -> LoadedProfile:
    """Load ``path`` (``-`` reads standard input). Raises :class:`InputError` with every problem."""
    return loads_profile(*read_source(Path(path)), overrides)


def loads_profile(raw: bytes, name: str, overrides: Sequence[str] = ()) -> LoadedProfile:
    """Like :func:`load_profile` for bytes in memory; ``name`` stands for the file in messages."""
    document, problems = parse(raw, name)
    return from_document(document, overrides, problems)


def from_document(
    document: Document, overrides: Sequence[str] = (), found: Sequence[Problem] = ()
) -> LoadedProfile:
    """Validate a document as a profile, with overrides applied to a copy of its data.

    ``found`` are problems that reading it met already; they are reported with the others.
    """
    stated: dict[str, str] = {}
    if overrides:
        data = _copy(document.data)
        for text in overrides:
            loc, value = parse_override(text)
            _assign(data, loc, value, text)
            stated[dotted(loc)] = text
        document = Document(data, document.path, document.node)
    try:
        profile = validate(Profile, document, found)
    except InputError as error:
        raise InputError(_where_stated(problem, stated, "--set") for problem in error.problems) from None
    return LoadedProfile(profile, document, tuple(overrides))


def _where_stated(problem: Problem, stated: Mapping[str, str], option: str) -> Problem:
    """A problem of a value that the command line gave names the option, not a line of the file."""
    field = problem.field or ""
    for key, text in stated.items():
        if field == key or field.startswith((f"{key}.", f"{key}[")):
            return Problem(problem.message, problem.fix, f"{option} {text}", field=field)
    # One key of several that exclude each other was given: the file's own has to be taken away by the command line too.
    given = re.search(r"\(got (.+)\)", problem.message)
    names = [f"{field}.{name}" for name in given.group(1).split(" and ")] if given else []
    mine = [key for key in names if key in stated]
    if mine and len(names) > len(mine):
        away = " ".join(f"--set {key}=null" for key in names if key not in stated)
        return Problem(problem.message, f"add {away}", f"--set {stated[mine[0]]}", field=field)
    return problem


def with_values(loaded: LoadedProfile, values: Mapping[str, Any], *, option: str | None = None) -> LoadedProfile:
    """The profile again with keys set to values, under the same rules as ``--set``.

    Raises InputError; where ``option`` gave the values, their problems name it and not a line of the file.
    """
    data = _copy(loaded.document.data)
    for key, value in values.items():
        _assign(data, parse_key(key), value, key)
    document = Document(data, loaded.document.path, loaded.document.node)
    names = tuple(f"{key}={value}" for key, value in values.items())
    try:
        profile = validate(Profile, document)
    except InputError as error:
        if option is None:
            raise
        stated = dict(zip(values, names, strict=True))
        raise InputError(_where_stated(problem, stated, option) for problem in error.problems) from None
    return LoadedProfile(profile, document, (*loaded.overrides, *names))


def parse_override(text: str) -> tuple[tuple[int | str, ...], Any]:
    """``self_host.supply[0].gpus=2`` -> (("self_host", "supply", 0, "gpus"), 2)."""
    key, equals, raw = text.partition("=")
    if not equals or not key.strip():
        raise InputError(
            Problem(f"cannot read {text!r}", "write key=value, for example workload.tokens_per_day=20M", "--set")
        )
    return parse_key(key.strip()), load_value(raw, "--set")


def load_value(raw: str, name: str) -> Any:
    """One value written on the command line, by the same YAML rules as a file."""
    if not raw.strip():
        return None
    try:
        return load_bytes(raw.encode(), name).data
    except UnicodeEncodeError:
        raise InputError(Problem(f"cannot read the value {raw!r}", "write it in UTF-8", name)) from None
    except InputError as error:
        first = error.problems[0]
        why = f": {first.message}" if first.field is None and first.fix else ""
        raise InputError(
            Problem(f"cannot read the value {raw!r}{why}", first.fix or "quote text that contains : or #", name)
        ) from None


@lru_cache(maxsize=4096)
def parse_key(key: str) -> tuple[int | str, ...]:
    """``api[0].discount`` -> ("api", 0, "discount"). Raises :class:`InputError`."""
    loc: list[int | str] = []
    for part in key.split("."):
        match = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[0-9]+\])*)", part)
        if match is None:
            raise InputError(
                Problem(f"cannot read the key {key!r}", "write it like self_host.supply[0].gpus", "--set")
            )
        loc.append(match.group(1))
        loc.extend(int(index) for index in re.findall(r"\[([0-9]+)\]", match.group(2)))
    return tuple(loc)


def _copy(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copy(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_copy(value) for value in data]
    return data


def _assign(data: Any, loc: tuple[int | str, ...], value: Any, text: str) -> None:
    node = data
    for depth, step in enumerate(loc):
        last = depth == len(loc) - 1
        if isinstance(step, int):
            if not isinstance(node, list) or step >= len(node):
                raise InputError(
                    Problem(f"{dotted(loc[: depth + 1])} does not exist", "the first entry is [0]", "--set", field=text)
                )
            if last:
                node[step] = value
            elif not isinstance(node[step], (dict, list)):
                node[step] = {"model": node[step]} if loc[0] == "api" else {}
            node = node[step]
        else:
            if not isinstance(node, dict):
                raise InputError(
                    Problem(f"{dotted(loc[:depth])} has no keys", f"check the key {dotted(loc)}", "--set", field=text)
                )
            if last:
                node[step] = value
            else:
                following = loc[depth + 1]
                child = node.get(step)
                if child is None or not isinstance(child, (dict, list)):
                    child = [] if isinstance(following, int) else {}
                    node[step] = child
                node = child


__all__ = ["LoadedProfile", "from_document", "load_profile", "load_value", "loads_profile", "parse_key", "parse_override",
           "with_values"]
