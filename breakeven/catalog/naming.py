"""Finding a thing by whatever a person calls it: ``kind/id``, an id alone, or an alias."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import Struct

from breakeven.catalog.inventory import Item, items_of, kind_named
from breakeven.catalog.records import KINDS, Thing
from breakeven.errors import FactNotFound, InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue


def find_thing(catalogue: Catalogue, text: str) -> tuple[str, Thing]:
    """(kind, thing) of ``kind/id``, an id or an alias; a name of several kinds has to say which."""
    head, slash, rest = text.partition("/")
    if slash:
        try:
            kind = kind_named(head)
        except FactNotFound:
            kind = ""  # a Hugging Face id has a slash too
        if kind:
            return kind, catalogue.find(kind, rest)
    by_id = [kind for kind in KINDS if text.strip().lower() in catalogue.ids(kind)]
    found = by_id or [kind for kind in KINDS if _knows(catalogue, kind, text)]
    if not found:
        names = [name for kind in KINDS for name in (*catalogue.ids(kind), *catalogue.names(kind))]
        names += [f"{thing.id}/{m.model}" for thing in catalogue.all("api") for m in getattr(thing, "models", ())]
        raise FactNotFound(f"nothing in the catalogue is called {text!r}", fix=did_you_mean(text, names))
    if len(found) > 1:
        choices = " or ".join(f"{kind}/{catalogue.resolve(kind, text)}" for kind in found)
        raise InputError(Problem(f"{text!r} names several things", f"write {choices}"))
    return found[0], catalogue.find(found[0], text)


def api_model(catalogue: Catalogue, text: str) -> tuple[Thing, str] | None:
    """(provider, model) of ``provider/model`` or of a model's name alone; None where no API price record names it."""
    head, slash, rest = text.partition("/")
    if slash and _knows(catalogue, "api", head):
        thing = catalogue.find("api", head)
        return next(((thing, m.model) for m in getattr(thing, "models", ()) if m.model.lower() == rest.lower()), None)
    found = [
        (thing, m.model)
        for thing in catalogue.all("api")
        for m in getattr(thing, "models", ())
        if m.model.lower() == text.strip().lower()
    ]
    if len(found) > 1:
        raise InputError(
            Problem(f"{text!r} is sold by several", "write " + " or ".join(f"{thing.id}/{name}" for thing, name in found))
        )
    return found[0] if found else None


class Named(Struct, frozen=True):
    """What a name stands for: a thing, one of its models (None = all), one of its records (empty = all)."""

    kind: str
    thing: Thing
    model: str | None
    record: str

    def rows(self, as_of: dt.date) -> list[Item]:
        """Its records. Raises :class:`FactNotFound` when there is none of that name."""
        found = [
            row
            for row in items_of(self.thing, self.kind, as_of)
            if self.model in (None, row.within) and self.record in ("", row.id.partition("#")[2])
        ]
        if self.record and not found:
            name = f"{self.kind}/{self.thing.id}"
            raise FactNotFound(f"{name} has no record {self.record!r}", fix=f"see breakeven catalog show {name}")
        return found


def named(catalogue: Catalogue, text: str) -> Named:
    """A thing, a record of one (``rental/lambda#prices[0]``) or a model that an API sells, by what people call it."""
    name, _, record = text.partition("#")
    try:
        kind, thing = find_thing(catalogue, name)
    except FactNotFound:
        sold = api_model(catalogue, name)
        if sold is None:
            raise
        return Named("api", sold[0], sold[1], record)
    return Named(kind, thing, None, record)


def _knows(catalogue: Catalogue, kind: str, text: str) -> bool:
    try:
        catalogue.resolve(kind, text)
    except FactNotFound:
        return False
    return True
