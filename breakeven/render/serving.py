"""Serving estimates and their accuracy as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from breakeven.errors import InputError, Problem
from breakeven.offers.accuracy import Missed, Slice
from breakeven.offers.question import Answered
from breakeven.render.text import plain
from breakeven.serving.spec import Band


def render_estimates(answers: list[Answered], *, format: str) -> str:
    """One answer as a sheet, several as a ranked table; or JSON."""
    if format == "json":
        rows = [_json(answer) for answer in answers]
        document: Any = {"schema_version": 1, "estimates": rows}
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    if format != "table":
        raise InputError(Problem(f"unknown format {format!r}", "write table or json", "--format"))
    if len(answers) > 1 and len({answer.accelerator for answer in answers}) == 1:
        return _frontier(answers)
    return _sheet(answers[0]) if len(answers) == 1 else _ranking(answers)


def _band(band: Band, digits: int = 0) -> str:
    return f"{band.typical:,.{digits}f}  (80 % band {band.low:,.{digits}f} to {band.high:,.{digits}f})"


def _ttft_band(answer: Answered) -> Band:
    mean, (low, high) = answer.estimate.ttft_ms_mean, answer.estimate.ttft_factors
    return Band(mean * low, mean, mean * high)


def _layout(answer: Answered) -> str:
    c = answer.estimate.config
    return f"TP {c.tp}, PP {c.pp}, EP {c.ep}, DP {c.dp}"


def _sheet(answer: Answered) -> str:
    e = answer.estimate
    c = e.config
    rows = [
        ("instance", f"{answer.model} on {c.accelerators} x {answer.accelerator}"),
        ("layout", f"{_layout(answer)}; {c.weight_precision} weights, {c.kv_precision} cache; {c.engine}"),
        ("concurrency", f"{e.concurrency:,.1f} of {e.max_concurrency:,.0f} that the cache holds"),
        ("output tok/s", _band(e.output_tok_per_s)),
        ("total tok/s", f"{e.total_tok_per_s:,.0f}"),
        ("requests/s", f"{e.requests_per_s:,.3f}"),
        ("TTFT ms", f"mean {_band(_ttft_band(answer), 0)}, p50 {e.ttft_ms_p50:,.0f}, p95 {e.ttft_ms_p95:,.0f}"),
        ("TPOT ms", _band(e.tpot_ms, 2)),
        ("memory", f"{e.weight_bytes_per_accelerator / 1e9:,.1f} GB weights, "
                   f"{e.kv_bytes_per_accelerator / 1e9:,.1f} GB cache per accelerator"),
    ]  # fmt: skip
    if answer.tdp_w and e.power_share_of_tdp:
        watts = answer.tdp_w * e.power_share_of_tdp
        rows.append(("power", f"about {watts:,.0f} W per accelerator ({e.power_share_of_tdp:.0%} of TDP)"))
    if answer.rent is not None:
        rent = answer.rent
        said = f"at ${rent.usd_per_gpu_hour:,.2f} per GPU-hour, the median of {rent.quotes} on-demand quotes on {rent.as_of}"
        rows.append(("rent", f"${rent.usd_per_mtok:,.3f} per Mtok (in + out) at this load, {said}"))
    rows += [("limit", e.limit), ("grade", f"{e.grade}  ({e.evidence})")]
    parts = sorted(e.step_parts_ms.items(), key=lambda item: -item[1])
    total = sum(e.step_parts_ms.values()) or 1.0
    rows.append(("time goes to", ", ".join(f"{name.replace('_', ' ')} {value / total:.0%}" for name, value in parts[:4])))
    for name, value in answer.extras.items():
        rows.append((name.replace("_", " "), value if isinstance(value, str) else f"{value:,.4g}"))
    rows += [("note", note) for note in e.notes]
    width = max(len(name) for name, _ in rows) + 2
    return "".join(f"{plain(name):<{width}}{plain(text)}\n" for name, text in rows)


def _ranking(answers: list[Answered]) -> str:
    header = ("accelerator", "n", "layout", "USD/Mtok", "out tok/s", "TPOT ms", "TTFT p95", "grade", "frontier")
    body = [
        (
            a.accelerator,
            str(a.estimate.config.accelerators),
            _layout(a),
            f"{a.usd_per_mtok:.3f}" if a.usd_per_mtok is not None else "-",
            f"{a.estimate.output_tok_per_s.typical:,.0f}",
            f"{a.estimate.tpot_ms.typical:.1f}",
            f"{a.estimate.ttft_ms_p95:,.0f}",
            a.estimate.grade,
            "*" if a.on_frontier else "",
        )
        for a in answers
    ]
    return table(header, body) + _rents_of(answers)


def _rents_of(answers: list[Answered]) -> str:
    """What the prices of a list are."""
    dates = {a.rent.as_of for a in answers if a.rent is not None}
    return f"note: USD/Mtok is rent alone, at the median of the on-demand quotes on {max(dates)}, per token in and out\n" if dates else ""


def _frontier(answers: list[Answered]) -> str:
    header = ("n", "layout", "weights", "concurrency", "USD/Mtok", "tok/s/user", "out tok/s", "TTFT p95", "grade")
    body = [
        (
            str(a.estimate.config.accelerators),
            _layout(a),
            a.estimate.config.weight_precision,
            f"{a.estimate.concurrency:,.0f}",
            f"{a.usd_per_mtok:.3f}" if a.usd_per_mtok is not None else "-",
            f"{1e3 / a.estimate.tpot_ms.typical:,.1f}",
            f"{a.estimate.output_tok_per_s.typical:,.0f}",
            f"{a.estimate.ttft_ms_p95:,.0f}",
            a.estimate.grade,
        )
        for a in answers
    ]
    notes = dict.fromkeys(note for a in answers for note in a.estimate.notes)
    return table(header, body) + _rents_of(answers) + "".join(f"note: {plain(note)}\n" for note in notes)


def table(header: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> str:
    """Plain columns: text to the left, numbers to the right."""
    rows = [tuple(plain(cell) for cell in row) for row in (header, *body)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    numeric = [all(_is_number(row[i]) for row in rows[1:]) for i in range(len(header))]
    lines = []
    for row in rows:
        cells = [cell.rjust(w) if n else cell.ljust(w) for cell, w, n in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _is_number(text: str) -> bool:
    return text in ("", "-") or text.replace(",", "").replace(".", "").replace("%", "").strip().lstrip("+-").isdigit()


def _json(answer: Answered) -> dict[str, Any]:
    e = answer.estimate
    c = e.config
    return {
        "model": answer.model,
        "accelerator": answer.accelerator,
        "n_accelerators": c.accelerators,
        "tp": c.tp,
        "pp": c.pp,
        "ep": c.ep,
        "dp": c.dp,
        "weight_precision": c.weight_precision,
        "kv_precision": c.kv_precision,
        "engine": c.engine,
        "concurrency": e.concurrency,
        "max_concurrency": e.max_concurrency,
        "requests_per_s": e.requests_per_s,
        "output_tok_per_s": _json_band(e.output_tok_per_s),
        "total_tok_per_s": e.total_tok_per_s,
        "ttft_ms": {
            "mean": e.ttft_ms_mean, "p50": e.ttft_ms_p50, "p95": e.ttft_ms_p95,
            "mean_low": _ttft_band(answer).low, "mean_high": _ttft_band(answer).high,
        },
        "tpot_ms": _json_band(e.tpot_ms),
        "weight_bytes_per_accelerator": e.weight_bytes_per_accelerator,
        "kv_bytes_per_accelerator": e.kv_bytes_per_accelerator,
        "power_share_of_tdp": e.power_share_of_tdp,
        "step_parts_ms": dict(e.step_parts_ms),
        "usd_per_mtok": answer.usd_per_mtok,
        "rent": None if answer.rent is None else {
            "usd_per_gpu_hour": answer.rent.usd_per_gpu_hour, "quotes": answer.rent.quotes,
            "as_of": answer.rent.as_of.isoformat(), "sources": list(answer.rent.sources),
        },
        "limit": e.limit,
        "grade": e.grade,
        "evidence": e.evidence,
        "on_frontier": answer.on_frontier,
        "extras": dict(answer.extras),
        "notes": list(e.notes),
    }


def _json_band(band: Band) -> dict[str, float]:
    return {"low": band.low, "typical": band.typical, "high": band.high}


def render_accuracy(found: list[Slice], missed: list[Missed], *, format: str, compared: int) -> str:
    """Errors by slice, then what was not compared and why."""
    if format == "json":
        document = {
            "schema_version": 1,
            "compared": compared,
            "refused": sum(m.measured_but_refused for m in missed),
            "not_comparable": sum(not m.measured_but_refused for m in missed),
            "slices": [
                {
                    "by": s.by, "name": s.name, "rows": s.rows, "median_abs_error": s.median_abs_error,
                    "p90_abs_error": s.p90_abs_error, "median_error": s.median_error, "band_ratio": s.band_ratio,
                    "hold_share": s.hold_share, "median_abs_ttft_error": s.median_abs_ttft_error,
                }
                for s in found
            ],
            "missed": [{"id": m.id, "reason": m.reason, "measured_but_refused": m.measured_but_refused} for m in missed],
        }  # fmt: skip
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    if format != "table":
        raise InputError(Problem(f"unknown format {format!r}", "write table or json", "--format"))
    out = []
    header = ("by", "slice", "rows", "median |e|", "p90 |e|", "bias", "band", "held", "TTFT |e|")
    body = [
        (
            s.by,
            s.name,
            str(s.rows),
            f"{s.median_abs_error:.1%}",
            f"{s.p90_abs_error:.1%}",
            f"{s.median_error:+.1%}",
            f"x{s.band_ratio:.2f}",
            f"{s.hold_share:.0%}",
            f"{s.median_abs_ttft_error:.0%}" if s.median_abs_ttft_error is not None else "-",
        )
        for s in found
    ]
    if body:
        out.append(table(header, body))
    refused = [m for m in missed if m.measured_but_refused]
    out.append(f"\n{compared} rows compared, {len(refused)} refused although measured, "
               f"{len(missed) - len(refused)} not comparable\n")  # fmt: skip
    counts: dict[str, int] = {}
    for miss in missed:
        counts[miss.reason] = counts.get(miss.reason, 0) + 1
    for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:20]:
        out.append(f"  {count:>5}  {plain(reason)}\n")
    out.append("error = predicted / measured - 1, on TPOT where measured, else on output throughput\n")
    return "".join(out)
