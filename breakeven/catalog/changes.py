"""What changed between two catalogues: facts that came, went, or say something else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from breakeven.catalog.inventory import Item, current_facts
from breakeven.errors import InputError, Problem

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

PACKAGED_NAME = "packaged"
_NOTHING: tuple[Item | None, dict[str, str]] = (None, {})


class FieldChange(Struct, frozen=True):
    """One field of a changed fact; None where it is not said."""

    field: str
    old: str | None
    new: str | None


class Change(Struct, frozen=True):
    """One fact in force that differs; ``old`` or ``new`` is None where there is none."""

    change: Literal["added", "removed", "changed", "confirmed"]
    key: str
    old_id: str | None
    new_id: str | None
    old: str | None
    new: str | None
    old_effective: dt.date | None
    new_effective: dt.date | None
    fields: tuple[FieldChange, ...] = ()  # what of a changed fact differs


def open_catalogue(text: str) -> Catalogue:
    """``packaged``, a complete catalogue (a folder with ``catalogue.yaml``), or an overlay of the package."""
    from breakeven.catalog.store import Catalogue

    path = Path(text)
    if text == PACKAGED_NAME and not path.exists():
        return Catalogue.load()
    if (path / "catalogue.yaml").is_file():
        return Catalogue.complete(path)
    if not path.exists():
        raise InputError(Problem("no such catalogue", f"name a folder or file of facts, or {PACKAGED_NAME}", text))
    return Catalogue.load([path])


def changes(old: Catalogue, new: Catalogue, *, old_date: dt.date, new_date: dt.date) -> tuple[Change, ...]:
    """Facts in force on each catalogue's date, compared by what they are facts of."""
    before, after = current_facts(old, old_date), current_facts(new, new_date)
    rows = []
    for key in sorted(before.keys() | after.keys()):
        (one, was), (two, now) = before.get(key, _NOTHING), after.get(key, _NOTHING)
        fields: tuple[FieldChange, ...] = ()
        if one is not None and two is not None and was == now:
            if one.effective == two.effective:
                continue
            word: Literal["added", "removed", "changed", "confirmed"] = "confirmed"
        else:
            word = "added" if one is None else "removed" if two is None else "changed"
            if word == "changed":
                names = (name for name in dict.fromkeys((*was, *now)) if was.get(name) != now.get(name))
                fields = tuple(FieldChange(name, was.get(name), now.get(name)) for name in names)
        rows.append(
            Change(
                word, key, one.id if one else None, two.id if two else None, one.says if one else None,
                two.says if two else None, one.effective if one else None, two.effective if two else None, fields,
            )
        )  # fmt: skip
    return tuple(rows)

