"""The user's own benchmark against the model: rescale it from one load, refit it from three.

The shipped parameters are the prior. One measured load moves all times by one factor. Three or more
move what a benchmark can tell apart: how fast memory streams and matrices multiply (long steps,
prefill), the time per layer (short steps), and per sequence (how steps grow with the batch).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration, Parameter

_SHARES = (
    "dense_compute", "dense_memory", "expert_compute", "expert_memory", "attention_compute", "cache_memory",
    "cache_compute", "link", "expert_link",
)  # fmt: skip
_TIMES = (
    "collective_s", "collective_doubling_s", "expert_collective_s", "layer_s", "expert_layer_s", "step_s",
    "sequence_s", "sequence_layer_s", "prefill_step_s", "front_end_s",
)  # fmt: skip
GROUPS: Mapping[str, tuple[str, ...]] = {
    "memory": ("dense_memory", "expert_memory", "cache_memory"),
    "compute": ("dense_compute", "expert_compute", "attention_compute"),
    "layer": ("layer_s", "expert_layer_s", "collective_s"),
    "sequence": ("sequence_s",),
}
PRIOR_SPREAD = 0.3  # one standard deviation of a multiplier's logarithm
ERROR_SPREAD = 0.05  # of a measurement
LOWEST, HIGHEST = 0.25, 4.0
_SWEEPS = 12


class Refit(Struct, frozen=True):
    """Multipliers on the shipped parameters, and the errors before and after."""

    multipliers: Mapping[str, float]
    before: tuple[float, ...]
    after: tuple[float, ...]


def multiplied(parameter: Parameter, factor: float) -> Parameter:
    """Base values times a factor. Bounds widen for the user's own figures, but a share stays at most one."""
    high = max(parameter.high, parameter.high * factor)
    return replace(
        parameter,
        base={kind: value * factor for kind, value in parameter.base.items()},
        low=min(parameter.low, parameter.low * factor),
        high=min(high, 1.0) if parameter.unit == "share" else high,
    )


def adjusted(calibration: Calibration, multipliers: Mapping[str, float]) -> Calibration:
    """The calibration with groups of parameters multiplied; ``time`` slows everything alike."""
    parameters = dict(calibration.parameters)
    for group, factor in multipliers.items():
        if group == "time":
            for name in _SHARES:
                parameters[name] = multiplied(parameters[name], 1.0 / factor)
            for name in _TIMES:
                parameters[name] = multiplied(parameters[name], factor)
            continue
        for name in GROUPS[group]:
            parameters[name] = multiplied(parameters[name], factor)
    return replace(calibration, parameters=parameters)


def refit(
    calibration: Calibration, predict: Callable[[Calibration], Sequence[float]], measured: Sequence[float]
) -> Refit:
    """Multipliers that bring ``predict`` (times, e.g. TPOT) nearest to ``measured`` under the prior.

    Coordinate descent by golden steps in the logarithm: few parameters, few points, no dependency.
    """
    def errors(which: Calibration) -> tuple[float, ...]:
        return tuple(float(SCALAR.log(p / m)) for p, m in zip(predict(which), measured, strict=True))

    before = errors(calibration)
    if len(measured) < 3:
        mean = sum(before) / len(before)
        chosen = {"time": min(max(float(SCALAR.exp(-mean)), LOWEST), HIGHEST)}
        return Refit(chosen, before, errors(adjusted(calibration, chosen)))

    def cost(logs: Mapping[str, float]) -> float:
        multipliers = {name: float(SCALAR.exp(value)) for name, value in logs.items()}
        found = errors(adjusted(calibration, multipliers))
        prior = sum((value / PRIOR_SPREAD) ** 2 for value in logs.values())
        return sum((e / ERROR_SPREAD) ** 2 for e in found) + prior

    logs = dict.fromkeys(GROUPS, 0.0)
    best = cost(logs)
    step = 0.3
    limit = float(SCALAR.log(HIGHEST))
    for _ in range(_SWEEPS):
        moved = False
        for name in logs:
            for direction in (step, -step):
                trial = dict(logs)
                trial[name] = min(max(trial[name] + direction, -limit), limit)
                value = cost(trial)
                if value < best - 1e-12:
                    logs, best, moved = trial, value, True
                    break
        if not moved:
            step *= 0.5
    chosen = {name: float(SCALAR.exp(value)) for name, value in logs.items()}
    return Refit(chosen, before, errors(adjusted(calibration, chosen)))
