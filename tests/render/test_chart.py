"""The terminal chart has logarithmic axes: what is free is reported without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import breakeven
from breakeven.cli.app import invoke
from breakeven.render.chart import draw_chart


def profile(*, price: float, rate: float) -> dict[str, Any]:
    return {
        "name": "test",
        "workload": {"tokens_per_day": 10e6, "input_tokens": 1000, "output_tokens": 1000},
        "api": [{"model": "own/api", "prices": {"input_usd_per_mtok": price, "output_usd_per_mtok": price}}],
        "self_host": {
            "model": "openai/gpt-oss-120b", "substitute": True, "throughput": {"total_tok_per_s": 1e6},
            "supply": [{"rent": "h100-sxm", "usd_per_gpu_hour": rate, "gpus": 1}],
        },
    }  # fmt: skip


@pytest.mark.parametrize(("price", "rate", "drawn"), [(6.0, 2.0, True), (0.0, 2.0, False), (6.0, 0.0, False), (0.0, 0.0, False)])
def test_a_free_offer_has_no_chart(price: float, rate: float, drawn: bool) -> None:
    pytest.importorskip("plotext")
    result = breakeven.run(profile(price=price, rate=rate))
    assert bool(draw_chart(result, width=80, colour=False)) is drawn


def test_the_command_prints_a_verdict_on_a_free_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(profile(price=6.0, rate=0.0)))
    assert invoke(["run", str(path)]) == 0
    assert "is cheaper than api (own) at every volume" in capsys.readouterr().out
