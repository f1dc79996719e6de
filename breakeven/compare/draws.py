"""Seeded quasi-random draws: scrambled Sobol points, rank correlations by a Gaussian copula.

The same seed gives the same bytes. Importing this module imports scipy (extra ``risk``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from breakeven.compare.distributions import normal_quantile, normal_share
from breakeven.errors import InputError, Problem


def uniform_draws(*, dimensions: int, count: int, seed: int) -> Any:
    """``count`` (a power of two) points in the open unit cube, one column per dimension."""
    from scipy.stats import qmc

    power = max(1, round(math.log2(count)))
    points = qmc.Sobol(d=dimensions, scramble=True, rng=np.random.default_rng(seed)).random_base2(power)
    # Never exactly 0 or 1: those are the ends of a distribution that may have none.
    return np.clip(points, 2.0**-53, 1.0 - 2.0**-53)


def correlated(points: Any, correlations: Mapping[tuple[int, int], float], *, where: Sequence[Problem]) -> Any:
    """The points with rank correlations between some columns; the others are left as they are.

    A rank correlation r asks for a correlation 2 sin(pi r / 6) of the normal scores. Raises
    InputError where the correlations cannot hold together.
    """
    columns = sorted({i for pair in correlations for i in pair})
    if not columns:
        return points
    size = len(columns)
    matrix = [[1.0 if i == j else 0.0 for j in range(size)] for i in range(size)]
    for (i, j), rank in correlations.items():
        a, b = columns.index(i), columns.index(j)
        matrix[a][b] = matrix[b][a] = 2.0 * math.sin(math.pi * rank / 6.0)
    lower = _cholesky(matrix)
    if lower is None:
        raise InputError(
            [Problem("these correlations cannot hold together", "weaken them", p.path, p.line, p.column, p.field) for p in where]
        )
    scores = [normal_quantile(points[:, column]) for column in columns]
    out = points.copy()
    for a, column in enumerate(columns):
        mixed = np.zeros(len(points))
        for b in range(a + 1):
            mixed = mixed + lower[a][b] * scores[b]
        out[:, column] = np.clip(normal_share(mixed), 2.0**-53, 1.0 - 2.0**-53)
    return out


def _cholesky(matrix: list[list[float]]) -> list[list[float]] | None:
    """The lower triangle whose square is the matrix; None where it is not positive definite."""
    size = len(matrix)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(lower[i][k] * lower[j][k] for k in range(j))
            if i == j:
                if rest <= 1e-12:
                    return None
                lower[i][i] = math.sqrt(rest)
            else:
                lower[i][j] = rest / lower[j][j]
    return lower
