"""One array in place of one number: the builders run once for many points.

A ``Many`` is a float array that behaves like a number in every formula of + - * /; IEEE 754 makes
each element the digits that the plain number would give. Where code branches (``if``, ``max``), all
points must agree: if they do not, :class:`Disagree` carries who took which branch, and the caller
splits the points there. What cannot take an array at all (a dictionary key, ``math.fsum``, a
decimal) raises, and the caller varies that key from outside instead. Nothing is approximated.

Importing this module imports numpy; the plain ``run`` never does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any  # a float64 array, or a plain float that stands for every point


class Disagree(Exception):
    """The points disagree about a branch; ``mask`` tells who takes it."""

    def __init__(self, mask: Any) -> None:
        super().__init__("points take different branches")
        self.mask = mask


class Many(np.ndarray):
    """See the module."""

    def __bool__(self) -> bool:
        plain = self.view(np.ndarray)
        if plain.all():
            return True
        if not plain.any():
            return False
        raise Disagree(plain.astype(bool))

    def __format__(self, spec: str) -> str:
        return "varies"

    def __str__(self) -> str:
        return "varies"

    __hash__ = None

    def __float__(self) -> float:
        raise TypeError("many numbers are not one")

    def __int__(self) -> int:
        raise TypeError("many numbers are not one")


def many(values: Any) -> Many:
    """An array of floats as a :class:`Many`."""
    return np.asarray(values, dtype=np.float64).view(Many)


def plain(value: Any) -> Array:
    """Without the branch rules: for vectorised code that means its comparisons elementwise."""
    return value.view(np.ndarray) if isinstance(value, np.ndarray) else value


def is_many(value: Any) -> bool:
    """Whether a value stands for several points."""
    return isinstance(value, np.ndarray)


def exact_sum(terms: Sequence[Array]) -> Array:
    """``math.fsum`` over arrays, elementwise: the correctly rounded sum, whatever the order.

    Shewchuk's partial sums, kept for all points at once.

    >>> exact_sum([1e100, np.array([1.0, 2.0]), -1e100]).tolist()
    [1.0, 2.0]
    """
    numbers = [term for term in terms if not is_many(term)]
    arrays = [term for term in terms if is_many(term)]
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


def step_counts(volumes: Any, widths: Array) -> Any:
    """:func:`breakeven.offers.offer.steps` elementwise, as floats."""
    count = np.ceil(volumes / widths)
    while True:
        less = (count > 0) & ((count - 1.0) * widths >= volumes)
        if not less.any():
            break
        count = count - less
    while True:
        more = count * widths < volumes
        if not more.any():
            break
        count = count + more
    return np.where(volumes <= 0, 0.0, count)
