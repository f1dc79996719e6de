"""How sure the verdict is: probabilities, what drives them, and what is worth measuring first.

Draws are scrambled Sobol points of every uncertain input, the same for all offers. Shares of the
variance are total effects (Jansen's estimator) of the yearly cost difference of the headline pair.
The value of perfect information of an input is what knowing it before choosing would save on
average: E over the input of the cheapest conditional mean, against the cheapest mean.
Source: docs/model.md, equations ``total-effect`` and ``perfect-information``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from breakeven.compare.barred import reasons, says
from breakeven.compare.comparison import compare_scope
from breakeven.compare.draws import correlated, uniform_draws
from breakeven.compare.many import step_counts
from breakeven.compare.price_paths import courses
from breakeven.compare.risk_inputs import RiskInput, find_inputs
from breakeven.compare.risk_model import Draws, RiskModel
from breakeven.errors import InputError, Problem
from breakeven.offers.escalation import ESCALATION_LINES
from breakeven.offers.rented import RENT_LINES
from breakeven.offers.scope import Scope
from breakeven.units import DAYS_PER_YEAR
from breakeven.vector_arithmetic import VECTOR

RISK_SCHEMA_VERSION = 1
DEFAULT_DRAWS = 1 << 14
_EFFECT_DRAWS = 1 << 11
_BINS = 32


class Quantiles(Struct, frozen=True):
    """10 %, 50 % and 90 % points; None where the quantity is beyond every volume (never crosses)."""

    p10: float | None
    p50: float | None
    p90: float | None


class OfferRisk(Struct, frozen=True):
    """One offer: its cost, and how often it is the cheapest eligible one."""

    offer: str
    name: str
    eligible: bool
    usd_per_day: Quantiles
    cheapest_probability: float
    cheapest_probability_by_year: tuple[float, ...]  # now, in one year, ...
    why_not: tuple[str, ...] = ()  # requirements that bar it, or why it cannot serve
    able: bool = True  # whether it can serve the workload as stated


class InputRisk(Struct, frozen=True):
    """What one input does to the pair."""

    name: str
    origin: str
    unit: str
    low: float
    typical: float
    high: float
    distribution: str
    first_at_low: float | None
    first_at_high: float | None
    difference_at_low_usd_per_day: float
    difference_at_high_usd_per_day: float
    total_effect_share: float
    perfect_information_usd_per_year: float
    taken_at: int | None  # number of equally likely values, where it is not drawn continuously


class Risk(Struct, frozen=True):
    """Everything ``risk`` prints."""

    name: str
    as_of: dt.date
    catalogue_version: str
    seed: int
    draws: int
    tokens_per_day: float
    api: str
    self_host: str
    first_typical: float | None
    first: Quantiles
    never_probability: float
    self_host_wins_probability: float
    offers: tuple[OfferRisk, ...]
    inputs: tuple[InputRisk, ...]
    perfect_information_usd_per_year: float
    failed_draws: int
    notes: tuple[str, ...]
    currency: Mapping[str, Any] | None = None  # how amounts are shown; every figure here is in USD


def risk(scope: Scope, *, draws: int = DEFAULT_DRAWS, seed: int | None = None) -> Risk:
    """Weigh a profile's uncertainties. Raises InputError for bad ranges or correlations, placed."""
    if draws < 64 or draws > 1 << 20:
        raise InputError(Problem(f"{draws} draws", "ask for 64 to 1,048,576", "--draws"))
    used_seed = scope.profile.uncertainty.seed if seed is None else seed
    compared = compare_scope(scope, detail=False)
    offers = tuple(row.offer for row in compared.offers)
    inputs = find_inputs(scope, offers)
    if not inputs:
        raise InputError(
            Problem("nothing is uncertain here", "give uncertainty.ranges, or facts with low, typical and high",
                    scope.loaded.path, field="uncertainty")
        )  # fmt: skip
    model = RiskModel(scope, inputs, offers)
    points = correlated(
        uniform_draws(dimensions=len(inputs), count=draws, seed=used_seed),
        _correlations(scope, inputs), where=_places(scope),
    )  # fmt: skip
    count = len(points)
    values = {item.name: model.snapped(item, points[:, i]) for i, item in enumerate(inputs)}
    seen = model.evaluate({item.name: values[item.name] for item in model.now}, count=count)
    typical = model.evaluate({}, count=1)
    answered = ~seen.failed
    names = {row.offer.id: row.offer for row in compared.offers}
    may = {key: usd for key, usd in seen.usd_per_day.items() if names[key].eligible} or dict(seen.usd_per_day)
    # What can serve in no draw is not weighed; a draw that could not be answered has no winner.
    costs = {key: usd for key, usd in may.items() if not np.isnan(usd).all()} or may
    winners = _winners(costs)
    by_year = _by_year(scope, model, seen, values, costs)
    first = np.where(seen.pair.outcome == 0, np.inf, seen.pair.first)
    first = np.where(np.isnan(first), np.inf, first)
    effects = _total_effects(model, seed=used_seed)
    known = {key: usd[answered] for key, usd in costs.items()}
    given = {name: np.asarray(column)[answered] for name, column in values.items()}
    information, everything = _perfect_information(known, given, model.now)
    rows = tuple(
        _input(model, item, typical, effects.get(item.name, 0.0), information.get(item.name, 0.0)) for item in inputs
    )
    return Risk(
        name=scope.profile.name, as_of=scope.as_of, catalogue_version=scope.catalogue.version, seed=used_seed,
        draws=count, tokens_per_day=compared.tokens_per_day, api=seen.api, self_host=seen.own,
        first_typical=_known(typical.pair.first[0]), first=_quantiles(first[answered]),
        never_probability=_share(np.isinf(first), answered),
        self_host_wins_probability=_share(seen.difference < 0, answered),
        offers=tuple(
            OfferRisk(
                key, names[key].name, names[key].eligible, _quantiles(usd),
                _share(winners == key, answered), tuple(year.get(key, 0.0) for year in by_year),
                reasons(names[key]), names[key].feasible,
            )
            for key, usd in seen.usd_per_day.items()
        ),
        inputs=tuple(sorted(rows, key=lambda row: (-row.total_effect_share, row.name))),
        perfect_information_usd_per_year=everything, failed_draws=int(np.count_nonzero(seen.failed)), notes=_notes(scope, model),
        currency=compared.currency,
    )  # fmt: skip


def verdict(result: Risk) -> str:
    """Why the profile's figure is or is not to be trusted, in one line."""
    from breakeven.compare.numbers import percent, spoken

    deciding = result.inputs[0]
    volume = spoken(result.tokens_per_day)
    names = {row.offer: row.name for row in result.offers}
    own, api = (names.get(offer, word) for offer, word in ((result.self_host, "self-hosting"), (result.api, "the API")))
    text = (
        f"At {volume} tokens/day {own} is cheaper than {api} in {percent(result.self_host_wins_probability)} of the draws"
    )
    if result.first.p50 is None:
        text += "; in most it never is, at any volume"
    else:
        low = "?" if result.first.p10 is None else spoken(result.first.p10)
        high = "never" if result.first.p90 is None else spoken(result.first.p90)
        text += f": the crossover is {spoken(result.first.p50)} (P10 {low}, P90 {high})"
    if result.first_typical is not None:
        if result.first.p50 is None or result.first.p50 > result.first_typical * 1.05:
            text += (
                f", so the quoted {spoken(result.first_typical)} is optimistic: it takes every uncertain input at its "
                "stated value, and in more than half of the draws the crossing comes later or never"
            )
        elif result.first.p50 < result.first_typical * 0.95:
            text += f", so the stated inputs' {spoken(result.first_typical)} is pessimistic"
    text += f". What decides is {deciding.name} ({percent(deciding.total_effect_share)} of the variance)."
    best = max((row for row in result.offers if not row.why_not), key=lambda row: row.cheapest_probability, default=None)
    if best is not None and best.offer not in (result.api, result.self_host) and best.cheapest_probability > 0:
        text += f" Of all offers, {best.name} is the cheapest most often ({percent(best.cheapest_probability)} of the draws)."
    barred = [row for row in result.offers if row.offer in (result.api, result.self_host) and row.why_not]
    if barred:
        said = "; ".join(f"{row.name} {says(able=row.able)} ({'; '.join(row.why_not)})" for row in barred)
        text += f" This is on cost alone: {said}."
    return text


def measure_first(result: Risk) -> str:
    """The input whose exact value is worth most before choosing."""
    from breakeven.compare.numbers import Money

    usd = Money.of(result.currency)
    best = max(result.inputs, key=lambda row: row.perfect_information_usd_per_year)
    if best.perfect_information_usd_per_year <= 0:
        return "No single measurement would change the choice at this volume."
    return f"Measure {best.name} first: knowing it is worth up to {usd(best.perfect_information_usd_per_year)} a year."


# --- parts ------------------------------------------------------------------------------------


def _known(value: float) -> float | None:
    return None if value != value or math.isinf(value) else float(value)


def _share(which: Any, answered: Any) -> float:
    """The share of the answered draws, 0 where none was."""
    count = int(np.count_nonzero(answered))
    return int(np.count_nonzero(which & answered)) / count if count else 0.0


def _quantiles(values: Any) -> Quantiles:
    """Order statistics, not interpolated: a figure that was drawn."""
    ordered = np.sort(values[~np.isnan(values)])
    if ordered.size == 0:
        return Quantiles(None, None, None)
    picks = (ordered[max(0, math.ceil(q * ordered.size) - 1)] for q in (0.1, 0.5, 0.9))
    return Quantiles(*(_known(float(value)) for value in picks))


def _winners(costs: Mapping[str, Any]) -> Any:
    """The id of the cheapest offer of each draw; a tie goes to the first."""
    ids = np.array(list(costs), dtype=object)  # names may be long: not copied for every draw
    stack = np.vstack([np.where(np.isnan(usd), np.inf, usd) for usd in costs.values()])
    return ids[np.argmin(stack, axis=0)]


def _correlations(scope: Scope, inputs: Sequence[RiskInput]) -> dict[tuple[int, int], float]:
    names = {item.key or item.name: i for i, item in enumerate(inputs)}
    out: dict[tuple[int, int], float] = {}
    problems = []
    for index, given in enumerate(scope.profile.uncertainty.correlations):
        loc = ("uncertainty", "correlations", index)
        unknown = [name for name in given.between if name not in names]
        if unknown:
            known = ", ".join(sorted(names))
            problems.append(scope.loaded.document.problem(loc, f"{unknown[0]!r} is not uncertain", f"uncertain are: {known}"))
        elif given.between[0] == given.between[1]:
            problems.append(scope.loaded.document.problem(loc, "an input is correlated with itself", "name two inputs"))
        elif not -1.0 < given.rank_correlation < 1.0:
            problems.append(
                scope.loaded.document.problem(loc, f"{given.rank_correlation:g} is not a correlation", "write -0.99 to 0.99")
            )
        else:
            first, second = sorted(names[name] for name in given.between)
            out[(first, second)] = given.rank_correlation
    if problems:
        raise InputError(problems)
    return out


def _places(scope: Scope) -> list[Problem]:
    return [scope.loaded.document.problem(("uncertainty", "correlations"), "", None)]


def _total_effects(model: RiskModel, *, seed: int) -> dict[str, float]:
    """S_T = E[(y(A) - y(A with column i of B))^2] / 2 Var(y), Jansen (1999), one pass for all inputs."""
    items = model.now
    if not items:
        return {}
    size = len(items)
    base = uniform_draws(dimensions=2 * size, count=_EFFECT_DRAWS, seed=seed)
    count = len(base)
    blocks = [base[:, :size], base[:, size:]]
    blocks += [np.column_stack([base[:, size + i] if i == j else base[:, j] for j in range(size)]) for i in range(size)]
    stacked = np.vstack(blocks)
    seen = model.evaluate({item.name: model.snapped(item, stacked[:, j]) for j, item in enumerate(items)}, count=len(stacked))
    y = seen.difference
    parts = [y[i * count : (i + 1) * count] for i in range(size + 2)]
    both = np.concatenate(parts[:2])
    both = both[~np.isnan(both)]
    if both.size == 0:
        return {}
    mean = math.fsum(both.tolist()) / both.size
    variance = math.fsum(((both - mean) ** 2).tolist()) / both.size
    if variance <= 0.0:
        return {}
    out = {}
    for i, item in enumerate(items):
        gap = parts[0] - parts[i + 2]
        gap = gap[~np.isnan(gap)]
        out[item.name] = math.fsum((gap * gap).tolist()) / max(1, gap.size) / 2.0 / variance
    return out


def _perfect_information(
    costs: Mapping[str, Any], values: Mapping[str, Any], items: Sequence[RiskInput]
) -> tuple[dict[str, float], float]:
    """(USD a year by input, of knowing everything): the mean saved by choosing after the input is known."""
    usable = {key: usd for key, usd in costs.items() if not np.isnan(usd).any()}
    if len(usable) < 2:
        return {}, 0.0
    stack = np.vstack(list(usable.values()))
    count = stack.shape[1]
    chosen = min(math.fsum(row.tolist()) for row in stack) / count
    everything = chosen - math.fsum(stack.min(axis=0).tolist()) / count
    out = {}
    for item in items:
        column = np.asarray(values[item.name])
        order = np.argsort(column, kind="stable")
        best = 0.0
        for members in np.array_split(order, _BINS):
            best += min(math.fsum(row.tolist()) for row in stack[:, members])
        # Below a ten-thousandth of the bill it is the noise of the draws.
        worth = chosen - best / count
        out[item.name] = worth * DAYS_PER_YEAR if worth > 1e-4 * abs(chosen) else 0.0
    return out, max(0.0, everything) * DAYS_PER_YEAR


def _input(model: RiskModel, item: RiskInput, typical: Draws, effect: float, worth: float) -> InputRisk:
    ends = np.array([0.1, 0.9])
    if item.later:
        low = high = typical
        at = [0, 0]
    else:
        low = high = model.evaluate({item.name: model.snapped(item, ends)}, count=2)
        at = [0, 1]

    def gap(found: Draws, i: int) -> float:
        return float(found.difference[i])

    d = item.distribution
    return InputRisk(
        item.name, item.origin, item.unit, d.low, d.typical, d.high, d.shape, _known(low.pair.first[at[0]]),
        _known(high.pair.first[at[1]]), gap(low, at[0]), gap(high, at[1]), effect, worth,
        model.nodes() if item in model.stepped and not item.whole else None,
    )  # fmt: skip


def _by_year(
    scope: Scope, model: RiskModel, seen: Draws, values: Mapping[str, Any], costs: Mapping[str, Any]
) -> list[dict[str, float]]:
    """Probability of being cheapest now and at the end of each year of the horizon."""
    course = courses(scope)
    years = max(1, math.ceil(scope.profile.forecast.horizon_months / 12.0))
    drawn = {item.key or item.kind: values[item.name] for item in model.inputs if item.later}

    def decay(key: str, fallback: float) -> Any:
        return -VECTOR.log(1.0 + drawn[key]) if key in drawn else fallback

    api = drawn.get("path", decay("forecast.api_price_change_per_year", course.api))
    rent = decay("forecast.rental_price_change_per_year", course.rental)
    growth = -decay("workload.demand.growth_per_year", -course.growth)
    gain = -decay("forecast.throughput_gain_per_year", -course.throughput)
    out = []
    for year in range(years + 1):
        cheapest: dict[str, Any] = {}
        price, rents = VECTOR.exp(-np.asarray(api) * float(year)), VECTOR.exp(-np.asarray(rent) * float(year))
        more = VECTOR.exp((np.asarray(growth) - course.elasticity * np.asarray(api)) * float(year))
        faster = VECTOR.exp(np.asarray(gain) * float(year))
        for key in costs:
            cheapest[key] = _later_usd(model, seen, key, volumes=seen.volumes * more, price=price, rent=rents, gain=faster)
        winners = _winners(cheapest)
        out.append({key: _share(winners == key, ~seen.failed) for key in costs})
    return out


def _later_usd(
    model: RiskModel, seen: Draws, offer_id: str, *, volumes: Any, price: Any, rent: Any, gain: Any
) -> Any:
    """An offer's USD a day at later prices: API prices, rents and throughput moved, the rest as today."""
    name, table = seen.names[offer_id], seen.table
    kind = next(offer.kind for offer in model.offers if offer.id == offer_id)
    mtok = volumes / 1e6
    kappa = table.numbers.get(f"{name}_kappa")
    replicas: Any = 0.0
    if kappa is not None and not np.isnan(kappa).all():
        counts = step_counts(volumes, np.where(kappa > 0, kappa * gain, 1.0))
        replicas = np.maximum(table.numbers[f"{name}_n_min"], counts + table.numbers[f"{name}_redundant"])
    total: Any = np.zeros_like(volumes)
    covered: Any = np.zeros_like(volumes)
    for (owner, line, coefficient), column in table.lines.items():
        if owner.rstrip("+") != name:
            continue
        if coefficient == "usd_per_day":
            part = column
        elif coefficient == "usd_per_replica_day":
            moved = price if kind == "provisioned" else rent if line in RENT_LINES else 1.0
            part = column * replicas * moved
        else:
            api = kind == "api" or line in ESCALATION_LINES
            moved = price if api else 1.0 / gain if line == "power-active" else 1.0
            part = column * mtok * moved
        total = total + part
        if owner.endswith("+"):
            covered = covered + part
    # A minimum spend is a figure of the contract: it stays where prices fall.
    minimum = table.numbers.get(f"{name}_minimum", np.zeros_like(volumes))
    total = total + np.where(minimum > 0, np.maximum(0.0, minimum - covered), 0.0)
    return np.where(np.isnan(seen.usd_per_day[offer_id]), np.inf, total)


def _notes(scope: Scope, model: RiskModel) -> tuple[str, ...]:
    out = []
    for item in model.stepped:
        if not item.whole:
            out.append(f"{item.name} is taken at {model.nodes()} equally likely values: each needs a new estimate")
    if not scope.profile.uncertainty.ranges:
        out.append("the profile states no ranges of its own (uncertainty.ranges): its inputs are taken as certain")
    if scope.profile.self_host.hybrid:
        out.append("hybrids are left out: each draw would choose another fleet; the offers that they are made of are weighed")
    out.append("cheaper is judged on cost alone, with the quality of answers as the profile asserts it")
    return tuple(out)
