"""How prices, throughput and demand move over the horizon."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from breakeven.profile.base import Section
from breakeven.units import Months, Rate, Share, Years


class DeclineDrivers(Section):
    """Shares of the API price's decline (of its logarithm) by what drives it; they sum to 1.

    Quantisation and software (speculative decoding, batching, kernels) reach self-hosting at once,
    hardware when machines are renewed, competition (margin) not at all.
    """

    hardware: Share = 0.0
    quantisation: Share = 0.0
    software: Share = 0.0
    competition: Share = 0.0

    @model_validator(mode="after")
    def _whole(self) -> DeclineDrivers:
        total = self.hardware + self.quantisation + self.software + self.competition
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"the shares must sum to 1, not {total:g}; make them add up")
        return self


Elasticity = Annotated[float, Field(ge=-5.0, le=0.0)]


PricePathName = Literal["none", "same-model", "same-quality", "frontier"]


class Forecast(Section):
    """Rates are per year and compound monthly; a price that falls 20 % a year is ``-20%``."""

    horizon_months: Months = 36.0
    api_price_path: PricePathName = "none"
    api_price_change_per_year: Rate | None = None  # instead of a named path
    rental_price_change_per_year: Rate = 0.0
    hardware_price_change_per_year: Rate = 0.0
    throughput_gain_per_year: Rate = 0.0
    demand_elasticity: Elasticity = 0.0  # d ln volume / d ln price, at most 0
    refresh_years: Years | None = None  # owned machines are replaced after so many years
    drivers: DeclineDrivers | None = None  # which part of the API's decline self-hosting shares
