"""The decision in other futures: each row is the forecast one gets by asking for that future alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakeven.cli.inputs import load_catalogue
from breakeven.compare.forecast import Forecast
from breakeven.compare.forecast_profile import forecast_profile
from breakeven.compare.outlook import compare_with_forecast
from breakeven.profile.load import load_profile

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def made(*overrides: str) -> Forecast:
    return forecast_profile(load_profile(CONFIGS / "owned-70b.yaml", overrides), load_catalogue([]))[2]


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("as in the profile", "forecast.api_price_path=none"),
        ("price path same-model", "forecast.api_price_path=same-model"),
        ("price path same-quality", "forecast.api_price_path=same-quality"),
        ("price path frontier", "forecast.api_price_path=frontier"),
        ("demand stands still", "workload.demand.growth_per_year=0"),
    ],
)
def test_each_future_is_what_it_is_alone(name: str, override: str) -> None:
    row = next(row for row in made().scenarios if row.name == name)
    alone = made(override).decision
    assert alone is not None
    assert (row.npv_api_usd, row.npv_self_host_usd, row.npv_best_usd, row.switch_month) == (
        alone.npv_api_usd, alone.npv_self_host_usd, alone.npv_best_usd, alone.switch_month,
    )  # fmt: skip


def test_the_profiles_own_path_is_not_told_twice_and_paths_are_cited() -> None:
    names = [row.name for row in made("forecast.api_price_path=same-model").scenarios]
    assert names[0] == "as in the profile"
    assert "price path same-model" not in names
    assert "price path none" in names
    own_rate = made("forecast.api_price_change_per_year=-20%")
    assert {"price path none", "price path same-model"} <= {row.name for row in own_rate.scenarios}
    for row in own_rate.scenarios[2:]:
        assert not row.name.startswith("price path") or set(row.sources) <= set(own_rate.sources)


def test_a_report_lists_the_records_of_what_lies_ahead() -> None:
    result = compare_with_forecast(load_profile(CONFIGS / "owned-70b.yaml"), load_catalogue([]))
    assert {f"history/price-paths#paths[{i}]" for i in range(3)} <= {source.id for source in result.all_sources}
    assert [source.id for source in result.all_sources] == sorted({source.id for source in result.all_sources})


def test_demand_stands_still_though_prices_fall_and_demand_is_elastic() -> None:
    falling = made("forecast.api_price_path=same-quality", "forecast.demand_elasticity=-1")
    still = next(row for row in falling.scenarios if row.name == "demand stands still")
    alone = made("forecast.api_price_path=same-quality", "workload.demand.growth_per_year=0").decision
    assert alone is not None
    assert (still.npv_api_usd, still.npv_best_usd) == (alone.npv_api_usd, alone.npv_best_usd)
