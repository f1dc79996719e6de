"""One row of a rental price list, whatever its format called the columns."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

ImportedTerm = Literal["on-demand", "spot", "reserved-1yr", "reserved-3yr", "reserved", "capacity-block", "serverless"]


class PriceRow(Struct, frozen=True):
    """A price per GPU-hour with where it stands in the file."""

    line: int
    provider: str
    sku: str | None
    region: str | None
    accelerator: str
    memory_gb: float | None
    gpus: int
    term: ImportedTerm
    usd_per_gpu_hour: float


class Refused(Struct, frozen=True):
    """A row that was left out, and why."""

    line: int
    what: str
    reason: str
