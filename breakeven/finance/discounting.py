"""Money at different dates: discounting by a named payment timing.

``timing`` says when a period's payments are taken to fall: ``month_mid`` (default), ``month_end``,
``year_end`` or ``continuous``. Every function uses only + - * / and the portable exponential of
the arithmetic ``x``, so that a sweep over arrays gives the same digits as one number. Taxes are
left out everywhere. Source: docs/model.md, equations ``present-value`` and ``price-decline``.
"""

from __future__ import annotations

from breakeven.arithmetic import AUTO, Arithmetic, Number

# timing -> (length of a payment period, how long after the period's start it is paid), in years
TIMINGS: dict[str, tuple[float, float]] = {
    "month_mid": (1.0 / 12.0, 1.0 / 24.0),
    "month_end": (1.0 / 12.0, 1.0 / 12.0),
    "year_end": (1.0, 1.0),
    "continuous": (0.0, 0.0),
}


def log_rate(*, rate_per_year: Number, x: Arithmetic = AUTO) -> Number:
    """delta = ln(1 + r): the continuous rate of an effective rate per year, r above -1.

    >>> round(log_rate(rate_per_year=0.10), 6)
    0.09531
    """
    return x.log(1.0 + rate_per_year)


def discount_factor(*, discount_rate: Number, years: Number, x: Arithmetic = AUTO) -> Number:
    """(1 + r)^-t: the value today of one dollar paid after ``years``.

    >>> round(discount_factor(discount_rate=0.10, years=3), 6)
    0.751315
    """
    return x.exp(-log_rate(rate_per_year=discount_rate, x=x) * years)


def mean_decay(decay: Number, x: Arithmetic = AUTO) -> Number:
    """g(z) = (1 - e^-z) / z, the mean of e^-t over [0, z]; g(0) = 1.

    >>> mean_decay(0.0)
    1.0
    >>> abs(mean_decay(0.24) - mean_decay(0.26)) < 0.01
    True
    """
    size = x.maximum(decay, -decay)
    small = size < 0.25
    # Both branches are evaluated for arrays, so the unused one must not divide by zero.
    safe = x.where(small, 1.0, decay)
    direct = (1.0 - x.exp(-safe)) / safe
    z = x.where(small, decay, 0.0)
    series = 1.0 - z / 13.0
    for n in range(12, 1, -1):
        series = 1.0 - z / float(n) * series
    return x.where(small, series, direct)


def present_value_years(
    *, decay_per_year: Number, years: Number, timing: str, x: Arithmetic = AUTO
) -> Number:
    """Present value of $1 a year for ``years`` that shrinks by e^-decay a year, paid by ``timing``.

    n g(a n) e^(-a lag) / g(a p), with a the discount rate (continuous) plus the rate at which the
    payment itself falls, p the period and lag the payment's delay within it. Units: years.
    Source: sum of a geometric series; docs/model.md, equation ``present-value``.

    >>> round(present_value_years(decay_per_year=0.0953101798, years=3, timing="year_end"), 5)
    2.48685
    """
    period, lag = TIMINGS[timing]
    whole = years * mean_decay(decay_per_year * years, x)
    if period == 0.0:
        return whole
    return whole * x.exp(-decay_per_year * lag) / mean_decay(decay_per_year * period, x)


def npv_crossover_multiplier(
    *, price_falls_by_factor_per_year: Number, discount_rate: Number, years: Number, timing: str,
    x: Arithmetic = AUTO,
) -> Number:  # fmt: skip
    """How much higher today's crossover is when the API's price falls by a factor every year.

    Present value of a constant stream over that of one which falls g x a year (price taken on the
    day of payment). Unit: ratio. Source: docs/model.md, equation ``price-decline``.

    >>> [round(npv_crossover_multiplier(price_falls_by_factor_per_year=g, discount_rate=0.10, years=3,
    ...                                 timing="month_mid"), 2) for g in (3, 10, 50)]
    [3.21, 6.27, 10.5]
    """
    delta = log_rate(rate_per_year=discount_rate, x=x)
    falling = delta + x.log(price_falls_by_factor_per_year)
    constant = present_value_years(decay_per_year=delta, years=years, timing=timing, x=x)
    return constant / present_value_years(decay_per_year=falling, years=years, timing=timing, x=x)


def payment_years(*, month: int, timing: str) -> float:
    """When month number ``month`` (0 = the first) is paid, in years from today.

    ``continuous`` is spread over the month; its middle is returned.

    >>> payment_years(month=0, timing="month_mid") * 24, payment_years(month=13, timing="year_end")
    (1.0, 2.0)
    """
    if timing == "year_end":
        return float(month // 12 + 1)
    if timing == "month_end":
        return (month + 1) / 12.0
    return (month + 0.5) / 12.0


def month_factor(*, decay_per_year: Number, month: int, timing: str, x: Arithmetic = AUTO) -> Number:
    """Value of $1 in month ``month`` of a stream that shrinks by e^-decay a year (no discount: decay 0).

    Sums over months to 12 x :func:`present_value_years` over whole years.

    >>> a = 0.3
    >>> months = sum(month_factor(decay_per_year=a, month=m, timing="continuous") for m in range(36))
    >>> abs(months / 12 - present_value_years(decay_per_year=a, years=3, timing="continuous")) < 1e-14
    True
    """
    if timing == "continuous":
        return x.exp(-decay_per_year * (month / 12.0)) * mean_decay(decay_per_year / 12.0, x)
    return x.exp(-decay_per_year * payment_years(month=month, timing=timing))
