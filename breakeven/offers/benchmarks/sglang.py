"""SGLang ``bench_serving`` (JSON lines). It names neither model nor accelerator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import (
    CLOSED_LOOP_TTFT,
    BenchmarkRow,
    Fields,
    check_complete,
    check_duration,
    engine_of,
)


def matches(data: Mapping[str, Any]) -> bool:
    return "mean_tpot_ms" in data and ("total_output_tokens_retokenized" in data or "random_range_ratio" in data)


def read(data: Mapping[str, Any], path: str, *, sent: float | None = None, above: str = "") -> list[BenchmarkRow]:
    """One run. ``sent`` is how many requests there were, where the result itself does not say."""
    f = Fields(data, path, above=above)
    completed = f.count("completed") or 0.0
    if sent is None:
        sent = f.count("num_prompts")
    failed = _errors(f) if sent is None else max(sent - completed, 0.0)
    warnings = list(check_complete(f, completed=completed, failed=failed, field="completed"))
    check_duration(f, "duration")
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
            # Its client measures other engines too; a plain "openai" is not read as another.
            engine=engine_of(f.text("backend")) or "sglang",
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


def _errors(f: Fields) -> float:
    """Requests with an error, which --output-details lists; 0 without."""
    errors = f.data.get("errors")
    return float(sum(1 for error in errors if error)) if isinstance(errors, list) else 0.0
