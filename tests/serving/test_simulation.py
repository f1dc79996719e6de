"""The queueing formula against an event simulation of the same steps."""

import pytest

from breakeven.serving.arithmetic import SCALAR
from breakeven.serving.queueing import open_loop_latency
from breakeven.serving.simulation import simulate
from breakeven.serving.spec import Shape
from tests.serving.specimens import instance

CASES = [
    ("llama-3.1-8b-instruct", "h100-sxm", 1, {}, 1000, 200, 16),
    ("llama-3.1-8b-instruct", "h100-sxm", 1, {}, 200, 600, 32),
    ("gpt-oss-120b", "h200-sxm", 1, {"weight_precision": "mxfp4"}, 1000, 300, 16),
    ("llama-3.1-70b-instruct", "h200-sxm", 4, {"weight_precision": "fp8", "engine": "tensorrt-llm"}, 2000, 200, 12),
]


@pytest.mark.parametrize(("model", "accelerator", "n", "degrees", "isl", "osl", "concurrency"), CASES)
def test_formula_and_simulation_agree(model, accelerator, n, degrees, isl, osl, concurrency):
    one = instance(model, accelerator, n, **degrees)
    shape = Shape(isl, osl)
    state = one.at(shape, concurrency)
    formula = open_loop_latency(
        SCALAR, state, one.requests(shape), front_end_s=one.resolved.scheduling.front_end_s
    )
    seen = simulate(one, shape, requests_per_s=state.requests_per_s, requests=600)
    assert formula.tpot_mean_ms == pytest.approx(seen.tpot_mean_ms, rel=0.12)
    assert formula.ttft_mean_ms == pytest.approx(seen.ttft_mean_ms, rel=0.25)
    assert formula.ttft_p95_ms == pytest.approx(seen.ttft_p95_ms, rel=0.35)


def test_the_same_seed_gives_the_same_run_and_bursts_wait_longer():
    one = instance("llama-3.1-8b-instruct", "h100-sxm")
    shape = Shape(2000, 100)
    rate = one.at(shape, 24).requests_per_s
    calm = simulate(one, shape, requests_per_s=rate, requests=400)
    assert calm == simulate(one, shape, requests_per_s=rate, requests=400)
    bursty = simulate(one, shape, requests_per_s=rate, requests=400, arrival_cv2=4.0)
    assert bursty.ttft_p95_ms > calm.ttft_p95_ms
