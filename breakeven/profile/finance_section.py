"""How money is counted: discount rate, payment timing, horizon, currency."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from breakeven.profile.base import Section
from breakeven.units import DiscountRate, Hours, Positive, Years

Timing = Literal["month_mid", "month_end", "year_end", "continuous"]


class Currency(Section):
    """A display currency by a dated rate; every input stays in USD."""

    code: str
    usd_per_unit: Positive
    as_of: dt.date
    source: str


class Finance(Section):
    discount_rate: DiscountRate = 0.10
    timing: Timing = "month_mid"
    horizon_years: Years = 3.0  # over which one-off costs are spread
    hours_per_month: Hours = 730.0
    currency: Currency | None = None
