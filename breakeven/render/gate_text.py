"""A gate's report for a terminal or a log: the verdict first, then what changed and why."""

from __future__ import annotations

from breakeven.compare.numbers import spoken
from breakeven.gate.keys import Change
from breakeven.gate.report import Compared, Finding, GateReport
from breakeven.render.gate_words import (
    NAME,
    after,
    amount,
    facts,
    is_still,
    ordered,
    outcome,
    place_of,
    share,
    shown,
    signed,
    to_cents,
    waiver_line,
)
from breakeven.render.text import plain

_KEYS_SHOWN = 6


def render(report: GateReport) -> str:
    """Plain text, no colour: it lands in CI logs."""
    out = [f"{NAME} {report.kind}: {report.verdict}", f"base {report.base}; head {report.head}; subject {report.subject}", facts(report)]
    out += [f"note: {note}" for note in report.notes]
    if len(report.profiles) > 1:  # what fails is not to be searched for between other profiles
        out += [_finding(f, name=f"{f.profile} " if f.profile else "") for f in report.findings if f.level == "error" and f.waived_by is None]
    quiet = [row for row in report.profiles if _is_quiet(row, report)]
    for row in report.profiles:
        if row not in quiet or len(report.profiles) <= 3:
            out += ["", *(_profile(row, report) if len(report.profiles) <= 3 or not is_still(row) else _profile(row, report)[:2])]
            out += [_finding(f) for f in ordered(report.findings) if f.profile == row.name]
    if quiet and len(report.profiles) > 3:
        names = ", ".join(row.name for row in quiet[:12]) + (f" and {len(quiet) - 12} more" if len(quiet) > 12 else "")
        out += ["", f"unchanged, nothing that costs money changed: {len(quiet)} profile(s): {names}"]
    general = [f for f in report.findings if not f.profile]
    if general:
        out += ["", *(_finding(f) for f in general)]
    if report.waivers:
        out += ["", "waivers:"]
    out += [f"  {waiver_line(w)}" for w in report.waivers]
    return "\n".join(plain(line, limit=2000) for line in out) + "\n"


def _is_quiet(row: Compared, report: GateReport) -> bool:
    return is_still(row) and not any(f.profile == row.name for f in report.findings)


def _profile(row: Compared, report: GateReport) -> list[str]:
    """One profile: cost before and after, the two questions, and the waterfall."""
    head = amount(row.head.usd_per_month)
    said = outcome(row, report)
    if row.base is None:
        return [f"{row.name} ({row.path}): {said}; {head} a month ({row.head.subject or 'no offer'})", *(f"  note: {note}" for note in row.notes)]
    was, now = row.base.subject or "no offer", row.head.subject or "no offer"
    moved = now if was == now else f"{was} -> {now}"
    out = [f"{row.name} ({row.path}): {said}", f"  {amount(row.base.usd_per_month)} -> {after(row)} a month ({moved})"]
    out.append(f"  this change, on the same facts: {signed(to_cents(row.change_usd_per_month))} a month{share(row.changed_share)}")
    out += [line for item in row.shares for line in _waterfall(item.cents, item.cause, [_key(c, row) for c in item.changes])]
    if row.shares:
        out.append(f"    {signed(sum(item.cents for item in row.shares)):>14}  sum")
    out.append(f"  the market, on the same profile: {signed(to_cents(row.market_usd_per_month))} a month{share(row.market_share)}")
    if row.both_usd_per_month:
        out.append(f"  change and market together, beyond each alone: {signed(to_cents(row.both_usd_per_month))} a month")
    if row.tool is not None:
        out.append(f"  {row.tool.cause} {row.tool.before} -> {row.tool.after}, on the same profile: {signed(to_cents(row.tool_usd_per_month))} a month")
    if len(row.parts) > len(row.shares):
        out.append(f"  in all: {signed(sum(part.cents for part in row.parts))} a month = {' '.join(f'{part.cause} {signed(part.cents)},' for part in row.parts).rstrip(',')}")
    if row.base.cheaper != row.head.cheaper:
        by = "the market" if row.base_now is not None and row.base_now.cheaper == row.head.cheaper else "this change"
        out.append(f"  cheaper: {row.base.cheaper or 'nothing'} -> {row.head.cheaper or 'nothing'}, by {by}")
    if row.first_before != row.first_after:
        was, now = ("never" if v is None else spoken(v) for v in (row.first_before, row.first_after))
        out.append(f"  first crossing: {was} -> {now} tokens/day")
    return out + [f"  note: {note}" for note in row.notes]


def _waterfall(cents: int, cause: str, keys: list[str]) -> list[str]:
    more = f" and {len(keys) - _KEYS_SHOWN} more" if len(keys) > _KEYS_SHOWN else ""
    return [f"    {signed(cents):>14}  {cause}: {', '.join(keys[:_KEYS_SHOWN])}{more}"]


def _key(change: Change, row: Compared) -> str:
    return f"{place_of(row, change)} {change.key} {shown(change.before)} -> {shown(change.after)}"


def _finding(finding: Finding, *, name: str = "") -> str:
    """One finding with its place and what to do."""
    state = f"waived by {finding.waived_by}" if finding.waived_by else finding.level
    place = finding.path + (f":{finding.line}" if finding.line else "")
    return f"  [{state}] {name}{finding.rule}: {finding.message} ({place}); {finding.fix}"
