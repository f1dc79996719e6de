"""A file of ``benchmark import``: what it measured, how it moves the shipped calibration, and where its grade holds.

Own multipliers serve every question about the model on these accelerators; grade A is given only to
the configuration, request lengths, cached share and load that were measured, within the reach that published
measurements have (``offers/evidence.py``), and its band is never narrower than the fit's worst error.
A fit that misses its own runs by more than a stated factor, or whose multiplier is at its bound, is none; nor is
one to a run that is faster than its accelerators (``offers/own.py``, where the runs are at hand).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven import yamlio
from breakeven.errors import InputError, Problem
from breakeven.offers.evidence import (
    CACHED_SHARE_TOLERANCE,
    CONCURRENCY_REACH,
    LENGTH_TOLERANCE,
    cache_precision,
    graded,
    same_cache,
)
from breakeven.offers.hf_config import looks_like_path
from breakeven.serving.calibration import Calibration, normalise_engine
from breakeven.serving.precision import normalise_kv
from breakeven.serving.refit import GROUPS, HIGHEST, LOWEST
from breakeven.serving.spec import AcceleratorSpec, Estimate, ModelSpec, Shape

LAYOUT = ("tp", "pp", "ep", "dp")
_RANGES = ("input_tokens", "output_tokens", "concurrency")
_MAY_LACK = ("layout", "kv_precision", "cached_input_share")
MOST_MISSED = 1.3  # predicted / measured of the worst run after the fit, or its inverse
NO_FIT_FIX = "check that the model, accelerators, degrees, precision and engine are those of the runs, and benchmark again"
_AGAIN = "write it anew with 'breakeven benchmark import -o'"


class OwnFit(Struct, frozen=True):
    """One configuration's multipliers on the shipped parameters. Ranges are (least, most) over its runs."""

    benchmark: str  # the result file they come from
    model: str
    accelerator: str
    accelerators: int
    layout: Mapping[str, int]  # tp, pp, ep, dp
    weight_precision: str
    engine: str
    multipliers: Mapping[str, float]
    input_tokens: tuple[float, float]
    output_tokens: tuple[float, float]
    concurrency: tuple[float, float]
    worst_residual: float  # |log(predicted / measured)| after the fit
    kv_precision: str | None = None  # None in files that do not say it: the engine's own choice
    cached_input_share: float = 0.0

    def to_yaml(self) -> str:
        """The file, which :func:`read_own_fit` reads back to an equal fit."""
        cache = [] if self.kv_precision is None else [f"kv_precision: {_quoted(self.kv_precision)}"]
        lines = [
            "# Written by breakeven benchmark import: one configuration, as multipliers on the shipped calibration.",
            *(f"{name}: {_quoted(getattr(self, name))}" for name in ("benchmark", "model", "accelerator")),
            f"accelerators: {self.accelerators}",
            *(f"{name}: {self.layout[name]}" for name in LAYOUT),
            *(f"{name}: {_quoted(getattr(self, name))}" for name in ("weight_precision", "engine")),
            *cache,
            f"cached_input_share: {self.cached_input_share!r}",
            "multipliers:",
            *(f"  {key}: {value!r}" for key, value in self.multipliers.items()),
            *(f"{name}: [{getattr(self, name)[0]!r}, {getattr(self, name)[1]!r}]" for name in _RANGES),
            f"worst_residual: {self.worst_residual!r}",
        ]
        return "\n".join(lines) + "\n"


def no_fit(multipliers: Mapping[str, float], worst_residual: float) -> str | None:
    """Why multipliers are no fit to the runs that they come from; None where they are one."""
    at_bound = [name for name, value in multipliers.items() if not LOWEST * 1.001 < value < HIGHEST / 1.001]
    if at_bound:
        verb = "is" if len(at_bound) == 1 else "are"
        return f"{', '.join(at_bound)} {verb} at the end of what a fit may do (x{LOWEST:g} to x{HIGHEST:g})"
    if worst_residual > math.log(MOST_MISSED):
        missed = math.exp(min(worst_residual, 50.0))
        return f"after the fit one run is missed by a factor of {missed:.3g}, more than {MOST_MISSED:g}"
    return None


def alike(one: ModelSpec, other: ModelSpec) -> bool:
    """Whether two models serve alike: a config.json states neither the catalogue's id nor a published size."""
    return replace(one, id=other.id, stated_total_params=None) == replace(other, stated_total_params=None)


def named_from(fit: OwnFit, folder: Path) -> OwnFit:
    """The fit with its config.json named from the folder it is written to; a catalogue's id stays as it is."""
    if not looks_like_path(fit.model):
        return fit
    there = os.path.relpath(Path(fit.model).expanduser(), folder)
    return replace(fit, model=there if looks_like_path(there) else f"./{there}")


def read_own_fit(path: Path) -> OwnFit:
    """Raises :class:`InputError` for a file that ``benchmark import -o`` did not write."""
    data = yamlio.load_path(path).data
    if not isinstance(data, dict) or any(key not in data for key in OwnFit.__struct_fields__ if key not in _MAY_LACK):
        raise InputError(Problem("is not a file of 'breakeven benchmark import'", "write one with -o", str(path)))

    def wrong(message: str) -> InputError:
        return InputError(Problem(message, _AGAIN, str(path)))

    multipliers = data["multipliers"]
    known = ("time", *GROUPS)
    if not isinstance(multipliers, dict) or not all(
        key in known and _is_number(value) and 0.05 < value < 20 for key, value in multipliers.items()
    ):
        raise wrong("has multipliers outside 0.05 to 20 or of unknown name")
    counts = {name: data.get(name) for name in ("accelerators", *LAYOUT)}
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in counts.values()):
        raise wrong("has no whole number of accelerators, tp, pp, ep or dp")
    for name in _RANGES:
        pair = data[name]
        if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)) and 0 < pair[0] <= pair[1]):
            raise wrong(f"has no range of {name}")
    if not _is_number(data["worst_residual"]) or data["worst_residual"] < 0:
        raise wrong("has no worst_residual")
    cached = data.get("cached_input_share", 0.0)
    if not _is_number(cached) or not 0 <= cached <= 1:
        raise wrong("has a cached_input_share outside 0 to 1")
    none = no_fit(multipliers, data["worst_residual"])
    if none is not None:
        raise InputError(Problem(f"is no fit: {none}", NO_FIT_FIX, str(path)))
    lengths = [(float(data[name][0]), float(data[name][1])) for name in _RANGES]
    return OwnFit(
        benchmark=str(data["benchmark"]), model=str(data["model"]), accelerator=str(data["accelerator"]),
        accelerators=data["accelerators"], layout={name: data[name] for name in LAYOUT},
        weight_precision=str(data["weight_precision"]), engine=str(data["engine"]),
        multipliers={name: float(value) for name, value in multipliers.items()},
        input_tokens=lengths[0], output_tokens=lengths[1], concurrency=lengths[2],
        worst_residual=float(data["worst_residual"]), kv_precision=_cache(data.get("kv_precision"), path),
        cached_input_share=float(cached),
    )  # fmt: skip


def _cache(stated: Any, path: Path) -> str | None:
    try:
        return None if stated is None else normalise_kv(str(stated))
    except InputError as error:
        raise InputError(problem.changed(path=str(path)) for problem in error.problems) from None


def graded_by(
    fit: OwnFit, estimate: Estimate, *, model: ModelSpec, shape: Shape, calibration: Calibration, at_capacity: bool,
    accelerator: AcceleratorSpec,
) -> tuple[Estimate, str]:  # fmt: skip
    """(the estimate, what to say of it): grade A where the fit measured just this, else the model's own grade.

    ``accelerator`` tells which KV cache the runs had whose file does not say it.
    """
    cache = cache_precision(
        fit.kv_precision, fit.weight_precision, engine=normalise_engine(fit.engine), model=model, accelerator=accelerator
    )
    reasons = _elsewhere(fit, estimate, shape, cache)
    if reasons:
        return estimate, f"{fit.benchmark} was measured {'; '.join(reasons)}: its multipliers are used, not its grade"
    better = graded(
        estimate, model, calibration, grade="A", evidence=f"own benchmark: {fit.benchmark}", at_capacity=at_capacity,
        least_log_width=fit.worst_residual,
    )  # fmt: skip
    return better, f"throughput rests on your benchmark {fit.benchmark}"


def _elsewhere(fit: OwnFit, estimate: Estimate, shape: Shape, cache: str | None) -> list[str]:
    """What the benchmark has otherwise than the question."""
    config = estimate.config
    out = []
    if estimate.rows_per_step > 1.0:
        out.append("without speculative decoding")
    if config.accelerators != fit.accelerators:
        out.append(f"on {fit.accelerators} accelerators, not {config.accelerators}")
    elif any(getattr(config, name) != fit.layout[name] for name in LAYOUT):
        out.append("as " + " ".join(f"{name} {fit.layout[name]}" for name in LAYOUT))
    if config.weight_precision != fit.weight_precision:
        out.append(f"in {fit.weight_precision}, not {config.weight_precision}")
    if cache is not None and not same_cache(cache, config.kv_precision):
        out.append(f"with the KV cache in {cache}, not {config.kv_precision}")
    if abs(shape.cached_input_share - fit.cached_input_share) > CACHED_SHARE_TOLERANCE:
        out.append(f"with {fit.cached_input_share:.0%} of the input in a prefix cache, not {shape.cached_input_share:.0%}")
    asked = (("input", shape.input_tokens, fit.input_tokens), ("output", shape.output_tokens, fit.output_tokens))
    for name, value, (low, high) in asked:
        if not low * (1.0 - LENGTH_TOLERANCE) <= value <= high * (1.0 + LENGTH_TOLERANCE):
            out.append(f"with {low:g} to {high:g} {name} tokens, not {value:g}")
    low, high = fit.concurrency
    if not low / CONCURRENCY_REACH <= estimate.concurrency <= high * CONCURRENCY_REACH:
        out.append(f"at {low:g} to {high:g} requests at once, not {estimate.concurrency:.0f}")
    return out


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
