"""BentoML llm-optimizer: many configurations in one file, each with SGLang-style results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from breakeven.offers.benchmarks import sglang
from breakeven.offers.benchmarks.row import BenchmarkRow, Fields, each_run, engine_of


def matches(data: Mapping[str, Any]) -> bool:
    whole = isinstance(data.get("test_results"), list) and isinstance(data.get("metadata"), dict)
    return whole or _is_record(data)


def _is_record(data: Mapping[str, Any]) -> bool:
    """A line of its JSON-lines file: one test."""
    return isinstance(data.get("results"), dict) and isinstance(data.get("config"), dict)


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    if _is_record(data):
        return [_test(Fields(data, path), Fields(data, path).part("metadata"))]
    meta = Fields(data, path).part("metadata")
    tests = [Fields(test, f"{path}: test {index}") for index, test in enumerate(data["test_results"], start=1)]
    out = each_run(lambda test=test: [_test(test, meta)] for test in tests)  # type: ignore[misc]  # a default has no type
    if not out:
        raise Fields(data, path).error("holds no test", "run the optimizer to the end", field="test_results")
    return out


def _test(test: Fields, meta: Fields) -> BenchmarkRow:
    server, client = test.part("config", "server_args"), test.part("config", "client_args")
    own = test.part("metadata")
    (row,) = sglang.read(test.part("results").data, test.path, sent=client.count("num_prompts"), above="results.")
    return replace(
        row, tool="llm-optimizer", model=meta.text("model_tag") or own.text("model_tag"),
        accelerator=meta.text("gpu_type") or own.text("gpu_type"),
        accelerators=meta.whole("gpu_count") or own.whole("gpu_count"),
        engine=engine_of(own.text("framework"), meta.text("framework"), test.part("results").text("backend")),
        tp=server.whole("tp_size", "tensor_parallel_size", "tp"),
        dp=server.whole("dp_size", "data_parallel_size", "dp"),
        where=test.path,
    )  # fmt: skip
