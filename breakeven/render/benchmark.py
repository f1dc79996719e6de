"""An imported benchmark: rows, residuals before and after, and what to paste into a profile."""

from __future__ import annotations

import json
import math
from typing import Any

from breakeven.errors import InputError, Problem
from breakeven.offers.benchmarks.row import BenchmarkRow
from breakeven.offers.own import OwnBenchmark, inconsistency
from breakeven.offers.own_fit import NO_FIT_FIX
from breakeven.render.tables import columns_of, grid, wrapped


def render_own(own: OwnBenchmark, *, format: str, width: int) -> str:
    """Text or JSON."""
    if format == "json":
        return json.dumps(_document(own), indent=2, allow_nan=False) + "\n"
    if format != "table":
        raise InputError(Problem(f"unknown format {format!r}", "write table or json", "--format"))
    p = own.point
    head = f"{p.model} on {p.accelerators} x {p.accelerator}, {p.weight_precision}, {p.engine}: {own.grade_note}"
    header = ("tokens in", "out", "in flight", "TPOT ms", "model", "refitted", "out tok/s")
    body = []
    for row, before, after in zip(own.used, own.fit.before, own.fit.after, strict=True):
        tokens = f"{row.output_tok_per_s:,.0f}" if row.output_tok_per_s else "-"
        body.append((
            f"{row.input_tokens:,.0f}", f"{row.output_tokens:,.0f}", f"{row.concurrency:,.0f}", _ms(row.tpot_ms or 0.0),
            f"{math.expm1(before):+.1%}", f"{math.expm1(after):+.1%}", tokens,
        ))  # fmt: skip
    multipliers = ", ".join(f"{name} x{value:.3f}" for name, value in own.fit.multipliers.items())
    warnings = _warnings(own)
    tail = [f"multipliers: {multipliers}", *(f"note: {said}" for said in (*own.notes, *warnings))]
    parts = [wrapped(head, width=width), "", grid(columns_of(header, body), body, width=width), *(wrapped(line, width=width) for line in tail)]
    best = max((row for row in own.used if row.output_tok_per_s and inconsistency(row) is None), key=lambda r: r.output_tok_per_s or 0.0, default=None)
    if own.unusable is not None:
        parts += ["", wrapped(f"no fit, and none is written: {NO_FIT_FIX}", width=width)]
    elif best is not None:
        said = "for a profile (self_host.supply[]), where the run met your latency targets:"
        parts += ["", wrapped(said, width=width), f"  throughput: {{output_tok_per_s: {best.output_tok_per_s:.1f}, source: own benchmark}}"]
    return "\n".join(parts) + "\n"


def _ms(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _warnings(own: OwnBenchmark) -> list[str]:
    return sorted({warning for row in own.rows for warning in _said(row)})


def _said(row: BenchmarkRow) -> list[str]:
    found = inconsistency(row)
    return [*row.warnings, *((found,) if found is not None else ())]


def _document(own: OwnBenchmark) -> dict[str, Any]:
    p = own.point
    return {
        "schema_version": 1,
        "model": p.model,
        "accelerator": p.accelerator,
        "n_accelerators": p.accelerators,
        "weight_precision": p.weight_precision,
        "engine": p.engine,
        "multipliers": dict(own.fit.multipliers),
        "rows": [
            {
                "tool": row.tool, "input_tokens": row.input_tokens, "output_tokens": row.output_tokens,
                "concurrency": row.concurrency, "closed_loop": row.closed_loop, "tpot_ms": row.tpot_ms,
                "ttft_ms_mean": row.ttft_ms_mean, "ttft_ms_p95": row.ttft_ms_p95,
                "output_tok_per_s": row.output_tok_per_s, "model_error": math.expm1(before),
                "refitted_error": math.expm1(after), "warnings": _said(row),
            }
            for row, before, after in zip(own.used, own.fit.before, own.fit.after, strict=True)
        ],
        "runs_not_used": len(own.rows) - len(own.used),
        "no_fit": own.unusable,
        "notes": [*own.notes, *sorted({said for row in own.rows if row not in own.used for said in _said(row)})],
    }  # fmt: skip
