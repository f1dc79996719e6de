"""The same report for the places a team looks: pull request, annotations, dashboards, machines.

Every surface is a pure function of the report. Escaping follows each format's own rules, and limits
of the hosts are respected by cutting with a word about it, never silently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from breakeven.compare.numbers import percent
from breakeven.gate.attribution import Share
from breakeven.gate.report import GATE_SCHEMA_VERSION, Compared, Finding, GateReport
from breakeven.gate.snapshot import to_data
from breakeven.render.gate_text import render_text, signed
from breakeven.render.json_result import dumps
from breakeven.render.markdown import escape, md_table
from breakeven.render.text import plain

MARKER = "<!-- breakeven-gate -->"
_COMMENT_LIMIT = 60_000  # hosts cut comments at 65,536 characters
_ANNOTATIONS = 10  # GitHub shows ten of a level and step; the rest goes to the summary


def render_gate(name: str, report: GateReport) -> str:
    """A report in one of ``GATE_FORMATS``."""
    return _SURFACES[name](report)


def render_markdown(report: GateReport) -> str:
    """A comment with a hidden marker, so that a bot can update it in place."""
    out = [MARKER, f"### breakeven {report.kind}: {escape(report.verdict)}", ""]
    out.append(f"Base {escape(report.base)}, head {escape(report.head)}; subject {escape(report.subject)}; facts as of {report.as_of}.")
    out += [f"- {escape(note)}" for note in report.notes]
    rows = [
        [
            escape(row.name), _usd(row.base.usd_per_month if row.base else None), _usd(row.head.usd_per_month),
            escape(signed(row.change_usd_per_month)) + ("" if row.changed_share is None else f" ({percent(row.changed_share)})"),
            escape(signed(row.market_usd_per_month)),
        ]
        for row in report.profiles
    ]  # fmt: skip
    out += ["", *md_table(["profile", "before, a month", "after, a month", "this change", "the market"], rows, right=range(1, 5))]
    for row in report.profiles:
        if row.shares:
            out += ["", f"**{escape(row.name)}**: why", ""]
            out += md_table(["a month", "cause", "keys"], [_share_row(row, share) for share in row.shares], right=(0,))
    if report.findings:
        out += ["", "#### Findings", ""]
        out += md_table(
            ["level", "rule", "profile", "message", "do"],
            [[escape(f"waived by {f.waived_by}" if f.waived_by else f.level), f.rule, escape(f.profile), escape(f.message), escape(f.fix)] for f in report.findings],
        )
    if report.waivers:
        out += ["", "#### Waivers", ""]
        out += md_table(
            ["id", "rule", "scope", "limit", "expires", "state", "owner, approver", "reason"],
            [[escape(w.id), w.rule, escape(w.scope), escape(w.limit), str(w.expires), w.state, escape(f"{w.owner}, {w.approver}"), escape(w.reason)] for w in report.waivers],
        )
    text = "\n".join(out) + "\n"
    if len(text) > _COMMENT_LIMIT:
        text = text[:_COMMENT_LIMIT].rsplit("\n", 1)[0] + "\n\n_Cut here: the full report is in the job's output._\n"
    return text


def _share_row(row: Compared, share: Share) -> list[str]:
    keys = ", ".join(f"{change.key} (line {change.line})" if change.line else change.key for change in share.changes[:5])
    return [escape(signed(share.cents / 100)), share.cause, escape(keys)]


def _usd(value: float | None) -> str:
    return "?" if value is None else escape(f"${value:,.2f}")


def render_github(report: GateReport) -> str:
    """Workflow commands: one annotation per finding, escaped as the runner wants it, within its limits."""
    out = []
    for level, command in (("error", "error"), ("warn", "warning")):
        found = [f for f in report.findings if f.level == level and f.waived_by is None]
        for finding in found[: _ANNOTATIONS - 1 if len(found) > _ANNOTATIONS else _ANNOTATIONS]:
            place = f"file={_property(finding.path)}" + (f",line={finding.line}" if finding.line else "")
            out.append(f"::{command} {place},title={_property('breakeven ' + finding.rule)}::{_message(finding)}")
        if len(found) > _ANNOTATIONS:
            out.append(f"::{command} title=breakeven::{len(found) - _ANNOTATIONS + 1} more {level} finding(s) are in the report")
    out.append(f"::notice title=breakeven::{_data(report.verdict)}")
    return "\n".join(out) + "\n"


def _message(finding: Finding) -> str:
    return _data(f"{finding.profile}: {finding.message}; {finding.fix}"[:4000])


def _data(text: str) -> str:
    return plain(text.replace("%", "%25")).replace("::", ":\u200b:")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render_junit(report: GateReport) -> str:
    """One test case per profile and rule that is on; findings are failures, waived ones are skipped."""
    cases = []
    failures = skipped = 0
    for row in report.profiles:
        for rule in report.rules_on:
            found = [f for f in report.findings if f.profile == row.name and f.rule == rule]
            body, bad, passed_over = _junit_body(found)
            failures += bad
            skipped += passed_over
            cases.append(f"    <testcase classname={_attr(row.name)} name={_attr(rule)}>{body}</testcase>")
    for finding in (f for f in report.findings if not f.profile):
        body, bad, passed_over = _junit_body([finding])
        failures += bad
        skipped += passed_over
        cases.append(f"    <testcase classname=\"policy\" name={_attr(finding.rule)}>{body}</testcase>")
    head = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="breakeven" {head}>', f'  <testsuite name={_attr("breakeven " + report.kind)} {head}>',
         *cases, "  </testsuite>", "</testsuites>", ""]
    )  # fmt: skip


def _junit_body(found: list[Finding]) -> tuple[str, int, int]:
    errors = [f for f in found if f.level == "error" and f.waived_by is None]
    if errors:
        text = "\n".join(f"{f.path}:{f.line or 1}: {f.message}; {f.fix}" for f in errors)
        return f'<failure message={_attr(errors[0].message[:300])} type={_attr(errors[0].rule)}>{xml_escape(_xml(text))}</failure>', 1, 0
    waived = [f for f in found if f.waived_by is not None]
    if waived:
        return f"<skipped message={_attr('waived by ' + str(waived[0].waived_by))}/>", 0, 1
    warnings = [f for f in found if f.level == "warn"]
    return (f"<system-out>{xml_escape(_xml('; '.join(f.message for f in warnings)))}</system-out>" if warnings else ""), 0, 0


def _xml(text: str) -> str:
    return "\n".join(plain(line) for line in text.split("\n"))


def _attr(text: str) -> str:
    return quoteattr(plain(text))


def render_sarif(report: GateReport) -> str:
    """SARIF 2.1.0, one result per finding; a waived one carries an accepted suppression."""
    rules = sorted({finding.rule for finding in report.findings})
    results = []
    for finding in report.findings:
        location: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.path)}}
        location["region"] = {"startLine": finding.line or 1}
        entry: dict[str, Any] = {
            "ruleId": finding.rule,
            "ruleIndex": rules.index(finding.rule),
            "level": "error" if finding.level == "error" else "warning",
            "message": {"text": plain(f"{finding.profile}: {finding.message}; {finding.fix}", limit=4000)},
            "locations": [{"physicalLocation": location}],
            "partialFingerprints": {"breakeven/v1": _fingerprint(finding)},
        }
        if finding.waived_by is not None:
            entry["suppressions"] = [{"kind": "external", "status": "accepted", "justification": f"waiver {finding.waived_by}"}]
        results.append(entry)
    driver = {
        "name": "breakeven", "version": report.tool_version, "informationUri": "https://breakeven.invalid/docs/gate",
        "rules": [{"id": rule, "name": rule, "shortDescription": {"text": rule.replace("_", " ")}} for rule in rules],
    }  # fmt: skip
    return dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}],
        }
    )


def render_codequality(report: GateReport) -> str:
    """GitLab code quality."""
    return dumps(
        [
            {
                "description": plain(f"{f.rule}: {f.message}; {f.fix}", limit=2000), "check_name": f"breakeven/{f.rule}",
                "fingerprint": _fingerprint(f), "severity": "major" if f.level == "error" else "minor",
                "location": {"path": _uri(f.path), "lines": {"begin": f.line or 1}},
            }
            for f in report.findings if f.waived_by is None
        ]
    )  # fmt: skip


def render_openmetrics(report: GateReport) -> str:
    """OpenMetrics text: costs, changes and findings as gauges."""
    out = []
    gauges: tuple[tuple[str, str, Callable[[Compared], float | None]], ...] = (
        ("breakeven_cost_usd_per_month", "Monthly cost of the subject.", lambda r: r.head.usd_per_month),
        ("breakeven_change_usd_per_month", "Change by this change, on the same facts.", lambda r: r.change_usd_per_month),
        ("breakeven_market_usd_per_month", "Change by the facts, on the same profile.", lambda r: r.market_usd_per_month),
        ("breakeven_first_crossover_tokens_per_day", "First crossing.", lambda r: r.first_after),
    )
    for name, text, value in gauges:
        out += [f"# TYPE {name} gauge", f"# HELP {name} {text}"]
        for row in report.profiles:
            number = value(row)
            if number is not None:
                out.append(f'{name}{{profile="{_label(row.name)}"}} {float(number)!r}')
    out += ["# TYPE breakeven_findings gauge", "# HELP breakeven_findings Findings by level, waived ones apart."]
    for level in ("error", "warn", "waived"):
        count = sum(1 for f in report.findings if (f.waived_by is not None if level == "waived" else f.level == level and f.waived_by is None))
        out.append(f'breakeven_findings{{level="{level}"}} {count}')
    out += ["# TYPE breakeven_gate_failed gauge", "# HELP breakeven_gate_failed 1 when the gate failed.", f"breakeven_gate_failed {int(report.failed)}", "# EOF"]
    return "\n".join(out) + "\n"


def _label(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace('"', '\\"')


def render_json(report: GateReport) -> str:
    """The whole report as data."""
    return dumps(
        {
            "schema_version": GATE_SCHEMA_VERSION, "kind": report.kind, "failed": report.failed, "verdict": report.verdict, "base": report.base,
            "head": report.head, "subject": report.subject, "as_of": report.as_of.isoformat(), "base_as_of": report.base_as_of.isoformat(),
            "catalog": report.catalogue, "tool": {"name": "breakeven", "version": report.tool_version}, "notes": list(report.notes),
            "profiles": [
                {
                    "name": row.name, "path": row.path, "base": to_data(row.base) if row.base else None, "head": to_data(row.head),
                    "change_usd_per_month": row.change_usd_per_month, "changed_share": row.changed_share,
                    "market_usd_per_month": row.market_usd_per_month, "note": row.note,
                    "first_tokens_per_day": {"before": row.first_before, "after": row.first_after},
                    "waterfall": [
                        {
                            "cause": share.cause, "usd_per_month": share.usd_per_month, "cents": share.cents,
                            "changes": [
                                {"key": c.key, "line": c.line, "before": _json(c.before), "after": _json(c.after)} for c in share.changes
                            ],
                        }
                        for share in row.shares
                    ],
                }
                for row in report.profiles
            ],
            "findings": [
                {
                    "rule": f.rule, "level": f.level, "profile": f.profile, "message": f.message, "fix": f.fix, "path": f.path, "line": f.line,
                    "waived_by": f.waived_by,
                }
                for f in report.findings
            ],
            "waivers": [
                {
                    "id": w.id, "rule": w.rule, "scope": w.scope, "limit": w.limit, "reason": w.reason, "owner": w.owner, "approver": w.approver,
                    "expires": w.expires.isoformat(), "state": w.state, "used": w.used,
                }
                for w in report.waivers
            ],
        }
    )  # fmt: skip


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path.replace("\\", "/").removeprefix("./"), safe="/._-~")


def _fingerprint(finding: Finding) -> str:
    return hashlib.sha256(f"{finding.rule}\0{finding.profile}\0{finding.path}".encode()).hexdigest()


_SURFACES: dict[str, Callable[[GateReport], str]] = {
    "text": render_text, "json": render_json, "md": render_markdown, "github": render_github, "junit": render_junit,
    "sarif": render_sarif, "codequality": render_codequality, "openmetrics": render_openmetrics,
}  # fmt: skip
GATE_FORMATS = tuple(_SURFACES)
