"""The crossing law against worked examples and against brute force on random staircases."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from breakeven.compare.crossover import Crossover, crossover
from breakeven.offers.offer import Offer

from .staircases import money, offer, price, width


def api(**kwargs: float) -> Offer:
    return replace(offer("api", **kwargs), kind="api")  # type: ignore[arg-type]


def cheaper_at(found: Crossover, volume: float) -> str:
    for interval in found.intervals:
        if volume <= (interval.to_tokens_per_day or math.inf):
            return interval.cheaper
    raise AssertionError("intervals do not cover the volume")


# --- worked examples ---------------------------------------------------------------------------


def test_whole_replicas_win_lose_and_win_for_good() -> None:
    found = crossover(api(per_mtok=1), offer(replica=70, kappa=100e6))
    assert (found.outcome, found.first_tokens_per_day, found.settled_tokens_per_day) == ("at", 70e6, 210e6)
    assert found.intervals_total == len(found.intervals) == 6
    assert found.capacity_share == 0.7
    assert cheaper_at(found, 100e6) == "gpu"
    assert cheaper_at(found, 100e6 + 1) == "api"
    assert cheaper_at(found, 101e6) == "api"
    assert found.intervals[-1].to_tokens_per_day is None


def test_one_redundant_replica_moves_the_first_win_to_280() -> None:
    found = crossover(api(per_mtok=1), offer(replica=70, kappa=100e6, redundant=1))
    assert found.first_tokens_per_day == 280e6
    assert found.capacity_share == pytest.approx(280 / 400)
    assert found.outcome == "at"


def test_within_one_replica_throughput_drops_out() -> None:
    for kappa in (50e6, 5e9):
        found = crossover(api(per_mtok=6), offer(replica=63.6, fixed=5, per_mtok=0.1, kappa=kappa))
        assert found.first_tokens_per_day == pytest.approx((5 + 63.6) / 5.9 * 1e6, rel=1e-12)


def test_a_replica_that_cannot_carry_its_cost_never_wins() -> None:
    found = crossover(api(per_mtok=1), offer(replica=100, kappa=100e6))
    assert (found.outcome, found.first_tokens_per_day, found.settled_tokens_per_day) == ("never", None, None)
    assert [i.cheaper for i in found.intervals] == ["api"]
    assert found.capacity_share is None


def test_own_variable_cost_above_the_price_never_wins() -> None:
    assert crossover(api(per_mtok=1), offer(replica=1, per_mtok=1, kappa=100e6)).outcome == "never"
    assert crossover(api(per_mtok=1), offer(replica=1, per_mtok=2, kappa=100e6)).outcome == "never"


def test_self_hosting_that_costs_nothing_always_wins() -> None:
    found = crossover(api(per_mtok=1), offer(kappa=100e6))
    assert (found.outcome, found.first_tokens_per_day, found.settled_tokens_per_day) == ("always", 0.0, 0.0)


def test_two_free_offers_tie_and_the_tie_goes_to_the_api() -> None:
    assert crossover(api(), offer(kappa=1e6)).outcome == "never"
    same = offer(replica=3, fixed=2, per_mtok=1, kappa=7e6, n_min=2, redundant=1)
    assert crossover(same, replace(same, id="b")).outcome == "never"


def test_prices_equal_up_to_rounding_never_cross() -> None:
    # 0.1 + 0.2 is not 0.3 in binary; that must not make a crossing at 1e18 tokens a day.
    found = crossover(api(per_mtok=0.1 + 0.2), offer(fixed=10, per_mtok=0.3))
    assert found.outcome == "never"


def test_minimum_spend_lets_a_dear_staircase_win_for_a_while() -> None:
    # The API costs at least $200 a day; two replicas at $100 carry 200 Mtok, which then costs $200.
    found = crossover(api(per_mtok=1, minimum=200), offer(replica=110, kappa=100e6))
    assert found.outcome == "sometimes"
    assert found.settled_tokens_per_day is None
    assert (found.first_tokens_per_day, found.intervals[0].to_tokens_per_day) == (0.0, 100e6)
    assert found.intervals[1].cheaper == "api"
    assert found.intervals_total == 2


def test_a_minimum_spend_kink_can_hold_the_crossing_on_either_side() -> None:
    early = crossover(api(per_mtok=1, minimum=50), offer(fixed=30, per_mtok=0.2))
    assert early.outcome == "always"
    late = crossover(api(per_mtok=1, minimum=50), offer(fixed=60, per_mtok=0.2))
    assert late.first_tokens_per_day == pytest.approx(75e6)


def test_provisioned_staircase_against_a_line() -> None:
    ptu = api(replica=24, kappa=10e6)
    found = crossover(ptu, offer(fixed=30, per_mtok=0.5))
    # 24 < 30 + 0.5 V below 10 Mtok; 48 > 30 + 0.5 V from there up to 36, and so on for good.
    assert (found.first_tokens_per_day, found.settled_tokens_per_day) == (10e6, 10e6)


def test_a_million_replicas_cost_no_more_than_two() -> None:
    # s kappa exceeds f by a billionth, so the crossing settles after about a thousand million steps.
    found = crossover(api(per_mtok=1), offer(fixed=1, replica=100 * (1 - 1e-9), kappa=100e6))
    assert found.outcome == "at"
    assert found.first_tokens_per_day == pytest.approx(1e9 / 100 * 100e6, rel=1e-5)
    assert found.intervals_total is not None
    assert found.intervals_total > 1e9
    assert len(found.intervals) == 64


def test_endless_alternation_is_sometimes_without_a_total() -> None:
    # A platform fee of $50 and s kappa == f: every replica wins on its last part, for ever.
    found = crossover(api(per_mtok=1, fixed=50), offer(replica=100, kappa=100e6))
    assert (found.outcome, found.settled_tokens_per_day, found.intervals_total) == ("sometimes", None, None)
    assert len(found.intervals) == 64
    assert found.first_tokens_per_day == 50e6


def test_two_staircases_of_equal_slope_are_bounded_work() -> None:
    found = crossover(api(replica=7, kappa=math.sqrt(2) * 1e6), offer(replica=7 / math.sqrt(2), kappa=1e6))
    assert found.outcome == "sometimes"
    assert found.intervals_total is None
    assert len(found.intervals) == 64


def test_nearly_equal_staircases_keep_exact_ends() -> None:
    slow = crossover(api(replica=70.0 * 1.000001, kappa=100e6), offer(replica=35, fixed=20, kappa=50.000001e6))
    assert slow.outcome == "at"
    assert slow.first_tokens_per_day is not None
    assert slow.settled_tokens_per_day is not None
    assert slow.settled_tokens_per_day >= slow.first_tokens_per_day


# --- brute force -------------------------------------------------------------------------------


@st.composite
def any_offer(draw: st.DrawFn, id: str) -> Offer:
    stepped = draw(st.booleans())
    return offer(
        id,
        fixed=draw(money),
        replica=draw(money) if stepped else 0.0,
        per_mtok=draw(price),
        kappa=draw(width) if stepped else None,
        n_min=draw(st.integers(0, 3)),
        redundant=draw(st.integers(0, 2)),
        minimum=draw(st.one_of(st.just(0.0), money)),
        uncovered_fixed=draw(st.sampled_from([0.0, 0.0, 7.5])),
        uncovered_per_mtok=draw(st.sampled_from([0.0, 0.0, 0.25])),
    )


def probes(one: Offer, other: Offer, found: Crossover) -> list[float]:
    """Dense points, every jump and every reported end, each also a little to either side."""
    marks: set[float] = set()
    for side in (one, other):
        if side.tokens_per_day_per_replica is not None:
            marks.update(j * side.tokens_per_day_per_replica for j in range(1, 40))
    for interval in found.intervals:
        marks.add(interval.from_tokens_per_day)
        if interval.to_tokens_per_day is not None:
            marks.add(interval.to_tokens_per_day)
    reach = max(marks, default=1e8) or 1e8
    marks.update(reach * i / 97 for i in range(1, 98))
    return [m * e for m in sorted(marks) if m > 0 for e in (1 - 1e-7, 1.0, 1 + 1e-7)]


@settings(max_examples=2000, deadline=None)
@given(any_offer("a"), any_offer("b"))
def test_intervals_agree_with_brute_force(one: Offer, other: Offer) -> None:
    found = crossover(one, other)
    ends = [i.from_tokens_per_day for i in found.intervals] + [found.intervals[-1].to_tokens_per_day or math.inf]
    assert ends[0] == 0.0
    assert all(a < b for a, b in itertools.pairwise(ends))
    assert all(x.cheaper != y.cheaper for x, y in zip(found.intervals, found.intervals[1:], strict=False))
    if found.intervals_total is not None and found.intervals_total <= 64:
        assert found.intervals_total == len(found.intervals)
    known = found.intervals[-1].to_tokens_per_day or math.inf
    for volume in probes(one, other, found):
        if volume > known or volume <= 0:
            continue
        theirs, ours = one.usd_per_day_at(volume), other.usd_per_day_at(volume)
        if abs(theirs - ours) <= 1e-6 * max(theirs, ours, 1e-9):
            continue  # a tie within rounding: either answer is right there
        assert cheaper_at(found, volume) == ("b" if ours < theirs else "a"), volume


@settings(max_examples=1000, deadline=None)
@given(any_offer("a"), any_offer("b"))
def test_outcome_first_and_settled_follow_from_the_intervals(one: Offer, other: Offer) -> None:
    found = crossover(one, other)
    wins = [i for i in found.intervals if i.cheaper == "b"]
    if wins:
        assert found.first_tokens_per_day == wins[0].from_tokens_per_day
    if found.intervals_total == len(found.intervals):
        last = found.intervals[-1]
        assert last.to_tokens_per_day is None
        expected = (
            "never"
            if not wins
            else "sometimes"
            if last.cheaper == "a"
            else "always"
            if len(found.intervals) == 1
            else "at"
        )
        assert found.outcome == expected
        assert found.settled_tokens_per_day == (last.from_tokens_per_day if last.cheaper == "b" else None)
    if found.settled_tokens_per_day is not None:
        for factor in (1 + 1e-6, 1.5, 3.7, 100.0, 1e4):
            volume = max(found.settled_tokens_per_day * factor, 1e-3)
            theirs, ours = one.usd_per_day_at(volume), other.usd_per_day_at(volume)
            assert ours <= theirs * (1 + 1e-9)


@settings(max_examples=300, deadline=None)
@given(any_offer("a"), any_offer("b"), st.integers(-6, 6).map(lambda n: 2.0**n))
@example(offer("a", per_mtok=1), offer("b", replica=70, kappa=100e6), 4.0)
def test_no_crossing_moves_when_every_amount_is_rescaled(one: Offer, other: Offer, k: float) -> None:
    # A power of two scales floats exactly, so the crossings must be the same bits.
    assert crossover(scaled(one, k), scaled(other, k)) == crossover(one, other)


@settings(max_examples=300, deadline=None)
@given(any_offer("a"), st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0.01, 100))
def test_costs_are_monotone_scale_and_sum(one: Offer, low: float, high: float, k: float) -> None:
    low, high = sorted((low, high))
    assert one.usd_per_day_at(low) <= one.usd_per_day_at(high) * (1 + 1e-12)
    assert math.fsum(usd for _, usd in one.bill(high)) == one.usd_per_day_at(high)
    assert scaled(one, k).usd_per_day_at(high) == pytest.approx(k * one.usd_per_day_at(high), rel=1e-12)


def scaled(one: Offer, k: float) -> Offer:
    lines = tuple(
        replace(
            line,
            usd_per_day=line.usd_per_day * k,
            usd_per_replica_day=line.usd_per_replica_day * k,
            usd_per_mtok=line.usd_per_mtok * k,
        )
        for line in one.lines
    )
    return replace(one, lines=lines, minimum_usd_per_day=one.minimum_usd_per_day * k)
