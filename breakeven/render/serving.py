"""Serving estimates as text or JSON."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import asdict

from breakeven.errors import InputError, Problem
from breakeven.offers.market import QUOTE_DAYS
from breakeven.offers.question import Answered
from breakeven.render.tables import columns_of, grid, sheet, wrapped
from breakeven.serving.spec import Band


def render_estimates(answers: list[Answered], *, format: str, width: int) -> str:
    """One answer as a sheet, several as a ranked table; or JSON."""
    if format == "json":
        rows = [_json(answer) for answer in answers]
        document: Any = {"schema_version": 1, "estimates": rows}
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    if format != "table":
        raise InputError(Problem(f"unknown format {format!r}", "write table or json", "--format"))
    if len(answers) == 1:
        return sheet(_facts(answers[0]), width=width)
    of_one = len({answer.accelerator for answer in answers}) == 1
    header, body, notes = _frontier(answers) if of_one else _ranking(answers)
    keys = header.index(_LAST_KEY_OF_FRONTIER) + 1 if of_one else 1
    text = grid(columns_of(header, body), body, width=width, keys=keys)
    return text + "".join(wrapped(f"note: {note}", width=width) + "\n" for note in notes)


def _band(band: Band, digits: int = 0) -> str:
    return f"{band.typical:,.{digits}f}  (80 % band {band.low:,.{digits}f} to {band.high:,.{digits}f})"


def _ttft_band(answer: Answered) -> Band:
    mean, (low, high) = answer.estimate.ttft_ms_mean, answer.estimate.ttft_factors
    return Band(mean * low, mean, mean * high)


def _layout(answer: Answered) -> str:
    c = answer.estimate.config
    return f"TP {c.tp}, PP {c.pp}, EP {c.ep}, DP {c.dp}"


def _short_layout(answer: Answered) -> str:
    """The degrees above one."""
    c = answer.estimate.config
    degrees = (("TP", c.tp), ("PP", c.pp), ("EP", c.ep), ("DP", c.dp))
    return ", ".join(f"{name} {degree}" for name, degree in degrees if degree > 1) or "TP 1"


def _in_flight(value: float) -> str:
    """A mean of requests: its tenths matter while there are few."""
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def _concurrency(answer: Answered) -> str:
    """Requests in flight, beside what the instance holds at once on average."""
    e = answer.estimate
    if e.concurrency > e.max_concurrency * 1.001:
        waiting = e.concurrency - e.max_concurrency
        return f"{_in_flight(e.concurrency)} in flight: the instance holds {_in_flight(e.max_concurrency)} at once, the other {_in_flight(waiting)} wait"
    if e.concurrency > e.max_concurrency * 0.999:
        return f"{_in_flight(e.concurrency)} in flight, all that the instance holds at once"
    return f"{_in_flight(e.concurrency)} in flight, of {_in_flight(e.max_concurrency)} that the instance holds at once"


def _facts(answer: Answered) -> list[tuple[str, str]]:
    e = answer.estimate
    c = e.config
    rows = [
        ("instance", f"{answer.model} on {c.accelerators} x {answer.accelerator}"),
        ("layout", f"{_layout(answer)}; {c.weight_precision} weights, {c.kv_precision} cache; {c.engine}"),
        ("concurrency", _concurrency(answer)),
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
    elif answer.unpriced is not None:
        rows.append(("rent", f"not known: {answer.unpriced}"))
    rows += [("limit", e.limit), ("grade", f"{e.grade}  ({e.evidence})")]
    parts = sorted(e.step_parts_ms.items(), key=lambda item: -item[1])
    total = sum(e.step_parts_ms.values()) or 1.0
    rows.append(("time goes to", ", ".join(f"{name.replace('_', ' ')} {value / total:.0%}" for name, value in parts[:4])))
    rows += _simulated(answer)
    rows += _disaggregated(answer)
    rows += _second_opinion(answer)
    for name, value in answer.extras.items():
        if not name.startswith(_SIMULATION) and name not in _DISAGGREGATED:
            rows.append((name.replace("_", " "), value if isinstance(value, str) else f"{value:,.4g}"))
    rows += [("note", note) for note in e.notes]
    return rows


_DISAGGREGATED = {
    "disaggregated_requests_per_s": "requests/s", "disaggregated_output_tok_per_s": "output tok/s",
    "disaggregated_tpot_ms": "TPOT ms", "disaggregated_ttft_ms": "TTFT ms", "cache_transfer_ms": "cache transfer ms",
    "prefill_utilisation": "prefill busy", "prefill_workers_per_decode_worker": "prefill workers per decode worker",
    "output_tok_per_s_per_accelerator": "output tok/s per accelerator",
}  # fmt: skip


def _disaggregated(answer: Answered) -> list[tuple[str, str]]:
    """What prefill on workers of its own gives, in one row."""
    said = [f"{words} {float(answer.extras[name]):,.4g}" for name, words in _DISAGGREGATED.items() if name in answer.extras]
    return [("disaggregated", "; ".join(said))] if said else []


def _second_opinion(answer: Answered) -> list[tuple[str, str]]:
    """What another estimator says, each figure beside ours, or why it says nothing."""
    other = answer.second_opinion
    if other is None:
        return []
    if other.reason is not None:
        return [("second opinion", f"none from {other.by}: {other.reason}")]
    batch = f"in {other.batches:,} batches of {other.batch_size:,}" if other.batches != 1 else f"at a batch of {other.batch_size:,}"
    said = f"{other.by} {other.version}, {other.backend} {other.backend_version} on {other.system}, {batch}"
    return [
        ("second opinion", said if other.caveat is None else f"{said}; {other.caveat}"),
        ("its tok/s", f"output {other.output_tok_per_s:,.0f} ({other.output_tok_per_s_per_accelerator:,.0f} per accelerator), "
                      f"{_beside(other.output_tok_per_s_ratio, other.output_tok_per_s_in_band)}"),
        ("its TPOT ms", f"{other.tpot_ms:,.2f}, {_beside(other.tpot_ratio, other.tpot_in_band)}"),
    ]  # fmt: skip


def _beside(ratio: float | None, in_band: bool | None) -> str:
    return f"{ratio:.2f} of ours: {'inside' if in_band else 'outside'} our band"


_SIMULATION = ("simulated_", "formula_", "simulation_")


def _simulated(answer: Answered) -> list[tuple[str, str]]:
    """The simulated times, each beside the formula's, and which holds."""
    x = answer.extras
    if "simulated_requests" not in x:
        return []
    pairs = (("TPOT", "tpot_ms", 1), ("TTFT mean", "ttft_ms_mean", 0), ("TTFT p95", "ttft_ms_p95", 0))
    times = "; ".join(
        f"{name} {float(x[f'simulated_{key}']):,.{digits}f} ms, by the formula {float(x[f'formula_{key}']):,.{digits}f}"
        for name, key, digits in pairs
    )
    times += f"; TPOT p95 {float(x['simulated_tpot_ms_p95']):,.1f} ms"
    return [("simulated", f"{float(x['simulated_requests']):,.0f} requests: {times}"), ("which holds", str(x["simulation_note"]))]


def _ranking(answers: list[Answered]) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
    marks = any(a.on_frontier for a in answers)
    header = ("accelerator", "n", "layout", "USD/Mtok", "out tok/s", "TPOT ms", "TTFT p95", "grade")
    body: list[tuple[str, ...]] = [
        (
            a.accelerator + (" *" if a.on_frontier else ""),
            str(a.estimate.config.accelerators),
            _short_layout(a),
            f"{a.usd_per_mtok:.3f}" if a.usd_per_mtok is not None else "-",
            f"{a.estimate.output_tok_per_s.typical:,.0f}",
            f"{a.estimate.tpot_ms.typical:.1f}",
            f"{a.estimate.ttft_ms_p95:,.0f}",
            a.estimate.grade,
        )
        for a in answers
    ]
    legend = ["* no other accelerator is both cheaper per token and faster per user"] if marks else []
    return header, body, [*legend, *_rents_of(answers)]


def _rents_of(answers: list[Answered]) -> list[str]:
    """What the prices of a list are."""
    dates = {a.rent.as_of for a in answers if a.rent is not None}
    notes = [f"USD/Mtok is rent alone, at the median of the on-demand quotes on {max(dates)}, per token in and out"] if dates else []
    missing = list(dict.fromkeys(a.unpriced for a in answers if a.unpriced is not None))
    if missing:
        notes.append(f"no USD/Mtok: {missing[0]}" if len(missing) == 1 else f"no USD/Mtok: no on-demand quote of the last {QUOTE_DAYS} days is on file")
    return notes


_LAST_KEY_OF_FRONTIER = "in flight"  # no two rows have the same instance and load


def _frontier(answers: list[Answered]) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
    """The table's columns; the weights are one only where they differ, or it would not fit a terminal."""
    precisions = list(dict.fromkeys(a.estimate.config.weight_precision for a in answers))
    differ = len(precisions) > 1
    weights = ("weights",) if differ else ()
    header = ("n", "layout", *weights, _LAST_KEY_OF_FRONTIER, "USD/Mtok", "user tok/s", "out tok/s", "TTFT p95", "grade")
    body: list[tuple[str, ...]] = [
        (
            str(a.estimate.config.accelerators),
            _short_layout(a),
            *((a.estimate.config.weight_precision,) if differ else ()),
            _in_flight(a.estimate.concurrency),
            f"{a.usd_per_mtok:.3f}" if a.usd_per_mtok is not None else "-",
            f"{1e3 / a.estimate.tpot_ms.typical:,.1f}",
            f"{a.estimate.output_tok_per_s.typical:,.0f}",
            f"{a.estimate.ttft_ms_p95:,.0f}",
            a.estimate.grade,
        )
        for a in answers
    ]
    same = [] if differ else [f"every row has {precisions[0]} weights"]
    return header, body, [*same, *_rents_of(answers), *dict.fromkeys(note for a in answers for note in a.estimate.notes)]


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
        "unpriced": answer.unpriced,
        "limit": e.limit,
        "grade": e.grade,
        "evidence": e.evidence,
        "on_frontier": answer.on_frontier,
        "extras": dict(answer.extras),
        "second_opinion": None if answer.second_opinion is None else asdict(answer.second_opinion),
        "notes": list(e.notes),
    }


def _json_band(band: Band) -> dict[str, float]:
    return {"low": band.low, "typical": band.typical, "high": band.high}
