"""Demand over the week: 168 hourly weights of mean 1, their peak, and the load-duration curve.

Hours are UTC, Monday 00:00 first. Named shapes are facts of the catalogue (kind ``demand``);
``flat`` is a definition. A stated ``peak_to_mean`` reshapes the weights to that peak.
Source: docs/model.md, equations ``peak-to-mean``, ``batch-spread`` and ``load-duration``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from breakeven.arithmetic import AUTO, Arithmetic, Number
from breakeven.errors import InputError, Problem
from breakeven.units import HOURS_PER_DAY

if TYPE_CHECKING:
    from breakeven.profile.workload import Demand

HOURS_PER_WEEK = 168
FLAT = (1.0,) * HOURS_PER_WEEK


class Facts(Protocol):
    """The one question this room asks of the catalogue."""

    def find(self, kind: str, name: str) -> Any: ...

    def in_force(self, kind: str, name: str, field: str, as_of: dt.date) -> Any: ...


def hourly_weights(
    demand: Demand, *, catalogue: Facts, as_of: dt.date, base_dir: Path | None = None
) -> tuple[float, ...]:
    """The 168 weights of a profile's demand, mean 1. ``hourly_file`` is looked up beside the profile."""
    if demand.hourly is not None:
        weights = normalised(demand.hourly)
    elif demand.hourly_file is not None:
        weights = normalised(read_series((base_dir or Path()) / demand.hourly_file))
    elif demand.shape == "flat":
        weights = FLAT
    else:
        weights = named_shape(demand.shape, catalogue=catalogue, as_of=as_of)
    return weights if demand.peak_to_mean is None else with_peak(weights, peak_to_mean=demand.peak_to_mean)


def named_shape(name: str, *, catalogue: Facts, as_of: dt.date) -> tuple[float, ...]:
    """The weights of a shape of the catalogue."""
    shape = catalogue.find("demand", name)
    if shape.series:
        return normalised(catalogue.in_force("demand", name, "series", as_of).record.hourly)
    week = catalogue.in_force("demand", name, "shapes", as_of).record
    return normalised((*week.weekday * 5, *week.saturday, *week.sunday))


def normalised(weights: Sequence[float]) -> tuple[float, ...]:
    """24 or 168 relative weights as 168 of mean 1.

    >>> normalised([0.0] * 12 + [2.0] * 12)[11:13]
    (0.0, 2.0)
    """
    week = tuple(weights) * (HOURS_PER_WEEK // len(weights))
    mean = math.fsum(week) / HOURS_PER_WEEK
    return tuple(weight / mean for weight in week)


def with_peak(weights: Sequence[float], *, peak_to_mean: float) -> tuple[float, ...]:
    """The same course of the week with another peak; the mean stays 1.

    A lower peak draws every hour towards the mean in proportion. A higher one takes the missing
    volume evenly from all hours and adds it to the busiest hour.

    >>> max(with_peak([0.5, 1.5] * 84, peak_to_mean=1.2)), max(with_peak(FLAT, peak_to_mean=2.5))
    (1.2, 2.5)
    """
    top = max(weights)
    if peak_to_mean <= top:
        ratio = (peak_to_mean - 1.0) / (top - 1.0) if top > 1.0 else 1.0
        return tuple(peak_to_mean if w == top else 1.0 + (w - 1.0) * ratio for w in weights)
    busiest = list(weights).index(top)
    moved = (peak_to_mean - top) / (HOURS_PER_WEEK - top)
    return tuple(peak_to_mean if hour == busiest else w * (1.0 - moved) for hour, w in enumerate(weights))


def batch_ripple(*, batch_window_hours: Number, x: Arithmetic = AUTO) -> Number:
    """max(0, 1 - window / 24): how much of the day's shape is left in work that may wait.

    >>> batch_ripple(batch_window_hours=24.0), batch_ripple(batch_window_hours=6.0)
    (0.0, 0.75)
    """
    return x.maximum(0.0, 1.0 - batch_window_hours / HOURS_PER_DAY)


def effective_peak_to_mean(
    *, peak_to_mean: Number, batch_share: Number, batch_window_hours: Number, x: Arithmetic = AUTO
) -> Number:
    """(1 - b) rho + b (1 + (rho - 1) ripple): peak over mean when a share b may wait for its window.

    >>> effective_peak_to_mean(peak_to_mean=3.0, batch_share=0.5, batch_window_hours=24.0)
    2.0
    """
    waiting = 1.0 + (peak_to_mean - 1.0) * batch_ripple(batch_window_hours=batch_window_hours, x=x)
    return (1.0 - batch_share) * peak_to_mean + batch_share * waiting


def served_weights(
    weights: Sequence[float], *, batch_share: float, batch_window_hours: float
) -> tuple[float, ...]:
    """The load that machines see: interactive hours as they come, batch work spread over its window."""
    ripple = batch_ripple(batch_window_hours=batch_window_hours)
    return tuple((1.0 - batch_share) * w + batch_share * (1.0 + (w - 1.0) * ripple) for w in weights)


def read_series(path: Path) -> tuple[float, ...]:
    """24 or 168 weights, one per line; blank lines and lines that start with # are skipped.

    Longer series are whole weeks, averaged hour by hour. Raises :class:`InputError` with the line.
    """
    if not path.is_file():
        message = "is not a plain file" if path.exists() else "no such file"
        raise InputError(Problem(message, "name a text file with 24 or 168 numbers", str(path)))
    values: list[float] = []
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            text = line.split("#", 1)[0].strip().rstrip(",")
            if not text:
                continue
            try:
                value = float(text.split(",")[-1])
            except ValueError:
                if not values:
                    continue  # a header line
                raise InputError(
                    Problem(f"{text[:40]!r} is not a number", "write one weight per line", str(path), number, 1)
                ) from None
            if not 0.0 <= value < math.inf:
                raise InputError(Problem(f"{text[:40]!r} is not zero or more", "write a finite weight", str(path), number, 1))
            values.append(value)
            if len(values) > HOURS_PER_WEEK * 530:
                raise InputError(Problem("holds more than ten years of hours", "average it to one week", str(path)))
    if len(values) == 24:
        values *= 7
    if not values or len(values) % HOURS_PER_WEEK or math.fsum(values) <= 0:
        raise InputError(
            Problem(
                f"holds {len(values)} weights", "write 24, 168 or whole weeks of them, from Monday 00:00 UTC, not all zero",
                str(path),
            )
        )  # fmt: skip
    weeks = len(values) // HOURS_PER_WEEK
    return tuple(math.fsum(values[hour::HOURS_PER_WEEK]) / weeks for hour in range(HOURS_PER_WEEK))
