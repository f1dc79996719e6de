"""What a price book answers: the prices of one model for one workload, and where they come from."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from breakeven.catalog.list_price import Prices

if TYPE_CHECKING:
    from breakeven.catalog.records import ProvisionedPrice

ServiceTier = Literal["standard", "flex", "priority"]


class Announced(Struct, frozen=True):
    """Prices already announced for a later day, at the same requests and service tier."""

    effective: dt.date
    prices: Prices
    source_id: str


class OffPeak(Struct, frozen=True):
    """Prices of the cheapest hours of the week, for work that can wait ``wait_hours`` at the most."""

    prices: Prices
    wait_hours: int


class Quote(Struct, frozen=True):
    """Exact mean prices in USD per million tokens, at the workload's requests and hours.

    ``effective`` is the day from which the list price is in force (None: undated).
    ``long_context_share`` is the share of requests above a context tier.
    """

    model_ref: str
    provider: str
    provider_name: str
    model: str
    tier: ServiceTier
    batch: bool
    as_of: dt.date
    prices: Prices
    effective: dt.date | None
    sources: tuple[str, ...]
    cached_input_listed: bool
    cache_write_listed: bool
    long_context_share: float = 0.0
    batch_window_hours: float | None = None
    off_peak: OffPeak | None = None
    announced: tuple[Announced, ...] = ()
    retires_on: dt.date | None = None
    regions: tuple[str, ...] = ()
    open_model: str | None = None
    notes: tuple[str, ...] = ()


class Host(Struct, frozen=True):
    """A provider that serves an open-weight model per token, priced on the date.

    ``exact`` is False where it serves another checkpoint of the same architecture.
    """

    model_ref: str
    provider: str
    provider_name: str
    open_model: str
    exact: bool


class ProvisionedQuote(Struct, frozen=True):
    """A unit of provisioned throughput on the date, with what its price and its throughput are cited by."""

    provider: str
    provider_name: str
    model: str
    record: ProvisionedPrice
    price_source: str
    throughput_source: str
    regions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
