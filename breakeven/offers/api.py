"""APIs bought per token: a linear bill of input, cache, output, batch, discount, fee and minimum.

A negotiated discount is a line of its own, so that list prices stay visible:

    discount = -share * (token lines)                     USD per Mtok
    fee      =  share * (token lines + discount)          USD per Mtok
    minimum  =  max(0, minimum - (token lines + discount) * V)   USD a day, on the line minimum-spend

Requests that may wait (``workload.batch_share``) pay the batch price where the API has one that
ends within their window; else the cheapest hours of its week where they can wait that long; else
the standard price, and a note says so. Source: docs/model.md, equations ``api-tokens``,
``api-batch``, ``api-discount``, ``api-fee`` and ``api-minimum``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from breakeven.arithmetic import total as exact_total
from breakeven.catalog.list_price import ListPrice, Prices, Rates, Shape, mean_prices
from breakeven.catalog.quote import Host, Quote
from breakeven.errors import BreakevenError, FactNotInForce, InputError, Problem
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.provisioned import build_provisioned
from breakeven.offers.requirements import OWN_PRICES
from breakeven.offers.scope import Scope
from breakeven.offers.token_bill import Charge, TokenMix, token_lines
from breakeven.profile.api_choice import ApiChoice, InlinePrices
from breakeven.profile.workload import Workload
from breakeven.units import HOURS_PER_DAY


def build_api_offers(scope: Scope) -> tuple[Offer, ...]:
    """One offer per entry under ``api``, in order: per token, or provisioned where the entry says so.

    Raises InputError or FactNotInForce with every entry that cannot be priced, each at its place.
    """
    offers: list[Offer] = []
    errors: list[tuple[int, BreakevenError]] = []
    for index, choice in enumerate(scope.profile.api):
        try:
            if choice.provisioned is not None:
                offers.append(build_provisioned(scope, choice, index=index))
            else:
                offers.append(_per_token(scope, choice, index=index))
        except BreakevenError as error:
            errors.append((index, error))
    if errors:
        problems = [_placed(scope, index, problem) for index, error in errors for problem in error.problems]
        mendable = any(isinstance(error, InputError) for _, error in errors)
        raise InputError(problems) if mendable else FactNotInForce(problems)
    return tuple(offers)


def hosted_offer(scope: Scope, host: Host) -> Offer:
    """The profile's own open model bought per token from a host, at list price.

    The host counts the open model's tokens, so the profile's token ratios apply.
    """
    ratio = scope.profile.self_host.token_ratio
    bill = _Bill(
        scope,
        ApiChoice(model=host.model_ref),
        TokenMix.of(scope.profile.workload, input_ratio=ratio.input, output_ratio=ratio.output),
        shapes_of(scope.profile.workload, input_ratio=ratio.input, output_ratio=ratio.output),
        key=None,
    )
    note = () if host.exact else (f"{host.model_ref} serves {host.open_model}, another checkpoint of the architecture",)
    offer = bill.offer(meta={"hosted": True})
    return replace(offer, notes=(*offer.notes, *note))


def shapes_of(workload: Workload, *, input_ratio: float = 1.0, output_ratio: float = 1.0) -> tuple[Shape, ...]:
    """The workload's request shapes: its histogram, or the one mean request."""
    if workload.requests:
        return tuple(
            Shape(bar.input_tokens * input_ratio, bar.output_tokens * output_ratio, bar.share)
            for bar in workload.occurring
        )
    return (Shape(workload.mean_input_tokens * input_ratio, workload.mean_output_tokens * output_ratio),)


def discount_usd_per_mtok(*, list_usd_per_mtok: float, discount_share: float) -> float:
    """A negotiated discount as a negative coefficient: -discount_share * list_usd_per_mtok.

    >>> discount_usd_per_mtok(list_usd_per_mtok=6.0, discount_share=0.1)
    -0.6000000000000001
    """
    return -discount_share * list_usd_per_mtok


def fee_usd_per_mtok(*, net_usd_per_mtok: float, fee_share: float) -> float:
    """A gateway's or marketplace's fee on what is paid for tokens: fee_share * net_usd_per_mtok.

    >>> fee_usd_per_mtok(net_usd_per_mtok=6.0, fee_share=0.05)
    0.30000000000000004
    """
    return fee_share * net_usd_per_mtok


def minimum_usd_per_day(*, minimum_usd_per_month: float, hours_per_month: float) -> float:
    """A monthly minimum spend as USD a day: minimum_usd_per_month * 24 / hours_per_month.

    >>> minimum_usd_per_day(minimum_usd_per_month=730.0, hours_per_month=730.0)
    24.0
    """
    return minimum_usd_per_month * HOURS_PER_DAY / hours_per_month


def _per_token(scope: Scope, choice: ApiChoice, *, index: int) -> Offer:
    workload = scope.profile.workload
    bill = _Bill(scope, choice, TokenMix.of(workload), shapes_of(workload), key=f"api[{index}]")
    offer = bill.offer(meta={"choice": index})
    longest = max(shape.input_tokens for shape in bill.shapes)
    if choice.max_input_tokens is not None and longest > choice.max_input_tokens:
        reason = f"requests of {longest:,.0f} input tokens exceed api[{index}].max_input_tokens"
        return replace(offer, feasible=False, why_not=(*offer.why_not, reason))
    return offer


class _Bill(Struct, frozen=True):
    """The bill of one API choice. ``key`` is its place in the profile; None for a host looked up."""

    scope: Scope
    choice: ApiChoice
    mix: TokenMix
    shapes: Sequence[Shape]
    key: str | None

    def offer(self, *, meta: dict[str, object]) -> Offer:
        quote = self._quote(batch=False)
        waiting, notes = self._waiting(quote)
        workload = self.scope.profile.workload
        share = _term(self.scope, "workload.batch_share", "batch_share", workload.batch_share, "share")
        charges: tuple[Charge, ...] = (self._charge(quote, replace(share, name="share_of_requests", value=1.0)),)
        if waiting is not None and workload.batch_share > 0:
            now = Term("interactive_share", 1.0 - workload.batch_share, "share", where=share.where)
            charges = (self._charge(quote, now), replace(waiting, share=share))
        tokens = tuple(line for charge in charges for line in token_lines(charge, self.mix))
        choice = self.choice
        minimum = minimum_usd_per_day(
            minimum_usd_per_month=choice.minimum_usd_per_month or 0.0,
            hours_per_month=self.scope.profile.finance.hours_per_month,
        )
        tier = "" if choice.tier == "standard" else f", {choice.tier}"
        return Offer(
            id="api:" + choice.model + ("" if choice.tier == "standard" else f"@{choice.tier}"),
            name=choice.name or f"{quote.model} ({quote.provider_name}{tier})",
            kind="api",
            lines=(*tokens, *self._contract_lines(tokens)),
            minimum_usd_per_day=minimum,
            notes=tuple(dict.fromkeys((*quote.notes, *notes))),
            meta={
                "provider": quote.provider,
                "model": quote.model,
                "model_ref": quote.model_ref,
                "tier": choice.tier,
                "regions": quote.regions,
                "open_model": quote.open_model,
                "announced": quote.announced,
                "retires_on": quote.retires_on,
                "batch_priced": waiting is not None,
                **meta,
            },
        )

    # --- prices ------------------------------------------------------------------------------

    def _quote(self, *, batch: bool) -> Quote:
        if self.choice.prices is not None:
            return self._own_prices(self.choice.prices, batch=batch)
        scope, workload = self.scope, self.scope.profile.workload

        def ask(week_weights: tuple[float, ...] | None) -> Quote:
            return scope.prices.quote(
                self.choice.model, as_of=scope.as_of, shapes=self.shapes, tier=self.choice.tier, batch=batch,
                week_weights=week_weights, cached_input_share=workload.cached_input_share,
                cache_write_share=workload.cache_write_share,
            )  # fmt: skip

        quote = ask(None)
        # Only a price that changes by the hour needs the hours of demand.
        return ask(scope.weights) if quote.off_peak is not None and workload.demand.shape != "flat" else quote

    def _own_prices(self, own: InlinePrices, *, batch: bool) -> Quote:
        """The prices the profile states itself, as a quote."""
        ratio = _exact(own.batch_price_ratio) if batch and own.batch_price_ratio is not None else Decimal(1)
        listed = ListPrice(
            Rates(
                _exact(own.input_usd_per_mtok),
                _exact(own.output_usd_per_mtok),
                None if own.cached_input_usd_per_mtok is None else _exact(own.cached_input_usd_per_mtok),
                None if own.cache_write_usd_per_mtok is None else _exact(own.cache_write_usd_per_mtok),
            ),
            None,
            "",
        ).scaled(ratio=ratio)
        first, slash, rest = self.choice.model.partition("/")
        provider, model = (first, rest) if slash else ("", first)
        notes = [f"{self.choice.model}: prices are the profile's own" + (f" ({own.source})" if own.source else "")]
        workload = self.scope.profile.workload
        if workload.cached_input_share > 0 and own.cached_input_usd_per_mtok is None:
            notes.append(f"{self.choice.model}: no price for cached reads is given: they are charged as input")
        if workload.cache_write_share > 0 and own.cache_write_usd_per_mtok is None:
            notes.append(f"{self.choice.model}: no price for cache writes is given: they are charged as input")
        return Quote(
            model_ref=self.choice.model, provider=provider or OWN_PRICES, provider_name=provider or "own prices",
            model=model, tier=self.choice.tier, batch=batch, as_of=self.scope.as_of,
            prices=mean_prices(listed, self.shapes), effective=None, sources=(),
            cached_input_listed=listed.base.cached_input is not None,
            cache_write_listed=listed.base.cache_write is not None, notes=tuple(notes),
        )  # fmt: skip

    def _charge(self, quote: Quote, share: Term) -> Charge:
        return Charge(quote.prices, share, quote.sources, where=self._where())

    def _where(self) -> str | None:
        return f"profile:{self.key}.prices" if self.choice.prices is not None else None

    def _waiting(self, quote: Quote) -> tuple[Charge | None, tuple[str, ...]]:
        """What requests that may wait are charged; None is the standard price, and why."""
        workload = self.scope.profile.workload
        if workload.batch_share <= 0:
            return None, ()
        ref, window = self.choice.model, workload.batch_window_hours
        place = Term("batch_share", 0.0, "share")
        reason = "has no batch price"
        own = self.choice.prices
        if own.batch_price_ratio is not None if own else self._has_batch():
            batch = self._quote(batch=True)
            ends = batch.batch_window_hours
            if ends is None or ends <= window:
                prices = Charge(
                    batch.prices, place, batch.sources, where=self._where(), prefix="batch-", label=", batch",
                    equation="api-batch",
                )  # fmt: skip
                unknown = () if ends is not None or own else (f"{ref}: how long a batch may take is not on record",)
                return prices, (*batch.notes, *unknown)
            reason = f"ends a batch within {ends:g} h, but workload.batch_window_hours is {window:g}"
        if quote.off_peak is not None and quote.off_peak.wait_hours <= window:
            prices = Charge(
                quote.off_peak.prices, place, quote.sources, prefix="off-peak-", label=", off-peak",
                equation="api-batch",
            )  # fmt: skip
            wait = quote.off_peak.wait_hours
            return prices, (f"{ref}: requests that may wait are sent off-peak, {wait} h later at the most",)
        return None, (f"{ref} {reason}: the {workload.batch_share:.0%} that may wait pay the standard price",)

    def _has_batch(self) -> bool:
        return self.scope.prices.offers_batch(self.choice.model, as_of=self.scope.as_of)

    # --- the contract ------------------------------------------------------------------------

    def _contract_lines(self, tokens: Sequence[CostLine]) -> tuple[CostLine, ...]:
        choice = self.choice
        listed = exact_total(line.usd_per_mtok for line in tokens)
        hours = self.scope.profile.finance.hours_per_month
        total = Term("list_usd_per_mtok", listed, "USD/Mtok", where="sum of the token lines")
        lines: list[CostLine] = []
        net = listed
        if choice.discount > 0:
            off = discount_usd_per_mtok(list_usd_per_mtok=listed, discount_share=choice.discount)
            net += off
            lines.append(
                CostLine(
                    "discount", "negotiated discount", "fees", usd_per_mtok=off, equation="api-discount",
                    terms=(total, self._chosen("discount", choice.discount, "share")), counts_towards_minimum=True,
                )
            )  # fmt: skip
        if choice.platform_fee_share > 0:
            lines.append(
                CostLine(
                    "platform-fee", "platform fee", "fees",
                    usd_per_mtok=fee_usd_per_mtok(net_usd_per_mtok=net, fee_share=choice.platform_fee_share),
                    equation="api-fee",
                    terms=(
                        Term("net_usd_per_mtok", net, "USD/Mtok", where="token lines less discount"),
                        self._chosen("platform_fee_share", choice.platform_fee_share, "share"),
                    ),
                )
            )  # fmt: skip
        if choice.minimum_usd_per_month:
            lines.append(
                CostLine(
                    "minimum-spend", "top-up to the minimum spend", "fees", equation="api-minimum",
                    terms=(
                        self._chosen("minimum_usd_per_month", choice.minimum_usd_per_month, "USD/month"),
                        self.scope.chosen("finance.hours_per_month", hours, "h/month"),
                    ),
                )
            )  # fmt: skip
        return tuple(lines)

    def _chosen(self, field: str, value: float, unit: str) -> Term:
        return self.scope.chosen(f"{self.key}.{field}", value, unit)


def _term(scope: Scope, key: str, name: str, value: float, unit: str) -> Term:
    return replace(scope.chosen(key, value, unit), name=name)


def _exact(value: float) -> Decimal:
    """The decimal a person wrote: 0.15 is fifteen hundredths, not the nearest binary fraction."""
    return Decimal(repr(value))


def _placed(scope: Scope, index: int, problem: Problem) -> Problem:
    """The problem at its entry under ``api``."""
    if problem.path is not None:
        return problem
    document = scope.loaded.document
    data = document.data
    entry = data["api"][index] if isinstance(data, dict) and len(data.get("api", ())) > index else None
    loc: tuple[int | str, ...] = ("api", index, "model") if isinstance(entry, dict) else ("api", index)
    return document.problem(loc, problem.message, problem.fix)


__all__ = ["Prices", "build_api_offers", "hosted_offer", "shapes_of"]
