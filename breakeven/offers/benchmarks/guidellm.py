"""GuideLLM ``benchmarks.json``.

``time_per_output_token_ms`` counts from the start of the request, so it includes the time to first
token; ``inter_token_latency_ms`` is what others call TPOT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import CLOSED_LOOP_TTFT, BenchmarkRow, Fields


def matches(data: Mapping[str, Any]) -> bool:
    runs = data.get("benchmarks")
    return isinstance(runs, list) and bool(runs) and isinstance(runs[0], dict) and "metrics" in runs[0]


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    return [_run(run, path, index) for index, run in enumerate(data["benchmarks"]) if isinstance(run, dict)]


def _successful(metrics: Mapping[str, Any], name: str, path: str) -> Fields:
    metric = metrics.get(name)
    part = metric.get("successful") if isinstance(metric, dict) else None
    return Fields(part if isinstance(part, dict) else {}, path)


def _run(run: Mapping[str, Any], path: str, index: int) -> BenchmarkRow:
    metrics = run.get("metrics")
    where = f"{path} benchmark {index + 1}"
    if not isinstance(metrics, dict):
        raise Fields({}, where).error("has no metrics", "is the run complete?")
    prompt, output = _successful(metrics, "prompt_token_count", where), _successful(metrics, "output_token_count", where)
    if not prompt.number("mean") or not output.number("mean"):
        raise prompt.error("no request completed", "run the benchmark again")
    first = _successful(metrics, "time_to_first_token_ms", where)
    percentiles = first.data.get("percentiles")
    tails = Fields(percentiles if isinstance(percentiles, dict) else {}, where)
    config = run.get("config")
    strategy = config.get("strategy") if isinstance(config, dict) else None
    kind = str(strategy.get("type_") or "") if isinstance(strategy, dict) else str(strategy or "")
    closed = kind in ("concurrent", "throughput", "synchronous")
    reached = _successful(metrics, "request_concurrency", where).number("mean")
    asked = Fields(strategy, where).number("streams", "max_concurrency") if isinstance(strategy, dict) else None
    return BenchmarkRow(
        tool="guidellm",
        input_tokens=prompt.need("mean"),
        output_tokens=output.need("mean"),
        concurrency=(asked if closed else None) or reached,  # under a rate the limit may never be met
        requests_per_s=_successful(metrics, "requests_per_second", where).number("mean"),
        closed_loop=closed,
        tpot_ms=_successful(metrics, "inter_token_latency_ms", where).number("mean"),
        ttft_ms_mean=first.number("mean"),
        ttft_ms_p50=first.number("median") or tails.number("p50"),
        ttft_ms_p95=tails.number("p95"),
        output_tok_per_s=_successful(metrics, "output_tokens_per_second", where).number("mean"),
        warnings=(CLOSED_LOOP_TTFT,) if closed else (),
    )
