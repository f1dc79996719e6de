"""A gate's findings for GitLab's code quality widget."""

from __future__ import annotations

from breakeven.gate.report import GateReport
from breakeven.render.gate_words import NAME, file_of, identity, ordered
from breakeven.render.json_result import dumps
from breakeven.render.text import plain


def render(report: GateReport) -> str:
    """A list of issues; what is waived is left out."""
    return dumps(
        [
            {
                "description": plain(f"{f.rule}: {f.message}; {f.fix}", limit=2000), "check_name": f"{NAME}/{f.rule}", "fingerprint": identity(f),
                "severity": "major" if f.level == "error" else "minor", "location": {"path": plain(file_of(f)), "lines": {"begin": f.line or 1}},
            }
            for f in ordered(report.findings) if f.waived_by is None
        ]
    )  # fmt: skip
