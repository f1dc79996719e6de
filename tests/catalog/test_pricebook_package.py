"""The exact reading of genai-prices agrees with the package's own arithmetic, model by model."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from breakeven.catalog.api_models import CataloguedModel, list_price, variant_price
from breakeven.catalog.genai import GenaiModel, GenaiPrices
from breakeven.catalog.list_price import ListPrice
from breakeven.catalog.records import ApiProvider
from breakeven.catalog.store import Catalogue
from breakeven.errors import FactNotInForce

genai_prices = pytest.importorskip("genai_prices")
CHECKED = dt.date(2026, 11, 10)
CONTEXTS = {
    "standard": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
LENGTHS = (1_000, 120_000, 150_000, 250_000, 300_000, 600_000)


def _cost(listed: ListPrice, *, into: int, cached: int, written: int, out: int) -> Decimal:
    rates, _ = listed.at_input_tokens(into)
    cached_price = rates.input if rates.cached_input is None else rates.cached_input
    write_price = rates.input if rates.cache_write is None else rates.cache_write
    total = (into - cached - written) * rates.input + cached * cached_price + written * write_price + out * rates.output
    return total / 1_000_000


def _package_cost(model: GenaiModel, day: dt.date, variant: str, **usage: int) -> Decimal:
    result = model.info.calc_price(
        genai_prices.Usage(**usage), model.provider,
        genai_request_timestamp=dt.datetime.combine(day, dt.time(23, 30), tzinfo=dt.UTC),
        price_context=CONTEXTS[variant],
    )  # fmt: skip
    total: Decimal = result.total_price
    return total


def _text_models(prices: GenaiPrices) -> list[GenaiModel]:
    found = []
    for provider_id in prices.provider_ids:
        for model_id in prices.model_ids(provider_id):
            model = prices.find(provider_id, model_id)
            assert model is not None
            found.append(model)
    return found


@pytest.fixture(scope="module")
def prices() -> GenaiPrices:
    return GenaiPrices.load()


@pytest.mark.parametrize("day", [dt.date(2025, 6, 1), CHECKED, dt.date(2027, 1, 1)])
def test_prices_equal_the_packages_own_for_every_text_model(prices: GenaiPrices, day: dt.date) -> None:
    compared = 0
    for model in _text_models(prices):
        for variant in CONTEXTS:
            try:
                listed = prices.price(model, as_of=day, variant=variant)
            except FactNotInForce:
                continue
            if listed is None:
                assert variant != "standard"
                continue
            if "requests_kcount" in str(vars(model.info.get_prices(dt.datetime(2026, 11, 10, tzinfo=dt.UTC)))):
                continue
            for into in (1_000, 210_000, 600_000):
                usage = {"into": into, "cached": into // 2, "written": into // 10, "out": 500}
                ours = _cost(listed, **usage)
                theirs = _package_cost(
                    model, day, variant, input_tokens=into, cache_read_tokens=into // 2,
                    cache_write_tokens=into // 10, output_tokens=500,
                )  # fmt: skip
                assert ours == theirs, (model.source_id, variant, into)
                compared += 1
    assert compared > 5_000


def test_a_name_found_exactly_is_the_one_the_package_would_find(prices: GenaiPrices) -> None:
    ids = 0
    for model in _text_models(prices):
        found = prices.find(model.provider.id, model.info.id.upper())
        assert found is not None and found.info is model.info and found.alias_of is None
        ids += 1
    assert ids > 2_000
    for alias in ("gpt-5-2025-08-07", "gpt-6.1-sol-2026-09-29"):
        ours = prices.find("openai", alias)
        theirs = next(p for p in [ours.provider] if p).find_model(alias) if ours else None
        assert ours is not None and ours.info is theirs and ours.alias_of == ours.info.id
    assert prices.find("openai", "gpt-5-nano-something") is None  # the package would match the prefix


def _shipped_from_the_package() -> list[tuple[ApiProvider, int, int]]:
    catalogue = Catalogue.load()
    rows = []
    for provider_id in catalogue.ids("api"):
        provider: Any = catalogue.find("api", provider_id)
        for index, model in enumerate(provider.models):
            for position, record in enumerate(model.prices):
                if record.source.title == "genai-prices 0.2.3":
                    rows.append((provider, index, position))
    return rows


def test_overlay_rows_taken_from_the_package_equal_it(prices: GenaiPrices) -> None:
    """A refresh of the package without a refresh of these rows fails here."""
    catalogue = Catalogue.load()
    checked = 0
    for provider, index, position in _shipped_from_the_package():
        entry = provider.models[index]
        recorded = CataloguedModel(provider, ((index, entry),)).prices(catalogue)[position]
        record = recorded.record
        assert provider.genai_provider is not None
        package = prices.find(provider.genai_provider, entry.genai_model or entry.model)
        assert package is not None, entry.model
        day = max(CHECKED, record.effective)
        if record.ends is not None:
            continue
        if record.windows:  # the package cannot state them: compare the off-peak base with its last dated price
            listed: Any = package.info.prices
            base = [c.prices for c in listed if not hasattr(c.constraint, "start_time")][-1]
            assert (base.input_mtok, base.output_mtok) == (
                Decimal(record.input_usd_per_mtok), Decimal(record.output_usd_per_mtok),
            )  # fmt: skip
            continue
        for variant in CONTEXTS:
            ours = variant_price(recorded, variant)
            theirs = prices.price(package, as_of=day, variant=variant)
            if ours is None or theirs is None:
                continue
            for into in LENGTHS:
                assert ours.at_input_tokens(into)[0] == theirs.at_input_tokens(into)[0], (entry.model, variant, into)
                checked += 1
        assert list_price(recorded).effective == record.effective
    assert checked > 800
