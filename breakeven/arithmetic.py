"""The same arithmetic for one number and for a million: equal to the last digit.

An equation that sweeps and risk analysis evaluate in bulk takes ``x``, an arithmetic, and uses
only + - * / and the functions below. IEEE 754 rounds each of these exactly, so a float and an
array element give the same bits on any machine; ``math.exp`` and ``numpy.exp`` do not, hence the
portable ones here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

# A float, or an array of them. The equations do not care, and mypy cannot follow numpy's overloads here.
Number = Any

_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700


class Arithmetic:
    """Scalar arithmetic: plain Python floats."""

    def maximum(self, a: Number, b: Number) -> Number:
        return a if a > b else b

    def minimum(self, a: Number, b: Number) -> Number:
        return a if a < b else b

    def where(self, condition: Number, a: Number, b: Number) -> Number:
        return a if condition else b

    def every(self, condition: Number) -> bool:
        """Whether the condition holds, of each element where there are many."""
        return bool(condition)

    def floor(self, a: Number) -> Number:
        return float(math.floor(a))

    def sqrt(self, a: Number) -> Number:
        return math.sqrt(a)

    def split(self, a: Number) -> tuple[Number, Number]:
        """a = mantissa x 2^exponent with 0.5 <= mantissa < 1."""
        return math.frexp(a)

    def scale(self, a: Number, exponent: Number) -> Number:
        """a x 2^exponent, exactly."""
        return math.ldexp(a, int(exponent))

    # --- built from the above, the same for floats and arrays ---------------------------------

    def clip(self, a: Number, low: Number, high: Number) -> Number:
        return self.minimum(self.maximum(a, low), high)

    def exp(self, a: Number) -> Number:
        """e^a for |a| <= 700 (clipped), relative error below 1e-15.

        >>> abs(SCALAR.exp(1.0) / math.e - 1) < 1e-15
        True
        """
        a = self.clip(a, -700.0, 700.0)
        k = self.floor(a * _LOG2_E + 0.5)
        r = (a - k * _LN2_HIGH) - k * _LN2_LOW
        term = 1.0 + r / 13.0
        for n in range(12, 0, -1):
            term = 1.0 + r / float(n) * term
        return self.scale(term, k)

    def log(self, a: Number) -> Number:
        """Natural logarithm of a > 0.

        >>> abs(SCALAR.log(10.0) - 2.302585092994046) < 1e-15
        True
        """
        mantissa, exponent = self.split(a)
        low = mantissa < 0.7071067811865476
        mantissa = self.where(low, mantissa * 2.0, mantissa)
        exponent = self.where(low, exponent - 1.0, exponent + 0.0)
        s = (mantissa - 1.0) / (mantissa + 1.0)
        square = s * s
        total = 1.0 / 23.0
        for n in range(21, 0, -2):
            total = 1.0 / float(n) + square * total
        return exponent * _LN2_HIGH + (exponent * _LN2_LOW + 2.0 * s * total)

    def power(self, a: Number, b: Number) -> Number:
        """a^b for a > 0."""
        return self.exp(b * self.log(a))


SCALAR = Arithmetic()


class AutomaticArithmetic(Arithmetic):
    """Plain floats as they are; arrays by the array arithmetic, which is imported when one comes."""

    def maximum(self, a: Number, b: Number) -> Number:
        return _vector().maximum(a, b) if _is_array(a) or _is_array(b) else (a if a > b else b)

    def minimum(self, a: Number, b: Number) -> Number:
        return _vector().minimum(a, b) if _is_array(a) or _is_array(b) else (a if a < b else b)

    def where(self, condition: Number, a: Number, b: Number) -> Number:
        return _vector().where(condition, a, b) if _is_array(condition) else (a if condition else b)

    def floor(self, a: Number) -> Number:
        return _vector().floor(a) if _is_array(a) else float(math.floor(a))

    def sqrt(self, a: Number) -> Number:
        return _vector().sqrt(a) if _is_array(a) else math.sqrt(a)

    def split(self, a: Number) -> tuple[Number, Number]:
        return _vector().split(a) if _is_array(a) else math.frexp(a)

    def scale(self, a: Number, exponent: Number) -> Number:
        return _vector().scale(a, exponent) if _is_array(a) or _is_array(exponent) else math.ldexp(a, int(exponent))


AUTO = AutomaticArithmetic()


def total(terms: Iterable[Number]) -> float:
    """``math.fsum``, elementwise where a term is an array.

    >>> total([0.1] * 10)
    1.0
    """
    rows = list(terms)
    if any(_is_array(row) for row in rows):
        from breakeven.vector_arithmetic import exact_sum

        return exact_sum(rows)  # type: ignore[no-any-return]
    return math.fsum(rows)


def _is_array(value: Number) -> bool:
    return hasattr(value, "ndim")


def _vector() -> Arithmetic:
    from breakeven.vector_arithmetic import KEEPING

    return KEEPING
