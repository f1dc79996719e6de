"""What one replica of a self-hosted model sustains, and on how many accelerators."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import BreakevenError, Infeasible, InputError, TargetMissed
from breakeven.serving.calibration import Calibration, normalise_engine
from breakeven.serving.estimate import sustained, within_latency
from breakeven.serving.instance import Instance, check_fits, prepare
from breakeven.serving.layouts import MOST_ACCELERATORS, layouts
from breakeven.serving.precision import default_kv_precision, native_precision, normalise, normalise_kv
from breakeven.serving.spec import (
    AcceleratorSpec,
    Band,
    Estimate,
    LatencyTarget,
    ModelSpec,
    ServingConfig,
    Shape,
    Speculation,
)
from breakeven.serving.speculation import speculating

# A larger replica must serve this much more per accelerator to be preferred: it costs more from the first token on.
_PREFER_SMALLER = 1.5
MAX_ACCELERATORS = 16
INSTANCE_SIZES = (1, 2, 4, 8, 16, 32, 64)


class ReplicaPlan(Struct, frozen=True):
    """One replica at the latency targets. Bands are low / typical / high (80 %)."""

    config: ServingConfig
    requests_per_s: Band
    output_tok_per_s: Band
    total_tok_per_s: Band
    estimate: Estimate

    @property
    def accelerators(self) -> int:
        return self.config.accelerators


def resolve_config(
    *,
    model: ModelSpec,
    accelerator: AcceleratorSpec,
    accelerators: int,
    engine: str | None = None,
    weight_precision: str | None = None,
    kv_precision: str | None = None,
) -> ServingConfig:
    """Fill in what was left blank: the model's own precision, the cache precision its checkpoint states."""
    name = normalise_engine(engine)
    weights = normalise(weight_precision) if weight_precision else native_precision(model, accelerator)
    cache = (
        normalise_kv(kv_precision)
        if kv_precision
        else default_kv_precision(weights, engine=name, model=model, accelerator=accelerator)
    )
    return ServingConfig(
        accelerators, tp=accelerators, weight_precision=weights, kv_precision=cache, engine=name
    )


def wrong_count(value: int) -> str | None:
    """What is wrong with a number of accelerators, or with a parallel degree; None where it is one.

    >>> wrong_count(0), wrong_count(8), wrong_count(10**9)
    ('must be at least 1, not 0', None, 'must be at most 4,096, not 1,000,000,000')
    """
    if value < 1:
        return f"must be at least 1, not {value}"
    return f"must be at most {MOST_ACCELERATORS:,}, not {value:,}" if value > MOST_ACCELERATORS else None


def instance_sizes(accelerator: AcceleratorSpec, *, most: int | None = None) -> list[int]:
    """How many accelerators one instance may have: powers of two within what is joined by fast links."""
    domain = most or min(accelerator.scale_up_count, MAX_ACCELERATORS)
    return [count for count in INSTANCE_SIZES if count <= domain]


def choose_instance(
    *,
    model: ModelSpec,
    accelerator: AcceleratorSpec,
    gpus_per_replica: int | None,
    shape: Shape,
    latency: LatencyTarget,
    calibration: Calibration,
    engine: str | None = None,
    weight_precision: str | None = None,
    kv_precision: str | None = None,
    max_accelerators: int | None = None,
    arrival_cv2: float = 1.0,
    layout: Mapping[str, int] | None = None,
    speculation: Speculation | None = None,
) -> Instance:
    """The best instance of one replica within the latency targets; ``layout`` (tp, pp, ep, dp) fixes its form.

    Without ``gpus_per_replica``: the smallest count that no larger one beats by half in requests per
    accelerator. Raises Infeasible, saying what would work.
    """
    wrong = None if gpus_per_replica is None else wrong_count(gpus_per_replica)
    if wrong:
        raise InputError(f"gpus_per_replica {wrong}", fix="name the accelerators of one instance")

    def ready(config: ServingConfig) -> Instance:
        made = prepare(model=model, accelerator=accelerator, config=config, calibration=calibration)
        return made if speculation is None else speculating(made, speculation)

    counts = [gpus_per_replica] if gpus_per_replica else instance_sizes(accelerator, most=max_accelerators)
    best: list[tuple[float, ServingConfig]] = []  # of each count that serves, smallest first
    reasons: list[BreakevenError] = []
    for count in counts:
        base = resolve_config(
            model=model, accelerator=accelerator, accelerators=count, engine=engine,
            weight_precision=weight_precision, kv_precision=kv_precision,
        )  # fmt: skip
        found: tuple[float, ServingConfig] | None = None
        fixed = [] if layout is None else [replace(base, **layout)]
        for config in fixed or layouts(model=model, accelerator=accelerator, base=base, copies=False):
            try:
                instance = ready(config)
                # Whoever states the size may know better what the engine leaves; what is proposed here has to start.
                check_fits(instance, shape, as_the_engine_divides=gpus_per_replica is None)
                _, state, _, _ = sustained(instance, shape, latency, arrival_cv2=arrival_cv2)
            except Infeasible as reason:
                reasons.append(reason)
                continue
            rate = state.requests_per_s * config.copies / count
            if found is None or rate > found[0]:
                found = (rate, config)
        if found:
            best.append(found)
    if not best:
        raise Infeasible(_nearest(reasons))
    most = max(rate for rate, _ in best)
    return ready(next(config for rate, config in best if rate * _PREFER_SMALLER >= most))


def plan_replica(
    instance: Instance, *, shape: Shape, latency: LatencyTarget, calibration: Calibration, arrival_cv2: float = 1.0
) -> ReplicaPlan:
    """What an instance serves within the targets. Raises Infeasible where it does not meet them."""
    estimate = within_latency(instance, shape, calibration, latency=latency, arrival_cv2=arrival_cv2)
    out = estimate.output_tok_per_s
    total = (shape.input_tokens + shape.output_tokens) / shape.output_tokens
    return ReplicaPlan(
        config=estimate.config,
        requests_per_s=out.times(1.0 / shape.output_tokens),
        output_tok_per_s=out,
        total_tok_per_s=out.times(total),
        estimate=estimate,
    )


def _nearest(reasons: list[BreakevenError]) -> str:
    """The reason that came nearest: the latency target least missed, else that of the largest count tried."""
    if not reasons:
        return "no configuration divides the model over these accelerators; use a power of two"
    missed = [reason for reason in reasons if isinstance(reason, TargetMissed)]
    return str(min(missed, key=lambda reason: reason.missed_by) if missed else reasons[-1])
