"""Profiles for the tests of the comparison room, as mappings a user could write in YAML."""

from __future__ import annotations

from typing import Any


def simple(
    *,
    tokens_per_day: float,
    price: float,
    usd_per_gpu_hour: float,
    gpus: int = 1,
    tok_per_s: float,
    accelerator: str = "h100-sxm",
    **changes: Any,
) -> dict[str, Any]:
    """One API at a flat price against one rented supply with a stated throughput."""
    workload = {"tokens_per_day": tokens_per_day, "input_tokens": 1000, "output_tokens": 1000}
    workload.update(changes.pop("workload", {}))
    host = {
        "model": "openai/gpt-oss-120b",
        "substitute": True,
        "throughput": {"total_tok_per_s": tok_per_s},
        "supply": [{"rent": accelerator, "usd_per_gpu_hour": usd_per_gpu_hour, "gpus": gpus}],
    }
    host.update(changes.pop("self_host", {}))
    return {
        "name": "test",
        "workload": workload,
        "api": [{"model": "own/api", "prices": {"input_usd_per_mtok": price, "output_usd_per_mtok": price}}],
        "self_host": host,
        **changes,
    }


def interpolated_week(shares: list[float], loads: list[float]) -> list[float]:
    """168 hours of a load-duration curve given at a few shares of the time."""
    hours = []
    for hour in range(168):
        z = (hour + 0.5) / 168
        for left, right, high, low in zip(shares, shares[1:], loads, loads[1:], strict=False):
            if left <= z <= right:
                hours.append(high + (low - high) * (z - left) / (right - left))
                break
    return hours
