"""Quoting API prices: names, dates, announced changes, hosts of open models, laziness."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.catalog.genai import GenaiPrices
from breakeven.catalog.list_price import ListPrice, Rates, Shape, mean_prices
from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.records import ApiProvider
from breakeven.catalog.store import Catalogue
from breakeven.catalog.weekly import DAYS, Window, mean_ratio
from breakeven.errors import FactNotFound, FactNotInForce, InputError

AS_OF = dt.date(2026, 11, 23)
ONE = [Shape(1_000, 500)]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="module")
def book(catalogue: Catalogue) -> PriceBook:
    return PriceBook(catalogue)


# provider/model, input, cached read, output: read off the providers' price pages in November 2026
LISTED = [
    ("openai/gpt-6-astra", "10", "1", "50"),
    ("openai/gpt-6.1-sol", "2", "0.1", "10"),
    ("openai/gpt-5.4-nano", "0.2", "0.02", "1.25"),
    ("anthropic/claude-sonnet-5-5", "2", "0.1", "10"),
    ("anthropic/claude-haiku-5-5", "0.1", "0.01", "0.5"),
    ("google/gemini-3.1-pro-preview", "2", "0.2", "12"),
    ("mistral/mistral-large-4", "0.7", "0.07", "2.1"),
    ("moonshotai/kimi-k3", "3", "0.3", "15"),
    ("zai/GLM-5.3", "1.4", "0.26", "4.4"),
    ("deepinfra/meta-llama/Llama-3.3-70B-Instruct-Turbo", "0.1", "0.1", "0.32"),
    ("deepinfra/Qwen/Qwen3-32B", "0.08", "0.08", "0.28"),
    ("azure/Llama-3.3-70B-Instruct", "0.71", "0.71", "0.71"),
    ("vertex/meta/llama-4-scout-17b-16e-instruct-maas", "0.25", "0.25", "0.7"),
    ("sambanova/Meta-Llama-3.3-70B-Instruct", "0.6", "0.6", "1.2"),
    ("ovhcloud/Meta-Llama-3_3-70B-Instruct", "0.74", "0.74", "0.74"),
    ("cerebras/gpt-oss-120b", "0.35", "0.35", "0.75"),
    ("cloudflare/@cf/meta/llama-3.3-70b-instruct-fp8-fast", "0.293", "0.293", "2.253"),
]


@pytest.mark.parametrize(("ref", "into", "cached", "out"), LISTED)
def test_listed_prices(book: PriceBook, ref: str, into: str, cached: str, out: str) -> None:
    prices = book.quote(ref, as_of=AS_OF, shapes=ONE).prices
    assert (prices.input, prices.cached_input, prices.output) == (Decimal(into), Decimal(cached), Decimal(out))


@pytest.mark.parametrize(
    ("ref", "batch_input", "batch_cached", "batch_output"),
    [
        ("openai/gpt-6.1-sol", "1", "0.05", "5"),
        ("openai/gpt-4.1", "1", "0.5", "4"),  # cached reads are not discounted
        ("anthropic/claude-sonnet-5-5", "1", "0.05", "5"),
        ("groq/openai/gpt-oss-120b", "0.075", "0.075", "0.3"),
        ("google/gemini-4-argon", "1", "0.05", "5"),
    ],
)
def test_batch_prices_and_window(
    book: PriceBook, ref: str, batch_input: str, batch_cached: str, batch_output: str
) -> None:
    quote = book.quote(ref, as_of=AS_OF, shapes=ONE, batch=True)
    assert quote.prices.input == Decimal(batch_input)
    assert quote.prices.cached_input == Decimal(batch_cached)
    assert quote.prices.output == Decimal(batch_output)
    assert quote.batch_window_hours == 24
    assert any("#batch_windows[0]" in source for source in quote.sources)


def test_service_tiers_cost_what_they_cost(book: PriceBook) -> None:
    for tier, into, out in (("flex", "1", "5"), ("priority", "4", "20")):
        quote = book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=ONE, tier=tier)  # type: ignore[arg-type]
        assert (quote.prices.input, quote.prices.output) == (Decimal(into), Decimal(out))
    # A ratio that no decimal states exactly is left to the package's own prices.
    exact = book.quote("openai/gpt-4o-mini", as_of=AS_OF, shapes=ONE, tier="priority")
    assert exact.prices.input == Decimal("0.25")
    assert exact.sources == ("genai-prices/openai/gpt-4o-mini",)


def test_cache_writes(book: PriceBook) -> None:
    assert book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=ONE).prices.cache_write == Decimal("2.5")
    plain = book.quote("deepinfra/openai/gpt-oss-120b", as_of=AS_OF, shapes=ONE, cache_write_share=0.1)
    assert plain.prices.cache_write == plain.prices.input
    assert any("no price for cache writes" in note for note in plain.notes)


def test_reasoning_priced_apart(book: PriceBook) -> None:
    assert book.quote("perplexity/sonar-deep-research", as_of=AS_OF, shapes=ONE).prices.reasoning == 3
    assert book.quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=ONE).prices.reasoning is None


def test_announced_changes(book: PriceBook) -> None:
    quote = book.quote("google/gemini-4-argon", as_of=AS_OF, shapes=ONE)
    (change,) = quote.announced
    assert change.effective == dt.date(2026, 12, 1)
    assert change.prices.input == 4 and change.prices.output == 20
    assert any("from 2026-12-01 input costs $4 and output $20" in note for note in quote.notes)
    after = book.quote("google/gemini-4-argon", as_of=dt.date(2026, 12, 1), shapes=ONE)
    assert after.prices.input == 4 and after.announced == ()
    halved = book.quote("google/gemini-4-argon", as_of=AS_OF, shapes=ONE, batch=True).announced
    assert halved[0].prices.input == 2
    flash = book.quote("google/gemini-3.8-flash", as_of=AS_OF, shapes=ONE).announced
    assert [(c.effective, c.prices.input) for c in flash] == [(dt.date(2027, 1, 1), Decimal("1.5"))]


def test_an_announced_end_is_said(book: PriceBook) -> None:
    quote = book.quote("openai/gpt-5", as_of=AS_OF, shapes=ONE)
    assert quote.retires_on == dt.date(2026, 12, 11)
    assert any("will be switched off on 2026-12-11" in note for note in quote.notes)


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("openai/gpt-6.1-soll", "did you mean 'openai/gpt-6.1-sol'"),
        ("opnai/gpt-5", "did you mean 'openai'"),
        ("google/gpt-oss-120b", "it is sold as azure/gpt-oss-120b"),
        ("azure/gpt-6.1-sol", "it is sold as openai/gpt-6.1-sol"),  # the package would silently use OpenAI's price
        ("gpt-5", "write provider/model"),
        ("genai-prices/x", "not a known API provider"),
    ],
)
def test_unknown_names_list_the_nearest(book: PriceBook, ref: str, message: str) -> None:
    with pytest.raises(FactNotFound) as caught:
        book.quote(ref, as_of=AS_OF, shapes=ONE)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) == 1


def test_declared_names_are_the_same_model(book: PriceBook) -> None:
    for ref in (
        "OpenAI/GPT-5",
        "openai/gpt-5-2025-08-07",
        "bedrock/openai.gpt-oss-120b-1:0",
        "claude/claude-sonnet-5.5",
    ):
        assert book.quote(ref, as_of=AS_OF, shapes=ONE).prices.input > 0
    alias = book.quote("fireworks/accounts/fireworks/models/gpt-oss-20b", as_of=AS_OF, shapes=ONE)
    assert alias.model == "gpt-oss-20b"


def test_a_price_that_starts_later_names_its_start(book: PriceBook) -> None:
    with pytest.raises(FactNotInForce, match="on record from 2026-11-13"):
        book.quote("deepinfra/Qwen/Qwen3-32B", as_of=dt.date(2026, 11, 1), shapes=ONE)
    with pytest.raises(FactNotInForce, match="no price per token"):
        book.quote("vertex/gemini-3.5-flash", as_of=AS_OF, shapes=ONE)


# --- the same open model at several hosts -------------------------------------------------------


def test_hosts_of_gpt_oss_120b_at_15_and_60_cents(book: PriceBook) -> None:
    hosts = book.same_open_model("openai/gpt-oss-120b", as_of=AS_OF)
    at = {}
    for host in hosts:
        prices = book.quote(host.model_ref, as_of=AS_OF, shapes=ONE).prices
        at[host.model_ref] = (prices.input, prices.output)
        assert host.exact
    dime = (Decimal("0.15"), Decimal("0.6"))
    for ref in ("together/openai/gpt-oss-120b", "groq/openai/gpt-oss-120b", "aws/openai.gpt-oss-120b-1:0"):
        assert at[ref] == dime
    assert at["deepinfra/openai/gpt-oss-120b"] == (Decimal("0.037"), Decimal("0.17"))
    assert "fireworks/gpt-oss-120b" not in at  # switched off on 2026-11-07
    assert "openrouter/openai/gpt-oss-120b:batch" not in at
    assert len(at) >= 10
    assert book.same_open_model("GPT-OSS-120B", as_of=AS_OF) == hosts


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", 8),
        ("gpt-oss-20b", 6),
        ("Qwen/Qwen3-32B", 4),
        ("qwen3-30b-a3b", 3),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", 3),
        ("deepseek-ai/DeepSeek-V3.2", 2),
        ("moonshotai/Kimi-K2.6", 4),
        ("zai-org/GLM-5", 3),
        ("llama-4-scout-17b-16e-instruct", 5),
        ("meta-llama/Llama-4-Maverick-17B-128E-Instruct", 5),
    ],
)
def test_hosts_of_other_open_models(book: PriceBook, name: str, least: int) -> None:
    hosts = book.same_open_model(name, as_of=AS_OF)
    assert len(hosts) >= least
    assert all(host.exact for host in hosts)
    assert len({host.model_ref for host in hosts}) == len(hosts)


def test_a_retired_host_is_named_no_more_but_was_one(book: PriceBook) -> None:
    before = book.same_open_model("openai/gpt-oss-120b", as_of=dt.date(2026, 11, 6))
    assert {"groq/openai/gpt-oss-120b"} <= {host.model_ref for host in before}  # priced by the package then
    assert "deepinfra/openai/gpt-oss-120b" not in {host.model_ref for host in before}  # no price on record yet


def test_other_checkpoints_of_the_architecture_are_marked(book: PriceBook) -> None:
    hosts = book.same_open_model("deepseek-ai/DeepSeek-V3", as_of=AS_OF)
    assert hosts and not any(host.exact for host in hosts)
    assert book.same_open_model("nobody/nothing-7b", as_of=AS_OF) == ()


# --- provisioned units ---------------------------------------------------------------------------


def test_provisioned_units(book: PriceBook) -> None:
    found = book.provisioned("azure/gpt-5", unit="ptu", term="hourly", as_of=AS_OF)
    price = found.record
    assert price.usd_per_unit is not None and price.usd_per_unit.hourly is not None
    assert price.usd_per_unit.hourly.typical == 1 and price.terms == ("hourly", "monthly", "yearly")
    assert (price.input_tokens_per_minute_per_unit, price.output_token_weight) == (4750, 8)
    assert (price.minimum_units, price.unit_increment, price.cached_token_weight) == (15, 5, 0)
    assert "pricing" in str(book.source(found.price_source).url)
    assert "sizing" in str(book.source(found.throughput_source).url)
    with pytest.raises(FactNotFound, match=r"known: ptu \(hourly\), ptu \(monthly\), ptu \(yearly\)"):
        book.provisioned("azure/gpt-5", unit="gsu", term="monthly", as_of=AS_OF)
    with pytest.raises(FactNotInForce, match=r"with term 'weekly'; known: ptu"):
        book.provisioned("azure/gpt-5", unit="ptu", term="weekly", as_of=AS_OF)
    with pytest.raises(FactNotInForce, match="on record from 2026-11-23"):
        book.provisioned("azure/gpt-5", unit="ptu", term="hourly", as_of=dt.date(2026, 11, 22))


# --- the shipped overlay -------------------------------------------------------------------------


def test_every_shipped_record_says_where_and_when_it_was_read(catalogue: Catalogue) -> None:
    count = 0
    for provider_id in catalogue.ids("api"):
        provider: Any = catalogue.find("api", provider_id)
        assert isinstance(provider, ApiProvider)
        names = [name.lower() for model in provider.models for name in (model.model, *model.aliases)]
        assert len(set(names)) == len(names), provider_id
        for model in provider.models:
            for record in (*model.prices, *model.provisioned):
                assert record.source.url is not None and record.source.url.startswith("https://")
                assert dt.date(2026, 11, 10) <= record.source.retrieved <= AS_OF
                count += 1
            if model.retired_on is not None:
                assert model.lifecycle_source is not None and model.lifecycle_source.url is not None
                assert all(record.effective < model.retired_on for record in model.prices)
    assert count > 250


def test_mistakes_in_an_overlay_are_placed(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(
        """kind: api
id: acme
name: Acme
models:
  - model: big
    retired_on: 2027-01-01
    prices:
      - effective: 2026-01-01
        input_usd_per_mtok: "2,50"
        output_usd_per_mtok: -1
        windows: [{days: [mon], from_hour: 22, to_hour: 4, price_ratio: 0.5}]
        source: {title: a quote, retrieved: 2026-11-01, kind: quote}
"""
    )
    with pytest.raises(InputError) as caught:
        PriceBook(Catalogue.load([tmp_path])).quote("acme/big", as_of=AS_OF, shapes=ONE)
    text = str(caught.value)
    for place in ("acme.yaml:9:29", "acme.yaml:10:30", "acme.yaml:11:19"):
        assert place in text
    assert "models[0].prices[0].input_usd_per_mtok" in text
    assert "Traceback" not in text and len(caught.value.problems) >= 3


def test_an_unchecked_version_of_the_package_is_refused(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    class Newer(GenaiPrices):
        @classmethod
        def load(cls) -> GenaiPrices:
            loaded = super().load()
            loaded.version = "9.9.9"
            return loaded

    monkeypatch.setattr("breakeven.catalog.genai.GenaiPrices", Newer)
    with pytest.raises(FactNotFound, match=r"9\.9\.9 is installed.*install version 0\.2\.3"):
        PriceBook(catalogue).quote("x-ai/grok-4.6", as_of=AS_OF, shapes=ONE)
    assert PriceBook(catalogue).quote("openai/gpt-6.1-sol", as_of=AS_OF, shapes=ONE).prices.input == 2


# --- laziness ------------------------------------------------------------------------------------


def test_common_quotes_import_neither_the_package_nor_numpy() -> None:
    code = (
        "import datetime as dt, sys\n"
        "from breakeven.catalog.store import Catalogue\n"
        "from breakeven.catalog.pricebook import PriceBook, Shape\n"
        "book = PriceBook(Catalogue.load()); day = dt.date(2026, 11, 23)\n"
        "for ref in ('openai/gpt-6.1-sol', 'anthropic/claude-sonnet-5-5'):\n"
        "    book.quote(ref, as_of=day, shapes=[Shape(1024, 1024)])\n"
        "    book.quote(ref, as_of=day, shapes=[Shape(1024, 1024)], batch=True)\n"
        "for host in book.same_open_model('openai/gpt-oss-120b', as_of=day):\n"
        "    book.quote(host.model_ref, as_of=day, shapes=[Shape(1024, 1024)])\n"
        "print([name for name in ('genai_prices', 'numpy', 'httpx') if name in sys.modules])\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- properties ----------------------------------------------------------------------------------

PRICE = st.decimals(min_value=0, max_value=200, places=4)
RATES = st.builds(Rates, PRICE, PRICE, st.none() | PRICE, st.none() | PRICE, st.none() | PRICE)
LISTS = st.builds(
    lambda base, tiers: ListPrice(base, None, "x", tuple(sorted(tiers.items()))),
    RATES, st.dictionaries(st.integers(1, 500_000), RATES, max_size=3),
)  # fmt: skip
SHAPES = st.lists(st.builds(Shape, st.floats(0, 1e6), st.floats(0, 1e5), st.floats(0.01, 1)), min_size=1, max_size=5)


@given(LISTS, SHAPES)
def test_a_mean_lies_between_the_prices_of_its_requests(listed: ListPrice, shapes: list[Shape]) -> None:
    prices = mean_prices(listed, shapes)
    at = [listed.at_input_tokens(shape.input_tokens)[0] for shape in shapes]
    slack = Decimal("1e-20")
    assert min(r.input for r in at) - slack <= prices.input <= max(r.input for r in at) + slack
    assert min(r.output for r in at) - slack <= prices.output <= max(r.output for r in at) + slack


@given(LISTS, st.floats(1, 1e6), st.floats(1, 1e5))
def test_one_shape_is_priced_exactly(listed: ListPrice, into: float, out: float) -> None:
    prices = mean_prices(listed, [Shape(into, out)])
    rates, _ = listed.at_input_tokens(into)
    assert (prices.input, prices.output) == (rates.input, rates.output)
    assert prices == mean_prices(listed, [Shape(into, out, 0.3), Shape(into, out, 0.7)])


@given(st.lists(st.floats(0, 1e6), min_size=168, max_size=168).filter(lambda w: sum(w) > 0), st.integers(1, 5))
def test_a_weekly_mean_lies_between_its_hours_and_ignores_scale(weights: list[float], ratio: int) -> None:
    windows = (Window(DAYS[:5], 1, 4, Fraction(ratio)), Window(DAYS[:5], 6, 10, Fraction(ratio)))
    mean = mean_ratio(windows, weights)
    assert 1 <= mean <= ratio
    assert mean == mean_ratio(windows, [2 * weight for weight in weights])
