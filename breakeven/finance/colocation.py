"""Rack space: colocation is billed per kW of provisioned (nameplate) power, used or not."""

from __future__ import annotations

from breakeven.arithmetic import Number
from breakeven.units import HOURS_PER_DAY, WATTS_PER_KW


def colocation_usd_per_day(*, power_w: Number, usd_per_kw_month: Number, hours_per_month: Number) -> Number:
    """power_w / 1000 x price / (hours_per_month / 24), USD per replica and day.

    Source: docs/model.md, equation ``colocation``.

    >>> colocation_usd_per_day(power_w=10_000.0, usd_per_kw_month=146.0, hours_per_month=730.0)
    48.0
    """
    return power_w / WATTS_PER_KW * usd_per_kw_month / (hours_per_month / HOURS_PER_DAY)
