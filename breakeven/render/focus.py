"""The forecast under the column names of FOCUS, so that it loads beside real bills.

FOCUS is the FinOps Foundation's open cost and usage specification; the names and the closed lists
of values below are those of version 1.2. One row per offer and month. Offers are alternatives, so a
sum over all rows means nothing: filter on ``x_Offer`` first. Billed cost is cash (machines when they
are bought), effective cost spreads it. List cost is not known to a forecast and stays empty.
"""

from __future__ import annotations

import json
from typing import Any

from breakeven.compare.forecast import Forecast, OfferForecast
from breakeven.render.csv_result import table

FOCUS_VERSION = "1.2"
COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingCategory",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ResourceName", "ServiceCategory",
    "ServiceName", "ServiceSubcategory", "Tags",
)  # fmt: skip
# FOCUS puts a dataset's own columns last, with a prefix.
OWN_COLUMNS = (
    "x_FocusVersion", "x_IsForecast", "x_Offer", "x_OfferKind", "x_Month", "x_TokensPerDay", "x_Replicas", "x_PresentValue",
    "x_AsOf", "x_CatalogueVersion",
)  # fmt: skip
_MACHINES = ("Compute", "Other (Compute)")
_SERVICE = {
    "api": ("AI and Machine Learning", "Generative AI"),
    "provisioned": ("AI and Machine Learning", "Generative AI"),
}


def render_focus(result: Forecast, *, hours_per_month: float) -> str:
    """CSV text; cells that a spreadsheet would take for formulas are made inert."""
    days = hours_per_month / 24.0
    # A hybrid is billed by two suppliers, and a row has one.
    offers = [offer for offer in result.offers if offer.kind != "hybrid"]
    rows = (_row(result, offer, m, days) for offer in offers for m in range(len(offer.months)))
    return table((*COLUMNS, *OWN_COLUMNS), rows)


def _row(result: Forecast, offer: OfferForecast, m: int, days: float) -> dict[str, Any]:
    month = offer.months[m]
    start, end = (f"{result.date_of(when).isoformat()}T00:00:00Z" for when in (m, m + 1))
    tokens = result.tokens_per_day[m] * days
    category, subcategory = _SERVICE.get(offer.kind, _MACHINES)
    supplier = _supplier(offer)
    return {
        "BilledCost": month.cash_usd,
        "BillingAccountId": result.name,
        "BillingAccountName": result.name,
        "BillingCurrency": "USD",
        "BillingPeriodEnd": end,
        "BillingPeriodStart": start,
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"forecast of month {m}: {offer.name}",
        "ChargeFrequency": "Usage-Based" if offer.kind == "api" else "Recurring",
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "ConsumedQuantity": tokens,
        "ConsumedUnit": "Tokens",
        "ContractedCost": month.usd,
        "EffectiveCost": month.usd,
        "InvoiceIssuerName": supplier,
        "ListCost": None,
        "PricingCategory": _pricing(offer),
        "PricingQuantity": tokens / 1e6,
        "PricingUnit": "1000000 Tokens",
        "ProviderName": supplier,
        "PublisherName": supplier,
        "ResourceId": offer.offer,
        "ResourceName": offer.name,
        "ServiceCategory": category,
        "ServiceName": offer.name,
        "ServiceSubcategory": subcategory,
        "Tags": json.dumps({"profile": result.name}, ensure_ascii=True),
        "x_FocusVersion": FOCUS_VERSION,
        "x_IsForecast": True,
        "x_Offer": offer.offer,
        "x_OfferKind": offer.kind,
        "x_Month": m,
        "x_TokensPerDay": result.tokens_per_day[m],
        "x_Replicas": month.replicas,
        "x_PresentValue": month.present_usd,
        "x_AsOf": result.as_of.isoformat(),
        "x_CatalogueVersion": result.catalogue_version,
    }


def _supplier(offer: OfferForecast) -> str:
    """Who sends the bill, from the offer's id (``api:openai/...``); one's own machines have no provider."""
    if offer.kind == "owned":
        return "self-hosted"
    return offer.offer.partition(":")[2].partition("/")[0]


def _pricing(offer: OfferForecast) -> str:
    if offer.kind == "owned":
        return "Other"
    if offer.kind == "provisioned" or "reserved" in offer.offer:
        return "Committed"
    return "Dynamic" if offer.offer.endswith("/spot") else "Standard"
