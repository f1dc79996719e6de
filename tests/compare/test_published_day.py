"""A published production day as a profile: 608B tokens in (342B cached), 168B out, 226.75 nodes of 8 GPUs at $2."""

from __future__ import annotations

import pytest

import breakeven

IN, HIT, OUT = 608e9, 342e9, 168e9
NODES = 226.75


def day() -> breakeven.compare.result.Comparison:
    return breakeven.run(
        {
            "name": "day",
            "workload": {
                "requests_per_day": 1e8, "input_tokens": IN / 1e8, "output_tokens": OUT / 1e8,
                "cached_input_share": HIT / IN,
            },
            "api": [{"model": "own/r1", "prices": {"input_usd_per_mtok": 0.55, "cached_input_usd_per_mtok": 0.14,
                                                   "output_usd_per_mtok": 2.19}}],
            "self_host": {
                "model": "deepseek-v3", "substitute": True,
                # A node-day of work: 73.7k tokens/s of prefill, 14.8k of decode.
                "throughput": {"requests_per_s": 1e8 / 86_400 / (IN / 73_700 / 86_400 + OUT / 14_800 / 86_400)},
                "supply": [{"rent": "h800-sxm", "usd_per_gpu_hour": 2, "gpus": 8}],
            },
        }
    )  # fmt: skip


def test_published_production_day() -> None:
    result = day()
    rows = {row.offer.kind: row for row in result.offers}
    api, own = rows["api"], rows["rented"]
    assert api.usd_per_day == pytest.approx(562_027, rel=5e-4)  # theoretical revenue
    assert own.replicas == 227  # 226.75 on average; whole nodes here
    assert own.usd_per_day is not None
    assert own.usd_per_day / 227 * NODES == pytest.approx(87_072, rel=1e-9)
    assert api.usd_per_day is not None
    daily = own.usd_per_day / 227 * NODES
    assert (api.usd_per_day - daily) / daily == pytest.approx(5.45, rel=2e-3)
    assert daily / ((IN + OUT) / 1e6) == pytest.approx(0.112, rel=1e-2)
    assert own.utilisation_share == pytest.approx(226.864 / 227, rel=1e-3)
    assert result.headline.cheaper_at_volume == own.offer.id
