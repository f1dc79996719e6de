"""Requests that the open model hands back to an API: they pay its price on top of their own serving.

    escalation = share * (token lines + discount)      USD per Mtok of all tokens
    fee        = share * platform fee                  USD per Mtok of all tokens
    minimum    = max(0, minimum - escalation * V)      USD a day, on the line minimum-spend

The API's contract stays in force while anything is escalated, so its minimum spend is owed too.
Source: docs/model.md, equations ``escalation`` and ``api-minimum``.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from breakeven.arithmetic import total
from breakeven.errors import InputError
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.scope import Scope

ESCALATION_LINES = ("escalation", "escalation-fee")  # what follows the API's price


def escalation_api(scope: Scope, api_offers: Sequence[Offer]) -> Offer | None:
    """The per-token offer that escalated requests go to: ``escalate_to``, or the first under ``api``.

    None where nothing is escalated. Raises InputError where that entry is not bought per token.
    """
    host = scope.profile.self_host
    if host.escalation_share == 0:
        return None
    target = host.escalate_to or scope.profile.api[0].model
    position = next(i for i, choice in enumerate(scope.profile.api) if choice.model == target)
    linear = [offer for offer in api_offers if offer.meta.get("choice") == position and offer.kind == "api"]
    if not linear:
        raise InputError(
            f"self_host.escalation_share needs a per-token API to escalate to; {target!r} is not one",
            fix="set self_host.escalate_to to a model bought per token",
        )
    return linear[0]


def escalation_lines(scope: Scope, api_offers: Sequence[Offer]) -> list[CostLine]:
    """The lines of the module's law; the fee stands apart only where a minimum spend does not cover it."""
    api = escalation_api(scope, api_offers)
    if api is None:
        return []
    host = scope.profile.self_host
    target = host.escalate_to or scope.profile.api[0].model
    term = scope.chosen("self_host.escalation_share", host.escalation_share, "share")
    sources = tuple(dict.fromkeys(s for line in api.lines for s in line.sources))

    def part(id: str, name: str, price: float, *, covered: bool) -> CostLine:
        terms = (term, Term("api_usd_per_mtok", price, "USD/Mtok", where=f"offer {api.id}"))
        return CostLine(
            id, name, "tokens", usd_per_mtok=host.escalation_share * price, equation="escalation", terms=terms,
            sources=sources, counts_towards_minimum=covered,
        )  # fmt: skip

    name = f"requests escalated to {target}"
    if not any(line.id == "minimum-spend" for line in api.lines):
        return [part("escalation", name, api.usd_per_mtok, covered=False)]
    covered = [line for line in api.lines if line.counts_towards_minimum]
    rest = [line for line in api.lines if not line.counts_towards_minimum and line.id != "minimum-spend"]
    lines = [part("escalation", name, total(line.usd_per_mtok for line in covered), covered=True)]
    if rest:
        fee = total(line.usd_per_mtok for line in rest)
        lines.append(part("escalation-fee", f"platform fee on {name}", fee, covered=False))
    owed = next(line for line in api.lines if line.id == "minimum-spend")
    lines.append(
        CostLine("minimum-spend", f"top-up to the minimum spend of {target}", owed.category, equation=owed.equation,
                 terms=owed.terms)
    )  # fmt: skip
    return lines


def escalated_at(scope: Scope, own: Offer, api: Offer) -> Offer:
    """A self-hosted offer whose escalated requests pay another day's prices: ``api`` as it is sold then."""
    then = {line.id: line for line in escalation_lines(scope, [api])}
    return replace(own, lines=tuple(then.get(line.id, line) for line in own.lines))


def with_escalation(scope: Scope, offer: Offer, api_offers: Sequence[Offer]) -> Offer:
    """A self-hosted offer with the escalation API's minimum spend, barred by what bars that API."""
    api = escalation_api(scope, api_offers)
    if api is None:
        return offer
    meta = {**offer.meta, "escalates_to_choice": api.meta["choice"]}
    owing = replace(offer, minimum_usd_per_day=api.minimum_usd_per_day, meta=meta)
    if api.eligible:
        return owing
    reasons = tuple(f"self_host.escalation_share: {reason}" for reason in api.why_not)
    return replace(owing, eligible=False, why_not=owing.why_not + reasons)
