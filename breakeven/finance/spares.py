"""Spare parts and failures: how many spares a failure rate asks for, and what they cost."""

from __future__ import annotations

from breakeven.arithmetic import Number
from breakeven.units import DAYS_PER_YEAR


def spares_share(*, failures_per_unit_year: Number, replacement_days: Number) -> Number:
    """failures a year x days to replace / 365: the mean share of units that is away for repair.

    A fleet that keeps this share in spares keeps its capacity on average; a redundant replica
    covers the moment of failure itself. Source: docs/model.md, equation ``spares``.

    >>> round(spares_share(failures_per_unit_year=0.09, replacement_days=30.0), 5)
    0.0074
    """
    return failures_per_unit_year * replacement_days / DAYS_PER_YEAR


def availability_share(*, failures_per_unit_year: Number, repair_days: Number) -> Number:
    """1 / (1 + failures a year x repair days / 365): the mean share of time a unit is up.

    >>> availability_share(failures_per_unit_year=0.0, repair_days=2.0)
    1.0
    """
    return 1.0 / (1.0 + failures_per_unit_year * repair_days / DAYS_PER_YEAR)
