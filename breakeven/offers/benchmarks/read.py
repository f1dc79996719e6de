"""Any supported benchmark file as rows: the format is recognised by its keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from breakeven import yamlio
from breakeven.errors import InputError, Problem
from breakeven.offers.benchmarks import aiperf, guidellm, inferencex, llm_optimizer, sglang, vllm
from breakeven.offers.benchmarks.row import BenchmarkRow, each_run

MAX_BYTES = 500_000_000
# SGLang before vLLM: both have mean_tpot_ms, SGLang's own keys tell.
READERS = (inferencex, guidellm, aiperf, llm_optimizer, sglang, vllm)
KNOWN = "vLLM bench serve, SGLang bench_serving, GuideLLM, AIPerf, GenAI-Perf, InferenceX, llm-optimizer"


def read_benchmark(path: Path) -> list[BenchmarkRow]:
    """Every run in a JSON or JSON-lines file, oldest first."""
    raw = yamlio.read_bytes(path, max_bytes=MAX_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(Problem("is not UTF-8 text", f"known: {KNOWN}", str(path))) from None
    out = each_run(partial(_rows, item, where) for item, where in _items(text, str(path)))
    if not out:
        raise InputError(Problem("holds no benchmark result", f"known: {KNOWN}", str(path)))
    return out


def _items(text: str, path: str) -> Iterator[tuple[Any, str]]:
    """Each result, and where it stands."""
    for line, document in _documents(text, path):
        where = path if line is None else f"{path}:{line}"
        if isinstance(document, list):
            yield from ((item, f"{where}: item {index}") for index, item in enumerate(document, start=1))
        else:
            yield document, where


def _documents(text: str, path: str) -> list[tuple[int | None, Any]]:
    """One JSON document, or one per line."""
    try:
        return [(None, json.loads(text, parse_constant=_refuse_constant))]
    except (ValueError, RecursionError) as error:
        broken_at = getattr(error, "lineno", 1)
    found: list[tuple[int | None, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, json.loads(line, parse_constant=_refuse_constant)))
        except (ValueError, RecursionError):
            at = number if found else broken_at  # no line of it is JSON: one document over several lines
            raise InputError(Problem("is not JSON", "is the file complete? known: " + KNOWN, path, line=at)) from None
    return found


def _refuse_constant(name: str) -> str:
    # vLLM writes request_rate as Infinity in some versions; as text it reads like the others.
    return name


def _rows(item: Any, path: str) -> list[BenchmarkRow]:
    if not isinstance(item, Mapping):
        raise InputError(Problem("is not a benchmark result", f"known: {KNOWN}", path))
    for reader in READERS:
        if reader.matches(item):
            rows: list[BenchmarkRow] = reader.read(item, path)
            return [replace(row, where=row.where or path) for row in rows]
    raise InputError(Problem("is in no format this reads", f"known: {KNOWN}", path))
