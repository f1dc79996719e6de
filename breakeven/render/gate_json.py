"""A gate's whole report as data. Amounts are unrounded; the waterfall's cents sum to the change's, the parts' to the whole."""

from __future__ import annotations

import json
from typing import Any

from breakeven.gate.attribution import Share
from breakeven.gate.report import GATE_SCHEMA_VERSION, Compared, FactsId, GateReport
from breakeven.gate.snapshot import to_data
from breakeven.render.gate_words import NAME, file_of, file_of_key, identity, outcome, to_cents, waiver_data
from breakeven.render.json_result import dumps


def render(report: GateReport) -> str:
    """One object; keys are stable within a schema version."""
    return dumps(
        {
            "schema_version": GATE_SCHEMA_VERSION, "kind": report.kind, "failed": report.failed, "verdict": report.verdict, "base": report.base,
            "head": report.head, "subject": report.subject,
            "lock": report.lock, "catalog": _facts(report.catalogue), "base_catalog": _facts(report.base_catalogue or report.catalogue),
            "tool": {"name": NAME, "version": report.tool_version}, "rules_on": list(report.rules_on), "notes": list(report.notes),
            "profiles": [_profile(row, report) for row in report.profiles],
            "findings": [
                {
                    "rule": f.rule, "level": f.level, "profile": f.profile, "message": f.message, "fix": f.fix, "path": f.path, "file": file_of(f), "line": f.line,
                    "waived_by": f.waived_by, "about": f.about, "fingerprint": identity(f),
                }
                for f in report.findings
            ],
            "waivers": [{**waiver_data(w), "path": w.path, "file": file_of(w), "line": w.line} for w in report.waivers],
        }
    )  # fmt: skip


def _profile(row: Compared, report: GateReport) -> dict[str, Any]:
    return {
        "name": row.name, "path": row.path, "outcome": outcome(row, report), "as_of": row.as_of.isoformat(), "base_as_of": row.base_as_of.isoformat(),
        "moved_from": row.moved_from, "base": to_data(row.base) if row.base else None,
        "base_at_head_facts": to_data(row.base_now) if row.base_now else None, "head": to_data(row.head),
        "change_usd_per_month": row.change_usd_per_month, "change_cents": to_cents(row.change_usd_per_month), "changed_share": row.changed_share,
        "market_usd_per_month": row.market_usd_per_month, "market_share": row.market_share, "tool_usd_per_month": row.tool_usd_per_month,
        "both_usd_per_month": row.both_usd_per_month, "total_usd_per_month": row.total_usd_per_month, "total_cents": row.total_cents,
        "after_usd_per_month": row.after_usd_per_month,
        "same_work_usd_per_month": row.same_work_usd_per_month, "head_facts_usd_per_month": row.head_facts_usd_per_month, "notes": list(row.notes),
        "first_tokens_per_day": {"before": row.first_before, "after": row.first_after},
        "waterfall": [_share(row, item) for item in row.shares], "parts": [_share(row, item) for item in row.parts],
    }  # fmt: skip


def _share(row: Compared, item: Share) -> dict[str, Any]:
    keys = [{"key": c.key, "path": file_of_key(row, c), "line": c.line, "before": _data(c.before), "after": _data(c.after)} for c in item.changes]
    return {"cause": item.cause, "usd_per_month": item.usd_per_month, "cents": item.cents, "changes": keys}


def _facts(facts: FactsId) -> str:
    return f"{facts.version} {facts.digest}"


def _data(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
