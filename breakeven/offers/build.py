"""All offers of a profile, in the order the profile lists them: APIs, then self-hosting, then hybrids."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from breakeven.errors import BreakevenError, Problem
from breakeven.offers.api import build_api_offers
from breakeven.offers.escalation import with_escalation
from breakeven.offers.hybrid import build_hybrids
from breakeven.offers.offer import Offer
from breakeven.offers.owned import build_owned
from breakeven.offers.rented import build_rented
from breakeven.offers.requirement_names import requirements_of
from breakeven.offers.requirements import jurisdiction_of, unmet
from breakeven.offers.scope import Scope
from breakeven.profile.self_host import Supply


def build_offers(scope: Scope) -> tuple[Offer, ...]:
    """Every offer of the profile. Raises the first group of problems that stops one from being priced."""
    apis = tuple(with_requirements(scope, offer) for offer in build_api_offers(scope))
    hosted: list[Offer] = []
    for index, supply in enumerate(scope.profile.self_host.supply):
        builder = build_rented if supply.rent is not None else build_owned if supply.own is not None else _build_quoted
        try:
            offer = builder(scope, supply, index=index, api_offers=apis)
        except BreakevenError as error:
            raise type(error)(_placed(scope, problem, index) for problem in error.problems) from None
        hosted.append(with_escalation(scope, offer, apis))
    named = _unique((*apis, *hosted))
    if not scope.profile.self_host.hybrid:
        return named
    # A quote that cannot be taken is listed with its reason; mixing it with an API would only repeat that.
    mixable = [offer for offer in named if offer.eligible or not offer.meta.get("quote")]
    return _unique((*named, *build_hybrids(scope, mixable)))


def _placed(scope: Scope, problem: Problem, index: int) -> Problem:
    """A problem that names no file belongs to the supply that was being built."""
    if problem.path is not None:
        return problem
    return scope.loaded.document.problem(("self_host", "supply", index), problem.message, problem.fix)


def _build_quoted(scope: Scope, supply: Supply, *, index: int, api_offers: tuple[Offer, ...]) -> Offer:
    from breakeven.offers.quoted import build_quoted  # few profiles need it

    return build_quoted(scope, supply, index=index, api_offers=api_offers)


def with_requirements(scope: Scope, offer: Offer) -> Offer:
    """An API's offer, barred with the reasons where the profile's requirements rule it out."""
    provider = offer.meta.get("provider")
    places = tuple(
        dict.fromkeys(place for region in offer.meta.get("regions", ()) if (place := jurisdiction_of(region)))
    )
    reasons = unmet(requirements_of(scope), kind=offer.kind, provider=provider, jurisdictions=places)
    if not reasons:
        return offer
    return replace(offer, eligible=False, why_not=offer.why_not + reasons)


def _unique(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """Ids stay as built while they are unique; equal ones are numbered in the profile's order."""
    totals = Counter(offer.id for offer in offers)
    seen: Counter[str] = Counter()
    out = []
    for offer in offers:
        seen[offer.id] += 1
        again = totals[offer.id] > 1 and seen[offer.id] > 1
        out.append(replace(offer, id=f"{offer.id}#{seen[offer.id]}") if again else offer)
    return tuple(out)
