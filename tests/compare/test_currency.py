"""The display currency: by a rate of the profile, or by the catalogue's; figures stay in USD."""

from __future__ import annotations

from typing import Any

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.result import Comparison
from breakeven.profile.load import from_document
from breakeven.render.registry import Options
from breakeven.render.table import render_table
from breakeven.yamlio import Document

from .profiles import simple

CATALOGUE = Catalogue.load()
RATE = 1.0763  # USD per EUR: Federal Reserve G.5, average of June 2024


def found(currency: Any) -> Comparison:
    finance = {"finance": {"currency": currency}} if currency else {}
    data = simple(tokens_per_day=20e6, price=6, usd_per_gpu_hour=2.65, tok_per_s=1000, **finance)
    return breakeven.run(from_document(Document(data, "<test>", None)), CATALOGUE)


@pytest.mark.parametrize("dollars", ["USD", {"code": "USD"}])
def test_dollars_are_the_default(dollars: Any) -> None:
    assert found(dollars).currency is None


def test_a_code_takes_the_catalogues_rate_and_cites_it() -> None:
    plain, shown = found(None), found("EUR")
    currency = shown.currency
    assert currency is not None
    assert currency["usd_per_unit"] == pytest.approx(RATE)
    assert currency["record"] in {source.id for source in shown.sources}
    assert [row.usd_per_day for row in shown.offers] == [row.usd_per_day for row in plain.offers]
    text = render_table([shown], Options(width=100))
    assert "EUR/day" in text
    assert f"{2.65 * 24 / RATE:.2f}" in text  # the card, 63.60 USD a day
    assert "EUR per day over tokens per day" in text
    assert "$" not in text.replace("$2.65/h", "")  # the machine's name tells the price as it was given


def test_a_rate_of_the_profile_is_not_the_catalogues() -> None:
    shown = found({"code": "EUR", "usd_per_unit": 1.25, "as_of": "2026-11-20", "source": "the bank"}).currency
    assert shown == {"code": "EUR", "usd_per_unit": 1.25, "as_of": "2026-11-20", "source": "the bank", "record": None}
