"""The money equations: published figures, closed forms against sums, limits, arrays against scalars."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.finance.capital import annuity_usd_per_day, sinking_fund_usd_per_day, straight_line_usd_per_day
from breakeven.finance.discounting import (
    TIMINGS,
    discount_factor,
    log_rate,
    mean_decay,
    month_factor,
    npv_crossover_multiplier,
    present_value_years,
)
from breakeven.finance.power import active_energy_usd_per_mtok, idle_energy_usd_per_day, mean_power_w
from breakeven.finance.spares import availability_share, spares_share

timings = st.sampled_from(sorted(TIMINGS))
rates = st.floats(-0.5, 1.5)


@pytest.mark.parametrize(("timing", "above"), [("year_end", 0.206), ("month_end", 0.154), ("continuous", 0.150)])
def test_three_year_annuity_at_ten_per_cent_above_straight_line(timing: str, above: float) -> None:
    line = straight_line_usd_per_day(capex_usd=250_000, residual_usd=0, life_years=3)
    level = annuity_usd_per_day(capex_usd=250_000, residual_usd=0, discount_rate=0.1, life_years=3, timing=timing)
    assert level / line - 1 == pytest.approx(above, abs=0.0005)


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ("continuous", (3.20, 6.26, 10.46)),
        ("month_mid", (3.21, 6.27, 10.51)),
        ("month_end", (3.36, 6.90, 12.36)),
    ],
)
def test_falling_api_price_multiplies_the_crossover(timing: str, expected: tuple[float, ...]) -> None:
    for factor, published in zip((3, 10, 50), expected, strict=True):
        found = npv_crossover_multiplier(
            price_falls_by_factor_per_year=factor, discount_rate=0.1, years=3, timing=timing
        )
        # Published to two decimals; the exact month-mid value at 50x is 10.505.
        assert found == pytest.approx(published, abs=0.006)


@given(rates, st.integers(1, 12), timings)
def test_present_value_is_the_sum_of_its_payments(rate: float, years: int, timing: str) -> None:
    a = log_rate(rate_per_year=rate)
    closed = present_value_years(decay_per_year=a, years=years, timing=timing)
    if timing == "year_end":
        summed = math.fsum((1 + rate) ** -k for k in range(1, years + 1))
    elif timing == "continuous":
        summed = years if a == 0 else (1 - math.exp(-a * years)) / a if abs(a) > 1e-6 else years * (1 - a * years / 2)
    else:
        lag = 0.5 if timing == "month_mid" else 1.0
        summed = math.fsum((1 + rate) ** (-(k + lag) / 12) for k in range(12 * years)) / 12
    assert closed == pytest.approx(summed, rel=1e-9)
    if timing != "year_end":
        months = math.fsum(month_factor(decay_per_year=a, month=m, timing=timing) for m in range(12 * years))
        assert months / 12 == pytest.approx(closed, rel=1e-12)


@given(st.floats(1, 1e6), st.floats(0, 1), rates, st.floats(0.25, 12), timings)
def test_annuity_pays_the_machine_back(capex: float, residual: float, rate: float, life: float, timing: str) -> None:
    daily = annuity_usd_per_day(
        capex_usd=capex, residual_usd=capex * residual, discount_rate=rate, life_years=life, timing=timing
    )
    worth = daily * 365 * present_value_years(decay_per_year=log_rate(rate_per_year=rate), years=life, timing=timing)
    assert worth + capex * residual * discount_factor(discount_rate=rate, years=life) == pytest.approx(capex, rel=1e-9)


@given(timings, st.floats(1e-12, 1e-6))
def test_no_jump_at_a_zero_rate(timing: str, rate: float) -> None:
    def at(r: float) -> float:
        return annuity_usd_per_day(capex_usd=1095, residual_usd=0, discount_rate=r, life_years=3, timing=timing)

    assert at(0.0) == pytest.approx(1.0, rel=1e-15)
    assert at(rate) == pytest.approx(1.0, abs=4 * rate)


def test_sinking_fund_reaches_its_sum() -> None:
    daily = sinking_fund_usd_per_day(future_usd=10_000, discount_rate=0.08, years=4, timing="year_end")
    assert math.fsum(daily * 365 * 1.08 ** (4 - k) for k in range(1, 5)) == pytest.approx(10_000, rel=1e-12)


@given(st.floats(-60, 60))
def test_mean_decay_has_no_seam(z: float) -> None:
    exact = 1.0 if z == 0 else -math.expm1(-z) / z
    assert mean_decay(z) == pytest.approx(exact, rel=2e-14)


def test_energy_splits_without_guessing_utilisation() -> None:
    """Idle per day plus active per token is the energy of the mean power at the volume's own utilisation."""
    power = {"idle_w": 1200.0, "active_w": 8000.0}
    price = {"pue": 1.3, "electricity_usd_per_kwh": 0.09}
    per_day = idle_energy_usd_per_day(idle_w=1200.0, **price)
    per_mtok = active_energy_usd_per_mtok(**power, **price, capacity_mtok_per_day=500.0)
    for mtok in (0.0, 125.0, 500.0):
        mean = mean_power_w(**power, utilisation_share=mtok / 500.0)
        assert per_day + per_mtok * mtok == pytest.approx(mean / 1000 * 24 * 1.3 * 0.09, rel=1e-12)


def test_power_of_eight_h100_as_a_published_guide_has_it() -> None:
    # 8 x 700 W plus a 2 kW host at PUE 1.4 and $0.10: $1.06 an hour.
    assert idle_energy_usd_per_day(idle_w=7600, pue=1.4, electricity_usd_per_kwh=0.1) / 24 == pytest.approx(1.064)


def test_spares_and_availability_agree() -> None:
    away = spares_share(failures_per_unit_year=0.09, replacement_days=14)
    assert availability_share(failures_per_unit_year=0.09, repair_days=14) == pytest.approx(1 / (1 + away))


@given(st.lists(st.tuples(rates, st.floats(0.25, 10), st.floats(0, 0.9)), min_size=1, max_size=30), timings)
def test_arrays_give_the_digits_of_single_numbers(rows: list[tuple[float, float, float]], timing: str) -> None:
    np = pytest.importorskip("numpy")
    from breakeven.serving.vector import VECTOR

    rate, life, left = (np.array(column) for column in zip(*rows, strict=True))
    many = annuity_usd_per_day(
        capex_usd=1e5, residual_usd=1e5 * left, discount_rate=rate, life_years=life, timing=timing, x=VECTOR
    )
    one = [
        annuity_usd_per_day(capex_usd=1e5, residual_usd=1e5 * s, discount_rate=r, life_years=n, timing=timing)
        for r, n, s in rows
    ]
    assert many.tolist() == one
