"""How prices move: named paths with sources, the user's own rates, and what drives a decline.

All courses are exponential: an index of e^(-decay t), t in years, decay in log points per year
(positive = falls). A decline of the API's price is never applied to self-hosting by itself; the
user says which part of it comes from hardware, quantisation or software, and only that part does.
Source: docs/model.md, equation ``price-path``.
"""

from __future__ import annotations

from msgspec import Struct

from breakeven.arithmetic import SCALAR
from breakeven.catalog.records import PricePath
from breakeven.finance.discounting import log_rate
from breakeven.offers.scope import Scope

PATHS = "price-paths"
TRENDS = "api-prices"


class DriverShare(Struct, frozen=True):
    """One driver of the API's decline: its share, what that is a year, and whether self-hosting has it too."""

    driver: str
    means: str
    share: float
    factor_per_year: float
    plausible_factor_per_year: float | None  # what the catalogue thinks it can give
    reaches_self_host: str
    source: str


class Courses(Struct, frozen=True):
    """Log points per year; positive = falls, except ``throughput`` and ``growth``, which rise."""

    api: float
    rental: float
    hardware: float
    throughput: float
    growth: float
    elasticity: float
    label: str
    sources: tuple[str, ...]
    drivers: tuple[DriverShare, ...] = ()
    retirement_hazard_per_year: float | None = None
    announced_apply: bool = True


def courses(scope: Scope) -> Courses:
    """The courses a profile asks for, with the words that say which path is used."""
    forecast, demand = scope.profile.forecast, scope.profile.workload.demand
    sources: tuple[str, ...] = ()
    hazard = None
    if forecast.api_price_change_per_year is not None:
        api = -log_rate(rate_per_year=forecast.api_price_change_per_year)
        named = "" if forecast.api_price_path == "none" else f", in place of the path {forecast.api_price_path}"
        label = f"API price changes by {forecast.api_price_change_per_year:+.1%} a year (the profile's own rate{named})"
    elif forecast.api_price_path == "none":
        api, label = 0.0, "API prices stay as they are, announced changes apart"
    else:
        cited = _path(scope, forecast.api_price_path)
        record, source = cited
        api, hazard, sources = record.log_points_per_year, record.retirement_hazard_per_year, (source,)
        yearly = SCALAR.exp(-api)
        label = (
            f"API price path {forecast.api_price_path} ({record.means}): {yearly - 1.0:+.1%} a year"
            if api
            else f"API price path {forecast.api_price_path} ({record.means}): flat"
        )
    drivers = _drivers(scope, api)
    at_once = api * sum(d.share for d in drivers if d.reaches_self_host == "at-once")
    renewed = api * sum(d.share for d in drivers if d.reaches_self_host == "at-renewal")
    sources += tuple(dict.fromkeys(d.source for d in drivers))
    return Courses(
        api=api,
        rental=renewed - log_rate(rate_per_year=forecast.rental_price_change_per_year),
        hardware=renewed - log_rate(rate_per_year=forecast.hardware_price_change_per_year),
        throughput=at_once + log_rate(rate_per_year=forecast.throughput_gain_per_year),
        growth=log_rate(rate_per_year=demand.growth_per_year),
        elasticity=forecast.demand_elasticity,
        label=label,
        sources=sources,
        drivers=drivers,
        retirement_hazard_per_year=hazard,
        # A model that is followed to wherever it is cheapest does not pay its own announced rises.
        announced_apply=forecast.api_price_path in ("none", "same-model"),
    )


def _path(scope: Scope, name: str) -> tuple[PricePath, str]:
    found = None
    for cited in scope.catalogue.records("history", PATHS, "paths", scope.as_of):
        if cited.record.path == name:
            found = cited
    if found is None:
        from breakeven.errors import FactNotInForce

        raise FactNotInForce(
            f"the catalogue has no price path {name!r} on {scope.as_of}", fix="give forecast.api_price_change_per_year"
        )
    return found.record, found.source_id


def _drivers(scope: Scope, decay: float) -> tuple[DriverShare, ...]:
    shares = scope.profile.forecast.drivers
    if shares is None:
        return ()
    rows = []
    for cited in scope.catalogue.records("history", PATHS, "drivers", scope.as_of):
        record = cited.record
        share = getattr(shares, record.driver)
        plausible = None
        if record.factor is not None and record.years_per_step is not None:
            plausible = SCALAR.power(record.factor.typical, 1.0 / record.years_per_step)
        rows.append(
            DriverShare(
                record.driver, record.means, share, SCALAR.exp(decay * share), plausible, record.reaches_self_host,
                cited.source_id,
            )
        )  # fmt: skip
    return tuple(rows)


class Decomposition(Struct, frozen=True):
    """What hardware, quantisation and software could explain of an observed decline, and what is left."""

    trend: str
    quoted: str
    years: float
    factor: float
    explained: tuple[tuple[str, float], ...]
    left_to_competition: float


def decompose(scope: Scope, *, years: float, factor: float, trend: str = "", quoted: str = "") -> Decomposition:
    """Split a decline by ``factor`` over ``years`` among the drivers at their typical strength.

    hardware and software: factor^(years / years_per_step); quantisation: once. What they do not
    explain is left to competition and smaller models; below 1, they explain more than was observed.
    """
    rows: list[tuple[str, float]] = []
    product = 1.0
    for cited in scope.catalogue.records("history", PATHS, "drivers", scope.as_of):
        record = cited.record
        if record.factor is None:
            continue
        typical = record.factor.typical
        gain = typical if record.years_per_step is None else SCALAR.power(typical, years / record.years_per_step)
        rows.append((record.driver, gain))
        product *= gain
    return Decomposition(trend, quoted, years, factor, tuple(rows), factor / product)
