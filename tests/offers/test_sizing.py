"""How many accelerators one instance gets, and what has to fit on them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from breakeven.cli.main import run
from breakeven.errors import Infeasible
from breakeven.offers import sizing
from breakeven.offers.profile_plan import plan_for_profile
from breakeven.serving.instance import Instance
from breakeven.serving.load import LoadState
from breakeven.serving.spec import LatencyTarget, Shape
from tests.offers.scopes import scope
from tests.serving.specimens import calibration, lookup

LONG = "{tokens_per_day: 2B, input_tokens: 100k, output_tokens: 1000}"
LLAMA = "{model: meta-llama/Llama-3.3-70B-Instruct, weight_precision: fp8, kv_precision: bf16, supply: [{rent: h100-sxm}]}"
ESTIMATE = ["estimate", "-m", "meta-llama/Llama-3.3-70B-Instruct", "-a", "h100-sxm", "--precision", "fp8", "--kv-precision", "bf16", "--output-tokens", "1000"]


def test_one_request_has_to_fit_beside_the_weights() -> None:
    """70 GB of weights leave no room for 33 GB of cache: the tool takes two cards, and refuses one."""
    found = plan_for_profile(scope(workload=LONG, self_host=LLAMA), accelerator="h100-sxm", gpus=None)
    assert found.serving.accelerators_per_replica == 2
    with pytest.raises(Infeasible, match=r"one request of 101,000 tokens needs 33\.1 GB of cache per accelerator.*has 12\.9 left for it"):
        plan_for_profile(scope(workload=LONG, self_host=LLAMA), accelerator="h100-sxm", gpus=1)


@pytest.mark.parametrize("load", [[], ["-c", "4"], ["--tpot-ms", "60"]])
def test_an_estimate_refuses_what_does_not_fit(load: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ESTIMATE, "-n", "1", "--input-tokens", "100000", *load]) == 4
    assert "one request of 101,000 tokens needs 33.1 GB of cache" in capsys.readouterr().err
    assert run([*ESTIMATE, "-n", "1", "--input-tokens", "30000", *load]) == 0
    assert run([*ESTIMATE, "--input-tokens", "100000", *load]) == 0  # the count left open: as many as it takes


def test_the_longest_request_of_a_mix_decides_what_fits() -> None:
    """The mean of 11,900 tokens would fit on one card; the requests of 101,000 do not."""
    mixed = "{requests_per_day: 10k, requests: [{share: 90%, input_tokens: 2000, output_tokens: 300}, {share: 10%, input_tokens: 100k, output_tokens: 1000}]}"
    found = plan_for_profile(scope(workload=mixed, self_host=LLAMA), accelerator="h100-sxm", gpus=None)
    assert found.serving.accelerators_per_replica == 2
    assert plan_for_profile(scope(workload=LONG.replace("100k", "11800"), self_host=LLAMA), accelerator="h100-sxm", gpus=1)


def test_the_longest_request_of_a_mix_has_to_be_within_the_context() -> None:
    mixed = "{requests_per_day: 10k, requests: [{share: 90%, input_tokens: 2000, output_tokens: 300}, {share: 10%, input_tokens: 300k, output_tokens: 1000}]}"
    with pytest.raises(Infeasible, match="reads at most 131,072 tokens, and the longest request has 301,000"):
        plan_for_profile(scope(workload=mixed), accelerator="h100-sxm", gpus=None)


@pytest.mark.parametrize(
    ("rates", "size"),
    [
        ({1: 10.0, 2: 14.8, 4: 15.9, 8: 14.7}, 2),  # four beat one by more than half, and two by less
        ({1: 10.0, 2: 12.0, 4: 14.0, 8: 15.0}, 1),
        ({1: 10.0, 2: 16.0, 4: 25.0, 8: 40.0}, 8),
        ({1: 10.0, 2: 16.0, 4: 15.0, 8: 23.9}, 2),
    ],
)
def test_the_smallest_size_that_no_larger_one_beats_by_half(rates: dict[int, float], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def sustained(instance: Any, *_: object, **__: object) -> tuple[float, LoadState, None, None]:
        count = instance.config.accelerators
        at_rate = dict.fromkeys(LoadState.__struct_fields__, 1.0) | {"requests_per_s": rates[count] * count}
        return 1.0, LoadState(**at_rate), None, None

    monkeypatch.setattr(sizing, "sustained", sustained)
    found = plan_for_profile(scope(), accelerator="h100-sxm", gpus=None)
    assert found.serving.accelerators_per_replica == size


def test_the_reason_is_that_of_the_layout_that_came_nearest() -> None:
    """Of eight cards the last layout tried may be far slower than the fastest: what a request gets alone is the fastest's."""
    def sized(tpot_ms: float) -> Instance:
        return sizing.choose_instance(
            model=lookup().model("glm-4.6"), accelerator=lookup().accelerator("b200-sxm"), gpus_per_replica=8,
            shape=Shape(1000.0, 1000.0), latency=LatencyTarget(tpot_ms=tpot_ms), calibration=calibration(),
        )  # fmt: skip

    def least_ms(tpot_ms: float) -> float:
        with pytest.raises(Infeasible) as caught:
            sized(tpot_ms)
        found = re.search(r"a request gets ([\d.]+) ms", str(caught.value))
        assert found is not None
        return float(found[1])

    least = least_ms(0.1)
    assert sized(least * 1.02).config.accelerators == 8
    assert least_ms(least * 0.97) == least
