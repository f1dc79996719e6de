"""Suppliers and clouds side by side: every way to run the model, ranked by what it costs over the horizon.

    npv_usd_per_mtok = sum of present_usd(m) / sum of (1 + r)^-t(m) Mtok(m)

the present value of an offer's costs over that of the tokens it serves, so that contracts of other
lengths and payment profiles compare. Only offers that are complete, valid on the date and meet the
requirements are ranked; the others are listed with the reason. Source: docs/model.md, equation
``levelised-cost``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from breakeven.compare.crossover import Crossover
from breakeven.compare.forecast import Forecast, forecast
from breakeven.errors import BreakevenError
from breakeven.finance.discounting import log_rate, month_factor
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope


class QuoteRow(Struct, frozen=True):
    """One way to run the model, or (kind ``api``) the price to beat. None is unknown."""

    offer: str
    name: str
    kind: str
    quote: bool  # a supplier's quote, rather than a price of the catalogue
    rank: int | None
    npv_usd_per_mtok: float | None
    npv_usd: float | None
    outcome: str | None  # against the API of the verdict
    first_tokens_per_day: float | None
    units: int | None
    valid_until: dt.date | None
    flags: tuple[str, ...]
    confidential: bool = False  # in a redacted result: its figures are withheld
    confidential_rank: int | None = None  # there: its place among the confidential rows alone


def side_by_side(
    scope: Scope, offers: Sequence[Offer], crossovers: Sequence[Crossover], *, api: str
) -> tuple[QuoteRow, ...]:
    """The rows, best first, then what is not ranked."""
    bought = next((offer for offer in offers if offer.id == api), None)
    found = {crossing.self_host: crossing for crossing in crossovers if crossing.api == api}
    rows = []
    for offer in offers:
        if offer.kind in ("rented", "owned") or offer is bought:
            rows.append(_row(scope, offer, found.get(offer.id)))
    ranked = sorted(
        (row for row in rows if row.npv_usd_per_mtok is not None and row.kind != "api" and not _barred(row, offers)),
        key=lambda row: (row.npv_usd_per_mtok, _volume(row), row.offer),
    )
    places = {row.offer: place for place, row in enumerate(ranked, start=1)}
    numbered = [replace(row, rank=places.get(row.offer)) for row in rows]
    return tuple(sorted(numbered, key=lambda row: (row.rank is None, row.rank or 0, row.kind != "api")))


def _barred(row: QuoteRow, offers: Sequence[Offer]) -> bool:
    offer = next(one for one in offers if one.id == row.offer)
    return not (offer.eligible and offer.feasible)


def _volume(row: QuoteRow) -> float:
    if row.outcome == "always":
        return 0.0
    return math.inf if row.first_tokens_per_day is None else row.first_tokens_per_day


def _row(scope: Scope, offer: Offer, found: Crossover | None) -> QuoteRow:
    flags = list(offer.why_not)
    npv = per_mtok = None
    if offer.feasible:
        try:
            made = forecast(scope, [offer], api="", self_host="")
            npv = made.offers[0].npv_usd
            per_mtok = npv / present_mtok(scope, made)
            flags += _term_flags(offer, made)
        except BreakevenError as error:
            flags.append(error.problems[0].message)
    flags += [note for note in offer.notes if offer.meta.get("quote")]
    return QuoteRow(
        offer.id, offer.name, offer.kind, bool(offer.meta.get("quote")), None, per_mtok, npv,
        found.outcome if found else None, found.first_tokens_per_day if found else None, offer.meta.get("units"),
        offer.meta.get("valid_until"), tuple(dict.fromkeys(flags)),
    )  # fmt: skip


def present_mtok(scope: Scope, made: Forecast) -> float:
    """Present value of the tokens of a forecast, in Mtok: each month's at the discount of its payment."""
    finance = scope.profile.finance
    delta = log_rate(rate_per_year=finance.discount_rate)
    days = finance.hours_per_month / 24.0
    return math.fsum(
        volume / 1e6 * days * month_factor(decay_per_year=delta, month=month, timing=finance.timing)
        for month, volume in enumerate(made.tokens_per_day)
    )


def _term_flags(offer: Offer, made: Forecast) -> list[str]:
    years = offer.meta.get("term_years")
    if years is not None and years * 12.0 > made.horizon_months + 1e-9:
        return [f"bound for {years:g} years, beyond the horizon of {made.horizon_months} months"]
    return []
