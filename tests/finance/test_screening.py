"""The base-load rule against the textbook screening curve and brute force."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.finance.screening import Hours, Source, envelope, optimal_servers, worth_it_utilisation

LOADS = st.lists(st.floats(0, 100), min_size=3, max_size=168).filter(lambda loads: max(loads) > 1)


def below(loads: list[float], level: float) -> float:
    """Mean of min(load, level), hour by hour."""
    return sum(min(load, level) for load in loads) / len(loads)


def test_textbook_screening_curve() -> None:
    """Coal 15 + 2 z, gas 10 + 12 z, lost load 1012 z: coal above half of the time, gas above a hundredth."""
    edges = envelope([Source("shed", 0, 1012), Source("gas", 10, 12), Source("coal", 15, 2)])
    assert [source.name for source, _ in edges] == ["coal", "gas", "shed"]
    assert [share for _, share in edges] == pytest.approx([0.5, 0.01, 0.0], rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(LOADS, st.floats(2, 40), st.floats(0.1, 50), st.floats(0.01, 5))
def test_rule_is_the_cheapest_fleet(loads: list[float], width: float, f: float, saving: float) -> None:
    needed = worth_it_utilisation(usd_per_server_day=f, saving_usd_per_mtok=saving, mtok_per_server_day=width)
    found = optimal_servers(Hours.of(loads), width=width, needed_utilisation=needed)
    costs = [n * f - saving * below(loads, n * width) for n in range(int(max(loads) / width) + 2)]
    assert found * f - saving * below(loads, found * width) == pytest.approx(min(costs), rel=1e-9, abs=1e-7)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 30), st.floats(0, 30)), min_size=1, max_size=5),
    st.floats(1, 60),
    st.floats(0, 1),
)
def test_the_envelope_names_the_cheapest_source_for_every_slice(
    pairs: list[tuple[float, float]], api: float, busy: float
) -> None:
    sources = [Source(f"s{i}", hold, run) for i, (hold, run) in enumerate(pairs)] + [Source("api", 0.0, api)]

    def usd(source: Source) -> float:
        return source.usd_per_mtok_capacity + source.usd_per_mtok * busy

    edges = envelope(sources)
    named = next(source for source, share in edges if busy >= share)
    assert usd(named) == pytest.approx(min(map(usd, sources)), rel=1e-9, abs=1e-9)
    shares = [share for _, share in edges]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0.0


@given(LOADS, st.floats(0, 120), st.floats(0.1, 9))
def test_hours_are_summed_right(loads: list[float], level: float, volume: float) -> None:
    curve, plain = Hours.of(loads).scaled(volume), [load * volume for load in loads]
    assert curve.below(level) == pytest.approx(below(plain, level), rel=1e-9, abs=1e-9)
    assert curve.mean == pytest.approx(sum(plain) / len(plain), rel=1e-9)
    assert curve.peak == pytest.approx(max(plain), rel=1e-12)
    if level > 1:
        high = level * 1.5
        busy = (below(plain, high) - below(plain, level)) / (high - level)
        assert curve.slice_utilisation(level, high) == pytest.approx(busy, rel=1e-6, abs=1e-9)
