"""Arrays in place of numbers: exact sums, branches, step counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from breakeven.compare.crossover import crossover, turning_points  # noqa: E402
from breakeven.compare.many import Disagree, exact_sum, many, step_counts  # noqa: E402
from breakeven.compare.many_crossovers import OUTCOMES, Replicas, Sums, crossings  # noqa: E402
from breakeven.offers.offer import steps  # noqa: E402

from .staircases import money, offer, price, width  # noqa: E402

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e60, max_value=1e60)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=9), st.lists(numbers, max_size=4))
def test_exact_sum_is_fsum(columns: list[list[float]], constants: list[float]) -> None:
    found = exact_sum([*constants, *(np.array(column) for column in columns)])
    expected = [math.fsum([*constants, *(column[i] for column in columns)]) for i in range(3)]
    assert found.tolist() == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-(2**53), 2**53).map(float), min_size=3, max_size=6), st.integers(-60, 60))
def test_exact_sum_rounds_half_to_even(values: list[float], shift: int) -> None:
    parts = [value * 2.0 ** (shift * (i % 2)) for i, value in enumerate(values)]
    assert exact_sum([np.array([part, part]) for part in parts]).tolist() == [math.fsum(parts)] * 2


def test_branches() -> None:
    x = many([1.0, 2.0])
    assert x
    assert not many([0.0, 0.0])
    assert x < 3
    with pytest.raises(Disagree) as caught:
        max(x, 1.5)
    assert caught.value.mask.tolist() in ([True, False], [False, True])
    with pytest.raises(TypeError):
        float(x)
    with pytest.raises(TypeError):
        hash(x)
    assert f"{x:g}" == "varies"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.floats(0.1, 1e9)), min_size=1, max_size=20))
def test_step_counts_are_steps(rows: list[tuple[int, float]]) -> None:
    widths = np.array([w for _, w in rows])
    volumes = np.array([n * w for n, w in rows])
    assert step_counts(volumes, widths).tolist() == [steps(v, w) for v, w in zip(volumes, widths, strict=True)]


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_many_crossings_are_the_crossings(data: st.DataObject) -> None:
    rows = []
    for _ in range(data.draw(st.integers(1, 6))):
        api = offer("a", fixed=data.draw(st.sampled_from([0.0, 0.0, 5.0])), per_mtok=data.draw(price))
        own = offer(
            "b",
            fixed=data.draw(st.one_of(st.just(0.0), money)),
            replica=data.draw(money),
            per_mtok=data.draw(st.one_of(st.just(0.0), price)),
            kappa=data.draw(width),
            n_min=data.draw(st.integers(0, 4)),
            redundant=data.draw(st.integers(0, 2)),
        )
        rows.append((api, own))

    def column(values: list[float]) -> object:
        return np.array(values, dtype=float)

    found = crossings(
        Sums(column([a.fixed_usd_per_day for a, _ in rows]), 0.0, column([a.usd_per_mtok for a, _ in rows])),
        Sums(
            column([b.fixed_usd_per_day for _, b in rows]),
            column([b.usd_per_replica_day for _, b in rows]),
            column([b.usd_per_mtok for _, b in rows]),
        ),
        Replicas(
            column([b.tokens_per_day_per_replica or 0 for _, b in rows]),
            column([b.capacity_per_replica_tokens_per_day or 0 for _, b in rows]),
            column([b.min_replicas for _, b in rows]),
            column([b.redundant_replicas for _, b in rows]),
        ),
        count=len(rows),
        by_law=lambda i: turning_points(*rows[i]),
    )
    for i, (a, b) in enumerate(rows):
        expected = crossover(a, b)
        assert OUTCOMES[int(found.outcome[i])] == expected.outcome
        for name, value in (
            ("first", expected.first_tokens_per_day),
            ("settled", expected.settled_tokens_per_day),
            ("capacity_share", expected.capacity_share),
        ):
            got = float(getattr(found, name)[i])
            assert (None if got != got else got) == value, name
