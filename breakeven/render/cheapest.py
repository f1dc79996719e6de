"""What a reader of the verdict must know: another offer of the profile may cost less than either of the pair."""

from __future__ import annotations

from breakeven.compare.numbers import Money
from breakeven.compare.result import Comparison


def cheaper_elsewhere(result: Comparison) -> str | None:
    """One sentence where neither of the headline pair is the cheapest offer at the volume."""
    best = result.cheapest
    if best is None or best.offer.id in (result.headline.api, result.headline.self_host):
        return None
    assert best.usd_per_day is not None
    usd = Money.of(result.currency)
    return f"Of all offers that may serve it, {best.offer.name} costs least: {usd(best.usd_per_day)} a day."


def on_cost_alone(result: Comparison) -> str | None:
    """Which of the headline pair may not be used, where a figure compares the two by cost; None where both may."""
    pair = [row.offer for row in result.offers if row.offer.id in (result.headline.api, result.headline.self_host)]
    barred = [offer.name for offer in pair if not (offer.eligible and offer.feasible)]
    return " and ".join(barred) or None
