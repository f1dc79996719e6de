"""What a diff or a check found: plain data that every surface renders."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from breakeven.gate.attribution import Share, to_cents
from breakeven.gate.keys import Change
from breakeven.gate.same_tasks import SameTasks
from breakeven.gate.snapshot import Snapshot

Level = Literal["warn", "error"]
GATE_SCHEMA_VERSION = 1


class FactsId(Struct, frozen=True):
    """Which facts: a catalogue's version, and the digest of all of it with its overlays."""

    version: str
    digest: str


class Finding(Struct, frozen=True):
    """One rule that a profile, a fact or a waiver does not meet."""

    rule: str
    level: Level
    profile: str
    message: str
    fix: str
    path: str
    line: int | None = None
    waived_by: str | None = None
    file: str = ""  # the path from the repository's top, where that is known and another
    about: str = ""  # what tells two findings of a rule in one profile apart: an offer, a fact, a key


class ToolChange(Struct, frozen=True):
    """Another version of the tool recorded the base: the cause as the waterfall names it, and both versions."""

    cause: str
    before: str
    after: str
    path: str  # where the base was recorded


class Compared(Struct, frozen=True):
    """One profile, base against head. ``base`` is None for a profile that is new."""

    name: str
    path: str
    base: Snapshot | None
    head: Snapshot
    change_usd_per_month: float | None  # what this change did: both sides at the head's facts
    market_usd_per_month: float | None  # what the facts did: both sides at the head's profile
    as_of: dt.date
    base_as_of: dt.date
    base_now: Snapshot | None = None  # the base at the head's facts
    market_of_usd_per_month: float | None = None  # what the market's effect is a share of, where part of it is known of the base's profile only
    tool_usd_per_month: float | None = 0.0  # what another version of the tool did to a recorded base
    tool: ToolChange | None = None  # which versions those are, where they move the cost
    same_work_usd_per_month: float | None = None  # the head's cost for the tasks of the base, where the head counts fewer
    same_work_unserved: bool = False  # the head counts fewer tasks, and as many as the base's could not be served
    fewer_tasks: SameTasks | None = None  # why that is, and how fewer could be meant
    later: Snapshot | None = None  # the head once its own overlays hold, where they change
    shares: tuple[Share, ...] = ()
    notes: tuple[str, ...] = ()
    moved_from: str | None = None  # where the base has it, if elsewhere
    first_before: float | None = None
    first_after: float | None = None

    @property
    def changed_share(self) -> float | None:
        """The change over the base's cost at the head's facts."""
        return share_of(self.change_usd_per_month, self.base_at_head_facts)

    @property
    def base_at_head_facts(self) -> float | None:
        """What the base costs on the facts of the head."""
        return self.base_now.usd_per_month if self.base_now else None

    @property
    def head_facts_usd_per_month(self) -> float | None:
        """What the head costs once its own overlays hold; None where they do not change."""
        return None if self.later is None else self.later.usd_per_month

    @property
    def after_usd_per_month(self) -> float | None:
        """What the head costs once this change has landed: on its own overlays, where it changes them."""
        return self.head.usd_per_month if self.head_facts_usd_per_month is None else self.head_facts_usd_per_month

    @property
    def head_at_base_facts(self) -> float | None:
        """What the head costs on the facts of the base: what the market's effect is a share of."""
        after, market = self.after_usd_per_month, self.market_usd_per_month
        return None if after is None or market is None else after - market

    @property
    def market_whole(self) -> float | None:
        """What the market's effect is a share of: the cost on the base's facts of the profile that it was counted on."""
        return self.head_at_base_facts if self.market_of_usd_per_month is None else self.market_of_usd_per_month

    @property
    def market_share(self) -> float | None:
        """The market's effect over the cost on the base's facts."""
        return share_of(self.market_usd_per_month, self.market_whole)

    @property
    def rises(self) -> bool:
        """Whether the change costs anything; the last digit of a float does not count as money."""
        return rises(self.change_usd_per_month, self.base_at_head_facts)

    @property
    def total_usd_per_month(self) -> float | None:
        """From the base as shown to the head as it will be."""
        then, after = self.base.usd_per_month if self.base else None, self.after_usd_per_month
        return None if then is None or after is None else after - then

    @property
    def total_cents(self) -> int | None:
        """The total as the parts sum to it: what was recorded may differ from its recomputation by less than a cent."""
        total, parts = self.total_usd_per_month, self.parts
        if parts:
            return sum(part.cents for part in parts)
        return None if total is None else round(total * 100)

    @property
    def both_usd_per_month(self) -> float | None:
        """What only change and market together did: the total less each of them alone, and less the tool's part."""
        parts = (self.total_usd_per_month, self.change_usd_per_month, self.market_usd_per_month, self.tool_usd_per_month)
        if any(part is None for part in parts):
            return None
        total, change, market, tool = (float(part or 0.0) for part in parts)
        rest = total - change - market - tool
        return 0.0 if abs(rest) < 0.005 else rest

    @property
    def parts(self) -> tuple[Share, ...]:
        """Everything that moved the cost: the change's causes, the tool, the market and what only both did.

        In cents they sum to the whole. Empty where a part cannot be known.
        """
        total, both = self.total_usd_per_month, self.both_usd_per_month
        if total is None or both is None:
            return ()
        beside = {"market": self.market_usd_per_month or 0.0, "change and market together": both}
        if self.tool is not None:
            beside = {self.tool.cause: self.tool_usd_per_month or 0.0, **beside}
        beside = {name: usd for name, usd in beside.items() if usd}
        if not beside:
            return self.shares
        cents = to_cents(beside, (round(total * 100) - sum(share.cents for share in self.shares)) / 100)
        keys = {} if self.tool is None else {self.tool.cause: (Change("tool version", self.tool.cause, self.tool.before, self.tool.after, None),)}
        return (*self.shares, *(Share(name, usd, cents[name], keys.get(name, ())) for name, usd in beside.items()))


def share_of(change: float | None, whole: float | None) -> float | None:
    """A change over what it changes; None where there is nothing to be a share of."""
    return None if change is None or not whole or whole < 0 else change / whole


def rises(change: float | None, whole: float | None) -> bool:
    """Whether a change is a rise beyond the rounding of the arithmetic (one part in 10^12)."""
    return change is not None and change > 1e-12 * abs(whole or 0.0)


class WaiverStatus(Struct, frozen=True):
    """A waiver as every report lists it."""

    id: str
    rule: str
    scope: str
    limit: str
    reason: str
    owner: str
    approver: str
    expires: dt.date
    state: Literal["in force", "near expiry", "expired", "too long"]
    used: bool
    path: str = ""
    line: int | None = None
    file: str = ""  # the path from the repository's top, where that is known and another


class GateReport(Struct, frozen=True):
    """A whole diff or check."""

    kind: Literal["diff", "check"]
    base: str
    head: str
    subject: str
    catalogue: FactsId
    tool_version: str
    profiles: tuple[Compared, ...]
    findings: tuple[Finding, ...] = ()
    waivers: tuple[WaiverStatus, ...] = ()
    notes: tuple[str, ...] = ()
    rules_on: tuple[str, ...] = ()
    lock: str | None = None  # the lock whose date and facts were used
    base_catalogue: FactsId | None = None  # where the base was computed on other facts

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
