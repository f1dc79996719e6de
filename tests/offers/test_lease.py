"""A leased server: the lessor's price stands for capital, and the server need not be in the catalogue."""

from __future__ import annotations

import pytest

from breakeven.offers.build import build_offers

from .scopes import scope

LEASED = """
  model: openai/gpt-oss-120b
  throughput: {total_tok_per_s: 1000}
  supply:
    - {own: leased-box, accelerator: h100-sxm, gpus: 1, lease_usd_per_month: 1460, idle_w: 0.001, active_w: 0.001,
       nameplate_w: 0.001, electricity_usd_per_kwh: 0.1, pue: 1.2, colocation_usd_per_kw_month: 100}
"""


def test_a_leased_server_needs_no_purchase_price() -> None:
    own = next(offer for offer in build_offers(scope(self_host=LEASED)) if offer.kind == "owned")
    # 1,460 USD a month of 730 hours is 2 USD an hour, 48 a day; power and space are next to nothing.
    assert own.usd_per_replica_day == pytest.approx(48.0, abs=0.01)
