"""What every surface of a gate's report says in the same words: amounts, places, outcomes, identities."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from urllib.parse import quote

from breakeven.compare.numbers import percent
from breakeven.gate.keys import Change
from breakeven.gate.report import Compared, FactsId, Finding, GateReport, WaiverStatus

NAME = "breakeven"


def amount(value: float | None) -> str:
    """A cost to the cent.

    >>> amount(1234.5), amount(None)
    ('$1,234.50', 'nothing can serve')
    """
    return "nothing can serve" if value is None else f"${value:,.2f}"


def after(row: Compared) -> str:
    """What the head costs once it has landed; where its own overlays change that, also what is judged."""
    cost, judged = row.after_usd_per_month, row.head.usd_per_month
    return amount(cost) if cost == judged else f"{amount(cost)} ({amount(judged)} on the facts that judge)"


def signed(cents: int | None) -> str:
    """A change to the cent, with its sign.

    >>> signed(-123450), signed(0), signed(None)
    ('-$1,234.50', '+$0.00', 'unknown')
    """
    if cents is None:
        return "unknown"
    return f"{'-' if cents < 0 else '+'}${abs(cents) / 100:,.2f}"


def to_cents(value: float | None) -> int | None:
    """Dollars as whole cents, as the waterfall sums them."""
    return None if value is None else round(value * 100)


def outcome(row: Compared, report: GateReport) -> str:
    """What the change did to a profile, in words."""
    if row.base is None:
        return "new: there is nothing to compare it with"
    change = row.change_usd_per_month
    if change is None:
        return "the change cannot be known: nothing can serve on one side"
    if row.rises:
        # Waived or not, a finding says that the rise is beyond what is allowed.
        over = any(f.rule == "cost_increase" and f.profile == row.name and not f.about for f in report.findings)
        judged = "cost_increase" in report.rules_on
        return "dearer, beyond the tolerance" if over else "dearer, within the tolerance" if judged else "dearer"
    more = _dearer_for_the_same_tasks(row)
    if more > 0:
        return f"{'cheaper' if round(change * 100) < 0 else 'same cost'}, but dearer for the same tasks: {signed(more)} a month"
    if round(change * 100) < 0:
        return "cheaper: a decrease never blocks"
    if row.shares:
        return "same cost"
    moved = [f"{part.cause} {signed(part.cents)}" for part in row.parts if part.cents]
    return f"its own keys change nothing; {', '.join(moved)}" if moved else "unchanged: nothing that costs money changed"


def is_still(row: Compared) -> bool:
    """Whether nothing happened to a profile, as far as that is known; what is found of it may have to be shown all the same."""
    unknown = row.change_usd_per_month is None or row.market_usd_per_month is None
    moved = row.parts or row.change_usd_per_month or row.market_usd_per_month or row.notes
    return row.base is not None and not unknown and not moved


def _dearer_for_the_same_tasks(row: Compared) -> int:
    """Cents a month, both on the head's facts; 0 where the head counts as many tasks as the base, or they cost no more."""
    before = row.base_at_head_facts
    return 0 if row.same_work_usd_per_month is None or before is None else max(0, round((row.same_work_usd_per_month - before) * 100))


def share(value: float | None) -> str:
    """``(+12%)`` or nothing."""
    return "" if value is None else f" ({'+' if value >= 0 else ''}{percent(value)})"


def all_notes(report: GateReport) -> list[str]:
    """Every note of a report; those of a profile with its name."""
    return [*report.notes, *(f"{row.name}: {note}" for row in report.profiles for note in row.notes)]


def facts(report: GateReport) -> str:
    """On which facts both sides stand: date, lock, catalogue, tool."""
    heads, bases = (", ".join(map(str, sorted({dates[side] for dates in _dates(report)}))) for side in (0, 1))
    text = f"facts as of {heads} (base {bases})"
    base = f" (base {catalogue(report.base_catalogue)})" if report.base_catalogue else ""
    lock = f", lock {report.lock}" if report.lock else ""
    return f"{text}{lock}, catalogue {catalogue(report.catalogue)}{base}, {NAME} {report.tool_version}"


def catalogue(facts: FactsId) -> str:
    """A catalogue as people compare it: its version and enough of its digest.

    >>> catalogue(FactsId("2026.11.23", "sha256:0123456789abcdef"))
    '2026.11.23 sha256:0123456789ab'
    """
    return f"{facts.version} {facts.digest[:19]}"


def _dates(report: GateReport) -> list[tuple[dt.date, dt.date]]:
    return [(row.as_of, row.base_as_of) for row in report.profiles]


def ordered(findings: tuple[Finding, ...]) -> list[Finding]:
    """What fails first: errors, then warnings, then what is waived; otherwise as found."""
    return sorted(findings, key=lambda f: (f.waived_by is not None, f.level != "error"))


def identity(finding: Finding) -> str:
    """The same finding in the next run has the same fingerprint; two findings of one run never do."""
    return hashlib.sha256("\0".join((finding.rule, finding.profile, file_of(finding), finding.about)).encode()).hexdigest()


def file_of(found: Finding | WaiverStatus) -> str:
    """The file as a host knows it: from the repository's top, wherever the command ran."""
    return (found.file or found.path).replace(os.sep, "/").removeprefix("./")


def file_of_key(row: Compared, change: Change) -> str:
    """The file in which a key stands; a version of the tool stands where the base was recorded."""
    return row.tool.path if row.tool is not None and not change.loc else row.path


def place_of(row: Compared, change: Change) -> str:
    """Where a key stands, with its line where that is known."""
    path = file_of_key(row, change)
    return f"{path}:{change.line}" if change.line else path


def waiver_line(waiver: WaiverStatus) -> str:
    """A waiver as every surface lists it, used or not."""
    w, use = waiver, "used" if waiver.used else "not used"
    return f"{w.id}: {w.rule} for {w.scope}, limit {w.limit}, expires {w.expires} ({w.state}, {use}); owner {w.owner}, approved by {w.approver}: {w.reason}"


def waiver_data(waiver: WaiverStatus) -> dict[str, str | bool]:
    """A waiver as data."""
    w = waiver
    return {
        "id": w.id, "rule": w.rule, "scope": w.scope, "limit": w.limit, "reason": w.reason, "owner": w.owner, "approver": w.approver,
        "expires": w.expires.isoformat(), "state": w.state, "used": w.used,
    }  # fmt: skip


def uri(path: str) -> str:
    """A file's relative URI."""
    return quote(path, safe="/._-~")


_TITLES = ("model", "rent", "own", "quote", "name")


def shown(value: object) -> str:
    """A key's value as a report quotes it; entries of a list by their names.

    >>> shown(None), shown([{"model": "own/price", "discount": 0.1}, "openai/gpt"])
    ('absent', '[own/price, openai/gpt]')
    """
    if isinstance(value, list):
        value = f"[{', '.join(_title(entry) for entry in value)}]"
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else text[:59] + "\u2026"


def _title(entry: object) -> str:
    named = (entry.get(key) for key in _TITLES) if isinstance(entry, dict) else ()
    return str(next((name for name in named if name is not None), entry))
