"""The serving estimate of a profile's open model on one accelerator, as the offers need it.

One estimate per (accelerator, count, shape, targets) is enough: alternatives and sweeps that change
only money find it in the scope's cache.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from breakeven.errors import FactNotFound, InputError
from breakeven.offers.offer import Serving
from breakeven.offers.scope import Scope
from breakeven.offers.serving_specs import accelerator_spec, load_calibration, model_spec
from breakeven.offers.sizing import plan_replica
from breakeven.serving.spec import Band, LatencyTarget, ModelSpec, Shape


class ProfilePlan(Struct, frozen=True):
    """Requests per second of one instance, its 80 % band as factors, and how it serves."""

    requests_per_s: float
    low_ratio: float
    high_ratio: float
    serving: Serving
    sources: tuple[str, ...]


def plan_for_profile(scope: Scope, *, accelerator: str, gpus: int | None) -> ProfilePlan:
    """Size one instance. Raises :class:`~breakeven.errors.Infeasible` with the reason."""
    profile = scope.profile
    host, workload = profile.self_host, profile.workload
    cached = host.cached_input_share if host.cached_input_share is not None else workload.cached_input_share
    shape = Shape(
        input_tokens=workload.mean_input_tokens * host.token_ratio.input,
        output_tokens=max(workload.mean_output_tokens * host.token_ratio.output, 1.0),
        cached_input_share=cached,
    )
    latency = LatencyTarget(
        ttft_ms=profile.latency.ttft_ms, tpot_ms=profile.latency.tpot_ms, percentile=profile.latency.percentile
    )
    cv2 = workload.demand.burstiness or 1.0
    key = (accelerator, gpus, shape, latency, host.model, host.engine, host.weight_precision, host.kv_precision, cv2)
    if key not in scope.plans:
        scope.plans[key] = _plan(scope, accelerator=accelerator, gpus=gpus, shape=shape, latency=latency, cv2=cv2)
    plan: ProfilePlan = scope.plans[key]
    return plan


def open_model(scope: Scope) -> tuple[ModelSpec, tuple[str, ...]]:
    """The open model's architecture: from the catalogue, or from a config.json on disk."""
    name = scope.profile.self_host.model
    key = ("model", name)
    if key not in scope.plans:
        scope.plans[key] = _find_model(scope, name)
    found: tuple[ModelSpec, tuple[str, ...]] = scope.plans[key]
    return found


def _find_model(scope: Scope, name: str) -> tuple[ModelSpec, tuple[str, ...]]:
    if name.endswith(".json") or name.startswith((".", "/")):
        from breakeven.offers.hf_config import read_hf_config

        base = Path(scope.loaded.path).parent if scope.loaded.path not in ("<stdin>", "<mapping>") else Path()
        return read_hf_config(base / name), ()
    try:
        cited = scope.catalogue.in_force("models", name, "architectures", scope.as_of)
    except FactNotFound as error:
        place = scope.loaded.document.problem(
            ("self_host", "model"), error.problems[0].message, error.problems[0].fix
        )
        raise FactNotFound(place) from None
    return model_spec(cited.record, model_id=cited.thing_id), (cited.source_id,)


def _plan(
    scope: Scope, *, accelerator: str, gpus: int | None, shape: Shape, latency: LatencyTarget, cv2: float
) -> ProfilePlan:
    host = scope.profile.self_host
    model, sources = open_model(scope)
    cited = scope.catalogue.in_force("accelerators", accelerator, "specs", scope.as_of)
    if "calibration" not in scope.plans:
        scope.plans["calibration"] = load_calibration()
    thing = scope.catalogue.find("accelerators", accelerator)
    if model.max_context_tokens and shape.input_tokens + shape.output_tokens > model.max_context_tokens:
        raise InputError(
            scope.loaded.document.problem(
                ("self_host", "model"),
                f"{host.model} reads at most {model.max_context_tokens:,} tokens, and a request has "
                f"{shape.input_tokens + shape.output_tokens:,.0f}",
                "choose a model with a longer context, or shorter requests",
            )
        )
    plan = plan_replica(
        model=model, accelerator=accelerator_spec(thing, cited.record), gpus_per_replica=gpus, shape=shape,  # type: ignore[arg-type]
        latency=latency, engine=host.engine, weight_precision=host.weight_precision, kv_precision=host.kv_precision,
        calibration=scope.plans["calibration"], arrival_cv2=cv2,
    )  # fmt: skip
    config, estimate, rate = plan.config, plan.estimate, plan.requests_per_s
    serving = Serving(
        model=model.id,
        accelerator=accelerator,
        accelerators_per_replica=plan.accelerators,
        config={
            "tp": config.tp, "pp": config.pp, "ep": config.ep, "dp": config.dp,
            "weight_precision": config.weight_precision, "kv_precision": config.kv_precision,
            "engine": config.engine, "concurrency": estimate.concurrency,
        },
        grade=estimate.grade,
        evidence=estimate.evidence,
        limit=estimate.limit,
        output_tok_per_s=_band(estimate.output_tok_per_s),
        ttft_ms={"mean": estimate.ttft_ms_mean, "p50": estimate.ttft_ms_p50, "p95": estimate.ttft_ms_p95},
        tpot_ms=_band(estimate.tpot_ms),
        meets_latency=True,
        notes=tuple(estimate.notes),
    )  # fmt: skip
    return ProfilePlan(
        rate.typical, rate.low / rate.typical, rate.high / rate.typical, serving, (*sources, cited.source_id)
    )


def _band(band: Band) -> dict[str, float]:
    return {"low": band.low, "typical": band.typical, "high": band.high}
