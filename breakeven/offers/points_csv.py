"""``estimate --points``: a CSV of questions in, the same rows with answers out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from breakeven.errors import BreakevenError, InputError, Problem
from breakeven.offers.csv_table import read_csv, refuse_repeated
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import Point, answer
from breakeven.serving.calibration import Calibration
from breakeven.serving.spec import Estimate

INPUT_COLUMNS = (
    "id", "model", "accelerator", "n_accelerators", "tp", "pp", "ep", "dp", "weight_precision", "kv_precision",
    "engine", "input_tokens", "output_tokens", "concurrency",
)  # fmt: skip
OUTPUT_COLUMNS = (
    "output_tok_per_s", "total_tok_per_s", "ttft_ms_mean", "ttft_ms_p50", "ttft_ms_p95", "tpot_ms",
    "low_output_tok_per_s", "high_output_tok_per_s", "low_tpot_ms", "high_tpot_ms", "grade", "evidence", "limit",
    "error",
)  # fmt: skip
_REQUIRED = ("model", "accelerator", "input_tokens", "output_tokens")


def read_points(path: Path) -> list[dict[str, str]]:
    """The rows of the input CSV; unknown and repeated columns are refused, missing optional ones are blank."""

    def check(header: list[str]) -> None:
        expected = "expected " + ",".join(INPUT_COLUMNS)
        missing = [name for name in _REQUIRED if name not in header]
        if missing:
            raise InputError(Problem(f"lacks the columns {', '.join(missing)}", expected, str(path)))
        unknown = [name for name in header if name not in INPUT_COLUMNS]
        if unknown:
            raise InputError(Problem(f"has unknown columns {', '.join(unknown)}", expected, str(path)))
        refuse_repeated(header, INPUT_COLUMNS, path)

    rows = read_csv(path, check=check)
    return [{name: row.get(name, "") for name in INPUT_COLUMNS} for row in rows]


def _whole(row: dict[str, str], field: str) -> int | None:
    text = row[field]
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{field} {text!r} is not a number") from None
    if abs(value) >= 1e12:
        raise InputError(f"{field} {text!r} is out of range")
    if value != value or value != int(value):
        raise InputError(f"{field} {text!r} is not a whole number")
    return int(value)


def _number(row: dict[str, str], field: str) -> float | None:
    text = row[field]
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{field} {text!r} is not a number") from None
    if not abs(value) < 1e12:
        raise InputError(f"{field} {text!r} is out of range")
    return value


def to_point(row: dict[str, str]) -> Point:
    """One row as a question."""
    for field in _REQUIRED:
        if not row[field]:
            raise InputError(f"{field} is blank")
    isl, osl = _number(row, "input_tokens"), _number(row, "output_tokens")
    assert isl is not None and osl is not None
    return Point(
        model=row["model"],
        accelerator=row["accelerator"],
        accelerators=_whole(row, "n_accelerators"),
        tp=_whole(row, "tp"),
        pp=_whole(row, "pp"),
        ep=_whole(row, "ep"),
        dp=_whole(row, "dp"),
        weight_precision=row["weight_precision"] or None,
        kv_precision=row["kv_precision"] if row["kv_precision"].lower() not in ("", "auto") else None,
        engine=row["engine"] or None,
        input_tokens=isl,
        output_tokens=osl,
        concurrency=_number(row, "concurrency"),
    )


def answer_rows(
    rows: list[dict[str, str]], lookup: ServingLookup, calibration: Calibration, *, evidence: str = "model"
) -> list[dict[str, str]]:
    """Each row resolved and answered, or with its error; order is kept."""
    if evidence == "best":
        from breakeven.offers.evidence import best_evidence

        ask = best_evidence
    else:
        ask = answer
    out = []
    for row in rows:
        try:
            estimate = ask(to_point(row), lookup, calibration)
        except BreakevenError as error:
            out.append({**row, **dict.fromkeys(OUTPUT_COLUMNS, ""), "error": "; ".join(str(p) for p in error.problems)})
            continue
        out.append({**row, **_cells(row, estimate)})
    return out


def _cells(row: dict[str, str], e: Estimate) -> dict[str, str]:
    config = e.config
    return {
        "n_accelerators": str(config.accelerators),
        "tp": str(config.tp),
        "pp": str(config.pp),
        "ep": str(config.ep),
        "dp": str(config.dp),
        "weight_precision": config.weight_precision,
        "kv_precision": config.kv_precision,
        "engine": config.engine,
        "concurrency": row["concurrency"] or _text(e.concurrency),
        "output_tok_per_s": _text(e.output_tok_per_s.typical),
        "total_tok_per_s": _text(e.total_tok_per_s),
        "ttft_ms_mean": _text(e.ttft_ms_mean),
        "ttft_ms_p50": _text(e.ttft_ms_p50),
        "ttft_ms_p95": _text(e.ttft_ms_p95),
        "tpot_ms": _text(e.tpot_ms.typical),
        "low_output_tok_per_s": _text(e.output_tok_per_s.low),
        "high_output_tok_per_s": _text(e.output_tok_per_s.high),
        "low_tpot_ms": _text(e.tpot_ms.low),
        "high_tpot_ms": _text(e.tpot_ms.high),
        "grade": e.grade,
        "evidence": e.evidence,
        "limit": e.limit,
        "error": "",
    }


def _text(value: float) -> str:
    return repr(float(value))


def render_points(rows: list[dict[str, str]]) -> str:
    """The output CSV."""
    stream = io.StringIO()
    columns = (*INPUT_COLUMNS, *OUTPUT_COLUMNS)
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in columns} for row in rows)
    return stream.getvalue()
