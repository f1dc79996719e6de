"""SGLang ``bench_serving`` (JSON lines). It names neither model nor accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import CLOSED_LOOP_TTFT, BenchmarkRow, Fields, check_complete


def matches(data: Mapping[str, Any]) -> bool:
    return "mean_tpot_ms" in data and ("total_output_tokens_retokenized" in data or "random_range_ratio" in data)


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    f = Fields(data, path)
    completed = f.number("completed") or 0.0
    warnings = list(check_complete(f, completed=completed, failed=0.0))
    rate = f.number("request_rate")
    closed = rate is None or rate >= 1e9
    if closed:
        warnings.append(CLOSED_LOOP_TTFT)
    accepted = f.number("accept_length")
    if accepted and accepted > 1.01:
        warnings.append(f"speculative decoding, {accepted:.2f} tokens per step: inter-token latency is not time per token")
    else:
        accepted = None
    return [
        BenchmarkRow(
            tool="sglang",
            engine="sglang",
            input_tokens=f.need("total_input_tokens") / completed,
            output_tokens=f.need("total_output_tokens") / completed,
            # ``concurrency`` is what was reached on average, ``max_concurrency`` the limit, which clients keep full without a rate.
            concurrency=(f.number("max_concurrency") if closed else None) or f.number("concurrency"),
            requests_per_s=f.number("request_throughput"),
            closed_loop=closed,
            tpot_ms=f.number("mean_tpot_ms"),
            ttft_ms_mean=f.number("mean_ttft_ms"),
            ttft_ms_p50=f.number("median_ttft_ms"),
            ttft_ms_p95=f.number("p95_ttft_ms"),
            output_tok_per_s=f.number("output_throughput"),
            acceptance_length=accepted,
            warnings=tuple(warnings),
        )
    ]
