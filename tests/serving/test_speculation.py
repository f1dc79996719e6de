"""Speculative decoding: the emitted tokens are counted by hand, and every search and limit sees them."""

import itertools

import pytest

from breakeven.errors import Infeasible
from breakeven.serving.estimate import at_best_throughput, at_concurrency, within_latency
from breakeven.serving.spec import LatencyTarget, Shape, Speculation
from breakeven.serving.speculation import (
    comparison,
    speculating,
    tokens_per_step,
    tokens_per_step_cv2,
    verify_ratio,
)
from tests.serving.specimens import calibration, instance

SHAPE = Shape(500, 500)


def llama():
    return instance("llama-3.1-70b-instruct", "h100-sxm", 4, weight_precision="fp8")


def test_tokens_per_step_is_the_geometric_sum():
    assert tokens_per_step(draft_tokens=4, acceptance=0.8) == pytest.approx((1 - 0.8**5) / (1 - 0.8))


@pytest.mark.parametrize(("drafts", "acceptance"), [(1, 0.3), (3, 0.7), (5, 0.95), (4, 0.0)])
def test_the_spread_of_tokens_per_step_is_that_of_all_outcomes(drafts, acceptance):
    mean = square = 0.0
    for outcome in itertools.product((True, False), repeat=drafts):
        chance = 1.0
        for accepted in outcome:
            chance *= acceptance if accepted else 1.0 - acceptance
        emitted = 1 + next((i for i, accepted in enumerate(outcome) if not accepted), drafts)
        mean += chance * emitted
        square += chance * emitted**2
    assert tokens_per_step(draft_tokens=drafts, acceptance=acceptance) == pytest.approx(mean)
    spread = tokens_per_step_cv2(draft_tokens=drafts, acceptance=acceptance)
    assert spread == pytest.approx((square - mean**2) / mean**2, abs=1e-12)


def test_speculation_pays_alone_and_its_gain_vanishes_under_load():
    one = llama()
    fast_one = speculating(one, Speculation(4, 0.6))
    gains = []
    for concurrency in (1, 64, 512):
        plain = at_concurrency(one, SHAPE, calibration(), concurrency=concurrency)
        fast = at_concurrency(fast_one, SHAPE, calibration(), concurrency=concurrency)
        gains.append(fast.tpot_ms.typical / plain.tpot_ms.typical)
        assert comparison(fast_one, SHAPE, fast, plain)["tpot_ratio"] == gains[-1]
    assert gains[0] < 0.7
    assert gains[0] < gains[1] < gains[2]


def test_rejected_drafts_only_cost():
    one = llama()
    useless = speculating(one, Speculation(4, 0.0))
    plain = at_concurrency(one, SHAPE, calibration(), concurrency=32)
    slow = at_concurrency(useless, SHAPE, calibration(), concurrency=32)
    assert slow.tpot_ms.typical > plain.tpot_ms.typical
    assert comparison(useless, SHAPE, slow, plain)["speculation"] == "does not pay at this load"
    assert verify_ratio(useless, SHAPE, batch=32) > 1.0


def test_littles_law_holds_with_more_requests_than_slots():
    fast = speculating(llama(), Speculation(4, 0.7))
    cap = fast.concurrency_cap(SHAPE)
    for concurrency in (1.0, 40.0, cap, 4.0 * cap):
        state = fast.at(SHAPE, concurrency)
        in_flight = state.requests_per_s * (state.ttft_s + (SHAPE.output_tokens - 1.0) * state.tpot_s)
        assert in_flight == pytest.approx(concurrency, rel=0.01)


def test_a_target_that_only_speculation_meets_is_met_with_it():
    one = llama()
    alone = at_concurrency(one, SHAPE, calibration(), concurrency=1).tpot_ms.typical
    target = LatencyTarget(tpot_ms=alone * 0.8)
    with pytest.raises(Infeasible):
        within_latency(one, SHAPE, calibration(), latency=target)
    fast = within_latency(speculating(one, Speculation(4, 0.8)), SHAPE, calibration(), latency=target)
    assert fast.tpot_ms.typical <= alone * 0.8
    assert fast.concurrency > 4.0


def test_drafts_that_miss_by_luck_count_at_a_percentile():
    one = speculating(llama(), Speculation(4, 0.6))
    alone = at_concurrency(one, SHAPE, calibration(), concurrency=1).tpot_ms.typical
    target = LatencyTarget(tpot_ms=alone * 1.02, percentile=95.0)
    with pytest.raises(Infeasible, match="TPOT"):
        within_latency(one, SHAPE, calibration(), latency=target)


def test_parts_add_up_to_the_time_per_token_and_nothing_measured_covers_it():
    drafted = at_best_throughput(speculating(llama(), Speculation(4, 0.7, 0.1)), SHAPE, calibration())
    assert sum(drafted.step_parts_ms.values()) == pytest.approx(drafted.tpot_ms.typical, rel=1e-3)
    assert drafted.step_parts_ms["drafting"] > 0.0
    fast = at_best_throughput(speculating(llama(), Speculation(4, 0.7)), SHAPE, calibration())
    assert sum(fast.step_parts_ms.values()) == pytest.approx(fast.tpot_ms.typical, rel=1e-3)
    assert (fast.grade, fast.band) == ("D", "D-beyond")
    assert any("speculative" in note for note in fast.notes)


def test_a_draft_model_takes_its_time():
    free, dear = (speculating(llama(), Speculation(4, 0.7, cost)) for cost in (0.0, 0.1))
    without = at_concurrency(free, SHAPE, calibration(), concurrency=8)
    drafted = at_concurrency(dear, SHAPE, calibration(), concurrency=8)
    assert 1.1 < drafted.tpot_ms.typical / without.tpot_ms.typical < 1.4
    assert any("not counted" in note for note in without.notes)
    assert not any("not counted" in note for note in drafted.notes)


@pytest.mark.parametrize("output", [1, 2, 4, 8, 64])
def test_no_step_emits_more_tokens_than_the_request_still_needs(output):
    shape = Shape(1000, output)
    eager = speculating(llama(), Speculation(16, 0.99))
    state = eager.at(shape, 1.0)
    assert state.tokens_per_step <= max(output - 1, 1)
    if output > 1:
        assert state.tpot_s * (output - 1) >= state.decode_step_s * 0.999


def test_surplus_tokens_of_the_last_step_are_those_of_a_played_out_request():
    """E[steps] by playing every number of accepted drafts, step by step, against the renewal formula."""
    drafts, acceptance, needed = 4, 0.7, 9
    chances = [acceptance**k * (1 - acceptance) for k in range(drafts)] + [acceptance**drafts]
    steps = [0.0] * (needed + 1)
    for left in range(1, needed + 1):
        steps[left] = 1.0 + sum(p * steps[max(left - 1 - k, 0)] for k, p in enumerate(chances))
    one = speculating(llama(), Speculation(drafts, acceptance))
    assert needed / one.emitted(Shape(100, needed + 1)) == pytest.approx(steps[needed], rel=0.02)
