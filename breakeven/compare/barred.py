"""Why one side of a pair is not advised: it may not serve, or it cannot."""

from __future__ import annotations

from breakeven.offers.offer import Offer


def reasons(offer: Offer) -> tuple[str, ...]:
    """What keeps an offer from being advised; empty for one that may serve and can."""
    return () if offer.eligible and offer.feasible else offer.why_not


def says(*, able: bool) -> str:
    """The verb of the sentence: an offer that cannot serve is not a matter of what the user requires.

    >>> says(able=False)
    'cannot serve this workload'
    """
    return "does not meet the requirements" if able else "cannot serve this workload"
