"""Requests of a token or two, and more of them than there are slots."""

import pytest

from breakeven.serving import load
from breakeven.serving.estimate import at_best_throughput, at_concurrency, within_latency
from breakeven.serving.spec import LatencyTarget, Shape
from tests.serving.specimens import calibration, instance


def llama():
    return instance("llama-3.1-8b-instruct", "h100-sxm")


@pytest.mark.parametrize("output", [1, 2, 4, 20, 400])
@pytest.mark.parametrize("concurrency", [1.0, 16.0, 256.0])
def test_the_closed_loop_has_converged(output, concurrency, monkeypatch):
    shape = Shape(369, output)
    rates = []
    for rounds in (load.ITERATIONS, 400):
        monkeypatch.setattr(load, "ITERATIONS", rounds)
        rates.append(llama().at(shape, concurrency).requests_per_s)
    assert rates[0] == pytest.approx(rates[1], rel=0.02)


def test_no_target_of_later_tokens_limits_requests_of_one_token():
    shape = Shape(100, 1)
    free, asked = (
        within_latency(llama(), shape, calibration(), latency=LatencyTarget(ttft_ms=2000.0, tpot_ms=tpot_ms))
        for tpot_ms in (None, 5.0)
    )
    assert asked.requests_per_s == free.requests_per_s
    assert any("no time per output token" in note for note in asked.notes)


def test_a_second_token_does_not_raise_the_rate():
    rates = [at_best_throughput(llama(), Shape(100, output), calibration()).requests_per_s for output in (1, 2, 3, 10, 100)]
    assert rates == sorted(rates, reverse=True)


def test_requests_without_a_slot_wait_about_alike():
    """Nearly all of them stand in one line of known length: the median and the 95th percentile are near the mean."""
    crowd = at_concurrency(llama(), Shape(1000, 100), calibration(), concurrency=5000.0)
    assert crowd.ttft_ms_p50 == pytest.approx(crowd.ttft_ms_mean, rel=0.01)
    assert crowd.ttft_ms_p95 == pytest.approx(crowd.ttft_ms_mean, rel=0.05)
    few = at_concurrency(llama(), Shape(1000, 100), calibration(), concurrency=64.0)
    assert few.ttft_ms_p50 < few.ttft_ms_mean < few.ttft_ms_p95
