"""``gpus`` is the size of one instance; where copies of a smaller one carry more on the same GPUs, the report says so."""

from __future__ import annotations

import re
from typing import Any

import pytest

import breakeven
from breakeven.compare.result import Comparison


def answer(tokens_per_day: float = 2e9, **supply: Any) -> Comparison:
    return breakeven.run(
        {
            "name": "copies", "workload": {"tokens_per_day": tokens_per_day, "input_tokens": 1024, "output_tokens": 1024},
            "api": [{"model": "own/x", "prices": {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.2}}],
            "self_host": {
                "model": "meta-llama/Llama-3.1-8B-Instruct", "substitute": True,
                "supply": [{"rent": "h100-sxm", "usd_per_gpu_hour": 2.0, **supply}],
            },
        }
    )  # fmt: skip


def carries(result: Comparison) -> float:
    own = result.offer(result.headline.self_host).offer
    assert own.tokens_per_day_per_replica is not None
    return own.tokens_per_day_per_replica


def test_four_gpus_are_one_instance() -> None:
    serving = answer(gpus=4).offer("rented:own-quote/h100-sxm/on-demand").offer.serving
    assert serving is not None and serving.config["dp"] == 1 and serving.config["tp"] * serving.config["pp"] == 4


def test_copies_that_carry_more_are_priced_and_warned_of() -> None:
    """One GPU at $2 an hour is $48 a day; two of them carry the 2 Gtok/day that cost $192 on one instance of four."""
    four, one = answer(gpus=4), answer(gpus=1)
    row = next(row for row in four.alternatives if row.name == "instance size" and row.changed.startswith("1 GPU"))
    ratio = re.search(r"\(4 copies carry ([0-9.]+)x on as many GPUs\), \$96\.00 a day", row.changed)
    assert ratio is not None and float(ratio[1]) == pytest.approx(4 * carries(one) / carries(four), abs=0.005)
    own = one.crossovers[0]
    assert row.first_tokens_per_day == own.first_tokens_per_day
    assert any("set self_host.supply[0].gpus" in warning for warning in four.warnings)


def test_a_size_that_nothing_smaller_beats_has_no_remark() -> None:
    assert not any(row.name == "instance size" for row in answer(gpus=1).alternatives)


def test_a_sku_of_four_holds_the_copies_of_one_gpu_instances() -> None:
    """Bought together either way, so the ratio is that of whole SKUs; one of them is enough where it took two."""
    four = answer(4e9, gpus=4, gpus_per_sku=4)
    row = next(row for row in four.alternatives if row.name == "instance size" and row.changed.startswith("1 GPU"))
    one = answer(gpus=1, gpus_per_sku=4)
    assert "$192.00 a day: cheaper at your volume" in row.changed
    assert f"carry {carries(one) / carries(four):.3g}x" in row.changed
