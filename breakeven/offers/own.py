"""The user's own benchmark: normalised, compared with the model, and fitted with the model as prior."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import InputError, Problem
from breakeven.offers.benchmarks.row import BenchmarkRow
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.own_fit import LAYOUT, OwnFit, graded_by, read_own_fit
from breakeven.offers.points import Point, answer
from breakeven.serving.calibration import Calibration, normalise_engine
from breakeven.serving.grade import knowing
from breakeven.serving.refit import HIGHEST, LOWEST, Refit, adjusted, refit
from breakeven.serving.spec import Estimate


class Named(Struct, frozen=True):
    """What a file does not say and the user adds; a given value wins over the file's."""

    model: str | None = None
    accelerator: str | None = None
    accelerators: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    dp: int | None = None
    weight_precision: str | None = None
    kv_precision: str | None = None
    engine: str | None = None


class OwnBenchmark(Struct, frozen=True):
    """The fitted result: what it is of, the multipliers, and row by row what was measured and predicted."""

    point: Point
    rows: tuple[BenchmarkRow, ...]
    used: tuple[BenchmarkRow, ...]
    fit: Refit
    grade_note: str


def fit_own(
    rows: Sequence[BenchmarkRow], named: Named, lookup: ServingLookup, calibration: Calibration
) -> OwnBenchmark:
    """Fit the rows of one configuration. Rows without TPOT or concurrency cannot be used and say so."""
    points = [to_point(row, named) for row in rows]
    kinds = {(p.model, p.accelerator, p.accelerators, p.tp, p.pp, p.ep, p.dp, p.weight_precision, p.engine) for p in points}
    if len(kinds) > 1:
        raise InputError(
            f"the file holds {len(kinds)} configurations", fix="import them one by one, or name --model, -n and degrees"
        )
    used = [
        (row, point)
        for row, point in zip(rows, points, strict=True)
        if row.tpot_ms and row.concurrency and not row.acceptance_length and not row.not_fitted
    ]
    if not used:
        reasons = dict.fromkeys(row.not_fitted for row in rows if row.not_fitted)
        raise InputError(
            "no run has both a time per output token and a concurrency without speculation"
            + (f", on one engine: {'; '.join(reasons)}" if reasons else ""),
            fix="benchmark with --max-concurrency, speculative decoding off",
        )
    first = answer(used[0][1], lookup, calibration)
    pinned = [
        replace(
            point, accelerators=first.config.accelerators, tp=first.config.tp, pp=first.config.pp,
            ep=first.config.ep, dp=first.config.dp, weight_precision=first.config.weight_precision,
            kv_precision=first.config.kv_precision,
        )
        for _, point in used
    ]  # fmt: skip

    def predict(which: Calibration) -> list[float]:
        return [answer(point, lookup, which).tpot_ms.typical for point in pinned]

    found = refit(calibration, predict, [float(row.tpot_ms or 0.0) for row, _ in used])
    note = "refitted from three or more loads" if len(used) >= 3 else "rescaled: three loads or more would refit it"
    at_limit = [name for name, value in found.multipliers.items() if not LOWEST * 1.001 < value < HIGHEST / 1.001]
    if at_limit:
        note += f"; {', '.join(at_limit)} is at the end of what a fit may do (x{LOWEST:g} to x{HIGHEST:g}): is it of this configuration?"
    return OwnBenchmark(pinned[0], tuple(rows), tuple(row for row, _ in used), found, note)


_SLACK = 1.25  # means over other windows than each other's: ramps, stragglers, tokens counted again


def inconsistency(row: BenchmarkRow) -> str | None:
    """A throughput that the requests in flight cannot make: each makes one token per time per output token."""
    if not (row.tpot_ms and row.concurrency and row.output_tok_per_s):
        return None
    most = row.concurrency / (row.tpot_ms / 1e3)
    if row.output_tok_per_s <= most * _SLACK:
        return None
    return (
        f"{row.output_tok_per_s:,.0f} output tokens per second are more than the {most:,.0f} that {row.concurrency:g} requests at "
        f"{row.tpot_ms:g} ms a token can make: the throughput is not used; is it that of output tokens alone, and of this run?"
    )


def to_point(row: BenchmarkRow, named: Named) -> Point:
    """The question a run answers. Raises InputError for what neither the file nor the user says, or says below one."""
    below = [
        Problem(f"must be at least 1, not {value}", None, "-n" if name == "accelerators" else f"--{name}")
        for name in ("accelerators", "tp", "pp", "ep", "dp")
        if (value := getattr(named, name)) is not None and value < 1
    ]
    if below:
        raise InputError(below)
    model, accelerator = named.model or row.model, named.accelerator or _hardware(row.accelerator)
    missing = [
        Problem("the file does not say it", f"give {option}", field=field)
        for value, option, field in ((model, "--model", "model"), (accelerator, "--accelerator", "accelerator"))
        if not value
    ]
    if missing:
        raise InputError(missing)
    assert model is not None and accelerator is not None
    degrees: dict[str, Any] = {n: getattr(named, n) or getattr(row, n) for n in ("tp", "pp", "ep", "dp")}
    count = named.accelerators or row.accelerators
    if count is None and degrees["tp"]:
        count = degrees["tp"] * (degrees["pp"] or 1) * (degrees["dp"] or 1)
    if count is None:
        raise InputError(Problem("the file does not say how many accelerators", "give -n", field="accelerators"))
    precision = named.weight_precision or row.weight_precision
    if precision and precision.lower() == "fp4":
        precision = "mxfp4" if "gpt-oss" in model.lower() else "nvfp4"
    return Point(
        model=model,
        accelerator=accelerator,
        input_tokens=row.input_tokens,
        output_tokens=max(row.output_tokens, 1.0),
        accelerators=count,
        **degrees,
        weight_precision=precision,
        kv_precision=named.kv_precision,
        engine=normalise_engine(_engine(named.engine or row.engine)),
        concurrency=row.concurrency,
    )


def _engine(name: str | None) -> str | None:
    return None if name is None else re.sub(r"^(dynamo-|trt$)", lambda m: "trt-llm" if m.group() == "trt" else "", name)


def _hardware(name: str | None) -> str | None:
    """InferenceX says ``h200-trt`` or ``b200-nb``: the accelerator is the first word."""
    if name is None:
        return None
    word = name.strip().lower()
    return word.split("-")[0] if re.fullmatch(r"[a-z]+[0-9]+x?-(trt|sgl|vllm|nb|cw|cr|nv|amd|dgxc|nvd|amds)[a-z0-9-]*", word) else word


def own_fit(own: OwnBenchmark, *, name: str) -> OwnFit:
    """The fit with what it measured, as it is written for ``estimate --own`` and ``self_host.benchmark``."""
    p = own.point

    def span(field: str) -> tuple[float, float]:
        values = [float(getattr(row, field)) for row in own.used]
        return min(values), max(values)

    return OwnFit(
        benchmark=name, model=p.model, accelerator=p.accelerator, accelerators=p.accelerators or 1,
        layout={degree: getattr(p, degree) or 1 for degree in LAYOUT}, weight_precision=str(p.weight_precision),
        engine=str(p.engine), multipliers=own.fit.multipliers, input_tokens=span("input_tokens"),
        output_tokens=span("output_tokens"), concurrency=span("concurrency"),
        worst_residual=max(abs(error) for error in own.fit.after),
    )  # fmt: skip


def own_evidence(point: Point, path: Path, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    """The estimate with the user's own multipliers, grade A where they were measured; refuses one of something else."""
    fit = read_own_fit(path)
    mine = knowing(adjusted(calibration, fit.multipliers), lookup.model(fit.model), lookup.accelerator(fit.accelerator))
    estimate = answer(point, lookup, mine)
    same = (
        lookup.model(fit.model).id == lookup.model(point.model).id
        and lookup.accelerator(fit.accelerator).id == lookup.accelerator(point.accelerator).id
        and normalise_engine(fit.engine) == estimate.config.engine
    )
    if not same:
        raise InputError(
            Problem("is of another model, accelerator or engine", "benchmark what you ask about", str(path))
        )
    graded, note = graded_by(
        fit, estimate, model=lookup.model(point.model), shape=point.shape, calibration=calibration,
        at_capacity=point.concurrency is None,
    )  # fmt: skip
    return replace(graded, notes=(*graded.notes, note))
