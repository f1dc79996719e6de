"""InferenceX / InferenceMAX ``agg_*.json``.

Latencies are in seconds. ``tput_per_gpu`` counts input and output; several nodes divide the output
by the decode GPUs only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import CLOSED_LOOP_TTFT, BenchmarkRow, Fields

_LENGTH_SHARE = 0.9  # lengths are drawn at 0.8 to 1.0 of the nominal ones


def matches(data: Mapping[str, Any]) -> bool:
    return "tput_per_gpu" in data and "hw" in data


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    f = Fields(data, path)
    warnings = [CLOSED_LOOP_TTFT, "lengths taken as 0.9 of the nominal ones, as InferenceX draws them"]
    multinode = data.get("is_multinode") is True or data.get("disagg") is True
    per_gpu = f.number("output_tput_per_gpu")
    tp, pp, ep = f.whole("tp") or 1, f.whole("pp") or 1, f.whole("ep") or 1
    attention = str(data.get("dp_attention", "")).lower() == "true"
    gpus = tp * pp
    decode_gpus = gpus
    if multinode:
        decode_gpus = f.whole("num_decode_gpu") or gpus
        gpus = decode_gpus + (f.whole("num_prefill_gpu") or 0)
        warnings.append("several nodes or separate prefill: output is per decode GPU, and the instance is not one engine")
    not_fitted = None
    spec = str(data.get("spec_decoding", "none")).lower()
    if spec not in ("none", "", "false"):
        warnings.append(f"speculative decoding ({spec}) without its acceptance")
        not_fitted = f"speculative decoding ({spec})"
    if multinode:
        not_fitted = "several nodes or separate prefill"
    isl, osl = f.need("isl"), f.need("osl")
    return [
        BenchmarkRow(
            tool="inferencex",
            model=f.text("model"),
            accelerator=f.text("hw"),
            accelerators=gpus,
            tp=None if multinode else (1 if attention and ep > 1 else tp),
            pp=None if multinode else pp,
            ep=None if multinode else ep,
            dp=None if multinode else (tp if attention and ep > 1 else 1),
            weight_precision=f.text("precision"),
            engine=f.text("framework"),
            input_tokens=isl * _LENGTH_SHARE,
            output_tokens=osl * _LENGTH_SHARE,
            concurrency=f.number("conc"),
            closed_loop=True,
            tpot_ms=f.number("mean_tpot", scale=1e3),
            ttft_ms_mean=f.number("mean_ttft", scale=1e3),
            ttft_ms_p50=f.number("median_ttft", scale=1e3),
            ttft_ms_p95=f.number("p95_ttft", scale=1e3),
            output_tok_per_s=per_gpu * decode_gpus if per_gpu else None,
            warnings=tuple(warnings),
            not_fitted=not_fitted,
        )
    ]
