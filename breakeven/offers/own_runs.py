"""The runs of a benchmark file: which the model can be fitted to and why not the others, and which are of one load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from breakeven.errors import Problem
from breakeven.offers.benchmarks.row import BenchmarkRow

# Runs whose lengths and concurrency agree this well are repeats of one load: lengths are drawn at random.
SAME_LOAD = 1.1

# What each tool calls the time per output token and the concurrency.
_FIELDS: Mapping[str, tuple[str, str]] = {
    "vllm": ("mean_tpot_ms", "max_concurrency"),
    "sglang": ("mean_tpot_ms", "max_concurrency"),
    "guidellm": ("metrics.inter_token_latency_ms.successful.mean", "metrics.request_concurrency.successful.mean"),
    "aiperf": ("inter_token_latency.avg", "input_config.loadgen.concurrency"),
    "genai-perf": ("inter_token_latency.avg", "input_config.concurrency"),
    "inferencex": ("mean_tpot", "conc"),
    "llm-optimizer": ("results.mean_tpot_ms", "results.max_concurrency"),
}


def not_usable(row: BenchmarkRow) -> Problem | None:
    """Why the model cannot be fitted to a run; None where it can."""
    tpot, concurrency = _FIELDS[row.tool]
    if row.not_fitted:
        return Problem(row.not_fitted, "benchmark one engine, with speculative decoding off", row.where)
    if row.acceptance_length:
        said = f"speculative decoding, {row.acceptance_length:.2f} tokens per step"
        return Problem(said, "benchmark without speculation", row.where)
    if not row.tpot_ms:
        fix = "stream the responses, of two output tokens or more each"
        return Problem("is missing, zero or not a number", fix, row.where, field=tpot)
    if not row.concurrency:
        fix = "benchmark at a fixed concurrency" if row.closed_loop else "keep the rate, the throughput and the mean time to first token"
        return Problem("is missing, zero or not a number", fix, row.where, field=concurrency)
    return None


def loads(rows: Sequence[BenchmarkRow]) -> list[list[int]]:
    """Positions of the runs at each load; a run belongs to the first load that it agrees with."""
    found: list[list[int]] = []
    for index, row in enumerate(rows):
        same = next((load for load in found if _same_load(rows[load[0]], row)), None)
        if same is None:
            found.append([index])
        else:
            same.append(index)
    return found


def _same_load(one: BenchmarkRow, other: BenchmarkRow) -> bool:
    pairs = (
        (one.input_tokens, other.input_tokens), (one.output_tokens, other.output_tokens),
        (one.concurrency or 1.0, other.concurrency or 1.0),
    )  # fmt: skip
    return all(max(a, b) < SAME_LOAD * min(a, b) for a, b in pairs)
