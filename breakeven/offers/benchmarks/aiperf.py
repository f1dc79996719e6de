"""AIPerf ``profile_export_aiperf.json`` and GenAI-Perf ``*_genai_perf.json``: metrics of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import CLOSED_LOOP_TTFT, BenchmarkRow, Fields, mean_in_flight


def matches(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("inter_token_latency"), dict) and isinstance(data.get("time_to_first_token"), dict)


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    f = Fields(data, path)
    if data.get("is_complete") is False or data.get("was_cancelled") is True:
        raise f.error("the run is not complete", "a cancelled run is no measurement: run it to the end")

    def metric(name: str) -> Fields:
        value = data.get(name)
        return Fields(value if isinstance(value, dict) else {}, path)

    def in_ms(fields: Fields, statistic: str) -> float | None:
        scale = {"s": 1e3, "sec": 1e3, "us": 1e-3, "ns": 1e-6}.get(str(fields.data.get("unit", "ms")).lower(), 1.0)
        return fields.number(statistic, scale=scale)

    config = data.get("input_config")
    inner = config.get("loadgen", config) if isinstance(config, dict) else {}
    load = Fields(inner if isinstance(inner, dict) else {}, path)
    endpoint = config.get("endpoint") if isinstance(config, dict) else None
    names = endpoint.get("model_names") if isinstance(endpoint, dict) else None
    model = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else None
    concurrency, rate = load.number("concurrency"), load.number("request_rate")
    first, gap = metric("time_to_first_token"), metric("inter_token_latency")
    if rate is not None:  # the concurrency is a limit then
        concurrency = mean_in_flight(
            requests_per_s=metric("request_throughput").number("avg"), ttft_ms=in_ms(first, "avg"), tpot_ms=in_ms(gap, "avg"),
            output_tokens=metric("output_sequence_length").need("avg"), most=concurrency,
        )  # fmt: skip
    return [
        BenchmarkRow(
            tool="aiperf" if "schema_version" in data else "genai-perf",
            model=model or load.text("model"),
            input_tokens=metric("input_sequence_length").need("avg"),
            output_tokens=metric("output_sequence_length").need("avg"),
            concurrency=concurrency,
            requests_per_s=metric("request_throughput").number("avg"),
            closed_loop=rate is None,
            tpot_ms=in_ms(gap, "avg"),
            ttft_ms_mean=in_ms(first, "avg"),
            ttft_ms_p50=in_ms(first, "p50"),
            ttft_ms_p95=in_ms(first, "p95"),
            output_tok_per_s=metric("output_token_throughput").number("avg"),
            warnings=(CLOSED_LOOP_TTFT,) if rate is None else (),
        )
    ]
