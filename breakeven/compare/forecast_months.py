"""What one offer costs month by month: bought, run, or a base that is run and a peak that is bought.

Machines are held at the price at which they were taken: a reserved rent for its term, an owned
server for its life. A month's cost and its present value are added up apart, since a falling price
is discounted within the month too.
Source: docs/model.md, equations ``forecast`` and ``hybrid``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from breakeven.offers.escalation import ESCALATION_LINES
from breakeven.offers.hybrid import Pair, minimum_of
from breakeven.offers.offer import Offer, steps
from breakeven.offers.owned import CAPITAL_LINES
from breakeven.offers.rented import RENT_LINES
from breakeven.offers.scope import Scope

# A volume that grows by powers must not start a replica by rounding alone.
_ROUNDING = 1.0 - 1e-12
_ONE_OFF = ("migration", "exit")


class Month(Struct, frozen=True):
    """One offer in one month. ``cash_usd`` counts machines when they are bought."""

    usd: float
    present_usd: float
    replicas: int
    cash_usd: float


class Parts(Struct, frozen=True):
    """An offer's coefficients by what they follow. USD per day, per replica and day, per Mtok."""

    fixed: float
    one_off: float
    replica: float
    replica_rent: float
    replica_capital: float
    mtok: float
    mtok_energy: float
    mtok_api: tuple[float, ...]  # of every month: escalated requests, at the list prices then in force
    mtok_covered: tuple[float, ...]  # of it, what counts towards the minimum spend of the API that it goes to
    minimum_usd: float
    kappa: float
    n_min: int
    redundant: int
    keep_months: int  # a rent's term or a machine's life
    capex_usd: float
    residual_usd: float
    owned: bool
    upfront_usd: float

    @property
    def machine_usd(self) -> float:
        """What a replica's machines cost a day, at today's prices."""
        return self.replica_capital if self.owned else self.replica_rent


class Clock(Struct, frozen=True):
    """What every month needs and no offer changes."""

    volumes: tuple[float, ...]
    flat: tuple[float, ...]  # discount of a constant dollar
    api: tuple[float, ...]  # index of the API's price
    api_present: tuple[float, ...]  # that index, discounted
    machines: tuple[tuple[float, ...], tuple[float, ...]]  # index of rents, and of hardware
    gain: tuple[float, ...]  # index of throughput
    price_at_start: tuple[float, ...]  # index of the API's price on a month's first day
    days: float

    def machine_prices(self, parts: Parts) -> tuple[float, ...]:
        """Index of what the machines of an offer cost when they are taken."""
        return self.machines[1 if parts.owned else 0]


def bought(
    priced: Sequence[Offer], clock: Clock, months: range, *, handed_back_usd: Sequence[float] | None = None
) -> tuple[Month, ...]:
    """Tokens bought at ``priced``, one offer per month; a minimum spend is topped up month by month.

    ``handed_back_usd``: what else reaches that minimum, USD a day of each month: a fleet's escalated requests.
    """
    out = []
    for m in months:
        offer, volume = priced[m], clock.volumes[m]
        index, both = clock.api[m], clock.api_present[m]
        units = offer.replicas_at(volume * _ROUNDING)
        variable = offer.usd_per_mtok * volume / 1e6 + offer.usd_per_replica_day * units
        fixed = offer.fixed_usd_per_day
        if offer.minimum_usd_per_day > 0:
            # The top-up depends on the month's own price, so it is settled before discounting.
            covered = [line for line in offer.lines if line.counts_towards_minimum]
            paid = math.fsum(line.usd_at(mtok_per_day=volume / 1e6, replicas=units) for line in covered) * index
            paid += handed_back_usd[m] if handed_back_usd is not None else 0.0
            fixed += max(0.0, offer.minimum_usd_per_day - paid)
        usd = (variable * index + fixed) * clock.days
        present = (variable * both + fixed * clock.flat[m]) * clock.days
        out.append(Month(usd, present, units, usd))
    return tuple(out)


def parts_of(scope: Scope, dated: Sequence[Offer]) -> Parts:
    """An offer of own machines, taken apart by what its costs follow over time.

    ``dated``: the offer in each month; only the prices of its escalated requests differ between them.
    """
    offer = dated[0]

    def total(field: str, ids: Sequence[str]) -> float:
        return math.fsum(getattr(line, field) for line in offer.lines if line.id in ids)

    owned = offer.kind == "owned"
    capital = total("usd_per_replica_day", ids=CAPITAL_LINES)
    rent = total("usd_per_replica_day", ids=RENT_LINES)
    energy = total("usd_per_mtok", ids=("power-active",))
    escalated = [
        (math.fsum(line.usd_per_mtok for line in then.lines if line.id in ESCALATION_LINES),
         math.fsum(line.usd_per_mtok for line in then.lines if line.counts_towards_minimum))
        for then in dated
    ]  # fmt: skip
    one_off = total("usd_per_day", ids=_ONE_OFF)
    refresh = scope.profile.forecast.refresh_years
    life = float(offer.meta.get("life_years") or 0.0)
    if owned:
        keep = refresh if refresh is not None else life
    else:
        keep = float(offer.meta.get("term_years") or 0.0)
    supply = scope.profile.self_host.supply[int(offer.meta["supply"])]
    capex = float(offer.meta.get("capex_usd_per_replica") or 0.0)
    assert offer.tokens_per_day_per_replica is not None
    return Parts(
        fixed=offer.fixed_usd_per_day - one_off,
        one_off=one_off,
        replica=offer.usd_per_replica_day - capital - rent,
        replica_rent=rent,
        replica_capital=capital,
        mtok=offer.usd_per_mtok - energy - escalated[0][0],
        mtok_energy=energy,
        mtok_api=tuple(price for price, _ in escalated),
        mtok_covered=tuple(price for _, price in escalated),
        minimum_usd=offer.minimum_usd_per_day,
        kappa=offer.tokens_per_day_per_replica,
        n_min=offer.min_replicas,
        redundant=offer.redundant_replicas,
        keep_months=max(1, round(keep * 12.0)) if keep else 1,
        capex_usd=capex,
        residual_usd=capex * (supply.residual_share or 0.0),
        owned=owned,
        upfront_usd=scope.profile.self_host.migration_usd,
    )


class _Fleet(Struct):
    """Machines held from month to month, each at the price index of the day it was taken."""

    parts: Parts
    prices: Sequence[float]
    lots: list[tuple[int, int, float]] = field(default_factory=list)  # (last month + 1, replicas, price index)
    held: int = 0
    kept: float = 0.0  # sum of the replicas' price indices

    def at_least(self, needed: int, month: int) -> float:
        """Let go what has reached its end, take what is missing; USD paid for machines in the month."""
        cash, changed = 0.0, False
        while self.lots and self.lots[0][0] <= month:
            count = self.lots.pop(0)[1]
            self.held -= count
            cash -= count * self.parts.residual_usd
            changed = True
        if self.held < needed:
            price = self.prices[month]
            self.lots.append((month + self.parts.keep_months, needed - self.held, price))
            cash += (needed - self.held) * self.parts.capex_usd * price
            self.held, changed = needed, True
        if changed:
            self.kept = math.fsum(count * price for _, count, price in self.lots)
        return cash


def run(parts: Parts, clock: Clock, *, start: int) -> tuple[Month, ...]:
    """Self-hosting from month ``start`` on; one entry per month from there."""
    fleet = _Fleet(parts, clock.machine_prices(parts))
    out: list[Month] = []
    for m in range(start, len(clock.volumes)):
        volume = clock.volumes[m]
        needed = max(parts.n_min, steps(volume * _ROUNDING, parts.kappa * clock.gain[m]) + parts.redundant)
        cash = parts.upfront_usd if m == start else 0.0
        cash += fleet.at_least(needed, m)
        out.append(_own_month(parts, clock, fleet, m, mtok=volume / 1e6, cash=cash, minimum_usd=parts.minimum_usd))
    return tuple(out)


def beside(
    dated: Sequence[Offer], parts: Parts, priced: Sequence[Offer], today: Pair, clock: Clock
) -> tuple[Month, ...]:
    """A base on own machines, ``dated``, the rest bought at ``priced``, each one offer per month.

    Each month takes the number of replicas that pays best at that month's prices and volume;
    machines that are bound by a term or a life stay, and serve what they can. Nothing is paid for
    self-hosting while no replica is held. ``today`` holds the load curve and a replica's width.
    """
    prices = clock.machine_prices(parts)
    fleet = _Fleet(parts, prices)
    mine: list[Month] = []
    overflow: list[float] = []
    handed_back: list[float] = []
    for m, volume in enumerate(clock.volumes):
        mtok, gain, price = volume / 1e6, clock.gain[m], clock.api[m]
        pair = replace(
            today,
            width_mtok_per_day=today.width_mtok_per_day * gain,
            fixed_usd_per_day=parts.fixed + parts.one_off,
            usd_per_replica_day=parts.replica + parts.machine_usd * prices[m],
            saving_usd_per_mtok=priced[m].usd_per_mtok * price
            - (parts.mtok + parts.mtok_energy / gain + parts.mtok_api[m] * price),
            **minimum_of(priced[m], dated[m], price),
        )
        started = fleet.held > 0
        cash = fleet.at_least(pair.replicas_at(mtok), m)
        if fleet.held == 0:
            mine.append(Month(0.0, 0.0, 0, cash))
            overflow.append(volume)
            handed_back.append(0.0)
            continue
        if not started and not any(month.replicas for month in mine):
            cash += parts.upfront_usd
        served = min(mtok, pair.curve.scaled(mtok).below(fleet.held * pair.width_mtok_per_day))
        # The minimum spend is the overflow's to reach, with what is handed back.
        mine.append(_own_month(parts, clock, fleet, m, mtok=served, cash=cash, minimum_usd=0.0))
        overflow.append((mtok - served) * 1e6)
        handed_back.append(served * parts.mtok_covered[m] * price)
    rest = bought(priced, replace(clock, volumes=tuple(overflow)), range(len(overflow)), handed_back_usd=handed_back)
    return tuple(
        Month(own.usd + api.usd, own.present_usd + api.present_usd, own.replicas, own.cash_usd + api.cash_usd)
        for own, api in zip(mine, rest, strict=True)
    )


def _own_month(
    parts: Parts, clock: Clock, fleet: _Fleet, m: int, *, mtok: float, cash: float, minimum_usd: float
) -> Month:
    flat = parts.fixed + fleet.held * parts.replica + mtok * (parts.mtok + parts.mtok_energy / clock.gain[m])
    machines = fleet.kept * parts.machine_usd
    escalated = mtok * parts.mtok_api[m]
    top_up = max(0.0, minimum_usd - mtok * parts.mtok_covered[m] * clock.api[m])
    level = flat + parts.one_off + machines + top_up
    usd = (level + escalated * clock.api[m]) * clock.days
    present = (level * clock.flat[m] + escalated * clock.api_present[m]) * clock.days
    running = flat + top_up + escalated * clock.api[m] + (0.0 if parts.owned else machines)
    return Month(usd, present, fleet.held, cash + running * clock.days)
