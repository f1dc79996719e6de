"""The decision over time: what each offer costs month by month, and when to switch.

Month 0 is the profile's own volume. In month m

    volume(m) = V0 (1 + growth)^(m/12) x price_index(m)^elasticity
    replicas(m) = max(n_min, ceil(volume / (kappa x throughput_index(m))) + r)

API prices, rents and hardware prices follow their own courses. A reserved rent keeps its price for
its term; an owned server keeps the price at which it was bought, costs its annuity while it lives,
and is replaced at the price of that day. A hybrid takes the fleet that pays best in each month.
Present values discount by ``finance.timing``.
Source: docs/model.md, equations ``forecast``, ``present-value`` and ``switch-month``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.arithmetic import SCALAR
from breakeven.compare.barred import reasons
from breakeven.compare.crossover import crossover
from breakeven.compare.forecast_months import Clock, Month, beside, bought, parts_of, run
from breakeven.compare.price_paths import Courses, courses
from breakeven.errors import BreakevenError, InputError
from breakeven.finance.discounting import log_rate, month_factor, present_value_years
from breakeven.offers.api import build_api_offers
from breakeven.offers.escalation import ESCALATION_LINES, escalated_at
from breakeven.offers.hybrid import pair_of
from breakeven.offers.offer import CostLine, Offer
from breakeven.offers.owned import CAPITAL_LINES
from breakeven.offers.rented import RENT_LINES
from breakeven.offers.scope import Scope

if TYPE_CHECKING:
    from breakeven.compare.scenarios import Scenario

FORECAST_SCHEMA_VERSION = 1


class OfferForecast(Struct, frozen=True):
    """One offer over the horizon, as if used from the first month to the last."""

    offer: str
    name: str
    kind: str
    months: tuple[Month, ...]
    why_not: tuple[str, ...] = ()  # requirements that bar it, or why it cannot serve
    able: bool = True  # whether it can serve the workload at all

    @property
    def usd_total(self) -> float:
        """Sum over the horizon, undiscounted."""
        return math.fsum(month.usd for month in self.months)

    @property
    def npv_usd(self) -> float:
        """Present value of the costs."""
        return math.fsum(month.present_usd for month in self.months)

    @property
    def cumulative_usd(self) -> tuple[float, ...]:
        """Running total."""
        return tuple(accumulate(month.usd for month in self.months))


class Start(Struct, frozen=True):
    """Staying with the API until a month and self-hosting from then on."""

    month: int
    npv_usd: float


class Decision(Struct, frozen=True):
    """When to switch from the API to self-hosting. Months count from 0; None = not within the horizon."""

    api: str
    self_host: str
    npv_api_usd: float
    npv_self_host_usd: float
    switch_month: int | None
    npv_best_usd: float
    first_cheaper_month: int | None
    payback_months: int | None
    starts: tuple[Start, ...]


class Crossing(Struct, frozen=True):
    """The pair's crossing at the prices and throughput of one month."""

    month: int
    outcome: str
    first_tokens_per_day: float | None
    settled_tokens_per_day: float | None


class Forecast(Struct, frozen=True):
    """Everything ``forecast`` prints."""

    name: str
    as_of: dt.date
    catalogue_version: str
    horizon_months: int
    discount_rate: float
    timing: str
    courses: Courses
    tokens_per_day: tuple[float, ...]
    offers: tuple[OfferForecast, ...]
    crossings: tuple[Crossing, ...]
    decision: Decision | None
    npv_crossover_multiplier: float  # of today's crossing, by the API's price course alone
    notes: tuple[str, ...]
    currency: Mapping[str, Any] | None = None  # how amounts are shown; every figure here is in USD
    sources: tuple[str, ...] = ()  # records it rests on beside those of the offers
    scenarios: tuple[Scenario, ...] = ()  # the decision in other futures, see compare/scenarios.py

    def date_of(self, month: int) -> dt.date:
        """The first day of a month of the horizon."""
        return _add_months(self.as_of, month)


def forecast(scope: Scope, offers: Sequence[Offer], *, api: str, self_host: str) -> Forecast:
    """Forecast every offer that can serve; the decision is about the pair ``api`` and ``self_host``.

    Raises :class:`InputError`, placed, for a horizon that outlives the machines without a refresh.
    """
    profile = scope.profile
    months = math.ceil(profile.forecast.horizon_months)
    course = courses(scope)
    _check_lives(scope, offers, months)
    delta = log_rate(rate_per_year=profile.finance.discount_rate)
    timing = profile.finance.timing

    def factors(decay: float) -> tuple[float, ...]:
        return tuple(month_factor(decay_per_year=decay, month=m, timing=timing) for m in range(months))

    def index(decay: float) -> tuple[float, ...]:
        return tuple(SCALAR.exp(-decay * (m / 12.0)) for m in range(months))

    clock = Clock(
        volumes=_volumes(scope, course, months),
        flat=factors(delta),
        api=factors(course.api),
        api_present=factors(course.api + delta),
        machines=(index(course.rental), index(course.hardware)),
        gain=index(-course.throughput),
        price_at_start=index(course.api),
        days=profile.finance.hours_per_month / 24.0,
    )
    by_id = {offer.id: offer for offer in offers}
    notes: list[str] = []
    rows: list[OfferForecast] = []
    priced: dict[str, list[Offer]] = {}
    dated: dict[str, list[Offer]] = {}
    later: dict[str, None] = dict.fromkeys(course.sources)
    for offer in offers:  # APIs come first
        if offer.kind in ("api", "provisioned"):
            priced[offer.id] = _dated_prices(scope, offer, course, months, notes)
            later.update(dict.fromkeys(s for then in priced[offer.id] for line in then.lines for s in line.sources))
            rows.append(_row(offer, bought(priced[offer.id], clock, range(months))))
        elif offer.kind in ("rented", "owned") and offer.tokens_per_day_per_replica:
            dated[offer.id] = _dated_escalation(scope, offer, priced.values(), months)
            rows.append(_row(offer, run(parts_of(scope, dated[offer.id]), clock, start=0)))
    for offer in offers:
        # A mix of several machines is an answer for one volume; the hybrids of each machine follow it.
        if offer.kind == "hybrid" and "mix" not in offer.meta and offer.meta["api"] in priced:
            own, rest = by_id[offer.meta["own"]], by_id[offer.meta["api"]]
            mine, today = dated[own.id], pair_of(scope, rest, own)
            rows.append(_row(offer, beside(mine, parts_of(scope, mine), priced[rest.id], today, clock)))
    decision: Decision | None = None
    crossings: tuple[Crossing, ...] = ()
    if api in priced and any(row.offer == self_host for row in rows):
        decision = _decide(scope, rows, dated[self_host], clock, api=api)
        crossings = _crossings(priced[api], dated[self_host], clock)
    if course.retirement_hazard_per_year:
        gone = 1.0 - SCALAR.exp(-course.retirement_hazard_per_year * months / 12.0)
        notes.append(
            f"hosted models are retired at about {course.retirement_hazard_per_year:.2f} a year: with probability "
            f"{gone:.0%} this one is gone before the horizon ends, and its successor has another price"
        )
    if profile.forecast.api_price_path == "same-quality" and profile.self_host.substitute is not True:
        notes.append("a fixed-quality decline assumes that the API model may be swapped as soon as a cheaper one is as good")
    return Forecast(
        name=profile.name, as_of=scope.as_of, catalogue_version=scope.catalogue.version, horizon_months=months,
        discount_rate=profile.finance.discount_rate, timing=timing, courses=course, tokens_per_day=clock.volumes,
        offers=tuple(rows), crossings=crossings, decision=decision,
        npv_crossover_multiplier=_multiplier(course, delta, months, timing), notes=tuple(dict.fromkeys(notes)),
        currency=scope.currency, sources=tuple(later),
    )  # fmt: skip


def _row(offer: Offer, months: tuple[Month, ...]) -> OfferForecast:
    return OfferForecast(offer.id, offer.name, offer.kind, months, reasons(offer), offer.feasible)


def _volumes(scope: Scope, course: Courses, months: int) -> tuple[float, ...]:
    start = scope.profile.workload.volume_tokens_per_day
    # Demand answers to the price in force at the start of the month.
    rate = course.growth - course.elasticity * course.api
    return tuple(start * SCALAR.exp(rate * (m / 12.0)) if m else start for m in range(months))


def _check_lives(scope: Scope, offers: Sequence[Offer], months: int) -> None:
    refresh = scope.profile.forecast.refresh_years
    problems = []
    for offer in offers:
        # A quote that lacks what a bill needs is listed, and has no machines to outlive.
        if offer.kind != "owned" or not offer.tokens_per_day_per_replica:
            continue
        index, years = int(offer.meta["supply"]), float(offer.meta["life_years"])
        life = years * 12.0
        if refresh is None and months > life + 1e-9:
            problems.append(
                scope.loaded.document.problem(
                    ("self_host", "supply", index, "life_years"),
                    f"the horizon of {months} months outlives machines of {life:g} months ({offer.name}), and no refresh is given",
                    "set forecast.refresh_years, or a shorter forecast.horizon_months",
                )
            )
        if refresh is not None and refresh > years + 1e-9:
            problems.append(
                scope.loaded.document.problem(
                    ("forecast", "refresh_years"),
                    f"machines are refreshed after {refresh:g} years but live {years:g}",
                    "refresh them within their life, or lengthen life_years",
                )
            )
    if problems:
        raise InputError(problems)


def _multiplier(course: Courses, delta: float, months: int, timing: str) -> float:
    """Present value of a constant stream over that of one that follows the API's price."""
    years = months / 12.0
    constant = present_value_years(decay_per_year=delta, years=years, timing=timing)
    return float(constant / present_value_years(decay_per_year=delta + course.api, years=years, timing=timing))


# --- bought -----------------------------------------------------------------------------------


def _dated_prices(scope: Scope, offer: Offer, course: Courses, months: int, notes: list[str]) -> list[Offer]:
    """The offer at the list prices in force in each month: announced changes come on their day."""
    out = [offer] * months
    if not course.announced_apply or offer.meta.get("choice") is None:
        return out
    retires = offer.meta.get("retires_on")
    if retires is not None and retires < _add_months(scope.as_of, months):
        notes.append(f"{offer.id} is retired on {retires}: later months keep its last price")
    for change in offer.meta.get("announced", ()):
        first = next((m for m in range(months) if _add_months(scope.as_of, m) >= change.effective), None)
        if first is None:
            continue
        try:
            later = build_api_offers(replace(scope, as_of=change.effective))
        except BreakevenError:
            continue
        same = next((o for o in later if o.meta.get("choice") == offer.meta["choice"]), offer)
        out[first:] = [same] * (months - first)
        notes.append(f"{offer.id}: its announced price of {change.effective} is used from then on")
    return out


def _dated_escalation(scope: Scope, own: Offer, priced: Iterable[Sequence[Offer]], months: int) -> list[Offer]:
    """The self-hosted offer in each month: its escalated requests pay their API's price of that month."""
    target = own.meta.get("escalates_to_choice")
    theirs = next((then for then in priced if then[0].kind == "api" and then[0].meta.get("choice") == target), None)
    if target is None or theirs is None:
        return [own] * months
    out = [own]
    for before, now in pairwise(theirs):
        out.append(out[-1] if now is before else escalated_at(scope, own, now))
    return out


# --- the decision -----------------------------------------------------------------------------


def _decide(
    scope: Scope, rows: Sequence[OfferForecast], dated: Sequence[Offer], clock: Clock, *, api: str
) -> Decision:
    own = dated[0]
    bought = next(row for row in rows if row.offer == api)
    hosted = next(row for row in rows if row.offer == own.id)
    parts = parts_of(scope, dated)
    count = len(clock.volumes)
    waiting = [0.0, *accumulate(month.present_usd for month in bought.months)]
    starts = [
        Start(s, waiting[s] + math.fsum(month.present_usd for month in run(parts, clock, start=s)))
        for s in range(count)
    ]
    starts.append(Start(count, waiting[count]))
    best = min(starts, key=lambda row: (row.npv_usd, -row.month))
    cheaper = (m for m in range(count) if hosted.months[m].usd < bought.months[m].usd)
    saved = accumulate(
        there.cash_usd - here.cash_usd for there, here in zip(bought.months, hosted.months, strict=True)
    )
    payback = _last_negative(list(saved))
    return Decision(
        api=api, self_host=own.id, npv_api_usd=bought.npv_usd, npv_self_host_usd=hosted.npv_usd,
        switch_month=best.month if best.month < count else None, npv_best_usd=best.npv_usd,
        first_cheaper_month=next(cheaper, None), payback_months=payback, starts=tuple(starts),
    )  # fmt: skip


def _last_negative(saved: list[float]) -> int | None:
    """Months until the running saving is above zero for the rest of the horizon; None if it is not."""
    if saved[-1] <= 0:
        return None
    return max((m + 2 for m, value in enumerate(saved) if value <= 0), default=1)


def _crossings(priced: Sequence[Offer], dated: Sequence[Offer], clock: Clock) -> tuple[Crossing, ...]:
    """The pair's crossing at the start of each month, at the prices a newcomer would meet then."""
    out: list[Crossing] = []
    before: tuple[object, ...] = ()
    for m, (offer, own) in enumerate(zip(priced, dated, strict=True)):
        price, gain = clock.price_at_start[m], clock.gain[m]
        rent = clock.machines[1 if own.kind == "owned" else 0][m]
        now = (offer.id, offer.usd_per_mtok, own.usd_per_mtok, price, gain, rent)
        if out and now == before:  # nothing moved: the law need not be solved again
            out.append(replace(out[-1], month=m))
            continue
        before = now
        theirs = replace(
            offer,
            lines=tuple(
                replace(
                    line, usd_per_mtok=line.usd_per_mtok * price, usd_per_replica_day=line.usd_per_replica_day * price
                )
                for line in offer.lines
            ),
        )
        ours = replace(
            own,
            lines=tuple(_moved(line, price=price, rent=rent, gain=gain) for line in own.lines),
            tokens_per_day_per_replica=(own.tokens_per_day_per_replica or 0.0) * gain,
        )
        found = crossover(theirs, ours)
        out.append(Crossing(m, found.outcome, found.first_tokens_per_day, found.settled_tokens_per_day))
    return tuple(out)


def _moved(line: CostLine, *, price: float, rent: float, gain: float) -> CostLine:
    """One of the self-hosted lines at another date's prices."""
    if line.id in (*RENT_LINES, *CAPITAL_LINES):
        return replace(line, usd_per_replica_day=line.usd_per_replica_day * rent)
    if line.id == "power-active":
        return replace(line, usd_per_mtok=line.usd_per_mtok / gain)
    if line.id in ESCALATION_LINES:
        return replace(line, usd_per_mtok=line.usd_per_mtok * price)
    return line


def _add_months(date: dt.date, months: int) -> dt.date:
    index = date.month - 1 + months
    return dt.date(date.year + index // 12, index % 12 + 1, min(date.day, 28))
