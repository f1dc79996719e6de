"""The shipped calibration on published measurements that it was not fitted on.

aiconfigurator-core carries InferenceX results (``systems/silicon_sample.csv``, Apache-2.0) beyond those in the
calibration table. Rows of disaggregated systems are left out, and rows whose tensor parallelism no
node has. Models that InferenceX also ran with speculative decoding are reported apart: their rows do not say
which they are. Skipped where the package is not installed (``pip install 'breakeven[aic]'``).
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from breakeven.catalog.store import Catalogue
from breakeven.errors import BreakevenError
from breakeven.offers.accuracy import quantile
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import Measurement, measurements
from breakeven.offers.points import answer
from breakeven.offers.serving_specs import load_calibration

TABLE = Path(__file__).parents[1] / "breakeven" / "catalog" / "data" / "calibration" / "measurements.csv.gz"
ENGINES = {"trtllm": "tensorrt-llm", "vllm": "vllm", "sglang": "sglang"}
ACCELERATORS = {"b200_sxm": "b200-sxm", "b300_sxm": "b300-sxm", "h100_sxm": "h100-sxm", "h200_sxm": "h200-sxm", "gb200": "gb200"}
PRECISIONS = {"fp8": "fp8", "fp4": "nvfp4", "bf16": "bf16", "int4": "int4"}
SPECULATED = ("DeepSeek", "Qwen3.5", "GLM-5")
NODE = (1, 2, 4, 8, 16, 64)


def layout(row: dict[str, str]) -> tuple[int, int, int] | None:
    """(tensor, expert, data parallelism); the source multiplies degrees into each other, which is undone here."""
    tp, dp, moe_tp, ep = (int(float(row[k] or 1)) for k in ("tp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size"))
    if tp not in NODE or (tp == 64 and ep == 1):
        return None
    if dp > 1:
        ranks = tp if tp > 1 else ep if moe_tp > 1 else dp
        return 1, ranks, ranks
    if moe_tp > 1 and ep > 1:
        return tp // ep, tp // ep, 1
    return tp, ep, 1


def further_rows(path: Path, known: set[str]) -> Iterator[dict[str, str]]:
    """Rows in the format of the calibration table."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            somebody_else_ran_it = "/" in row["silicon_data_source"].split(";")[0].removeprefix("db-dump/")
            wanted = row["mode"] == "agg" and row["precision"] and row["tp_size"] and row["id"] not in known
            degrees = layout(row) if wanted and not somebody_else_ran_it else None
            if degrees is None:
                continue
            tp, ep, dp = degrees
            named = re.search(r"_c(\d+)_", row["id"])
            requests = named[1] if named else str(int(float(row["batch_size"]) * float(row["attention_dp_size"] or 1)))
            name = row["model_path"].replace("zhipuai/", "zai-org/")
            yield {
                "id": row["id"], "source_name": "InferenceX", "framework": ENGINES[row["backend"]], "model": name,
                "weight_precision": "mxfp4" if "gpt-oss" in name else PRECISIONS[row["precision"]],
                "gpu": ACCELERATORS[row["system"]], "n_gpus": str(tp * dp), "tp": str(tp), "pp": "1", "ep": str(ep), "dp": str(dp),
                "scenario": "fixed concurrency", "batching": "continuous", "input_tokens": row["isl"], "output_tokens": row["osl"],
                "concurrency_or_batch": requests, "tpot_ms": row["silicon_tpot_ms"],
            }  # fmt: skip


def main() -> None:
    found = importlib.util.find_spec("aiconfigurator_core")
    if found is None or not found.submodule_search_locations:
        print("skipped: aiconfigurator is not installed (pip install 'breakeven[aic]')")
        return
    path = Path(next(iter(found.submodule_search_locations))) / "systems" / "silicon_sample.csv"
    with gzip.open(TABLE, "rt", encoding="utf-8") as lines:
        known = {hit for row in csv.DictReader(lines) for hit in re.findall(r"id=(\S+)", row["url_or_repo_path"])}
    lookup, calibration = ServingLookup(Catalogue.load()), load_calibration()
    slices: dict[str, list[tuple[float, bool]]] = {}
    refused = 0
    for item in measurements(further_rows(path, known)):
        if not isinstance(item, Measurement):
            refused += 1
            continue
        try:
            estimate = answer(item.point, lookup, calibration)
        except BreakevenError:
            refused += 1
            continue
        band = estimate.tpot_ms
        error, held = band.typical / item.measured - 1.0, band.low <= item.measured <= band.high
        also = any(name in item.model for name in SPECULATED)
        kind = "MoE" if lookup.model(item.point.model).is_moe else "dense"
        for name in (f"{kind}, {'may be speculative' if also else 'never speculative'}", item.model):
            slices.setdefault(name, []).append((error, held))
    print(f"{'rows not in the calibration table':44s} {'rows':>5s} {'median':>7s} {'p90':>7s} {'bias':>7s} {'held':>5s}")
    for name, results in sorted(slices.items()):
        sizes, signed = [abs(e) for e, _ in results], [e for e, _ in results]
        print(
            f"{name:44s} {len(results):5d} {quantile(sizes, 0.5):7.1%} {quantile(sizes, 0.9):7.1%} "
            f"{quantile(signed, 0.5):+7.1%} {sum(h for _, h in results) / len(results):5.0%}"
        )
    print(f"{refused} rows not answered")


if __name__ == "__main__":
    main()
