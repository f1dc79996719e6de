"""What the gate compares: one profile's costs and verdict at one set of facts, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.errors import InputError, Problem


class Snapshot(Struct, frozen=True):
    """The figures that rules look at. ``usd_per_month`` is the subject's; None = nothing can serve."""

    name: str
    subject: str | None
    usd_per_month: float | None
    usd_per_mtok: float | None
    usd_per_task: float | None
    cheaper: str | None
    offers: Mapping[str, float | None]  # offer id -> USD a month; None = it cannot serve

    @property
    def subject_side(self) -> str | None:
        """Whether the subject buys tokens or runs machines."""
        return None if self.subject is None else side_of(self.subject)


def side_of(offer_id: str) -> str:
    """``api``, ``self-host`` or ``hybrid`` of an offer's id.

    >>> side_of("provisioned:azure/gpt"), side_of("rented:x/h100-sxm/on-demand")
    ('api', 'self-host')
    """
    kind = offer_id.partition(":")[0]
    return {"api": "api", "provisioned": "api", "rented": "self-host", "owned": "self-host"}.get(kind, kind)


def snapshot(result: Comparison, subject: str) -> Snapshot:
    """The subject's costs. Raises :class:`InputError` when the policy names an offer the profile lacks."""
    row = _subject(result, subject)
    month, mtok, task = (None, None, None) if row is None else (row.usd_per_month, row.usd_per_mtok, row.usd_per_task)
    # What cannot serve has no cost, whatever its prices would come to.
    offers = {offer.offer.id: offer.usd_per_month if offer.offer.feasible else None for offer in result.offers}
    for value in (month, mtok, task, *offers.values()):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise InputError(Problem(f"a cost of {result.name!r} is not a finite amount", "this is a bug: please report it", result.profile_path))
    return Snapshot(
        result.name, None if row is None else row.offer.id, month, mtok, task, result.headline.cheaper_at_volume,
        offers,
    )  # fmt: skip


def _subject(result: Comparison, subject: str) -> OfferAtVolume | None:
    able = [row for row in result.offers if row.offer.eligible and row.offer.feasible and row.usd_per_month is not None]
    if subject == "cheapest":
        return min(able, key=lambda row: (row.usd_per_month or 0.0, row.offer.id)) if able else None
    wanted = {"headline-api": result.headline.api, "headline-self-host": result.headline.self_host}.get(subject, subject)
    found = next((row for row in result.offers if row.offer.id == wanted), None)
    if found is None:
        known = ", ".join(row.offer.id for row in result.offers)
        raise InputError(
            Problem(f"the policy's subject {subject!r} is not an offer of this profile", f"its offers: {known}", result.profile_path)
        )
    twins = [row.offer.id for row in result.offers if row.offer.id.partition("#")[0] == subject.partition("#")[0]]
    if len(twins) > 1:  # their numbers follow the order of the profile, so an entry put first would take the place of another
        raise InputError(
            Problem(f"the policy's subject {subject!r} is one of several offers of the same id: {', '.join(twins)}",
                    "give each a model, provider or term of its own, or let the policy ask for cheapest", result.profile_path)
        )  # fmt: skip
    return found if found.offer.feasible and found.usd_per_month is not None else None


def to_data(item: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON data."""
    return {
        "name": item.name, "subject": item.subject, "usd_per_month": item.usd_per_month, "usd_per_mtok": item.usd_per_mtok,
        "usd_per_task": item.usd_per_task, "cheaper": item.cheaper, "offers": dict(item.offers),
    }  # fmt: skip


def from_data(data: Mapping[str, Any]) -> Snapshot:
    """The inverse of :func:`to_data`; KeyError or TypeError when something is missing."""
    offers = {str(key): None if value is None else float(value) for key, value in data["offers"].items()}
    numbers = [data["usd_per_month"], data["usd_per_mtok"], data["usd_per_task"]]
    for value in numbers:
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value)):
            raise TypeError("a cost is not a finite number")
    month, mtok, task = numbers
    return Snapshot(str(data["name"]), data["subject"], month, mtok, task, data["cheaper"], offers)
