"""Base load on own machines, overflow to the API: through the public interface, and by brute force."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import breakeven
from breakeven.finance.screening import Hours
from breakeven.offers.hybrid import Pair, first_paying_volume

from .profiles import interpolated_week, simple

DAYS = 730 / 24
# Loads in thousand tokens per second at the 0, 1, 10, 50 and 100 % points, as the source prints them.
FLEET = interpolated_week([0, 0.01, 0.1, 0.5, 1], [327.0, 327.0, 290.0, 222.0, 110.0])


def fleet(mtok_per_month: float) -> breakeven.compare.result.Comparison:
    return breakeven.run(
        simple(
            tokens_per_day=mtok_per_month * 1e6 / DAYS,
            price=0.317,
            usd_per_gpu_hour=6,
            gpus=4,
            tok_per_s=26_600,
            accelerator="b200-sxm",
            workload={"demand": {"shape": "hourly", "hourly": FLEET}},
        )
    )


def test_published_fleet_rule_gives_six_replicas() -> None:
    mean = sum(FLEET) / 168 * 1e3
    result = fleet(mean * 3600 * 730 / 1e6)
    hybrid = next(row for row in result.offers if row.offer.kind == "hybrid")
    api = next(row for row in result.offers if row.offer.kind == "api")
    assert hybrid.replicas == 6
    assert hybrid.offer.meta["needed_utilisation_share"] == pytest.approx(0.79, abs=0.002)
    assert hybrid.usd_per_month == pytest.approx(157_043, rel=1e-3)
    assert api.usd_per_month is not None and hybrid.usd_per_month is not None
    saving = api.usd_per_month - hybrid.usd_per_month
    assert saving / api.usd_per_month == pytest.approx(0.129, abs=0.0005)
    printed = fleet(583_000)
    bill = next(row for row in printed.offers if row.offer.kind == "api").usd_per_month
    assert bill == pytest.approx(184_811, rel=1e-9)
    assert bill is not None
    assert saving / bill == pytest.approx(0.126, abs=0.0005)
    assert next(row for row in printed.offers if row.offer.kind == "hybrid").replicas == 6


def test_hybrid_needs_no_redundancy_and_crosses_at_its_own_volume() -> None:
    """API $1, replica $70, 100 Mtok a day, one redundant: the staircase wins from 280, the hybrid from 70."""
    result = breakeven.run(
        simple(
            tokens_per_day=150e6,
            price=1.0,
            usd_per_gpu_hour=70 / 24,
            tok_per_s=100e6 / 86_400,
            self_host={"redundancy": "n+1"},
        )
    )
    staircase, hybrid = result.crossovers
    assert staircase.first_tokens_per_day == pytest.approx(280e6)
    assert (hybrid.outcome, hybrid.first_tokens_per_day) == ("at", pytest.approx(70e6))
    row = next(row for row in result.offers if row.offer.kind == "hybrid")
    assert (row.replicas, row.usd_per_day) == (1, pytest.approx(120.0))


def test_hybrid_is_never_dearer_than_the_api_alone() -> None:
    for volume in (1e6, 30e6, 69e6, 71e6, 1e9):
        result = breakeven.run(
            simple(tokens_per_day=volume, price=1.0, usd_per_gpu_hour=70 / 24, tok_per_s=100e6 / 86_400,
                   workload={"demand": {"shape": "office-hours"}})
        )  # fmt: skip
        rows = {row.offer.kind: row for row in result.offers}
        hybrid, api = rows["hybrid"].usd_per_day, rows["api"].usd_per_day
        assert hybrid is not None and api is not None
        assert hybrid <= api * (1 + 1e-12)
        first = result.crossovers[-1].first_tokens_per_day
        assert first is not None
        assert (hybrid < api) == (volume > first)


@settings(max_examples=150, deadline=None)
@example([1.0, 1.0, 1.0, 2e-313, 2e-313], 25.0, 2.0, 29.0, 2.0)  # hours of next to no load never fill up
@given(
    st.lists(st.floats(0, 10), min_size=2, max_size=40).filter(lambda loads: sum(loads) > 1),
    st.floats(1, 100),
    st.floats(0, 300),
    st.floats(0.1, 80),
    st.floats(0.1, 5),
)
def test_first_paying_volume_by_brute_force(
    loads: list[float], width: float, fixed: float, f: float, saving: float
) -> None:
    mean = sum(loads) / len(loads)
    pair = Pair(Hours.of([load / mean for load in loads]), width, fixed, f, saving)
    found = first_paying_volume(pair)

    def best(volume: float) -> float:
        top = int(volume * pair.curve.peak / width) + 2
        return max(pair.saving_usd_per_day(volume, n) for n in range(1, min(top, 400) + 1))

    if found is None:
        busiest = sum(load > 1e-6 for load in loads) / len(loads)
        assert saving * width * busiest <= f * (1 + 1e-9) + 1e-4 * fixed
        return
    volume, replicas = found
    if volume > 1e4 or replicas > 100:
        return
    scale = max(fixed + f * replicas, 1.0)
    assert pair.saving_usd_per_day(volume, replicas) == pytest.approx(0.0, abs=1e-7 * scale)
    for factor in (0.2, 0.7, 0.95, 0.999):
        assert best(volume * factor) <= 1e-7 * scale
    for factor in (1.001, 1.3, 2.0):
        assert best(volume * factor) >= -1e-7 * scale


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0.05, 10), min_size=2, max_size=24).filter(lambda loads: sum(loads) > 1),
    st.floats(1, 50),
    st.floats(0, 300),
    st.floats(0.1, 80),
    st.tuples(st.floats(0.1, 5), st.floats(0, 2), st.floats(0, 2)),
    st.floats(1, 2000),
    st.floats(1, 3000),
    st.sampled_from([0.0, 0.05, 0.4]),
)
def test_beside_a_minimum_spend_by_brute_force(
    loads: list[float], width: float, fixed: float, f: float, prices: tuple[float, float, float], minimum: float,
    volume: float, escalated: float,
) -> None:  # fmt: skip
    covered, other, own = prices
    mean = sum(loads) / len(loads)
    relative = [load / mean for load in loads]
    saving = (covered + other) * (1.0 - escalated) - own
    pair = Pair(Hours.of(relative), width, fixed, f, saving, covered, minimum, escalated * covered)

    def bill(mtok: float, n: int) -> float:
        served = sum(min(load * mtok, n * width) for load in relative) / len(relative)
        rest = mtok - served * (1.0 - escalated)
        machines = fixed + n * f + own * served if n else 0.0
        return machines + other * rest + max(minimum, covered * rest)

    def best(mtok: float) -> int:
        return min(range(int(mtok * max(relative) / width) + 2), key=lambda n: bill(mtok, n))

    scale = max(bill(volume, 0), 1.0)
    chosen = pair.replicas_at(volume)
    assert bill(volume, chosen) <= bill(volume, best(volume)) + 1e-9 * scale
    assert bill(volume, 0) - bill(volume, chosen) == pytest.approx(
        pair.saving_usd_per_day(volume, chosen) if chosen else 0.0, abs=1e-9 * scale
    )
    found = first_paying_volume(pair)
    if found is None or found[0] > 3000:
        return
    first = found[0]
    for factor in (0.3, 0.9, 0.999):
        assert best(first * factor) == 0 or bill(first * factor, 0) - bill(first * factor, best(first * factor)) <= 1e-7 * scale
    for factor in (1.001, 1.3):
        assert bill(first * factor, best(first * factor)) < bill(first * factor, 0) + 1e-7 * scale


def test_a_minimum_spend_moves_the_hybrid() -> None:
    """$1 per Mtok with $100 a day due anyway: the first replica of $70 pays from 170M on, not from 70M."""
    firsts = []
    for minimum in (0, 100):
        made = simple(tokens_per_day=200e6, price=1.0, usd_per_gpu_hour=70 / 24, tok_per_s=100e6 / 86_400)
        made["api"][0]["minimum_usd_per_month"] = minimum * 730 / 24
        result = breakeven.run(made)
        firsts.append(result.crossovers[-1].first_tokens_per_day)
        row = next(row for row in result.offers if row.offer.kind == "hybrid")
        assert (row.replicas, row.usd_per_day) == ((2, pytest.approx(140.0)) if not minimum else (1, pytest.approx(170.0)))
    assert firsts == pytest.approx([70e6, 170e6])


def test_textbook_mix_through_the_interface() -> None:
    """Load 1000 - 1000 z; coal 15 + 2 z owned, gas 10 + 12 z rented, everything else at 1012: 500 and 490."""
    line = interpolated_week([0, 1], [1000.0, 0.0])
    supply = [
        {"rent": "h100-sxm", "name": name, "usd_per_gpu_hour": held / 24, "gpus": 1, "min_replicas": 0,
         "extra_costs": [{"name": "fuel", "usd_per_mtok": run}]}
        for name, held, run in (("coal", 15, 2), ("gas", 10, 12))
    ]  # fmt: skip
    result = breakeven.run(
        simple(tokens_per_day=500e6, price=1012, usd_per_gpu_hour=1, tok_per_s=1e6 / 86_400,
               workload={"demand": {"shape": "hourly", "hourly": line}}, self_host={"supply": supply})
    )  # fmt: skip
    mix = next(row for row in result.offers if row.offer.id.startswith("hybrid:mix"))
    coal, gas = mix.offer.meta["mix"]["layers"]
    assert (coal.needed_utilisation_share, gas.needed_utilisation_share) == pytest.approx((0.5, 0.01), rel=1e-12)
    # 168 hours are a staircase under the line: half an hour's step is 0.3 % of the peak.
    assert coal.replicas == pytest.approx(500, rel=0.01)
    assert coal.replicas + gas.replicas == pytest.approx(990, rel=0.01)
    others = [row.usd_per_day for row in result.offers if row.usd_per_day is not None and row is not mix]
    assert mix.usd_per_day is not None
    assert mix.usd_per_day < min(others)
    crossing = next(c for c in result.crossovers if c.self_host == mix.offer.id)
    assert crossing.outcome == "at"


@pytest.mark.parametrize("monthly", [73.0, 7300.0])
def test_a_mix_pays_what_each_of_its_machines_adds(monthly: float) -> None:
    """Both entries have a cost of their own, a different one: neither stands for the other."""
    shared = {"name": "gateway", "usd_per_month": 365}
    supply = [
        {"rent": "h100-sxm", "usd_per_gpu_hour": 2.5, "gpus": 1, "extra_costs": [{"name": "rack", "usd_per_month": 365}]},
        {"rent": "h200-sxm", "usd_per_gpu_hour": 1.0, "gpus": 1,
         "extra_costs": [{"name": "meter", "usd_per_mtok": 0.9, "usd_per_month": monthly}]},
    ]  # fmt: skip
    hours = [1.0] * 6 + [3.0] * 12 + [5.0] * 4 + [9.0] * 2
    result = breakeven.run(
        simple(tokens_per_day=1.5e9, price=2.0, usd_per_gpu_hour=1, tok_per_s=600,
               workload={"demand": {"shape": "hourly", "hourly": hours}},
               self_host={"supply": supply, "extra_costs": [shared]})
    )  # fmt: skip
    mixes = [row for row in result.offers if row.offer.id.startswith("hybrid:mix")]
    if monthly > 73:  # dearer than one machine beside the API
        assert not mixes
        return
    fixed = {line.name: line.usd_per_day for line in mixes[0].offer.lines if "extra" in line.id}
    rent = {line.name: line for line in mixes[0].offer.lines if line.id.endswith("rent")}
    assert len(rent) == 2
    assert fixed == pytest.approx({"gateway (layer 1)": 12, "rack (layer 1)": 12, "gateway (layer 2)": 0, "meter (layer 2)": 2.4})


def test_no_mix_where_one_machine_is_best_throughout() -> None:
    supply = [{"rent": "h100-sxm", "usd_per_gpu_hour": rate, "gpus": 1} for rate in (1, 2)]
    result = breakeven.run(
        simple(tokens_per_day=500e6, price=1, usd_per_gpu_hour=1, tok_per_s=1000, self_host={"supply": supply})
    )
    assert not [row for row in result.offers if row.offer.id.startswith("hybrid:mix")]


@pytest.mark.parametrize("minimum", [0, 20_000, 60_000])
@pytest.mark.parametrize("fte", [0, 3])
def test_no_hybrid_costs_more_than_buying_everything(minimum: float, fte: float) -> None:
    data = simple(
        tokens_per_day=1e9, price=1.0, usd_per_gpu_hour=2, tok_per_s=1200,
        workload={"demand": {"shape": "office-hours", "peak_to_mean": 4}},
        self_host={
            "labour_fte": fte,
            "supply": [
                {"rent": "h100-sxm", "usd_per_gpu_hour": 2, "gpus": 1, "min_replicas": 0},
                {"rent": "a100-sxm-80gb", "usd_per_gpu_hour": 0.3, "gpus": 1, "min_replicas": 0,
                 "extra_costs": [{"name": "power", "usd_per_mtok": 0.4}]},
            ],
        },
    )  # fmt: skip
    data["api"][0]["minimum_usd_per_month"] = minimum
    result = breakeven.run(data)
    api = next(row.usd_per_day for row in result.offers if row.offer.kind == "api")
    hybrids = [row for row in result.offers if row.offer.kind == "hybrid"]
    assert api is not None and len(hybrids) >= 2
    for row in hybrids:
        assert row.usd_per_day is not None
        assert row.usd_per_day <= api * (1 + 1e-12)
    mixes = [row.usd_per_day for row in hybrids if "mix" in row.offer.meta]
    singles = [row.usd_per_day or 0.0 for row in hybrids if "mix" not in row.offer.meta]
    assert all((mix or 0.0) < min(singles) for mix in mixes)
