"""What a workload pays per million tokens at an API: one line per kind of token.

Prices are per million tokens *of a kind*; a bill's coefficient is per million tokens of the
workload (input + output), so each line carries the kind's share of a request:

    usd_per_mtok(kind) = price(kind) * tokens_of_kind / tokens_per_request * share

Source: docs/model.md, equations ``api-tokens`` and ``api-batch``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec import Struct

from breakeven.catalog.list_price import Prices
from breakeven.offers.offer import CostLine, Term
from breakeven.profile.workload import Workload


def usd_per_mtok_of_volume(
    *, price_usd_per_mtok: float, tokens_of_kind: float, tokens_per_request: float, share: float
) -> float:
    """USD per Mtok of volume for one kind of token; ``share`` is the share of requests charged so.

    1,800 cached of 3,000 input tokens and 1,000 output tokens, cached reads at $0.10 per Mtok:

    >>> usd_per_mtok_of_volume(price_usd_per_mtok=0.1, tokens_of_kind=1800, tokens_per_request=4000, share=1.0)
    0.045
    """
    return price_usd_per_mtok * tokens_of_kind / tokens_per_request * share


class TokenMix(Struct, frozen=True):
    """Mean tokens of a request by kind, as this API counts them, and the volume they stand for.

    ``tokens_per_request`` is counted as the workload's volume is; the kinds may be counted by
    another tokenizer (the same open model, hosted elsewhere).
    """

    uncached_input: float
    cached_input: float
    cache_write: float
    output: float
    reasoning_share: float
    tokens_per_request: float

    @classmethod
    def of(cls, workload: Workload, *, input_ratio: float = 1.0, output_ratio: float = 1.0) -> TokenMix:
        """The mix of a profile's workload."""
        into = workload.mean_input_tokens * input_ratio
        cached, written = workload.cached_input_share, workload.cache_write_share
        return cls(
            uncached_input=into * max(0.0, 1.0 - cached - written),
            cached_input=into * cached,
            cache_write=into * written,
            output=workload.mean_output_tokens * output_ratio,
            reasoning_share=workload.reasoning_share,
            tokens_per_request=workload.tokens_per_request,
        )

    def kinds(self, prices: Prices) -> Iterator[tuple[str, str, Decimal, float]]:
        """(id, name, price, tokens per request) of every kind; reasoning only where priced apart."""
        reasoning = self.output * self.reasoning_share if prices.reasoning is not None else 0.0
        yield "input", "input tokens", prices.input, self.uncached_input
        yield "cached-input", "cached input tokens", prices.cached_input, self.cached_input
        yield "cache-write", "cache writes", prices.cache_write, self.cache_write
        yield "output", "output tokens", prices.output, self.output - reasoning
        if prices.reasoning is not None:
            yield "reasoning", "reasoning tokens", prices.reasoning, reasoning


class Charge(Struct, frozen=True):
    """A share of the requests at one set of prices: ``prefix`` and ``label`` tell batch from the rest."""

    prices: Prices
    share: Term
    sources: tuple[str, ...]
    where: str | None = None
    prefix: str = ""
    label: str = ""
    equation: str = "api-tokens"


def token_lines(charge: Charge, mix: TokenMix) -> tuple[CostLine, ...]:
    """One line per kind of token that the workload has; kinds it lacks have no line."""
    share: Any = charge.share.value
    lines = []
    for kind, name, price, tokens in mix.kinds(charge.prices):
        if tokens <= 0 or share <= 0:
            continue
        key = kind.replace("-", "_")
        terms = (
            Term(f"{key}_usd_per_mtok", f"{price:f}", "USD/Mtok", charge.sources, where=charge.where),
            Term(f"{key}_tokens", tokens, "tokens/request", where="profile:workload"),
            Term("tokens_per_request", mix.tokens_per_request, "tokens", where="profile:workload"),
            charge.share,
        )
        lines.append(
            CostLine(
                charge.prefix + kind,
                f"{name}{charge.label}",
                "tokens",
                usd_per_mtok=usd_per_mtok_of_volume(
                    price_usd_per_mtok=float(price),
                    tokens_of_kind=tokens,
                    tokens_per_request=mix.tokens_per_request,
                    share=share,
                ),
                equation=charge.equation,
                terms=terms,
                sources=charge.sources,
                counts_towards_minimum=True,
            )
        )
    return tuple(lines)
