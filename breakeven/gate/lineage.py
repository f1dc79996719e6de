"""Numbers that a profile asserts where a dated fact of the catalogue could stand, and whether it says from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Loc = tuple[int | str, ...]
_OF_SUPPLY = (
    "discount", "usd_per_gpu_hour", "capex_usd", "lease_usd_per_month", "electricity_usd_per_kwh", "colocation_usd_per_kw_month", "pue", "active_w", "idle_w",
    "nameplate_w",
)  # fmt: skip
_OF_HOST = ("labour_usd_per_fte_year", "network_usd_per_month")


def new_claims(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Own claims of the head that the base does not make anywhere: entries may move within their list."""
    known = {_said(base, loc) for loc, _ in own_claims(base)}
    return ((loc, text) for loc, text in own_claims(head) if _said(head, loc) not in known)


def _said(data: Any, loc: Loc) -> tuple[str, str]:
    value = data
    for step in loc:
        value = value[step]
    return str(loc[-1]) if isinstance(loc[-1], str) else str(loc[-2]), repr(value)


def own_claims(data: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """(where, what) of each own price, power figure or throughput of a profile that carries no source."""
    for index, choice in enumerate(_list(data.get("api"))):
        if isinstance(choice, dict):
            yield from _section(choice.get("prices"), ("api", index, "prices"), f"api[{index}].prices")
            yield from _keys(choice, ("discount",), ("api", index), f"api[{index}]")
    host = data.get("self_host")
    if not isinstance(host, dict):
        return
    yield from _keys(host, _OF_HOST, ("self_host",), "self_host")
    yield from _costs_and_rate(host, ("self_host",), "self_host")
    for index, supply in enumerate(_list(host.get("supply"))):
        if isinstance(supply, dict):
            where: Loc = ("self_host", "supply", index)
            yield from _keys(supply, _OF_SUPPLY, where, f"self_host.supply[{index}]")
            yield from _costs_and_rate(supply, where, f"self_host.supply[{index}]")


def _costs_and_rate(section: Mapping[str, Any], where: Loc, name: str) -> Iterator[tuple[Loc, str]]:
    yield from _section(section.get("throughput"), (*where, "throughput"), f"{name}.throughput")
    for index, cost in enumerate(_list(section.get("extra_costs"))):
        yield from _section(cost, (*where, "extra_costs", index), f"{name}.extra_costs[{index}]")


def _section(section: Any, where: Loc, name: str) -> Iterator[tuple[Loc, str]]:
    if isinstance(section, dict) and not str(section.get("source") or "").strip():
        yield where, name


def _keys(section: Mapping[str, Any], keys: tuple[str, ...], where: Loc, name: str) -> Iterator[tuple[Loc, str]]:
    for key in keys:
        if section.get(key) is not None:
            yield (*where, key), f"{name}.{key} = {section[key]}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
