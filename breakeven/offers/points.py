"""One row of ``estimate --points``: what was asked, resolved to a configuration and answered."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import Infeasible, InputError
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.sizing import resolve_config, wrong_count
from breakeven.serving.calibration import Calibration
from breakeven.serving.estimate import at_best_throughput, at_concurrency, sustained, within_latency
from breakeven.serving.instance import Instance, best_throughput, check_context, check_fits, check_shape, prepare
from breakeven.serving.layouts import layouts
from breakeven.serving.spec import (
    AcceleratorSpec,
    Estimate,
    LatencyTarget,
    ModelSpec,
    ServingConfig,
    Shape,
    Speculation,
)
from breakeven.serving.speculation import speculating

LARGEST_UNASKED = 8  # accelerators of an instance that nobody gave a size: a server of the usual kind


class Point(Struct, frozen=True):
    """A question; ``None`` is blank and is chosen for the asker."""

    model: str
    accelerator: str
    input_tokens: float
    output_tokens: float
    accelerators: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    dp: int | None = None
    weight_precision: str | None = None
    kv_precision: str | None = None
    engine: str | None = None
    concurrency: float | None = None
    latency: LatencyTarget | None = None
    cached_input_share: float = 0.0
    speculation: Speculation | None = None
    arrival_cv2: float = 1.0  # squared variation of arrivals, where latency targets limit the load; Poisson is 1

    @property
    def shape(self) -> Shape:
        return Shape(self.input_tokens, self.output_tokens, cached_input_share=self.cached_input_share)


def answer(point: Point, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    """Resolve what was left blank and estimate. Raises InputError, FactNotFound or Infeasible."""
    model, accelerator = lookup.model(point.model), lookup.accelerator(point.accelerator)
    instance = choose(point, model, accelerator, calibration)
    if point.concurrency is not None:
        return at_concurrency(instance, point.shape, calibration, concurrency=point.concurrency)
    if point.latency is not None:
        return within_latency(instance, point.shape, calibration, latency=point.latency, arrival_cv2=point.arrival_cv2)
    return at_best_throughput(instance, point.shape, calibration)


def choose(point: Point, model: ModelSpec, accelerator: AcceleratorSpec, calibration: Calibration) -> Instance:
    """The instance the point names, or the best one of those it leaves open."""
    check_shape(point.shape)
    check_context(model, point.shape)
    if point.concurrency is not None and not point.concurrency >= 1:
        raise InputError(f"concurrency must be at least 1, not {point.concurrency:g}")
    _check_counts(point)
    candidates: list[Instance] = []
    failures: list[Infeasible] = []
    for count in counts(point, model, largest=LARGEST_UNASKED):
        for config in configurations(point, model, accelerator, count):
            try:
                instance = prepare(model=model, accelerator=accelerator, config=config, calibration=calibration)
                check_fits(instance, point.shape)
                candidates.append(instance if point.speculation is None else speculating(instance, point.speculation))
            except Infeasible as reason:
                failures.append(reason)
        if candidates:
            break
    if not candidates:
        if failures:
            raise failures[0]
        raise InputError("the parallel degrees do not fit together", fix="leave some of tp, pp, ep and dp blank")
    best = candidates[0] if len(candidates) == 1 else max(candidates, key=lambda instance: _rate(instance, point))
    return noting_ep(point, best)


def noting_ep(point: Point, instance: Instance) -> Instance:
    """The instance, with a note where an expert-parallel degree was given and the model has no experts."""
    if (point.ep or 1) == 1 or instance.model.is_moe:
        return instance
    return replace(instance, notes=(*instance.notes, f"ep = {point.ep} says nothing of a dense model: it is taken to be 1"))


def _check_counts(point: Point) -> None:
    """Refuse counts that are none, and so many that their layouts would be searched for minutes."""
    for name, value in (
        ("n_accelerators", point.accelerators), ("tp", point.tp), ("pp", point.pp), ("ep", point.ep), ("dp", point.dp),
    ):  # fmt: skip
        wrong = None if value is None else wrong_count(value)
        if wrong:
            raise InputError(f"{name} {wrong}")
    wrong = wrong_count((point.tp or 1) * (point.pp or 1) * (point.dp or 1))
    if wrong:
        raise InputError(f"tp x pp x dp {wrong}")


def _rate(instance: Instance, point: Point) -> float:
    """Requests per second under the point's load: what a blank degree is chosen by."""
    if point.concurrency is not None:
        return float(instance.at(point.shape, point.concurrency).requests_per_s) * instance.config.copies
    if point.latency is not None:
        try:
            _, state, _, _ = sustained(instance, point.shape, point.latency, arrival_cv2=point.arrival_cv2)
        except Infeasible:
            return 0.0
        return float(state.requests_per_s) * instance.config.copies
    _, state = best_throughput(instance, point.shape)
    return float(state.requests_per_s) * instance.config.copies


def counts(point: Point, model: ModelSpec, *, largest: int) -> tuple[int, ...]:
    """The count asked for, the product of the degrees, or its multiples by powers of two up to the largest."""
    if point.accelerators is not None:
        return (point.accelerators,)
    least = (point.tp or 1) * (point.pp or 1) * (point.dp or 1)
    if point.tp and point.pp is not None and point.dp is not None:
        return (least,)
    while model.is_moe and least < (point.ep or 1):  # experts are spread over accelerators that are there
        least *= 2
    found = [least]
    while found[-1] * 2 <= largest:
        found.append(found[-1] * 2)
    return tuple(found)


def configurations(point: Point, model: ModelSpec, accelerator: AcceleratorSpec, count: int) -> tuple[ServingConfig, ...]:
    """Every layout of a count that the given degrees leave open, precisions filled in. Raises where they leave none."""
    base = resolve_config(
        model=model, accelerator=accelerator, accelerators=count, engine=point.engine,
        weight_precision=point.weight_precision, kv_precision=point.kv_precision,
    )  # fmt: skip
    return _configs(point, model, accelerator, base)


def _configs(
    point: Point, model: ModelSpec, accelerator: AcceleratorSpec, base: ServingConfig
) -> tuple[ServingConfig, ...]:
    """Every layout consistent with the degrees that were given."""
    given = {name: getattr(point, name) for name in ("tp", "pp", "ep", "dp") if getattr(point, name) is not None}
    if not model.is_moe:
        given.pop("ep", None)
    product = given.get("tp", 1) * given.get("pp", 1) * given.get("dp", 1)
    n = base.accelerators
    if {"tp", "pp", "dp"} <= set(given) and product != n:
        tp = _attention_tp(given, n)
        if tp is None:
            raise InputError(
                f"tp x pp x dp = {given['tp']} x {given['pp']} x {given['dp']} is not the {n} accelerators",
                fix="leave a degree blank, or make the product match",
            )
        given["tp"] = tp
    fits = [
        config
        for config in layouts(model=model, accelerator=accelerator, base=base)
        if all(getattr(config, name) == value for name, value in given.items())
    ]
    if fits:
        return tuple(fits)
    if n % product:
        raise InputError(
            f"tp x pp x dp = {product} does not divide the {n} accelerators", fix="leave a degree blank"
        )
    rest = n // product
    filled = dict(given)
    for name in ("tp", "dp", "pp"):
        if name not in filled:
            if name == "tp" and model.query_heads % rest:
                continue
            filled[name] = rest
            rest = 1
    config = replace(base, tp=filled.get("tp", 1), pp=filled.get("pp", 1), dp=filled.get("dp", 1))
    eps = [given["ep"]] if "ep" in given else [1, n] if model.is_moe and n > 1 and model.experts % n == 0 else [1]
    return tuple(replace(config, ep=ep) for ep in eps)


def _attention_tp(given: dict[str, int], n: int) -> int | None:
    """Some tables count tp as all GPUs of an attention-data-parallel instance; tp = n / (pp x dp) then."""
    if given["dp"] > 1 and given.get("ep", 1) > 1 and given["tp"] * given["pp"] == n and n % (given["pp"] * given["dp"]) == 0:
        return n // (given["pp"] * given["dp"])
    return None
