"""gpuhunt, SkyPilot and generic price lists as rows. The header tells which it is.

Sources of the columns: gpuhunt's catalogue items; the schema of skypilot-catalog, version 5. Prices
there are per instance and hour; here they are per GPU.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from breakeven.catalog.importing.price_rows import ImportedTerm, PriceRow, Refused
from breakeven.errors import InputError, Problem, did_you_mean
from breakeven.yamlio import read_bytes

MAX_BYTES = 100_000_000
FORMATS = ("gpuhunt", "skypilot", "csv")
_NEEDED = {
    "gpuhunt": ("instance_name", "location", "price", "gpu_count", "gpu_name", "spot"),
    "skypilot": ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "Region"),
    "csv": ("accelerator", "usd_per_gpu_hour"),
}
Found = PriceRow | Refused


def read_price_list(path: Path, *, format: str | None, provider: str | None) -> list[Found]:
    """Rows that sell accelerators, and rows that cannot be read. Raises :class:`InputError` for another file."""
    text = _text(path)
    reader = csv.DictReader(io.StringIO(text))
    try:
        header = [name.strip() for name in reader.fieldnames or []]
    except csv.Error as error:
        raise InputError(Problem(f"is not a CSV file ({error})", "name a price list", str(path))) from None
    kind = format or _detect(header, path)
    missing = [name for name in _NEEDED[kind] if name not in header]
    if missing:
        near = did_you_mean(missing[0], header)
        raise InputError(Problem(f"has no column {missing[0]!r} of a {kind} list", near, str(path), line=1))
    reader.fieldnames = header
    parse = {"gpuhunt": _gpuhunt, "skypilot": _skypilot, "csv": _generic}[kind]
    seller = provider or (path.stem.lower() if kind != "csv" else None)
    found: list[Found] = []
    try:
        for row in reader:
            cells = {key: (value or "").strip() for key, value in row.items() if key is not None and not isinstance(value, list)}
            try:
                found.extend(parse(reader.line_num, cells, seller))
            except ValueError as error:
                found.append(Refused(reader.line_num, _what(cells), f"cannot be read: {error}"))
    except csv.Error as error:
        raise InputError(Problem(f"is not a CSV file ({error})", "name a price list", str(path), reader.line_num)) from None
    return found


def _text(path: Path) -> str:
    raw = read_bytes(path, max_bytes=MAX_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(Problem("is not UTF-8 text", "name a CSV price list", str(path))) from None
    if not text.strip() or "\x00" in text:
        raise InputError(Problem("is empty or a binary file", "name a CSV price list", str(path)))
    return text


def _detect(header: list[str], path: Path) -> str:
    for kind in FORMATS:
        if all(name in header for name in _NEEDED[kind]):
            return kind
    raise InputError(
        Problem(
            f"has the columns of no known price list ({', '.join(header[:6])}, ...)",
            "name its columns provider, accelerator, usd_per_gpu_hour, gpus_per_sku, sku, region, term", str(path), line=1,
        )
    )  # fmt: skip


def _gpuhunt(line: int, row: dict[str, str], provider: str | None) -> Iterator[Found]:
    gpus = _count(row["gpu_count"])
    if not gpus or not row["gpu_name"]:
        return
    memory = _number(row.get("gpu_memory", "")) or None
    spot = row["spot"].lower() in ("true", "1", "yes")
    yield PriceRow(
        line, (row.get("provider") or provider or "").lower(), row["instance_name"] or None, row["location"] or None,
        row["gpu_name"], memory, gpus, "spot" if spot else "on-demand", _number(row["price"]) / gpus,
    )  # fmt: skip


def _skypilot(line: int, row: dict[str, str], provider: str | None) -> Iterator[Found]:
    gpus = _count(row["AcceleratorCount"])
    if not gpus or not row["AcceleratorName"]:
        return
    if not row["InstanceType"]:
        yield Refused(line, row["AcceleratorName"], "the price is of the accelerator without its host")
        return
    for column, term in (("Price", "on-demand"), ("SpotPrice", "spot")):
        if row.get(column):
            yield PriceRow(
                line, (provider or "").lower(), row["InstanceType"], row["Region"] or None, row["AcceleratorName"], None,
                gpus, "spot" if term == "spot" else "on-demand", _number(row[column]) / gpus,
            )  # fmt: skip


def _generic(line: int, row: dict[str, str], provider: str | None) -> Iterator[Found]:
    term = row.get("term") or "on-demand"
    if term not in get_args(ImportedTerm):
        raise ValueError(f"unknown term {term!r}; {did_you_mean(term, list(get_args(ImportedTerm)))}")
    seller = row.get("provider") or provider
    if not seller:
        raise ValueError("no provider; add the column or give --provider")
    yield PriceRow(
        line, seller.lower(), row.get("sku") or None, row.get("region") or None, row["accelerator"],
        _number(row["memory_gb"]) if row.get("memory_gb") else None, _count(row.get("gpus_per_sku") or "1"),
        term, _number(row["usd_per_gpu_hour"]),  # type: ignore[arg-type]
    )  # fmt: skip


def _count(text: str) -> int:
    number = _number(text) if text else 0.0
    if number != int(number):
        raise ValueError(f"{text!r} is not a whole number of GPUs")
    return int(number)


def _number(text: str) -> float:
    if not text:
        return 0.0
    number = float(text.lstrip("$").replace(",", ""))
    if not abs(number) < 1e9:
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _what(cells: dict[str, str]) -> str:
    names = ("provider", "instance_name", "InstanceType", "sku", "gpu_name", "AcceleratorName", "accelerator")
    return " ".join(cells[name] for name in names if cells.get(name)) or "row"
