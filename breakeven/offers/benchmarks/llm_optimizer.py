"""BentoML llm-optimizer: many configurations in one file, each with SGLang-style results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from breakeven.offers.benchmarks import sglang
from breakeven.offers.benchmarks.row import BenchmarkRow, Fields


def matches(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("test_results"), list) and isinstance(data.get("metadata"), dict)


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    meta = Fields(data["metadata"], path)
    out = []
    for result in data["test_results"]:
        found = result.get("results") if isinstance(result, dict) else None
        if not isinstance(found, dict) or not found.get("completed"):
            continue
        config = result.get("config")
        arguments = config.get("server_args") if isinstance(config, dict) else None
        server = Fields(arguments if isinstance(arguments, dict) else {}, path)
        for row in sglang.read(found, path):
            out.append(
                replace(
                    row, tool="llm-optimizer", model=meta.text("model_tag"), accelerator=meta.text("gpu_type"),
                    accelerators=meta.whole("gpu_count"), engine=None,
                    tp=server.whole("tp_size", "tensor_parallel_size", "tp"),
                    dp=server.whole("dp_size", "data_parallel_size", "dp"),
                )
            )  # fmt: skip
    if not out:
        raise meta.error("holds no completed test", "run the optimizer to the end")
    return out
