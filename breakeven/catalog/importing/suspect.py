"""Rows no careful buyer would believe. They are left out and named, never mended."""

from __future__ import annotations

from collections.abc import Iterable

from breakeven.catalog.importing.price_rows import PriceRow, Refused

MAX_USD_PER_GPU_HOUR = 100.0
MIN_USD_PER_GPU_HOUR = 0.005


def without_suspects(rows: Iterable[PriceRow]) -> tuple[list[PriceRow], list[Refused]]:
    """Rows to keep, and the suspect ones with their reasons."""
    listed = list(rows)
    on_demand = {_place(row): row.usd_per_gpu_hour for row in listed if row.term == "on-demand"}
    kept: list[PriceRow] = []
    refused: list[Refused] = []
    for row in listed:
        reason = _reason(row, on_demand.get(_place(row)))
        if reason is None:
            kept.append(row)
        else:
            refused.append(Refused(row.line, _name(row), reason))
    return kept, refused


def _reason(row: PriceRow, on_demand: float | None) -> str | None:
    price = row.usd_per_gpu_hour
    if price <= 0:
        return "the price is zero or less"
    if price < MIN_USD_PER_GPU_HOUR or price > MAX_USD_PER_GPU_HOUR:
        return f"${price:g} per GPU-hour is out of any range; is it per instance, or another currency?"
    if row.term == "spot" and on_demand is not None and price >= on_demand:
        return f"the spot price is not below the on-demand price (${price:g} against ${on_demand:g})"
    return None


def _place(row: PriceRow) -> tuple[str, str | None, str | None, str, int]:
    return row.provider, row.sku, row.region, row.accelerator, row.gpus


def _name(row: PriceRow) -> str:
    return " ".join(str(part) for part in (row.provider, row.sku, row.region, row.accelerator, row.term) if part)
