"""The user's own benchmark against the model: rescale it from one load, refit it from three.

The shipped parameters are the prior. One measured load moves all times by one factor. Three or more
move what a benchmark can tell apart: how fast memory streams, how fast matrices multiply and links carry
(long steps, prefill), the time per layer and stage (short steps), and per sequence (how steps grow with the batch).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.calibration import Calibration, Parameter

# What "time" slows alike: every share of a peak rate and every time. A step and the closed loop are linear in them,
# so that they scale as one; a test compares both lists with the fields of StepParameters and Scheduling.
SHARES = (
    "dense_compute", "dense_memory", "expert_compute", "expert_memory", "attention_compute", "cache_memory",
    "cache_compute", "link", "expert_link",
)  # fmt: skip
TIMES = (
    "collective_s", "collective_doubling_s", "expert_collective_s", "product_s", "layer_s", "expert_layer_s", "step_s",
    "sequence_s", "sequence_layer_s", "prefill_step_s", "front_end_s", "stage_step_s",
)  # fmt: skip
_OVERLAPS = ("overlap", "expert_overlap")
# What loads of one configuration can tell apart: a time per byte, per token, per step and per decoding sequence.
# Not front_end_s: it ends before a request's first token, and a time per token hardly sees it.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "memory": ("dense_memory", "expert_memory", "cache_memory"),
    "compute": ("dense_compute", "expert_compute", "attention_compute", "cache_compute", "link", "expert_link"),
    "layer": (
        "product_s", "layer_s", "expert_layer_s", "collective_s", "collective_doubling_s", "expert_collective_s", "step_s",
        "stage_step_s", "prefill_step_s",
    ),
    "sequence": ("sequence_s", "sequence_layer_s"),
}  # fmt: skip
PRIOR_SPREAD = 0.3  # one standard deviation of a multiplier's logarithm
ERROR_SPREAD = 0.05  # of a measurement
LOWEST, HIGHEST = 0.25, 4.0
_ROUNDS = 60
_LEAST_STEP = 1e-3  # of a multiplier's logarithm: far below what a measurement tells
_LEAST_GAIN = 1e-6  # of the squared errors in units of their spread


class Refit(Struct, frozen=True):
    """Multipliers on the shipped parameters, and the errors before and after."""

    multipliers: Mapping[str, float]
    before: tuple[float, ...]
    after: tuple[float, ...]


def multiplied(parameter: Parameter, factor: float) -> Parameter:
    """Base values times a factor. Bounds widen for the user's own figures, but a share stays at most one."""
    wider = scaled(parameter, factor)
    high = max(parameter.high, wider.high)
    return replace(wider, low=min(parameter.low, wider.low), high=min(high, 1.0) if parameter.unit == "share" else high)


def scaled(parameter: Parameter, factor: float) -> Parameter:
    """Every value times a factor, whatever its bounds: they move along."""
    base = {kind: value * factor for kind, value in parameter.base.items()}
    return replace(parameter, base=base, low=parameter.low * factor, high=parameter.high * factor)


def adjusted(calibration: Calibration, multipliers: Mapping[str, float]) -> Calibration:
    """The calibration with groups of parameters multiplied; ``time`` slows everything alike.

    ``time`` is a factor on the clock, not a claim about a kernel, so a share may pass one by it: were shares
    capped there, the factor measured / predicted would not meet the measurement that it comes from.
    """
    parameters = dict(calibration.parameters)
    for group, factor in multipliers.items():
        if group == "time":
            parameters |= {name: scaled(parameters[name], 1.0 / factor) for name in SHARES}
            parameters |= {name: scaled(parameters[name], factor) for name in TIMES}
            continue
        for name in GROUPS[group]:
            parameters[name] = multiplied(parameters[name], factor)
    return replace(calibration, parameters=parameters)


def at_peak(calibration: Calibration) -> Calibration:
    """The calibration of an engine that reaches every peak rate and takes no time beside: none is faster."""
    parameters = dict(calibration.parameters)
    for names, value in ((SHARES, 1.0), (TIMES, 0.0), (_OVERLAPS, 0.0)):
        for name in names:
            parameters[name] = Parameter(parameters[name].unit, value, value, {"any": value})
    return replace(calibration, parameters=parameters)


def refit(
    calibration: Calibration, predict: Callable[[Calibration], Sequence[float]], measured: Sequence[float]
) -> Refit:
    """Multipliers that bring ``predict`` (times, e.g. TPOT) nearest to ``measured`` under the prior.

    Searched in the logarithm: few parameters, few points, no dependency.
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

    logs = _least(cost, dict.fromkeys(GROUPS, 0.0))
    chosen = {name: float(SCALAR.exp(value)) for name, value in logs.items()}
    return Refit(chosen, before, errors(adjusted(calibration, chosen)))


def _least(cost: Callable[[Mapping[str, float]], float], start: Mapping[str, float]) -> dict[str, float]:
    """Where ``cost`` is least, by Hooke and Jeeves' pattern search within the bounds of a multiplier.

    Multipliers pull together (a longer time per layer does what slower memory does), along a valley that steps of
    one at a time descend slowly: so what one round found is tried once more as a whole, and the steps grow again.
    """
    limit = float(SCALAR.log(HIGHEST))
    logs, best, step = dict(start), cost(start), 0.3
    for _ in range(_ROUNDS):
        before = dict(logs)
        for name in logs:
            for direction in (step, -step):
                trial = {**logs, name: min(max(logs[name] + direction, -limit), limit)}
                value = cost(trial)
                if value < best - _LEAST_GAIN:
                    logs, best = trial, value
                    break
        if logs == before:
            step *= 0.5
            if step < _LEAST_STEP:
                break
            continue
        onward = {name: min(max(2.0 * value - before[name], -limit), limit) for name, value in logs.items()}
        value = cost(onward)
        if value < best - _LEAST_GAIN:
            logs, best = onward, value
            step *= 1.5
    return logs
