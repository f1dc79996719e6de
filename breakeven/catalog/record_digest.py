"""A digest of one record's content, so that a lock notices when a fact behind an id changes."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from breakeven.errors import FactNotFound

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

_STEP = re.compile(r"([a-z_]+)\[([0-9]+)\]")


def record_digest(catalogue: Catalogue, source_id: str) -> str:
    """sha256 over the record's fields in a fixed layout; equal content gives an equal digest anywhere."""
    text = json.dumps(record_at(catalogue, source_id).model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def record_at(catalogue: Catalogue, source_id: str) -> BaseModel:
    """The record that an id such as ``api/acme#models[2].prices[0]`` cites."""
    place, _, path = source_id.partition("#")
    kind, _, name = place.partition("/")
    found: Any = catalogue.find(kind, name)
    for field, index in _STEP.findall(path):
        items = getattr(found, field, ())
        if int(index) >= len(items):
            raise FactNotFound(f"unknown source {source_id!r}", fix=f"see breakeven catalog show {place}")
        found = items[int(index)]
    if not isinstance(found, BaseModel) or not path:
        raise FactNotFound(f"unknown source {source_id!r}", fix="write it as kind/id#field[0]")
    return found
