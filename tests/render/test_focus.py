"""The forecast under FOCUS column names: the figures are the forecast's, the values are from FOCUS's closed lists."""

from __future__ import annotations

import csv
import io
import math
from itertools import pairwise
from pathlib import Path

import pytest

from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run as command
from breakeven.compare.forecast import Forecast
from breakeven.compare.forecast_profile import forecast_profile
from breakeven.profile.load import load_profile, loads_profile
from breakeven.render.focus import COLUMNS, FOCUS_VERSION, OWN_COLUMNS, render_focus

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Catalogue.load()
# Columns that FOCUS 1.2 requires in every dataset.
MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost",
    "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip


def forecast(name: str, *overrides: str) -> Forecast:
    return forecast_profile(load_profile(ROOT / "configs" / f"{name}.yaml", overrides), CATALOGUE)[2]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_columns_are_those_of_the_stated_version() -> None:
    text = render_focus(forecast("reference"), hours_per_month=730.0)
    header = text.splitlines()[0].split(",")
    assert header == [*COLUMNS, *OWN_COLUMNS]
    assert set(COLUMNS) >= MANDATORY
    assert list(COLUMNS) == sorted(COLUMNS)
    assert all(name.startswith("x_") for name in OWN_COLUMNS)
    assert {row["x_FocusVersion"] for row in rows(text)} == {FOCUS_VERSION} == {"1.2"}


@pytest.mark.parametrize("name", ["reference", "owned-70b", "batch-summaries"])
def test_costs_are_the_forecasts(name: str) -> None:
    result = forecast(name)
    listed = rows(render_focus(result, hours_per_month=730.0))
    single = [offer for offer in result.offers if offer.kind != "hybrid"]  # a hybrid has two suppliers
    assert len(listed) == sum(len(offer.months) for offer in single)
    for offer in single:
        mine = [row for row in listed if row["x_Offer"] == offer.offer]
        assert math.fsum(float(row["EffectiveCost"]) for row in mine) == offer.usd_total
        assert math.fsum(float(row["x_PresentValue"]) for row in mine) == offer.npv_usd
        assert math.fsum(float(row["BilledCost"]) for row in mine) == math.fsum(month.cash_usd for month in offer.months)
        assert float(mine[0]["ConsumedQuantity"]) == pytest.approx(result.tokens_per_day[0] * 730 / 24)
        assert float(mine[0]["PricingQuantity"]) == pytest.approx(float(mine[0]["ConsumedQuantity"]) / 1e6)


def test_values_are_from_the_closed_lists_and_periods_meet() -> None:
    listed = rows(render_focus(forecast("owned-70b"), hours_per_month=730.0))
    assert {row["ChargeCategory"] for row in listed} == {"Usage"}
    assert {row["ChargeFrequency"] for row in listed} <= {"One-Time", "Recurring", "Usage-Based"}
    assert {row["PricingCategory"] for row in listed} <= {"Standard", "Dynamic", "Committed", "Other"}
    assert {row["ServiceCategory"] for row in listed} == {"AI and Machine Learning", "Compute"}
    assert {row["ChargeClass"] for row in listed} == {""}  # null: no row corrects another
    assert {row["ListCost"] for row in listed} == {""}  # unknown is not zero
    one = [row for row in listed if row["x_Offer"] == listed[0]["x_Offer"]]
    for before, after in pairwise(one):
        assert before["ChargePeriodEnd"] == after["ChargePeriodStart"]
        assert before["BillingPeriodStart"].endswith("T00:00:00Z")


def test_names_are_inert() -> None:
    raw = (ROOT / "configs/reference.yaml").read_text().replace("name: reference", "name: '=HYPERLINK(1)'")
    result = forecast_profile(loads_profile(raw.encode(), "x.yaml"), CATALOGUE)[2]
    text = render_focus(result, hours_per_month=730.0)
    assert {row["BillingAccountId"] for row in rows(text)} == {"'=HYPERLINK(1)"}


def test_the_command_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["forecast", str(ROOT / "configs/reference.yaml"), "--format", "focus", "--months", "2"]) == 0
    assert len(rows(capsys.readouterr().out)) == 4
