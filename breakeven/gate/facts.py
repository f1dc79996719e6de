"""Facts on a date: a catalogue, its prices and shared estimates, through which profiles are looked at."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.result import Comparison
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile


class World(Struct, frozen=True):
    """Facts on a date. Estimates are shared between every profile looked at in it."""

    catalogue: Catalogue
    prices: PriceBook
    as_of: dt.date | None
    plans: dict[tuple[dt.date, str | None], dict[Any, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Catalogue, as_of: dt.date | None) -> World:
        return cls(catalogue, PriceBook(catalogue), as_of)

    def date_of(self, loaded: LoadedProfile) -> dt.date:
        """The date that was asked for, else the profile's, else the catalogue's release."""
        return self.as_of or loaded.profile.as_of or self.catalogue.released

    def scope(self, loaded: LoadedProfile, date: dt.date) -> Scope:
        """A profile in this world on a date."""
        # What stands in a file beside a profile is shared in its folder only: elsewhere another may be called the same.
        shared = self.plans.setdefault((date, str(Path(loaded.path).parent) if companions(loaded) else None), {})
        return replace(make_scope(loaded, self.catalogue, as_of=date), prices=self.prices, plans=shared)

    def compare(self, loaded: LoadedProfile, date: dt.date, *, detail: bool = False) -> Comparison:
        """The comparison, without what only a reader needs."""
        return compare_scope(self.scope(loaded, date), detail=detail)


def companions(loaded: LoadedProfile) -> dict[tuple[str, ...], str]:
    """Files that a profile points at, by key."""
    host, demand = loaded.profile.self_host, loaded.profile.workload.demand
    out: dict[tuple[str, ...], str] = {}
    if demand.hourly_file is not None:
        out["workload", "demand", "hourly_file"] = demand.hourly_file
    if host.benchmark is not None:
        out["self_host", "benchmark"] = host.benchmark
    if host.model.endswith(".json"):
        out["self_host", "model"] = host.model
    elif host.model.startswith((".", "/")):  # a folder with its config.json
        out["self_host", "model"] = f"{host.model}/config.json"
    return out


def with_file(data: Any, loc: tuple[str, ...], path: str) -> Any:
    """A copy of a profile's data in which the key at ``loc`` names this very file."""
    head, *rest = loc
    return {**data, head: with_file(data[head], tuple(rest), path) if rest else path}


def same_text(one: bytes, other: bytes) -> bool:
    """Whether two files say the same, whatever a checkout made of their line ends."""
    return one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")
