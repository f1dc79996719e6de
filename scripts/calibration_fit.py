"""The fit behind ``scripts/calibrate.py``: rows of measurements to parameters of the step model.

Everything is fitted in logarithms. A parameter's value for a row is a base (by kind) times a factor
of the engine, of the engine and kind together, of the hardware generation, and of the engine on that
generation; factors are drawn towards one and bases towards textbook values, so a slice with few rows borrows from the others.
Those of routed experts are drawn towards what timings of them alone say (``calibration_operators``).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

sys.path.insert(0, str(Path(__file__).parent.parent))

from calibration_operators import OperatorFit, load_operators

from breakeven.errors import BreakevenError
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import Measurement, NotComparable, measurements
from breakeven.offers.points import _configs
from breakeven.offers.sizing import resolve_config
from breakeven.serving.burst import burst_in_flight
from breakeven.serving.calibration import kinds
from breakeven.serving.grade import architecture
from breakeven.serving.instance import BEST_SHARES
from breakeven.serving.load import Requests, Scheduling, closed_loop
from breakeven.serving.memory import Footprint, concurrency_cap, footprint
from breakeven.serving.precision import Numerics, numerics
from breakeven.serving.spec import AcceleratorSpec, ModelSpec, ServingConfig
from breakeven.serving.step import PARAMETER_FIELDS, StepParameters
from breakeven.serving.vector import VECTOR
from breakeven.serving.work import Work, stack, work

# name: (unit, low, high, start). Shares are of a datasheet peak, so at most one.
PARAMETERS: dict[str, tuple[str, float, float, float]] = {
    "dense_compute": ("share", 0.1, 0.95, 0.55),
    "wave_elements": ("elements", 1e3, 5e6, 1e6),
    "dense_memory": ("share", 0.4, 0.98, 0.8),
    "expert_compute": ("share", 0.05, 0.9, 0.4),
    "expert_memory": ("share", 0.1, 0.95, 0.65),
    "attention_compute": ("share", 0.05, 0.9, 0.65),
    "cache_memory": ("share", 0.1, 0.98, 0.7),
    "cache_compute": ("share", 0.03, 0.9, 0.3),
    "link": ("share", 0.05, 0.95, 0.6),
    "expert_link": ("share", 0.03, 0.9, 0.3),
    "overlap": ("share", 0.001, 1.0, 0.15),
    "expert_overlap": ("share", 0.001, 1.0, 0.6),
    "tile_rows": ("rows", 2.0, 128.0, 24.0),
    "activation_traffic": ("ratio", 0.3, 4.0, 1.0),
    "collective_s": ("s", 1e-6, 1e-4, 9e-6),
    "collective_doubling_s": ("s", 1e-8, 3e-5, 1.5e-6),
    "expert_collective_s": ("s", 1e-6, 2e-4, 15e-6),
    "product_s": ("s", 1e-7, 5e-5, 4e-6),
    "layer_s": ("s", 1e-6, 1e-4, 10e-6),
    "expert_layer_s": ("s", 1e-6, 2e-4, 25e-6),
    "step_s": ("s", 1e-5, 1e-2, 3e-4),
    "sequence_s": ("s", 1e-8, 3e-5, 4e-6),
    "sequence_layer_s": ("s", 1e-9, 1e-6, 5e-8),
    "prefill_step_s": ("s", 1e-7, 2e-4, 1e-4),
    "cache_share": ("share", 0.8, 0.98, 0.92),
    "reserve_bytes": ("bytes", 5e8, 8e9, 3e9),
    "growth_share": ("share", 0.45, 1.0, 0.8),
    "front_end_s": ("s", 0.001, 0.5, 0.02),
    "bunching": ("share", 0.001, 0.5, 0.1),
    "stage_step_s": ("s", 1e-5, 1e-2, 5e-4),
}
# Textbook starting values by kind, where one start does not fit all. Dense products: what vendors'
# libraries reach with large square ones; wave_elements: half of 132 cores x a tile of 128 x 128;
# attention: FlashAttention 2 and 3; prefill_step_s: a dozen launches of about 8 us.
STARTS = {
    ("dense_compute", "f16"): 0.7, ("dense_compute", "f8"): 0.65, ("dense_compute", "f4"): 0.5,
    ("dense_compute", "i8"): 0.5, ("link", "host"): 0.25, ("link", "pcie"): 0.4, ("collective_s", "host"): 30e-6,
    ("collective_s", "pcie"): 15e-6, ("expert_compute", "f4"): 0.2, ("growth_share", "tensorrt-llm"): 0.95,
    ("growth_share", "vllm"): 0.7, ("growth_share", "sglang"): 0.7,
}  # fmt: skip
ENGINE_FACTORS = (
    "expert_compute", "expert_memory", "cache_memory", "link", "activation_traffic", "collective_s",
    "expert_collective_s", "layer_s", "expert_layer_s", "step_s", "sequence_s", "sequence_layer_s", "prefill_step_s",
    "front_end_s",
    "bunching",
)  # fmt: skip
ENGINE_KIND_FACTORS = ("expert_compute", "expert_memory", "expert_layer_s")
# Engines bring their own kernels for the experts of each generation, by generation: width of the prior.
ENGINE_GENERATION_FACTORS = {"expert_compute": 0.6, "expert_memory": 0.6, "expert_layer_s": 0.5}
GENERATION_FACTORS = (
    "dense_compute", "dense_memory", "expert_compute", "expert_memory", "attention_compute", "cache_memory",
    "tile_rows", "layer_s", "expert_layer_s",
)  # fmt: skip
SCHEDULING = {
    "any": {
        "budget_tokens": 8192.0, "mixed": 1.0, "rank_balance": 1.0, "max_sequences": 16384.0, "window_kept": 0.0,
    },
    "sglang": {
        "budget_tokens": 8192.0, "mixed": 0.0, "rank_balance": 1.0, "max_sequences": 16384.0, "window_kept": 0.0,
    },
    # KvCacheConfig.max_attention_window is unset by default: one pool keeps every token of every layer
    # (nvidia.github.io/TensorRT-LLM/llm-api/reference/KvCacheConfig.html, read on 2026-11-24).
    "tensorrt-llm": {
        "budget_tokens": 8192.0, "mixed": 1.0, "rank_balance": 1.0, "max_sequences": 16384.0, "window_kept": 1.0,
    },
}  # fmt: skip
BASE_SPREAD, FACTOR_SPREAD = 0.35, 0.2
# Host software differs more than silicon does.
LOOSE = (
    "front_end_s", "bunching", "prefill_step_s", "sequence_layer_s", "sequence_s", "stage_step_s",
)  # fmt: skip
# What a kernel reaches and a launch takes is known far better than how software schedules. Rows at
# capacity cannot tell a launch from work that grows with the batch, and rows of one architecture a
# slow product from slow routing: firm, or such rows move what they do not measure.
FIRM = {
    "dense_compute": 0.3, "dense_memory": 0.3, "wave_elements": 0.5, "attention_compute": 0.5, "cache_memory": 0.5,
    "layer_s": 0.5, "collective_s": 0.5, "collective_doubling_s": 0.5, "link": 0.5, "expert_link": 0.5,
    "activation_traffic": 0.5, "tile_rows": 0.5, "overlap": 0.5,
}  # fmt: skip
# Engines call the same kernel libraries, and differ more in what they add around them.
SHARED_KERNELS = ("expert_compute", "expert_memory", "cache_memory", "link", "activation_traffic")
SHARED_SPREAD = 0.5
PRIOR_WEIGHT = 1.5
ERROR_SCALE, TTFT_SCALE, TTFT_WEIGHT = 0.08, 0.3, 0.25
DIFFERENCE = 1e-6


@dataclass(frozen=True)
class Row:
    """A measurement with everything that does not depend on parameters."""

    measurement: Measurement
    model: ModelSpec
    accelerator: AcceleratorSpec
    config: ServingConfig
    numbers: Numerics
    work: Work
    footprint: Footprint


def load_rows(table: list[dict[str, str]], lookup: ServingLookup) -> list[Row]:
    """Every comparable row, less those that contradict their own series."""
    rows = []
    for item in measurements(table):
        if isinstance(item, NotComparable):
            continue
        try:
            rows.append(_row(item, lookup))
        except BreakevenError:
            continue
    return drop_contradictions(rows)


def _row(item: Measurement, lookup: ServingLookup) -> Row:
    point = item.point
    try:
        model = lookup.model(point.model)
    except BreakevenError:
        model = lookup.model(item.model)
    accelerator = lookup.accelerator(point.accelerator)
    assert point.accelerators is not None
    base = resolve_config(
        model=model, accelerator=accelerator, accelerators=point.accelerators, engine=point.engine,
        weight_precision=point.weight_precision, kv_precision=point.kv_precision,
    )  # fmt: skip
    config = _configs(point, model, accelerator, base)[0]
    numbers = numerics(model, accelerator, weights=config.weight_precision, kv=config.kv_precision)
    return Row(
        measurement=item,
        model=model,
        accelerator=accelerator,
        config=config,
        numbers=numbers,
        work=work(model=model, accelerator=accelerator, config=config, numerics=numbers),
        footprint=footprint(model=model, accelerator=accelerator, config=config, numerics=numbers),
    )


def drop_contradictions(rows: list[Row]) -> list[Row]:
    """Leave out rows whose TPOT is far below that of the same system at a lower concurrency.

    More requests in flight never make a token faster; such a row is mislabelled (the wrong
    concurrency, most often), or the row below it is an outlier. Where three or more others disagree
    with a row, it goes; in a pair, the slower.
    """
    series: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row.measurement.metric == "tpot":
            p = row.measurement.point
            key = (row.config, row.model.id, row.accelerator.id, p.input_tokens, p.output_tokens)
            series.setdefault(key, []).append(row)
    bad: set[str] = set()
    for members in series.values():
        against: dict[str, int] = {}
        pairs = []
        for a in members:
            for b in members:
                faster = a.measurement.measured < 0.9 * b.measurement.measured
                if (a.measurement.point.concurrency or 0) > (b.measurement.point.concurrency or 0) and faster:
                    pairs.append((a.measurement.id, b.measurement.id))
                    for name in pairs[-1]:
                        against[name] = against.get(name, 0) + 1
        while pairs:
            worst = max({n for pair in pairs for n in pair}, key=lambda n: (against[n], n in {b for _, b in pairs}, n))
            bad.add(worst)
            pairs = [pair for pair in pairs if worst not in pair]
    return [row for row in rows if row.measurement.id not in bad]


def repeat_weights(rows: Sequence[Row]) -> Any:
    """Square roots of 1 / n, for n rows of one source that ask the same question.

    A page that lists a model and its fine-tune (Llama 3 and 3.1 70B agree within a per cent) measured
    one configuration twice: that halves the noise, but what the model misses there is the same both times.
    """
    def question(row: Row) -> tuple[Any, ...]:
        m, p = row.measurement, row.measurement.point
        return (
            architecture(row.model), row.accelerator.id, row.config, p.input_tokens, p.output_tokens, p.concurrency,
            m.batch_requests, m.metric, m.source,
        )  # fmt: skip

    count = Counter(question(row) for row in rows)
    return np.array([count[question(row)] ** -0.5 for row in rows])


class Fit:
    """Measurements as arrays, and the residuals of a parameter vector."""

    def __init__(self, rows: Sequence[Row], *, kernels: Mapping[tuple[str, str], float]) -> None:
        """``kernels``: logarithms to start from instead of textbook values, from timings of single operators."""
        self.rows = list(rows)
        factors = [self._factors(row) for row in self.rows]
        self.names = sorted({(n, k) for f in factors for n, keys in f.items() for k in keys})
        place = {name: i for i, name in enumerate(self.names)}
        none = len(self.names)
        self.place = {
            n: np.array(
                [[place[(n, k)] for k in f[n]] + [none] * (5 - len(f[n])) for f in factors], dtype=np.intp
            )
            for n in PARAMETERS
        }
        self.start = np.array([kernels.get(n, textbook(n)) for n in self.names])
        self.spread = np.array([_spread(n, k) for n, k in self.names])
        self._arrays()

    @staticmethod
    def _factors(row: Row) -> dict[str, list[str]]:
        engine, generation = row.config.engine, row.accelerator.generation
        by_kind = kinds(row.model, row.accelerator, row.numbers, engine=engine)
        return {name: keys(name, by_kind.get(name, "any"), engine, generation) for name in PARAMETERS}

    def _arrays(self) -> None:
        source, share = [], []
        for i, row in enumerate(self.rows):
            for step in BEST_SHARES if row.measurement.regime == "max-throughput" else (1.0,):
                source.append(i)
                share.append(step)
        self.source, self.share = np.array(source), np.array(share)
        rows = [self.rows[i] for i in source]
        self.first = np.searchsorted(self.source, np.arange(len(self.rows)))
        self.work = stack([r.work for r in rows], np.array)
        self.footprint = Footprint(
            **{f: np.array([float(getattr(r.footprint, f)) for r in rows]) for f in Footprint.__struct_fields__}
        )
        self.input = np.array([r.measurement.point.input_tokens for r in rows])
        self.output = np.array([r.measurement.point.output_tokens for r in rows])
        self.copies = np.array([float(r.config.copies) for r in rows])
        rules = [SCHEDULING.get(r.config.engine, SCHEDULING["any"]) for r in rows]
        self.rules = {name: np.array([rule[name] for rule in rules]) for name in SCHEDULING["any"]}
        self.ranks = np.array([float(r.config.attention_ranks) for r in rows])
        self.limit = self.rules["max_sequences"] * self.ranks
        regime = np.array([r.measurement.regime for r in rows])
        self.at_cap = regime == "max-throughput"
        asked = [r.measurement.point.concurrency or burst_in_flight(r.measurement.batch_requests or 0.0) for r in rows]
        each = np.array(asked) / self.copies
        self.asked = np.maximum(each, 1.0)
        self.busy = np.where(self.at_cap, 1.0, np.minimum(each, 1.0))  # fewer requests than copies leave copies idle
        self.weight = repeat_weights(self.rows)
        self.is_tpot = np.array([r.measurement.metric == "tpot" for r in self.rows])
        self.measured = np.array([
            r.measurement.measured * (1e-3 if r.measurement.metric == "tpot" else 1.0) for r in self.rows
        ])
        self.measured_ttft = np.array([
            r.measurement.measured_ttft_ms * 1e-3 if r.measurement.measured_ttft_ms else np.nan for r in self.rows
        ])

    def values(self, theta: Any) -> dict[str, Any]:
        """Each parameter for each (expanded) row."""
        padded = np.append(theta, 0.0)
        return {
            n: np.clip(np.exp(padded[ix].sum(axis=1)), PARAMETERS[n][1], PARAMETERS[n][2])[self.source]
            for n, ix in self.place.items()
        }

    def predict(self, theta: Any) -> tuple[Any, Any, Any]:
        """(TPOT in s or output tok/s, TTFT in s, sequences a rank decodes at once) of every row."""
        v = self.values(theta)
        step = StepParameters(**{n: v[n] for n in PARAMETER_FIELDS})
        cap = concurrency_cap(
            VECTOR, self.footprint, cache_share=v["cache_share"], reserve_bytes=v["reserve_bytes"],
            window_kept=self.rules["window_kept"], input_tokens=self.input, held_output=self.output * v["growth_share"],
        )  # fmt: skip
        cap = np.minimum(cap, self.limit)
        concurrency = np.where(self.at_cap, np.maximum(cap * self.share, 1.0), self.asked)
        scheduling = Scheduling(
            budget_tokens=self.rules["budget_tokens"], mixed=self.rules["mixed"],
            rank_balance=self.rules["rank_balance"], front_end_s=v["front_end_s"], bunching=v["bunching"],
            stage_step_s=v["stage_step_s"],
            max_sequences=self.rules["max_sequences"],
        )  # fmt: skip
        state = closed_loop(
            VECTOR, self.work, step, scheduling, Requests(self.input, 0.0 * self.input, self.output),
            concurrency=concurrency, cap=cap,
        )  # fmt: skip
        throughput = state.requests_per_s * self.busy * self.output * self.copies
        best = np.zeros(len(self.rows))
        np.maximum.at(best, self.source, throughput)
        batch = np.zeros(len(self.rows))
        chosen = throughput >= best[self.source]
        batch[self.source[chosen]] = (state.decode_batch / self.ranks)[chosen]
        return np.where(self.is_tpot, state.tpot_s[self.first], best), state.ttft_s[self.first], batch

    def residuals(self, theta: Any) -> Any:
        predicted, ttft, _ = self.predict(theta)
        error = self.weight * _soft(np.log(predicted / self.measured), ERROR_SCALE)
        first = np.log(ttft / self.measured_ttft)
        first = TTFT_WEIGHT * self.weight * _soft(np.where(np.isfinite(first), first, 0.0), TTFT_SCALE)
        prior = PRIOR_WEIGHT * (theta - self.start) / self.spread
        return np.concatenate([error, first, prior])

    def jacobian(self, theta: Any) -> Any:
        """Forward differences of :meth:`residuals`, a parameter's numbers of one sort all at once.

        A row depends on one base, one engine, one generation and one pair of these of a parameter, so
        moving all bases (engines, generations, pairs) together gives each row the derivative by its own.
        """
        count, still = 2 * len(self.rows), self.residuals(theta)
        out = np.zeros((len(still), len(theta)))
        out[count:] = np.diag(PRIOR_WEIGHT / self.spread)
        for places in self.place.values():
            for column in places.T:
                rows = np.flatnonzero(column < len(theta))
                if not rows.size:
                    continue
                moved = theta.copy()
                moved[np.unique(column[rows])] += DIFFERENCE
                slope = (self.residuals(moved) - still)[:count] / DIFFERENCE
                out[rows, column[rows]] = slope[rows]
                out[len(self.rows) + rows, column[rows]] = slope[len(self.rows) + rows]
        return out

    def solve(self, *, start: dict[tuple[str, str], float] | None = None, evaluations: int = 25) -> Any:
        """Bounded least squares with a soft loss; ``start`` warms it."""
        low = np.array([-1.2 if ":" in k else np.log(PARAMETERS[n][1]) for n, k in self.names])
        high = np.array([1.2 if ":" in k else np.log(PARAMETERS[n][2]) for n, k in self.names])
        theta = self.start if start is None else np.array([start.get(n, s) for n, s in zip(self.names, self.start, strict=True)])
        theta = np.clip(theta, low + 1e-6, high - 1e-6)
        return least_squares(
            self.residuals, theta, jac=self.jacobian, bounds=(low, high), max_nfev=evaluations, x_scale=self.spread
        ).x


def keys(name: str, kind: str, engine: str, generation: str) -> list[str]:
    """The base of a parameter and the factors that multiply it, by name."""
    out = [kind]
    if name in ENGINE_FACTORS:
        out.append(f"engine:{engine}")
    if name in ENGINE_KIND_FACTORS:
        out.append(f"engine:{engine}/{kind}")
    if name in GENERATION_FACTORS:
        out.append(f"generation:{generation}")
    if name in ENGINE_GENERATION_FACTORS:
        out.append(f"engine:{engine}@{generation}")
    return out


def textbook(name: tuple[str, str]) -> float:
    """Logarithm of a base's textbook value; zero for a factor."""
    return 0.0 if ":" in name[1] else float(np.log(STARTS.get(name, PARAMETERS[name[0]][3])))


def kernel_starts(lookup: ServingLookup) -> dict[tuple[str, str], float]:
    """Logarithms of what the packaged timings of experts say."""
    operators = load_operators(lookup)

    def expert_keys(name: str, kind: str, engine: str, generation: str) -> list[str]:
        return keys(name, "any" if name in ("expert_overlap", "tile_rows") else kind, engine, generation)

    return OperatorFit(operators, keys=expert_keys, start=textbook).solve()


def _spread(name: str, key: str) -> float:
    """Width of the prior, in logarithms."""
    loose = 3.0 if name in LOOSE else 1.0
    if ":" not in key:
        return BASE_SPREAD * loose * FIRM.get(name, 1.0)
    if "@" in key:
        return ENGINE_GENERATION_FACTORS[name]
    shared = key.startswith("engine:") and name in SHARED_KERNELS
    return FACTOR_SPREAD * loose * (SHARED_SPREAD if shared else 1.0)


def _soft(error: Any, scale: float) -> Any:
    """Square root of a soft-L1 loss: quadratic near zero, linear beyond ``scale``."""
    return np.sign(error) * np.sqrt(2.0 * (np.sqrt(1.0 + (error / scale) ** 2) - 1.0))


class Predicted(NamedTuple):
    """Signed errors, predicted / measured - 1, and what the grades need, row by row."""

    error: Any
    ttft_error: Any  # nan where TTFT was not measured
    batch_per_rank: Any
    reserve_bytes: Any


def predict_with(
    theta: Any,
    names: Sequence[tuple[str, str]],
    rows: Sequence[Row],
    *,
    kernels: Mapping[tuple[str, str], float],
) -> Predicted:
    """The fit's answer for rows that it need not have seen.

    What the fit never met is as ``kernels`` have it; else a factor is one, and a base the geometric mean of the others.
    """
    known = {**kernels, **dict(zip(names, theta, strict=True))}
    fit = Fit(rows, kernels=kernels)
    means = {}
    for (n, k), value in known.items():
        if ":" not in k:
            means.setdefault(n, []).append(value)
    vector = np.array([
        known.get(name, 0.0 if ":" in name[1] else float(np.mean(means[name[0]])) if name[0] in means else s)
        for name, s in zip(fit.names, fit.start, strict=True)
    ])
    predicted, ttft, batch = fit.predict(vector)
    reserve = fit.values(vector)["reserve_bytes"][fit.first]
    return Predicted(predicted / fit.measured - 1.0, ttft / fit.measured_ttft - 1.0, batch, reserve)
