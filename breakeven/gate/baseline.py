"""A signed-off baseline: what was approved, by whom, on which facts, in deterministic bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breakeven.compare.result import Comparison
from breakeven.errors import InputError, Problem
from breakeven.gate.snapshot import Snapshot, from_data, snapshot, to_data
from breakeven.yamlio import read_bytes

BASELINE_SCHEMA_VERSION = 1
KIND = "breakeven-baseline"


@dataclass(frozen=True, slots=True)
class Approved:
    """One approved profile: its costs then, and its data, so that they can be recomputed on today's facts."""

    snapshot: Snapshot
    data: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline file."""

    path: str
    as_of: dt.date
    tool_version: str
    catalogue_version: str
    catalogue_digest: str
    subject: str
    approved_by: str | None
    approved_on: str | None
    reason: str | None
    profiles: Mapping[str, Approved]


def baseline_text(
    results: Sequence[Comparison], *, subject: str, approver: str | None, on: dt.date | None, reason: str | None
) -> str:
    """The bytes of a baseline. Raises :class:`InputError` when a confidential fact would leak into it."""
    secret = sorted({source.id for result in results for source in result.sources if source.confidential})
    if secret:
        raise InputError(
            Problem(
                f"{len(secret)} confidential fact(s) would be derivable from a baseline: {', '.join(secret[:3])}",
                "keep the baseline private by approving with a catalogue without them, or mark them not confidential", "--approve",
            )
        )  # fmt: skip
    dates = {result.as_of for result in results}
    if len(dates) != 1:
        raise InputError(Problem("the profiles look up facts of different dates", "give one --as-of", "--approve"))
    names = [result.name for result in results]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(Problem(f"profile names are given twice: {', '.join(twice)}", "give each profile its own name", "--approve"))
    first = results[0]
    body = {
        "kind": KIND,
        "schema_version": BASELINE_SCHEMA_VERSION,
        "tool_version": first.tool_version,
        "as_of": first.as_of.isoformat(),
        "catalog": {"version": first.catalogue_version, "digest": first.catalogue_digest},
        "subject": subject,
        "approved_by": approver,
        "approved_on": on.isoformat() if on else None,
        "reason": reason,
        "profiles": {
            result.name: {
                "costs": to_data(snapshot(result, subject)), "profile": _plain(result.profile_data), "digest": result.profile_digest,
            }
            for result in sorted(results, key=lambda result: result.name)
        },
    }  # fmt: skip
    return json.dumps({**body, "digest": _digest(body)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def read_baseline(path: Path) -> Baseline:
    """A baseline file. Raises :class:`InputError` naming the command that renews it."""
    renew = "renew it with: breakeven check PROFILE... --approve -o " + str(path)
    raw = read_bytes(path, max_bytes=64_000_000)
    if not raw.strip():
        raise InputError(Problem("is empty", renew, str(path)))
    try:
        data = json.loads(raw, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(Problem(f"is not a baseline ({str(error)[:80]})", renew, str(path))) from None
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise InputError(Problem("is not a baseline", renew, str(path)))
    version = data.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version != BASELINE_SCHEMA_VERSION:
        newer = isinstance(version, int) and version > BASELINE_SCHEMA_VERSION
        fix = "upgrade breakeven" if newer else renew
        raise InputError(Problem(f"has schema version {version!r}, and this tool reads {BASELINE_SCHEMA_VERSION}", fix, str(path)))
    body = {key: value for key, value in data.items() if key != "digest"}
    if data.get("digest") != _digest(body):
        raise InputError(Problem("was changed after it was approved (its digest does not match)", renew, str(path)))
    try:
        profiles = {
            str(name): Approved(from_data(entry["costs"]), entry["profile"], str(entry["digest"]))
            for name, entry in data["profiles"].items()
        }
        if not profiles:
            raise KeyError("profiles")
        return Baseline(
            str(path), dt.date.fromisoformat(data["as_of"]), str(data["tool_version"]), str(data["catalog"]["version"]),
            str(data["catalog"]["digest"]), str(data["subject"]), data["approved_by"], data["approved_on"], data["reason"], profiles,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(Problem(f"lacks or garbles {error}", renew, str(path))) from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is given twice")
    return out
