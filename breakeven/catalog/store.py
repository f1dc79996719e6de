"""The catalogue: dated, sourced facts in files, read only when asked for.

One file per thing under ``<kind>/<id>.yaml``. Look-ups take a date and never fall back: an unknown
name, a record that is not in force, a missing price are errors that name the nearest alternatives.
Overlays (the user's own facts) extend things of the same id and add new ones; an overlay's record
wins over a packaged one that is not newer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from breakeven.catalog.records import KINDS, Dated, RentalPrice, RentalProvider, Thing
from breakeven.errors import FactNotFound, FactNotInForce, InputError, Problem, did_you_mean
from breakeven.modelio import validate
from breakeven.yamlio import Document, load_path

R = TypeVar("R")

PACKAGED = Path(__file__).parent / "data"
_NOUNS = {
    "accelerators": "accelerator", "rental": "rental provider", "servers": "server", "sites": "site",
    "figures": "figure set", "models": "open-weight model", "api": "API provider", "history": "price history",
    "demand": "demand shape",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cited(Generic[R]):
    """A record with the id it is cited by and the thing it belongs to."""

    record: R
    source_id: str
    thing_id: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where one record comes from, for reports."""

    id: str
    file: str
    record: str
    effective: dt.date | None
    retrieved: dt.date | None
    kind: str
    url: str | None
    title: str | None
    confidence: str | None
    confidential: bool
    note: str | None
    owner: str | None = None
    licence: str | None = None
    flags: tuple[str, ...] = ()

    def record_includes(self, flag: str) -> bool:
        """Whether a boolean field of the record is set, e.g. ``includes_electricity``."""
        return flag in self.flags


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A merged thing; ``origins[field][i]`` is the (file, layer) of each record of a field."""

    thing: Thing
    origins: dict[str, list[tuple[str, int]]]


class Catalogue:
    """Packaged facts plus overlays; see :meth:`load`."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._things: dict[tuple[str, str], _Loaded] = {}
        self._aliases: dict[str, dict[str, str]] = {}
        self._sources: dict[str, SourceRow] = {}
        meta = load_path(PACKAGED / "catalogue.yaml").data
        self.version: str = str(meta["version"])
        self.released: dt.date = meta["released"]

    @classmethod
    def load(cls, overlays: Sequence[Path] = ()) -> Catalogue:
        """The packaged catalogue with overlay directories or single files laid over it, in order.

        Raises :class:`InputError` for an overlay that is not there; its contents are validated when
        they are asked for, or all at once by :meth:`verify`.
        """
        for overlay in overlays:
            if not overlay.exists():
                raise InputError(Problem("no such catalogue", "name a directory or a YAML file of facts", str(overlay)))
        catalogue = cls((PACKAGED, *overlays))
        for overlay in overlays:
            catalogue._files_of(overlay)  # shape errors now, not at the first look-up
        return catalogue

    # --- files -------------------------------------------------------------------------------

    @cached_property
    def _files(self) -> dict[str, dict[str, list[tuple[Path, int]]]]:
        """kind -> id -> files, packaged first."""
        table: dict[str, dict[str, list[tuple[Path, int]]]] = {kind: {} for kind in KINDS}
        for layer, root in enumerate(self._roots):
            for kind, name, path in self._files_of(root):
                table[kind].setdefault(name, []).append((path, layer))
        return table

    def _files_of(self, root: Path) -> list[tuple[str, str, Path]]:
        """(kind, id, path) of every fact file of a root. Symlinks that leave an overlay are refused."""
        if root.is_file():
            return [self._flat(root)]
        found: list[tuple[str, str, Path]] = []
        for path in sorted(root.rglob("*.y*ml")):
            relative = path.relative_to(root)
            if root != PACKAGED and (path.is_symlink() or not path.resolve().is_relative_to(root.resolve())):
                raise InputError(Problem("is a link out of the catalogue", "copy the file instead", str(path)))
            if relative.parts[0] in KINDS and len(relative.parts) == 2:
                found.append((relative.parts[0], path.stem, path))
            elif root != PACKAGED and len(relative.parts) == 1:
                found.append(self._flat(path))
            elif root != PACKAGED:
                raise InputError(
                    Problem(
                        "is in no known folder of facts",
                        f"folders are {', '.join(KINDS)}; or put it at the top with a line kind: ...", str(path),
                    )
                )  # fmt: skip
        if root != PACKAGED and not found:
            raise InputError(Problem("holds no fact files", f"add files such as {next(iter(KINDS))}/<id>.yaml", str(root)))
        return found

    def _flat(self, path: Path) -> tuple[str, str, Path]:
        document = load_path(path)
        data = document.data
        kind = data.get("kind") if isinstance(data, dict) else None
        if kind not in KINDS:
            raise InputError(
                document.problem(("kind",), "needs a line kind: that says what it holds", f"one of {', '.join(KINDS)}")
            )
        return kind, str(data.get("id", path.stem)), path

    def _document(self, path: Path) -> Document:
        document = load_path(path)
        if isinstance(document.data, dict) and "kind" in document.data:
            data = {key: value for key, value in document.data.items() if key != "kind"}
            return Document(data, document.path, document.node)
        return document

    def relative(self, path: Path) -> str:
        """A path as reports name it: inside the package, or as the user wrote the overlay."""
        return path.relative_to(PACKAGED).as_posix() if path.is_relative_to(PACKAGED) else path.as_posix()

    @cached_property
    def digest(self) -> str:
        """sha256 over the names and bytes of every file, packaged and overlays."""
        total = hashlib.sha256()
        for kind, things in sorted(self._files.items()):
            for name, paths in sorted(things.items()):
                for path, layer in paths:
                    raw = path.read_bytes()
                    total.update(f"{layer}/{kind}/{name}\0{len(raw)}\0".encode() + raw)
        return "sha256:" + total.hexdigest()

    # --- things ------------------------------------------------------------------------------

    def ids(self, kind: str) -> tuple[str, ...]:
        """Ids of a kind, without reading the files."""
        return tuple(sorted(self._files[_known_kind(kind)]))

    def all(self, kind: str) -> tuple[Thing, ...]:
        """Every thing of a kind, by id."""
        return tuple(self._load(kind, name).thing for name in self.ids(kind))

    def mentions(self, kind: str, name: str, texts: Iterable[str]) -> bool:
        """Whether the files of a thing hold any of the texts, in either case; cheap, and never too strict."""
        wanted = tuple(text.lower().encode() for text in texts)
        for path, layer in self._files[_known_kind(kind)][name]:
            raw = path.read_bytes().lower()
            if layer > 0 or any(text in raw for text in wanted):  # a user's file may escape its letters
                return True
        return False

    def find(self, kind: str, name: str) -> Thing:
        """A thing by id or alias. Raises :class:`FactNotFound` with the nearest names."""
        return self._load(kind, self._resolve(kind, name)).thing

    def resolve(self, kind: str, name: str) -> str:
        """The id behind an id or alias, without reading the thing when it is an id already."""
        return self._resolve(kind, name)

    def _resolve(self, kind: str, name: str) -> str:
        wanted = name.strip().lower()
        if wanted in self._files[_known_kind(kind)]:
            return wanted
        aliases = self._alias_table(kind)
        if wanted in aliases:
            return aliases[wanted]
        known = [*self.ids(kind), *aliases]
        raise FactNotFound(f"unknown {_NOUNS[kind]} {name!r}", fix=did_you_mean(name, known))

    def _alias_table(self, kind: str) -> dict[str, str]:
        if kind not in self._aliases:
            table: dict[str, str] = {}
            for name in self.ids(kind):
                thing = self._load(kind, name).thing
                for alias in (*thing.aliases, getattr(thing, "hf_id", name)):
                    table.setdefault(alias.lower(), name)
            self._aliases[kind] = table
        return self._aliases[kind]

    def _load(self, kind: str, name: str) -> _Loaded:
        key = (kind, name)
        if key not in self._things:
            self._things[key] = self._merge(kind, name)
        return self._things[key]

    def _merge(self, kind: str, name: str) -> _Loaded:
        files = self._files[kind].get(name)
        if not files:
            raise FactNotFound(f"unknown {_NOUNS[kind]} {name!r}", fix=did_you_mean(name, self.ids(kind)))
        origins: dict[str, list[tuple[str, int]]] = {}
        merged: dict[str, Any] = {}
        thing: Thing | None = None
        for path, layer in files:
            document = self._document(path)
            self._check_id(document, name)
            data = document.data
            if thing is not None and isinstance(data, dict):
                # An overlay of a known thing may leave out what it does not change.
                base = {"id": name, **{k: merged[k] for k in ("name",) if k in merged}}
                for needed, field in KINDS[kind].model_fields.items():
                    if field.is_required() and needed not in data and needed in merged:
                        base.setdefault(needed, merged[needed])
                document = Document({**base, **data}, document.path, document.node)
            part = validate(KINDS[kind], document)
            for field_name in KINDS[kind].model_fields:
                value = getattr(part, field_name)
                if field_name not in part.model_fields_set:
                    continue
                if isinstance(value, tuple) and value and isinstance(value[0], Dated):
                    if thing is not None and isinstance(data, dict) and field_name not in data:
                        continue
                    merged[field_name] = (*merged.get(field_name, ()), *value)
                    origins.setdefault(field_name, []).extend([(self.relative(path), layer)] * len(value))
                elif isinstance(value, tuple):
                    merged[field_name] = (*merged.get(field_name, ()), *value)
                    origins.setdefault(field_name, []).extend([(self.relative(path), layer)] * len(value))
                else:
                    merged[field_name] = value
            thing = KINDS[kind].model_construct(None, **{**_defaults(KINDS[kind]), **merged})
        assert thing is not None
        return _Loaded(thing, origins)

    def _check_id(self, document: Document, name: str) -> None:
        given = document.data.get("id") if isinstance(document.data, dict) else None
        if given is not None and given != name:
            raise InputError(document.problem(("id",), f"is {given!r} in a file named {name!r}", "let them agree"))

    # --- records -----------------------------------------------------------------------------

    def records(self, kind: str, name: str, field: str, as_of: dt.date) -> tuple[Cited[Any], ...]:
        """Every record of a field in force on the date, oldest first; an overlay's after its equals."""
        loaded = self._load(kind, self._resolve(kind, name))
        return tuple(
            cited for _, _, cited in sorted(
                (
                    (record.effective, loaded.origins[field][index][1], self._cite(kind, loaded, field, index))
                    for index, record in enumerate(getattr(loaded.thing, field))
                    if record.effective <= as_of and (record.ends is None or as_of < record.ends)
                ),
                key=lambda row: (row[1] > 0, row[0], row[1]),
            )
        )  # fmt: skip

    def in_force(self, kind: str, name: str, field: str, as_of: dt.date) -> Cited[Any]:
        """The latest record of a field in force on the date. Raises :class:`FactNotInForce`."""
        found = self.records(kind, name, field, as_of)
        if found:
            return found[-1]
        thing = self.find(kind, name)
        dates = sorted(record.effective for record in getattr(thing, field))
        noun = _NOUNS[kind]
        if not dates:
            raise FactNotInForce(f"{noun} {thing.id!r} has no {field} in the catalogue", fix="add one with --catalog")
        raise FactNotInForce(
            f"{noun} {thing.id!r} has no {field} in force on {as_of}",
            fix=f"its records start on {dates[0]}; choose a later --as-of or add one with --catalog",
        )

    def rentals(
        self, *, accelerator: str, as_of: dt.date, provider: str | None = None, term: str | None = None,
        region: str | None = None,
    ) -> tuple[Cited[RentalPrice], ...]:  # fmt: skip
        """Current rental prices of an accelerator: the latest per provider, SKU, region and term."""
        wanted = self._resolve("accelerators", accelerator)
        providers = (self._resolve("rental", provider),) if provider else self.ids("rental")
        latest: dict[tuple[str, ...], Cited[RentalPrice]] = {}
        for name in providers:
            for cited in self.records("rental", name, "prices", as_of):
                record: RentalPrice = cited.record
                if record.accelerator != wanted and self._resolve("accelerators", record.accelerator) != wanted:
                    continue
                if term is not None and record.term != term:
                    continue
                if region is not None and (record.region or "").lower() != region.lower():
                    continue
                key = (name, record.sku or "", record.region or "", record.term, str(record.gpus_per_sku))
                latest[key] = cited
        return tuple(latest[key] for key in sorted(latest))

    def _cite(self, kind: str, loaded: _Loaded, field: str, index: int) -> Cited[Any]:
        record: Dated = getattr(loaded.thing, field)[index]
        path = f"{field}[{index}]"
        source_id = f"{kind}/{loaded.thing.id}#{path}"
        if source_id not in self._sources:
            self.register(source_id, file=loaded.origins[field][index][0], path=path, record=record)
        return Cited(record, source_id, loaded.thing.id)

    def register(self, source_id: str, *, file: str, path: str, record: Any) -> None:
        """Make a record citable under ``source_id``; price books register nested records this way."""
        source = record.source
        flags = tuple(name for name, value in record if value is True)
        self._sources[source_id] = SourceRow(
            id=source_id, file=file, record=path, effective=record.effective, retrieved=source.retrieved,
            kind=source.kind, url=source.url, title=source.title, confidence=source.confidence,
            confidential=record.confidential, note=source.note or record.note, owner=source.owner,
            licence=source.licence, flags=flags,
        )  # fmt: skip

    def origin_of(self, kind: str, name: str, field: str, index: int) -> tuple[str, int]:
        """(file, layer) of one entry of a field; layer 0 is the package, overlays count from 1."""
        return self._load(kind, self._resolve(kind, name)).origins[field][index]

    def source(self, source_id: str) -> SourceRow:
        """The provenance of a cited record. Raises :class:`FactNotFound` for an unknown id."""
        if source_id not in self._sources:
            kind, _, rest = source_id.partition("/")
            name, _, path = rest.partition("#")
            field, _, index = path.rstrip("]").partition("[")
            if kind not in KINDS or not index.isdigit():
                raise FactNotFound(f"unknown source {source_id!r}", fix="write it as kind/id#field[0]")
            loaded = self._load(kind, self._resolve(kind, name))
            if not 0 <= int(index) < len(getattr(loaded.thing, field, ())):
                raise FactNotFound(f"unknown source {source_id!r}", fix=f"{kind}/{loaded.thing.id} has no such record")
            self._cite(kind, loaded, field, int(index))
        return self._sources[source_id]

    # --- all at once -------------------------------------------------------------------------

    def verify(self, layers: Iterable[int] | None = None) -> tuple[Problem, ...]:
        """Every problem of every file: form, unknown accelerators, ambiguous aliases."""
        wanted = set(layers) if layers is not None else None
        problems: list[Problem] = []
        for kind, things in self._files.items():
            owner: dict[str, str] = {}
            for name, files in sorted(things.items()):
                if wanted is not None and not any(layer in wanted for _, layer in files):
                    continue
                try:
                    thing = self._load(kind, name).thing
                except InputError as error:
                    problems.extend(error.problems)
                    continue
                path = self.relative(files[-1][0])
                for alias in {name, *(alias.lower() for alias in thing.aliases)}:
                    if owner.setdefault(alias, name) != name:
                        problems.append(Problem(f"alias {alias!r} also names {owner[alias]!r}", "keep one", path))
                problems.extend(self._dangling(thing, path))
        return tuple(problems)

    def _dangling(self, thing: Thing, path: str) -> list[Problem]:
        names: list[str] = []
        if isinstance(thing, RentalProvider):
            names = [record.accelerator for record in thing.prices]
        elif hasattr(thing, "accelerator"):
            names = [thing.accelerator]
        out = []
        for name in dict.fromkeys(names):
            try:
                self._resolve("accelerators", name)
            except FactNotFound as error:
                out.append(Problem(error.problems[0].message, error.problems[0].fix, path))
        return out


def _defaults(model: type[Thing]) -> dict[str, Any]:
    return {name: field.get_default() for name, field in model.model_fields.items() if not field.is_required()}


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise FactNotFound(f"unknown kind of fact {kind!r}", fix=did_you_mean(kind, list(KINDS)))
    return kind
