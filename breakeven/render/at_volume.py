"""The verdict at the profile's own volume, in one sentence: which of the headline pair, and by how much."""

from __future__ import annotations

from breakeven.compare.numbers import Money, spoken
from breakeven.compare.result import Comparison


def at_volume(result: Comparison) -> tuple[str, str, str]:
    """(before, the offer's name, after): a report may set the name apart, and has to make it harmless."""
    head = result.headline
    if head.cheaper_at_volume is None:
        return "At your volume: no eligible offer of this pair.", "", ""
    api = next((r for r in result.offers if r.offer.id == head.api), None)
    own = next((r for r in result.offers if r.offer.id == head.self_host), None)
    if api is None or own is None or not own.offer.feasible:
        return "At your volume: only the API can serve.", "", ""
    chosen, other = (own, api) if head.cheaper_at_volume == own.offer.id else (api, own)
    before, name = f"At {spoken(result.tokens_per_day)} tokens/day: ", chosen.offer.name
    if api.usd_per_day is None or own.usd_per_day is None:
        return before, name, " is cheaper; by how much is withheld."
    assert chosen.usd_per_day is not None and other.usd_per_day is not None
    usd = Money.of(result.currency)
    difference = other.usd_per_day - chosen.usd_per_day
    both = f"({usd(api.usd_per_day)} a day for the API, {usd(own.usd_per_day)} self-hosted)"
    if other.offer.eligible and other.offer.feasible:
        if usd(difference) == usd(0.0):
            word = "self-hosting" if chosen is api else "the API"
            return before, name, f" costs the same as {word} ({usd(chosen.usd_per_day)} a day)."
        return before, name, f" is cheaper by {usd(difference)} a day {both}."
    word = "more" if difference < 0 else "less"
    only = "eligible one of this pair" if not other.offer.eligible else "one of this pair that can serve"
    return before, name, f" is the only {only}; it costs {usd(abs(difference))} a day {word} {both}."
