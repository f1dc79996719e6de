"""Cost lines that every self-hosted offer shares, whether the machines are rented or owned.

Labour, licence, network, one-off migration and exit, the user's own lines, and the requests that
are handed back to an API. Each is one function named in ``SHARED``; adding a cost component is
adding one function there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from breakeven.finance.capital import annuity_usd_per_day, sinking_fund_usd_per_day
from breakeven.finance.labour import labour_usd_per_day
from breakeven.offers.escalation import escalation_lines
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.scope import Scope
from breakeven.profile.self_host import ExtraCost, Supply
from breakeven.units import DAYS_PER_YEAR, HOURS_PER_DAY

LABOUR_FIGURES = "labour-us"


class Site(Struct, frozen=True):
    """What the shared lines need to know about the offer they belong to."""

    scope: Scope
    supply: Supply
    index: int
    accelerators_per_replica: int
    api_offers: Sequence[Offer]


def days_per_month(scope: Scope) -> float:
    """Days in a month of the profile: ``hours_per_month / 24``."""
    return scope.profile.finance.hours_per_month / HOURS_PER_DAY


def labour(site: Site) -> list[CostLine]:
    host = site.scope.profile.self_host
    if host.labour_fte == 0:
        return []
    fte = site.scope.chosen("self_host.labour_fte", host.labour_fte, "FTE")
    if host.labour_usd_per_fte_year is not None:
        salary = host.labour_usd_per_fte_year
        term = site.scope.chosen("self_host.labour_usd_per_fte_year", salary, "USD/FTE-year")
    else:
        cited = site.scope.catalogue.in_force("figures", LABOUR_FIGURES, "records", site.scope.as_of)
        salary = cited.record.value.typical
        term = Term("labour_usd_per_fte_year", salary, "USD/FTE-year", (cited.source_id,))
    usd = labour_usd_per_day(fte=host.labour_fte, usd_per_fte_year=salary)
    return [_line("labour", "engineers who run it", "labour", "labour", (fte, term), usd_per_day=usd)]


def licence(site: Site) -> list[CostLine]:
    name = site.scope.profile.self_host.licence
    if name == "none":
        return []
    cited = site.scope.catalogue.in_force("figures", f"licence-{name}", "records", site.scope.as_of)
    per_year = cited.record.value.typical
    usd = per_year * site.accelerators_per_replica / DAYS_PER_YEAR
    terms = (
        Term("licence_usd_per_gpu_year", per_year, "USD/GPU-year", (cited.source_id,)),
        Term("accelerators_per_replica", site.accelerators_per_replica, "GPUs"),
    )
    return [_line("licence", f"software licence ({name})", "software", "licence", terms, usd_per_replica_day=usd)]


def network(site: Site) -> list[CostLine]:
    usd = site.scope.profile.self_host.network_usd_per_month
    if usd == 0:
        return []
    term = site.scope.chosen("self_host.network_usd_per_month", usd, "USD/month")
    per_day = usd / days_per_month(site.scope)
    return [_line("network", "network and egress", "network", "per-month", (term,), usd_per_day=per_day)]


def one_off(site: Site) -> list[CostLine]:
    """Migration as an annuity over the horizon; exit as a sinking fund to its end."""
    host, finance = site.scope.profile.self_host, site.scope.profile.finance
    lines: list[CostLine] = []
    horizon = site.scope.chosen("finance.horizon_years", finance.horizon_years, "years")
    rate = site.scope.chosen("finance.discount_rate", finance.discount_rate, "per year")
    if host.migration_usd:
        usd = annuity_usd_per_day(
            capex_usd=host.migration_usd, residual_usd=0.0, discount_rate=finance.discount_rate,
            life_years=finance.horizon_years, timing=finance.timing,
        )  # fmt: skip
        term = site.scope.chosen("self_host.migration_usd", host.migration_usd, "USD")
        lines.append(_line("migration", "one-off migration", "one-off", "annuity", (term, rate, horizon), usd_per_day=usd))
    if host.exit_usd:
        usd = sinking_fund_usd_per_day(
            future_usd=host.exit_usd, discount_rate=finance.discount_rate,
            years=finance.horizon_years, timing=finance.timing,
        )  # fmt: skip
        term = site.scope.chosen("self_host.exit_usd", host.exit_usd, "USD")
        lines.append(_line("exit", "one-off exit", "one-off", "sinking-fund", (term, rate, horizon), usd_per_day=usd))
    return lines


def extras(site: Site) -> list[CostLine]:
    groups = (
        ("self_host.extra_costs", site.scope.profile.self_host.extra_costs),
        (f"self_host.supply[{site.index}].extra_costs", site.supply.extra_costs),
    )
    return [
        _extra(site.scope, f"{key}[{position}]", cost, number)
        for number, (key, position, cost) in enumerate(
            (key, position, cost) for key, costs in groups for position, cost in enumerate(costs)
        )
    ]


def _extra(scope: Scope, key: str, cost: ExtraCost, number: int) -> CostLine:
    month = days_per_month(scope)
    finance = scope.profile.finance
    fixed = (cost.usd_per_month or 0.0) / month
    if cost.usd_once:
        fixed += annuity_usd_per_day(
            capex_usd=cost.usd_once, residual_usd=0.0, discount_rate=finance.discount_rate,
            life_years=finance.horizon_years, timing=finance.timing,
        )  # fmt: skip
    terms = tuple(
        scope.chosen(f"{key}.{name}", value, unit)
        for name, unit in (
            ("usd_per_month", "USD/month"), ("usd_per_replica_month", "USD/replica-month"),
            ("usd_per_mtok", "USD/Mtok"), ("usd_once", "USD"),
        )
        if (value := getattr(cost, name)) is not None
    )  # fmt: skip
    return CostLine(
        id=f"extra-{number}",
        name=cost.name,
        category=cost.category,
        usd_per_day=fixed,
        usd_per_replica_day=(cost.usd_per_replica_month or 0.0) / month,
        usd_per_mtok=cost.usd_per_mtok or 0.0,
        equation="extra-cost",
        terms=terms,
    )


def escalation(site: Site) -> list[CostLine]:
    return escalation_lines(site.scope, site.api_offers)


SHARED: tuple[Callable[[Site], list[CostLine]], ...] = (labour, licence, network, one_off, extras, escalation)


def shared_lines(site: Site) -> tuple[CostLine, ...]:
    """All shared lines of one offer, in a fixed order."""
    return tuple(line for component in SHARED for line in component(site))


def _line(
    id: str, name: str, category: str, equation: str, terms: tuple[Term, ...],
    *, usd_per_day: float = 0.0, usd_per_replica_day: float = 0.0,
) -> CostLine:  # fmt: skip
    sources = tuple(dict.fromkeys(source for term in terms for source in term.sources))
    return CostLine(
        id, name, category, usd_per_day=usd_per_day, usd_per_replica_day=usd_per_replica_day,  # type: ignore[arg-type]
        equation=equation, terms=terms, sources=sources,
    )  # fmt: skip
