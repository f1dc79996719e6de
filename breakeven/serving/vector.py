"""The array arithmetic. Importing this module imports numpy; the plain ``run`` never does."""

from __future__ import annotations

from typing import Any

import numpy as np

from breakeven.serving.arithmetic import Arithmetic, Number


class VectorArithmetic(Arithmetic):
    """numpy with the same rounding, operation by operation, as the scalar arithmetic."""

    def maximum(self, a: Number, b: Number) -> Number:
        return np.maximum(a, b)

    def minimum(self, a: Number, b: Number) -> Number:
        return np.minimum(a, b)

    def where(self, condition: Number, a: Number, b: Number) -> Number:
        return np.where(condition, a, b)

    def floor(self, a: Number) -> Number:
        return np.floor(a)

    def sqrt(self, a: Number) -> Number:
        return np.sqrt(a)

    def split(self, a: Number) -> tuple[Any, Any]:
        return np.frexp(a)

    def scale(self, a: Number, exponent: Number) -> Number:
        return np.ldexp(a, np.asarray(exponent).astype(np.int32))


VECTOR = VectorArithmetic()
