"""From price rows to overlay files, one per provider, in the catalogue's own format."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from breakeven.catalog.importing.csv_lists import read_price_list
from breakeven.catalog.importing.price_rows import PriceRow, Refused
from breakeven.catalog.importing.suspect import without_suspects
from breakeven.catalog.importing.which_accelerator import Accelerators, Ambiguous
from breakeven.errors import FactNotFound, InputError, Problem

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue


class Imported(Struct, frozen=True):
    """Overlay files by their path under the overlay, and what was left out."""

    files: Mapping[str, dict[str, Any]]
    records: int
    refused: tuple[Refused, ...]
    unknown: tuple[str, ...]  # accelerators that the catalogue does not have


class Wanted(Struct, frozen=True):
    """What to take out of a list, and what only the user can say about it."""

    as_of: dt.date
    provider: str | None = None
    format: str | None = None
    url: str | None = None
    accelerators: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    said: Mapping[str, str] | None = None


def import_rents(path: Path, catalogue: Catalogue, wanted: Wanted) -> Imported:
    """Read a price list. Raises :class:`InputError` with every name that is ambiguous."""
    found = read_price_list(path, format=wanted.format, provider=wanted.provider)
    refused = [row for row in found if isinstance(row, Refused)]
    rows = [row for row in found if isinstance(row, PriceRow)]
    if wanted.regions:
        rows = [row for row in rows if (row.region or "").lower() in {name.lower() for name in wanted.regions}]
    names = Accelerators(catalogue, wanted.said or {})
    only = {catalogue.resolve("accelerators", name) for name in wanted.accelerators}
    resolved: list[tuple[PriceRow, str]] = []
    unclear: dict[str, Ambiguous] = {}
    unknown: dict[str, None] = {}
    kept, suspects = without_suspects(rows)
    for row in kept:
        answer = names.of(row)
        if isinstance(answer, Ambiguous):
            if not only or only & set(answer.choices):
                unclear.setdefault(answer.name, answer)
        elif answer is None:
            unknown[row.accelerator] = None
        elif not only or answer in only:
            resolved.append((row, answer))
    if unclear:
        raise InputError(
            Problem(f"{text!r} may be {' or '.join(item.choices)}", f"say which: --as {text}={item.choices[0]}", str(path))
            for text, item in sorted(unclear.items())
        )
    if not resolved:
        raise InputError(Problem("holds no price of an accelerator that the catalogue knows", "check its columns", str(path)))
    source = _source(path, wanted)
    by_thing: dict[str, list[tuple[PriceRow, str]]] = {}
    for row, accelerator in resolved:
        by_thing.setdefault(_thing(catalogue, row.provider), []).append((row, accelerator))
    files = {
        f"rental/{thing}.yaml": _provider(catalogue, thing, some, wanted.as_of, source)
        for thing, some in sorted(by_thing.items())
    }
    count = sum(len(data["prices"]) for data in files.values())
    return Imported(files, count, tuple(refused + suspects), tuple(sorted(unknown)))


def _provider(
    catalogue: Catalogue, thing: str, rows: Sequence[tuple[PriceRow, str]], as_of: dt.date, source: dict[str, Any]
) -> dict[str, Any]:
    data: dict[str, Any] = {"id": thing}
    if thing not in catalogue.ids("rental"):
        data |= {"name": rows[0][0].provider, "tier": "user"}
    # Several zones of one region sell the same thing at their own prices: one record, with their range.
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row, accelerator in rows:
        key = (accelerator, row.sku or "", row.region or "", row.term, row.gpus)
        groups.setdefault(key, []).append(row.usd_per_gpu_hour)
    data["prices"] = [_record(key, prices, as_of, source) for key, prices in sorted(groups.items())]
    return data


def _record(key: tuple[Any, ...], prices: list[float], as_of: dt.date, source: dict[str, Any]) -> dict[str, Any]:
    accelerator, sku, region, term, gpus = key
    low, typical, high = (round(value, 6) for value in (min(prices), statistics.median(prices), max(prices)))
    record: dict[str, Any] = {"effective": as_of, "accelerator": accelerator}
    record |= {name: value for name, value in (("sku", sku), ("region", region)) if value}
    record["term"] = term
    if term in ("reserved-1yr", "reserved-3yr"):
        record["term_years"] = 1 if term == "reserved-1yr" else 3
    record["usd_per_gpu_hour"] = low if low == high else {"low": low, "typical": typical, "high": high}
    if gpus != 1:
        record["gpus_per_sku"] = gpus
    record["source"] = source
    return record


def _source(path: Path, wanted: Wanted) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source: dict[str, Any] = {"title": f"price list {path.name}", "retrieved": wanted.as_of, "kind": "list_price"}
    if wanted.url:
        source = {"url": wanted.url, **source}
    return {**source, "note": f"imported, sha256:{digest[:16]}"}


def _thing(catalogue: Catalogue, provider: str) -> str:
    """The catalogue's id of a provider, or a plain id made of its name."""
    try:
        return catalogue.resolve("rental", provider)
    except FactNotFound:
        return re.sub(r"[^a-z0-9._-]+", "-", provider.lower()).strip("-._") or "imported"
