"""The user's own benchmark: normalised, compared with the model, and fitted with the model as prior."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import BreakevenError, FactNotFound, InputError, Problem
from breakeven.offers.benchmarks.row import BenchmarkRow
from breakeven.offers.hf_config import looks_like_path
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.own_fit import LAYOUT, NO_FIT_FIX, OwnFit, alike, graded_by, no_fit, read_own_fit
from breakeven.offers.own_runs import loads, not_usable
from breakeven.offers.points import Point, answer, choose
from breakeven.serving.calibration import Calibration, normalise_engine
from breakeven.serving.grade import knowing
from breakeven.serving.refit import Refit, adjusted, at_peak, refit
from breakeven.serving.spec import AcceleratorSpec, Estimate, ModelSpec


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
    unusable: str | None = None  # why the fit is not written
    notes: tuple[str, ...] = ()


def fit_own(
    rows: Sequence[BenchmarkRow], named: Named, lookup: ServingLookup, calibration: Calibration
) -> OwnBenchmark:
    """Fit the rows of one configuration. Raises InputError, run by run, where none can be used."""
    points = [to_point(row, named) for row in rows]
    _one_configuration(rows, points)
    faults = [not_usable(row) for row in rows]
    used = [(row, point) for row, point, fault in zip(rows, points, faults, strict=True) if fault is None]
    left_out = [fault for fault in faults if fault is not None]
    if not used:
        raise InputError(left_out)
    for row, point in used:
        _check_answerable(row, point, lookup, calibration)
    pinned = _pinned([point for _, point in used], lookup, calibration)
    grouped = loads([row for row, _ in used])
    measured = [float(row.tpot_ms or 0.0) for row, _ in used]

    def predict(which: Calibration) -> list[float]:
        return [answer(pinned[load[0]], lookup, which).tpot_ms.typical for load in grouped]

    found = refit(calibration, predict, [_geometric_mean([measured[i] for i in load]) for load in grouped])
    fit = Refit(
        found.multipliers, _errors(pinned, measured, lookup, calibration),
        _errors(pinned, measured, lookup, adjusted(calibration, found.multipliers)),
    )  # fmt: skip
    unusable = _beyond_peak(pinned, measured, lookup, calibration) or no_fit(fit.multipliers, worst(fit))
    said = _said_of_loads(len(grouped), len(used))
    notes = (*_assumed_engine(rows, named), *(f"not used: {fault}" for fault in left_out))
    return OwnBenchmark(
        pinned[0], tuple(rows), tuple(row for row, _ in used), fit, said if unusable is None else f"{said}; {unusable}", unusable, notes
    )


def _one_configuration(rows: Sequence[BenchmarkRow], points: Sequence[Point]) -> None:
    """Raises InputError at the first run that is of another configuration than the first."""
    options = {
        "model": "--model", "accelerator": "--accelerator", "accelerators": "-n", "tp": "--tp", "pp": "--pp", "ep": "--ep",
        "dp": "--dp", "weight_precision": "--precision", "engine": "--engine",
    }  # fmt: skip
    for row, point in zip(rows, points, strict=True):
        for name, option in options.items():
            here, first = getattr(point, name), getattr(points[0], name)
            if here != first:
                message = f"is {_or_unsaid(here)}, and {_or_unsaid(first)} in the first run: one fit is of one configuration"
                raise InputError(Problem(message, f"import them one by one, or name it with {option}", row.where, field=name))


def _or_unsaid(value: Any) -> str:
    return "not said" if value is None else str(value)


def _check_answerable(row: BenchmarkRow, point: Point, lookup: ServingLookup, calibration: Calibration) -> None:
    """Raises what the model raises for a run that it cannot answer, with where the run stands."""
    try:
        answer(point, lookup, calibration)
    except BreakevenError as error:
        named = "give --model or --accelerator where the name is one of your own" if isinstance(error, FactNotFound) else None
        raise type(error)(
            problem.changed(path=problem.path or row.where, fix=", or ".join(filter(None, (problem.fix, named))) or None)
            for problem in error.problems
        ) from None


def _pinned(points: Sequence[Point], lookup: ServingLookup, calibration: Calibration) -> list[Point]:
    """The points with what was left open as it is best for the first of them."""
    config = answer(points[0], lookup, calibration).config
    return [
        replace(
            point, accelerators=config.accelerators, tp=config.tp, pp=config.pp, ep=config.ep, dp=config.dp,
            weight_precision=config.weight_precision, kv_precision=config.kv_precision,
        )
        for point in points
    ]  # fmt: skip


def _errors(
    points: Sequence[Point], measured: Sequence[float], lookup: ServingLookup, calibration: Calibration
) -> tuple[float, ...]:
    """log(predicted / measured) of each run."""
    predicted = (answer(point, lookup, calibration).tpot_ms.typical for point in points)
    return tuple(math.log(p / m) for p, m in zip(predicted, measured, strict=True))


def _beyond_peak(
    points: Sequence[Point], measured: Sequence[float], lookup: ServingLookup, calibration: Calibration
) -> str | None:
    """Says which run is faster than the peak rates of its accelerators allow: it is of something else."""
    peak = at_peak(calibration)
    for point, tpot_ms in zip(points, measured, strict=True):
        least_ms = _decode_step_ms(point, lookup, peak)
        if tpot_ms < least_ms:
            return (
                f"{tpot_ms:.3g} ms a token with {point.concurrency:g} in flight is less than the {least_ms:.3g} ms that "
                "a decode step takes at the peak rates of the accelerators"
            )
    return None


def _decode_step_ms(point: Point, lookup: ServingLookup, calibration: Calibration) -> float:
    """A step of those who decode, without anybody's prefill: how that falls between tokens is the scheduler's doing, no limit."""
    instance = choose(point, lookup.model(point.model), lookup.accelerator(point.accelerator), calibration)
    state = instance.at(point.shape, point.concurrency or 1.0)
    return instance.decode_round_s(point.shape, float(state.decode_batch)) * 1e3


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def worst(fit: Refit) -> float:
    """|log(predicted / measured)| of the run that the fit misses most."""
    return max(map(abs, fit.after))


def _said_of_loads(loads_count: int, runs_count: int) -> str:
    repeats = f" ({loads_count} different in {runs_count} runs)" if runs_count > loads_count else ""
    if loads_count >= 3:
        return f"refitted from three or more loads{repeats}"
    return f"rescaled: three different loads or more would refit it{repeats}"


def _assumed_engine(rows: Sequence[BenchmarkRow], named: Named) -> tuple[str, ...]:
    if named.engine or all(row.engine for row in rows):
        return ()
    return (f"engine: the file does not say it and it is taken for {normalise_engine(None)}; state it with --engine",)


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
        Problem("the file does not say it", f"give {option}", row.where, field=field)
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
        raise InputError(Problem("the file does not say how many", "give -n", row.where, field="accelerators"))
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
        concurrency=None if row.concurrency is None else max(row.concurrency, 1.0),
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
    """The fit with what it measured, as it is written for ``estimate --own`` and ``self_host.benchmark``.

    Raises InputError for a fit that is none.
    """
    if own.unusable is not None:
        raise InputError(Problem(f"no fit is written: {own.unusable}", NO_FIT_FIX, name))
    p = own.point

    def span(field: str) -> tuple[float, float]:
        values = [float(getattr(row, field)) for row in own.used]
        return min(values), max(values)

    return OwnFit(
        benchmark=name, model=p.model, accelerator=p.accelerator, accelerators=p.accelerators or 1,
        layout={degree: getattr(p, degree) or 1 for degree in LAYOUT}, weight_precision=str(p.weight_precision),
        engine=str(p.engine), multipliers=own.fit.multipliers, input_tokens=span("input_tokens"),
        output_tokens=span("output_tokens"), concurrency=span("concurrency"),
        worst_residual=worst(own.fit), kv_precision=p.kv_precision, cached_input_share=p.cached_input_share,
    )  # fmt: skip


def _fitted(fit: OwnFit, path: Path, lookup: ServingLookup) -> tuple[ModelSpec, AcceleratorSpec]:
    """What the fit is of. Raises what the lookup raises, with the file and the key that names it."""
    try:
        field = "model"
        beside = path.parent / Path(fit.model).expanduser()
        model = lookup.model(str(beside) if looks_like_path(fit.model) and beside.exists() else fit.model)
        field = "accelerator"
        return model, lookup.accelerator(fit.accelerator)
    except BreakevenError as error:
        raise type(error)(problem.changed(path=problem.path or str(path), field=problem.field or field) for problem in error.problems) from None


def own_evidence(point: Point, path: Path, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    """The estimate with the user's own multipliers, grade A where they were measured; refuses one of something else."""
    fit = read_own_fit(path)
    model, accelerator = _fitted(fit, path, lookup)
    mine = knowing(adjusted(calibration, fit.multipliers), model, accelerator, engine=normalise_engine(fit.engine))
    estimate = answer(point, lookup, mine)
    asked = lookup.model(point.model)
    named = not (looks_like_path(fit.model) or looks_like_path(point.model))
    same = (
        (model.id == asked.id if named else alike(model, asked))
        and accelerator.id == lookup.accelerator(point.accelerator).id
        and normalise_engine(fit.engine) == estimate.config.engine
    )
    if not same:
        raise InputError(
            Problem("is of another model, accelerator or engine", "benchmark what you ask about", str(path))
        )
    graded, note = graded_by(
        fit, estimate, model=model, shape=point.shape, calibration=calibration,
        at_capacity=point.concurrency is None, accelerator=accelerator,
    )  # fmt: skip
    return replace(graded, notes=(*graded.notes, note))
