"""The hybrid's own crossing: the volume from which a first replica pays beside the API.

For every number of replicas n the saving (p - v) served(V) - n f - F grows with the volume, so it
meets zero once, at V_n; the hybrid is cheaper than the API alone from min over n of V_n on, and for
good. That single crossing is not the first one of the staircase, which must carry the whole peak.
Source: docs/model.md, equation ``hybrid-crossing``.
"""

from __future__ import annotations

from breakeven.compare.crossover import Crossover, Interval
from breakeven.offers.hybrid import first_paying_volume, pair_of
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope


def hybrid_crossover(scope: Scope, api: Offer, own: Offer, hybrid: Offer) -> Crossover:
    """Where own base load plus API overflow beats the API alone."""
    mix = hybrid.meta.get("mix")
    # A mix starts to pay with whichever of its machines pays first.
    found = mix["first"] if mix else first_paying_volume(pair_of(scope, api, own))
    if found is None:
        return Crossover(api.id, hybrid.id, "never", None, None, (Interval(0.0, None, api.id),), 1, None)
    mtok, replicas = found
    volume = mtok * 1e6
    if volume == 0.0:
        return Crossover(api.id, hybrid.id, "always", 0.0, 0.0, (Interval(0.0, None, hybrid.id),), 1, 0.0)
    full = own.capacity_per_replica_tokens_per_day
    return Crossover(
        api=api.id,
        self_host=hybrid.id,
        outcome="at",
        first_tokens_per_day=volume,
        settled_tokens_per_day=volume,
        intervals=(Interval(0.0, volume, api.id), Interval(volume, None, hybrid.id)),
        intervals_total=2,
        capacity_share=None if full is None or mix else volume / (replicas * full),
    )
