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
    base, head = _both_written_out(base, head, loc)
    if isinstance(base, dict) and isinstance(head, dict):
        for key in dict.fromkeys((*head, *base)):
            _walk(base.get(key), head.get(key), (*loc, key), out)
    elif isinstance(base, list) and isinstance(head, list) and len(base) == len(head):
        order = paired(base, head)
        if order != sorted(order):
            out.append((loc, base, head))  # the order itself: which entry comes first may decide what is judged
        for index, was in enumerate(order):
            _walk(base[was], head[index], (*loc, index), out)
    elif isinstance(base, list) and isinstance(head, list) and base and head:
        out.append((loc, base, head))  # which entries there are; what changed of those that stay is said of each
        for index, at in enumerate(same_entries(base, head)):
            if at is not None:
                _walk(base[at], head[index], (*loc, index), out)
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


def same_entries(base: list[Any], head: list[Any]) -> list[int | None]:
    """For each entry of the head's list, the place in the base's of the same one; None where the base has none.

    Unlike :func:`paired`, one that took another's place is not the same, and the lists may differ in length. The same
    is one of the same identity, else the only one of the same model, machine or quote.

    >>> same_entries(["a/x", "b/y"], [{"model": "b/y", "tier": "flex"}, "c/z", "a/x"])
    [1, None, 0]
    """
    out: list[int | None] = [None] * len(head)
    for told in (_identity, _first_of_identity):
        taken = {at for at in out if at is not None}
        was = [None if at in taken else told(entry) or None for at, entry in enumerate(base)]
        now = [None if at is not None else told(entry) or None for at, entry in zip(out, head, strict=True)]
        for index, name in enumerate(now):
            if name is not None and was.count(name) == 1 == now.count(name):
                out[index] = was.index(name)
    return out


def as_mapping(entry: Any) -> dict[str, Any]:
    """An entry with its keys: an offer that is named alone is one with a model."""
    if isinstance(entry, str):
        return {IDENTITY[0]: entry}
    return entry if isinstance(entry, dict) else {}


def _both_written_out(base: Any, head: Any, loc: Loc) -> tuple[Any, Any]:
    """Both as mappings where one is an offer that is named alone: what it gains beside its name are keys of their own."""
    if len(loc) == 2 and loc[0] == "api" and {type(base), type(head)} == {str, dict}:
        return as_mapping(base), as_mapping(head)
    return base, head


def _identity(entry: Any) -> str:
    said = _said_of(entry)
    return repr(said) if said else ""


def _first_of_identity(entry: Any) -> str:
    return repr(_said_of(entry)[:1]) if _said_of(entry) else ""


def _said_of(entry: Any) -> list[tuple[str, Any]]:
    return [(key, value) for key in IDENTITY if (value := as_mapping(entry).get(key)) is not None]


def sharing(base: Any, head: Any) -> Any:
    """The head's data in which every part that says the same, in the same letters, is the very object of the base's.

    >>> base = {"api": ["a/x"], "name": "n"}
    >>> sharing(base, {"api": ["a/x"], "name": "m"})["api"] is base["api"]
    True
    """
    if isinstance(base, dict) and isinstance(head, dict):
        out: Any = {key: sharing(base.get(key), value) for key, value in head.items()}
        return base if list(base) == list(out) and all(base[key] is out[key] for key in out) else out
    if isinstance(base, list) and isinstance(head, list):
        same = len(base) == len(head)
        items = [sharing(base[index], item) if same else item for index, item in enumerate(head)]
        return base if same and all(one is other for one, other in zip(base, items, strict=True)) else items
    return base if (type(base), base) == (type(head), head) else head


def mixed(base: Any, head: Any, taken: Callable[[Loc], bool], loc: Loc = ()) -> Any:
    """The base's data with every key that is ``taken`` as the head has it."""
    if base is head:  # see sharing()
        return base
    base, head = _both_written_out(base, head, loc)
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
    if isinstance(base, list) and isinstance(head, list) and base and head:
        places = same_entries(base, head)
        kept = {at: mixed(base[at], head[index], taken, (*loc, index)) for index, at in enumerate(places) if at is not None}
        if taken(loc):
            return [head[index] if at is None else kept[at] for index, at in enumerate(places)]
        return [kept.get(at, entry) for at, entry in enumerate(base)]
    if isinstance(base, dict) and head is None:
        return mixed(base, {}, taken, loc) or None
    if isinstance(head, dict) and base is None:
        return mixed({}, head, taken, loc) or None
    return head if taken(loc) else base
