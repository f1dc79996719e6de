"""Escalated requests reach an API: its price, its fee and its minimum spend are owed, now and later."""

from __future__ import annotations

from typing import Any

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.forecast import forecast
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.errors import InputError
from breakeven.profile.load import from_document
from breakeven.yamlio import Document

from ..compare.profiles import simple

CATALOGUE = Catalogue.load()
DAYS = 730 / 24


def profile(*, minimum_per_day: float = 400.0, share: float = 0.1, volume: float = 100e6, **host: Any) -> dict[str, Any]:
    """$2 per Mtok with a fee of 5 %; one GPU of $48 a day that carries 100 Mtok."""
    data = simple(tokens_per_day=volume, price=2.0, usd_per_gpu_hour=2.0, tok_per_s=1e9 / 86_400,
                  self_host={"escalation_share": share, **host})  # fmt: skip
    data["api"][0]["platform_fee_share"] = 0.05
    data["api"][0]["minimum_usd_per_month"] = minimum_per_day * DAYS
    return data


def row_of(result: Comparison, kind: str) -> OfferAtVolume:
    return next(row for row in result.offers if row.offer.kind == kind)


def scope_of(data: dict[str, Any]) -> Any:
    return make_scope(from_document(Document(data, "<test>", None)), CATALOGUE)


def test_the_minimum_is_topped_up_beside_own_machines() -> None:
    own = row_of(breakeven.run(profile()), "rented")
    bill = {line.id: usd for line, usd in own.bill}
    assert bill == pytest.approx({"rent": 48.0, "escalation": 20.0, "escalation-fee": 1.0, "minimum-spend": 380.0})
    assert own.usd_per_day == pytest.approx(449.0)


def test_above_the_minimum_only_the_tokens_are_paid() -> None:
    own = row_of(breakeven.run(profile(minimum_per_day=15.0)), "rented")
    assert own.usd_per_day == pytest.approx(48.0 + 21.0)


def test_without_a_minimum_there_is_one_line() -> None:
    own = row_of(breakeven.run(profile(minimum_per_day=0.0)), "rented")
    assert {line.id: usd for line, usd in own.bill} == pytest.approx({"rent": 48.0, "escalation": 21.0})


@pytest.mark.parametrize("minimum", [0.0, 15.0, 400.0])
def test_the_crossing_is_where_the_bills_meet(minimum: float) -> None:
    result = breakeven.run(profile(minimum_per_day=minimum))
    found = result.crossovers[0]
    api, own = row_of(result, "api").offer, row_of(result, "rented").offer
    assert found.first_tokens_per_day
    for volume in (found.first_tokens_per_day * (1 - 1e-9), found.first_tokens_per_day * (1 + 1e-9)):
        assert (own.usd_per_day_at(volume) < api.usd_per_day_at(volume)) is (volume > found.first_tokens_per_day)
    for step in range(1, 4000):
        volume = step * found.first_tokens_per_day / 4000
        assert own.usd_per_day_at(volume) >= api.usd_per_day_at(volume) - 1e-9


def test_a_hybrid_owes_the_minimum_once() -> None:
    """Overflow and escalated requests go to the same contract: together they reach its minimum."""
    data = profile(minimum_per_day=150.0, volume=200e6, hybrid=True)
    data["workload"]["demand"] = {"shape": "office-hours"}
    row = row_of(breakeven.run(data), "hybrid")
    assert row.replicas
    assert [line.id for line, _ in row.bill].count("minimum-spend") == 1
    at_api = 2.0 * 200.0 * (1.0 - 0.9 * row.offer.meta["own_share"])
    expected = 48.0 * row.replicas + max(150.0, at_api) + 0.05 * at_api
    assert row.usd_per_day == pytest.approx(expected)


def test_a_fleet_that_escalates_elsewhere_has_no_hybrid_beside_two_minimums() -> None:
    data = profile(hybrid=True, escalate_to="own/other")
    data["api"].append({**data["api"][0], "model": "own/other"})
    assert not [row for row in breakeven.run(data).offers if row.offer.kind == "hybrid"]
    data["api"][1].pop("minimum_usd_per_month")
    assert [row for row in breakeven.run(data).offers if row.offer.kind == "hybrid"]


def test_every_month_of_a_forecast_owes_it() -> None:
    def at(volume: float, growth: float) -> dict[str, Any]:
        data = profile(minimum_per_day=30.0, volume=volume, hybrid=True)
        data["workload"]["demand"] = {"shape": "office-hours", "growth_per_year": growth}
        data["forecast"] = {"horizon_months": 24}
        return data

    scope = scope_of(at(60e6, 1.5))
    result = compare_scope(scope)
    made = forecast(scope, [row.offer for row in result.offers], api=result.headline.api, self_host=result.headline.self_host)
    for m in (0, 6, 12, 23):
        fresh = breakeven.run(at(60e6 * 2.5 ** (m / 12), 0.0))
        for row in made.offers:
            now = next(r for r in fresh.offers if r.offer.kind == row.kind)
            assert row.months[m].usd == pytest.approx((now.usd_per_day or 0.0) * DAYS, rel=1e-9), (m, row.kind)


@pytest.mark.parametrize("minimum", [0.0, 60.0])
def test_escalated_requests_pay_an_announced_price_from_its_day_on(minimum: float) -> None:
    """gemini-4-argon doubles on 2026-12-01: a month later the forecast is what a run of that day says."""
    data = profile(minimum_per_day=minimum, volume=60e6, hybrid=True)
    data["workload"]["demand"] = {"shape": "office-hours"}
    data["api"][0].pop("prices")
    data["api"][0]["model"] = "google/gemini-4-argon"
    scope = scope_of(data)
    result = compare_scope(scope)
    made = forecast(scope, [row.offer for row in result.offers], api=result.headline.api, self_host=result.headline.self_host)
    fresh = breakeven.run(data, as_of="2026-12-23")
    for row in made.offers:
        now = next(r for r in fresh.offers if r.offer.kind == row.kind)
        assert row.months[1].usd == pytest.approx((now.usd_per_day or 0.0) * DAYS, rel=1e-9), row.kind
    assert made.crossings[1].first_tokens_per_day == pytest.approx(fresh.crossovers[0].first_tokens_per_day, rel=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_risk_counts_it_now_and_in_later_years(share: float) -> None:
    pytest.importorskip("scipy")
    from breakeven.compare.risk import risk

    data = profile(minimum_per_day=400.0, volume=60e6, share=share)
    data["uncertainty"] = {"ranges": {"self_host.supply[0].usd_per_gpu_hour": {"low": 1.0, "typical": 2.0, "high": 30.0}}}
    found = risk(scope_of(data), draws=256)
    for row in found.offers:
        assert row.cheapest_probability_by_year[0] == row.cheapest_probability
    # Nothing changes over time here, so every year is like today.
    assert len({tuple(row.cheapest_probability_by_year[i] for row in found.offers) for i in range(3)}) == 1
    own = next(row for row in found.offers if row.offer.startswith("rented"))
    assert (own.cheapest_probability > 0.0) is (share == 0.0)


def test_only_a_per_token_api_can_take_them() -> None:
    data = profile()
    data["api"][0] = {"model": "azure/gpt-5.2", "provisioned": {"unit": "ptu"}}
    with pytest.raises(InputError, match="per-token API to escalate to"):
        breakeven.run(data)
