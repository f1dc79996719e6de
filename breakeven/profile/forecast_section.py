"""How prices, throughput and demand move over the horizon."""

from __future__ import annotations

from typing import Literal

from breakeven.profile.base import Section
from breakeven.units import Months, Rate, Years


class Forecast(Section):
    """Rates are per year and compound monthly; a price that falls 20 % a year is ``-20%``."""

    horizon_months: Months = 36.0
    api_price_path: Literal["none", "same-model", "same-quality", "frontier"] = "none"
    api_price_change_per_year: Rate | None = None  # instead of a named path
    rental_price_change_per_year: Rate = 0.0
    hardware_price_change_per_year: Rate = 0.0
    throughput_gain_per_year: Rate = 0.0
    demand_elasticity: float = 0.0  # d ln volume / d ln price, at most 0
    refresh_years: Years | None = None
