"""A gate's findings as SARIF 2.1.0: one result each; a waived one carries an accepted suppression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.gate.report import Finding, GateReport
from breakeven.gate.summaries import SUMMARIES
from breakeven.render.gate_words import NAME, all_notes, file_of, identity, ordered, uri, waiver_data, waiver_line
from breakeven.render.json_result import dumps
from breakeven.render.text import plain

_RESULTS = 5000  # code scanning takes 25,000 and shows 5,000


def render(report: GateReport) -> str:
    """One run of one tool."""
    rules = list(SUMMARIES)
    found = ordered(report.findings)
    waivers = {waiver.id: waiver_line(waiver) for waiver in report.waivers}
    notes = [*all_notes(report), *(f"waiver {line}" for line in waivers.values())]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": NAME, "version": report.tool_version,
                "rules": [
                    {"id": rule, "name": "".join(part.capitalize() for part in rule.split("_")), "shortDescription": {"text": SUMMARIES[rule]}} for rule in rules
                ],
            }
        },
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": [{"level": "note", "message": {"text": plain(note, limit=4000)}} for note in notes]}
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules, waivers) for finding in found[:_RESULTS]],
        "properties": {"verdict": plain(report.verdict), "base": plain(report.base), "head": plain(report.head), "results_total": len(found), "waivers": [waiver_data(w) for w in report.waivers]},
    }  # fmt: skip
    return dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})


def _result(finding: Finding, rules: list[str], waivers: Mapping[str, str]) -> dict[str, Any]:
    where = f"{finding.profile}: " if finding.profile else ""
    entry: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": "error" if finding.level == "error" else "warning",
        "message": {"text": plain(f"{where}{finding.message}; {finding.fix}", limit=4000)},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": uri(file_of(finding))}, "region": {"startLine": finding.line or 1}}}
        ],
        "partialFingerprints": {f"{NAME}/v1": identity(finding)},
    }
    if finding.waived_by is not None:
        entry["suppressions"] = [{"kind": "external", "status": "accepted", "justification": plain(f"waiver {waivers[finding.waived_by]}", limit=4000)}]
    return entry
