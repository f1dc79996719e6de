"""The values at which a verdict flips, with their units: in the key's own, and money in the report's currency too.

A profile states money in US dollars, so that is what a key's value is; a report in another currency shows both.
"""

from __future__ import annotations

from breakeven.compare.numbers import Money, spoken

_SHARE, _USD = "share", "USD"


def figure(value: float, unit: str = "") -> str:
    """A value as a profile could state it: a share in per cent, the rest as a number of its unit.

    >>> figure(0.4137, "share"), figure(2.5, "USD/GPU-hour"), figure(12_345_678.0, "tokens/day")
    ('41.37%', '2.5', '12.3M')
    """
    if unit.startswith(_SHARE):
        return f"{value * 100:.4g}%"
    return spoken(value) if abs(value) >= 1000 else f"{value:.4g}"


def noun(unit: str) -> str:
    """What stands behind such a figure: the unit, less what a per cent sign says already.

    >>> noun("USD/GPU-hour"), noun("share/year"), noun("share")
    ('USD/GPU-hour', '/year', '')
    """
    return unit.removeprefix(_SHARE) if unit.startswith(_SHARE) else unit


def in_currency(value: float, unit: str, money: Money) -> str:
    """The same money in the report's currency; empty where that is US dollars or the unit is no money.

    >>> in_currency(2.5, "USD/GPU-hour", Money("EUR", 1.06)), in_currency(2.5, "USD/GPU-hour", Money())
    ('EUR 2.36/GPU-hour', '')
    """
    if money.code == _USD or not unit.startswith(_USD):
        return ""
    return money(value) + unit.removeprefix(_USD)


def stated(value: float, unit: str, money: Money) -> str:
    """A value with its unit.

    >>> stated(0.3, "share", Money()), stated(6.36, "USD/Mtok", Money("EUR", 1.06))
    ('30%', '6.36 USD/Mtok = EUR 6.00/Mtok')
    """
    behind = noun(unit)
    text = figure(value, unit) + (behind if behind.startswith("/") else f" {behind}" if behind else "")
    converted = in_currency(value, unit, money)
    return f"{text} = {converted}" if converted else text
