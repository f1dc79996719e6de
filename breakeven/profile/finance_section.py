"""How money is counted: discount rate, payment timing, horizon, currency."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from breakeven.profile.base import Section
from breakeven.units import DiscountRate, Hours, Positive, Years

Timing = Literal["month_mid", "month_end", "year_end", "continuous"]


class Currency(Section):
    """A display currency by a dated rate; every input stays in USD.

    A plain code such as ``EUR`` takes the catalogue's rate in force on the date of the facts; a rate
    of your own names its day and source.
    """

    code: str = Field(json_schema_extra={"pattern": "^[A-Z]{3}$"})
    usd_per_unit: Positive | None = None
    as_of: dt.date | None = None
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"code": value} if isinstance(value, str) else value

    @field_validator("code")
    @classmethod
    def _three_letters(cls, code: str) -> str:
        if re.fullmatch("[A-Z]{3}", code) is None:
            raise ValueError(f"{code[:20]!r} is not a currency code; write three capital letters such as EUR")
        return code

    @model_validator(mode="after")
    def _whole_rate(self) -> Currency:
        given = (self.usd_per_unit is not None, self.as_of is not None, bool(self.source))
        if any(given) and not all(given):
            raise ValueError("a rate of your own needs usd_per_unit, as_of and source; or write the code alone")
        return self


class Finance(Section):
    discount_rate: DiscountRate = 0.10
    timing: Timing = "month_mid"
    horizon_years: Years = 3.0  # over which one-off costs are spread
    hours_per_month: Hours = 730.0
    currency: Currency | None = None

    @field_validator("currency", mode="before")
    @classmethod
    def _dollars_need_no_rate(cls, value: Any) -> Any:
        return None if value in ("USD", {"code": "USD"}) else value
