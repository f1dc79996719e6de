"""A gate's report as OpenMetrics text: costs, changes and findings as gauges."""

from __future__ import annotations

from collections.abc import Callable

from breakeven.gate.report import Compared, GateReport
from breakeven.render.text import plain

_GAUGES: tuple[tuple[str, str, Callable[[Compared], float | None]], ...] = (
    ("breakeven_cost_usd_per_month", "Monthly cost of the subject.", lambda row: row.head.usd_per_month),
    ("breakeven_cost_usd_per_mtok", "Cost per million tokens of the subject.", lambda row: row.head.usd_per_mtok),
    ("breakeven_change_usd_per_month", "What the change does to the monthly cost, on the same facts.", lambda row: row.change_usd_per_month),
    ("breakeven_market_usd_per_month", "What the facts do to the monthly cost, on the same profile.", lambda row: row.market_usd_per_month),
    ("breakeven_first_crossover_tokens_per_day", "First volume at which self-hosting is cheaper.", lambda row: row.first_after),
)


def render(report: GateReport) -> str:
    """Samples without a value are left out: unknown is not zero."""
    out = []
    for name, text, value in _GAUGES:
        out += [f"# TYPE {name} gauge", f"# HELP {name} {text}"]
        for row in report.profiles:
            number = value(row)
            if number is not None:
                out.append(f'{name}{{profile="{_label(row.name)}"}} {float(number)!r}')
    out += ["# TYPE breakeven_findings gauge", "# HELP breakeven_findings Findings by level; waived ones apart."]
    for level in ("error", "warn", "waived"):
        count = sum(1 for f in report.findings if (f.waived_by is not None if level == "waived" else f.level == level and f.waived_by is None))
        out.append(f'breakeven_findings{{level="{level}"}} {count}')
    out += ["# TYPE breakeven_gate_failed gauge", "# HELP breakeven_gate_failed 1 when the gate failed.", f"breakeven_gate_failed {int(report.failed)}", "# EOF"]
    return "\n".join(out) + "\n"


def _label(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace('"', '\\"')
