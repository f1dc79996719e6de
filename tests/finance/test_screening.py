"""The base-load rule against the textbook screening curve, a published fleet, and brute force."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.finance.screening import (
    Curve,
    Hours,
    Source,
    optimal_servers,
    screening_mix,
    worth_it_utilisation,
)


def test_textbook_screening_curve() -> None:
    """Load 1000 - 1000 z; coal 15 + 2 z, gas 10 + 12 z, lost load 1012 z."""
    curve = Curve((0.0, 1.0), (1000.0, 0.0))
    layers = screening_mix(curve, [Source("coal", 15, 2), Source("gas", 10, 12), Source("shed", 0, 1012)])
    assert [layer.name for layer in layers] == ["coal", "gas", "shed"]
    coal, gas, _ = layers
    assert (coal.from_busy_share, gas.from_busy_share) == pytest.approx((0.5, 0.01), rel=1e-12)
    assert coal.to_mtok_per_day == pytest.approx(500, rel=1e-12)
    assert gas.to_mtok_per_day == pytest.approx(990, rel=1e-12)


def brute(curve: Curve, width: float, f: float, saving: float) -> tuple[int, float]:
    costs = []
    for n in range(int(max(curve.loads) / width) + 2):
        served = curve.below(n * width)
        costs.append(n * f - saving * served)
    best = min(costs)
    # ties go to the larger fleet, as the rule (>=) has it
    return max(n for n, cost in enumerate(costs) if cost <= best + 1e-9 * max(1.0, abs(best))), best


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=3, max_size=168).filter(lambda loads: max(loads) > 1),
    st.floats(2, 40),
    st.floats(0.1, 50),
    st.floats(0.01, 5),
)
def test_rule_is_the_cheapest_fleet(loads: list[float], width: float, f: float, saving: float) -> None:
    curve = Curve.hourly(loads)
    needed = worth_it_utilisation(usd_per_server_day=f, saving_usd_per_mtok=saving, mtok_per_server_day=width)
    found = optimal_servers(curve, width=width, needed_utilisation=needed)
    _, best = brute(curve, width, f, saving)
    assert found * f - saving * curve.below(found * width) == pytest.approx(best, rel=1e-9, abs=1e-7)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0, 100), min_size=5, max_size=60).filter(lambda loads: max(loads) > 1),
    st.lists(st.tuples(st.floats(0.0, 30), st.floats(0, 30)), min_size=1, max_size=4),
    st.floats(1, 60),
)
def test_mix_is_the_cheapest_for_every_slice(loads: list[float], pairs: list[tuple[float, float]], api: float) -> None:
    curve = Curve.hourly(loads)
    sources = [Source(f"s{i}", c, m) for i, (c, m) in enumerate(pairs)] + [Source("api", 0.0, api)]
    layers = screening_mix(curve, sources)
    assert math.fsum(layer.served_mtok_per_day for layer in layers) == pytest.approx(curve.mean, rel=1e-9)
    total = math.fsum(layer.usd_per_day for layer in layers)
    slices = 2000
    top = max(loads)
    edges = [top * i / slices for i in range(slices + 1)]
    cheapest = 0.0
    for low, high in pairwise(edges):
        busy = curve.slice_utilisation(low, high)
        cheapest += (high - low) * min(s.usd_per_mtok_capacity + s.usd_per_mtok * busy for s in sources)
    assert total == pytest.approx(cheapest, rel=2e-2, abs=0.5)
    assert total <= cheapest * 1.001 + 0.5


def test_curve_integrals() -> None:
    curve = Curve((0.0, 1.0), (1000.0, 0.0))
    assert curve.mean == 500
    assert curve.below(500) == 375
    assert curve.share_above(750) == 0.25
    assert curve.level_at_share(0.25) == 750
    steps = Curve.hourly([1.0, 3.0, 2.0, 2.0])
    assert (steps.mean, steps.below(2), steps.share_above(2)) == (2.0, 1.75, 0.25)


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=168).filter(lambda w: max(w) > 1),
    st.floats(0, 120),
    st.floats(0.1, 9),
)
def test_hours_are_the_stepped_curve(loads: list[float], level: float, volume: float) -> None:
    fast, plain = Hours.of(loads).scaled(volume), Curve.hourly(loads).scaled(volume)
    assert fast.below(level) == pytest.approx(plain.below(level), rel=1e-9, abs=1e-12)
    assert (fast.mean, fast.peak) == (pytest.approx(plain.mean, rel=1e-9), plain.peak)
