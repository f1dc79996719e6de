"""Why no self-hosted offer can serve, as problems placed at the supply entries: what ``run`` says with exit 4."""

from __future__ import annotations

from breakeven.compare.result import Comparison
from breakeven.errors import Problem
from breakeven.profile.load import LoadedProfile


def no_offer(loaded: LoadedProfile, result: Comparison) -> tuple[Problem, ...]:
    """One problem per self-hosted offer of a result in which none is feasible; none otherwise."""
    if result.any_self_host_feasible:
        return ()
    problems = []
    for row in result.offers:
        offer = row.offer
        if offer.kind in ("rented", "owned") and offer.why_not:
            message, _, fix = offer.why_not[0].partition("; ")
            place = ("self_host", "supply", int(offer.meta["supply"]))
            problems.append(loaded.document.problem(place, message, fix or "choose other machines or another model"))
    return tuple(problems)
