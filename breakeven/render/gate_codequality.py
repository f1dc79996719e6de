"""A gate's findings for GitLab's code quality widget."""

from __future__ import annotations

import hashlib
from typing import Any

from breakeven.gate.report import GateReport
from breakeven.render.gate_words import NAME, file_of, identity, ordered, signed, to_cents, waiver_line
from breakeven.render.json_result import dumps
from breakeven.render.text import plain


def render(report: GateReport) -> str:
    """A list of issues. A finding that is waived is left out; every waiver is listed for information, used or not."""
    found = [
        _issue(f.rule, f"{f.rule}: {f.message}; {f.fix}", identity(f), "major" if f.level == "error" else "minor", file_of(f), f.line)
        for f in ordered(report.findings) if f.waived_by is None
    ]  # fmt: skip
    found += [_issue("waiver", f"waiver {waiver_line(w)}", _print("waiver", w.id), "info", file_of(w), w.line) for w in report.waivers]
    for row in report.profiles:
        if row.tool is not None:
            moved = f"{row.tool.before} -> {row.tool.after} moves the recorded cost by {signed(to_cents(row.tool_usd_per_month))} a month"
            found.append(_issue("tool_version", f"{row.name}: {row.tool.cause}: {moved}", _print("tool version", row.name, row.path), "info", row.path, None))
    return dumps(found)


def _issue(name: str, text: str, fingerprint: str, severity: str, path: str, line: int | None) -> dict[str, Any]:
    return {
        "description": plain(text, limit=2000), "check_name": f"{NAME}/{name}", "fingerprint": fingerprint, "severity": severity,
        "location": {"path": plain(path).removeprefix("./"), "lines": {"begin": line or 1}},
    }  # fmt: skip


def _print(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
