"""A gate's report for a terminal or a log: the verdict first, then what changed and why."""

from __future__ import annotations

from breakeven.compare.numbers import percent, spoken, usd
from breakeven.gate.report import Compared, Finding, GateReport
from breakeven.render.text import plain


def render_text(report: GateReport) -> str:
    """Plain text, no colour: it lands in CI logs."""
    out = [f"breakeven {report.kind}: {report.verdict}"]
    out.append(f"base {report.base}; head {report.head}; subject {report.subject}")
    out.append(f"facts as of {report.as_of} (base {report.base_as_of}), catalogue {report.catalogue}, breakeven {report.tool_version}")
    for note in report.notes:
        out.append(f"note: {note}")
    for row in report.profiles:
        out += ["", *profile_lines(row)]
        out += [finding_line(f) for f in report.findings if f.profile == row.name]
    general = [f for f in report.findings if not f.profile]
    if general:
        out += ["", *(finding_line(f) for f in general)]
    if report.waivers:
        out += ["", "waivers:"]
        for w in report.waivers:
            use = "used" if w.used else "not used"
            out.append(f"  {w.id}: {w.rule} for {w.scope}, {w.limit}, expires {w.expires} ({w.state}, {use}); {w.owner}, approved by {w.approver}: {w.reason}")
    return "\n".join(plain(line, limit=2000) for line in out) + "\n"


def profile_lines(row: Compared) -> list[str]:
    """One profile: cost before and after, the two questions, and the waterfall."""
    head = _amount(row.head.usd_per_month)
    if row.base is None:
        return [f"{row.name} ({row.path}): new, {head} a month"]
    out = [f"{row.name} ({row.path}): {_amount(row.base.usd_per_month)} -> {head} a month, {row.base.subject} -> {row.head.subject}"]
    change = row.change_usd_per_month
    share = row.changed_share
    grown = "" if share is None else f" ({'+' if share >= 0 else ''}{percent(share)})"
    out.append(f"  this change, on the same facts: {signed(change)}{grown}")
    out.append(f"  the market, on the same profile: {signed(row.market_usd_per_month)}")
    for item in row.shares:
        keys = ", ".join(f"{row.path}:{c.line or '?'} {c.key} {_shown(c.before)} -> {_shown(c.after)}" for c in item.changes[:4])
        more = f" and {len(item.changes) - 4} more" if len(item.changes) > 4 else ""
        out.append(f"    {signed(item.cents / 100):>14}  {item.cause}: {keys}{more}")
    if row.shares:
        out.append(f"    {signed(sum(s.cents for s in row.shares) / 100):>14}  sum")
    if row.note:
        out.append(f"    note: {row.note}")
    if row.first_before != row.first_after:
        before = "never" if row.first_before is None else spoken(row.first_before)
        after = "never" if row.first_after is None else spoken(row.first_after)
        out.append(f"  first crossing: {before} -> {after} tokens/day")
    if not row.shares and not change:
        out.append("  nothing that costs money changed")
    return out


def finding_line(finding: Finding) -> str:
    """One finding with its place and what to do."""
    state = f"waived by {finding.waived_by}" if finding.waived_by else finding.level
    place = finding.path + (f":{finding.line}" if finding.line else "")
    return f"  [{state}] {finding.rule}: {finding.message} ({place}); {finding.fix}"


def signed(value: float | None) -> str:
    """An amount with its sign."""
    if value is None:
        return "unknown"
    return ("+" if value >= 0 else "-") + usd(abs(round(value, 2)))


def _amount(value: float | None) -> str:
    return "nothing can serve" if value is None else usd(value)


def _shown(value: object) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 40 else text[:39] + "\u2026"
