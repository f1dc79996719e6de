"""The flips that ``run`` shows are values that a reader can set: the verdict turns there."""

from __future__ import annotations

from typing import Any

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import make_scope
from breakeven.compare.result import Comparison, Flip
from breakeven.compare.solve import solve
from breakeven.errors import InputError
from breakeven.profile.load import from_document
from breakeven.yamlio import Document

from .profiles import simple

CATALOGUE = Catalogue.load()
LEASED = {"own": "leased-box", "accelerator": "h100-sxm", "gpus": 1, "lease_usd_per_month": 1460, "idle_w": 300,
          "active_w": 700, "electricity_usd_per_kwh": 0.1, "pue": 1.2}  # fmt: skip


def flip_of(result: Comparison, ending: str) -> Flip:
    return next(flip for flip in result.flips if flip.key.endswith(ending))


def rented(**supply: Any) -> dict[str, Any]:
    data = simple(tokens_per_day=50e6, price=6.0, usd_per_gpu_hour=20, tok_per_s=10_000)
    data["self_host"]["supply"][0].update(supply)
    return data


@pytest.mark.parametrize("contract", [{}, {"discount": 0.5}, {"discount": 0.25, "term": "reserved-1yr", "prepaid_share": 0.5, "term_years": 1}])
def test_a_rents_flip_is_the_key_before_its_discount(contract: dict[str, Any]) -> None:
    flip = flip_of(breakeven.run(rented(**contract)), "usd_per_gpu_hour")
    assert flip.now == 20 and flip.flips_at is not None
    winners = []
    for factor in (1 - 1e-9, 1 + 1e-9):
        result = breakeven.run(rented(**contract, usd_per_gpu_hour=flip.flips_at * factor))
        winners.append(result.headline.cheaper_at_volume == result.headline.self_host)
    assert winners == [True, False]
    scope = make_scope(from_document(Document(rented(**contract), "<test>", None)), CATALOGUE)
    (found,) = solve(scope, flip.key).flips
    assert found.value == pytest.approx(flip.flips_at, rel=1e-9)


def test_a_rate_of_ones_own_keeps_what_is_sold_together() -> None:
    """aws sells eight H100 at a time: another rate does not make one of them to be had."""
    def data(**supply: Any) -> dict[str, Any]:
        made = rented()
        made["self_host"]["supply"] = [{"rent": "h100-sxm", "provider": "aws", "gpus": 1, **supply}]
        return made

    listed = breakeven.run(data())
    flip = flip_of(listed, "usd_per_gpu_hour")
    own = next(row for row in listed.offers if row.offer.kind == "rented")
    stated = next(row for row in breakeven.run(data(usd_per_gpu_hour=flip.now)).offers if row.offer.kind == "rented")
    assert own.offer.gpus_per_replica == stated.offer.gpus_per_replica == 8
    assert stated.usd_per_day == own.usd_per_day
    (rent,) = (line for line in stated.offer.lines if line.id == "rent")
    assert any(source.startswith("rental/aws#") for source in rent.sources)  # that eight are sold together
    assert flip.flips_at == pytest.approx(300 / 24 / 8, rel=1e-12)
    one = next(row for row in breakeven.run(data(usd_per_gpu_hour=2, gpus_per_sku=1)).offers if row.offer.kind == "rented")
    assert one.usd_per_day == pytest.approx(48.0)


def beside_probes(**supply: Any) -> dict[str, Any]:
    """A machine with a cost of the user's own that he files under compute: no rate moves it."""
    data = rented(**supply)
    data["self_host"]["extra_costs"] = [{"name": "probes", "category": "compute", "usd_per_replica_month": 730}]
    return data


def escalating(**other: Any) -> dict[str, Any]:
    """The headline's API at $6, and a fifth of the requests handed back to another one."""
    data = simple(tokens_per_day=80e6, price=6.0, usd_per_gpu_hour=4, tok_per_s=500)
    prices = {"input_usd_per_mtok": 1.75, "output_usd_per_mtok": 1.75}
    data["api"].append({"model": "own/other", "prices": prices, **other})
    data["self_host"].update(escalation_share=0.2, escalate_to="own/other")
    return data


def test_a_rents_flip_leaves_other_compute_costs_alone() -> None:
    flip = flip_of(breakeven.run(beside_probes()), "usd_per_gpu_hour")
    assert flip.flips_at == pytest.approx((300 - 24) / 24, rel=1e-12)  # 50 Mtok at $6, $24 of probes, 24 hours
    winners = []
    for factor in (1 - 1e-9, 1 + 1e-9):
        result = breakeven.run(beside_probes(usd_per_gpu_hour=(flip.flips_at or 0) * factor))
        winners.append(result.headline.cheaper_at_volume == result.headline.self_host)
    assert winners == [True, False]


def test_requests_escalated_to_another_api_do_not_move_with_this_ones_price() -> None:
    result = breakeven.run(escalating())
    own = 2 * 4 * 24 + 0.2 * 1.75 * 80
    assert flip_of(result, "api price at this shape").flips_at == pytest.approx(own / 80, rel=1e-12)


def test_the_throughputs_flip_counts_the_escalation_apis_minimum_spend() -> None:
    """$480 at the API; $240 of minimum and $96 a replica: two replicas win, a third would lose."""
    flip = flip_of(breakeven.run(escalating(minimum_usd_per_month=7300)), "carries on a mean day")
    assert flip.flips_at == pytest.approx(40e6, rel=1e-12)
    winners = []
    for factor in (1 + 1e-9, 1 - 1e-9):
        data = escalating(minimum_usd_per_month=7300)
        data["self_host"]["throughput"] = {"total_tok_per_s": (flip.flips_at or 0) / 86_400 * factor}
        result = breakeven.run(data)
        winners.append(result.headline.cheaper_at_volume == result.headline.self_host)
    assert winners == [True, False]


def test_a_discount_is_part_of_the_name() -> None:
    names = [row.offer.name for row in breakeven.run(rented(discount=0.125)).offers if row.offer.kind == "rented"]
    assert names == ["1x h100-sxm at $20/h less 12.5%"]


def leased(**supply: Any) -> dict[str, Any]:
    data = simple(tokens_per_day=50e6, price=6.0, usd_per_gpu_hour=20, tok_per_s=10_000)
    data["self_host"]["supply"] = [{**LEASED, **supply}]
    return data


def test_a_leases_flip_is_the_lease() -> None:
    result = breakeven.run(leased())
    keys = [flip.key for flip in result.flips]
    assert "self_host.supply[0].capex_usd" not in keys
    flip = flip_of(result, "lease_usd_per_month")
    assert flip.now == 1460 and flip.flips_at is not None
    winners = []
    for factor in (1 - 1e-9, 1 + 1e-9):
        again = breakeven.run(leased(lease_usd_per_month=flip.flips_at * factor))
        winners.append(again.headline.cheaper_at_volume == again.headline.self_host)
    assert winners == [True, False]
    assert "leased" in result.headline.sentence and "owned" not in result.headline.sentence
    assert not any("owned servers" in text for text in result.not_included)


@pytest.mark.parametrize(
    ("supply", "problem"),
    [
        ({"capex_usd": 200_000}, "capex_usd: belongs to a purchase, and lease_usd_per_month is given"),
        ({"residual_share": 0.1}, "residual_share: belongs to a purchase"),
        ({"maintenance_share_per_year": 0.05}, "maintenance_share_per_year: belongs to a purchase"),
        ({"spares_share": 0.05}, "spares_share: belongs to a purchase"),
        ({"discount": 0.1}, "discount: is off a rent"),
        ({"term": "spot"}, "term: belongs to rent"),
    ],
)
def test_what_a_lease_would_drop_is_refused(supply: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        breakeven.run(leased(**supply))


def test_the_conditions_name_a_minimum_spend() -> None:
    data = rented()
    data["api"][0]["minimum_usd_per_month"] = 7300
    assert any("and at least $240.00 a day (its minimum spend)" in text for text in breakeven.run(data).headline.conditions)


def test_an_old_exchange_rate_warns() -> None:
    data = rented()
    data["finance"] = {"currency": "EUR"}
    assert any("every amount is converted at 1 EUR" in text and "days old" in text for text in breakeven.run(data).warnings)
    data["finance"] = {"currency": {"code": "EUR", "usd_per_unit": 1.1, "as_of": "2026-11-20", "source": "a bank"}}
    assert not any("every amount is converted" in text for text in breakeven.run(data).warnings)


def test_a_cheaper_size_at_the_volume_is_warned_of() -> None:
    data = {
        "workload": {"tokens_per_day": "50M", "input_tokens": 1000, "output_tokens": 1000},
        "api": ["openai/gpt-6.1-sol"],
        "self_host": {"model": "Qwen/Qwen3-32B", "supply": [{"rent": "h100-sxm", "usd_per_gpu_hour": 3}]},
    }
    warned = [text for text in breakeven.run({"name": "size", **data}).warnings if "cheaper at your volume" in text]
    assert warned and warned[0].startswith("1 GPU(s) an instance instead of 2, ")
    data["self_host"]["supply"][0]["gpus"] = 1  # type: ignore[index]
    assert not [text for text in breakeven.run({"name": "size", **data}).warnings if "cheaper at your volume" in text]
