"""What the kernels of routed experts reach, from published timings of them alone.

Measurements of whole engines cannot tell slow experts from slow attention, and know few engines on few
generations with few precisions. A published table times one layer of experts at a time
(operators.csv.gz, drawn by ``extract_operators.py``):

    t = roofline(E covered padded 2 P / F, E covered P B / W) + expert_layer_s

with the step model's own formula for covered experts and padded rows. What is fitted here is where the
fit of whole engines starts, and what it keeps for an engine, generation or precision it has no rows of.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from breakeven.offers.lookup import ServingLookup
from breakeven.serving.calibration import compute_kind
from breakeven.serving.precision import BYTES_PER_PARAM
from breakeven.serving.step import roofline
from breakeven.serving.vector import VECTOR

OPERATORS = Path(__file__).parent.parent / "breakeven" / "catalog" / "data" / "calibration" / "operators.csv.gz"
FITTED = ("expert_compute", "expert_memory", "expert_overlap", "tile_rows", "expert_layer_s")
ERROR_SCALE = 0.12
# However many points an engine has on a generation, they weigh as much as this many.
GROUP_POINTS = 10.0
BASE_SPREAD, FACTOR_SPREAD = 1.0, 0.4
DIFFERENCE = 1e-6

Name = tuple[str, str]


class Operator(NamedTuple):
    """One timing; ``row_s`` and ``memory_s`` are seconds at the hardware's peak."""

    engine: str
    generation: str
    kind: str
    measured_s: float
    row_s: float  # one row through one expert
    memory_s: float  # the weights of the experts that are touched
    covered: float  # experts that are touched
    rows: float  # rows of each


def load_operators(lookup: ServingLookup, *, path: Path = OPERATORS) -> list[Operator]:
    """Every timing of the packaged table."""
    text = gzip.decompress(path.read_bytes()).decode("utf-8")
    return [_operator(row, lookup) for row in csv.DictReader(io.StringIO(text))]


def _operator(row: dict[str, str], lookup: ServingLookup) -> Operator:
    accelerator = lookup.accelerator(row["accelerator"])
    tokens, experts, each = (float(row[name]) for name in ("tokens", "experts", "experts_per_token"))
    size, compute = BYTES_PER_PARAM[row["precision"]], f"f{row['operand_bits']}"
    params = 3.0 * float(row["hidden"]) * float(row["expert_intermediate"]) / (float(row["tp"]) * float(row["ep"]))
    odds = tokens * each / (experts - each)
    covered = experts * odds / (1.0 + odds)
    return Operator(
        engine=row["engine"],
        generation=accelerator.generation,
        kind=compute_kind(compute, size),
        measured_s=float(row["latency_us"]) * 1e-6,
        row_s=2.0 * params / accelerator.flop_per_s[compute],
        memory_s=covered * params * size / accelerator.memory_bytes_per_s,
        covered=covered,
        rows=tokens * each / covered,
    )


class OperatorFit:
    """Timings as arrays, and the least-squares fit of the shares and times they show."""

    def __init__(
        self,
        operators: Sequence[Operator],
        *,
        keys: Callable[[str, str, str, str], list[str]],
        start: Callable[[Name], float],
    ) -> None:
        """``keys`` names the base and factors of (parameter, kind, engine, generation), as the fit of engines does."""
        places: dict[Name, int] = {}
        columns = {
            p: [[places.setdefault((p, k), len(places)) for k in keys(p, o.kind, o.engine, o.generation)] for o in operators]
            for p in FITTED
        }
        self.names = list(places)
        none = len(self.names)
        self.columns = {p: np.array([row + [none] * (5 - len(row)) for row in rows]) for p, rows in columns.items()}
        self.start = np.array([start(name) for name in self.names])
        self.spread = np.array([FACTOR_SPREAD if ":" in k else BASE_SPREAD for _, k in self.names])
        self.operators = Operator(*(np.array(column) for column in zip(*operators, strict=True)))  # type: ignore[arg-type]
        groups = [(o.engine, o.generation, o.kind) for o in operators]
        counts = {group: groups.count(group) for group in set(groups)}
        self.weight = np.sqrt([GROUP_POINTS / counts[group] for group in groups])

    def errors(self, theta: Any) -> Any:
        """log(predicted / measured) of every timing."""
        o, padded = self.operators, np.append(theta, 0.0)
        v = {p: np.exp(padded[ix].sum(axis=1)) for p, ix in self.columns.items()}
        rows = np.maximum(o.rows + 0.5 * v["tile_rows"], v["tile_rows"])
        time = roofline(
            VECTOR,
            compute_s=o.covered * rows * o.row_s / v["expert_compute"],
            memory_s=o.memory_s / v["expert_memory"],
            overlap=v["expert_overlap"],
        )
        return np.log((time + v["expert_layer_s"]) / o.measured_s)

    def residuals(self, theta: Any) -> Any:
        e = self.errors(theta)
        soft = np.sign(e) * np.sqrt(2.0 * (np.sqrt(1.0 + (e / ERROR_SCALE) ** 2) - 1.0))
        return np.concatenate([self.weight * soft, (theta - self.start) / self.spread])

    def jacobian(self, theta: Any) -> Any:
        """Forward differences; each timing depends on one number of a sort, so all of a sort move at once."""
        count, still = len(self.weight), self.residuals(theta)
        out = np.zeros((len(still), len(theta)))
        out[count:] = np.diag(1.0 / self.spread)
        for places in self.columns.values():
            for column in places.T:
                rows = np.flatnonzero(column < len(theta))
                if rows.size:
                    moved = theta.copy()
                    moved[np.unique(column[rows])] += DIFFERENCE
                    out[rows, column[rows]] = ((self.residuals(moved) - still)[:count] / DIFFERENCE)[rows]
        return out

    def solve(self) -> dict[Name, float]:
        """Logarithms of the bases and factors."""
        found = least_squares(self.residuals, self.start, jac=self.jacobian, max_nfev=40, x_scale=self.spread)
        return {name: float(value) for name, value in zip(self.names, found.x, strict=True)}
