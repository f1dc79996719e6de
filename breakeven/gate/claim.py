"""A number of a profile's own: where it stands, what it says and how it gets a source."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from breakeven.gate.keys import Loc


class Claim(Struct, frozen=True):
    """A number of a profile's own without a source. What it saves is the cost with it as the base has it, less the cost with it."""

    loc: Loc
    text: str
    fix: str
    beside: tuple[Loc, ...] = ()  # what is taken back together with it, since each says nothing without the other
    instead: Any = None  # what is put in its place, where the base's number would mean something else
    without: tuple[Any, Any] | None = None  # the head's data without it, and those as the base has what it was measured on

    @property
    def of_more_than_its_key(self) -> bool:
        """Whether its key alone says nothing of what it saves: the key may not even have changed."""
        return bool(self.beside) or self.instead is not None or self.without is not None
