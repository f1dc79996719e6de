"""What a diff or a check found: plain data that every surface renders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from breakeven.gate.attribution import Share
from breakeven.gate.snapshot import Snapshot

Level = Literal["warn", "error"]
GATE_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a profile, a fact or a waiver does not meet."""

    rule: str
    level: Level
    profile: str
    message: str
    fix: str
    path: str
    line: int | None = None
    waived_by: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One profile, base against head. ``base`` is None for a profile that is new."""

    name: str
    path: str
    base: Snapshot | None
    head: Snapshot
    change_usd_per_month: float | None  # both sides at the head's facts
    market_usd_per_month: float | None  # what the facts did
    base_at_head_facts: float | None
    shares: tuple[Share, ...] = ()
    note: str | None = None
    first_before: float | None = None
    first_after: float | None = None

    @property
    def changed_share(self) -> float | None:
        """The change over the base's cost at the head's facts."""
        if self.change_usd_per_month is None or not self.base_at_head_facts:
            return None
        return self.change_usd_per_month / self.base_at_head_facts


@dataclass(frozen=True, slots=True)
class WaiverStatus:
    """A waiver as every report lists it."""

    id: str
    rule: str
    scope: str
    limit: str
    reason: str
    owner: str
    approver: str
    expires: dt.date
    state: Literal["in force", "near expiry", "expired"]
    used: bool


@dataclass(frozen=True, slots=True)
class GateReport:
    """A whole diff or check."""

    kind: Literal["diff", "check"]
    base: str
    head: str
    subject: str
    as_of: dt.date
    base_as_of: dt.date
    catalogue: str
    tool_version: str
    profiles: tuple[Compared, ...]
    findings: tuple[Finding, ...] = ()
    waivers: tuple[WaiverStatus, ...] = ()
    notes: tuple[str, ...] = ()
    rules_on: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether an error is not waived."""
        return any(finding.level == "error" and finding.waived_by is None for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One line."""
        errors = sum(1 for f in self.findings if f.level == "error" and f.waived_by is None)
        warnings = sum(1 for f in self.findings if f.level == "warn" and f.waived_by is None)
        waived = sum(1 for f in self.findings if f.waived_by is not None)
        if self.kind == "diff":
            return f"{len(self.profiles)} profile(s) compared"
        state = "FAILED" if errors else "passed"
        return f"{state}: {errors} error(s), {warnings} warning(s), {waived} waived, {len(self.profiles)} profile(s) checked"
