"""Where a gate's report goes: one file per surface, one entry here. Each is a pure function of the report."""

from __future__ import annotations

from importlib import import_module

from breakeven.gate.report import GateReport

_SURFACES = {
    "text": "gate_text", "json": "gate_json", "md": "gate_markdown", "github": "gate_github", "junit": "gate_junit", "sarif": "gate_sarif",
    "codequality": "gate_codequality", "openmetrics": "gate_openmetrics",
}  # fmt: skip
GATE_FORMATS = tuple(_SURFACES)


def render_gate(name: str, report: GateReport) -> str:
    """A report in one of ``GATE_FORMATS``."""
    text: str = import_module(f"breakeven.render.{_SURFACES[name]}").render(report)
    return text
