"""Each offer at one volume: the bill line by line, replicas, and utilisation as an output.

Two costs per token, never merged: ``usd_per_mtok`` is the cost at your volume, and
``capacity_usd_per_mtok`` the cost when every running replica is full. Source: docs/model.md,
equations ``cost-at-volume``, ``capacity-cost`` and ``utilisation``.
"""

from __future__ import annotations

import math

from breakeven.compare.result import OfferAtVolume
from breakeven.offers.offer import Offer


def at_volume(
    offer: Offer, *, tokens_per_day: float, tokens_per_request: float, calls_per_task: float, hours_per_month: float
) -> OfferAtVolume:
    """The offer at ``tokens_per_day``. Figures that need a capacity are None when there is none."""
    if not offer.feasible and offer.tokens_per_day_per_replica is None and offer.kind in ("rented", "owned", "hybrid"):
        empty = tuple((line, None) for line in offer.lines)
        return OfferAtVolume(offer, None, None, None, None, None, None, None, None, None, empty)
    bill = offer.bill(tokens_per_day)
    replicas = offer.meta.get("replicas") if offer.kind == "hybrid" else offer.replicas_at(tokens_per_day)
    usd = math.fsum(amount for _, amount in bill)
    per_mtok = usd / (tokens_per_day / 1e6)
    per_request = usd / (tokens_per_day / tokens_per_request)
    full = offer.capacity_per_replica_tokens_per_day
    capacity = full * replicas if full is not None and replicas is not None else None
    own_tokens = offer.meta.get("own_tokens_per_day", tokens_per_day)
    return OfferAtVolume(
        offer=offer,
        usd_per_day=usd,
        usd_per_month=usd * hours_per_month / 24.0,
        usd_per_mtok=per_mtok,
        usd_per_request=per_request,
        usd_per_task=per_request * calls_per_task,
        capacity_usd_per_mtok=capacity_usd_per_mtok(offer, replicas),
        replicas=replicas if offer.capacity_per_replica_tokens_per_day is not None else None,
        capacity_tokens_per_day=capacity,
        utilisation_share=None if not capacity else own_tokens / capacity,
        bill=tuple(bill),
    )


def capacity_usd_per_mtok(offer: Offer, replicas: int | None) -> float | None:
    """(F + n f + v n k) / (n k): every running replica full all day. An API's own price per Mtok.

    A hybrid has no such point (what overflows is bought), so None.
    """
    if offer.kind == "hybrid":
        return None
    full = offer.capacity_per_replica_tokens_per_day
    if full is None:
        return offer.usd_per_mtok if offer.kind == "api" else None
    if not replicas:
        return None
    mtok = replicas * full / 1e6
    return (offer.fixed_usd_per_day + replicas * offer.usd_per_replica_day) / mtok + offer.usd_per_mtok
