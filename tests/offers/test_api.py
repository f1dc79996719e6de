"""Offers of APIs bought per token, from profiles as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.errors import FactNotInForce, InputError
from breakeven.offers.api import build_api_offers, hosted_offer
from breakeven.offers.scope import Scope
from breakeven.profile.load import loads_profile
from tests.offers.scopes import AS_OF, BOOK, CATALOGUE, PROFILE, one, scope


def test_100m_tokens_a_day_of_short_requests_cost_314_50() -> None:
    offer = one()
    assert offer.id == "api:openai/gpt-6.1-sol"
    assert offer.kind == "api"
    assert offer.usd_per_day_at(100e6) == pytest.approx(314.5, abs=1e-9)
    assert {line.id: round(line.usd_at(mtok_per_day=100, replicas=0), 9) for line in offer.lines} == {
        "input": 60.0, "cached-input": 4.5, "output": 250.0,
    }  # fmt: skip
    assert offer.meta["provider"] == "openai" and offer.meta["choice"] == 0


def test_every_coefficient_follows_from_its_terms() -> None:
    for line in one("  - {model: anthropic/claude-sonnet-5-5}").lines:
        terms = {term.name: term for term in line.terms}
        kind = line.id.replace("-", "_")
        price = terms[f"{kind}_usd_per_mtok"]
        assert isinstance(price.value, str)  # a list price stays exact
        assert price.sources == line.sources and len(line.sources) == 1
        tokens, total = terms[f"{kind}_tokens"].value, terms["tokens_per_request"].value
        assert line.usd_per_mtok == pytest.approx(float(price.value) * tokens / total)
        assert line.equation == "api-tokens"


def test_the_reference_shape_costs_six_dollars() -> None:
    offer = one(workload="{tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}")
    assert offer.usd_per_mtok == pytest.approx(6.0)
    assert [line.id for line in offer.lines] == ["input", "output"]


def test_a_cache_write_share_is_charged_as_writes() -> None:
    offer = one(
        workload="{tokens_per_day: 1M, input_tokens: 800, output_tokens: 200, cached_input_share: 50%, "
        "cache_write_share: 25%}"
    )
    lines = {line.id: line.usd_per_mtok for line in offer.lines}
    assert lines["input"] == pytest.approx(2 * 200 / 1000)
    assert lines["cached-input"] == pytest.approx(0.1 * 400 / 1000)
    assert lines["cache-write"] == pytest.approx(2.5 * 200 / 1000)


def test_a_bar_that_no_request_has_is_not_the_longest_request() -> None:
    offer = one(
        "  - {model: openai/gpt-6.1-sol, max_input_tokens: 2000}",
        workload="{requests_per_day: 100, requests: [{share: 1, input_tokens: 1000, output_tokens: 100}, "
        "{share: 0, input_tokens: 300k, output_tokens: 9k}]}",
    )
    assert offer.feasible and not offer.why_not


def test_a_histogram_puts_only_long_requests_in_the_long_tier() -> None:
    offer = one(
        workload="{requests_per_day: 100, requests: [{share: 75%, input_tokens: 100k, output_tokens: 1000}, "
        "{share: 25%, input_tokens: 300k, output_tokens: 1000}]}"
    )
    tokens = 0.75 * 101_000 + 0.25 * 301_000
    usd = 0.75 * (0.1 * 2 + 0.001 * 10) + 0.25 * (0.3 * 4 + 0.001 * 15)
    assert offer.usd_per_mtok == pytest.approx(usd / tokens * 1e6)


def test_reasoning_has_a_line_where_it_has_a_price() -> None:
    work = "{tokens_per_day: 1M, input_tokens: 500, output_tokens: 500, reasoning_share: 40%}"
    lines = {line.id: line.usd_per_mtok for line in one("  - perplexity/sonar-deep-research", workload=work).lines}
    assert lines["output"] == pytest.approx(8 * 300 / 1000)
    assert lines["reasoning"] == pytest.approx(3 * 200 / 1000)
    plain = {line.id: line.usd_per_mtok for line in one(workload=work).lines}
    assert "reasoning" not in plain and plain["output"] == pytest.approx(10 * 500 / 1000)


# --- batch ----------------------------------------------------------------------------------------

HALF_BATCH = "{tokens_per_day: 1M, input_tokens: 500, output_tokens: 500, batch_share: 40%}"


def test_batch_requests_pay_the_batch_price() -> None:
    offer = one(workload=HALF_BATCH)
    lines = {line.id: line for line in offer.lines}
    assert lines["input"].usd_per_mtok == pytest.approx(0.6 * 2 * 0.5)
    assert lines["batch-input"].usd_per_mtok == pytest.approx(0.4 * 1 * 0.5)
    assert lines["batch-output"].usd_per_mtok == pytest.approx(0.4 * 5 * 0.5)
    assert lines["batch-output"].equation == "api-batch"
    assert any("#batch_windows" in source for source in lines["batch-output"].sources)
    assert offer.usd_per_mtok == pytest.approx(6 * (0.6 + 0.4 / 2))
    assert offer.meta["batch_priced"] is True


def test_a_batch_that_ends_too_late_is_not_used() -> None:
    offer = one(workload=HALF_BATCH.replace("}", ", batch_window_hours: 4}"))
    assert offer.usd_per_mtok == pytest.approx(6)
    assert any("ends a batch within 24 h, but workload.batch_window_hours is 4" in note for note in offer.notes)


def test_without_a_batch_price_the_standard_price_is_said() -> None:
    offer = one("  - together/openai/gpt-oss-120b", workload=HALF_BATCH)
    assert offer.usd_per_mtok == pytest.approx((0.15 + 0.6) / 2)
    assert [line.id for line in offer.lines] == ["input", "output"]
    assert any("has no batch price: the 40% that may wait pay the standard price" in note for note in offer.notes)
    assert offer.meta["batch_priced"] is False


def test_waiting_requests_go_off_peak_where_there_is_no_batch() -> None:
    offer = one("  - deepseek/deepseek-flash", workload=HALF_BATCH)
    lines = {line.id: line.usd_per_mtok for line in offer.lines}
    assert lines["output"] == pytest.approx(0.6 * 0.725 * 0.5)
    assert lines["off-peak-output"] == pytest.approx(0.4 * 0.6 * 0.5)
    hurried = one("  - deepseek/deepseek-flash", workload=HALF_BATCH.replace("}", ", batch_window_hours: 2}"))
    assert hurried.usd_per_mtok == pytest.approx((0.18125 + 0.725) / 2)


def test_the_hours_of_demand_decide_a_price_by_the_hour() -> None:
    hours = ", ".join("1" if hour in (1, 2, 3, 6, 7, 8, 9) else "0" for hour in range(24))
    work = (
        f"{{tokens_per_day: 1M, input_tokens: 500, output_tokens: 500, demand: {{shape: hourly, hourly: [{hours}]}}}}"
    )
    offer = one("  - deepseek/deepseek-flash", workload=work)
    assert offer.usd_per_mtok == pytest.approx((0.15 + 0.6) / 2 * (2 * 5 + 2) / 7)  # peak on five days of seven


# --- terms of the contract ------------------------------------------------------------------------


def test_discount_fee_and_minimum_are_lines_of_their_own() -> None:
    offer = one(
        "  - {model: openai/gpt-6.1-sol, discount: 10%, platform_fee_share: 5%, minimum_usd_per_month: 7300}",
        workload="{tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}",
    )
    lines = {line.id: line for line in offer.lines}
    assert lines["discount"].usd_per_mtok == pytest.approx(-0.6)
    assert lines["platform-fee"].usd_per_mtok == pytest.approx(0.05 * 5.4)
    assert offer.usd_per_mtok == pytest.approx(5.4 * 1.05)
    assert offer.minimum_usd_per_day == pytest.approx(240)  # 7,300 over 730 hours
    bill = {line.id: usd for line, usd in offer.bill(10e6)}
    assert bill["minimum-spend"] == pytest.approx(240 - 54)
    assert offer.usd_per_day_at(10e6) == pytest.approx(240 + 0.05 * 54)
    assert offer.usd_per_day_at(100e6) == pytest.approx(540 * 1.05)


def test_a_month_is_what_finance_says() -> None:
    text = PROFILE.format(
        workload="{tokens_per_day: 1M, input_tokens: 1, output_tokens: 1}",
        api="  - {model: openai/gpt-6.1-sol, minimum_usd_per_month: 720}",
        self_host="{model: openai/gpt-oss-120b, supply: [{rent: h100-sxm}]}\nfinance: {hours_per_month: 720}",
    )
    made = Scope(loads_profile(text.encode(), "test.yaml"), CATALOGUE, BOOK, AS_OF)
    assert build_api_offers(made)[0].minimum_usd_per_day == pytest.approx(24)


def test_prices_of_the_users_own() -> None:
    offer = one(
        "  - {model: our gateway, prices: {input_usd_per_mtok: $1.50, output_usd_per_mtok: 4, "
        "batch_price_ratio: 0.5, source: contract 7}}",
        workload=HALF_BATCH,
    )
    lines = {line.id: line for line in offer.lines}
    assert lines["input"].usd_per_mtok == pytest.approx(0.6 * 1.5 * 0.5)
    assert lines["batch-output"].usd_per_mtok == pytest.approx(0.4 * 2 * 0.5)
    assert lines["input"].terms[0].value == "1.5"
    assert lines["input"].terms[0].where == "profile:api[0].prices"
    assert lines["input"].sources == ()
    assert any("the profile's own (contract 7)" in note for note in offer.notes)


def test_a_service_tier_is_part_of_the_id() -> None:
    offer = one("  - {model: openai/gpt-6.1-sol, tier: flex}")
    assert offer.id == "api:openai/gpt-6.1-sol@flex"
    assert offer.usd_per_day_at(100e6) == pytest.approx(314.5 / 2)


def test_requests_longer_than_the_api_takes_make_it_infeasible() -> None:
    offer = one("  - {model: openai/gpt-6.1-sol, max_input_tokens: 2000}")
    assert not offer.feasible
    assert "exceed api[0].max_input_tokens" in offer.why_not[0]
    assert offer.usd_per_mtok > 0  # its cost is still there to read


# --- errors ---------------------------------------------------------------------------------------


def test_every_entry_that_cannot_be_priced_is_named_at_its_place() -> None:
    with pytest.raises(InputError) as caught:
        build_api_offers(
            scope(
                "  - opnai/gpt-5\n  - openai/gpt-6.1-sol\n  - {model: cerebras/llama-3.3-70b}\n  - openai/gpt-6.1-soll"
            )
        )
    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["test.yaml:5:5", "test.yaml:7:13", "test.yaml:8:5"]
    assert "api[1]" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_known_model_without_a_price_on_the_date_is_exit_3() -> None:
    with pytest.raises(FactNotInForce) as caught:
        build_api_offers(scope("  - cerebras/llama-3.3-70b"))
    assert caught.value.exit_code == 3
    assert str(caught.value).startswith("test.yaml:5:5: api[0]: ")


# --- the same open model, hosted ------------------------------------------------------------------


def test_hosted_offers_of_the_profiles_own_model() -> None:
    made = scope(workload="{tokens_per_day: 10M, input_tokens: 1024, output_tokens: 1024}")
    offers = {
        offer.id: offer
        for host in BOOK.same_open_model("openai/gpt-oss-120b", as_of=AS_OF)
        for offer in [hosted_offer(made, host)]
    }
    together = offers["api:together/openai/gpt-oss-120b"]
    assert together.usd_per_mtok == pytest.approx(0.375)
    assert together.meta["hosted"] is True and together.meta["open_model"] == "openai/gpt-oss-120b"
    assert "choice" not in together.meta


def test_hosted_offers_count_the_open_models_tokens() -> None:
    made = scope(
        workload="{tokens_per_day: 10M, input_tokens: 1000, output_tokens: 1000}",
        self_host="{model: openai/gpt-oss-120b, token_ratio: {input: 1.1, output: 1.5}, supply: [{rent: h100-sxm}]}",
    )
    host = next(h for h in BOOK.same_open_model("openai/gpt-oss-120b", as_of=AS_OF) if h.provider == "together")
    assert hosted_offer(made, host).usd_per_mtok == pytest.approx((0.15 * 1.1 + 0.6 * 1.5) / 2)


# --- properties -----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1, 100_000), st.floats(0, 50_000), st.floats(0, 1), st.floats(0, 0.9), st.sampled_from(
        ["openai/gpt-6.1-sol", "anthropic/claude-sonnet-5-5", "groq/openai/gpt-oss-120b", "deepseek/deepseek-flash"]
    ),
)  # fmt: skip
def test_caching_and_batch_never_cost_more_and_lines_sum(
    into: float, out: float, cached: float, discount: float, model: str
) -> None:
    plain = f"{{tokens_per_day: 1M, input_tokens: {into!r}, output_tokens: {out!r}}}"
    with_cache = plain.replace("}", f", cached_input_share: {cached!r}}}")
    with_batch = with_cache.replace("}", ", batch_share: 50%}")
    api = f"  - {{model: {model}, discount: {discount!r}}}"
    base, cache, batch = (one(api, workload=work) for work in (plain, with_cache, with_batch))
    assert cache.usd_per_mtok <= base.usd_per_mtok * (1 + 1e-12)
    assert batch.usd_per_mtok <= cache.usd_per_mtok * (1 + 1e-12)
    for offer in (base, cache, batch):
        assert offer.usd_per_day_at(5e6) == pytest.approx(5 * sum(line.usd_per_mtok for line in offer.lines))
        assert offer.usd_per_mtok >= 0


def test_an_overlay_price_scales_the_bill(tmp_path: Path) -> None:
    """Rescale every USD input by k: every line scales by k."""
    (tmp_path / "api").mkdir()
    bills = []
    for k in (1, 7):
        (tmp_path / "api" / "acme.yaml").write_text(
            f"""
id: acme
name: Acme
models:
  - model: big
    prices:
      - {{effective: 2026-01-01, input_usd_per_mtok: {k * 2}, output_usd_per_mtok: {k * 8},
         cached_input_usd_per_mtok: "{k * 0.5}", batch_price_ratio: 0.25,
         source: {{title: a quote, retrieved: 2026-11-01, kind: quote}}}}
"""
        )
        catalogue = Catalogue.load([tmp_path])
        offer = one(
            "  - {model: acme/big, discount: 20%, platform_fee_share: 5%}",
            workload="{tokens_per_day: 1M, input_tokens: 900, output_tokens: 100, cached_input_share: 50%, "
            "batch_share: 30%}",
            catalogue=catalogue, book=PriceBook(catalogue),
        )  # fmt: skip
        bills.append([line.usd_per_mtok for line in offer.lines])
    assert bills[1] == pytest.approx([7 * usd for usd in bills[0]])
