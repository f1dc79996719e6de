"""Numbers as people say them, for sentences that are part of the result itself.

One place, so that the verdict in the terminal, in JSON and in a report is the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.finance.currency import in_currency

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def spoken(value: float, *, digits: int = 3) -> str:
    """Three significant digits with the scale people use.

    >>> spoken(10_600_000), spoken(999.6e6), spoken(950), spoken(0.0)
    ('10.6M', '1B', '950', '0')
    """
    if value == 0:
        return "0"
    for scale, letter in _SCALES:
        if abs(value) >= scale * (1 - 0.5 * 10 ** -(digits - 1) / 10):
            text = f"{value / scale:.{digits}g}"
            if "e" in text:
                text = f"{value / scale:.0f}"
            if float(text) >= 1000 and letter != "T":
                continue
            return text + letter
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text and abs(value) >= 1 else text


def usd(value: float) -> str:
    """Dollars with thousands separators; cents below 1,000.

    >>> usd(63.6), usd(12345.6), usd(0.0375), usd(-5)
    ('$63.60', '$12,346', '$0.0375', '-$5.00')
    """
    sign = "-" if value < 0 else ""
    size = abs(value)
    if size >= 999.995:
        return f"{sign}${size:,.0f}"
    if size >= 0.1 or size == 0:
        return f"{sign}${size:.2f}"
    return f"{sign}${size:.3g}"


class Money(Struct, frozen=True):
    """How amounts are shown: US dollars, or a currency by a dated rate of the profile.

    Every computed figure stays in USD; only its text is converted, amount / usd_per_unit.

    >>> Money()(63.6), Money("EUR", 1.06)(63.6)
    ('$63.60', 'EUR 60.00')
    """

    code: str = "USD"
    usd_per_unit: float = 1.0

    @classmethod
    def of(cls, currency: Mapping[str, Any] | None) -> Money:
        """The display currency of a result's ``currency`` entry."""
        return cls() if currency is None else cls(str(currency["code"]), float(currency["usd_per_unit"]))

    @property
    def symbol(self) -> str:
        """What stands in a column head: ``$`` or the currency's code."""
        return "$" if self.code == "USD" else self.code

    def __call__(self, amount_usd: float) -> str:
        text = usd(self.amount(amount_usd))
        return text if self.code == "USD" else text.replace("$", f"{self.code} ", 1)

    def amount(self, amount_usd: float) -> float:
        """An amount in the currency, as a number."""
        return float(in_currency(amount_usd=amount_usd, usd_per_unit=self.usd_per_unit))

    def quoted(self, price_usd: float) -> str:
        """A price with every digit it was quoted with; converted, to cents."""
        return f"${price_usd:g}" if self.code == "USD" else self(price_usd)


def percent(share: float) -> str:
    """A share as a percentage with sensible digits.

    >>> percent(0.0123), percent(0.5), percent(0.00042)
    ('1.2%', '50%', '0.042%')
    """
    value = share * 100
    if abs(value) >= 9.95:
        return f"{value:.0f}%"
    if abs(value) >= 0.1:
        return f"{value:.1f}".removesuffix(".0") + "%"
    return f"{value:.2g}%"


def times(ratio: float) -> str:
    """A factor.

    >>> times(2.0), times(0.5), times(15.13)
    ('2x', '0.5x', '15.1x')
    """
    return f"{ratio:.3g}x" if ratio < 1000 else f"{ratio:,.0f}x"
