"""Own throughputs that a change takes along to what they were not measured on: other machines, other requests, another model.

A measurement is that of one replica at one shape of requests. The number can stay as it was written, and so be no news,
while the machines below it become fewer or the requests longer: what it then saves rests on it all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from breakeven.gate.claim import Claim
from breakeven.gate.keys import Loc, as_mapping, same_entries
from breakeven.profile.self_host import Throughput, TokenRatio
from breakeven.profile.workload import Latency, Workload
from breakeven.yamlio import dotted

_REPLICA = ("gpus", "servers_per_replica")  # how much of a machine one replica is
_MACHINE = ("rent", "own", "quote", "accelerator", *_REPLICA)
_MODEL = ("model", "engine", "weight_precision", "kv_precision")
_KEY = "throughput"


def rates_taken_along(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Claim]:
    """Claims of throughputs whose machine or requests change below them."""
    yield from _on_other_machines(base, head)
    yield from _of_other_requests(base, head)
    yield from _of_another_model(base, head)


def _on_other_machines(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Claim]:
    before, after = as_mapping(base.get("self_host")), as_mapping(head.get("self_host"))
    was, now = ([as_mapping(entry) for entry in _list(host.get("supply"))] for host in (before, after))
    known = [_machine(entry) for entry in was if entry.get(_KEY) is None]
    for index, (at, entry) in enumerate(zip(same_entries(was, now), now, strict=True)):
        where: Loc = ("self_host", "supply", index)
        own = entry.get(_KEY) is not None
        owner: Loc = where if own else ("self_host",)
        rate = as_mapping(entry.get(_KEY) if own else after.get(_KEY))
        old = as_mapping((was[at].get(_KEY) if at is not None else None) or before.get(_KEY))
        if not rate or not old or (not own and _machine(entry) in known):
            continue
        place = dotted((*owner, _KEY))
        if at is not None and not _sourced_anew(old, rate):
            for key in (key for key in _REPLICA if was[at].get(key) != entry.get(key)):
                said = f"{place}, said of {_amount(was[at].get(key))} {key} at the base and of {entry.get(key) or 'an unsaid number'} here"
                yield Claim((*where, key), said, f"measure it there, and name that measurement in {place}.source", beside=((*owner, _KEY),))
        elif at is None and not own and not _source(rate):
            machine = next((str(entry[key]) for key in _MACHINE if entry.get(key) is not None), "a machine")
            yield Claim(where, f"{place}, said here of {machine} too", f"give {dotted(where)} a throughput of its own, with its source")


def _of_other_requests(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Claim]:
    """Requests a second, or output tokens a second, that stay while each request takes more tokens, are more tokens a second."""
    shapes = [_shape(data) for data in (base, head)]
    if shapes[0] is None or shapes[1] is None or shapes[0].said == shapes[1].said:
        return
    before, after = as_mapping(base.get("self_host")), as_mapping(head.get("self_host"))
    was, now = ([as_mapping(entry) for entry in _list(host.get("supply"))] for host in (before, after))
    pairs: list[tuple[Loc, Any, Any]] = [(("self_host",), before.get(_KEY), after.get(_KEY))]
    pairs += [(("self_host", "supply", index), was[at].get(_KEY), now[index].get(_KEY)) for index, at in enumerate(same_entries(was, now)) if at is not None]
    for owner, old, rate in pairs:
        meant, said = _tokens_per_s(old, shapes[0]), _tokens_per_s(rate, shapes[1])
        if meant is None or said is None or said <= meant * (1.0 + 1e-9) or _sourced_anew(as_mapping(old), as_mapping(rate)):
            continue
        place = (*owner, _KEY)
        text = f"{dotted(place)}, said of requests of {shapes[0].said} tokens at the base and of {shapes[1].said} here"
        yield Claim(place, text, f"measure it at these requests, and name that measurement in {dotted(place)}.source", instead={"total_tok_per_s": meant})


def _of_another_model(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Claim]:
    """What a measurement does not say of another model or latency, the estimates do: what is dearer there is dearer here."""
    before, after = as_mapping(base.get("self_host")), as_mapping(head.get("self_host"))
    was, now = ([as_mapping(entry) for entry in _list(host.get("supply"))] for host in (before, after))
    other = [key for key in _MODEL if before.get(key) != after.get(key)]
    latency = _latency(base) != _latency(head)
    pairs: list[tuple[Loc, Any, Any]] = [(("self_host",), before.get(_KEY), after.get(_KEY))]
    pairs += [(("self_host", "supply", index), was[at].get(_KEY) or before.get(_KEY), now[index].get(_KEY)) for index, at in enumerate(same_entries(was, now)) if at is not None]
    stale = [(*owner, _KEY) for owner, old, rate in pairs if old and rate and not _sourced_anew(as_mapping(old), as_mapping(rate))]
    if not stale or not (other or latency):
        return
    host = {key: value for key, value in after.items() if key != _KEY or ("self_host", _KEY) not in stale}
    host["supply"] = [
        {key: value for key, value in entry.items() if key != _KEY or ("self_host", "supply", index, _KEY) not in stale} for index, entry in enumerate(now)
    ]
    here = {**head, "self_host": host}
    there = _with_keys(here, {"latency": base.get("latency")}) | {"self_host": _with_keys(host, {key: before.get(key) for key in _MODEL})}
    said = " and ".join([*(f"self_host.{key}" for key in other), *(["latency"] if latency else [])])
    place = dotted(stale[0])
    yield Claim(stale[0], f"{place}, which the base says of another {said}", f"measure it anew, and name that measurement in {place}.source", without=(here, there))


def _latency(data: Mapping[str, Any]) -> Latency | None:
    try:
        return Latency.model_validate(data.get("latency") or {})
    except ValidationError:
        return None


def _with_keys(section: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**section, **values}.items() if value is not None}


class _Shape(Struct, frozen=True):
    """The tokens of a mean request as the open model counts them, and as the profile does."""

    total: float
    output: float
    said: str


def _shape(data: Mapping[str, Any]) -> _Shape | None:
    try:
        workload = Workload.model_validate(data.get("workload"))
        ratio = TokenRatio.model_validate(as_mapping(data.get("self_host")).get("token_ratio") or {})
    except ValidationError:
        return None  # what is no workload is said elsewhere
    output = workload.mean_output_tokens * ratio.output
    said = f"{workload.mean_input_tokens:g} + {workload.mean_output_tokens:g}"
    return _Shape(workload.mean_input_tokens * ratio.input + output, output, said)


def _tokens_per_s(rate: Any, shape: _Shape) -> float | None:
    """Input and output tokens a second that a throughput comes to at a shape of requests."""
    try:
        said = Throughput.model_validate(rate)
    except ValidationError:
        return None
    if said.total_tok_per_s is not None:
        return said.total_tok_per_s
    if said.requests_per_s is not None:
        return said.requests_per_s * shape.total
    return said.output_tok_per_s * shape.total / shape.output if said.output_tok_per_s is not None and shape.output > 0 else None


def _machine(entry: Mapping[str, Any]) -> str:
    return repr([entry.get(key) for key in _MACHINE])


def _sourced_anew(old: Mapping[str, Any], rate: Mapping[str, Any]) -> bool:
    """Whether it has a source that is not the one of the old machines or requests."""
    return bool(_source(rate)) and _source(rate) != _source(old)


def _source(rate: Mapping[str, Any]) -> str:
    return str(rate.get("source") or "").strip()


def _amount(value: Any) -> str:
    return "an unsaid number of" if value is None else str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
