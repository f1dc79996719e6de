"""Upkeep of owned machines: a share of the purchase price per year."""

from __future__ import annotations

from breakeven.arithmetic import Number
from breakeven.units import DAYS_PER_YEAR


def maintenance_usd_per_day(*, capex_usd: Number, maintenance_share_per_year: Number) -> Number:
    """capex x share / 365, USD per replica and day. Source: docs/model.md, equation ``maintenance``.

    >>> round(maintenance_usd_per_day(capex_usd=250141.8, maintenance_share_per_year=0.12) / 24, 4)
    3.4266
    """
    return capex_usd * maintenance_share_per_year / DAYS_PER_YEAR
