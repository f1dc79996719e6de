"""A list price as every source of prices states it, and what it comes to for a workload's requests.

Two traps live here. A long-context tier applies to a *request*, so prices are taken at the length of
each request shape and then averaged over tokens; pricing a day's tokens as one request would trip
the tier for everybody. And a weekly window needs the hours in which requests arrive.

Sums run in fractions, so a mean that terminates in decimals comes out exact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from breakeven.catalog.weekly import Window

ZERO = Decimal(0)


class Rates(Struct, frozen=True):
    """USD per million tokens of each kind; None where the list names no price of its own."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    reasoning: Decimal | None = None

    def scaled(self, *, ratio: Decimal, cached_ratio: Decimal) -> Rates:
        """Every price times ``ratio``, cached reads times ``cached_ratio``."""
        return Rates(
            self.input * ratio,
            self.output * ratio,
            None if self.cached_input is None else self.cached_input * cached_ratio,
            None if self.cache_write is None else self.cache_write * ratio,
            None if self.reasoning is None else self.reasoning * ratio,
        )


class ListPrice(Struct, frozen=True):
    """One dated price list of one model in one service tier.

    ``tiers`` are (above_input_tokens, rates) in ascending order: the last one whose threshold the
    request's input exceeds applies to all its tokens. ``windows`` multiply every price by the week.
    """

    base: Rates
    effective: dt.date | None
    source_id: str
    tiers: tuple[tuple[int, Rates], ...] = ()
    windows: tuple[Window, ...] = ()
    notes: tuple[str, ...] = ()

    def at_input_tokens(self, input_tokens: float) -> tuple[Rates, int | None]:
        """The rates of a request of this length, and the threshold it exceeds.

        >>> low, high = Rates(Decimal(2), Decimal(10)), Rates(Decimal(4), Decimal(15))
        >>> listed = ListPrice(low, None, "x", ((272_000, high),))
        >>> listed.at_input_tokens(272_000)[0].input, listed.at_input_tokens(272_001)[0].input
        (Decimal('2'), Decimal('4'))
        """
        found, above = self.base, None
        for threshold, rates in self.tiers:
            if input_tokens > threshold:
                found, above = rates, threshold
        return found, above

    def scaled(self, *, ratio: Decimal, cached_ratio: Decimal | None = None) -> ListPrice:
        """The list of a service tier that costs a fixed ratio of this one."""
        cached = ratio if cached_ratio is None else cached_ratio
        return ListPrice(
            self.base.scaled(ratio=ratio, cached_ratio=cached),
            self.effective,
            self.source_id,
            tuple((above, rates.scaled(ratio=ratio, cached_ratio=cached)) for above, rates in self.tiers),
            self.windows,
            self.notes,
        )


class Shape(Struct, frozen=True):
    """Requests of one shape: their share of all requests and their tokens."""

    input_tokens: float
    output_tokens: float
    share: float = 1.0


class Prices(Struct, frozen=True):
    """Mean USD per million tokens of each kind, over a workload's requests and its week.

    ``cached_input`` and ``cache_write`` equal ``input`` where the list names no price for them.
    """

    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    output: Decimal
    reasoning: Decimal | None = None

    def times(self, ratio: Fraction) -> Prices:
        """Every price times ``ratio``."""
        return Prices(
            _decimal(Fraction(self.input) * ratio),
            _decimal(Fraction(self.cached_input) * ratio),
            _decimal(Fraction(self.cache_write) * ratio),
            _decimal(Fraction(self.output) * ratio),
            None if self.reasoning is None else _decimal(Fraction(self.reasoning) * ratio),
        )


def mean_prices(listed: ListPrice, shapes: Sequence[Shape]) -> Prices:
    """Prices of a mix of request shapes, each at its own context tier, weighted by its tokens.

    p = sum_i share_i tokens_i p(input_i) / sum_i share_i tokens_i        USD per Mtok

    with input tokens as weights for input, cached reads and cache writes, and output tokens for output.

    >>> low, high = Rates(Decimal(2), Decimal(10)), Rates(Decimal(4), Decimal(15))
    >>> listed = ListPrice(low, None, "x", ((272_000, high),))
    >>> mean_prices(listed, [Shape(100_000, 1_000, 0.75), Shape(300_000, 1_000, 0.25)]).input
    Decimal('3')
    """
    at = [listed.at_input_tokens(shape.input_tokens)[0] for shape in shapes]
    into = _weights(shapes, lambda shape: shape.input_tokens)
    out = _weights(shapes, lambda shape: shape.output_tokens)
    reasoning = None
    if any(rates.reasoning is not None for rates in at):
        reasoning = _mean(out, [rates.output if rates.reasoning is None else rates.reasoning for rates in at])
    return Prices(
        input=_mean(into, [rates.input for rates in at]),
        cached_input=_mean(into, [rates.input if rates.cached_input is None else rates.cached_input for rates in at]),
        cache_write=_mean(into, [rates.input if rates.cache_write is None else rates.cache_write for rates in at]),
        output=_mean(out, [rates.output for rates in at]),
        reasoning=reasoning,
    )


def _weights(shapes: Sequence[Shape], tokens: Callable[[Shape], float]) -> list[Fraction]:
    weights = [Fraction(shape.share) * Fraction(tokens(shape)) for shape in shapes]
    # With no tokens of a kind at all, its price weighs nothing: any mean will do.
    return weights if sum(weights) > 0 else [Fraction(shape.share) for shape in shapes]


def _mean(weights: Sequence[Fraction], prices: Sequence[Decimal]) -> Decimal:
    total = sum(weights)
    return _decimal(sum((w * Fraction(p) for w, p in zip(weights, prices, strict=True)), Fraction(0)) / total)


def _decimal(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).normalize() + ZERO
