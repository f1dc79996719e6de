"""What one model instance on given machines carries, in the API's tokens.

Volume is counted as the API's tokenizer counts it; the open model may need more or fewer tokens
for the same request (``self_host.token_ratio``). An instance sustains a number of *requests* per
second at the open model's shape, so

    k = requests_per_s * 86,400 * tokens_per_request(API)

Source: docs/model.md, equation ``capacity``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.errors import FactNotInForce, Infeasible
from breakeven.offers.offer import Serving, Term
from breakeven.offers.scope import Scope
from breakeven.profile.self_host import Supply, Throughput
from breakeven.units import SECONDS_PER_DAY


class Capacity(Struct, frozen=True):
    """k of one instance, its 80 % band as factors, and how it serves."""

    accelerators: int
    tokens_per_day: float
    low_ratio: float
    high_ratio: float
    serving: Serving
    terms: tuple[Term, ...]
    sources: tuple[str, ...]


class NoCapacity(Struct, frozen=True):
    """Why the instance cannot serve: it does not fit, or no configuration meets the latency targets."""

    accelerators: int | None
    reasons: tuple[str, ...]


def capacity_tokens_per_day(*, requests_per_s: float, tokens_per_request: float) -> float:
    """k = requests_per_s * 86,400 * tokens_per_request, in API tokens a day.

    >>> capacity_tokens_per_day(requests_per_s=1.0, tokens_per_request=2000.0)
    172800000.0
    """
    return requests_per_s * SECONDS_PER_DAY * tokens_per_request


def instance_capacity(scope: Scope, supply: Supply, *, accelerator: str, index: int) -> Capacity | NoCapacity:
    """Capacity of one instance of the profile's open model on this supply."""
    host = scope.profile.self_host
    measured = supply.throughput or host.throughput
    if measured is not None:
        owner = f"self_host.supply[{index}]" if supply.throughput is not None else "self_host"
        return _measured(scope, supply, measured, accelerator=accelerator, owner=owner)
    return _estimated(scope, supply, accelerator=accelerator, index=index)


def _measured(
    scope: Scope, supply: Supply, measured: Throughput, *, accelerator: str, owner: str
) -> Capacity:
    workload = scope.profile.workload
    ratio = scope.profile.self_host.token_ratio
    own_input = workload.mean_input_tokens * ratio.input
    own_output = workload.mean_output_tokens * ratio.output
    if measured.requests_per_s is not None:
        name, value, unit, requests = "requests_per_s", measured.requests_per_s, "req/s", measured.requests_per_s
    elif measured.output_tok_per_s is not None and own_output > 0:
        name, value, unit = "output_tok_per_s", measured.output_tok_per_s, "tok/s"
        requests = measured.output_tok_per_s / own_output
    else:
        rate = measured.total_tok_per_s if measured.total_tok_per_s is not None else measured.output_tok_per_s
        assert rate is not None
        name, value, unit, requests = "total_tok_per_s", rate, "tok/s", rate / (own_input + own_output)
    exact = {"low": requests * own_output, "typical": requests * own_output, "high": requests * own_output}
    unknown: Mapping[str, Any] = {}
    count = supply.gpus or 1
    serving = Serving(
        model=scope.profile.self_host.model,
        accelerator=accelerator,
        accelerators_per_replica=count,
        config={},
        grade="A",
        evidence=measured.source or "the user's own measurement",
        limit="measured",
        output_tok_per_s=exact,
        ttft_ms=unknown,
        tpot_ms=unknown,
        meets_latency=True,
        notes=("throughput is the profile's own measurement; it must have been taken within the latency targets",),
        sized_by="measurement",
    )
    term = scope.chosen(f"{owner}.throughput.{name}", value, unit)
    k = capacity_tokens_per_day(requests_per_s=requests, tokens_per_request=workload.tokens_per_request)
    return Capacity(count, k, 1.0, 1.0, serving, (term,), ())


def _estimated(scope: Scope, supply: Supply, *, accelerator: str, index: int) -> Capacity | NoCapacity:
    from breakeven.offers.profile_plan import plan_for_profile

    workload = scope.profile.workload
    try:
        plan = plan_for_profile(scope, accelerator=accelerator, gpus=supply.gpus)
    except Infeasible as error:
        return NoCapacity(supply.gpus, tuple(str(problem) for problem in error.problems))
    except FactNotInForce as error:
        loc = _not_in_force_at(scope, supply, index)
        raise FactNotInForce(
            scope.loaded.document.problem(loc, problem.message, problem.fix) for problem in error.problems
        ) from None
    k = capacity_tokens_per_day(
        requests_per_s=plan.requests_per_s, tokens_per_request=workload.tokens_per_request
    )
    terms = (
        Term("requests_per_s", plan.requests_per_s, "req/s", plan.sources, where=f"estimate, grade {plan.serving.grade}"),
        Term("tokens_per_request", workload.tokens_per_request, "tokens", where="profile:workload"),
    )
    return Capacity(
        plan.serving.accelerators_per_replica, k, plan.low_ratio, plan.high_ratio, plan.serving, terms, plan.sources
    )


def _not_in_force_at(scope: Scope, supply: Supply, index: int) -> tuple[int | str, ...]:
    """The key that names what has no record on the date: the open model, else the accelerator of the supply."""
    from breakeven.offers.profile_plan import open_model

    try:
        open_model(scope)
    except FactNotInForce:
        return ("self_host", "model")
    key = next(key for key in ("accelerator", "rent", "own", "quote") if getattr(supply, key) is not None)
    return ("self_host", "supply", index, key)
