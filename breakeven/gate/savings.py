"""What a change saves by numbers of its own without a source: the head's cost with each of them taken back.

    saved = cost(head with only this number as the base has it) - cost(head)      USD/month

Where the base has no such number the key is left out; where a profile without it says nothing that can be costed,
what holds it is taken back instead: the entry, then its list or section. Several numbers that each hide the other's
saving are taken back one after the other as well, and the larger of the two differences counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from breakeven.errors import BreakevenError
from breakeven.gate.claim import Claim
from breakeven.gate.keys import Loc, as_mapping, same_entries

Cost = Callable[[Any], float]


def savings(base: Any, head: Any, claims: Sequence[Claim], cost: Cost, now: float) -> list[float | None]:
    """What each claim saves in USD a month, in their order; None where nothing could be costed without it."""

    def costed(data: Any) -> float | None:
        try:
            return cost(data)
        except BreakevenError:
            return None

    def of(places: Collection[Loc]) -> float | None:
        return costed(put_back(base, head, places))

    out: list[float | None] = []
    back: tuple[Loc, ...] = ()
    before = now
    for claim in claims:
        if claim.without is not None:
            here, there = map(costed, claim.without)
            out.append(None if here is None or there is None else here - there)
            continue
        if claim.instead is not None:
            value = costed(with_value(head, claim.loc, claim.instead))
            out.append(None if value is None else value - now)
            continue
        if claim.beside:
            value = of([claim.loc, *claim.beside])
            out.append(None if value is None else value - now)
            continue
        ways = [claim.loc[:length] for length in range(len(claim.loc), 0, -1)]
        alone = next((value for way in ways if (value := of([way])) is not None), None)
        step = next(((value, way) for way in ways if (value := of([*back, way])) is not None), None)
        found = [] if alone is None else [alone - now]
        if step is not None:
            found.append(step[0] - before)
            before, back = step[0], (*back, step[1])
        out.append(max(found, default=None))
    return out


def with_value(data: Any, loc: Loc, value: Any) -> Any:
    """A copy of a profile's data with a value at a place.

    >>> with_value({"api": [{"discount": 0.1}]}, ("api", 0, "discount"), 0)
    {'api': [{'discount': 0}]}
    """
    if not loc:
        return value
    if isinstance(data, list):
        return [with_value(item, loc[1:], value) if index == loc[0] else item for index, item in enumerate(data)]
    return {**data, loc[0]: with_value(data[loc[0]], loc[1:], value)}


def put_back(base: Any, head: Any, places: Collection[Loc], loc: Loc = ()) -> Any:
    """The head's data with what stands at some places as the base has it; None where the base has nothing there.

    >>> put_back({"api": ["a/x"]}, {"api": [{"model": "a/x", "discount": 0.5}, "b/y"]}, [("api", 0, "discount")])
    {'api': [{'model': 'a/x'}, 'b/y']}
    """
    if loc in places:
        return base
    below = [place for place in places if place[: len(loc)] == loc]
    if not below:
        return head
    if isinstance(head, list):
        was = base if isinstance(base, list) else []
        kept = (put_back(None if at is None else was[at], item, below, (*loc, index)) for index, (at, item) in enumerate(zip(same_entries(was, head), head, strict=True)))
        return [item for item in kept if item is not None]
    then, now = as_mapping(base), as_mapping(head)
    keys = dict.fromkeys((*now, *(str(place[len(loc)]) for place in below)))
    values = {key: put_back(then.get(key), now.get(key), below, (*loc, key)) for key in keys}
    return {key: value for key, value in values.items() if value is not None}
