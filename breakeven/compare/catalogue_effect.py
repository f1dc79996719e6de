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


class Effect(Struct, frozen=True):
    """The headline crossover of one profile with the old and with the new facts."""

    profile: str
    old_first_tokens_per_day: float | None
    new_first_tokens_per_day: float | None
    old_cheaper: str | None
    new_cheaper: str | None
    old_problem: str | None = None
    new_problem: str | None = None

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
                new_problem,
            )
        )  # fmt: skip
    return tuple(rows)


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
