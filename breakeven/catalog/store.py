"""The catalogue: dated, sourced facts in files, read only when asked for.

One file per thing under ``<kind>/<id>.yaml``. Look-ups take a date and never fall back: an unknown
name, a record that is not in force, a missing price are errors that name the nearest alternatives.
Overlays (the user's own facts) extend things of the same id and add new ones; an overlay's record
in force wins over every packaged one, and a later overlay over an earlier one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven.catalog.citation import Cited, SourceRow
from breakeven.catalog.excerpt import head
from breakeven.catalog.fact_files import PACKAGED, FactFiles, fact_document, shown_path
from breakeven.catalog.records import KINDS, Dated, Figure, RentalPrice, Thing
from breakeven.catalog.rents import current_rentals, observed_rentals
from breakeven.catalog.trusted import construct
from breakeven.errors import FactNotFound, FactNotInForce, InputError, did_you_mean
from breakeven.modelio import validate
from breakeven.yamlio import Document, load_path

__all__ = ["PACKAGED", "Catalogue", "Cited", "SourceRow"]

_SEPARATORS = re.compile(r"[\s_]+")
_NOUNS = {
    "accelerators": "accelerator", "rental": "rental provider", "servers": "server",
    "quotes": "supplier's quote", "sites": "site", "figures": "figure set", "models": "open-weight model", "api": "API provider", "history": "price history",
    "demand": "demand shape",
}  # fmt: skip


class _Loaded(Struct, frozen=True):
    """A merged thing; ``origins[field][i]`` is the (file, layer) of each record of a field."""

    thing: Thing
    origins: dict[str, list[tuple[str, int]]]


class Catalogue:
    """Packaged facts plus overlays; see :meth:`load`."""

    def __init__(self, files: FactFiles) -> None:
        self.files = files
        self._things: dict[tuple[str, str], _Loaded] = {}
        self._aliases: dict[str, dict[str, str]] = {}
        self._heads: dict[tuple[str, str], dict[str, Any]] = {}
        self._sources: dict[str, SourceRow] = {}
        self.rents_read: dict[tuple[str, str], list[Cited[RentalPrice]]] = {}  # excerpts, by provider and accelerator
        meta = load_path(files.base / "catalogue.yaml").data
        self.version: str = str(meta["version"])
        self.released: dt.date = meta["released"]

    @classmethod
    def load(cls, overlays: Sequence[Path] = ()) -> Catalogue:
        """The packaged catalogue with overlay directories or single files laid over it, in order.

        Raises :class:`InputError` for an overlay that is not there or not a catalogue; the contents
        of a file are validated when they are asked for, or all at once by ``verification.verify``.
        """
        return cls(FactFiles(list(overlays)))

    @classmethod
    def complete(cls, folder: Path) -> Catalogue:
        """A whole catalogue of another release: a folder with its own ``catalogue.yaml``."""
        return cls(FactFiles((), base=folder))

    def without_overlays(self) -> Catalogue:
        """The facts underneath the overlays alone."""
        return Catalogue(FactFiles((), base=self.files.base))

    @property
    def digest(self) -> str:
        """sha256 over the names and bytes of every file, packaged and overlays."""
        return self.files.digest

    # --- things ------------------------------------------------------------------------------

    def ids(self, kind: str) -> tuple[str, ...]:
        """Ids of a kind, without reading the files."""
        return tuple(sorted(self.files.table[_known_kind(kind)]))

    def all(self, kind: str) -> tuple[Thing, ...]:
        """Every thing of a kind, by id."""
        return tuple(self._load(kind, name).thing for name in self.ids(kind))

    def mentions(self, kind: str, name: str, texts: Iterable[str]) -> bool:
        """Whether the files of a thing hold any of the texts, in either case; cheap, and never too strict."""
        wanted = tuple(text.lower().encode() for text in texts)
        for path, layer in self.files.table[_known_kind(kind)][name]:
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
        spelled = _SEPARATORS.sub("-", wanted)  # "H100 SXM" is h100-sxm
        for candidate in (wanted, spelled):
            if candidate in self.files.table[_known_kind(kind)]:
                return candidate
        aliases = self._alias_table(kind)
        for candidate in (wanted, spelled):
            if candidate in aliases:
                return aliases[candidate]
        known = [*self.ids(kind), *aliases]
        raise FactNotFound(f"unknown {_NOUNS[kind]} {name!r}", fix=did_you_mean(name, known))

    def _alias_table(self, kind: str) -> dict[str, str]:
        if kind not in self._aliases:
            table: dict[str, str] = {}
            for name in self.ids(kind):
                for alias in self.also_called(kind, name):
                    table.setdefault(alias, name)
            self._aliases[kind] = table
        return self._aliases[kind]

    def also_called(self, kind: str, name: str) -> list[str]:
        """Aliases, full name and Hugging Face id of a thing, in lower case, with dashes for spaces too."""
        if self.files.is_packaged(kind, name):
            data = self._head(kind, name)
            names = [*data.get("aliases", ()), data["name"], data.get("hf_id", name)]
        else:
            thing = self._load(kind, name).thing
            names = [*thing.aliases, thing.name, getattr(thing, "hf_id", name)]
        lowered = [text.lower() for text in names]
        return list(dict.fromkeys([*lowered, *(_SEPARATORS.sub("-", text) for text in lowered)]))

    def _head(self, kind: str, name: str) -> dict[str, Any]:
        key = (kind, name)
        if key not in self._heads:
            path = self.files.table[kind][name][0][0]
            self._heads[key] = head(path.read_bytes(), str(path))
        return self._heads[key]

    def names(self, kind: str) -> tuple[str, ...]:
        """Every alias of a kind."""
        return tuple(self._alias_table(_known_kind(kind)))

    def label(self, kind: str, name: str, field: str) -> Any:
        """One plain field of a thing (``tier``, ``accelerator``, ...) without reading its records."""
        key = self._resolve(kind, name)
        if (kind, key) not in self._things and self.files.is_packaged(kind, key):
            data = self._head(kind, key)
            if field in data:
                return data[field]
        return getattr(self._load(kind, key).thing, field)

    def _load(self, kind: str, name: str) -> _Loaded:
        key = (kind, name)
        if key not in self._things:
            self._things[key] = self._merge(kind, name)
        return self._things[key]

    def _merge(self, kind: str, name: str) -> _Loaded:
        files = self.files.table[kind].get(name)
        if not files:
            raise FactNotFound(f"unknown {_NOUNS[kind]} {name!r}", fix=did_you_mean(name, self.ids(kind)))
        origins: dict[str, list[tuple[str, int]]] = {}
        merged: dict[str, Any] = {}
        thing: Thing | None = None
        for path, layer in files:
            document = fact_document(path)
            self._check_id(document, name)
            if isinstance(document.data, dict) and document.data.get("id") is None:  # the file's name is the id
                document = Document({**document.data, "id": name}, document.path, document.node)
            data = document.data
            if self.files.is_trusted(layer) and isinstance(data, dict):
                thing = construct(KINDS[kind], data)
                merged = {field_name: getattr(thing, field_name) for field_name in thing.model_fields_set}
                for field_name, value in merged.items():
                    if isinstance(value, tuple):
                        origins[field_name] = [(shown_path(path), 0)] * len(value)
                continue
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
                    origins.setdefault(field_name, []).extend([(shown_path(path), layer)] * len(value))
                elif isinstance(value, tuple):
                    merged[field_name] = (*merged.get(field_name, ()), *value)
                    origins.setdefault(field_name, []).extend([(shown_path(path), layer)] * len(value))
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
                    if record.is_in_force(as_of)
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
        noun = _NOUNS[kind]
        spans = sorted((record.effective, record.ends) for record in getattr(thing, field))
        if not spans:
            raise FactNotInForce(f"{noun} {thing.id!r} has no {field} in the catalogue", fix="add one with --catalog")
        first = spans[0][0]
        ended = [end for _, end in spans if end is not None and end <= as_of]
        what = f"its last record ended on {max(ended)}" if ended else f"its records start on {first}"
        raise FactNotInForce(
            f"{noun} {thing.id!r} has no {field} in force on {as_of}",
            fix=f"{what}; choose another --as-of or add one with --catalog",
        )

    def figure(self, name: str, *, as_of: dt.date, figure: str | None = None) -> Cited[Figure]:
        """The latest figure of a set in force on the date; ``figure`` names one of a set of several."""
        found = [cited for cited in self.records("figures", name, "records", as_of) if cited.record.name == figure]
        if found:
            return found[-1]
        cited = self.in_force("figures", name, "records", as_of)
        known = sorted({row.record.name for row in self.records("figures", name, "records", as_of) if row.record.name})
        wanted = f"no figure {figure!r}" if figure else "several figures"
        raise FactNotFound(f"figures/{cited.thing_id} has {wanted}", fix=did_you_mean(figure or "", known))

    def rentals(
        self, *, accelerator: str, as_of: dt.date, provider: str | None = None, term: str | None = None,
        region: str | None = None,
    ) -> tuple[Cited[RentalPrice], ...]:  # fmt: skip
        """Current rental prices of an accelerator: the latest per provider, SKU, region and term."""
        return current_rentals(
            self, accelerator=accelerator, as_of=as_of, provider=provider, term=term, region=region
        )

    def quotes(
        self, *, accelerator: str, as_of: dt.date, term: str | None = None, provider: str | None = None
    ) -> tuple[Cited[RentalPrice], ...]:
        """Every rental price on file, also two observations of one provider by different sources."""
        return tuple(observed_rentals(self, accelerator=accelerator, as_of=as_of, provider=provider, term=term))

    def _cite(self, kind: str, loaded: _Loaded, field: str, index: int) -> Cited[Any]:
        record: Dated = getattr(loaded.thing, field)[index]
        return self.cite(kind, loaded.thing.id, field, index, record, loaded.origins[field][index][0])

    def cite(self, kind: str, name: str, field: str, index: int, record: Any, file: str) -> Cited[Any]:
        """A record of a thing with its id, made known to :meth:`source`."""
        path = f"{field}[{index}]"
        source_id = f"{kind}/{name}#{path}"
        if source_id not in self._sources:
            self.register(source_id, file=file, path=path, record=record)
        return Cited(record, source_id, name)

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


def _defaults(model: type[Thing]) -> dict[str, Any]:
    return {name: field.get_default() for name, field in model.model_fields.items() if not field.is_required()}


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise FactNotFound(f"unknown kind of fact {kind!r}", fix=did_you_mean(kind, list(KINDS)))
    return kind
