"""A table of published measurements, row by row, as questions with known answers."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from breakeven.errors import InputError, Problem
from breakeven.offers.csv_table import read_csv, refuse_repeated
from breakeven.offers.points import Point
from breakeven.serving.calibration import normalise_engine
from breakeven.serving.precision import normalise, normalise_kv

# What a row may say; further columns are left alone. docs/serving.md lists them.
MEASURED = ("tpot_ms", "output_tok_s_total")
OPTIONAL = (
    "id", "family", "source_name", "framework", "model_base", "weight_precision", "kv_precision", "tp", "pp", "ep", "dp", "disagg",
    "scenario", "batching", "concurrency_or_batch", "prefix_cache_or_spec_decode", "ttft_ms", "set", "notes", *MEASURED,
)  # fmt: skip
REQUIRED = ("model", "gpu", "n_gpus", "input_tokens", "output_tokens")
_DEGREES = ("tp", "pp", "ep", "dp")
_WHOLE = ("n_gpus", *_DEGREES)
# InferenceX draws lengths uniformly between 0.8 and 1.0 of the nominal ones it prints.
INFERENCEX_LENGTH_SHARE = 0.9


class Measurement(Struct, frozen=True):
    """One comparable row: the question, what was measured, and what to group it by."""

    id: str
    point: Point
    regime: str  # max-throughput, fixed-concurrency, offline-batch
    metric: str  # tpot or throughput
    measured: float  # TPOT in ms, or output tokens per second of the whole system
    measured_ttft_ms: float | None
    source: str
    family: str
    model: str
    engine: str
    batch_requests: float | None = None  # offline-batch: requests handed over together


class NotComparable(Struct, frozen=True):
    """A row the model does not answer, and why."""

    id: str
    reason: str


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV with at least the required columns."""
    return read_csv(path, check=lambda header: _check_header(header, path), more_cells_fix="quote a cell that holds a comma")


def _check_header(header: list[str], path: Path) -> None:
    """Refuse a table that lacks a column, and names that are nearly one of those read."""
    missing = [name for name in REQUIRED if name not in header]
    problems = [Problem(f"lacks the columns {', '.join(missing)}", f"needs {', '.join(REQUIRED)} and {' or '.join(MEASURED)}", str(path))] if missing else []
    if not any(name in header for name in MEASURED):
        problems.append(Problem("lacks a measurement", f"give a column {' or '.join(MEASURED)}", str(path)))
    for name in ("concurrency_or_batch", "output_tok_s_total"):  # the two that people write otherwise
        near = [column for column in header if column not in (*REQUIRED, *OPTIONAL) and column.startswith(name.split("_or_")[0].split("_s_")[0])]
        if name not in header and near:
            problems.append(Problem(f"the column {near[0]!r} is not read", f"did you mean {name!r}?", str(path)))
    if problems:
        raise InputError(problems)
    refuse_repeated(header, (*REQUIRED, *OPTIONAL), path)


def measurements(rows: list[dict[str, str]]) -> Iterator[Measurement | NotComparable]:
    """Each row in order, either comparable or with the reason why it is not."""
    for index, row in enumerate(rows):
        name = row.get("id") or f"row {index + 2}"
        try:
            yield _measurement(name, row)
        except InputError as error:
            yield NotComparable(name, error.problems[0].message)


@cache
def shipped() -> tuple[Measurement, ...]:
    """The comparable rows of the packaged table: what the calibration was fitted to, and grade B rests on."""
    path = Path(__file__).parent.parent / "catalog" / "data" / "calibration" / "measurements.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode("utf-8")
    rows = [{k: v.strip() for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
    return tuple(row for row in measurements(rows) if not isinstance(row, NotComparable))


def number(row: dict[str, str], field: str) -> float | None:
    """A positive number of a row; blank, text and nan are None."""
    try:
        value = float(row.get(field, ""))
    except ValueError:
        return None
    return value if 0 < value < 1e15 else None


def _whole(row: dict[str, str], field: str) -> int | None:
    value = number(row, field)
    return int(value) if value is not None and value == int(value) else None


def _unread(row: dict[str, str], *fields: str) -> str | None:
    """The first of the fields that is filled in with something that is no such number."""
    for field in fields:
        bad = number(row, field) is None if field not in _WHOLE else _whole(row, field) is None
        if row.get(field) and bad:
            return f"{field} {row[field]!r} is not a {'whole ' if field in _WHOLE else ''}number above zero"
    return None


def _refuse_unread(row: dict[str, str], *fields: str) -> None:
    """A cell that is filled in and not read is not a blank one: the row would be compared with another question."""
    unread = _unread(row, *fields)
    if unread:
        raise InputError(unread)


def _regime(row: dict[str, str]) -> str:
    scenario = row.get("scenario", "").lower()
    batching = row.get("batching", "").lower()
    if batching == "static" or "static" in scenario:
        raise InputError("static batching: the model describes continuous batching")
    if "max-throughput" in scenario and "pd" not in scenario.split():
        return "max-throughput"
    _refuse_unread(row, "concurrency_or_batch")
    if "offline batch" in scenario:
        return "offline-batch"
    if "fixed concurrency" in scenario or ("single stream" in scenario and number(row, "concurrency_or_batch") == 1.0):
        return "fixed-concurrency"
    if not scenario:
        return "fixed-concurrency" if number(row, "concurrency_or_batch") else "max-throughput"
    raise InputError(f"scenario {scenario!r} is neither a concurrency nor a maximum throughput")


def _engine(row: dict[str, str]) -> str:
    name = row.get("framework", "").lower()
    if name.startswith("llama.cpp"):
        raise InputError("llama.cpp is not a batching engine of the model")
    return normalise_engine(name)


def _measurement(name: str, row: dict[str, str]) -> Measurement:
    if row.get("disagg", "").lower() == "yes":
        raise InputError("disaggregated serving is several instances")
    spec = row.get("prefix_cache_or_spec_decode", "").lower()
    if "mtp" in spec or "spec_decode=ambiguous" in spec or "spec_decode=unknown" in spec:
        raise InputError("speculative decoding without a stated acceptance")
    regime = _regime(row)
    engine = _engine(row)
    isl, osl = number(row, "input_tokens"), number(row, "output_tokens")
    if isl is None or osl is None or osl < 2:
        raise InputError(_unread(row, "input_tokens", "output_tokens") or "no input or output length")
    _refuse_unread(row, *_WHOLE)
    count = _whole(row, "n_gpus")
    if count is None:
        raise InputError("no number of accelerators")
    if row.get("family") == "inferencex" or "[0.8,1.0]x nominal" in row.get("notes", ""):
        isl, osl = isl * INFERENCEX_LENGTH_SHARE, osl * INFERENCEX_LENGTH_SHARE
    weights = row.get("weight_precision", "").split(" ")[0]
    if weights:
        weights = normalise(weights)
    cache = row.get("kv_precision", "").lower()
    cache = normalise_kv(cache) if cache and cache != "auto" else ""
    concurrency = number(row, "concurrency_or_batch")
    tpot = number(row, "tpot_ms")
    output = number(row, "output_tok_s_total")
    if regime == "fixed-concurrency" and concurrency is None:
        raise InputError("fixed concurrency without the concurrency")
    if regime == "fixed-concurrency" and tpot is not None:
        metric, measured = "tpot", tpot
    elif output is not None:
        metric, measured = "throughput", output
    else:
        _refuse_unread(row, *MEASURED)
        raise InputError(_no_figure(row, regime, tpot))
    if regime == "offline-batch" and concurrency is None:
        raise InputError("offline batch without its number of requests")
    point = Point(
        model=row["model"],
        accelerator=row["gpu"].rstrip("?"),
        input_tokens=isl,
        output_tokens=osl,
        accelerators=count,
        **_degrees(row, count),  # type: ignore[arg-type]
        weight_precision=weights or None,
        kv_precision=cache or None,
        engine=engine,
        concurrency=concurrency if regime == "fixed-concurrency" else None,
    )
    return Measurement(
        id=name,
        point=point,
        regime=regime,
        metric=metric,
        measured=measured,
        measured_ttft_ms=number(row, "ttft_ms") if regime == "fixed-concurrency" else None,
        source=row.get("source_name", ""),
        family=row.get("family", ""),
        model=row.get("model_base") or row["model"],
        engine=engine,
        batch_requests=concurrency if regime == "offline-batch" else None,
    )


def _no_figure(row: dict[str, str], regime: str, tpot_ms: float | None) -> str:
    """Why a row without an output throughput has nothing to compare."""
    if tpot_ms is None:
        return "neither TPOT nor output throughput was measured"
    if regime == "max-throughput":
        why = "the scenario is a maximum throughput" if row.get("scenario") else "concurrency_or_batch is blank"
        return f"a TPOT needs the concurrency that it was measured at: {why}"
    return "a batch handed over at once is compared by its output throughput, which is not given"


def _degrees(row: dict[str, str], count: int) -> dict[str, int | None]:
    """Parallel degrees as published; blank expert and data parallelism mean none.

    Tables count tensor parallelism in two ways under attention data parallelism: where the product
    is too large, tp is what is left of the accelerators. A tp of 1 beside several accelerators means that the table
    has no such column; any other tp on a multiple of its accelerators, copies. Raises InputError for what is neither.
    """
    tp, pp = _whole(row, "tp"), _whole(row, "pp") or 1
    ep, dp = _whole(row, "ep") or 1, _whole(row, "dp") or 1
    if tp is None:
        return {"tp": None, "pp": pp if pp > 1 else None, "ep": None, "dp": None}
    if tp * pp * dp != count:
        if dp > 1 and ep > 1 and count % (pp * dp) == 0:
            tp = count // (pp * dp)
        elif tp * pp == count:
            dp = 1
        elif dp == 1 and tp == 1 and count % pp == 0:
            tp = count // pp
        elif dp == 1 and ep == 1 and count % (tp * pp) == 0:
            dp = count // (tp * pp)
        else:
            raise InputError(f"tp x pp x dp = {tp} x {pp} x {dp} is not the {count} accelerators")
    return {"tp": tp, "pp": pp, "ep": ep, "dp": dp}
