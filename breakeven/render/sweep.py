"""``sweep`` in each of its formats; rows are written chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from breakeven.compare.many_crossovers import OUTCOMES
from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.sweep import COLUMNS, SWEEP_SCHEMA_VERSION, Chunk, Sweep, rows
from breakeven.render.csv_result import cell
from breakeven.render.tables import grid, wrapped

FORMATS = ("table", "csv", "json")
_ROWS_SHOWN = 40


def csv_header(sweep: Sweep) -> str:
    """The first line: the keys, then the results."""
    return ",".join([*(_quoted(axis.key) for axis in sweep.axes), *COLUMNS]) + "\n"


def csv_lines(sweep: Sweep, chunk: Chunk) -> str:
    """The points of a chunk as CSV, column by column: a cell costs well under a microsecond."""
    columns: list[list[str]] = []
    for axis, pick in zip(sweep.axes, chunk.picks, strict=True):
        texts = [_quoted(cell(value)) for value in axis.values]
        columns.append([texts[i] for i in pick.tolist()])
    apis, owns = [_quoted(cell(name)) for name in chunk.apis], [_quoted(cell(name)) for name in chunk.owns]
    api_index, own_index = chunk.api.astype(int).tolist(), chunk.own.astype(int).tolist()
    api_names = [apis[i] if apis else "" for i in api_index]
    own_names = [owns[i] if owns else "" for i in own_index]
    cheaper = chunk.cheaper.tolist()
    columns += [
        api_names,
        own_names,
        ["" if c < 0 else own if c else api for c, own, api in zip(cheaper, own_names, api_names, strict=True)],
        ["" if code < 0 else OUTCOMES[code] for code in chunk.outcome.tolist()],
    ]
    for values in (
        chunk.first, chunk.settled, chunk.capacity_share, chunk.api_usd_per_day, chunk.self_host_usd_per_day
    ):  # fmt: skip
        columns.append(["" if value != value else repr(value) for value in values.tolist()])
    errors = [""] * len(chunk)
    for position, text in chunk.errors.items():
        errors[position] = _quoted(cell(text))
        for column in columns[len(sweep.axes) :]:
            column[position] = ""
    columns.append(errors)
    return "\n".join(map(",".join, zip(*columns, strict=True))) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def json_parts(sweep: Sweep, chunks: Iterator[Chunk], *, head: dict[str, Any]) -> Iterator[str]:
    """One JSON object, piece by piece."""
    opening = {"schema_version": SWEEP_SCHEMA_VERSION, **head, "keys": [axis.key for axis in sweep.axes],
               "points": sweep.count}  # fmt: skip
    yield json.dumps(opening, ensure_ascii=False)[:-1] + ', "rows": [\n'
    lead = ""
    for chunk in chunks:
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows(sweep, chunk))
        yield lead + ",\n".join(lines)
        lead = ",\n"
    yield "\n]}\n"


class Summary:
    """What a reader wants of a million points; grows with the number of axis values, not of points."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.points = self.wins = self.failed = self.never = 0
        self.lowest, self.highest = float("inf"), 0.0
        self.by_value = [(np.zeros(len(axis.values)), np.zeros(len(axis.values))) for axis in sweep.axes]
        self.rows: list[dict[str, Any]] = []

    def add(self, chunk: Chunk) -> None:
        """Count one chunk."""
        won = chunk.cheaper == 1
        self.points += len(chunk)
        self.wins += int(won.sum())
        self.failed += len(chunk.errors)
        self.never += int((chunk.outcome == 0).sum())
        firsts = chunk.first[~np.isnan(chunk.first)]
        if firsts.size:
            self.lowest, self.highest = min(self.lowest, float(firsts.min())), max(self.highest, float(firsts.max()))
        for (total, wins), pick in zip(self.by_value, chunk.picks, strict=True):
            total += np.bincount(pick, minlength=len(total))
            wins += np.bincount(pick, weights=won, minlength=len(wins))
        if self.sweep.count <= _ROWS_SHOWN:
            self.rows.extend(rows(self.sweep, chunk))

    def text(self, *, width: int) -> str:
        """For a terminal."""
        parts = [
            f"{self.points:,} points: self-hosting is cheaper at {self.wins:,} of them ({percent(self.wins / self.points)})."
        ]
        if self.sweep.supplies > 1:
            parts.append(f"That is on the headline's machine; run compares all {self.sweep.supplies} of the profile.")
        if self.highest > 0:
            low, high = spoken(self.lowest), spoken(self.highest)
            where = f"between {low} and {high}" if low != high else f"from {low}"
            parts.append(f"It first wins {where} tokens/day{'' if low != high else ', whatever the point'}.")
        if self.never:
            parts.append(f"At {self.never:,} points it never is, at any volume.")
        if self.failed:
            parts.append(f"{self.failed:,} points cannot be answered; the CSV says why.")
        out = [wrapped(" ".join(parts), width=width), ""]
        if self.rows:
            columns = [(axis.key, "right") for axis in self.sweep.axes]
            usd = Money.of(self.sweep.currency)
            mark = usd.symbol
            columns += [
                ("cheaper", "left"), ("first from", "right"), (f"API {mark}/day", "right"), (f"own {mark}/day", "right"),
            ]  # fmt: skip
            body = [
                [
                    *(_shown(row[axis.key]) for axis in self.sweep.axes), row["error"] or _who(row),
                    _or_dash(row["first_tokens_per_day"], spoken) if row["outcome"] != "never" else "never",
                    _or_dash(row["api_usd_per_day"], usd), _or_dash(row["self_host_usd_per_day"], usd),
                ]
                for row in self.rows
            ]  # fmt: skip
            out.append(grid(columns, body, width=width))
        for axis, (total, wins) in zip(self.sweep.axes, self.by_value, strict=True):
            count = len(axis.values)
            shown = sorted({round(i * (count - 1) / min(10, max(1, count - 1))) for i in range(min(11, count))})
            body = [[_shown(axis.values[i]), percent(wins[i] / total[i]) if total[i] else "-"] for i in shown]
            out.append(grid([(axis.key, "right"), ("self-hosting cheaper", "right")], body, width=width))
        return "\n".join(out).rstrip() + "\n"


def _who(row: dict[str, Any]) -> str:
    if row["cheaper"] is None:
        return "neither"
    return "API" if row["cheaper"] == row["api"] else "self-hosting"


def _shown(value: Any) -> str:
    return spoken(value) if isinstance(value, float) and abs(value) >= 1000 else f"{value:.4g}" if isinstance(
        value, float
    ) else str(value)


def _or_dash(value: float | None, show: Any) -> str:
    return "-" if value is None else str(show(value))
