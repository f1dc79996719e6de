"""What every command reads from its arguments: profiles, catalogue, dates. All problems at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.errors import InputError, Problem

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue
    from breakeven.profile.load import LoadedProfile


def parse_date(text: str | None, option: str = "--as-of") -> dt.date | None:
    """YYYY-MM-DD or None."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(Problem(f"{text!r} is not a date", "write YYYY-MM-DD", option)) from None


def facts_date(text: str | None, catalogue: Catalogue) -> dt.date | None:
    """``--as-of``, with a warning on stderr where the catalogue ends before it: for reports that carry no warnings."""
    from breakeven.catalog.ageing import beyond_release
    from breakeven.cli.main import say

    date = parse_date(text)
    late = None if date is None else beyond_release(catalogue.released, date)
    if late is not None:
        say(f"warning: {late}")
    return date


def need(module: str, extra: str, command: str) -> None:
    """Say which extra brings a library that a command cannot do without."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise InputError(Problem(f"{command} needs {module}", f"pip install 'breakeven[{extra}]'"))


def load_catalogue(overlays: Sequence[Path]) -> Catalogue:
    """The packaged catalogue with the user's overlays."""
    from breakeven.catalog.store import Catalogue

    return Catalogue.load(list(overlays))


def load_profiles(paths: Sequence[str], overrides: Sequence[str] = ()) -> list[LoadedProfile]:
    """Every profile, or every problem of every profile."""
    from breakeven.profile.load import load_profile

    if paths.count("-") > 1:
        raise InputError(Problem("standard input is named twice", "name it once", "-"))
    loaded: list[LoadedProfile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            loaded.append(load_profile(path, overrides))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)
    return loaded
