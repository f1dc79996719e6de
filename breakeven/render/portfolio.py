"""``portfolio`` in each of its formats."""

from __future__ import annotations

from typing import Any

from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.portfolio import PORTFOLIO_SCHEMA_VERSION, Pool, Portfolio
from breakeven.render.csv_result import table as csv_table
from breakeven.render.tables import as_json, grid, markdown_table, wrapped

FORMATS = ("table", "json", "csv", "md")
_SAY = {"api": "buying from the APIs", "apart": "keeping separate fleets", "pooled": "one pooled fleet"}


def render(name: str, result: Portfolio, *, width: int) -> str:
    """The portfolio in the named format."""
    if name == "json":
        return as_json(data(result))
    if name == "csv":
        return csv_table(_CSV, _csv_rows(result))
    parts = [verdict(result) if name == "md" else wrapped(verdict(result), width=width), ""]
    for pool in result.pools:
        lines, columns, rows = _pool(pool, Money.of(result.currency))
        if name == "md":
            parts += [f"## {pool.model} on {pool.machine}", "", *lines, "", markdown_table(columns, rows)]
        else:
            parts += [wrapped(f"{pool.model} on {pool.machine}", width=width), ""]
            parts += [*(wrapped(line, width=width) for line in lines), "", grid(columns, rows, width=width)]
    parts += [f"not pooled: {reason}" if name == "md" else wrapped(f"not pooled: {reason}", width=width)
              for reason in result.not_pooled]  # fmt: skip
    parts += [note if name == "md" else wrapped(note, width=width) for note in result.notes]
    if result.mixed_currencies:
        note = f"amounts are in USD: the profiles ask for {' and '.join(result.mixed_currencies)}"
        parts.append(note if name == "md" else wrapped(note, width=width))
    parts.append(f"Facts as of {result.as_of}, catalogue {result.catalogue_version}.")
    return "\n".join(parts).rstrip() + "\n"


def verdict(result: Portfolio) -> str:
    """The choice in one line."""
    usd = Money.of(result.currency)
    if len(result.pools) == 1:
        pool = result.pools[0]
        return f"Together, with {pool.machine} machines or the APIs, {_choice(pool)}: {_costs(pool, usd)}."
    names = "; ".join(f"{pool.model}: {_choice(pool)} ({_costs(pool, usd)})" for pool in result.pools)
    return f"{len(result.pools)} pools. {names}."


def _choice(pool: Pool) -> str:
    if pool.cheapest is None:
        return "nothing meets the requirements of all"
    barred = pool.api_why_not or pool.own_why_not
    alone = len(pool.members) == 1 and pool.cheapest != "api"
    what = f"own machines for {pool.members[0].profile} alone" if alone else _SAY[pool.cheapest]
    return f"{what} {'are' if alone else 'is'} cheapest" + (" of what the requirements allow" if barred else "")


def _costs(pool: Pool, usd: Money) -> str:
    return (
        f"APIs {usd(pool.api_usd_per_day)} a day, apart {usd(pool.apart_usd_per_day)}, pooled {usd(pool.pooled_usd_per_day)}"
    )


def data(result: Portfolio) -> dict[str, Any]:
    """The JSON object."""
    return {
        "schema_version": PORTFOLIO_SCHEMA_VERSION, "as_of": result.as_of, "catalogue": result.catalogue_version,
        "verdict": verdict(result), "api_usd_per_day": result.api_usd_per_day,
        "pooled_usd_per_day": result.pooled_usd_per_day, "currency": result.currency,
        "pools": [
            {**{name: getattr(pool, name) for name in Pool.__struct_fields__}, "cheapest": pool.cheapest}
            for pool in result.pools
        ],
        "not_pooled": result.not_pooled, "notes": result.notes,
    }  # fmt: skip


_CSV = ("model", "machine", "profile", "tokens_per_day", "replicas", "peak_replicas", "api_usd_per_day",
        "own_usd_per_day", "first_tokens_per_day")  # fmt: skip


def _csv_rows(result: Portfolio) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for pool in result.pools:
        same = {"model": pool.model, "machine": pool.machine}
        for member in pool.members:
            row = {name: getattr(member, name) for name in _CSV[3:8]}
            rows.append({**same, "profile": member.profile, **row,
                         "first_tokens_per_day": member.crossover.first_tokens_per_day})  # fmt: skip
        total = {"tokens_per_day": pool.tokens_per_day, "api_usd_per_day": pool.api_usd_per_day}
        rows.append({**same, **total, "profile": "apart", "replicas": pool.replicas_apart,
                     "peak_replicas": pool.peak_replicas_apart, "own_usd_per_day": pool.apart_usd_per_day,
                     "first_tokens_per_day": pool.apart_first_tokens_per_day})  # fmt: skip
        rows.append({**same, **total, "profile": "pooled", "replicas": pool.replicas_pooled,
                     "peak_replicas": pool.peak_replicas_pooled, "own_usd_per_day": pool.pooled_usd_per_day,
                     "first_tokens_per_day": pool.crossover.first_tokens_per_day})  # fmt: skip
    return rows


def _pool(pool: Pool, usd: Money) -> tuple[list[str], list[tuple[str, str]], list[list[str]]]:
    saved = 1.0 - pool.peak_replicas_pooled / pool.peak_replicas_apart
    lines = [
        f"Their peaks add up to {pool.peak_replicas_apart:.3g} replicas apart and {pool.peak_replicas_pooled:.3g} together "
        f"({percent(saved)} less): {_replicas(pool.replicas_apart)} apart, {pool.replicas_pooled} pooled.",
        f"With volumes in proportion, the pool {_first(pool.crossover.first_tokens_per_day, 'beats')} and separate fleets "
        f"{_first(pool.apart_first_tokens_per_day, 'beat')}; today they have {spoken(pool.tokens_per_day)} tokens/day in all.",
    ]
    if len(pool.members) == 1:
        lines = [f"{pool.members[0].profile} is the only profile on these machines, so there is nothing to share."]
    for what, reasons in (("buying from the APIs", pool.api_why_not), ("running machines", pool.own_why_not)):
        if reasons:
            lines.append(f"Barred is {what}: {'; '.join(reasons)}.")
    columns = [("profile", "left"), ("tokens/day", "right"), (f"API {usd.symbol}/day", "right"),
               (f"own {usd.symbol}/day", "right"), ("replicas", "right"), ("crossover alone", "right")]  # fmt: skip
    rows = [
        [m.profile, spoken(m.tokens_per_day), usd(m.api_usd_per_day), usd(m.own_usd_per_day), str(m.replicas),
         _volume(m.crossover.first_tokens_per_day)]
        for m in pool.members
    ]  # fmt: skip
    rows.append(["all apart", spoken(pool.tokens_per_day), usd(pool.api_usd_per_day), usd(pool.apart_usd_per_day),
                 str(pool.replicas_apart), _volume(pool.apart_first_tokens_per_day)])  # fmt: skip
    rows.append(["all pooled", spoken(pool.tokens_per_day), usd(pool.api_usd_per_day), usd(pool.pooled_usd_per_day),
                 str(pool.replicas_pooled), _volume(pool.crossover.first_tokens_per_day)])  # fmt: skip
    return lines, columns, rows


def _replicas(count: int) -> str:
    return f"{count} replica{'' if count == 1 else 's'}"


def _first(value: float | None, beat: str) -> str:
    return f"never {beat} the APIs" if value is None else f"first {beat} the APIs from {spoken(value)} tokens/day in all"


def _volume(value: float | None) -> str:
    return "never" if value is None else spoken(value)
