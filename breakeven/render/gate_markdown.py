"""A gate's report as a comment on a change: what fails comes first, so that a cut never hides it; warnings are folded."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape as html_escape

from breakeven.gate.attribution import Share
from breakeven.gate.report import Compared, Finding, GateReport
from breakeven.render.gate_words import (
    NAME,
    after,
    all_notes,
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
)
from breakeven.render.markdown import escape, md_table
from breakeven.render.text import plain

MARKER = "<!-- breakeven-gate -->"  # hidden: a bot finds the comment to update by it
_LIMIT = 60_000  # hosts refuse comments of more than 65,536 characters
_ROWS = 200
_LINKING = re.compile(r"[@#]|\bGH(?=-)|\bwww(?=\.)", re.IGNORECASE)


def render(report: GateReport) -> str:
    """Markdown that starts with the hidden marker. User text is neither markup, nor a mention, nor a reference."""
    sign = {"diff": "", "check": "\u274c " if report.failed else "\u2705 "}[report.kind]
    out = [MARKER, f"### {sign}{NAME} {report.kind}: {words(report.verdict)}", ""]
    found = ordered(report.findings)
    out += _findings([f for f in found if f.level == "error"])
    out += [words(f"Base {report.base}, head {report.head}; subject {report.subject}; {facts(report)}."), ""]
    notes = all_notes(report)
    out += [f"- {words(note)}" for note in notes[:_ROWS]]
    out += [f"- {len(notes) - _ROWS} more note(s) are in the full report"] if len(notes) > _ROWS else []
    out += [""] if notes else []
    if report.waivers:
        rows = [
            [words(w.id), w.rule, words(w.scope), words(w.limit), str(w.expires), w.state + (", used" if w.used else ""), words(f"{w.owner}, {w.approver}"), words(w.reason)]
            for w in report.waivers
        ]
        out += ["#### Waivers", "", *md_table(["id", "rule", "scope", "limit", "expires", "state", "owner, approver", "reason"], rows), ""]
    changed = [row for row in report.profiles if not is_still(row)]
    out += _profiles(changed[:_ROWS], report)
    left = len(report.profiles) - len(changed[:_ROWS])
    if left:
        out += [f"{left} more profile(s): {'unchanged' if len(changed) <= _ROWS else 'see the full report'}.", ""]
    for row in changed[:_ROWS]:
        if row.parts:
            out += [f"<details><summary>why {tagged(row.name)} changes</summary>", ""]
            rows = [[signed(item.cents), item.cause, _keys(row, item)] for item in row.parts]
            rows.append([f"**{signed(sum(item.cents for item in row.parts))}**", "**sum**", ""])
            out += [*md_table(["a month", "cause", "keys"], rows, right=(0,)), "", "</details>", ""]
    warnings = [f for f in found if f.level != "error"]
    if warnings:
        out += [f"<details><summary>{len(warnings)} warning(s)</summary>", "", *_findings(warnings), "</details>", ""]
    text = "\n".join(out).rstrip("\n") + "\n"
    if len(text) > _LIMIT:
        text = _cut(text)
    return text


def _cut(text: str) -> str:
    """Whole lines up to the limit, with every opened block closed, and a word about it."""
    kept = text[:_LIMIT].rsplit("\n", 1)[0]
    closing = "\n\n</details>" if kept.count("<details>") > kept.count("</details>") else ""
    return f"{kept}{closing}\n\n_Cut here: the full report is in the job's output._\n"


def words(text: str) -> str:
    """User text as literal Markdown that pings nobody and links nowhere.

    >>> words("@ops 5% http://x")
    '@\\u200bops 5\\\\% http:\\u200b//x'
    """
    return _unlinked(escape(text)).replace("%", "\\%")


def tagged(text: str) -> str:
    """User text inside a line of HTML, where Markdown's escapes count for nothing.

    >>> tagged("<b>a|b</b> #1")
    '&lt;b&gt;a|b&lt;/b&gt; #\u200b1'
    """
    return html_escape(_unlinked(plain(text)), quote=False)


def _unlinked(text: str) -> str:
    """Hosts look for mentions, references and addresses in what is shown, whatever was escaped."""
    return _LINKING.sub(lambda found: found[0] + "\u200b", text).replace("://", ":\u200b//")


def _findings(found: list[Finding]) -> list[str]:
    if not found:
        return []
    rows = [
        [words(f"waived by {f.waived_by}" if f.waived_by else f.level), f.rule, words(f.profile), words(f"{f.message}"), _place(f.path, f.line), words(f.fix)]
        for f in found[:_ROWS]
    ]
    out = [*md_table(["level", "rule", "profile", "what", "where", "what to do"], rows), ""]
    return out + ([f"{len(found) - _ROWS} more finding(s) are in the full report.", ""] if len(found) > _ROWS else [])


# Columns that most reports do without; where one counts, the row still sums to what it shows.
_SELDOM: tuple[tuple[str, Callable[[Compared], float | None]], ...] = (
    ("change and market together", lambda row: row.both_usd_per_month), ("the tool version", lambda row: row.tool_usd_per_month),
)  # fmt: skip


def _profiles(rows: list[Compared], report: GateReport) -> list[str]:
    if not rows:
        return []
    more = [(title, value) for title, value in _SELDOM if any(value(row) for row in rows)]
    cells = [
        [
            words(row.name), words(amount(row.base.usd_per_month)) if row.base else "new", words(after(row)),
            words(signed(to_cents(row.change_usd_per_month)) + share(row.changed_share)) if row.base else "",
            words(signed(to_cents(row.market_usd_per_month))) if row.base else "",
            *(words(signed(to_cents(value(row)))) if row.base else "" for _, value in more), words(outcome(row, report)),
        ]
        for row in rows
    ]  # fmt: skip
    titles = ["profile", "before, a month", "after, a month", "this change", "the market", *(title for title, _ in more), "outcome"]
    return [*md_table(titles, cells, right=range(1, 5 + len(more))), ""]


def _keys(row: Compared, item: Share) -> str:
    keys = [f"{words(place_of(row, c))} {words(f'{c.key} {shown(c.before)} -> {shown(c.after)}')}".strip() for c in item.changes[:8]]
    return "; ".join(keys) + (f" and {len(item.changes) - 8} more" if len(item.changes) > 8 else "")


def _place(path: str, line: int | None) -> str:
    return words(f"{path}:{line}" if line else path)
