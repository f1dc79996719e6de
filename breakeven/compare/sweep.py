"""Vary any keys of a profile over lists or ranges: a million points in about a second.

Every point has the digits of ``run --set``: the builders themselves run, on arrays where they can.
Points are numbered in the order of the axes, the last key fastest, and computed chunk by chunk, so
memory does not grow with their number. Importing this module imports numpy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from breakeven.compare.axes import Axis
from breakeven.compare.many_crossovers import OUTCOMES
from breakeven.compare.pair_table import Filler, Table
from breakeven.errors import InputError, Problem
from breakeven.offers.scope import Scope

SWEEP_SCHEMA_VERSION = 1
CHUNK = 1 << 16
_MAX_ENTRIES = 1 << 19

COLUMNS = (
    "api", "self_host", "cheaper", "outcome", "first_tokens_per_day", "settled_tokens_per_day", "capacity_share",
    "api_usd_per_day", "self_host_usd_per_day", "error",
)  # fmt: skip


class Chunk(Struct, frozen=True):
    """Consecutive points: the index of each axis value, and the results."""

    start: int
    picks: tuple[Any, ...]  # one array of value indices per axis
    outcome: Any  # index into OUTCOMES, -1 where nothing can serve
    first: Any
    settled: Any
    capacity_share: Any
    api_usd_per_day: Any
    self_host_usd_per_day: Any
    api: Any  # index into apis
    own: Any
    cheaper: Any  # 0 the API, 1 self-hosting, -1 neither is eligible
    apis: tuple[str, ...]
    owns: tuple[str, ...]
    errors: Mapping[int, str]  # by position in the chunk

    def __len__(self) -> int:
        return len(self.outcome)


class Sweep:
    """The grid of some axes over one profile, or (``paired``) their values taken row by row."""

    def __init__(self, scope: Scope, axes: Sequence[Axis], *, paired: bool = False) -> None:
        self._rows: tuple[Any, ...] | None = None
        self.count = _product(axes)
        if paired:
            axes, self._rows = _pair_up(axes)
            self.count = len(self._rows[0])
        self.axes = tuple(axes)
        self._filler = Filler(scope, axes)
        self._scope = scope
        self.supplies = len(scope.profile.self_host.supply)
        self.currency = scope.currency  # of display; every figure here is in USD
        self._table: Table | None = None

    # --- the grid ----------------------------------------------------------------------------

    def chunks(self, *, size: int = CHUNK, first: int = 0, last: int | None = None) -> Iterator[Chunk]:
        """All points in order, ``size`` at a time."""
        stop = self.count if last is None else last
        for start in range(first, stop, size):
            yield self.chunk(start, min(start + size, stop))

    def chunk(self, start: int, stop: int) -> Chunk:
        """Points ``start`` to ``stop`` (exclusive)."""
        picks = self._picks(np.arange(start, stop))
        filler = self._filler
        entries = _product(filler.outer) * _product(filler.inner)
        if entries <= _MAX_ENTRIES and (self._rows is None or entries <= self.count):
            table = self._whole_table()
            at = self._entry(picks)
        else:
            table, at = self._chunk_table(picks)
        volumes = self._volumes(table, at, picks)
        return _evaluate(start, picks, table, at, volumes)

    def _picks(self, index: Any) -> tuple[Any, ...]:
        if self._rows is not None:
            return tuple(row[index] for row in self._rows)
        out = []
        for axis in reversed(self.axes):
            index, here = np.divmod(index, len(axis.values))
            out.append(here)
        return tuple(reversed(out))

    def _entry(self, picks: tuple[Any, ...]) -> Any:
        """Where in the table a point's pair is: outer keys first, then inner ones."""
        at = np.zeros(len(picks[0]) if picks else 1, dtype=np.int64)
        for group in (self._filler.outer, self._filler.inner):
            for axis in group:
                at = at * len(axis.values) + picks[self.axes.index(axis)]
        return at

    def _whole_table(self) -> Table:
        if self._table is None:
            filler = self._filler
            inner = _product(filler.inner)
            self._table = Table(_product(filler.outer) * inner)
            grids = np.meshgrid(*(np.array(axis.values) for axis in filler.inner), indexing="ij")
            columns = {axis: grid.ravel() for axis, grid in zip(filler.inner, grids, strict=True)}
            for number in range(_product(filler.outer)):
                values = self._outer_values(number)
                filler.fill(self._table, np.arange(number * inner, (number + 1) * inner), values, columns)
            self._table.solve()
        return self._table

    def _outer_values(self, number: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for axis in reversed(self._filler.outer):
            number, here = divmod(number, len(axis.values))
            values[axis.key] = axis.values[here]
        volume = self._filler.volume_axis
        if volume is not None:
            values[volume.key] = volume.values[0]
        return values

    def _chunk_table(self, picks: tuple[Any, ...]) -> tuple[Table, Any]:
        """The pairs of one chunk only: where the whole table would not fit in memory."""
        filler = self._filler
        count = len(picks[0])
        table = Table(count)
        group = np.zeros(count, dtype=np.int64)
        for axis in filler.outer:
            group = group * len(axis.values) + picks[self.axes.index(axis)]
        order = np.argsort(group, kind="stable")
        edges = np.flatnonzero(np.diff(group[order])) + 1
        for members in np.split(order, edges):
            columns = {
                axis: np.array(axis.values)[picks[self.axes.index(axis)][members]] for axis in filler.inner
            }
            filler.fill(table, members, self._outer_values(int(group[members[0]])), columns)
        table.solve()
        return table, np.arange(count)

    def _volumes(self, table: Table, at: Any, picks: tuple[Any, ...]) -> Any:
        """Tokens a day of each point. The table holds them at the first value of the volume key."""
        axis = self._filler.volume_axis
        if axis is None:
            return table.numbers["volume"][at]
        values = np.array(axis.values)[picks[self.axes.index(axis)]]
        if axis.key == "workload.tokens_per_day":
            return values
        # As Workload.volume_tokens_per_day has it, factor by factor.
        calls = values
        if axis.key == "workload.tasks_per_day":
            calls = values * table.numbers["calls_per_task"][at]
        return calls * table.numbers["tokens_per_request"][at]


def _pair_up(axes: Sequence[Axis]) -> tuple[tuple[Axis, ...], tuple[Any, ...]]:
    """Each axis with its distinct values, and the index of the value in every row."""
    lengths = {len(axis.values) for axis in axes}
    if len(lengths) != 1:
        found = ", ".join(f"{axis.key} {len(axis.values)}" for axis in axes)
        raise InputError(Problem(f"keys varied together need equally many values ({found})", "mend a list", "--paired"))
    distinct, rows = [], []
    for axis in axes:
        seen: dict[str, int] = {}
        values: list[Any] = []
        picks = []
        for value in axis.values:
            name = repr(value)
            if name not in seen:
                seen[name] = len(values)
                values.append(value)
            picks.append(seen[name])
        distinct.append(Axis(axis.key, axis.loc, tuple(values)))
        rows.append(np.array(picks))
    return tuple(distinct), tuple(rows)


def _product(axes: Sequence[Axis]) -> int:
    out = 1
    for axis in axes:
        out *= len(axis.values)
    return out


def _evaluate(start: int, picks: tuple[Any, ...], table: Table, at: Any, volumes: Any) -> Chunk:
    found = table.solve()
    able = table.numbers["able"][at] > 0
    blank = np.where(able, 0.0, np.nan)
    api_usd = table.usd_per_day("api", at, volumes)
    own_usd = table.usd_per_day("own", at, volumes) + blank
    api_fit = table.numbers["api_eligible"][at] > 0 if "api_eligible" in table.numbers else np.zeros(len(at), dtype=bool)
    own_fit = able & (table.numbers["own_eligible"][at] > 0) if "own_eligible" in table.numbers else np.zeros_like(able)
    with np.errstate(invalid="ignore"):
        wins = own_usd < api_usd
    cheaper = np.where(
        able,
        np.where(own_fit & api_fit, wins, np.where(own_fit, 1, np.where(api_fit, 0, -1))),
        np.where(api_fit, 0, -1),
    )
    errors: dict[int, str] = {}
    if table.errors:
        bad = np.isin(at, np.fromiter(table.errors, dtype=np.int64))
        for position in np.flatnonzero(bad).tolist():
            errors[position] = table.errors[int(at[position])]
        api_usd = np.where(bad, np.nan, api_usd)
    return Chunk(
        start, picks, found.outcome[at], found.first[at], found.settled[at], found.capacity_share[at], api_usd, own_usd,
        table.numbers["api"][at] if "api" in table.numbers else at * 0.0,
        table.numbers["own"][at] if "own" in table.numbers else at * 0.0, cheaper,
        tuple(table.apis), tuple(table.owns), errors,
    )  # fmt: skip


def rows(sweep: Sweep, chunk: Chunk) -> Iterator[dict[str, Any]]:
    """The points of a chunk as plain dictionaries, in order; unknown is None."""
    keys = [axis.key for axis in sweep.axes]
    columns = [
        [axis.values[i] for i in pick.tolist()] for axis, pick in zip(sweep.axes, chunk.picks, strict=True)
    ]
    results = [
        _known(values.tolist())
        for values in (
            chunk.first, chunk.settled, chunk.capacity_share, chunk.api_usd_per_day, chunk.self_host_usd_per_day
        )
    ]  # fmt: skip
    outcome, cheaper = chunk.outcome.tolist(), chunk.cheaper.tolist()
    apis, owns = chunk.api.astype(int).tolist(), chunk.own.astype(int).tolist()
    for i in range(len(chunk)):
        failed = chunk.errors.get(i)
        api = chunk.apis[apis[i]] if chunk.apis and failed is None else None
        own = chunk.owns[owns[i]] if chunk.owns and failed is None else None
        yield {
            **{key: column[i] for key, column in zip(keys, columns, strict=True)},
            "api": api or None,
            "self_host": own or None,
            "cheaper": None if failed is not None or cheaper[i] < 0 else own if cheaper[i] else api,
            "outcome": None if outcome[i] < 0 else OUTCOMES[outcome[i]],
            **{
                name: column[i]
                for name, column in zip(
                    ("first_tokens_per_day", "settled_tokens_per_day", "capacity_share", "api_usd_per_day",
                     "self_host_usd_per_day"),
                    results, strict=True,
                )
            },
            "error": failed,
        }  # fmt: skip


def _known(values: list[float]) -> list[float | None]:
    return [None if value != value else value for value in values]
