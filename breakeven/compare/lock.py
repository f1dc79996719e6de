"""The lock: every fact that results rest on, with the digest of its content, in one small file.

A run against a lock refuses a fact that is new, gone from the catalogue or says something else, and
throughputs of another calibration, so that a decision reviewed once is the decision that is run again.
What a user writes in the profile is not locked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from breakeven.catalog.fact_files import CALIBRATION
from breakeven.catalog.record_digest import record_digest
from breakeven.catalog.store import Catalogue
from breakeven.compare.result import Comparison, SourceUsed
from breakeven.errors import BreakevenError, CheckFailed, InputError, Problem
from breakeven.yamlio import read_bytes

LOCK_SCHEMA_VERSION = 1
LOCK_NAME = "breakeven.lock"
_GENAI = "genai-prices/"


def lock_of(results: Sequence[Comparison], catalogue: Catalogue) -> dict[str, Any]:
    """The lock of the facts that some results use. Results of different dates cannot share one."""
    dates = sorted({result.as_of for result in results})
    if len(dates) > 1:
        shown = ", ".join(date.isoformat() for date in dates)
        raise InputError(f"the profiles look up facts of different dates ({shown})", fix="lock them apart, or give --as-of")
    facts: dict[str, dict[str, Any]] = {}
    for result in results:
        for source in result.all_sources:
            facts[source.id] = {
                "digest": _digest(catalogue, source), "effective": source.effective and source.effective.isoformat(),
                "file": source.file,
            }  # fmt: skip
    return {
        "schema_version": LOCK_SCHEMA_VERSION,
        "tool_version": results[0].tool_version,
        "as_of": dates[0].isoformat(),
        "catalogue": {"version": catalogue.version, "digest": catalogue.digest},
        "calibration": _calibration(),
        "profiles": [{"name": r.name, "digest": r.profile_digest} for r in sorted(results, key=lambda r: r.profile_digest)],
        "facts": dict(sorted(facts.items())),
    }


def lock_text(lock: dict[str, Any]) -> str:
    """A lock as it is written: JSON in a fixed layout, so that version control shows what moved."""
    return json.dumps(lock, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def verify_lock(results: Sequence[Comparison], catalogue: Catalogue, path: Path) -> None:
    """Raises :class:`CheckFailed` with every fact that drifted from the lock."""
    problems = drift(results, catalogue, read_lock(path), str(path))
    if problems:
        raise CheckFailed(problems)


def drift(results: Sequence[Comparison], catalogue: Catalogue, lock: dict[str, Any], path: str) -> list[Problem]:
    """How the facts that results use differ from a lock. Locked facts that a result does not use must still exist.

    A lock may be of several profiles, and a report uses more than a plain run, so an unused fact is no
    drift by itself. One that the catalogue no longer has is: a median over fewer quotes is another median.
    """
    fix = f"see breakeven catalog diff, or renew it with breakeven catalog lock -o {path}"
    problems: list[Problem] = []
    locked_date = lock["as_of"]
    for result in results:
        if result.as_of.isoformat() != locked_date:
            message = f"facts are locked as of {locked_date}, and {result.name!r} asks for {result.as_of}"
            problems.append(Problem(message, f"run with --as-of {locked_date}", path))
    used = {source.id: source for result in results for source in result.all_sources}
    for source_id, source in sorted(used.items()):
        held = lock["facts"].get(source_id)
        if held is None:
            problems.append(Problem(f"{source_id} is used but not locked", fix, path))
        elif held["digest"] != _digest(catalogue, source):
            problems.append(Problem(f"{source_id} says something else than when it was locked", fix, path))
    for source_id in sorted(set(lock["facts"]) - set(used)):
        try:
            if not source_id.startswith(_GENAI):
                record_digest(catalogue, source_id)
        except BreakevenError:
            problems.append(Problem(f"{source_id} is locked, but the catalogue no longer has it", fix, path))
    served = [row.offer.serving for result in results for row in result.offers if row.offer.serving is not None]
    estimated = any(serving.sized_by != "measurement" for serving in served)
    if estimated and lock.get("calibration", _calibration()) != _calibration():
        problems.append(Problem("throughputs are of another calibration than when it was locked", fix, path))
    return problems


def _calibration() -> str:
    return "sha256:" + hashlib.sha256(CALIBRATION.read_bytes()).hexdigest()


def read_lock(path: Path) -> dict[str, Any]:
    """A lock from disk. Raises :class:`InputError` when it is not one."""
    name = str(path)
    try:
        lock = json.loads(read_bytes(path, max_bytes=20_000_000))
    except (ValueError, RecursionError):
        raise InputError(Problem("is not a lock", "write one with breakeven catalog lock", name)) from None
    if not isinstance(lock, dict) or lock.get("schema_version") != LOCK_SCHEMA_VERSION:
        version = lock.get("schema_version") if isinstance(lock, dict) else None
        message = f"is not a lock of version {LOCK_SCHEMA_VERSION} (it says {version!r})"
        raise InputError(Problem(message, "write one with breakeven catalog lock", name))
    facts = lock.get("facts")
    well_formed = isinstance(facts, dict) and all(
        isinstance(held, dict) and isinstance(held.get("digest"), str) for held in facts.values()
    )
    try:
        dt.date.fromisoformat(str(lock.get("as_of")))
    except ValueError:
        well_formed = False
    if not well_formed:
        raise InputError(Problem("is a damaged lock", "restore it, or write a new one with breakeven catalog lock", name))
    return lock


def _digest(catalogue: Catalogue, source: SourceUsed) -> str:
    if source.id.startswith(_GENAI):
        # Prices of the pinned package: its version and the digest of its data stand for all of them.
        return f"{source.file}; {source.title}"
    return record_digest(catalogue, source.id)
