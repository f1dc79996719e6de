"""Profiles for tests of offers: one text with holes, and the scope it makes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.offers.api import build_api_offers
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope
from breakeven.profile.load import loads_profile

AS_OF = dt.date(2026, 11, 23)
CATALOGUE = Catalogue.load()
BOOK = PriceBook(CATALOGUE)

PROFILE = """
name: test
workload: {workload}
api:
{api}
self_host: {self_host}
"""


def scope(
    api: str = "  - openai/gpt-6.1-sol",
    *,
    workload: str = "{tokens_per_day: 100M, input_tokens: 3000, output_tokens: 1000, cached_input_share: 60%}",
    self_host: str = "{model: openai/gpt-oss-120b, supply: [{rent: h100-sxm}]}",
    as_of: dt.date = AS_OF,
    catalogue: Catalogue = CATALOGUE,
    book: PriceBook = BOOK,
) -> Scope:
    text = PROFILE.format(workload=workload, api=api, self_host=self_host)
    return Scope(loads_profile(text.encode(), "test.yaml"), catalogue, book, as_of)


def one(*args: Any, **kwargs: Any) -> Offer:
    (offer,) = build_api_offers(scope(*args, **kwargs))
    return offer
