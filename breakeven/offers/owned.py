"""Owned servers: capital, upkeep, power and space. One cost line each, see docs/model.md.

A *replica* is the servers that hold one model instance, with as many instances as fit in them.
Energy has two parts: what an idle server draws, paid per replica and day, and what serving adds,
paid per token, since a busy hour draws ``active_w`` and an idle one ``idle_w``.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from breakeven.catalog.power import LEAST_POWER, power_fault_at, power_faults, problem_at, rated_w
from breakeven.errors import FactNotFound, FactNotInForce, InputError
from breakeven.finance.capital import annuity_usd_per_day, straight_line_usd_per_day
from breakeven.finance.colocation import colocation_usd_per_day
from breakeven.finance.maintenance import maintenance_usd_per_day
from breakeven.finance.power import active_energy_usd_per_mtok, idle_energy_usd_per_day
from breakeven.offers.capacity import NoCapacity, instance_capacity
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.operations import Site, shared_lines
from breakeven.offers.rented import finish_offer
from breakeven.offers.requirement_names import requirements_of
from breakeven.offers.requirements import unmet
from breakeven.offers.scope import Scope
from breakeven.offers.server_power import power_terms
from breakeven.profile.self_host import Supply
from breakeven.units import DAYS_PER_YEAR, HOURS_PER_DAY

USEFUL_LIFE = "useful-life"
CAPITAL_LINES = ("capital", "spares")  # what follows the price of a machine


class Machine(Struct, frozen=True):
    """One server: what it is, and every figure about it as a term with its source."""

    id: str
    accelerator: str
    accelerators: int
    capex: Term
    delivery_usd: float  # duty and tax of a quoted server included
    support_usd_per_year: float
    price_sources: tuple[str, ...]
    capex_band: tuple[float, float]
    power: tuple[Term, ...] = ()  # where the one who sells it says what it draws
    landed: tuple[Term, ...] = ()  # what the quote says of duty, tax and delivery: delivery_usd follows from them
    support: tuple[Term, ...] = ()  # and of support


def build_owned(
    scope: Scope, supply: Supply, *, index: int, api_offers: tuple[Offer, ...], machine: Machine | None = None
) -> Offer:
    """The owned offer of one ``supply`` entry; ``machine`` where a quote says what it is instead of the catalogue."""
    machine = machine or _machine(scope, supply, index)
    capacity = instance_capacity(scope, supply, accelerator=machine.accelerator, index=index)
    needed = capacity.accelerators or supply.gpus or machine.accelerators
    servers = supply.servers_per_replica or -(-needed // machine.accelerators)
    if servers * machine.accelerators < needed:
        raise InputError(
            scope.loaded.document.problem(
                ("self_host", "supply", index, "servers_per_replica"),
                f"{servers} server(s) of {machine.accelerators} GPUs cannot hold an instance of {needed} GPUs",
                f"write at least {-(-needed // machine.accelerators)}",
            )
        )
    held = servers * machine.accelerators
    instances = max(1, held // needed)

    lines = _capital_lines(scope, supply, machine, servers=servers, index=index)
    full = None
    if not isinstance(capacity, NoCapacity):
        mtok = capacity.tokens_per_day * instances / 1e6
        full = Term("capacity_mtok_per_day", mtok, "Mtok/day", where=capacity.terms[0].where)
    lines += _power_lines(scope, supply, machine, servers=servers, index=index, full=full)
    lines += shared_lines(Site(scope, supply, index, held, api_offers))
    site = scope.catalogue.find("sites", supply.site) if supply.site else None
    places: tuple[str, ...] = tuple(site.jurisdictions) if site else ()  # type: ignore[attr-defined]
    reasons = unmet(requirements_of(scope), kind="owned", provider=None, jurisdictions=places)
    where = f" {site.id}" if site else ""
    held_as = "leased" if supply.lease_usd_per_month is not None else "owned"
    return finish_offer(
        scope, supply, kind="owned", id=f"owned:{machine.id}" + (f"@{site.id}" if site else ""),
        name=supply.name or f"{servers}x {machine.id} {held_as}{where}", lines=tuple(lines), capacity=capacity,
        instances=instances, accelerators=held, ineligible=reasons, notes=(),
        meta={
            "provider": None, "accelerator": machine.accelerator, "server": machine.id, "servers_per_replica": servers,
            "site": site.id if site else None, "capex_band": machine.capex_band, "supply": index,
            "life_years": _life(scope, supply, index).value,
            "capex_usd_per_replica": (machine.capex.value + machine.delivery_usd) * servers,
        },
    )  # fmt: skip


def _machine(scope: Scope, supply: Supply, index: int) -> Machine:
    assert supply.own is not None
    key = f"self_host.supply[{index}]"
    server: Any = None
    priced_here = supply.capex_usd is not None or supply.lease_usd_per_month is not None
    if not priced_here or supply.accelerator is None:
        try:
            server = scope.catalogue.find("servers", supply.own)
        except FactNotFound as error:
            problem = error.problems[0]
            raise FactNotFound(
                scope.loaded.document.problem(("self_host", "supply", index, "own"), problem.message, problem.fix)
            ) from None
    accelerator = scope.catalogue.find("accelerators", supply.accelerator or server.accelerator).id
    count = server.accelerators_count if server else (supply.gpus or 1)
    if supply.capex_usd is not None:
        capex = scope.chosen(f"{key}.capex_usd", supply.capex_usd, "USD/server")
        return Machine(supply.own, accelerator, count, capex, 0.0, 0.0, (), (supply.capex_usd, supply.capex_usd))
    if supply.lease_usd_per_month is not None:
        free = Term("capex_usd", 0.0, "USD/server", where="leased")
        return Machine(supply.own, accelerator, count, free, 0.0, 0.0, (), (0.0, 0.0))
    try:
        cited = scope.catalogue.in_force("servers", server.id, "prices", scope.as_of)
    except FactNotInForce:
        raise FactNotInForce(
            scope.loaded.document.problem(
                ("self_host", "supply", index, "own"),
                f"the catalogue has no dated price of {server.id} on {scope.as_of}",
                "give capex_usd (per server) here, or a catalogue overlay with your quote",
            )
        ) from None
    price = cited.record
    return Machine(
        server.id, accelerator, count,
        Term("capex_usd", price.capex_usd.typical, "USD/server", (cited.source_id,)),
        price.delivery_usd or 0.0, price.support_usd_per_year or 0.0, (cited.source_id,),
        (price.capex_usd.low, price.capex_usd.high),
    )  # fmt: skip


def _servers_term(scope: Scope, supply: Supply, servers: int, index: int) -> Term:
    if supply.servers_per_replica is not None:
        return scope.chosen(f"self_host.supply[{index}].servers_per_replica", servers, "servers")
    return Term("servers_per_replica", servers, "servers", where="whole servers that hold an instance")


def _life(scope: Scope, supply: Supply, index: int) -> Term:
    if supply.life_years is not None:
        return scope.chosen(f"self_host.supply[{index}].life_years", supply.life_years, "years")
    cited = scope.catalogue.in_force("figures", USEFUL_LIFE, "records", scope.as_of)
    return Term("life_years", cited.record.value.typical, "years", (cited.source_id,))


def _capital_lines(scope: Scope, supply: Supply, machine: Machine, *, servers: int, index: int) -> list[CostLine]:
    finance = scope.profile.finance
    key = f"self_host.supply[{index}]"
    lines: list[CostLine] = []
    count = _servers_term(scope, supply, servers, index)
    if supply.lease_usd_per_month is not None:
        usd = supply.lease_usd_per_month * servers / (finance.hours_per_month / HOURS_PER_DAY)
        lease = scope.chosen(f"{key}.lease_usd_per_month", supply.lease_usd_per_month, "USD/server-month")
        lines.append(_line("lease", "lease of the servers", "capital", "lease", (lease, count), replica_day=usd))
    else:
        life = _life(scope, supply, index)
        residual_share = supply.residual_share or 0.0
        price = (machine.capex.value + machine.delivery_usd) * servers
        residual = machine.capex.value * servers * residual_share
        terms: tuple[Term, ...] = (
            machine.capex, count, life, scope.chosen(f"{key}.residual_share", residual_share, "share"),
        )  # fmt: skip
        if machine.landed:
            terms += machine.landed
        elif machine.delivery_usd:
            terms += (Term("delivery_usd", machine.delivery_usd, "USD/server", machine.price_sources),)
        if supply.amortisation == "straight_line":
            usd = straight_line_usd_per_day(capex_usd=price, residual_usd=residual, life_years=life.value)
            equation = "straight-line"
        else:
            usd = annuity_usd_per_day(
                capex_usd=price, residual_usd=residual, discount_rate=finance.discount_rate, life_years=life.value,
                timing=finance.timing,
            )  # fmt: skip
            terms += (
                scope.chosen("finance.discount_rate", finance.discount_rate, "per year"),
                scope.chosen("finance.timing", finance.timing, ""),
            )
            equation = "annuity"
        lines.append(_line("capital", f"{servers} server(s) of {machine.accelerators} GPUs", "capital", equation, terms,
                           replica_day=usd))  # fmt: skip
        if supply.spares_share:
            spare = scope.chosen(f"{key}.spares_share", supply.spares_share, "share of capex")
            lines.append(_line("spares", "spare parts held", "capital", "spares", (*terms, spare),
                               replica_day=usd * supply.spares_share))  # fmt: skip
    if supply.maintenance_share_per_year:
        share = scope.chosen(f"{key}.maintenance_share_per_year", supply.maintenance_share_per_year, "of capex per year")
        usd = maintenance_usd_per_day(
            capex_usd=machine.capex.value * servers, maintenance_share_per_year=supply.maintenance_share_per_year
        )
        lines.append(_line("maintenance", "maintenance and support", "facility", "maintenance",
                           (machine.capex, count, share), replica_day=usd))  # fmt: skip
    if machine.support_usd_per_year:
        term = Term("support_usd_per_year", machine.support_usd_per_year, "USD/server-year", machine.price_sources)
        usd = machine.support_usd_per_year * servers / DAYS_PER_YEAR
        said = machine.support or (term,)
        lines.append(_line("support", "supplier's support", "facility", "per-year", (*said, count), replica_day=usd))
    return lines


def _power_lines(
    scope: Scope, supply: Supply, machine: Machine, *, servers: int, index: int, full: Term | None
) -> list[CostLine]:
    lines: list[CostLine] = []
    count = _servers_term(scope, supply, servers, index)
    months = scope.profile.finance.hours_per_month
    site_rate = _site_term(scope, supply, index, "colocation_usd_per_kw_month", "USD/kW-month", required=False)
    includes_energy = site_rate is not None and _colocation_includes_energy(scope, site_rate)
    if not includes_energy and supply.electricity_usd_per_kwh is None and supply.site is None:
        raise InputError(
            scope.loaded.document.problem(
                ("self_host", "supply", index),
                "owned servers need electricity",
                "name a site, or give electricity_usd_per_kwh and pue",
            )
        )
    names = (*(() if site_rate is None else ("nameplate_w",)), *(() if includes_energy else ("idle_w", "active_w")))
    power = power_terms(scope, supply, server=machine.id, quoted=machine.power, index=index, names=names)
    price = _site_term(scope, supply, index, "electricity_usd_per_kwh", "USD/kWh", required=not includes_energy)
    # Watts that nothing is paid for may be placeholders.
    rates = {"nameplate_w": site_rate, "idle_w": price, "active_w": price}
    paid = tuple(term for name, term in power.items() if (rate := rates[name]) is not None and rate.value != 0)
    _refuse_implausible_power(scope, machine, index, paid)
    if site_rate is not None:
        nameplate = power["nameplate_w"]
        usd = colocation_usd_per_day(
            power_w=nameplate.value * servers, usd_per_kw_month=site_rate.value, hours_per_month=months
        )
        lines.append(_line("colocation", "rack space by nameplate power", "facility", "colocation",
                           (nameplate, site_rate, count), replica_day=usd))  # fmt: skip
    if includes_energy:
        return lines
    pue = _site_term(scope, supply, index, "pue", "ratio", required=True)
    assert price is not None and pue is not None
    idle, active = power["idle_w"], power["active_w"]
    usd = idle_energy_usd_per_day(
        idle_w=idle.value * servers, pue=pue.value, electricity_usd_per_kwh=price.value
    )
    lines.append(_line("power-idle", "electricity of idle servers", "power", "energy-idle", (idle, pue, price, count),
                       replica_day=usd))  # fmt: skip
    if full is not None:
        per_mtok = active_energy_usd_per_mtok(
            active_w=active.value * servers, idle_w=idle.value * servers, pue=pue.value,
            electricity_usd_per_kwh=price.value, capacity_mtok_per_day=full.value,
        )  # fmt: skip
        terms = (active, idle, pue, price, count, full)
        lines.append(_line("power-active", "electricity that serving adds", "power", "energy-active", terms,
                           per_mtok=per_mtok))  # fmt: skip
    return lines


def _refuse_implausible_power(scope: Scope, machine: Machine, index: int, terms: tuple[Term, ...]) -> None:
    """Raises InputError where a server draws less under load than idle, or a figure cannot be in watts.

    The problem is placed where the figure stands: in the file of a record, or on the profile's line.
    """
    catalogue = scope.catalogue
    watts = {term.name.rsplit(".", 1)[-1]: term for term in terms}
    quoted = {name for name, term in watts.items() if any(one.startswith("quotes/") for one in term.sources)}
    recorded = {name for name, term in watts.items() if any(one.startswith("servers/") for one in term.sources)}
    rated = rated_w(catalogue, machine.accelerator, machine.accelerators)
    for fault in power_faults({name: float(term.value) for name, term in watts.items()}, rated):
        if fault.against is None and fault.field in quoted:
            continue  # a quote that cannot be right is barred, and its cost still shown
        if fault.field == "nameplate_w" and fault.field not in recorded and _is_limit(watts[fault.field], rated):
            continue
        stated = next((name for name in (fault.field, fault.against or "") if name in watts and name not in recorded), None)
        if stated is not None:
            place = ("self_host", "supply", index, stated)
            raise InputError(scope.loaded.document.problem(place, fault.message, fault.fix))
        places = {name: int(watts[name].sources[0].rpartition("[")[2].rstrip("]")) for name in recorded}
        found = power_fault_at(catalogue, catalogue.resolve("servers", machine.id), fault, places)
        raise InputError(problem_at(catalogue, found, fault.message, fault.fix))


def _is_limit(nameplate: Term, rated: float | None) -> bool:
    """Whether the profile's own nameplate can be of a machine run at a limit: below the rating, yet of its order."""
    return rated is not None and float(nameplate.value) >= LEAST_POWER["active_w"] * rated


def _colocation_includes_energy(scope: Scope, rate: Term) -> bool:
    return any(scope.catalogue.source(source).record_includes("includes_electricity") for source in rate.sources)


def _site_term(scope: Scope, supply: Supply, index: int, name: str, unit: str, *, required: bool) -> Term | None:
    own = getattr(supply, name)
    if own is not None:
        return scope.chosen(f"self_host.supply[{index}].{name}", own, unit)
    if supply.site is None:
        if name == "pue":
            return Term("pue", 1.0, "ratio", where="default: electricity is taken as metered at the server")
        return None
    for cited in reversed(scope.catalogue.records("sites", supply.site, "figures", scope.as_of)):
        value = getattr(cited.record, name)
        if value is not None:
            return Term(name, value.typical, unit, (cited.source_id,))
    if not required:
        return None
    raise FactNotInForce(
        scope.loaded.document.problem(
            ("self_host", "supply", index, "site"),
            f"the catalogue has no {name} for {supply.site} on {scope.as_of}",
            f"give {name} in this supply entry, or choose another site",
        )
    )


def _line(
    id: str, name: str, category: str, equation: str, terms: tuple[Term, ...],
    *, replica_day: float = 0.0, per_mtok: float = 0.0,
) -> CostLine:  # fmt: skip
    sources = tuple(dict.fromkeys(source for term in terms for source in term.sources))
    return CostLine(
        id, name, category, usd_per_replica_day=replica_day, usd_per_mtok=per_mtok,  # type: ignore[arg-type]
        equation=equation, terms=terms, sources=sources,
    )  # fmt: skip


