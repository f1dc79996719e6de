"""The traps in genai-prices, one test each: what the package answers, and what the price book says."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from breakeven.catalog.list_price import Shape
from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.errors import FactNotInForce

genai_prices = pytest.importorskip("genai_prices")

AS_OF = dt.date(2026, 11, 23)
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook(Catalogue.load())


def _package_price(model: str, provider: str, *, at: dt.datetime = NOON, **usage: int) -> Decimal:
    price: Decimal = genai_prices.calc_price(
        genai_prices.Usage(**usage), model, provider_id=provider, genai_request_timestamp=at
    ).total_price
    return price


def test_a_days_tokens_do_not_trip_the_long_context_tier(book: PriceBook) -> None:
    """100M tokens a day of 3,000-token requests (1,800 cached) and 1,000 output cost $314.50, not $504."""
    requests = 100_000_000 // 4_000
    naive = _package_price(
        "gpt-6.1-sol", "openai",
        input_tokens=3_000 * requests, cache_read_tokens=1_800 * requests, output_tokens=1_000 * requests,
    )  # fmt: skip
    prices = book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=[Shape(3_000, 1_000)]).prices
    per_request = 1_200 * prices.input + 1_800 * prices.cached_input + 1_000 * prices.output
    assert per_request * requests / 1_000_000 == Decimal("314.5")
    assert naive == Decimal("504")


def test_a_long_request_pays_the_tier_and_a_histogram_mixes_them(book: PriceBook) -> None:
    short, long = Shape(100_000, 1_000, 0.75), Shape(300_000, 1_000, 0.25)
    assert book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=[long]).prices.input == 4
    assert book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=[Shape(272_000, 1)]).prices.input == 2
    mixed = book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=[short, long])
    assert mixed.prices.input == 3  # half of the input tokens are in long requests
    assert mixed.prices.output == Decimal("11.25")  # a quarter of the output tokens
    assert mixed.long_context_share == 0.25
    assert (
        "openai/gpt-6.1-sol: 25% of requests exceed 272,000 input tokens and cost more in all their tokens "
        "($2 in and $10 out per Mtok up to 272,000, $4 in and $15 out per Mtok above 272,000; the lines show their means over the tokens)"
    ) in mixed.notes


@pytest.mark.parametrize(
    ("ref", "day", "what"),
    [
        ("openai/gpt-6.1-sol", dt.date(2026, 9, 28), "offered from 2026-09-29"),
        ("groq/llama-3.3-70b-versatile", dt.date(2026, 8, 16), "switched off on 2026-08-16"),
        ("cerebras/llama-3.3-70b", AS_OF, "switched off on 2026-02-16"),
        ("together/meta-llama/Llama-3.3-70B-Instruct-Turbo", AS_OF, "switched off on 2026-10-22"),
    ],
)
def test_a_model_has_no_price_before_launch_or_after_retirement(
    book: PriceBook, ref: str, day: dt.date, what: str
) -> None:
    provider, _, model = ref.partition("/")
    when = dt.datetime.combine(day, dt.time(12), tzinfo=dt.UTC)
    assert _package_price(model, provider, at=when, input_tokens=1_000_000) > 0  # the package prices it all the same
    with pytest.raises(FactNotInForce, match=what) as caught:
        book.quote(ref, as_of=day, shapes=[Shape(1_000, 100)])
    assert caught.value.exit_code == 3


def test_a_retired_model_is_still_priced_the_day_before(book: PriceBook) -> None:
    quote = book.quote("groq/llama-3.3-70b-versatile", as_of=dt.date(2026, 8, 15), shapes=[Shape(1_000, 100)])
    assert (quote.prices.input, quote.prices.output) == (Decimal("0.59"), Decimal("0.79"))


def test_a_variant_that_does_not_exist_is_an_error_not_the_standard_price(book: PriceBook) -> None:
    usage = genai_prices.Usage(input_tokens=1_000_000)
    silent = genai_prices.calc_price(
        usage, "openai/gpt-oss-120b", provider_id="together", genai_request_timestamp=NOON,
        price_context={"processing": "batch"},
    )  # fmt: skip
    assert silent.total_price == Decimal("0.15")
    with pytest.raises(FactNotInForce, match="no batch price"):
        book.quote("together/openai/gpt-oss-120b", as_of=AS_OF, shapes=[Shape(1_000, 100)], batch=True)
    with pytest.raises(FactNotInForce, match="no flex price"):
        book.quote("anthropic/claude-sonnet-5-5", as_of=AS_OF, shapes=[Shape(1_000, 100)], tier="flex")
    with pytest.raises(FactNotInForce, match="no batch price"):  # batch began on 2026-10-14
        book.quote("openai/gpt-6.1-sol", as_of=dt.date(2026, 10, 13), shapes=[Shape(1_000, 100)], batch=True)


def test_off_peak_windows_know_the_weekday_and_need_the_demand(book: PriceBook) -> None:
    saturday_peak = dt.datetime(2026, 11, 21, 2, tzinfo=dt.UTC)
    assert _package_price("deepseek-flash", "deepseek", at=saturday_peak, input_tokens=1_000_000) == Decimal("0.3")
    flat = book.quote("deepseek/deepseek-flash", as_of=AS_OF, shapes=[Shape(1_000, 100)])
    assert (flat.prices.input, flat.prices.output) == (Decimal("0.18125"), Decimal("0.725"))
    weekend = [0.0] * 120 + [1.0] * 48
    calm = book.quote("deepseek/deepseek-flash", as_of=AS_OF, shapes=[Shape(1_000, 100)], week_weights=weekend)
    assert (calm.prices.input, calm.prices.cached_input) == (Decimal("0.15"), Decimal("0.003"))
    at_two = [1.0 if hour == 2 else 0.0 for hour in range(24)]  # every day at 02:00, weekends included
    dear = book.quote("deepseek/deepseek-flash", as_of=AS_OF, shapes=[Shape(1_000, 100)], week_weights=at_two)
    assert dear.prices.input == (5 * Decimal("0.3") + 2 * Decimal("0.15")) / 7
    assert flat.off_peak is not None
    assert (flat.off_peak.prices.output, flat.off_peak.wait_hours) == (Decimal("0.6"), 4)


def test_windows_follow_their_dates(book: PriceBook) -> None:
    """V4 Pro: peak hours on every day from 17 August, on weekdays alone from 23 August."""
    weekend_at_two = [1.0 if hour in (5 * 24 + 2, 6 * 24 + 2) else 0.0 for hour in range(168)]
    for day, price in ((dt.date(2026, 8, 20), "1.32"), (dt.date(2026, 8, 23), "0.66")):
        quote = book.quote(
            "deepseek/deepseek-v4-pro", as_of=day, shapes=[Shape(1_000, 100)], week_weights=weekend_at_two
        )
        assert quote.prices.input == Decimal(price)


def test_a_time_of_day_price_without_an_overlay_is_refused(book: PriceBook) -> None:
    with pytest.raises(FactNotInForce, match="time of day"):
        book.quote("deepseek/deepseek-chat", as_of=AS_OF, shapes=[Shape(1_000, 100)])


def test_partial_history_is_said(book: PriceBook) -> None:
    past = book.quote("openai/gpt-5", as_of=dt.date(2026, 3, 1), shapes=[Shape(1_000, 100)])
    assert past.effective is None
    assert any("changes may be missing" in note for note in past.notes)
    now = book.quote("openai/gpt-5", as_of=AS_OF, shapes=[Shape(1_000, 100)])
    assert not any("changes may be missing" in note for note in now.notes)


def test_dated_history_of_the_package_is_used(book: PriceBook) -> None:
    """Mistral Large 4: 0.68 at launch, 1.36 from 20 October, 0.70 from 29 October."""
    for day, price in (
        (dt.date(2026, 10, 19), "0.68"),
        (dt.date(2026, 10, 20), "1.36"),
        (dt.date(2026, 10, 29), "0.7"),
    ):
        quote = book.quote("mistral/mistral-large-4", as_of=day, shapes=[Shape(1_000, 100)])
        assert quote.prices.input == Decimal(price)


def test_a_newer_price_of_the_users_own_wins_over_both(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "together.yaml").write_text(
        """
id: together
models:
  - model: openai/gpt-oss-120b
    prices:
      - {effective: 2026-11-01, input_usd_per_mtok: 0.12, output_usd_per_mtok: "0.48",
         source: {title: our contract, retrieved: 2026-11-20, kind: quote}}
"""
    )
    book = PriceBook(Catalogue.load([tmp_path]))
    quote = book.quote("together/openai/gpt-oss-120b", as_of=AS_OF, shapes=[Shape(1_000, 100)])
    assert (quote.prices.input, quote.prices.output) == (Decimal("0.12"), Decimal("0.48"))
    row = book.source(quote.sources[0])
    assert (row.title, row.kind, row.file) == ("our contract", "quote", (tmp_path / "api/together.yaml").as_posix())
    with pytest.raises(FactNotInForce, match="no batch price"):  # a list ratio is not part of a contract
        book.quote("together/openai/gpt-oss-120b", as_of=AS_OF, shapes=[Shape(1_000, 100)], batch=True)
    other = book.quote("together/zai-org/GLM-5.3", as_of=AS_OF, shapes=[Shape(1_000, 100)])
    assert other.prices.input == Decimal("1.4")  # the rest of the provider is untouched


def test_cached_tokens_without_a_price_of_their_own_are_shown(book: PriceBook) -> None:
    quote = book.quote("together/openai/gpt-oss-120b", as_of=AS_OF, shapes=[Shape(1_000, 100)], cached_input_share=0.5)
    assert quote.prices.cached_input == quote.prices.input == Decimal("0.15")
    assert not quote.cached_input_listed
    assert any("no price for cached reads" in note for note in quote.notes)
    silent = book.quote("together/openai/gpt-oss-120b", as_of=AS_OF, shapes=[Shape(1_000, 100)])
    assert not any("cached" in note for note in silent.notes)


@pytest.mark.parametrize("ref", ["openai/gpt-6.1-sol", "x-ai/grok-4.6", "deepinfra/openai/gpt-oss-120b"])
def test_every_price_is_cited_by_page_version_and_day(book: PriceBook, ref: str) -> None:
    quote = book.quote(ref, as_of=AS_OF, shapes=[Shape(1_000, 100)])
    for source_id in quote.sources:
        row = book.source(source_id)
        assert row.id == source_id
        assert row.url is not None and row.url.startswith("https://")
        assert row.retrieved is not None and dt.date(2026, 11, 10) <= row.retrieved <= AS_OF
    if ref.startswith("x-ai"):
        assert quote.sources == ("genai-prices/x-ai/grok-4.6",)
        assert "genai-prices 0.2.3, data sha256:" in (row.title or "")
        assert row.file == "genai-prices 0.2.3"
