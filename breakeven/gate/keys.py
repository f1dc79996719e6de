"""The keys in which two versions of a profile differ: each with its cause, its line and what is left when it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from breakeven.yamlio import Document, dotted

Loc = tuple[int | str, ...]

CAUSES = (
    "volume", "token mix", "calls per task", "API price", "hardware price", "throughput", "power", "finance", "labour", "operations",
)  # fmt: skip
_VOLUME = {"tokens_per_day", "requests_per_day", "tasks_per_day", "demand"}
_POWER = {"electricity_usd_per_kwh", "pue", "idle_w", "active_w", "nameplate_w", "colocation_usd_per_kw_month", "site"}
_FINANCE = {"life_years", "residual_share", "amortisation", "prepaid_share", "term_years"}
_THROUGHPUT_SUPPLY = {"gpus", "throughput", "min_replicas", "servers_per_replica"}
_THROUGHPUT_HOST = {
    "model", "engine", "weight_precision", "kv_precision", "throughput", "benchmark", "redundancy", "min_replicas", "headroom_share",
    "speculative_acceptance", "speculative_tokens", "substitute", "hybrid",
}  # fmt: skip


# Labels, what only forecasts and risk read, and the date of the facts, which is the market's business.
_COST_NOTHING = ("name", "description", "owner", "schema_version", "uncertainty", "forecast", "as_of")


# What tells one entry of a list from another: entries may move within their list.
IDENTITY = ("model", "tier", "provisioned", "rent", "own", "quote", "provider", "term", "region", "sku", "accelerator", "name")


class Change(Struct, frozen=True):
    """One key that differs, where it stands in the head, and what it was and is."""

    key: str
    cause: str
    before: Any
    after: Any
    line: int | None
    loc: Loc = ()
    alone: tuple[float, float] | None = None  # USD a month that it makes alone, at the base and at the head; None where that is not known


def cause_of(loc: Loc) -> str:
    """The named cause a key belongs to."""
    head = loc[0] if loc else ""
    second = loc[1] if len(loc) > 1 else ""
    if head == "workload":
        if second in _VOLUME:
            return "volume"
        return "calls per task" if second == "calls_per_task" else "token mix"
    if head == "api":
        return "API price"
    if head == "latency":
        return "throughput"
    if head == "finance":
        return "finance"
    if head == "self_host":
        if second == "supply":
            key = loc[3] if len(loc) > 3 else ""
            if key in _POWER:
                return "power"
            if key in _FINANCE:
                return "finance"
            return "throughput" if key in _THROUGHPUT_SUPPLY else "hardware price"
        if second in ("labour_fte", "labour_usd_per_fte_year"):
            return "labour"
        if second in ("token_ratio", "cached_input_share", "escalation_share", "escalate_to"):
            return "token mix"
        return "throughput" if second in _THROUGHPUT_HOST else "operations"
    return "operations"


def changed_keys(base: Any, head: Any, document: Document) -> tuple[Change, ...]:
    """Every leaf that differs, in the head's order, with its line there. Names and comments cost nothing."""
    found: list[tuple[Loc, Any, Any]] = []
    _walk(base, head, (), found)
    changes = []
    for loc, before, after in found:
        if loc[0] in _COST_NOTHING:
            continue
        place = document.key_position(loc)  # of a key that is gone: of the section it stood in
        changes.append(Change(dotted(loc), cause_of(loc), before, after, place[0] if place else None, loc))
    return tuple(changes)


def _walk(base: Any, head: Any, loc: Loc, out: list[tuple[Loc, Any, Any]]) -> None:
    if isinstance(base, dict) and isinstance(head, dict):
        for key in dict.fromkeys((*head, *base)):
            _walk(base.get(key), head.get(key), (*loc, key), out)
    elif isinstance(base, list) and isinstance(head, list) and len(base) == len(head):
        order = paired(base, head)
        if order != sorted(order):
            out.append((loc, base, head))  # the order itself: which entry comes first may decide what is judged
        for index, was in enumerate(order):
            _walk(base[was], head[index], (*loc, index), out)
    elif (type(base), base) != (type(head), head):
        # A section that appears or goes is looked into, so that each key finds its own cause.
        if isinstance(base, dict) and head is None:
            _walk(base, {}, loc, out)
        elif isinstance(head, dict) and base is None:
            _walk({}, head, loc, out)
        else:
            out.append((loc, base, head))


def paired(base: list[Any], head: list[Any]) -> list[int]:
    """For each entry of the head's list, the place in the base's of what it is compared with.

    Entries are compared with those of the same identity, what is left over in order; where an identity is
    missing or said twice, each with the one in its place.

    >>> paired([{"rent": "a"}, {"rent": "b"}, {"rent": "c"}], [{"rent": "b"}, {"rent": "d"}, {"rent": "a"}])
    [1, 2, 0]
    """
    was, now = [_identity(entry) for entry in base], [_identity(entry) for entry in head]
    if not all(was) or not all(now) or len(set(was)) < len(was) or len(set(now)) < len(now):
        return list(range(len(head)))
    left = iter([index for index, name in enumerate(was) if name not in now])
    return [was.index(name) if name in was else next(left) for name in now]


def _identity(entry: Any) -> str:
    if isinstance(entry, str):
        entry = {IDENTITY[0]: entry}  # an offer that is named alone
    if not isinstance(entry, dict):
        return ""
    said = [(key, entry[key]) for key in IDENTITY if entry.get(key) is not None]
    return repr(said) if said else ""


def mixed(base: Any, head: Any, taken: Callable[[Loc], bool], loc: Loc = ()) -> Any:
    """The base's data with every key that is ``taken`` as the head has it."""
    if isinstance(base, dict) and isinstance(head, dict):
        out = {}
        for key in dict.fromkeys((*base, *head)):
            value = mixed(base.get(key), head.get(key), taken, (*loc, key))
            if value is not None:
                out[key] = value
        return out
    if isinstance(base, list) and isinstance(head, list) and len(base) == len(head):
        order = paired(base, head)
        entries = {was: mixed(base[was], head[index], taken, (*loc, index)) for index, was in enumerate(order)}
        return [entries[was] for was in (order if taken(loc) else sorted(order))]
    if isinstance(base, dict) and head is None:
        return mixed(base, {}, taken, loc) or None
    if isinstance(head, dict) and base is None:
        return mixed({}, head, taken, loc) or None
    return head if taken(loc) else base
