"""``breakeven sweep``: vary keys over lists or ranges."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from breakeven.cli.output import choose_format

if TYPE_CHECKING:
    from breakeven.compare.sweep import Chunk, Sweep

_WORTH_FORKING = 300_000
_SHARED: list[Any] = []


def sweep(
    profile: str = typer.Argument(..., metavar="PROFILE", help="Profile file; - reads standard input."),
    vary: list[str] = typer.Option(
        [], "--vary", metavar="KEY=VALUES", help="a,b,c or from:to:count or from:to:count:log; repeatable."
    ),
    points: Path | None = typer.Option(None, "--points", metavar="CSV", help="Rows of values under a header of keys."),
    paired: bool = typer.Option(False, "--paired", help="Take the values row by row instead of every combination."),
    format: str | None = typer.Option(None, "--format", "-f", help="table, csv or json."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here; the suffix picks the format."),
    as_of: str | None = typer.Option(None, "--as-of", metavar="DATE", help="Date of the facts, YYYY-MM-DD."),
    set_: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key of the profile."),
    catalog: list[Path] = typer.Option([], "--catalog", metavar="DIR", help="Overlay of your own facts; repeatable."),
    jobs: int = typer.Option(0, "--jobs", min=0, help="Processes for large sweeps; 0 takes every core."),
) -> None:
    """The headline pair at every combination of values, each with the digits of run --set.

    Utilisation is an output, so it cannot be varied: vary the volume.
    """
    from breakeven.cli.inputs import facts_date, load_catalogue, load_profiles, need
    from breakeven.compare.axes import axis_of, check_corners, read_axes, read_points
    from breakeven.compare.comparison import make_scope
    from breakeven.errors import InputError, Problem

    need("numpy", "vector", "sweep")
    from breakeven.compare.sweep import Sweep
    from breakeven.render.sweep import FORMATS, Summary, csv_header, json_parts
    from breakeven.render.text import stdout_width

    name = choose_format(format, output, FORMATS, default="table")
    loaded = load_profiles([profile], set_)[0]
    if bool(vary) == (points is not None):
        raise InputError(Problem("needs either --vary or --points", "write --vary workload.tokens_per_day=1M:1B:50:log"))
    facts = load_catalogue(catalog)
    scope = make_scope(loaded, facts, as_of=facts_date(as_of, facts))
    if points is not None:
        axes = tuple(axis_of(loaded, key, values) for key, values in read_points(points))
        check_corners(loaded, axes)
    else:
        axes = read_axes(loaded, vary)
    grid = Sweep(scope, axes, paired=paired or points is not None)
    if name == "table":
        summary = Summary(grid)
        for chunk in _watched(grid.chunks(), grid.count):
            summary.add(chunk)
        _emit([summary.text(width=stdout_width())], output)
    elif name == "json":
        head = {"profile": loaded.profile.name, "as_of": scope.as_of.isoformat(), "catalogue": scope.catalogue.version}
        _emit(json_parts(grid, _watched(grid.chunks(), grid.count), head=head), output)
    else:
        _emit(_with_head(csv_header(grid), _csv_texts(grid, jobs or os.cpu_count() or 1)), output)


def _with_head(head: str, texts: Iterable[str]) -> Iterator[str]:
    yield head
    yield from texts


def _csv_texts(grid: Sweep, jobs: int) -> Iterator[str]:
    from breakeven.compare.sweep import CHUNK
    from breakeven.render.sweep import csv_lines

    if jobs == 1 or grid.count < _WORTH_FORKING or not hasattr(os, "fork"):
        for chunk in _watched(grid.chunks(), grid.count):
            yield csv_lines(grid, chunk)
        return
    import multiprocessing

    grid.chunk(0, 1)  # what all processes share is computed before they part
    _SHARED[:] = [grid]
    starts = range(0, grid.count, CHUNK)
    with multiprocessing.get_context("fork").Pool(min(jobs, len(starts))) as pool:
        for done, text in enumerate(pool.imap(_csv_part, starts), 1):
            _progress(min(done * CHUNK, grid.count), grid.count)
            yield text
    _progress(None, grid.count)


def _csv_part(start: int) -> str:
    from breakeven.compare.sweep import CHUNK
    from breakeven.render.sweep import csv_lines

    grid: Sweep = _SHARED[0]
    return csv_lines(grid, grid.chunk(start, min(start + CHUNK, grid.count)))


def _watched(chunks: Iterator[Chunk], total: int) -> Iterator[Chunk]:
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        _progress(done, total)
    _progress(None, total)


_BEGUN: list[float] = []


def _progress(done: int | None, total: int) -> None:
    """On stderr, on a terminal, and only once it has taken a second."""
    import time

    if not sys.stderr.isatty():
        return
    if not _BEGUN:
        _BEGUN.append(time.monotonic())
    if time.monotonic() - _BEGUN[0] < 1.0:
        return
    text = " " * 40 if done is None else f"{done:,} of {total:,} points"
    print("\r" + text, end="\r" if done is None else "", file=sys.stderr, flush=True)  # noqa: T201


def _emit(texts: Iterable[str], output: Path | None) -> None:
    from breakeven.cli.output import write_parts

    write_parts((text.encode() for text in texts), output)
