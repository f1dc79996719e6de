"""The same decision under other futures: each named price path, and a demand that stands still.

One thing changes at a time and the rest is as the profile has it, so every row can be had alone
with ``breakeven forecast --path`` or ``--set``. The paths are records of the catalogue.
Source: docs/model.md, equations ``price-path`` and ``forecast``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from breakeven.arithmetic import SCALAR
from breakeven.compare.forecast import Forecast, forecast
from breakeven.errors import FactNotInForce
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope
from breakeven.profile.forecast_section import PricePathName
from breakeven.profile.load import LoadedProfile
from breakeven.profile.model import Profile


class Scenario(Struct, frozen=True):
    """The headline pair's decision in one future. Present values over the horizon, in USD."""

    name: str
    says: str  # what is assumed of the API's price, in words
    api_price_change_per_year: float
    demand_growth_per_year: float
    npv_api_usd: float
    npv_self_host_usd: float  # from the first month on
    npv_best_usd: float  # the API until the best month, self-hosting from then on
    switch_month: int | None  # that month; None where switching never pays
    sources: tuple[str, ...]


def forecast_with_scenarios(scope: Scope, offers: Sequence[Offer], *, api: str, self_host: str) -> Forecast:
    """:func:`~breakeven.compare.forecast.forecast`, with the pair's decision in other futures beside it."""
    made = forecast(scope, offers, api=api, self_host=self_host)
    if made.decision is None:
        return made
    pair = [offer for offer in offers if offer.id in (api, self_host)]
    rows = [_scenario("as in the profile", made)]
    later: list[str] = []
    for name, other in _futures(scope):
        try:
            found = forecast(other, pair, api=api, self_host=self_host)
        except FactNotInForce:  # the paths begin on a date
            continue
        rows.append(_scenario(name, found))
        later.extend(found.sources)
    sources = dict.fromkeys((*made.sources, *later))
    return replace(made, scenarios=tuple(rows), sources=tuple(sources))


def _futures(scope: Scope) -> Iterator[tuple[str, Scope]]:
    profile = scope.profile
    own = profile.forecast
    for path in get_args(PricePathName):
        if path != own.api_price_path or own.api_price_change_per_year is not None:
            changed = own.model_copy(update={"api_price_path": path, "api_price_change_per_year": None})
            yield f"price path {path}", _at(scope, profile.model_copy(update={"forecast": changed}))
    workload = profile.workload
    if workload.demand.growth_per_year or own.demand_elasticity:
        demand = workload.demand.model_copy(update={"growth_per_year": 0.0})
        still = profile.model_copy(
            update={
                "workload": workload.model_copy(update={"demand": demand}),
                "forecast": own.model_copy(update={"demand_elasticity": 0.0}),  # cheaper tokens would make it grow again
            }
        )
        yield "demand stands still", _at(scope, still)


def _at(scope: Scope, profile: Profile) -> Scope:
    return replace(scope, loaded=LoadedProfile(profile, scope.loaded.document, scope.loaded.overrides))


def _scenario(name: str, made: Forecast) -> Scenario:
    course, decision = made.courses, made.decision
    assert decision is not None
    return Scenario(
        name=name,
        says=course.label,
        api_price_change_per_year=SCALAR.exp(-course.api) - 1.0,
        demand_growth_per_year=SCALAR.exp(course.growth) - 1.0,
        npv_api_usd=decision.npv_api_usd,
        npv_self_host_usd=decision.npv_self_host_usd,
        npv_best_usd=decision.npv_best_usd,
        switch_month=decision.switch_month,
        sources=course.sources,
    )
