"""People who run it."""

from __future__ import annotations

from breakeven.arithmetic import Number
from breakeven.units import DAYS_PER_YEAR


def labour_usd_per_day(*, fte: Number, usd_per_fte_year: Number) -> Number:
    """FTE x loaded cost / 365, USD a day. Source: docs/model.md, equation ``labour``.

    >>> round(labour_usd_per_day(fte=0.25, usd_per_fte_year=200_000.0), 3)
    136.986
    """
    return fte * usd_per_fte_year / DAYS_PER_YEAR
