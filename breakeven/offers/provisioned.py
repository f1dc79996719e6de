"""Provisioned throughput: units rented by time that carry so many tokens a minute at the peak.

A unit's capacity is counted in input tokens; other kinds of token weigh more or less:

    weight = (uncached + write_weight * written + cached_weight * cached + output_weight * output)
             / tokens_per_request                          weighted tokens per token of volume
    k      = tokens_per_minute * units * 1,440 / weight    tokens a day at a flat load
    kappa  = k / peak_to_mean                              mean-day volume carried by one step

Units are bought in increments, so a step of the staircase is one increment, from the minimum on.
No redundancy: the provider keeps the promise. Where input and output units are bought apart, a
step is a bundle of both. Source: docs/model.md, equations ``provisioned-weight``,
``provisioned-capacity`` and ``provisioned-price``.
"""

from __future__ import annotations

import math

from msgspec import Struct

from breakeven.catalog.records import ProvisionedPrice, Range
from breakeven.errors import InputError
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.scope import Scope
from breakeven.offers.token_bill import TokenMix
from breakeven.profile.api_choice import ApiChoice
from breakeven.units import DAYS_PER_YEAR, HOURS_PER_DAY

MINUTES_PER_DAY = 1440.0
MAX_BUNDLE_UNITS = 24


def weight_per_token(
    *, uncached_input: float, cached_input: float, cache_write: float, output: float, tokens_per_request: float,
    cached_weight: float, write_weight: float, output_weight: float,
) -> float:  # fmt: skip
    """Weighted input tokens per token of volume.

    200 input and 20 output tokens, an output token counting as 8 input tokens: 360 weighted in 220.

    >>> weight_per_token(uncached_input=200, cached_input=0, cache_write=0, output=20, tokens_per_request=220,
    ...                  cached_weight=0.0, write_weight=1.0, output_weight=8.0) * 220
    360.0
    """
    weighted = uncached_input + cached_weight * cached_input + write_weight * cache_write + output_weight * output
    return weighted / tokens_per_request


def capacity_tokens_per_day(*, tokens_per_minute: float, units: float, weight: float) -> float:
    """k: tokens of volume a day that some units carry at a flat load.

    >>> capacity_tokens_per_day(tokens_per_minute=3400, units=110, weight=360 / 220) > 1000 * 220 * 1440
    True
    """
    return tokens_per_minute * units * MINUTES_PER_DAY / weight


def usd_per_unit_day(*, usd_per_unit: float, term: str, hours_per_month: float) -> float:
    """USD a day of one unit from its price per term.

    >>> usd_per_unit_day(usd_per_unit=1.0, term="hourly", hours_per_month=730.0)
    24.0
    >>> usd_per_unit_day(usd_per_unit=2652.0, term="yearly", hours_per_month=730.0) * 365
    2652.0
    """
    days = {
        "hourly": 1.0 / HOURS_PER_DAY,
        "daily": 1.0,
        "monthly": hours_per_month / HOURS_PER_DAY,
        "yearly": DAYS_PER_YEAR,
    }[term]
    return usd_per_unit / days


class _Step(Struct, frozen=True):
    """One step of the staircase: what is bought, what it costs a day and what it carries flat."""

    label: str
    usd_per_day: float
    tokens_per_day: float
    minimum_steps: int
    terms: tuple[Term, ...]
    notes: tuple[str, ...] = ()
    bundled: bool = False  # an upper bound: its units may be bought one by one


def build_provisioned(scope: Scope, choice: ApiChoice, *, index: int) -> Offer:
    """The provisioned offer of one ``api`` entry. Raises FactNotFound / FactNotInForce for its unit."""
    asked = choice.provisioned
    assert asked is not None
    found = scope.prices.provisioned(choice.model, unit=asked.unit, term=asked.term, as_of=scope.as_of)
    price = found.record
    mix = TokenMix.of(scope.profile.workload)
    sources = (found.price_source, found.throughput_source)
    if price.usd_per_unit is not None:
        usd: Range = getattr(price.usd_per_unit, asked.term)
        step = _unit_step(scope, choice, price, usd, mix, sources=sources)
        band: tuple[float, float] | None = (usd.low, usd.high)
    else:
        step, band = _bundle_step(scope, price, asked.term, mix, sources=sources), None
    rho = scope.peak_to_mean
    kappa = step.tokens_per_day / rho
    longest = max((bar.input_tokens for bar in scope.profile.workload.occurring), default=mix_input(mix))
    why_not: tuple[str, ...] = ()
    if price.maximum_input_tokens is not None and longest > price.maximum_input_tokens:
        limit = f"{price.maximum_input_tokens:,} that {asked.unit} serves"
        why_not = (f"requests of {longest:,.0f} input tokens exceed the {limit}",)
    batch = scope.profile.workload.batch_share
    notes = [*step.notes, *found.notes]
    if batch > 0:
        notes.append(f"{choice.model}: the {batch:.0%} that may wait is served by the same units, off their peak")
    line = CostLine(
        "provisioned-units",
        f"{step.label}, {asked.term}",
        "compute",
        usd_per_replica_day=step.usd_per_day * (1.0 - choice.discount),
        equation="provisioned-price",
        terms=(
            *step.terms,
            scope.peak_to_mean_term(),
            scope.chosen(f"api[{index}].discount", choice.discount, "share"),
        ),
        sources=tuple(dict.fromkeys(sources)),
    )
    return Offer(
        id=f"provisioned:{choice.model}@{asked.unit}-{asked.term}",
        name=choice.name or f"{found.model} ({found.provider_name}, {asked.unit.upper()} {asked.term})",
        kind="provisioned",
        lines=(line,),
        tokens_per_day_per_replica=kappa,
        capacity_per_replica_tokens_per_day=step.tokens_per_day,
        min_replicas=step.minimum_steps,
        feasible=not why_not,
        why_not=why_not,
        notes=tuple(notes),
        meta={
            "provider": found.provider,
            "model": found.model,
            "model_ref": choice.model,
            "regions": found.regions,
            "choice": index,
            "unit": asked.unit,
            "bundled": step.bundled,
            "units_per_step": price.unit_increment,
            "unit_price_band": band,
        },
    )


def mix_input(mix: TokenMix) -> float:
    """Mean input tokens of a request."""
    return mix.uncached_input + mix.cached_input + mix.cache_write


def _unit_step(
    scope: Scope, choice: ApiChoice, price: ProvisionedPrice, usd: Range, mix: TokenMix,
    *, sources: tuple[str, str],
) -> _Step:  # fmt: skip
    assert choice.provisioned is not None
    if price.input_tokens_per_minute_per_unit is None or price.output_token_weight is None:
        raise InputError(
            f"{choice.model}: the throughput of a {price.unit} is not on record",
            fix="add input_tokens_per_minute_per_unit and output_token_weight in a --catalog overlay",
        )
    cached = 1.0 if price.cached_token_weight is None else price.cached_token_weight
    written = 1.0 if price.cache_write_token_weight is None else price.cache_write_token_weight
    weight = weight_per_token(
        uncached_input=mix.uncached_input, cached_input=mix.cached_input, cache_write=mix.cache_write,
        output=mix.output, tokens_per_request=mix.tokens_per_request, cached_weight=cached, write_weight=written,
        output_weight=price.output_token_weight,
    )  # fmt: skip
    if weight <= 0:
        raise InputError(
            f"{choice.model}: these requests use no capacity at all (only free cached tokens)",
            fix="check workload.cached_input_share and output_tokens",
        )
    listed, throughput = sources[:1], sources[1:]
    units, term = price.unit_increment, choice.provisioned.term
    asked = choice.provisioned.minimum_units
    minimum = max(price.minimum_units, asked or 0)
    rate = price.input_tokens_per_minute_per_unit
    month = scope.profile.finance.hours_per_month
    terms = (
        Term("usd_per_unit", usd.typical, f"USD/{price.unit}, {term}", listed),
        Term("units_per_step", units, price.unit, throughput),
        Term("minimum_units", minimum, price.unit, throughput, where="profile" if asked else None),
        Term("input_tokens_per_minute_per_unit", rate, "tokens/min", throughput),
        Term("output_token_weight", price.output_token_weight, "ratio", throughput),
        Term("cached_token_weight", cached, "ratio", throughput),
        Term("weighted_tokens_per_token", weight, "ratio", where="equation provisioned-weight"),
    )
    return _Step(
        f"{units} {price.unit.upper()} per step" if units > 1 else price.unit.upper(),
        usd_per_unit_day(usd_per_unit=usd.typical, term=term, hours_per_month=month) * units,
        capacity_tokens_per_day(tokens_per_minute=rate, units=units, weight=weight),
        math.ceil(minimum / units),
        terms,
    )


def _bundle_step(scope: Scope, price: ProvisionedPrice, term: str, mix: TokenMix, *, sources: tuple[str, ...]) -> _Step:
    """The bundle of input and output units that carries these requests at the least cost per token.

    Units may be bought one by one, so the bill is an upper bound, close where a bundle fits well.
    """
    assert price.usd_per_input_unit is not None and price.usd_per_output_unit is not None
    if price.input_tokens_per_minute_per_unit is None or price.output_tokens_per_minute_per_unit is None:
        raise InputError(
            f"the throughput of a {price.unit} is not on record",
            fix="add input_ and output_tokens_per_minute_per_unit in a --catalog overlay",
        )
    cached = 1.0 if price.cached_token_weight is None else price.cached_token_weight
    into = (mix.uncached_input + mix.cache_write + cached * mix.cached_input) / mix.tokens_per_request
    out = mix.output / mix.tokens_per_request
    month = scope.profile.finance.hours_per_month
    listed, throughput = sources[:1], sources[1:]
    in_price: Range = getattr(price.usd_per_input_unit, term)
    out_price: Range = getattr(price.usd_per_output_unit, term)
    usd_in = usd_per_unit_day(usd_per_unit=in_price.typical, term=term, hours_per_month=month)
    usd_out = usd_per_unit_day(usd_per_unit=out_price.typical, term=term, hours_per_month=month)
    inputs, outputs, tokens = best_bundle(
        input_tokens_per_day=price.input_tokens_per_minute_per_unit * MINUTES_PER_DAY,
        output_tokens_per_day=price.output_tokens_per_minute_per_unit * MINUTES_PER_DAY,
        input_share=into, output_share=out, usd_per_input_unit_day=usd_in, usd_per_output_unit_day=usd_out,
    )  # fmt: skip
    label = f"{inputs} input + {outputs} output units per step"
    terms = (
        Term("usd_per_input_unit", in_price.typical, f"USD/unit, {term}", listed),
        Term("usd_per_output_unit", out_price.typical, f"USD/unit, {term}", listed),
        Term("input_units_per_step", inputs, "units", where="equation provisioned-bundle"),
        Term("output_units_per_step", outputs, "units", where="equation provisioned-bundle"),
        Term("input_tokens_per_minute_per_unit", price.input_tokens_per_minute_per_unit, "tokens/min", throughput),
        Term("output_tokens_per_minute_per_unit", price.output_tokens_per_minute_per_unit, "tokens/min", throughput),
    )
    note = f"{price.unit}: units are counted in bundles ({label}); bought one by one they cost no more than this"
    return _Step(label, inputs * usd_in + outputs * usd_out, tokens, 1, terms, (note,), bundled=True)


def best_bundle(
    *, input_tokens_per_day: float, output_tokens_per_day: float, input_share: float, output_share: float,
    usd_per_input_unit_day: float, usd_per_output_unit_day: float,
) -> tuple[int, int, float]:  # fmt: skip
    """(input units, output units, tokens of volume a day) of the cheapest bundle per token.

    Each unit carries its tokens a day; a bundle carries min(i / input_share, o / output_share).
    Bundles of up to ``MAX_BUNDLE_UNITS`` are tried; the smallest wins a tie.

    >>> best_bundle(input_tokens_per_day=30.0, output_tokens_per_day=10.0, input_share=0.75, output_share=0.25,
    ...             usd_per_input_unit_day=1.0, usd_per_output_unit_day=1.0)
    (1, 1, 40.0)
    """
    best: tuple[float, int, int, int, float] | None = None
    for inputs in range(MAX_BUNDLE_UNITS + 1):
        for outputs in range(MAX_BUNDLE_UNITS + 1 - inputs):
            tokens = min(
                inputs * input_tokens_per_day / input_share if input_share > 0 else math.inf,
                outputs * output_tokens_per_day / output_share if output_share > 0 else math.inf,
            )
            if not 0 < tokens < math.inf:
                continue
            usd = inputs * usd_per_input_unit_day + outputs * usd_per_output_unit_day
            row = (usd / tokens, inputs + outputs, inputs, outputs, tokens)
            # A larger bundle must be worth its coarser steps.
            if best is None or row[0] < best[0] * (1 - 1e-9):
                best = row
    if best is None:
        raise InputError(
            f"no bundle of {MAX_BUNDLE_UNITS} units carries these requests",
            fix="their input and output are too unequal for units bought apart: use the price per token",
        )
    return best[2], best[3], best[4]
