"""vLLM ``bench serve --save-result`` (one JSON object, or one per line with --append-result)."""

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
    mean_in_flight,
)


def matches(data: Mapping[str, Any]) -> bool:
    return "mean_tpot_ms" in data and ("tokenizer_id" in data or "model_id" in data or "num_prompts" in data)


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    f = Fields(data, path)
    completed = f.count("completed") or 0.0
    failed = _failed(f, completed)
    field = "failed" if completed and data.get("failed") else "completed"
    warnings = list(check_complete(f, completed=completed, failed=failed, field=field))
    check_duration(f, "duration")
    # Lengths under random_range_ratio differ from the nominal ones: only totals tell.
    isl, osl = f.need("total_input_tokens") / completed, f.need("total_output_tokens") / completed
    rate, concurrency = f.number("request_rate"), f.number("max_concurrency")
    closed = rate is None  # "inf" is text
    if closed:
        warnings.append(CLOSED_LOOP_TTFT)
    if closed and concurrency is None:
        concurrency, said = _all_at_once(f, completed=completed, output_tokens=osl)
        warnings.append(said)
    if not closed:  # max_concurrency is a limit then
        concurrency = mean_in_flight(
            requests_per_s=f.number("request_throughput"), ttft_ms=f.number("mean_ttft_ms"),
            tpot_ms=f.number("mean_tpot_ms"), output_tokens=osl, most=concurrency,
        )  # fmt: skip
    p95 = f.number("p95_ttft_ms")
    if p95 is None:
        warnings.append("no p95 of the time to first token: vLLM saves p99 only unless --metric-percentiles 50,95,99")
    accepted = f.number("spec_decode_acceptance_length")
    if accepted:
        warnings.append(f"speculative decoding, {accepted:.2f} tokens per step: inter-token latency is not time per token")
    return [
        BenchmarkRow(
            tool="vllm",
            engine=f.text("engine") or engine_of(f.text("backend"), f.text("endpoint_type")),
            model=f.text("model_id", "model"),
            accelerator=f.text("gpu", "accelerator"),
            accelerators=f.whole("gpus", "n_gpus", "n"),
            tp=f.whole("tp"),
            pp=f.whole("pp"),
            ep=f.whole("ep"),
            dp=f.whole("dp"),
            weight_precision=f.text("precision", "quantization"),
            input_tokens=isl,
            output_tokens=osl,
            concurrency=concurrency,
            requests_per_s=f.number("request_throughput"),
            closed_loop=closed,
            tpot_ms=f.number("mean_tpot_ms"),
            ttft_ms_mean=f.number("mean_ttft_ms"),
            ttft_ms_p50=f.number("median_ttft_ms", "p50_ttft_ms"),
            ttft_ms_p95=p95,
            output_tok_per_s=f.number("output_throughput"),
            acceptance_length=accepted,
            warnings=tuple(warnings),
        )
    ]


def _failed(f: Fields, completed: float) -> float:
    """How many failed; before the key ``failed``, those sent that did not complete."""
    failed = f.count("failed")
    return max((f.count("num_prompts") or completed) - completed, 0.0) if failed is None else failed


def _all_at_once(f: Fields, *, completed: float, output_tokens: float) -> tuple[float, str]:
    """Requests in flight where every prompt was sent at once: their mean by Little's law, for they fall as requests end."""
    rate, first, step = f.number("request_throughput"), f.number("mean_ttft_ms"), f.number("mean_tpot_ms")
    said = f"no max_concurrency: all {completed:.0f} requests were sent at once, a load that falls as they end; "
    if rate is None or first is None or step is None:
        return completed, said + "their number is taken for it"
    mean = rate * (first + (output_tokens - 1.0) * step) / 1e3
    return min(max(mean, 1.0), completed), said + f"{mean:.1f} in flight on average (rate x time of a request) is taken for it"
