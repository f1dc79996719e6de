import pytest

from breakeven.serving.estimate import at_concurrency
from breakeven.serving.spec import Shape, Speculation
from breakeven.serving.speculation import tokens_per_step, verify_ratio, with_speculation
from tests.serving.specimens import calibration, instance


def test_tokens_per_step_is_the_geometric_sum():
    assert tokens_per_step(draft_tokens=4, acceptance=0.8) == pytest.approx((1 - 0.8**5) / (1 - 0.8))


def test_speculation_pays_alone_and_its_gain_vanishes_under_load():
    one = instance("llama-3.1-70b-instruct", "h100-sxm", 4, weight_precision="fp8")
    shape, asked = Shape(500, 500), Speculation(4, 0.6)
    gains = []
    for concurrency in (1, 64, 512):
        plain = at_concurrency(one, shape, calibration(), concurrency=concurrency)
        fast, extras = with_speculation(one, shape, calibration(), plain, asked)
        gains.append(fast.tpot_ms.typical / plain.tpot_ms.typical)
        assert extras["tpot_ratio"] == gains[-1]
    assert gains[0] < 0.7
    assert gains[0] < gains[1] < gains[2]


def test_rejected_drafts_only_cost():
    one = instance("llama-3.1-70b-instruct", "h100-sxm", 4, weight_precision="fp8")
    shape = Shape(500, 500)
    plain = at_concurrency(one, shape, calibration(), concurrency=32)
    slow, extras = with_speculation(one, shape, calibration(), plain, Speculation(4, 0.0))
    assert slow.tpot_ms.typical > plain.tpot_ms.typical
    assert extras["speculation"] == "does not pay at this load"
    assert verify_ratio(one, shape, Speculation(4, 0.5), batch=32) > 1.0
