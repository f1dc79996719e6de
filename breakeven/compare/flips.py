"""The flip values that ``run`` shows: closed forms on the bills that are already made.

Cost is linear in the volume within a step, in a GPU's rate, a machine's price, the API's price and
labour, so one more bill (or none) is enough. ``solve`` answers for any key.
Source: docs/model.md, equation ``flip``.
"""

from __future__ import annotations

import math

from msgspec.structs import replace

from breakeven.compare.crossover import Crossover
from breakeven.compare.result import Flip, OfferAtVolume
from breakeven.errors import BreakevenError
from breakeven.offers.build import build_offers
from breakeven.offers.escalation import ESCALATION_LINES
from breakeven.offers.offer import Offer
from breakeven.offers.rented import RENT_LINES
from breakeven.offers.scope import Scope


def flip_at(*, now: float, cost_now_usd: float, step: float, cost_stepped_usd: float, other_usd: float) -> float | None:
    """now + step (other - cost) / (cost at now + step - cost): where a linear cost meets the other; None if flat.

    >>> flip_at(now=2.0, cost_now_usd=48.0, step=1.0, cost_stepped_usd=72.0, other_usd=60.0)
    2.5
    """
    slope = cost_stepped_usd - cost_now_usd
    return None if slope == 0.0 else now + step * (other_usd - cost_now_usd) / slope


def flips(scope: Scope, api: OfferAtVolume, own: OfferAtVolume, found: Crossover) -> tuple[Flip, ...]:
    """The headline pair's flips, the volume first. A flip that no allowed value reaches says why."""
    assert api.usd_per_day is not None and own.usd_per_day is not None
    rows = [_volume(scope, found, api, own), _api_price(api, own)]
    index = int(own.offer.meta["supply"])
    written = index < len(scope.loaded.document.data["self_host"]["supply"])
    # A quote that the catalogue adds is no entry of the profile: its figure is the supplier's to move.
    key = f"self_host.supply[{index}]" if written else f"quotes/{own.offer.meta.get('quote')}"
    if own.offer.kind == "rented":
        rows.append(_rate(own, key, target=api.usd_per_day))
    elif scope.profile.self_host.supply[index].lease_usd_per_month is not None:
        rows.append(_stepped(scope, own, f"{key}.lease_usd_per_month", "USD/server-month", target=api.usd_per_day))
    else:
        rows.append(_stepped(scope, own, f"{key}.capex_usd", "USD/server", target=api.usd_per_day))
    rows.append(_stepped(scope, own, "self_host.labour_fte", "FTE", target=api.usd_per_day))
    rows.append(_throughput(scope, api, own))
    return tuple(row for row in rows if row is not None)


def _volume(scope: Scope, found: Crossover, api: OfferAtVolume, own: OfferAtVolume) -> Flip:
    now = scope.profile.workload.volume_tokens_per_day
    edges = [interval.from_tokens_per_day for interval in found.intervals[1:]]
    nearest = min(edges, key=lambda edge: abs(math.log(edge / now)), default=None)
    why = None if nearest is not None else f"{own.offer.name} is {found.outcome} cheaper than {api.offer.name}"
    return Flip("workload.tokens_per_day", "tokens/day", now, nearest, why)


def _api_price(api: OfferAtVolume, own: OfferAtVolume) -> Flip | None:
    """The API's price at this shape, everything in proportion; requests escalated to this API move with it."""
    if api.offer.kind != "api" or api.offer.minimum_usd_per_day > 0 or api.offer.fixed_usd_per_day != 0:
        return None
    assert api.usd_per_day is not None and own.usd_per_day is not None
    back = own.offer.meta.get("escalates_to_choice") == api.offer.meta.get("choice")
    escalated = math.fsum(usd or 0.0 for line, usd in own.bill if back and line.id in ESCALATION_LINES)
    now = api.offer.usd_per_mtok
    if api.usd_per_day <= escalated:
        return Flip("api price at this shape", "USD/Mtok", now, None, "self-hosting hands everything back to the API")
    ratio = (own.usd_per_day - escalated) / (api.usd_per_day - escalated)
    return Flip("api price at this shape", "USD/Mtok", now, now * ratio)


def _rate(own: OfferAtVolume, key: str, *, target: float) -> Flip | None:
    """The GPU's rate as the key states it, before a discount and a quote's tax. A prepaid share moves with it."""
    assert own.usd_per_day is not None
    now = _stated(own.offer, "usd_per_gpu_hour")
    rent = math.fsum(usd or 0.0 for line, usd in own.bill if line.id in RENT_LINES)
    if not now or rent <= 0:
        return None
    at = float(now) * (1.0 + (target - own.usd_per_day) / rent)
    why = None if at > 0 else "not even free GPUs would flip it at this volume"
    return Flip(f"{key}.usd_per_gpu_hour", "USD/GPU-hour", float(now), at if at > 0 else None, why)


def _stepped(scope: Scope, own: OfferAtVolume, key: str, unit: str, *, target: float) -> Flip | None:
    """A key in which the cost is linear: two more bills give the line."""
    now = _now(scope, own.offer, key)
    step = max(now, 1.0)
    try:
        # Both bills state the key, as the reader would who takes the flip for an answer.
        costs = [_cost_at(scope, own.offer, key, value) for value in (now + step, now + 2.0 * step)]
    except BreakevenError as error:
        return Flip(key, unit, now, None, error.problems[0].message)
    if costs[0] is None or costs[1] is None:
        return None
    at = flip_at(now=now + step, cost_now_usd=costs[0], step=step, cost_stepped_usd=costs[1], other_usd=target)
    if at is None or at < 0:
        return Flip(key, unit, now, None, "no value of it flips the verdict at this volume")
    return Flip(key, unit, now, at)


def _now(scope: Scope, offer: Offer, key: str) -> float:
    if key.endswith("labour_fte"):
        return scope.profile.self_host.labour_fte
    return _stated(offer, key.rsplit(".", 1)[-1])


def _stated(offer: Offer, name: str) -> float:
    """The figure of that name that went into the bill; 0 where none did."""
    terms = (term for line in offer.lines for term in line.terms)
    return next((float(term.value) for term in terms if term.name.rsplit(".", 1)[-1] == name), 0.0)


def _cost_at(scope: Scope, offer: Offer, key: str, value: float) -> float | None:
    """What the offer costs at the profile's volume with a key at a value; no hybrids are made."""
    profile = scope.profile
    host = profile.self_host.model_copy(update={"hybrid": False})
    index = int(offer.meta["supply"])
    if key.endswith("labour_fte"):
        host = host.model_copy(update={"labour_fte": value})
    else:
        rows = tuple(
            supply.model_copy(update={key.rsplit(".", 1)[-1]: value}) if i == index else supply
            for i, supply in enumerate(host.supply)
        )
        host = host.model_copy(update={"supply": rows})
    loaded = replace(scope.loaded, profile=profile.model_copy(update={"self_host": host}))
    for again in build_offers(replace(scope, loaded=loaded)):
        if again.kind == offer.kind and again.meta.get("supply") == index and again.tokens_per_day_per_replica:
            return again.usd_per_day_at(scope.profile.workload.volume_tokens_per_day)
    return None


def _throughput(scope: Scope, api: OfferAtVolume, own: OfferAtVolume) -> Flip | None:
    """What one replica must carry for fewer (or more) of them to flip the verdict."""
    assert api.usd_per_day is not None and own.usd_per_day is not None
    offer = own.offer
    kappa, f = offer.tokens_per_day_per_replica, offer.usd_per_replica_day
    volume = scope.profile.workload.volume_tokens_per_day
    unit, name = "tokens/day", "what one replica carries on a mean day"
    if kappa is None or f <= 0:
        return None
    topped_up = math.fsum(usd or 0.0 for line, usd in own.bill if line.id == "minimum-spend")
    rest = offer.fixed_usd_per_day + offer.usd_per_mtok * volume / 1e6 + topped_up
    affordable = (api.usd_per_day - rest) / f  # self-hosting wins with fewer replicas than this
    most = math.ceil(affordable) - 1
    busy = most - offer.redundant_replicas
    if most < max(offer.min_replicas, 1 + offer.redundant_replicas):
        return Flip(name, unit, kappa, None, "not even the fewest replicas flip it at this volume")
    return Flip(name, unit, kappa, volume / busy)


