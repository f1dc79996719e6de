"""Every problem of a catalogue at once: malformed files, names that resolve to nothing or to two things."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from breakeven.catalog.fact_files import fact_document, shown_path
from breakeven.catalog.plausibility import Plausibility
from breakeven.catalog.quote_gaps import gaps
from breakeven.catalog.records import KINDS, RentalProvider, SupplierQuote, Thing
from breakeven.errors import FactNotFound, InputError, Problem
from breakeven.modelio import validate

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue


class Verification(Struct, frozen=True):
    """What a look at every file found. ``malformed`` cannot be read; ``wrong`` contradicts the rest."""

    files: int
    records: int
    malformed: tuple[Problem, ...]
    wrong: tuple[Problem, ...]
    doubtful: tuple[Problem, ...] = ()  # right on some later day


def verify(catalogue: Catalogue, *, overlays_only: bool = False, as_of: dt.date | None = None) -> Verification:
    """Read and validate every file, the packaged ones too (unless ``overlays_only``).

    A source that was read after ``as_of`` is wrong. Without a date nobody knows which day it is: one read
    after the catalogue's release is doubtful.
    """
    malformed: list[Problem] = []
    wrong: list[Problem] = []
    early: list[Problem] = []
    plausible = Plausibility(catalogue)
    files = records = 0
    for kind, things in catalogue.files.table.items():
        owner: dict[str, tuple[str, int]] = {}
        for name, paths in sorted(things.items()):
            touched = any(layer > 0 for _, layer in paths)
            if not overlays_only or touched:
                files += len([layer for _, layer in paths if layer > 0 or not overlays_only])
                try:
                    if paths[0][1] == 0:
                        validate(KINDS[kind], fact_document(paths[0][0]))
                    thing = catalogue.find(kind, name)
                except InputError as error:
                    malformed.extend(error.problems)
                    if kind == "quotes" and _is_yaml(paths[-1][0]):
                        wrong.extend(_incomplete(paths[-1][0]))
                    continue
                path = shown_path(paths[-1][0])
                records += _count(thing)
                wrong.extend(_dangling(catalogue, thing, path))
                wrong.extend(plausible.problems(kind, thing))
                early.extend(plausible.read_after(kind, thing, as_of))
                if kind == "quotes":
                    wrong.extend(_incomplete(paths[-1][0]))
            _claim(owner, catalogue, kind, name, shown_path(paths[-1][0]), touched or not overlays_only, wrong)
    if as_of is not None:
        wrong += early
    doubtful = () if as_of is not None else tuple(dict.fromkeys(early))
    return Verification(files, records, tuple(dict.fromkeys(malformed)), tuple(dict.fromkeys(wrong)), doubtful)


def _count(thing: Thing) -> int:
    return sum(len(value) for _, value in thing if isinstance(value, tuple) and value and hasattr(value[0], "source"))


def _claim(
    owner: dict[str, tuple[str, int]], catalogue: Catalogue, kind: str, name: str, path: str, asked: bool,
    wrong: list[Problem],
) -> None:  # fmt: skip
    """An alias may belong to one thing only, and no alias may be another thing's id."""
    for alias in (name, *catalogue.also_called(kind, name)):
        first, was_asked = owner.setdefault(alias, (name, asked))
        if first != name and (asked or was_asked):
            wrong.append(Problem(f"the name {alias!r} of {kind}/{name} also names {first!r}", "keep one of them", path))


def _incomplete(path: Path) -> list[Problem]:
    """What the last offer of a supplier's quote leaves open, placed in its file."""
    document = fact_document(path)
    offers = document.data.get("offers") if isinstance(document.data, dict) else None
    if not isinstance(offers, list) or not offers or not isinstance(offers[-1], dict):
        return []
    place = ("offers", len(offers) - 1)
    return [document.problem((*place, name), "is not stated", meaning) for name, meaning in gaps(offers[-1])]


def _is_yaml(path: Path) -> bool:
    try:
        fact_document(path)
    except InputError:
        return False
    return True


def _dangling(catalogue: Catalogue, thing: Thing, path: str) -> list[Problem]:
    """Accelerators, by any of their names, that the catalogue does not know."""
    named: list[tuple[str, Any]] = []
    if isinstance(thing, RentalProvider):
        named = [(f"prices[{index}].accelerator", record.accelerator) for index, record in enumerate(thing.prices)]
    elif isinstance(thing, SupplierQuote):
        named = [(f"offers[{i}].accelerator", record.accelerator) for i, record in enumerate(thing.offers) if record.accelerator]
    elif hasattr(thing, "accelerator"):
        named = [("accelerator", thing.accelerator)]
    out: list[Problem] = []
    seen: set[str] = set()
    for field, name in named:
        if name in seen:
            continue
        seen.add(name)
        try:
            catalogue.resolve("accelerators", name)
        except FactNotFound as error:
            out.append(Problem(error.problems[0].message, error.problems[0].fix, path, field=field))
    return out
