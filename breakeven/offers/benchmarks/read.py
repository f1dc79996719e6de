"""Any supported benchmark file as rows: the format is recognised by its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from breakeven import yamlio
from breakeven.errors import InputError, Problem
from breakeven.offers.benchmarks import aiperf, guidellm, inferencex, llm_optimizer, sglang, vllm
from breakeven.offers.benchmarks.row import BenchmarkRow

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
    out: list[BenchmarkRow] = []
    for line, document in _documents(text, str(path)):
        where = str(path) if line is None else f"{path}:{line}"
        for item in document if isinstance(document, list) else [document]:
            out.extend(_rows(item, where))
    if not out:
        raise InputError(Problem("holds no benchmark result", f"known: {KNOWN}", str(path)))
    return out


def _documents(text: str, path: str) -> list[tuple[int | None, Any]]:
    """One JSON document, or one per line."""
    try:
        return [(None, json.loads(text, parse_constant=_refuse_constant))]
    except (ValueError, RecursionError):
        pass
    found: list[tuple[int | None, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, json.loads(line, parse_constant=_refuse_constant)))
        except (ValueError, RecursionError):
            raise InputError(
                Problem("is not JSON", "is the file complete? known: " + KNOWN, path, line=number)
            ) from None
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
            return rows
    raise InputError(Problem("is in no format this reads", f"known: {KNOWN}", path))
