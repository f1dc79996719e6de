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
from breakeven.gate.keys import Loc, as_mapping, same_entries
from breakeven.gate.lineage import Claim

Cost = Callable[[Any], float]


def savings(base: Any, head: Any, claims: Sequence[Claim], cost: Cost, now: float) -> list[float | None]:
    """What each claim saves in USD a month, in their order; None where nothing could be costed without it."""

    def of(places: Collection[Loc]) -> float | None:
        try:
            return cost(put_back(base, head, places))
        except BreakevenError:
            return None

    out: list[float | None] = []
    back: tuple[Loc, ...] = ()
    before = now
    for claim in claims:
        ways = [claim.loc[:length] for length in range(len(claim.loc), 0, -1)]
        alone = next((value for way in ways if (value := of([way])) is not None), None)
        step = next(((value, way) for way in ways if (value := of([*back, way])) is not None), None)
        found = [] if alone is None else [alone - now]
        if step is not None:
            found.append(step[0] - before)
            before, back = step[0], (*back, step[1])
        out.append(max(found, default=None))
    return out


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
