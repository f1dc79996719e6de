"""What a term and a prepaid share do to a rented offer."""

from __future__ import annotations

import pytest

from breakeven.errors import FactNotInForce, InputError
from breakeven.offers.build import build_offers
from breakeven.offers.offer import Offer
from tests.offers.scopes import scope

RATE = "rent: b200-sxm, usd_per_gpu_hour: 3.10, gpus_per_sku: 8, gpus: 1"


def rented(entry: str) -> Offer:
    found = scope(self_host=f"{{model: openai/gpt-oss-120b, supply: [{{{entry}}}]}}")
    return next(offer for offer in build_offers(found) if offer.kind == "rented")


def test_a_prepaid_share_costs_interest_over_the_term_that_the_entry_names() -> None:
    """8 x $3.10 x 24 h = $595.20; a quarter of a year of it, $54,312, as an annuity at 10 % paid mid-month is $155.99 a day."""
    assert rented(f"{RATE}, term: reserved-1yr").usd_per_replica_day == pytest.approx(595.20)
    named = rented(f"{RATE}, term: reserved-1yr, prepaid_share: 25%")
    stated = rented(f"{RATE}, term: reserved-1yr, prepaid_share: 25%, term_years: 1")
    assert named.usd_per_replica_day == stated.usd_per_replica_day == pytest.approx(602.40, abs=0.005)
    assert rented(f"{RATE}, term: reserved-3yr, prepaid_share: 25%").usd_per_replica_day > stated.usd_per_replica_day


def test_a_prepaid_share_counts_for_quotes_of_the_catalogue_too() -> None:
    one = rented("rent: h100-sxm, term: reserved-1yr, gpus: 1")
    paid = rented("rent: h100-sxm, term: reserved-1yr, gpus: 1, prepaid_share: 100%")
    assert paid.usd_per_replica_day > one.usd_per_replica_day * 1.01


@pytest.mark.parametrize("entry", [f"{RATE}, prepaid_share: 25%", "rent: h100-sxm, gpus: 1, prepaid_share: 25%", f"{RATE}, term: reserved, prepaid_share: 25%"])
def test_a_prepaid_share_of_no_known_term_is_refused(entry: str) -> None:
    with pytest.raises(InputError) as found:
        rented(entry)
    (problem,) = found.value.problems
    assert problem.field == "self_host.supply[0].prepaid_share"
    assert problem.line
    assert "25% is paid ahead for a whole term" in problem.message
    assert problem.fix == "add term_years, or write term: reserved-1yr"


def test_where_every_quote_is_old_the_refusal_says_so_and_what_to_write() -> None:
    """tpu-v6e has one on-demand quote, of 2024: no median of today's market, but not unquoted either."""
    with pytest.raises(FactNotInForce) as found:
        rented("rent: tpu-v6e")
    (problem,) = found.value.problems
    assert problem.message == (
        "the only on-demand quote of tpu-v6e on file is gcp's of 2024-12-23, older than the 300 days of which a median is taken on 2026-11-23"
    )
    assert problem.fix is not None and problem.fix.endswith("or take that one as it is: provider: gcp")
    assert rented("rent: tpu-v6e, provider: gcp").usd_per_replica_day > 0
    with pytest.raises(FactNotInForce, match="no provider in the catalogue quotes a2 on-demand"):
        rented("rent: a2")
