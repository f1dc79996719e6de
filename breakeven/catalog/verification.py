"""Every problem of a catalogue at once: malformed files, names that resolve to nothing or to two things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from breakeven.catalog.fact_files import fact_document, shown_path
from breakeven.catalog.records import KINDS, RentalProvider, Thing
from breakeven.errors import FactNotFound, InputError, Problem
from breakeven.modelio import validate

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at every file found. ``malformed`` cannot be read; ``wrong`` contradicts the rest."""

    files: int
    records: int
    malformed: tuple[Problem, ...]
    wrong: tuple[Problem, ...]


def verify(catalogue: Catalogue, *, overlays_only: bool = False) -> Verification:
    """Read and validate every file, the packaged ones too (unless ``overlays_only``)."""
    malformed: list[Problem] = []
    wrong: list[Problem] = []
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
                    continue
                path = shown_path(paths[-1][0])
                records += _count(thing)
                wrong.extend(_dangling(catalogue, thing, path))
            _claim(owner, catalogue, kind, name, shown_path(paths[-1][0]), touched or not overlays_only, wrong)
    return Verification(files, records, tuple(dict.fromkeys(malformed)), tuple(dict.fromkeys(wrong)))


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


def _dangling(catalogue: Catalogue, thing: Thing, path: str) -> list[Problem]:
    """Accelerators, by any of their names, that the catalogue does not know."""
    named: list[tuple[str, Any]] = []
    if isinstance(thing, RentalProvider):
        named = [(f"prices[{index}].accelerator", record.accelerator) for index, record in enumerate(thing.prices)]
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
