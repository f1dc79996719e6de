"""Predictions against measurements: signed and absolute errors, band width and hold rate, by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from breakeven.errors import BreakevenError, Infeasible
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import Measurement, NotComparable, measurements, shipped
from breakeven.offers.points import answer, choose
from breakeven.serving.burst import burst_output_tok_per_s, burst_state
from breakeven.serving.calibration import Calibration
from breakeven.serving.estimate import covered_at
from breakeven.serving.grade import Coverage, burst_band
from breakeven.serving.spec import Estimate


class Compared(Struct, frozen=True):
    """One prediction next to its measurement. Errors are predicted / measured - 1."""

    row: Measurement
    predicted: float
    low: float
    high: float
    error: float
    ttft_error: float | None
    grade: str
    is_moe: bool
    accelerator: str
    weight_precision: str
    accelerators: int

    @property
    def holds(self) -> bool:
        """Whether the measurement lies in the 80 % band."""
        return self.low <= self.row.measured <= self.high

    @property
    def band_ratio(self) -> float:
        return self.high / self.low


class Missed(Struct, frozen=True):
    """A row without a prediction. ``measured_but_refused`` counts against the model."""

    id: str
    reason: str
    measured_but_refused: bool


def compare_row(row: Measurement, lookup: ServingLookup, calibration: Calibration) -> Compared | Missed:
    """Answer one measured question with the calibrated model alone."""
    try:
        model = lookup.model(row.point.model)
    except BreakevenError:
        try:
            model = lookup.model(row.model)
        except BreakevenError as error:
            return Missed(row.id, error.problems[0].message, False)
        row = _renamed(row)
    try:
        estimate = answer(row.point, lookup, calibration)
        grade = estimate.grade
        if row.metric == "tpot":
            predicted, low, high = estimate.tpot_ms.typical, estimate.tpot_ms.low, estimate.tpot_ms.high
        else:
            band = estimate.output_tok_per_s
            predicted, low, high = band.typical, band.low, band.high
            if row.batch_requests is not None:
                predicted, seen = _burst(row, lookup, calibration)
                width = burst_band(calibration, model=model, band=seen.band)
                grade = seen.grade
                low, high = predicted * width.low, predicted * width.high
    except Infeasible as error:
        return Missed(row.id, error.problems[0].message, True)
    except BreakevenError as error:
        return Missed(row.id, error.problems[0].message, False)
    return Compared(
        row=row,
        predicted=predicted,
        low=low,
        high=high,
        error=predicted / row.measured - 1.0,
        ttft_error=_ttft_error(row, estimate),
        grade=grade,
        is_moe=model.is_moe,
        accelerator=lookup.accelerator(row.point.accelerator).id,
        weight_precision=estimate.config.weight_precision,
        accelerators=estimate.config.accelerators,
    )


def _renamed(row: Measurement) -> Measurement:
    from msgspec.structs import replace

    return replace(row, point=replace(row.point, model=row.model))


def _burst(row: Measurement, lookup: ServingLookup, calibration: Calibration) -> tuple[float, Coverage]:
    """The batch's throughput, and how far the calibration covers it: at its own size, not the cache's."""
    point = row.point
    instance = choose(point, lookup.model(point.model), lookup.accelerator(point.accelerator), calibration)
    assert row.batch_requests is not None
    seen = covered_at(instance, calibration, burst_state(instance, point.shape, requests=row.batch_requests))
    return burst_output_tok_per_s(instance, point.shape, requests=row.batch_requests), seen


def _ttft_error(row: Measurement, estimate: Estimate) -> float | None:
    if row.measured_ttft_ms is None:
        return None
    return estimate.ttft_ms_mean / row.measured_ttft_ms - 1.0


def compare_table(
    rows: list[dict[str, str]], lookup: ServingLookup, calibration: Calibration
) -> tuple[list[Compared], list[Missed]]:
    """Every row of a table, in order."""
    done: list[Compared] = []
    missed: list[Missed] = []
    for row in measurements(rows):
        if isinstance(row, NotComparable):
            missed.append(Missed(row.id, row.reason, False))
            continue
        result = compare_row(row, lookup, calibration)
        if isinstance(result, Compared):
            done.append(result)
        else:
            missed.append(result)
    return done, missed


def seen_by_the_fit(compared: Iterable[Compared]) -> int:
    """Rows whose question and figure the packaged calibration table holds: their errors are not those of unseen rows."""
    fitted = {_figure(row) for row in shipped()}
    return sum(_figure(item.row) in fitted for item in compared)


def _figure(row: Measurement) -> tuple[object, ...]:
    """What makes two tables' rows one measurement; names differ between tables, seven digits of a figure do not."""
    p = row.point
    load = row.batch_requests or p.concurrency
    return row.metric, p.accelerators, round(p.input_tokens), round(p.output_tokens), load, f"{row.measured:.5g}"


def quantile(values: Sequence[float], share: float) -> float:
    """Linear quantile of a non-empty sequence.

    >>> quantile([1.0, 2.0, 3.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


class Slice(Struct, frozen=True):
    """Errors of one group of rows."""

    by: str
    name: str
    rows: int
    median_abs_error: float
    p90_abs_error: float
    median_error: float
    band_ratio: float
    hold_share: float
    median_abs_ttft_error: float | None


SLICES: dict[str, Callable[[Compared], str]] = {
    "all": lambda c: "all rows",
    "regime": lambda c: f"{c.row.regime}, {'MoE' if c.is_moe else 'dense'}",
    "source": lambda c: c.row.source or "not stated",
    "model": lambda c: c.row.point.model,
    "accelerator": lambda c: c.accelerator,
    "engine": lambda c: c.row.engine,
    "precision": lambda c: c.weight_precision,
    "accelerators": lambda c: f"{c.accelerators}",
    "grade": lambda c: c.grade,
}


def slices(compared: Iterable[Compared]) -> list[Slice]:
    """Every group of every slice, in a fixed order."""
    rows = list(compared)
    out = []
    for by, key in SLICES.items():
        groups: dict[str, list[Compared]] = {}
        for row in rows:
            groups.setdefault(key(row), []).append(row)
        for name in sorted(groups):
            out.append(summarise(by, name, groups[name]))
    return out


def summarise(by: str, name: str, rows: Sequence[Compared]) -> Slice:
    """Median, p90, bias, band width and hold rate of a group."""
    absolute = [abs(row.error) for row in rows]
    first_tokens = [abs(row.ttft_error) for row in rows if row.ttft_error is not None]
    return Slice(
        by=by,
        name=name,
        rows=len(rows),
        median_abs_error=quantile(absolute, 0.5),
        p90_abs_error=quantile(absolute, 0.9),
        median_error=quantile([row.error for row in rows], 0.5),
        band_ratio=quantile([row.band_ratio for row in rows], 0.5),
        hold_share=sum(row.holds for row in rows) / len(rows),
        median_abs_ttft_error=quantile(first_tokens, 0.5) if first_tokens else None,
    )
