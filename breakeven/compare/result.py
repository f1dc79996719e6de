"""The result of one comparison: plain frozen data that every renderer reads and none recomputes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from breakeven.compare.crossover import Crossover
from breakeven.offers.offer import CostLine, Offer, Term

if TYPE_CHECKING:
    from breakeven.compare.outlook import Outlook
    from breakeven.compare.quotes import QuoteRow

RESULT_SCHEMA_VERSION = 1


class OfferAtVolume(Struct, frozen=True):
    """One offer at the profile's volume. None means it cannot be known (no capacity), never zero."""

    offer: Offer
    usd_per_day: float | None
    usd_per_month: float | None
    usd_per_mtok: float | None
    usd_per_request: float | None
    usd_per_task: float | None
    capacity_usd_per_mtok: float | None
    replicas: int | None
    capacity_tokens_per_day: float | None
    utilisation_share: float | None
    bill: tuple[tuple[CostLine, float | None], ...]


class Alternative(Struct, frozen=True):
    """The headline crossover again with one thing changed that a fair reader would ask for."""

    name: str
    changed: str
    outcome: str | None
    first_tokens_per_day: float | None
    settled_tokens_per_day: float | None
    ratio_to_headline: float | None
    why_not: str | None = None
    sources: tuple[str, ...] = ()
    pair: tuple[Offer, Offer] | None = None  # the API and the self-hosted offer it is solved for
    cheaper_at_volume: bool = False  # it costs less than the headline at the profile's volume, and a key would choose it


class Flip(Struct, frozen=True):
    """The value of one key at which the verdict at the profile's volume flips."""

    key: str
    unit: str
    now: float
    flips_at: float | None
    why_not: str | None = None


class Headline(Struct, frozen=True):
    """The pair the verdict is about, the verdict in one sentence, and what it depends on."""

    api: str
    self_host: str
    sentence: str
    conditions: tuple[str, ...]
    cheaper_at_volume: str | None  # offer id


class SourceUsed(Struct, frozen=True):
    """One dated record that the result rests on."""

    id: str
    file: str
    effective: dt.date | None
    retrieved: dt.date | None
    kind: str
    url: str | None
    title: str | None
    age_days: int | None
    confidential: bool = False
    note: str | None = None
    owner: str | None = None  # who answers for the fact, where its record says so


class Assumption(Struct, frozen=True):
    """One line of the ledger: a number the result rests on and who answers for it."""

    name: str
    value: Any
    unit: str
    origin: str  # a source id, "profile:<key>", "--set", "default" or "estimate, grade X"
    used_by: tuple[str, ...]


class Comparison(Struct, frozen=True):
    """Everything ``run`` prints, in any format."""

    name: str
    profile_path: str
    description: str | None
    owner: str | None
    tokens_per_day: float
    requests_per_day: float
    tokens_per_request: float
    input_tokens: float
    output_tokens: float
    hours_per_month: float
    hourly_weights: tuple[float, ...]  # the load machines see, mean 1: what a hybrid's crossing needs; (1,) is flat
    as_of: dt.date
    catalogue_version: str
    catalogue_digest: str
    catalogue_released: dt.date
    tool_version: str
    profile_digest: str
    overrides: tuple[str, ...]
    offers: tuple[OfferAtVolume, ...]
    crossovers: tuple[Crossover, ...]
    headline: Headline
    alternatives: tuple[Alternative, ...]
    flips: tuple[Flip, ...]
    sources: tuple[SourceUsed, ...]
    assumptions: tuple[Assumption, ...]
    not_included: tuple[str, ...]
    warnings: tuple[str, ...]
    quotes: tuple[QuoteRow, ...] = ()  # suppliers and clouds side by side, where the catalogue holds quotes
    currency: Mapping[str, Any] | None = None
    profile_data: Mapping[str, Any] = field(default_factory=dict)
    outlook: Outlook | None = None  # forecast and risk, for the formats that show them

    def offer(self, offer_id: str) -> OfferAtVolume:
        """The offer of that id; KeyError when there is none."""
        for row in self.offers:
            if row.offer.id == offer_id:
                return row
        raise KeyError(offer_id)

    @property
    def cheapest(self) -> OfferAtVolume | None:
        """The cheapest offer that may and can serve the volume; None where there is none, or a price is withheld."""
        able = [row for row in self.offers if row.offer.eligible and row.offer.feasible]
        if not able or any(row.usd_per_day is None for row in able):
            return None
        return min(able, key=lambda row: row.usd_per_day or 0.0)

    @property
    def all_sources(self) -> tuple[SourceUsed, ...]:
        """The records of the comparison and of its outlook, each once, by id."""
        ahead = self.outlook.sources if self.outlook is not None else ()
        known = {source.id: source for source in (*self.sources, *ahead)}
        return tuple(known[source_id] for source_id in sorted(known))

    @property
    def any_self_host_feasible(self) -> bool:
        """Whether at least one rented or owned offer can serve the workload."""
        return any(row.offer.feasible for row in self.offers if row.offer.kind in ("rented", "owned"))


def terms_of(offer: Offer) -> tuple[Term, ...]:
    """Every term of an offer's lines and of its capacity, in order, once each."""
    found: dict[tuple[str, Any, str], Term] = {}
    for line in offer.lines:
        for term in line.terms:
            found.setdefault((term.name, repr(term.value), term.where or ""), term)
    for term in (*offer.meta.get("capacity_terms", ()), *offer.meta.get("mean_day_terms", ())):
        found.setdefault((term.name, repr(term.value), term.where or ""), term)
    return tuple(found.values())
