"""The array arithmetic. Importing this module imports numpy; the plain ``run`` never does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from breakeven.arithmetic import Arithmetic, Number


class VectorArithmetic(Arithmetic):
    """numpy with the same rounding, operation by operation, as the scalar arithmetic."""

    def maximum(self, a: Number, b: Number) -> Number:
        return np.maximum(a, b)

    def minimum(self, a: Number, b: Number) -> Number:
        return np.minimum(a, b)

    def where(self, condition: Number, a: Number, b: Number) -> Number:
        return np.where(condition, a, b)

    def every(self, condition: Number) -> bool:
        return bool(np.all(condition))

    def floor(self, a: Number) -> Number:
        return np.floor(a)

    def sqrt(self, a: Number) -> Number:
        return np.sqrt(a)

    def split(self, a: Number) -> tuple[Any, Any]:
        return np.frexp(a)

    def scale(self, a: Number, exponent: Number) -> Number:
        return np.ldexp(a, np.asarray(exponent).astype(np.int32))


class KeepingArithmetic(VectorArithmetic):
    """The same, giving back the kind of array it was given (numpy's ``where`` forgets it)."""

    def where(self, condition: Number, a: Number, b: Number) -> Number:
        plain = np.where(np.asarray(condition), np.asarray(a), np.asarray(b))
        return plain.view(type(condition)) if isinstance(condition, np.ndarray) else plain


VECTOR = VectorArithmetic()
KEEPING = KeepingArithmetic()


def exact_sum(terms: Sequence[Number]) -> Number:
    """``math.fsum`` over arrays, elementwise: the correctly rounded sum, whatever the order.

    Shewchuk's partial sums, kept for all points at once.

    >>> exact_sum([1e100, np.array([1.0, 2.0]), -1e100]).tolist()
    [1.0, 2.0]
    """
    numbers = [term for term in terms if not isinstance(term, np.ndarray)]
    arrays = [term for term in terms if isinstance(term, np.ndarray)]
    if not arrays:
        return math.fsum(numbers)
    start = [p for p in _partials(numbers) if p != 0.0]
    if len(start) + len(arrays) == 1:
        return arrays[0] + 0.0
    if len(start) + len(arrays) == 2:
        return arrays[0] + (start[0] if start else arrays[1])
    partials: list[Any] = list(start)
    for term in arrays:
        x = term
        grown: list[Any] = []
        for y in partials:
            high = x + y
            # Knuth's two-sum: exact without asking which of the two is larger
            part = high - x
            grown.append((x - (high - part)) + (y - part))
            x = high
        partials = [*grown, x]
    return _rounded(partials)


def _partials(numbers: Sequence[float]) -> list[float]:
    partials: list[float] = []
    for number in numbers:
        x, grown = number, []
        for y in partials:
            if abs(x) < abs(y):
                x, y = y, x
            high = x + y
            low = y - (high - x)
            if low:
                grown.append(low)
            x = high
        partials = [*grown, x]
    return partials


def _rounded(partials: list[Any]) -> Any:
    """The partials' sum rounded once, ties to even as ``math.fsum`` has it."""
    partials = _renormalised(partials)
    high = partials[-1]
    low = np.zeros_like(high)
    done = np.zeros(high.shape, dtype=bool)
    beyond = np.zeros_like(high)
    seen = np.zeros(high.shape, dtype=bool)
    for y in reversed(partials[:-1]):
        # Once a remainder is left over, only the sign of the next non-zero partial still matters.
        take = done & ~seen & (y != 0.0)
        beyond = np.where(take, y, beyond)
        seen |= take
        total = high + y
        rest = y - (total - high)
        high, low = np.where(done, high, total), np.where(done, low, rest)
        done |= rest != 0.0
    half = ((low < 0.0) & (beyond < 0.0)) | ((low > 0.0) & (beyond > 0.0))
    twice = low * 2.0
    moved = high + twice
    return np.where(half & (moved - high == twice), moved, high)


def _renormalised(partials: list[Any]) -> list[Any]:
    """Pass once more from small to large, so that magnitudes rise without overlap."""
    for _ in range(2):
        x = partials[0] + np.zeros_like(partials[-1])
        out = []
        for y in partials[1:]:
            high = x + y
            part = high - x
            out.append((x - (high - part)) + (y - part))
            x = high
        partials = [*out, x]
    return partials
