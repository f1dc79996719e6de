"""One idea: every way to serve a workload is an ``Offer``, a bill made of ``CostLine``s.

An API, a rented GPU, an owned server, provisioned throughput and a hybrid are all offers; what
follows (crossover, forecast, risk, gate, report) treats them alike. ``kind`` only labels them.

Cost of an offer at a volume V (Mtok a day, input + output, in the API's tokens):

    C(V) = F + n(V) f + v V,    n(V) = max(n_min, ceil(V / kappa) + r)

with F, f, v the sums of the three coefficients of its lines, kappa the mean-day volume one
replica carries, r redundant replicas. A minimum spend M makes it max(M, ...) for the lines it
covers. Source: docs/model.md, equations ``offer-cost`` and ``replicas``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from breakeven.arithmetic import total

Kind = Literal["api", "provisioned", "rented", "owned", "hybrid"]
Category = Literal[
    "tokens", "fees", "compute", "capital", "power", "facility", "labour", "software", "network", "one-off"
]


class Term(Struct, frozen=True):
    """One number that went into a figure: its name, value, unit and where it came from."""

    name: str
    value: Any
    unit: str
    sources: tuple[str, ...] = ()  # ids into Comparison.sources; empty = the profile or a default
    where: str | None = None  # "profile:workload.input_tokens", "default", "estimate", ...


class CostLine(Struct, frozen=True):
    """One line of a bill. All coefficients in USD; see the module's equation."""

    id: str
    name: str
    category: Category
    usd_per_day: float = 0.0
    usd_per_replica_day: float = 0.0
    usd_per_mtok: float = 0.0
    equation: str = ""  # id in docs/model.md
    terms: tuple[Term, ...] = ()
    sources: tuple[str, ...] = ()
    counts_towards_minimum: bool = False

    def usd_at(self, *, mtok_per_day: float, replicas: float) -> float:
        """USD a day of this line at a volume and a replica count."""
        return self.usd_per_day + self.usd_per_replica_day * replicas + self.usd_per_mtok * mtok_per_day


class Serving(Struct, frozen=True):
    """How an offer serves: the configuration, what one replica sustains and how sure that is."""

    model: str
    accelerator: str
    accelerators_per_replica: int
    config: Mapping[str, Any]  # tp, pp, ep, dp, weight_precision, kv_precision, engine, concurrency
    grade: str
    evidence: str
    limit: str
    output_tok_per_s: Mapping[str, float]  # low / typical / high
    ttft_ms: Mapping[str, float]
    tpot_ms: Mapping[str, float]
    meets_latency: bool
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()  # those of the notes that are about the profile's own choices: reports warn of them
    sized_by: Literal["profile", "benchmark", "sizing", "measurement"] = "sizing"  # who chose the number of accelerators


class Offer(Struct, frozen=True):
    """A way to serve the workload; see the module docstring for the cost law."""

    id: str
    name: str
    kind: Kind
    lines: tuple[CostLine, ...]
    tokens_per_day_per_replica: float | None = None  # kappa, tokens; None = no replicas (API)
    capacity_per_replica_tokens_per_day: float | None = None  # k: flat 24 h, at the targets, no headroom
    min_replicas: int = 0
    redundant_replicas: int = 0
    minimum_usd_per_day: float = 0.0
    eligible: bool = True
    feasible: bool = True
    why_not: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    serving: Serving | None = None
    capacity_band: tuple[float, float] | None = None  # low and high factor on k (80 % band)
    gpus_per_replica: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fixed_usd_per_day(self) -> float:
        """F of the cost law."""
        return total(line.usd_per_day for line in self.lines)

    @property
    def usd_per_replica_day(self) -> float:
        """f of the cost law."""
        return total(line.usd_per_replica_day for line in self.lines)

    @property
    def usd_per_mtok(self) -> float:
        """v of the cost law."""
        return total(line.usd_per_mtok for line in self.lines)

    def replicas_at(self, tokens_per_day: float) -> int:
        """n(V) = max(n_min, ceil(V / kappa) + r). Zero for an offer without replicas."""
        kappa = self.tokens_per_day_per_replica
        if kappa is None:
            return 0
        return max(self.min_replicas, steps(tokens_per_day, kappa) + self.redundant_replicas)

    def usd_per_day_at(self, tokens_per_day: float) -> float:
        """C(V) in USD a day, minimum spend included."""
        return math.fsum(usd for _, usd in self.bill(tokens_per_day))

    def bill(self, tokens_per_day: float) -> tuple[tuple[CostLine, float], ...]:
        """Each line with its USD a day at the volume; a minimum spend adds its top-up to the last covered line."""
        mtok = tokens_per_day / 1e6
        replicas = self.replicas_at(tokens_per_day)
        rows = [(line, line.usd_at(mtok_per_day=mtok, replicas=replicas)) for line in self.lines]
        if self.minimum_usd_per_day > 0:
            covered = math.fsum(usd for line, usd in rows if line.counts_towards_minimum)
            top_up = max(0.0, self.minimum_usd_per_day - covered)
            rows = [(line, usd + top_up if line.id == "minimum-spend" else usd) for line, usd in rows]
        return tuple(rows)


def steps(volume: float, width: float) -> int:
    """ceil(volume / width) for volume >= 0, exact at the steps: volume == j * width gives j.

    >>> steps(0, 10), steps(10, 10), steps(10.000001, 10)
    (0, 1, 2)
    """
    if volume <= 0:
        return 0
    count = math.ceil(volume / width)
    # The quotient may round across an integer; the product decides, as the crossing law states it.
    while count > 0 and (count - 1) * width >= volume:
        count -= 1
    while count * width < volume:
        count += 1
    return count
