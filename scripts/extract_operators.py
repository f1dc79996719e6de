"""Take timings of one layer of experts from an installed aiconfigurator-core into the catalogue.

    pip install aiconfigurator-core==0.12.0 pandas pyarrow
    python scripts/extract_operators.py

Its tables (``systems/data/<system>/moe/<engine>/<version>/moe_perf.parquet``, Apache-2.0) time millions of
points. Kept are, per accelerator, engine and precision, 35 points drawn by a hash of the point itself: token
counts that are powers of two, copies of up to eight accelerators, the fastest of an engine's kernels (engines
choose by the same timings), the mean over the two skewed routings. Run by hand when the package moves.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "breakeven" / "catalog" / "data" / "calibration" / "operators.csv.gz"
VERSIONS = {"vllm": "0.24.0", "sglang": "0.5.14", "trtllm": "1.3.0rc20"}
OLDER = {("a100_sxm", "vllm"): "0.14.0", ("a100_sxm", "sglang"): "0.5.10", ("a100_sxm", "trtllm"): "1.0.0"}
ENGINES = {"vllm": "vllm", "sglang": "sglang", "trtllm": "tensorrt-llm"}
ACCELERATORS = {
    "a100_sxm": "a100-sxm-80gb", "h100_sxm": "h100-sxm", "h200_sxm": "h200-sxm", "b200_sxm": "b200-sxm",
    "b300_sxm": "b300-sxm", "gb200": "gb200", "gb300": "gb300", "l40s": "l40s",
    "rtx_pro_6000_server": "rtx-pro-6000-bw-se",
}  # fmt: skip
# Precision of the weights, and bits of the numbers they are multiplied with.
PRECISIONS = {
    "bfloat16": ("bf16", 16), "fp8": ("fp8", 8), "fp8_block": ("fp8", 8), "nvfp4": ("nvfp4", 4), "int4_wo": ("int4", 16),
    "w4a16_mxfp4": ("mxfp4", 16), "w4a8_mxfp4_mxfp8": ("mxfp4", 8),
}  # fmt: skip
POINT = ["num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size"]
FEWEST_EXPERTS, MOST_TOKENS, MOST_ACCELERATORS, POINTS = 17, 8192, 8, 35


def main() -> int:
    """Write the table; 1 where the package is missing."""
    found = importlib.util.find_spec("aiconfigurator_core")
    if found is None or not found.submodule_search_locations:
        sys.stderr.write("aiconfigurator-core is not installed\n")
        return 1
    import pandas

    systems = Path(next(iter(found.submodule_search_locations))) / "systems" / "data"
    lines = ["accelerator,engine,precision,operand_bits,tokens,hidden,expert_intermediate,experts,experts_per_token,tp,ep,latency_us"]
    for system, accelerator in sorted(ACCELERATORS.items(), key=lambda item: item[1]):
        for folder, engine in sorted(ENGINES.items(), key=lambda item: item[1]):
            path = systems / system / "moe" / folder / OLDER.get((system, folder), VERSIONS[folder]) / "moe_perf.parquet"
            if path.exists():
                lines += _rows(pandas.read_parquet(path), accelerator=accelerator, engine=engine)
    TARGET.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))
    sys.stdout.write(f"{len(lines) - 1:,} timings\n")
    return 0


def _rows(table, *, accelerator: str, engine: str) -> list[str]:  # type: ignore[no-untyped-def]
    tokens = table.num_tokens
    table = table[
        (table.num_experts >= FEWEST_EXPERTS)
        & (tokens <= MOST_TOKENS)
        & (tokens & (tokens - 1) == 0)
        & (table.distribution != "balanced")
        & (table.moe_tp_size * table.moe_ep_size <= MOST_ACCELERATORS)
        & table.moe_dtype.isin(PRECISIONS)
    ].copy()
    table["kind"] = table.moe_dtype.map(PRECISIONS)
    fastest = table.groupby(["kind", "distribution", *POINT], as_index=False).latency.min()
    mean = fastest.groupby(["kind", *POINT], as_index=False).latency.mean()
    out = []
    for (precision, bits), group in sorted(mean.groupby("kind"), key=lambda item: item[0]):
        points = [(tuple(int(v) for v in row[:-1]), float(row[-1])) for row in group[[*POINT, "latency"]].itertuples(index=False)]
        points.sort(key=lambda item: hashlib.sha256(repr(item[0]).encode()).hexdigest())
        for (count, hidden, inner, each, experts, tp, ep), latency_ms in points[:POINTS]:
            out.append(
                f"{accelerator},{engine},{precision},{bits},{count},{hidden},{inner},{experts},{each},{tp},{ep},{latency_ms * 1e3:.4g}"
            )
    return out


if __name__ == "__main__":
    sys.exit(main())
