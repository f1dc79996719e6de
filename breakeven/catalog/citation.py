"""A record with the id it is cited by, and the provenance behind that id."""

from __future__ import annotations

import datetime as dt
from typing import Generic, TypeVar

from msgspec import Struct

R = TypeVar("R")


class Cited(Struct, Generic[R], frozen=True):
    """A record with the id it is cited by and the thing it belongs to."""

    record: R
    source_id: str
    thing_id: str


class SourceRow(Struct, frozen=True):
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
