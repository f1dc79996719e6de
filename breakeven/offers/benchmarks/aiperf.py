"""AIPerf ``profile_export_aiperf.json`` and GenAI-Perf ``*_genai_perf.json``: metrics of one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.offers.benchmarks.row import (
    CLOSED_LOOP_TTFT,
    BenchmarkRow,
    Fields,
    check_complete,
    engine_of,
    mean_in_flight,
)

_MS = {"ms": 1.0, "s": 1e3, "sec": 1e3, "seconds": 1e3, "us": 1e-3, "ns": 1e-6}


def matches(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("inter_token_latency"), dict) and isinstance(data.get("time_to_first_token"), dict)


def read(data: Mapping[str, Any], path: str) -> list[BenchmarkRow]:
    f = Fields(data, path)
    for flag, bad in (("is_complete", False), ("was_cancelled", True)):
        if data.get(flag) is bad:
            raise f.error("the run is not complete", "a cancelled run is no measurement: run it to the end", field=flag)
    config = f.part("input_config")
    load = _load(config)
    concurrency, rate = load.number("concurrency"), load.number("request_rate")
    first, gap = f.part("time_to_first_token"), f.part("inter_token_latency")
    output_tokens = f.part("output_sequence_length").need("avg")
    requests_per_s = f.part("request_throughput").number("avg")
    warnings = _complete(f)
    if rate is not None:  # the concurrency is a limit then
        concurrency = mean_in_flight(
            requests_per_s=requests_per_s, ttft_ms=_in_ms(first, "avg"), tpot_ms=_in_ms(gap, "avg"),
            output_tokens=output_tokens, most=concurrency,
        )  # fmt: skip
    return [
        BenchmarkRow(
            tool="aiperf" if "schema_version" in data else "genai-perf",
            model=_model(config),
            # GenAI-Perf's backend is one of Triton, and a default that says nothing of other servers.
            engine=engine_of(config.text("backend")) if config.text("service_kind") == "triton" else None,
            input_tokens=f.part("input_sequence_length").need("avg"),
            output_tokens=output_tokens,
            concurrency=concurrency,
            requests_per_s=requests_per_s,
            closed_loop=rate is None,
            tpot_ms=_in_ms(gap, "avg"),
            ttft_ms_mean=_in_ms(first, "avg"),
            ttft_ms_p50=_in_ms(first, "p50"),
            ttft_ms_p95=_in_ms(first, "p95"),
            output_tok_per_s=f.part("output_token_throughput").number("avg"),
            warnings=(*warnings, *((CLOSED_LOOP_TTFT,) if rate is None else ())),
        )
    ]


def _in_ms(metric: Fields, statistic: str) -> float | None:
    unit = metric.text("unit") or "ms"
    scale = _MS.get(unit.lower())
    if scale is None:
        raise metric.error(f"is {unit!r}", f"write one of {', '.join(_MS)}", field="unit")
    return metric.number(statistic, scale=scale)


def _load(config: Fields) -> Fields:
    """Where the concurrency and the rate stand: AIPerf, GenAI-Perf from 0.0.13 on, and before."""
    for keys in (("loadgen",), ("perf_analyzer", "stimulus")):
        load = config.part(*keys)
        if load.data:
            return load
    return config


def _model(config: Fields) -> str | None:
    """The one model. Raises :class:`InputError` where the run was of several."""
    for part, key in ((config.part("endpoint"), "model_names"), (config, "model_names"), (config, "model")):
        value = part.data.get(key)
        names = [name.strip() for name in value if isinstance(name, str) and name.strip()] if isinstance(value, list) else []
        if len(set(names)) > 1:
            raise part.error(f"names several models: {', '.join(names)}", "benchmark one model at a time", field=key)
        found = names[0] if names else part.text(key)
        if found:
            return found
    return None


def _complete(f: Fields) -> tuple[str, ...]:
    """What to say of requests that failed. Raises Refused where they are too many."""
    failed = f.part("error_request_count").count("avg") or 0.0
    completed = f.part("request_count").count("avg")
    if completed is None:
        completed = f.part("time_to_first_token").count("count")
    if completed is not None:
        return check_complete(f, completed=completed, failed=failed, field="error_request_count" if failed else "request_count")
    if failed:
        raise f.error("is missing", f"{failed:,.0f} requests failed, of how many it has to say", field="request_count")
    return ()
