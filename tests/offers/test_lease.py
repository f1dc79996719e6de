"""A leased server: the lessor's price stands for capital, and the server need not be in the catalogue."""

from __future__ import annotations

import pytest

from breakeven.errors import FactNotInForce, InputError
from breakeven.offers.build import build_offers

from .scopes import scope

LEASED = """
  model: openai/gpt-oss-120b
  throughput: {total_tok_per_s: 1000}
  supply:
    - {own: leased-box, accelerator: h100-sxm, gpus: 1, lease_usd_per_month: 1460, idle_w: 100, active_w: 700,
       nameplate_w: 1000, electricity_usd_per_kwh: 0, pue: 1.2, colocation_usd_per_kw_month: 0}
"""


def test_a_leased_server_needs_no_purchase_price() -> None:
    own = next(offer for offer in build_offers(scope(self_host=LEASED)) if offer.kind == "owned")
    # 1,460 USD a month of 730 hours is 2 USD an hour, 48 a day; the lease includes power and space.
    assert own.usd_per_replica_day == pytest.approx(48.0, rel=1e-12)


def test_every_power_figure_that_is_missing_is_asked_for_at_once() -> None:
    """A server of one's own: three figures, one message; what the entry states is not asked for again."""
    entry = "own: my-box, accelerator: h100-sxm, gpus: 8, capex_usd: 200k, electricity_usd_per_kwh: 0.1, colocation_usd_per_kw_month: 150"
    for stated, missing in (("", "nameplate_w, idle_w and active_w"), (", idle_w: 1500", "nameplate_w and active_w"), (", idle_w: 1500, nameplate_w: 10200", "active_w")):
        with pytest.raises(FactNotInForce) as found:
            build_offers(scope(self_host=f"{{model: openai/gpt-oss-120b, supply: [{{{entry}{stated}}}]}}"))
        (problem,) = found.value.problems
        assert problem.message == f"the catalogue has no {missing} of my-box on 2026-11-23"
        assert problem.fix == f"give {missing} (watts per server) in this supply entry"


def test_electricity_is_asked_for_before_what_draws_it() -> None:
    entry = "own: my-box, accelerator: h100-sxm, gpus: 8, capex_usd: 200k"
    with pytest.raises(InputError, match="owned servers need electricity"):
        build_offers(scope(self_host=f"{{model: openai/gpt-oss-120b, supply: [{{{entry}}}]}}"))
