"""A gate's report as OpenMetrics text: costs, changes and findings as gauges."""

from __future__ import annotations

from collections.abc import Callable

from breakeven.gate.report import Compared, GateReport
from breakeven.render.gate_words import waiver_data
from breakeven.render.text import plain

_GAUGES: tuple[tuple[str, str, Callable[[Compared], float | None]], ...] = (
    ("breakeven_cost_usd_per_month", "Monthly cost of the subject.", lambda row: row.head.usd_per_month),
    ("breakeven_cost_usd_per_mtok", "Cost per million tokens of the subject.", lambda row: row.head.usd_per_mtok),
    ("breakeven_change_usd_per_month", "What the change does to the monthly cost, on the same facts.", lambda row: row.change_usd_per_month),
    ("breakeven_market_usd_per_month", "What the facts do to the monthly cost, on the same profile.", lambda row: row.market_usd_per_month),
    ("breakeven_tool_usd_per_month", "What another version of the tool does to a recorded cost.", lambda row: row.tool_usd_per_month),
    ("breakeven_total_usd_per_month", "What everything does to the monthly cost.", lambda row: row.total_usd_per_month),
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
    out += ["# TYPE breakeven_part_usd_per_month gauge", "# HELP breakeven_part_usd_per_month What moved the monthly cost, by cause; the causes sum to the total."]
    for row in report.profiles:
        out += [f'breakeven_part_usd_per_month{{profile="{_label(row.name)}",cause="{_label(part.cause)}"}} {float(part.usd_per_month)!r}' for part in row.parts]
    if report.waivers:
        out += ["# TYPE breakeven_waiver gauge", "# HELP breakeven_waiver Every waiver; 1 while it counts."]
    for waiver in report.waivers:
        labels = ",".join(f'{name}="{_label(str(value).lower() if isinstance(value, bool) else value)}"' for name, value in waiver_data(waiver).items())
        out.append(f"breakeven_waiver{{{labels}}} {int(waiver.state in ('in force', 'near expiry'))}")
    out += ["# TYPE breakeven_findings gauge", "# HELP breakeven_findings Findings by level; waived ones apart."]
    for level in ("error", "warn", "waived"):
        count = sum(1 for f in report.findings if (f.waived_by is not None if level == "waived" else f.level == level and f.waived_by is None))
        out.append(f'breakeven_findings{{level="{level}"}} {count}')
    out += ["# TYPE breakeven_gate_failed gauge", "# HELP breakeven_gate_failed 1 when the gate failed.", f"breakeven_gate_failed {int(report.failed)}", "# EOF"]
    return "\n".join(out) + "\n"


def _label(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace('"', '\\"')
