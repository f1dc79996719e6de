"""GuideLLM ``benchmarks.json``.

``time_per_output_token_ms`` counts from the start of the request, so it includes the time to first
token; ``inter_token_latency_ms`` is what others call TPOT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import CLOSED_LOOP_TTFT, BenchmarkRow, Fields, check_complete, each_run

# Where a run counts its requests, by release.
_COUNTS = (("metrics", "request_totals"), ("scheduler_metrics", "requests_made"), ("run_stats", "requests_made"), ("requests",))


def matches(data: Mapping[str, Any]) -> bool:
    runs = data.get("benchmarks")
    return isinstance(runs, list) and bool(runs) and isinstance(runs[0], dict) and "metrics" in runs[0]


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    runs = [Fields(run, f"{path}: benchmark {index}") for index, run in enumerate(data["benchmarks"], start=1)]
    return each_run(lambda run=run: [_run(run)] for run in runs)  # type: ignore[misc]  # a default has no type


def _run(run: Fields) -> BenchmarkRow:
    if not isinstance(run.data.get("metrics"), Mapping):
        raise run.error("is missing", "is the run complete?", field="metrics")

    def successful(name: str) -> Fields:
        return run.part("metrics", name, "successful")

    prompt, output, first = (successful(n) for n in ("prompt_token_count", "output_token_count", "time_to_first_token_ms"))
    tails = first.part("percentiles")
    config = run.part("config" if "config" in run.data else "args")
    strategy = config.part("strategy")
    kind = strategy.text("type_") or config.text("strategy") or ""
    closed = kind in ("concurrent", "throughput", "synchronous")
    reached = successful("request_concurrency").number("mean")
    asked = strategy.number("streams", "max_concurrency") or (1.0 if kind == "synchronous" else None)
    concurrency = (asked if closed else None) or reached  # under a rate the limit may never be met
    warnings = _complete(run, in_flight=max(concurrency or 0.0, reached or 0.0))
    return BenchmarkRow(
        tool="guidellm",
        input_tokens=prompt.need("mean"),
        output_tokens=output.need("mean"),
        concurrency=None if concurrency is None else max(concurrency, 1.0),
        requests_per_s=successful("requests_per_second").number("mean"),
        closed_loop=closed,
        tpot_ms=successful("inter_token_latency_ms").number("mean"),
        ttft_ms_mean=first.number("mean"),
        ttft_ms_p50=first.number("median") or tails.number("p50"),
        ttft_ms_p95=tails.number("p95"),
        output_tok_per_s=successful("output_tokens_per_second").number("mean"),
        warnings=(*warnings, *((CLOSED_LOOP_TTFT,) if closed else ())),
        where=run.path,
    )


def _complete(run: Fields, *, in_flight: float) -> tuple[str, ...]:
    """What to say of requests that failed. Raises Refused where they are too many."""
    for keys in _COUNTS:
        counts = run.part(*keys)
        completed, failed = counts.count("successful"), counts.count("errored")
        if completed is not None:
            return check_complete(
                counts, completed=completed, failed=failed or 0.0, cut_off=counts.count("incomplete") or 0.0,
                in_flight=in_flight, field="errored" if failed else "successful",
            )  # fmt: skip
    prompt = run.part("metrics", "prompt_token_count")
    completed, failed, cut_off = (prompt.part(name).count("count") for name in ("successful", "errored", "incomplete"))
    if completed is None and failed is None and prompt.part("successful").number("mean"):
        return ()
    return check_complete(
        prompt, completed=completed or 0.0, failed=failed or 0.0, cut_off=cut_off or 0.0, in_flight=in_flight,
        field="errored.count" if failed else "successful.count",
    )  # fmt: skip
