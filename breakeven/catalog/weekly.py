"""Prices that change by the hour of the week (UTC): peak and off-peak windows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from msgspec import Struct

HOURS_PER_WEEK = 168
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WindowRecord(Protocol):
    """What a catalogue record says of a window."""

    @property
    def days(self) -> Sequence[str]: ...
    @property
    def from_hour(self) -> int: ...
    @property
    def to_hour(self) -> int: ...
    @property
    def price_ratio(self) -> float: ...


class Window(Struct, frozen=True):
    """Hours [from_hour, to_hour) UTC of some days in which every price is multiplied."""

    days: tuple[str, ...]
    from_hour: int
    to_hour: int
    price_ratio: Fraction

    @classmethod
    def of(cls, record: WindowRecord) -> Window:
        """The window of a catalogue record, its ratio exactly as written."""
        return cls(tuple(record.days), record.from_hour, record.to_hour, Fraction(repr(record.price_ratio)))


def hourly_ratios(windows: Sequence[Window]) -> tuple[Fraction, ...]:
    """The price ratio of each of the 168 hours, Monday 00:00 UTC first; a later window wins."""
    ratios = [Fraction(1)] * HOURS_PER_WEEK
    for window in windows:
        for day in window.days:
            for hour in range(window.from_hour, window.to_hour):
                ratios[24 * DAYS.index(day) + hour] = window.price_ratio
    return tuple(ratios)


def mean_ratio(windows: Sequence[Window], weights: Sequence[float] | None) -> Fraction:
    """Mean of the price ratio over the week, weighted by demand: sum_h w_h r_h / sum_h w_h.

    Twice the price in seven hours of five days, at a flat load (35 of 168 hours):

    >>> peak = (Window(DAYS[:5], 1, 4, Fraction(2)), Window(DAYS[:5], 6, 10, Fraction(2)))
    >>> mean_ratio(peak, None)
    Fraction(29, 24)
    >>> float(Fraction("0.15") * mean_ratio(peak, None)), float(Fraction("0.6") * mean_ratio(peak, None))
    (0.18125, 0.725)
    """
    if not windows:
        return Fraction(1)
    exact = [Fraction(weight) for weight in week(weights)]
    return sum((w * r for w, r in zip(exact, hourly_ratios(windows), strict=True)), Fraction(0)) / sum(exact)


def week(weights: Sequence[float] | None) -> Sequence[float]:
    """168 weights from 168, from the 24 of one day, or from None (flat)."""
    if weights is None:
        return (1.0,) * HOURS_PER_WEEK
    if len(weights) == 24:
        return tuple(weights) * 7
    if len(weights) != HOURS_PER_WEEK:
        raise ValueError(f"needs 24 or 168 hourly weights, not {len(weights)}")
    return weights


def cheapest_hours(windows: Sequence[Window]) -> tuple[Fraction, int]:
    """The lowest ratio of the week, and the longest wait in hours until it applies again.

    >>> cheapest_hours((Window(DAYS[:5], 1, 4, Fraction(2)), Window(DAYS[:5], 6, 10, Fraction(2))))
    (Fraction(1, 1), 4)
    """
    ratios = hourly_ratios(windows)
    low = min(ratios)
    longest = run = 0
    for ratio in ratios * 2:  # twice round, so that a run over the end of the week counts whole
        run = run + 1 if ratio > low else 0
        longest = max(longest, run)
    return low, longest
