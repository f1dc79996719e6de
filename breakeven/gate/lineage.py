"""Numbers that a profile asserts where a dated fact of the catalogue could stand, and whether it says from where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from breakeven.gate.claim import Claim
from breakeven.gate.keys import IDENTITY, Loc, as_mapping, same_entries
from breakeven.gate.rates import rates_taken_along
from breakeven.yamlio import dotted

_PRICED = ("discount", "usd_per_gpu_hour", "gpus_per_sku", "capex_usd", "electricity_usd_per_kwh", "colocation_usd_per_kw_month", "pue", "active_w", "idle_w", "nameplate_w")
_OF_SUPPLY = (*_PRICED, "lease_usd_per_month", "life_years", "residual_share", "maintenance_share_per_year", "spares_share", "prepaid_share")
_OF_HOST = ("labour_fte", "labour_usd_per_fte_year", "network_usd_per_month", "speculative_acceptance", "speculative_tokens")
_IN_A_CATALOGUE = (*_PRICED, "labour_usd_per_fte_year")
# What only makes a profile dearer, and so is an assumption that nobody makes to look cheaper: lowered, it is one.
_OWED = ("minimum_usd_per_month", "platform_fee_share")
_COUNTED_BY = ("discount_rate", "timing")  # how money over time is counted moves none of it
# How a task's tokens are billed and its hours fall, which no application's code says: beside a longer prompt it hides it.
_OF_WORKLOAD = ("cached_input_share", "cache_write_share", "batch_share", "batch_window_hours")
_OF_DEMAND = ("peak_to_mean",)
_OWED_BY_HOST = ("escalation_share", "cached_input_share", "migration_usd", "exit_usd")
# What a profile says by leaving a number out, where no catalogue says another.
_LEFT_OUT: tuple[tuple[Loc, float], ...] = (
    (("workload", "cache_write_share"), 0.0), (("self_host", "labour_fte"), 0.0), (("self_host", "network_usd_per_month"), 0.0), (("self_host", "escalation_share"), 0.0),
    (("self_host", "migration_usd"), 0.0), (("self_host", "exit_usd"), 0.0), (("finance", "discount_rate"), 0.1),
    (("self_host", "token_ratio", "input"), 1.0), (("self_host", "token_ratio", "output"), 1.0),
)  # fmt: skip

_REVIEW = "have it reviewed (where the rule is an error, by a waiver): neither a profile nor a catalogue has a place for its source"


def new_claims(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Claim]:
    """Own claims of the head that the base does not make of the same entry: entries may move within their list."""
    known = Counter(_said(base, claim.loc) for claim in (*own_claims(base), *_owed(base)))
    for claim in (*own_claims(head), *_owed(head)):
        said = _said(head, claim.loc)
        if known[said] > 0:
            known[said] -= 1
        else:
            yield claim
    for loc, default in _LEFT_OUT:
        was = _at(base, loc)
        if was is not None and was != default and _at(head, loc) is None:
            yield Claim(loc, f"{dotted(loc)} left out, which says {default:g}", _REVIEW)
    yield from _left_out_of_entries(base, head)
    yield from rates_taken_along(base, head)


def _owed(data: Mapping[str, Any]) -> Iterator[Claim]:
    for index, choice in enumerate(_list(data.get("api"))):
        yield from _keys(as_mapping(choice), _OWED, ("api", index), f"api[{index}]")
    workload = as_mapping(data.get("workload"))
    yield from _keys(workload, _OF_WORKLOAD, ("workload",), "workload")
    yield from _keys(as_mapping(workload.get("demand")), _OF_DEMAND, ("workload", "demand"), "workload.demand")
    host = as_mapping(data.get("self_host"))
    yield from _keys(host, _OWED_BY_HOST, ("self_host",), "self_host")
    for index, supply in enumerate(_list(host.get("supply"))):
        yield from _keys(as_mapping(supply), ("amortisation",), ("self_host", "supply", index), f"self_host.supply[{index}]")
    yield from _keys(as_mapping(data.get("finance")), _COUNTED_BY, ("finance",), "finance")


def _left_out_of_entries(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Claim]:
    """What an entry of a list no longer says that it owes, and costs that are no longer listed."""
    for where, was, now in _same_places(base, head):
        for key in _OWED:
            if was.get(key) is not None and now.get(key) is None:
                yield Claim((*where, key), f"{dotted((*where, key))} left out, which says 0", _REVIEW)
        costs = _list(was.get("extra_costs"))
        kept = _kept_costs(costs, _list(now.get("extra_costs")))
        lost = (cost for index, cost in enumerate(costs) if index not in kept and not _paid_elsewhere(cost, where, base, head))
        if gone := [as_mapping(cost).get("name") for cost in lost]:
            loc: Loc = (*where, "extra_costs")
            yield Claim(loc, f"{dotted(loc)} without {', '.join(map(str, gone))}", _REVIEW)


def _kept_costs(before: list[Any], after: list[Any]) -> set[int | None]:
    """Places of the base's costs that are still listed, some perhaps under another name."""
    places = same_entries(before, after)
    kept = set(places)
    left = [_unnamed(cost) for at, cost in zip(places, after, strict=True) if at is None]
    for index, cost in enumerate(before):
        if index not in kept and _unnamed(cost) in left:
            left.remove(_unnamed(cost))
            kept.add(index)
    return kept


def _paid_elsewhere(cost: Any, where: Loc, base: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    """Whether a cost that left a list is still paid by each offer that paid it: said of all machines, or of each of them."""
    if where[:1] != ("self_host",):
        return False
    before, after = as_mapping(base.get("self_host")), as_mapping(head.get("self_host"))
    was, now = ([as_mapping(entry) for entry in _list(host.get("supply"))] for host in (before, after))
    # A machine that is new owes what the base says of all machines.
    pairs = [({} if at is None else was[at], now[index]) for index, at in enumerate(same_entries(was, now)) if where[2:] in ((), (index,))]

    def paid(host: Mapping[str, Any], entry: Mapping[str, Any]) -> int:
        return sum(_unnamed(cost) == _unnamed(other) for section in (host, entry) for other in _list(section.get("extra_costs")))

    return bool(pairs) and all(paid(after, new) >= paid(before, old) for old, new in pairs)


def _unnamed(cost: Any) -> dict[str, Any]:
    return {key: value for key, value in as_mapping(cost).items() if key != "name"}


def _same_places(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[tuple[Loc, Mapping[str, Any], Mapping[str, Any]]]:
    """Sections that both have, wherever the base's entry stands."""
    before, after = as_mapping(base.get("self_host")), as_mapping(head.get("self_host"))
    yield ("self_host",), before, after
    lists: tuple[tuple[Loc, Any, Any], ...] = ((("api",), base.get("api"), head.get("api")), (("self_host", "supply"), before.get("supply"), after.get("supply")))
    for where, was, now in lists:
        for index, at in enumerate(same_entries(_list(was), _list(now))):
            if at is not None:
                yield (*where, index), as_mapping(was[at]), as_mapping(now[index])


def _at(data: Any, loc: Loc) -> Any:
    for step in loc:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _said(data: Any, loc: Loc) -> tuple[str, ...]:
    """A claim wherever its entry stands: the way to it by the entries' identities, and its value."""
    way, value = [], data
    for step in loc:
        value = value[step]
        way.append(step if isinstance(step, str) else repr([(key, value.get(key)) for key in IDENTITY if value.get(key) is not None]))
    return (*way, repr(value))


def own_claims(data: Mapping[str, Any]) -> Iterator[Claim]:
    """Each own price, power figure, life, effort or throughput of a profile that carries no source."""
    for index, choice in enumerate(_list(data.get("api"))):
        if isinstance(choice, dict):
            yield from _section(choice.get("prices"), ("api", index, "prices"), f"api[{index}].prices")
            yield from _keys(choice, ("discount",), ("api", index), f"api[{index}]")
    host = data.get("self_host")
    if not isinstance(host, dict):
        return
    yield from _keys(host, _OF_HOST, ("self_host",), "self_host")
    ratio = host.get("token_ratio")
    if isinstance(ratio, dict):
        yield from _keys(ratio, ("input", "output"), ("self_host", "token_ratio"), "self_host.token_ratio")
    yield from _costs_and_rate(host, ("self_host",), "self_host")
    for index, supply in enumerate(_list(host.get("supply"))):
        if isinstance(supply, dict):
            where: Loc = ("self_host", "supply", index)
            yield from _keys(supply, _OF_SUPPLY, where, f"self_host.supply[{index}]")
            yield from _costs_and_rate(supply, where, f"self_host.supply[{index}]")


def _costs_and_rate(section: Mapping[str, Any], where: Loc, name: str) -> Iterator[Claim]:
    yield from _section(section.get("throughput"), (*where, "throughput"), f"{name}.throughput")
    for index, cost in enumerate(_list(section.get("extra_costs"))):
        yield from _section(cost, (*where, "extra_costs", index), f"{name}.extra_costs[{index}]")


def _section(section: Any, where: Loc, name: str) -> Iterator[Claim]:
    if isinstance(section, dict) and not str(section.get("source") or "").strip():
        yield Claim(where, name, "add source: to it, or move it to a catalogue overlay")


def _keys(section: Mapping[str, Any], keys: tuple[str, ...], where: Loc, name: str) -> Iterator[Claim]:
    for key in keys:
        if section.get(key) is not None:
            fix = "move it to a catalogue overlay with its source" if key in _IN_A_CATALOGUE else _REVIEW
            yield Claim((*where, key), f"{name}.{key} = {section[key]}", fix)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
