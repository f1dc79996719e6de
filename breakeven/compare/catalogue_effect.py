"""What the difference between two catalogues does to the answers of given profiles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct

from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare
from breakeven.compare.result import Comparison
from breakeven.errors import BreakevenError
from breakeven.profile.load import LoadedProfile


class CostMoved(Struct, frozen=True):
    """An offer whose cost at the profile's volume is another; None where it is not there, or cannot be priced."""

    id: str
    name: str
    old_usd_per_day: float | None
    new_usd_per_day: float | None


class CrossingMoved(Struct, frozen=True):
    """A pair that crosses elsewhere; an outcome of None: the pair is not there."""

    api: str
    self_host: str
    api_name: str
    self_host_name: str
    old_outcome: str | None
    new_outcome: str | None
    old_first_tokens_per_day: float | None
    new_first_tokens_per_day: float | None
    old_settled_tokens_per_day: float | None
    new_settled_tokens_per_day: float | None


class Effect(Struct, frozen=True):
    """The headline crossover of one profile with the old and with the new facts, and every offer and pair that moved."""

    profile: str
    old_first_tokens_per_day: float | None
    new_first_tokens_per_day: float | None
    old_cheaper: str | None
    new_cheaper: str | None
    old_problem: str | None = None
    new_problem: str | None = None
    old_cheapest: str | None = None  # of every offer that may and can serve
    new_cheapest: str | None = None
    offers: tuple[CostMoved, ...] = ()
    crossovers: tuple[CrossingMoved, ...] = ()

    @property
    def verdict_flips(self) -> bool:
        """Whether another offer is cheaper at the profile's volume."""
        return self.old_cheaper != self.new_cheaper


def effects(
    profiles: Sequence[LoadedProfile], *, old: Catalogue, new: Catalogue, old_date: dt.date, new_date: dt.date
) -> tuple[Effect, ...]:
    """One row per profile, in their order."""
    rows = []
    for loaded in profiles:
        before, old_problem = _answer(loaded, old, old_date)
        after, new_problem = _answer(loaded, new, new_date)
        rows.append(
            Effect(
                loaded.profile.name, _first(before), _first(after), _cheaper(before), _cheaper(after), old_problem,
                new_problem, _cheapest(before), _cheapest(after),
                () if before is None or after is None else _costs(before, after),
                () if before is None or after is None else _crossings(before, after),
            )
        )  # fmt: skip
    return tuple(rows)


def _costs(before: Comparison, after: Comparison) -> tuple[CostMoved, ...]:
    """Offers in the profile's order, those that only the old facts make at the end."""
    old, new = ({row.offer.id: row for row in result.offers} for result in (before, after))
    out = []
    for offer_id in {**new, **old}:
        was, now = old.get(offer_id), new.get(offer_id)
        name = (now or was).offer.name  # type: ignore[union-attr]  # in one of the two
        costs = (was.usd_per_day if was else None, now.usd_per_day if now else None)
        if costs[0] != costs[1]:
            out.append(CostMoved(offer_id, name, *costs))
    return tuple(out)


def _crossings(before: Comparison, after: Comparison) -> tuple[CrossingMoved, ...]:
    """Pairs in the report's order."""
    old, new = ({(found.api, found.self_host): found for found in result.crossovers} for result in (before, after))
    names = {row.offer.id: row.offer.name for result in (before, after) for row in result.offers}
    out = []
    for pair in {**new, **old}:
        was, now = old.get(pair), new.get(pair)
        sides = [
            (getattr(was, name, None), getattr(now, name, None))
            for name in ("outcome", "first_tokens_per_day", "settled_tokens_per_day")
        ]
        if any(one != other for one, other in sides):
            out.append(CrossingMoved(*pair, names[pair[0]], names[pair[1]], *(value for side in sides for value in side)))
    return tuple(out)


def _answer(loaded: LoadedProfile, catalogue: Catalogue, date: dt.date) -> tuple[Comparison | None, str | None]:
    try:
        return compare(loaded, catalogue, as_of=date), None
    except BreakevenError as error:
        return None, str(error.problems[0])


def _first(result: Comparison | None) -> float | None:
    if result is None:
        return None
    pair = (result.headline.api, result.headline.self_host)
    return next((c.first_tokens_per_day for c in result.crossovers if (c.api, c.self_host) == pair), None)


def _cheaper(result: Comparison | None) -> str | None:
    return None if result is None else result.headline.cheaper_at_volume


def _cheapest(result: Comparison | None) -> str | None:
    return None if result is None or result.cheapest is None else result.cheapest.offer.id
