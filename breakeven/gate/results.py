"""``diff A B`` of two files: profiles, or results of ``run --format json`` with what they recorded."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from breakeven import __version__
from breakeven.catalog.store import Catalogue
from breakeven.errors import InputError, Problem
from breakeven.gate.baseline import strict_json
from breakeven.gate.compared import Facts, Side, compare_profile
from breakeven.gate.even import MONTH_HOURS
from breakeven.gate.facts import World, companions
from breakeven.gate.report import FactsId, GateReport
from breakeven.gate.snapshot import Snapshot
from breakeven.profile.load import LoadedProfile, from_document, load_profile
from breakeven.yamlio import Document, read_bytes

_ANEW = "write it anew with: breakeven run PROFILE --format json -o FILE"


class _File(Struct, frozen=True):
    loaded: LoadedProfile
    as_of: dt.date | None = None
    recorded: Snapshot | None = None
    tool_version: str = __version__
    facts: str | None = None  # the digest of those it was recorded on


def diff_files(a: str, b: str, *, catalog: Sequence[Path], as_of: dt.date | None) -> GateReport:
    """Two profiles or results; a result brings the date of its facts and what it cost then."""
    left, right = _read(a), _read(b)
    world = World.of(Catalogue.load(list(catalog)), as_of or right.as_of)
    # What was recorded of another month is no cost of the gate's: it is computed anew.
    recorded = left.recorded if left.loaded.profile.finance.hours_per_month == MONTH_HOURS else None
    side = Side(left.loaded, as_of or left.as_of, recorded, left.tool_version, left.facts)
    row, *_ = compare_profile(right.loaded, side, subject="cheapest", facts=Facts(world, world))
    notes = []
    now, then = row.head.usd_per_month, right.recorded.usd_per_month if right.recorded else None
    if now is not None and then is not None and as_of is None and right.loaded.profile.finance.hours_per_month == MONTH_HOURS and abs(now - then) >= 0.005:
        notes.append(f"{b} recorded {then:.2f} USD a month with breakeven {right.tool_version}; on today's facts it is {now:.2f}")
    return GateReport("diff", a, b, "cheapest", FactsId(world.catalogue.version, world.catalogue.digest), __version__, (row,), notes=tuple(notes))


def _read(path: str) -> _File:
    """A profile file, or the profile and the cheapest cost inside a result."""
    if not Path(path).exists() and path != "-":
        raise InputError(Problem("no such file", "name a profile or a result; for a git revision: breakeven diff --base-ref REV PROFILE", path))
    if not path.endswith(".json"):
        return _File(load_profile(path))
    raw = read_bytes(Path(path), max_bytes=64_000_000)
    try:
        data = strict_json(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(f"is not a result ({str(error)[:80]})", _ANEW, path)) from None
    try:
        loaded = from_document(Document(data["profile"]["data"], path, None))
        beside = ", ".join(companions(loaded).values())
        if beside:
            raise InputError(Problem(f"does not carry the file that its profile reads ({beside})", "compare the profiles, or use --base-ref", path))
        return _File(loaded, dt.date.fromisoformat(data["as_of"]), _cheapest(data, loaded), str(data["tool"]["version"]), str(data["catalog"]["digest"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(Problem("is not a result of `breakeven run --format json` for one profile", "name a profile or such a result", path)) from None


def _cheapest(data: Any, loaded: LoadedProfile) -> Snapshot:
    costs = {str(offer["id"]): _amount(offer["usd_per_month"]) for offer in data["offers"] if offer["eligible"] and offer["feasible"] and offer["usd_per_month"] is not None}
    best = min(costs, key=lambda name: (costs[name], name)) if costs else None
    cheaper = data["headline"]["cheaper_at_volume"]
    return Snapshot(loaded.profile.name, best, costs[best] if best else None, None, None, cheaper, dict(costs))


def _amount(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= sys.float_info.max:
        raise TypeError("a cost is not an amount")
    return float(value)
