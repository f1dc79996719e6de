"""Requests of a token or two, and more of them than there are slots."""

from itertools import pairwise

import pytest

from breakeven.serving import load
from breakeven.serving.estimate import at_best_throughput, at_concurrency, within_latency
from breakeven.serving.simulation import simulate
from breakeven.serving.spec import LatencyTarget, Shape
from tests.serving.specimens import calibration, instance


def llama():
    return instance("llama-3.1-8b-instruct", "h100-sxm")


@pytest.mark.parametrize("model", ["llama-3.1-8b-instruct", "qwen3-30b-a3b"])
@pytest.mark.parametrize("output", [1.2, 2, 4, 20, 400])
@pytest.mark.parametrize("concurrency", [1.0, 16.0, 115.0, 256.0])
def test_the_closed_loop_has_converged(model, output, concurrency, monkeypatch):
    one, shape = instance(model, "h200-sxm"), Shape(46, output)
    found = one.at(shape, concurrency).requests_per_s
    monkeypatch.setattr(load, "SETTLED", 1e-9)
    monkeypatch.setattr(load, "MOST_ROUNDS", 2000)
    assert found == pytest.approx(one.at(shape, concurrency).requests_per_s, rel=0.01)


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


@pytest.mark.parametrize(("model", "accelerator", "shape"), [
    ("gpt-oss-120b", "b300-sxm", Shape(203, 15)), ("llama-3.1-8b-instruct", "b200-sxm", Shape(411, 241)),
])  # fmt: skip
def test_a_looser_target_never_serves_less(model, accelerator, shape):
    """Where more requests in flight serve fewer, the load stays at the best one."""
    one = instance(model, accelerator)
    rates = [
        within_latency(one, shape, calibration(), latency=LatencyTarget(tpot_ms=tpot_ms)).requests_per_s
        for tpot_ms in (30.0, 50.0, 100.0, 200.0, 400.0, 1000.0, 10000.0, None)
    ]
    assert all(later >= rate * 0.995 for rate, later in pairwise(rates))
    free = at_best_throughput(one, shape, calibration())
    assert rates[-1] == pytest.approx(free.requests_per_s, rel=1e-9)


@pytest.mark.parametrize(("model", "tpot_ms"), [("gpt-oss-120b", 10.0), ("gpt-oss-120b", 20.0), ("llama-3.1-8b-instruct", 10.0)])
def test_a_crowd_of_arrivals_counts_for_the_percentile_of_later_tokens(model, tpot_ms):
    """The 95th percentile of TPOT, played out with random arrivals, is near the target that set the load."""
    weights = "mxfp4" if "gpt" in model else "bf16"
    one, shape = instance(model, "h100-sxm", weight_precision=weights), Shape(1024, 512)
    found = within_latency(one, shape, calibration(), latency=LatencyTarget(tpot_ms=tpot_ms))
    played = simulate(one, shape, requests_per_s=found.requests_per_s, requests=1200)
    assert played.tpot_p95_ms == pytest.approx(tpot_ms, rel=0.15)
