"""A signed-off baseline: what was approved, by whom, on which facts, in deterministic bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven import __version__
from breakeven.compare.result import Comparison
from breakeven.errors import InputError, Problem
from breakeven.gate.even import MONTH_HOURS, in_the_gates_month
from breakeven.gate.facts import World, companions
from breakeven.gate.snapshot import Snapshot, from_data, snapshot, to_data
from breakeven.profile.load import LoadedProfile
from breakeven.yamlio import read_bytes

BASELINE_SCHEMA_VERSION = 1
KIND = "breakeven-baseline"
_MAX_BYTES = 64_000_000
_MAX_FILE_BYTES = 8_000_000


class Approved(Struct, frozen=True):
    """One approved profile: its costs then, and its data and files, so that it can be recomputed on today's facts."""

    snapshot: Snapshot
    data: Mapping[str, Any]
    files: Mapping[str, str]
    path: str | None = None  # its file, seen from the baseline's folder, where that is the same anywhere


class Baseline(Struct, frozen=True):
    """A baseline file."""

    path: str
    as_of: dt.date
    tool_version: str
    catalogue_version: str
    catalogue_digest: str
    subject: str
    approved_by: str
    approved_on: str | None
    reason: str
    digest: str
    profiles: Mapping[str, Approved]
    policy_digest: str | None = None  # of the policy it was approved under, if one was given
    hours_per_month: float | None = None  # the month of its costs; None: of each profile's own


class SignOff(Struct, frozen=True):
    """Who approves, when (as given: nothing here reads a clock) and why."""

    by: str
    reason: str
    on: dt.date | None


def policy_digest(data: Any) -> str:
    """What a policy says, whatever its comments and layout."""
    return _digest({"policy": _plain(data)})


def baseline_text(heads: Sequence[LoadedProfile], world: World, *, subject: str, sign_off: SignOff, beside: Path, policy: Any = None) -> str:
    """The bytes of a baseline. Raises :class:`InputError` when it must not or cannot be signed off."""
    dates = sorted({world.date_of(loaded) for loaded in heads})
    if len(dates) != 1:
        shown = ", ".join(date.isoformat() for date in dates)
        raise InputError(Problem(f"the profiles look up facts of different dates ({shown})", "give one --as-of", "--approve"))
    results = [(loaded, world.compare(in_the_gates_month(loaded), dates[0])) for loaded in heads]
    secret = sorted({source.id for _, result in results for source in result.sources if source.confidential})
    if secret:
        raise InputError(
            Problem(f"{len(secret)} confidential fact(s) would follow from the costs in a baseline: {', '.join(secret[:3])}",
                    "approve on the facts that may be shared: leave out their --catalog", "--approve")
        )  # fmt: skip
    costs = {loaded.profile.name: snapshot(result, subject) for loaded, result in results}
    unserved = [name for name, item in costs.items() if item.usd_per_month is None]
    if unserved:
        raise InputError(Problem(f"nothing can serve {', '.join(unserved)}, so there is no cost to approve", "mend the profile's offers", "--approve"))
    body = {
        "kind": KIND,
        "schema_version": BASELINE_SCHEMA_VERSION,
        "tool_version": __version__,
        "as_of": dates[0].isoformat(),
        "catalog": {"version": world.catalogue.version, "digest": world.catalogue.digest},
        "subject": subject,
        "hours_per_month": MONTH_HOURS,
        "policy_digest": None if policy is None else policy_digest(policy),
        "approved_by": sign_off.by,
        "approved_on": sign_off.on.isoformat() if sign_off.on else None,
        "reason": sign_off.reason,
        "profiles": {
            loaded.profile.name: {
                "costs": to_data(costs[loaded.profile.name]), "digest": _digest_of_profile(loaded, world, result), "files": _embedded(loaded),
                "path": _seen_from(beside, loaded.path), "profile": _plain(loaded.document.data),
            }
            for loaded, result in sorted(results, key=lambda row: row[0].profile.name)
        },
    }  # fmt: skip
    return json.dumps({**body, "digest": _digest(body)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _seen_from(folder: Path, path: str) -> str | None:
    """A file's path from a folder, where both lie in the working folder: elsewhere the way is that of one machine."""
    top, here, there = Path.cwd().resolve(), folder.resolve(), Path(path).resolve()
    if not (here.is_relative_to(top) and there.is_relative_to(top)):
        return None
    return Path(os.path.relpath(there, here)).as_posix()


def _digest_of_profile(loaded: LoadedProfile, world: World, result: Comparison) -> str:
    """The digest that every other report has of it, whatever month it is counted in here."""
    same = loaded.profile.finance.hours_per_month == MONTH_HOURS
    return result.profile_digest if same else world.compare(loaded, result.as_of).profile_digest


def _embedded(loaded: LoadedProfile) -> dict[str, str]:
    """The text of the files beside a profile, by key: without them nothing could be computed again."""
    out = {}
    for loc, name in companions(loaded).items():
        path = Path(loaded.path).parent / name
        try:
            out[".".join(loc)] = read_bytes(path, max_bytes=_MAX_FILE_BYTES).decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(Problem("is no text, so a baseline cannot carry it", "name a text file", str(path))) from None
    return out


def unpacked(loaded: LoadedProfile, texts: Mapping[str, str], folder: Path) -> dict[tuple[str, ...], Path]:
    """The files of an approved profile, written out under a folder. KeyError when the baseline lacks one."""
    out = {}
    for number, (loc, name) in enumerate(companions(loaded).items()):
        parts = [part for part in Path(name).parts[-2:] if part not in ("..", ".", "/")]
        out[loc] = folder.joinpath(str(number), *parts)
        out[loc].parent.mkdir(parents=True, exist_ok=True)
        out[loc].write_text(texts[".".join(loc)], encoding="utf-8", newline="")
    return out


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def renewal(path: str) -> str:
    """The command that writes a baseline anew."""
    return f"renew it with: breakeven check PROFILE... [--policy FILE] --approve --approver WHO --reason WHY -o {path}"


def read_baseline(path: Path) -> Baseline:
    """A baseline file. Raises :class:`InputError` naming the command that renews it."""
    renew = renewal(str(path))
    raw = read_bytes(path, max_bytes=_MAX_BYTES)
    if not raw.strip():
        raise InputError(Problem("is empty", renew, str(path)))
    try:
        data = strict_json(raw)
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
        return _baseline(data, str(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(Problem(f"lacks or garbles {error}", renew, str(path))) from None


def _baseline(data: Mapping[str, Any], path: str) -> Baseline:
    profiles = {}
    for name, entry in data["profiles"].items():
        files = entry["files"]
        if not isinstance(entry["profile"], dict) or any(not isinstance(text, str) for text in files.values()):
            raise TypeError(f"the profile {name!r}")
        profiles[str(name)] = Approved(from_data(entry["costs"]), entry["profile"], files, entry.get("path"))
    if not profiles:
        raise KeyError("profiles")
    who, why = data["approved_by"], data["reason"]
    if not (isinstance(who, str) and who.strip() and isinstance(why, str) and why.strip()):
        raise ValueError("who approved it and why")
    return Baseline(
        path, dt.date.fromisoformat(data["as_of"]), str(data["tool_version"]), str(data["catalog"]["version"]),
        str(data["catalog"]["digest"]), str(data["subject"]), who, data["approved_on"], why, str(data["digest"]), profiles,
        data.get("policy_digest"), data.get("hours_per_month"),
    )  # fmt: skip


def strict_json(raw: bytes) -> Any:
    """JSON in which every number is one and no key is given twice. Raises ValueError or RecursionError."""
    return json.loads(raw, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a number that can be read")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is given twice")
    return out
