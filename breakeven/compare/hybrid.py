"""The hybrid's own crossing: the volume from which a first replica pays beside the API.

For every number of replicas n the saving (p - v) served(V) - n f - F grows with the volume, so it
meets zero once, at V_n; the hybrid is cheaper than the API alone from min over n of V_n on, and for
good. That single crossing is not the first one of the staircase, which must carry the whole peak.
Source: docs/model.md, equation ``hybrid-crossing``.
"""

from __future__ import annotations

from breakeven.compare.crossover import Crossover, Interval
from breakeven.offers.hybrid import Pair, pair_of
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope

MAX_MTOK_PER_DAY = 1e12  # a million million million tokens a day: never, in any plain sense


def hybrid_crossover(scope: Scope, api: Offer, own: Offer, hybrid: Offer) -> Crossover:
    """Where own base load plus API overflow beats the API alone."""
    found = first_paying_volume(pair_of(scope, api, own))
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
        capacity_share=None if full is None else volume / (replicas * full),
    )


def first_paying_volume(pair: Pair) -> tuple[float, int] | None:
    """(Mtok a day, replicas) at which the hybrid starts to pay, or None if it never does.

    The best saving over all fleets rises with the volume, so halving finds the fleet that pays
    first; its own volume then has a closed form. One replica of $70 a day saves $1 per Mtok:

    >>> from breakeven.finance.screening import Hours
    >>> pair = Pair(Hours.of([1.0]), 100.0, 0.0, 70.0, 1.0)
    >>> first_paying_volume(pair)
    (70.0, 1)
    """
    if pair.needed_utilisation >= 1.0:
        return None
    # Below this not even serving everything with one replica pays.
    low = (pair.fixed_usd_per_day + pair.usd_per_replica_day) / pair.saving_usd_per_mtok * (1.0 - 1e-12)
    if low <= 0.0:
        return 0.0, 1
    high = low
    while pair.replicas_at(high) == 0:
        low, high = high, high * 2.0
        if high > MAX_MTOK_PER_DAY:
            return None
    while high - low > 1e-13 * high:
        middle = low + (high - low) / 2.0
        if not low < middle < high:
            break
        if pair.replicas_at(middle) > 0:
            high = middle
        else:
            low = middle
    near = pair.replicas_at(high)
    exact: list[tuple[float, int]] = []
    for replicas in range(max(1, near - 1), near + 2):
        cost = pair.fixed_usd_per_day + replicas * pair.usd_per_replica_day
        level = replicas * pair.width_mtok_per_day
        volume = pair.curve.volume_serving(cost / pair.saving_usd_per_mtok, level)
        if volume is not None:
            exact.append((volume, replicas))
    return min(exact, default=(high, near))
