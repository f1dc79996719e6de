"""What a catalogue holds, record by record, with the age of each: for listing, refreshing and comparing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from pydantic import BaseModel

from breakeven.catalog.ageing import TIMELESS
from breakeven.catalog.records import KINDS, SourceRef, Thing
from breakeven.errors import FactNotFound, did_you_mean

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

MAX_SHOWN = 6
# What tells one continuing fact from another within a field; the latest record of each is current.
_IDENTITY = (
    "accelerator", "sku", "region", "term", "gpus_per_sku", "condition", "metric", "phase", "conditions", "name", "unit",
    "model", "quality_class", "id",
)  # fmt: skip
_NOT_FACTS = frozenset({"effective", "ends", "source", "confidential", "note", "unverified"})


class Item(Struct, frozen=True):
    """One record of one thing. ``current``: in force on the date and not superseded."""

    id: str
    key: str  # what it is a record of, whatever its place in the file
    kind: str
    thing: str
    thing_name: str
    field: str
    effective: dt.date | None
    ends: dt.date | None
    current: bool
    dated: dt.date | None  # what the list shows as its date
    age_days: int | None
    retrieved: dt.date | None
    grade: str
    confidence: str | None
    confidential: bool
    url: str | None
    title: str | None
    note: str | None
    says: str
    within: str  # the nested thing it is of, such as a provider's model; else empty

    def is_stale(self, days: int) -> bool:
        """Whether it is a current price or figure older than ``days``."""
        return self.current and self.field not in TIMELESS and self.age_days is not None and self.age_days > days


class Entry(Struct, frozen=True):
    """One thing with a count of its records."""

    kind: str
    id: str
    name: str
    aliases: tuple[str, ...]
    records: int
    current: int
    newest: dt.date | None
    age_days: int | None
    assumptions: int


def kind_named(text: str) -> str:
    """The kind behind a plural or singular name. Raises :class:`FactNotFound`."""
    wanted = text.strip().lower()
    for candidate in (wanted, wanted + "s", wanted.removesuffix("y") + "ies"):
        if candidate in KINDS:
            return candidate
    raise FactNotFound(f"unknown kind of fact {text!r}", fix=did_you_mean(text, list(KINDS)))


def entries(catalogue: Catalogue, kinds: tuple[str, ...], as_of: dt.date) -> tuple[Entry, ...]:
    """One row per thing, by kind and id."""
    rows = []
    for kind in kinds:
        for thing in catalogue.all(kind):
            found = tuple(items_of(thing, kind, as_of))
            current = [item for item in found if item.current]
            dates = [item.dated for item in current if item.dated is not None]
            newest = max(dates, default=None)
            rows.append(
                Entry(
                    kind, thing.id, thing.name, thing.aliases, len(found), len(current), newest,
                    None if newest is None else (as_of - newest).days, sum(item.grade == "assumption" for item in found),
                )
            )  # fmt: skip
    return tuple(rows)


def items(catalogue: Catalogue, kinds: tuple[str, ...], as_of: dt.date) -> tuple[Item, ...]:
    """One row per record of every thing, by kind and id."""
    return tuple(item for kind in kinds for thing in catalogue.all(kind) for item in items_of(thing, kind, as_of))


def items_of(thing: Thing, kind: str, as_of: dt.date) -> Iterator[Item]:
    """One row per record of a thing, nested ones too, in the order of the file."""
    found = [(path, record, _identity(path, within, record)) for path, within, record in records_in(thing)]
    latest: dict[tuple[Any, ...], str] = {}
    for path, record, identity in sorted(found, key=lambda row: getattr(row[1], "effective", None) or dt.date.min):
        if _in_force(record, as_of):
            latest[identity] = path
    for path, record, identity in found:
        source: SourceRef = record.source
        within = str(identity[1])
        effective = getattr(record, "effective", None) or getattr(record, "date", None)
        # A price page is as old as its last check, as is an architecture, whose own date is nominal; a market
        # observation is as old as itself.
        dated = source.retrieved if kind in ("api", "models") else effective
        yield Item(
            id=f"{kind}/{thing.id}#{path}", key=_key(kind, thing, identity), kind=kind, thing=thing.id,
            thing_name=thing.name, field=identity[0], effective=effective, ends=getattr(record, "ends", None),
            current=latest.get(identity) == path, dated=source.retrieved if kind == "models" else effective,
            age_days=None if dated is None else (as_of - dated).days, retrieved=source.retrieved,
            grade=source.kind, confidence=source.confidence, confidential=bool(getattr(record, "confidential", False)),
            url=source.url, title=source.title, note=source.note or getattr(record, "note", None), says=says(record), within=within,
        )  # fmt: skip


def current_facts(catalogue: Catalogue, as_of: dt.date) -> dict[str, tuple[Item, dict[str, str]]]:
    """Every current record by what it is of, with all that it says, field by field and in full."""
    out = {}
    for kind in KINDS:
        for thing in catalogue.all(kind):
            for item, (_, _, record) in zip(items_of(thing, kind, as_of), records_in(thing), strict=True):
                if item.current:
                    out[item.key] = (item, _facts(record, most=None))
    return out


def says(record: BaseModel) -> str:
    """The content of a record in one line: ``usd_per_gpu_hour 3.85, term on-demand``."""
    return ", ".join(f"{name} {text}" for name, text in _facts(record, most=MAX_SHOWN).items())


def _facts(record: BaseModel, *, most: int | None) -> dict[str, str]:
    return {
        name: _shown(value, most)
        for name, value in record
        if name not in _NOT_FACTS and value is not None and value != () and value is not False
    }


def _shown(value: Any, most: int | None) -> str:
    if isinstance(value, BaseModel):
        parts = [(name, item) for name, item in value if item is not None]
        if [name for name, _ in parts] == ["low", "typical", "high"]:
            low, typical, high = (item for _, item in parts)
            spread = "" if low == high else f" ({_shown(low, most)} to {_shown(high, most)})"
            return _shown(typical, most) + spread
        return " ".join(f"{name} {_shown(item, most)}" for name, item in parts)
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, tuple):
        shown = "; ".join(_shown(item, most) for item in value[:most])
        return shown if most is None or len(value) <= most else f"{shown}; and {len(value) - most} more"
    return str(value)


def records_in(thing: Thing) -> Iterator[tuple[str, str, Any]]:
    """(path, name of the nested thing it belongs to, record) of every sourced record, in the order of the file."""
    return _records(thing, "", "")


def _records(holder: BaseModel, path: str, within: str) -> Iterator[tuple[str, str, Any]]:
    for name, value in holder:
        if isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, BaseModel):
                    where = f"{path}.{name}[{index}]".lstrip(".")
                    if isinstance(getattr(item, "source", None), SourceRef):
                        yield where, within, item
                    else:
                        yield from _records(item, where, str(getattr(item, "model", where)))


def _identity(path: str, within: str, record: Any) -> tuple[Any, ...]:
    """The field first, then what keeps the fact apart from its neighbours."""
    field = path.rpartition(".")[2].partition("[")[0]
    known = [getattr(record, name, None) for name in _IDENTITY]
    filled = [name for name, value in record if name not in _NOT_FACTS and name not in _IDENTITY and value is not None]
    # Figures of a place combine: electricity does not supersede PUE.
    return (field, within, *known, *(filled if field in ("figures", "power") else ()))


def _key(kind: str, thing: Thing, identity: tuple[Any, ...]) -> str:
    parts = [str(part) for part in identity if part not in (None, "")]
    return " ".join([f"{kind}/{thing.id}", *parts])


def _in_force(record: Any, as_of: dt.date) -> bool:
    check = getattr(record, "is_in_force", None)
    if check is not None:
        return bool(check(as_of))
    when = getattr(record, "date", None)
    return when is None or when <= as_of
