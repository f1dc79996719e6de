"""One array in place of one number: the builders run once for many points.

A ``Many`` is a float array that behaves like a number in every formula of + - * /; IEEE 754 makes
each element the digits that the plain number would give. Where code branches (``if``, ``max``), all
points must agree: if they do not, :class:`Disagree` carries who took which branch, and the caller
splits the points there. What cannot take an array at all (a dictionary key, ``math.fsum``, a
decimal) raises, and the caller varies that key from outside instead. Nothing is approximated.

Importing this module imports numpy; the plain ``run`` never does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from breakeven.vector_arithmetic import exact_sum

Array = Any  # a float64 array, or a plain float that stands for every point


__all__ = ["Array", "Disagree", "Many", "exact_sum", "is_many", "many", "plain", "step_counts"]


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
