"""Shares of a change sum to it exactly: in dollars to the last bit, in cents to the cent."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.gate.attribution import shapley, summing_to, to_cents

MONEY = st.floats(min_value=-1e7, max_value=1e7, allow_nan=False).map(lambda value: round(value, 7))
SHARES = st.dictionaries(st.sampled_from("abcdefghij"), MONEY, min_size=1)


@given(SHARES, st.integers(min_value=-3, max_value=3))
@settings(max_examples=500, deadline=None)
def test_dollars_sum_to_the_last_bit(shares: dict[str, float], ulps: int) -> None:
    """The total is what two evaluations differ by: a few last digits off the sum of the shares."""
    total = math.fsum(shares.values())
    total += ulps * math.ulp(total)
    summed = math.fsum(summing_to(shares, total).values())
    finest = min((abs(value) for value in shares.values() if value), default=0.0)
    if finest <= abs(total):
        assert summed == total
    else:  # shares that all but cancel: no float of their size says the total
        assert abs(summed - total) <= math.ulp(finest)


@given(SHARES)
@settings(max_examples=300, deadline=None)
def test_cents_sum_to_the_total_and_stay_near_their_dollars(shares: dict[str, float]) -> None:
    total = math.fsum(shares.values())
    cents = to_cents(shares, total)
    assert sum(cents.values()) == round(total * 100)
    assert all(abs(cents[name] - shares[name] * 100) <= 1.0 + 1e-6 for name in shares)


@given(st.permutations("abcd"), st.lists(MONEY, min_size=16, max_size=16))
@settings(max_examples=200, deadline=None)
def test_no_order_of_the_causes_changes_a_share(order: list[str], costs: list[float]) -> None:
    def cost(chosen: frozenset[str]) -> float:
        return costs[sum(1 << "abcd".index(name) for name in chosen)]

    assert shapley(order, cost) == shapley("abcd", cost)


def test_numbers_written_otherwise_are_costed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four causes whose keys say the same in other letters: sixteen mixes of one profile."""
    from breakeven.catalog.store import Catalogue
    from breakeven.gate import compared
    from breakeven.gate.facts import World
    from breakeven.profile.load import loads_profile
    from tests.gate.bench import PROFILE

    asked = []
    real = compared._subject_cost
    monkeypatch.setattr(compared, "_subject_cost", lambda *given: asked.append(1) or real(*given))
    base = PROFILE.replace("throughput: {", "labour_fte: 0.50\n  throughput: {")
    head = base.replace("33333", "33_333.0").replace("1000", "1k").replace("0.50", "'0.5'").replace("9000", "9k").replace("hour: 12", "hour: '$12'")
    world = World.of(Catalogue.load([]), None)
    before, after = (loads_profile(text.encode(), "chat.yaml") for text in (base, head))
    row, _, _ = compared.compare_profile(after, compared.Side(before), subject="cheapest", facts=compared.Facts(world, world))
    assert len(row.shares) == 5
    assert [share.cents for share in row.shares] == [0] * 5
    assert len(asked) == 1


def test_estimates_beside_a_file_are_shared_in_its_folder_only(tmp_path: Path) -> None:
    """Each of a thousand mixes made its own: a profile with an hourly_file took fourteen times as long as one without."""
    from breakeven.catalog.store import Catalogue
    from breakeven.gate.facts import World
    from breakeven.profile.load import load_profile
    from tests.gate.scene import FLAT, HOURLY, PEAKED

    world = World.of(Catalogue.load([]), None)
    scopes = {}
    for name, week in (("a/one", FLAT), ("a/two", FLAT), ("b/one", PEAKED)):
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HOURLY, encoding="utf-8")
        (path.parent / "week.txt").write_text(week, encoding="utf-8")
        loaded = load_profile(path)
        scopes[name] = world.scope(loaded, world.date_of(loaded))
    assert scopes["a/one"].plans is scopes["a/two"].plans
    assert scopes["a/one"].plans is not scopes["b/one"].plans
    assert max(scopes["a/one"].weights) == 1.0 < max(scopes["b/one"].weights)
