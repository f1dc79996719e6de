"""What is asked of the gate, and what is compared with what, wherever the base comes from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from breakeven.gate.compared import Facts, Side
from breakeven.gate.policy import Policy
from breakeven.gate.report import FactsId, Finding
from breakeven.yamlio import Document


class Request(Struct, frozen=True):
    """What a command asked for. Exactly one of ``base_ref`` and ``baseline`` is given."""

    profiles: Sequence[str]
    catalog: Sequence[Path]
    as_of: dt.date | None
    base_ref: str | None = None
    baseline: Path | None = None
    policy_path: Path | None = None
    policy: Policy | None = None
    lock: Path | None = None
    on: dt.date | None = None
    kind: str = "check"


class Elsewhere(Struct, frozen=True):
    """A profile of a new one's name that is gone from a place that makes it no base: what a move looks like from here."""

    was: str  # where the base has it
    here: str  # the new one's path from the repository's top
    why_not: str


class Question(Struct, frozen=True):
    """What is compared with what, wherever the base came from."""

    bases: Mapping[str, Side | None]  # by the head's path
    facts: Facts
    policy: Policy | None
    base: str
    head: str
    notes: tuple[str, ...] = ()
    general: tuple[Finding, ...] = ()  # what is found of no profile; the policy says at which level
    policy_document: Document | None = None
    base_lock: Mapping[str, Any] | None = None  # the lock as the base has it
    places: Mapping[str, str] = field(default_factory=dict)  # files by the name they were given: their path from the repository's top
    base_catalogue: FactsId | None = None  # the facts that a baseline rests on
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)  # by the head's path: new ones that may have moved
    unasked: frozenset[str] = frozenset()  # rules that nothing here could answer
