"""``solve`` in each of its formats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from breakeven.compare.barred import says
from breakeven.compare.numbers import Money
from breakeven.compare.solve import SOLVE_SCHEMA_VERSION, Side, Solution
from breakeven.profile.key_units import unit_of
from breakeven.render.csv_result import table as csv_table
from breakeven.render.flip_words import figure, noun, stated
from breakeven.render.tables import as_json, grid, wrapped

FORMATS = ("table", "json", "csv")
_WHO = {"api": "the API", "self_host": "self-hosting"}


def render(
    name: str, solutions: Sequence[Solution], pair: tuple[Side | None, Side | None], *, profile: str, as_of: str, width: int,
    currency: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """The solutions in the named format. Values are the keys' own, money in USD; the table also says it in ``currency``."""
    if name == "json":
        return as_json(
            {
                "schema_version": SOLVE_SCHEMA_VERSION, "profile": profile, "as_of": as_of,
                "api": pair[0], "self_host": pair[1],
                "solutions": [
                    {
                        "key": s.key, "unit": unit_of(s.key), "now": s.now, "cheaper_now": s.cheaper_now, "flips": s.flips,
                        "low": s.low, "high": None if math.isinf(s.high) else s.high, "why_not": s.why_not,
                        "difference_now_usd_per_day": s.difference_now_usd_per_day,
                        "cheaper_throughout": s.cheaper_throughout, "unserved": s.unserved,
                    }
                    for s in solutions
                ],
            }
        )  # fmt: skip
    if name == "csv":
        columns = ("key", "now", "cheaper_now", "flips_at", "below", "above", "why_not", "unit")
        return csv_table(columns, _rows(solutions))
    return _text(solutions, pair, Money.of(currency), width=width)


def _rows(solutions: Sequence[Solution]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for s in solutions:
        same = {"key": s.key, "now": s.now, "cheaper_now": s.cheaper_now, "unit": unit_of(s.key)}
        if not s.flips:
            rows.append({**same, "why_not": "; ".join([_reason(s), *_unserved(s)])})
        rows.extend({**same, "flips_at": f.value, "below": f.below, "above": f.above} for f in s.flips)
    return rows


def _reason(s: Solution) -> str:
    if s.why_not is not None:
        return s.why_not
    unit = unit_of(s.key)
    high = "any value" if math.isinf(s.high) else figure(s.high, unit)
    who = s.cheaper_throughout or s.cheaper_now
    return f"{_WHO[who]} {'stays' if who == s.cheaper_now else 'is'} cheaper from {figure(s.low, unit)} to {high}"


def _unserved(s: Solution) -> list[str]:
    """From which value on nothing serves, how far that was tried, and why."""
    unit = unit_of(s.key)
    return [f"{one.side} {stated(one.value, unit, Money())} (tried to {figure(one.tried_to, unit)}): {one.why}" for one in s.unserved]


def _lead(solutions: Sequence[Solution], pair: tuple[Side | None, Side | None]) -> list[str]:
    """Who is cheaper now, by name, and what is not advised."""
    if not solutions:
        return []
    api, own = pair
    names = {"api": api.name if api else "the API", "self_host": own.name if own else "self-hosting"}
    now = solutions[0].cheaper_now
    barred = [side for side in pair if side is not None and side.why_not]
    alone = ", on cost alone" if barred else ""
    pair_named = f"({names['api']} against {names['self_host']})"
    if own is None:
        return [f"Nothing can flip: {solutions[0].why_not}."]
    if solutions[0].difference_now_usd_per_day == 0.0:
        lines = [f"At the profile's volume both cost the same{alone} {pair_named}; a tie goes to the API."]
    else:
        lines = [f"At the profile's volume {_WHO[now]} is cheaper{alone} {pair_named}."]
    lines += [f"{side.name} {says(able=side.able)}: {'; '.join(side.why_not)}." for side in barred]
    return [*lines, "The verdict flips at:"]


def _text(solutions: Sequence[Solution], pair: tuple[Side | None, Side | None], money: Money, *, width: int) -> str:
    body = []
    for s in solutions:
        unit = unit_of(s.key)
        now = "-" if s.now is None else figure(s.now, unit)
        if not s.flips:
            body.append([s.key, now, "-", noun(unit), _reason(s)])
        for position, flip in enumerate(s.flips[:3]):
            more = f" (and {len(s.flips) - 3} more)" if position == 2 and len(s.flips) > 3 else ""
            body.append([s.key, now, figure(flip.value, unit), noun(unit), f"{_WHO[flip.below]}, then {_WHO[flip.above]}{more}"])
    columns = [("key", "left"), ("now", "right"), ("flips at", "right"), ("unit", "left"), ("cheaper below, then above", "left")]
    lead = "\n".join(wrapped(line, width=width) for line in _lead(solutions, pair))
    if pair[1] is None:
        return lead + "\n"
    text = lead + "\n\n" + grid(columns, body, width=width).rstrip() + "\n"
    converted = _converted(solutions, money)
    below = [*([converted] if converted else []), *(f"{s.key} {said}." for s in solutions for said in _unserved(s))]
    return text + "".join("\n" + wrapped(line, width=width) + "\n" for line in below)


def _converted(solutions: Sequence[Solution], money: Money) -> str:
    """The flips that are money in the profile's currency; the table has them in USD, as the keys do."""
    if money.code == "USD":
        return ""
    said = [
        f"{s.key} {stated(flip.value, unit, money)}"
        for s in solutions
        if (unit := unit_of(s.key)).startswith("USD")
        for flip in s.flips[:3]
    ]
    return f"In {money.code}: {'; '.join(said)}." if said else ""
