"""Electricity of owned machines: what idling costs per day, and what serving adds per token.

A busy hour draws the active power and an idle hour the idle power, both times PUE. With the busy
share u = volume / capacity the energy splits into a part per replica and day and a part per Mtok,
so utilisation never has to be guessed. Source: docs/model.md, ``energy-idle``, ``energy-active``.
"""

from __future__ import annotations

from breakeven.arithmetic import Number
from breakeven.units import HOURS_PER_DAY, WATTS_PER_KW


def idle_energy_usd_per_day(*, idle_w: Number, pue: Number, electricity_usd_per_kwh: Number) -> Number:
    """idle_w / 1000 x 24 x PUE x price: USD per replica and day, drawn whether busy or not.

    >>> idle_energy_usd_per_day(idle_w=1000.0, pue=1.25, electricity_usd_per_kwh=0.1)
    3.0
    """
    return idle_w / WATTS_PER_KW * HOURS_PER_DAY * pue * electricity_usd_per_kwh


def active_energy_usd_per_mtok(
    *, active_w: Number, idle_w: Number, pue: Number, electricity_usd_per_kwh: Number, capacity_mtok_per_day: Number
) -> Number:
    """(active_w - idle_w) / 1000 x 24 x PUE x price / capacity: USD per Mtok that serving adds.

    >>> active_energy_usd_per_mtok(active_w=5000.0, idle_w=1000.0, pue=1.25, electricity_usd_per_kwh=0.1,
    ...                            capacity_mtok_per_day=120.0)
    0.1
    """
    added = (active_w - idle_w) / WATTS_PER_KW * HOURS_PER_DAY * pue * electricity_usd_per_kwh
    return added / capacity_mtok_per_day


def mean_power_w(*, idle_w: Number, active_w: Number, utilisation_share: Number) -> Number:
    """idle + (active - idle) x utilisation, W at the server.

    >>> mean_power_w(idle_w=1000.0, active_w=5000.0, utilisation_share=0.5)
    3000.0
    """
    return idle_w + (active_w - idle_w) * utilisation_share
