"""The serving estimate of a profile's open model on one accelerator, as the offers need it.

One estimate per (accelerator, count, shape, targets) is enough: alternatives and sweeps that change
only money find it in the scope's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import BreakevenError, FactNotFound, Infeasible, InputError, Problem
from breakeven.offers.offer import Serving
from breakeven.offers.scope import Scope
from breakeven.offers.serving_specs import accelerator_spec, load_calibration, model_spec
from breakeven.offers.sizing import ReplicaPlan, choose_instance, plan_replica
from breakeven.serving.calibration import normalise_engine
from breakeven.serving.instance import check_context
from breakeven.serving.spec import Band, LatencyTarget, ModelSpec, Shape, Speculation

if TYPE_CHECKING:
    from breakeven.offers.own_fit import OwnFit


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
    ratio = host.token_ratio
    shape = Shape(
        input_tokens=workload.mean_input_tokens * ratio.input,
        output_tokens=max(workload.mean_output_tokens * ratio.output, 1.0),
        cached_input_share=cached,
        longest_tokens=max((bar.input_tokens * ratio.input + bar.output_tokens * ratio.output for bar in workload.occurring), default=0.0),
    )
    if shape.input_tokens < 1.0:
        where = ("workload", "input_tokens") if workload.input_tokens is not None else ("workload", "requests")
        message = f"a request of {shape.input_tokens:g} input tokens cannot be served"
        raise InputError(scope.loaded.document.problem(where, message, "give at least 1"))
    latency = LatencyTarget(
        ttft_ms=profile.latency.ttft_ms, tpot_ms=profile.latency.tpot_ms, percentile=profile.latency.percentile
    )
    cv2 = workload.demand.burstiness or 1.0
    key = (
        accelerator, gpus, shape, latency, host.model, host.engine, host.weight_precision, host.kv_precision, cv2,
        host.benchmark, host.speculative_tokens, host.speculative_acceptance,
    )  # fmt: skip
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

        try:
            return read_hf_config(_folder(scope) / name), ()
        except InputError as error:
            raise InputError([
                scope.loaded.document.problem(("self_host", "model"), _in_one_line(one, name), one.fix) for one in error.problems
            ]) from None  # fmt: skip
    try:
        cited = scope.catalogue.in_force("models", name, "architectures", scope.as_of)
    except FactNotFound as error:
        place = scope.loaded.document.problem(
            ("self_host", "model"), error.problems[0].message, error.problems[0].fix
        )
        raise FactNotFound(place) from None
    return model_spec(cited.record, model_id=cited.thing_id), (cited.source_id,)


def _folder(scope: Scope) -> Path:
    """Where the profile lies, which paths in it start from."""
    return Path(scope.loaded.path).parent if scope.loaded.path not in ("<stdin>", "<mapping>") else Path()


def _in_one_line(problem: Problem, name: str) -> str:
    """What is wrong with a file that the profile names, for the line of the profile that names it."""
    return ": ".join(part for part in (problem.path or name, problem.field, problem.message) if part)


def _plan(
    scope: Scope, *, accelerator: str, gpus: int | None, shape: Shape, latency: LatencyTarget, cv2: float
) -> ProfilePlan:
    host = scope.profile.self_host
    model, sources = open_model(scope)
    cited = scope.catalogue.in_force("accelerators", accelerator, "specs", scope.as_of)
    if "calibration" not in scope.plans:
        scope.plans["calibration"] = load_calibration()
    thing = scope.catalogue.find("accelerators", accelerator)
    check_context(model, shape)
    machine = accelerator_spec(thing, cited.record)  # type: ignore[arg-type]
    own = own_benchmark(scope, model=model) if host.benchmark is not None else None
    shipped = calibration = scope.plans["calibration"]
    sized_by: Literal["profile", "benchmark", "sizing"] = "sizing" if gpus is None else "profile"
    notes: list[str] = []
    layout: Mapping[str, int] | None = None
    if own is not None and own.accelerator == accelerator:
        from breakeven.serving.grade import knowing
        from breakeven.serving.refit import adjusted

        calibration = knowing(adjusted(shipped, own.multipliers), model, machine, engine=normalise_engine(own.engine))
        if gpus is None:
            gpus, sized_by = own.accelerators, "benchmark"
        layout = own.layout if gpus == own.accelerators else None
    elif own is not None:
        notes.append(f"{own.benchmark} is of {own.accelerator}: here the model alone is used")
        own = None

    def planned(speculation: Speculation | None) -> ReplicaPlan:
        instance = choose_instance(
            model=model, accelerator=machine, gpus_per_replica=gpus, shape=shape, latency=latency, engine=host.engine,
            weight_precision=host.weight_precision, kv_precision=host.kv_precision, calibration=calibration,
            arrival_cv2=cv2, layout=layout, speculation=speculation,
        )  # fmt: skip
        return plan_replica(instance, shape=shape, latency=latency, calibration=calibration, arrival_cv2=cv2)

    if host.speculative_tokens is None or host.speculative_acceptance is None:
        plan = planned(None)
    else:
        plan, remarks = _faster(planned, Speculation(host.speculative_tokens, host.speculative_acceptance))
        notes += remarks
    config, estimate = plan.config, plan.estimate
    if own is not None:
        from breakeven.offers.own_fit import graded_by

        estimate, said = graded_by(
            own, estimate, model=model, shape=shape, calibration=shipped, at_capacity=True, accelerator=machine
        )
        notes.append(said)
    rate = estimate.output_tok_per_s.times(1.0 / shape.output_tokens)
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
        notes=(*estimate.notes, *notes),
        remarks=tuple(notes),
        sized_by=sized_by,
    )  # fmt: skip
    return ProfilePlan(
        rate.typical, rate.low / rate.typical, rate.high / rate.typical, serving, (*sources, cited.source_id)
    )


def _faster(planned: Callable[[Speculation | None], ReplicaPlan], speculation: Speculation) -> tuple[ReplicaPlan, list[str]]:
    """(the plan with speculative decoding, or the one without where that serves more per accelerator, what to say of it)."""
    try:
        plain = planned(None)
    except Infeasible:
        return planned(speculation), ["only with speculative decoding are the latency targets met"]
    off = "speculative decoding does not pay at this load: it is taken to be off"
    try:
        fast = planned(speculation)
    except Infeasible:
        return plain, [off]
    if fast.requests_per_s.typical / fast.accelerators > plain.requests_per_s.typical / plain.accelerators:
        return fast, []
    return plain, [off]


def own_benchmark(scope: Scope, *, model: ModelSpec) -> OwnFit:
    """The profile's own benchmark. Raises :class:`InputError`, placed, when it is missing, damaged or of another model."""
    from breakeven.offers.own_fit import read_own_fit

    host = scope.profile.self_host
    key = ("benchmark", host.benchmark, host.model, host.engine)
    if key not in scope.plans:
        document = scope.loaded.document
        path = _folder(scope) / str(host.benchmark)

        def wrong(message: str, fix: str | None) -> InputError:
            return InputError(document.problem(("self_host", "benchmark"), message, fix))

        try:
            fit = read_own_fit(path)
            machine = scope.catalogue.find("accelerators", fit.accelerator).id
            named, same = _measured_model(scope, fit, path, model)
        except BreakevenError as error:
            first = error.problems[0]
            raise wrong(f"{host.benchmark}: {first.message}", first.fix) from None
        if not same:
            raise wrong(f"is of {named}, not of {host.model}", "benchmark the model you price")
        if normalise_engine(fit.engine) != normalise_engine(host.engine):
            raise wrong(f"is of {fit.engine}", f"set self_host.engine to {fit.engine}, or benchmark the engine you price")
        scope.plans[key] = replace(fit, accelerator=machine)
    found: OwnFit = scope.plans[key]
    return found


def _measured_model(scope: Scope, fit: OwnFit, path: Path, model: ModelSpec) -> tuple[str, bool]:
    """(what a fit is of, in words, and whether that is the model priced).

    A config.json is told by what it describes: its path depends on where it was named from, and its id on the name of the file.
    """
    from breakeven.offers.hf_config import looks_like_path, read_hf_config
    from breakeven.offers.own_fit import alike

    if looks_like_path(fit.model):
        config = _found_from(fit.model, (path.parent, _folder(scope)))
        try:
            described = read_hf_config(config)
        except InputError as error:
            raise InputError(Problem(f"is of {_in_one_line(one, fit.model)}", one.fix) for one in error.problems) from None
        named = fit.model if fit.model != scope.profile.self_host.model else str(config)
        return named, alike(described, model)
    try:
        cited = scope.catalogue.in_force("models", fit.model, "architectures", scope.as_of)
    except FactNotFound:
        if model.id in scope.catalogue.ids("models"):
            raise
        return fit.model, fit.model == model.id
    if not looks_like_path(scope.profile.self_host.model):
        return fit.model, cited.thing_id == model.id
    return fit.model, alike(model_spec(cited.record, model_id=cited.thing_id), model)


def _found_from(name: str, folders: Sequence[Path]) -> Path:
    """A relative path from the first of the folders that has it."""
    stated = Path(name).expanduser()
    found = next((folder / stated for folder in folders if (folder / stated).exists()), None)
    if found is None:
        searched = " or ".join(dict.fromkeys(str(folder) for folder in folders))
        raise InputError(Problem(f"is of {name}, and no such file lies in {searched}", "write its model as a path from its own folder"))
    return found


def _band(band: Band) -> dict[str, float]:
    return {"low": band.low, "typical": band.typical, "high": band.high}
