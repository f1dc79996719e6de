"""What a machine costs per day: annuity with resale value, or straight line.

Source: docs/model.md, equations ``annuity``, ``straight-line`` and ``sinking-fund``. A year is
365 days of 24 hours. Depreciation allowances and other taxes are left out.
"""

from __future__ import annotations

from breakeven.arithmetic import AUTO, Arithmetic, Number
from breakeven.finance.discounting import discount_factor, log_rate, present_value_years
from breakeven.units import DAYS_PER_YEAR


def straight_line_usd_per_day(*, capex_usd: Number, residual_usd: Number, life_years: Number) -> Number:
    """(capex - residual) / (life x 365), USD a day. No interest.

    >>> straight_line_usd_per_day(capex_usd=30000, residual_usd=0, life_years=3) / 24
    1.1415525114155252
    """
    return (capex_usd - residual_usd) / (life_years * DAYS_PER_YEAR)


def annuity_usd_per_day(
    *, capex_usd: Number, residual_usd: Number, discount_rate: Number, life_years: Number, timing: str,
    x: Arithmetic = AUTO,
) -> Number:  # fmt: skip
    """(capex - residual (1 + r)^-n) / (PV of $1 a year for n years) / 365, USD a day.

    The level payment, made by ``timing``, that buys the machine at ``discount_rate`` and leaves
    its resale value at the end. At 10 % over three years it is above straight line by:

    >>> line = straight_line_usd_per_day(capex_usd=1, residual_usd=0, life_years=3)
    >>> [round(annuity_usd_per_day(capex_usd=1, residual_usd=0, discount_rate=0.1, life_years=3, timing=t) / line, 3)
    ...  for t in ("year_end", "month_end", "continuous")]
    [1.206, 1.154, 1.15]
    >>> annuity_usd_per_day(capex_usd=1095, residual_usd=0, discount_rate=0.0, life_years=3, timing="month_mid")
    1.0
    """
    left = residual_usd * discount_factor(discount_rate=discount_rate, years=life_years, x=x)
    delta = log_rate(rate_per_year=discount_rate, x=x)
    worth = present_value_years(decay_per_year=delta, years=life_years, timing=timing, x=x)
    return (capex_usd - left) / worth / DAYS_PER_YEAR


def sinking_fund_usd_per_day(
    *, future_usd: Number, discount_rate: Number, years: Number, timing: str, x: Arithmetic = AUTO
) -> Number:
    """future (1 + r)^-n / (PV of $1 a year for n years) / 365: what to lay aside for a payment at the end.

    >>> sinking_fund_usd_per_day(future_usd=1095, discount_rate=0.0, years=3, timing="month_end")
    1.0
    """
    today = future_usd * discount_factor(discount_rate=discount_rate, years=years, x=x)
    delta = log_rate(rate_per_year=discount_rate, x=x)
    return today / present_value_years(decay_per_year=delta, years=years, timing=timing, x=x) / DAYS_PER_YEAR
