"""Provisioned throughput as a staircase on the peak rate."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.errors import InputError
from breakeven.offers.api import build_api_offers
from breakeven.offers.offer import Offer
from breakeven.offers.provisioned import MAX_BUNDLE_UNITS, best_bundle
from tests.offers.scopes import scope

RPM_1000 = 1_000 * 1_440  # requests a day at a flat thousand a minute


def _offer(api: str, workload: str) -> Offer:
    (offer,) = build_api_offers(scope(f"  - {api}", workload=workload))
    return offer


def _ptu(cached: str = "0%", demand: str = "{shape: flat}", term: str = "hourly") -> Offer:
    return _offer(
        f"{{model: azure/gpt-5.2, provisioned: {{unit: ptu, term: {term}}}}}",
        f"{{requests_per_day: {RPM_1000}, input_tokens: 200, output_tokens: 20, cached_input_share: {cached}, "
        f"demand: {demand}}}",
    )


@pytest.mark.parametrize(("cached", "ptus"), [("0%", 110), ("50%", 80)])
def test_the_worked_example_of_the_sizing_page(cached: str, ptus: int) -> None:
    """1,000 requests a minute of 200 + 20 tokens on gpt-5.2: 105.88 -> 110 PTU; half cached 76.47 -> 80."""
    offer = _ptu(cached)
    assert offer.kind == "provisioned"
    assert offer.id == "provisioned:azure/gpt-5.2@ptu-hourly"
    assert offer.replicas_at(RPM_1000 * 220) * 5 == ptus
    assert offer.usd_per_day_at(RPM_1000 * 220) == pytest.approx(ptus * 24)
    assert offer.usd_per_mtok == 0 and offer.redundant_replicas == 0


def test_the_minimum_and_the_increment() -> None:
    offer = _ptu()
    assert offer.min_replicas * 5 == 15
    assert offer.usd_per_day_at(1) == pytest.approx(15 * 24)
    assert offer.usd_per_replica_day == pytest.approx(5 * 24)


def test_units_follow_the_peak_not_the_mean() -> None:
    flat, peaky = _ptu(), _ptu(demand="{shape: flat, peak_to_mean: 3}")
    assert flat.tokens_per_day_per_replica is not None and peaky.tokens_per_day_per_replica is not None
    assert peaky.tokens_per_day_per_replica == pytest.approx(flat.tokens_per_day_per_replica / 3)
    assert peaky.capacity_per_replica_tokens_per_day == flat.capacity_per_replica_tokens_per_day
    assert peaky.replicas_at(RPM_1000 * 220) * 5 == math.ceil(3 * 360_000 / 3_400 / 5) * 5


@pytest.mark.parametrize(("term", "usd"), [("hourly", 24), ("monthly", 260 * 12 / 365), ("yearly", 2652 / 365)])
def test_terms(term: str, usd: float) -> None:
    assert _ptu(term=term).usd_per_replica_day == pytest.approx(5 * usd)


def test_an_open_model_on_units_with_a_large_minimum() -> None:
    offer = _offer(
        "{model: azure/gpt-oss-120b, provisioned: {unit: ptu, term: hourly}}",
        "{tokens_per_day: 10M, input_tokens: 1000, output_tokens: 1000}",
    )
    assert (offer.min_replicas, offer.meta["units_per_step"]) == (2, 40)  # 80 PTU, then 40 at a time
    assert offer.usd_per_day_at(10e6) == pytest.approx(80 * 24)
    per_minute = 80 * 13_500 / ((1_000 + 4 * 1_000) / 2_000)
    assert offer.tokens_per_day_per_replica == pytest.approx(per_minute * 1_440 / 2)


def test_vertex_units_count_cached_reads_at_a_tenth() -> None:
    api = "{model: vertex/gemini-3.5-flash, provisioned: {unit: gsu, term: monthly}}"
    work = "{tokens_per_day: 10M, input_tokens: 900, output_tokens: 100, cached_input_share: %s}"
    plain, cached = _offer(api, work % "0%"), _offer(api, work % "100%")
    assert plain.usd_per_replica_day == pytest.approx(2_700 / (730 / 24))
    k = plain.capacity_per_replica_tokens_per_day
    assert k == pytest.approx(675 * 86_400 / ((900 + 6 * 100) / 1_000))
    assert cached.capacity_per_replica_tokens_per_day == pytest.approx(675 * 86_400 / ((90 + 600) / 1_000))


def test_the_users_minimum_and_discount() -> None:
    offer = _offer(
        "{model: azure/gpt-5.2, discount: 20%, provisioned: {unit: ptu, term: hourly, minimum_units: 42}}",
        "{tokens_per_day: 1M, input_tokens: 200, output_tokens: 20}",
    )
    assert offer.min_replicas * 5 == 45  # whole increments
    assert offer.usd_per_replica_day == pytest.approx(5 * 24 * 0.8)


def test_requests_longer_than_the_units_serve() -> None:
    offer = _offer(
        "{model: azure/gpt-4.1, provisioned: {unit: ptu, term: hourly}}",
        "{tokens_per_day: 1M, input_tokens: 200k, output_tokens: 20}",
    )
    assert not offer.feasible and "exceed the 128,000 that ptu serves" in offer.why_not[0]


def test_input_and_output_units_bought_apart() -> None:
    """GPT-5 Scale Tier: 25,000 input and 2,500 output tokens a minute for $75 and $60 a day."""
    offer = _offer(
        "{model: openai/gpt-5, provisioned: {unit: scale-tier, term: daily}}",
        "{tokens_per_day: 100M, input_tokens: 1000, output_tokens: 100}",
    )
    assert offer.usd_per_replica_day == pytest.approx(135)  # one of each fits 10 : 1 exactly
    assert offer.capacity_per_replica_tokens_per_day == pytest.approx(27_500 * 1_440)
    need_in, need_out = 100e6 * 10 / 11 / 1_440 / 25_000, 100e6 / 11 / 1_440 / 2_500
    assert offer.usd_per_day_at(100e6) == 75 * math.ceil(need_in) + 60 * math.ceil(need_out)
    assert any("bundles" in note for note in offer.notes)


@given(
    st.floats(0.02, 0.98), st.floats(1e3, 1e6), st.floats(1e3, 1e6), st.floats(1, 500), st.floats(1, 500),
    st.floats(1, 1e9),
)  # fmt: skip
def test_a_bundle_plan_serves_and_is_an_upper_bound(
    share: float, k_in: float, k_out: float, usd_in: float, usd_out: float, volume: float
) -> None:
    try:
        inputs, outputs, tokens = best_bundle(
            input_tokens_per_day=k_in, output_tokens_per_day=k_out, input_share=share, output_share=1 - share,
            usd_per_input_unit_day=usd_in, usd_per_output_unit_day=usd_out,
        )  # fmt: skip
    except Exception as error:  # only where the two kinds are hopelessly unequal
        assert "too unequal" in str(error)
        return
    assert 2 <= inputs + outputs <= MAX_BUNDLE_UNITS
    steps = math.ceil(volume / tokens)
    assert steps * inputs * k_in >= volume * share * (1 - 1e-9)
    assert steps * outputs * k_out >= volume * (1 - share) * (1 - 1e-9)
    apart = usd_in * math.ceil(volume * share / k_in * (1 - 1e-9)) + usd_out * math.ceil(
        volume * (1 - share) / k_out * (1 - 1e-9)
    )
    assert steps * (inputs * usd_in + outputs * usd_out) >= apart * (1 - 1e-9)


def test_unknown_units_say_what_is_known() -> None:
    with pytest.raises(InputError, match=r"test\.yaml:5:.*known: gsu \(monthly\), gsu \(yearly\)"):
        _offer(
            "{model: vertex/gemini-3.5-flash, provisioned: {unit: ptu, term: hourly}}",
            "{tokens_per_day: 1M, input_tokens: 1, output_tokens: 1}",
        )


def test_a_supplier_contract_in_an_overlay(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(
        """
kind: api
id: acme
name: Acme
models:
  - model: big
    provisioned:
      - {effective: 2026-01-01, unit: slot, usd_per_unit: {monthly: 365},
         input_tokens_per_minute_per_unit: 1000, output_token_weight: 2, minimum_units: 4, unit_increment: 2,
         source: {title: offer 12, retrieved: 2026-11-01, kind: quote}}
"""
    )
    catalogue = Catalogue.load([tmp_path])
    made = scope(
        "  - {model: acme/big, provisioned: {unit: slot, term: monthly}}",
        workload="{tokens_per_day: 1M, input_tokens: 50, output_tokens: 50}",
        catalogue=catalogue, book=PriceBook(catalogue),
    )  # fmt: skip
    (offer,) = build_api_offers(made)
    assert offer.min_replicas == 2
    assert offer.usd_per_replica_day == pytest.approx(2 * 12)  # 365 over 730 hours
    assert offer.capacity_per_replica_tokens_per_day == pytest.approx(2 * 1_000 * 1_440 / 1.5)
    assert catalogue.source(offer.lines[0].sources[0]).title == "offer 12"
