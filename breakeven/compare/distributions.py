"""What a range means: quantile functions with the same digits on every machine.

- ``triangular``: from low to high with the typical value as its mode;
- ``uniform``: from low to high;
- ``lognormal``: low and high are its 10 % and 90 % points, each side of the typical value with its own width.

Importing this module imports numpy. Sources: Wichura (1988), algorithm AS 241; Hart (1968), 5666.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from msgspec import Struct

from breakeven.vector_arithmetic import VECTOR

Shape = Literal["triangular", "uniform", "lognormal"]

_Z90 = 1.2815515655446004  # the standard normal's 90 % point

_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_TAIL = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip
_CDF_TOP = (0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871,
            221.213596169931, 220.206867912376)  # fmt: skip
_CDF_LOW = (0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674,
            637.333633378831, 793.826512519948, 440.413735824752)  # fmt: skip


class Distribution(Struct, frozen=True):
    """A range of one input."""

    low: float
    typical: float
    high: float
    shape: Shape = "triangular"

    def quantile(self, u: Any) -> Any:
        """The value below which a share ``u`` (an array in (0, 1)) lies."""
        if self.low == self.high:
            return np.full(np.shape(u), self.typical)
        if self.shape == "uniform":
            return self.low + (self.high - self.low) * u
        if self.shape == "lognormal":
            z = normal_quantile(u)
            up = VECTOR.log(np.float64(self.high / self.typical)) / _Z90
            down = VECTOR.log(np.float64(self.typical / self.low)) / _Z90
            return self.typical * VECTOR.exp(z * np.where(z > 0.0, up, down))
        span = self.high - self.low
        cut = (self.typical - self.low) / span
        rising = self.low + np.sqrt(u * span * (self.typical - self.low))
        falling = self.high - np.sqrt((1.0 - u) * span * (self.high - self.typical))
        return np.where(u < cut, rising, falling)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    out = coefficients[0] + 0.0 * x
    for coefficient in coefficients[1:]:
        out = out * x + coefficient
    return out


def normal_quantile(u: Any) -> Any:
    """z with P(Z <= z) = u, to about 1e-15 (AS 241).

    >>> round(float(normal_quantile(np.array([0.975]))[0]), 6)
    1.959964
    """
    u = np.asarray(u, dtype=np.float64)
    q = u - 0.5
    near = np.abs(q) <= 0.425
    r = 0.180625 - q * q
    centre = q * _polynomial(_CENTRE[0], r) / _polynomial(_CENTRE[1], r)
    side = np.where(near, 0.25, np.minimum(u, 1.0 - u))
    r = np.sqrt(-VECTOR.log(side))
    tail = _polynomial(_TAIL[0], r - 1.6) / _polynomial(_TAIL[1], r - 1.6)
    far = _polynomial(_FAR[0], r - 5.0) / _polynomial(_FAR[1], r - 5.0)
    outer = np.where(r <= 5.0, tail, far)
    return np.where(near, centre, np.where(q < 0.0, -outer, outer))


def normal_share(z: Any) -> Any:
    """P(Z <= z) for |z| < 7, to about 1e-14 (Hart 5666).

    >>> round(float(normal_share(np.array([1.959964]))[0]), 6)
    0.975
    """
    size = np.minimum(np.abs(z), 7.0)
    tail = VECTOR.exp(-size * size / 2.0) * _polynomial(_CDF_TOP, size) / _polynomial(_CDF_LOW, size)
    return np.where(z > 0.0, 1.0 - tail, tail)
