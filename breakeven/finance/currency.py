"""A display currency by one dated rate; every input stays in USD and nothing is fetched."""

from __future__ import annotations

from breakeven.arithmetic import Number


def in_currency(*, amount_usd: Number, usd_per_unit: Number) -> Number:
    """amount / (USD per unit of the currency). Source: docs/model.md, equation ``currency``.

    >>> in_currency(amount_usd=110.0, usd_per_unit=1.1)
    99.99999999999999
    """
    return amount_usd / usd_per_unit
