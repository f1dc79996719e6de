"""What a profile says counts, or is refused: no key is read and then left out of the bill."""

from __future__ import annotations

from typing import Any

import pytest

import breakeven
from breakeven.errors import InputError

from ..compare.profiles import simple

PROVISIONED = {"model": "azure/gpt-4.1", "provisioned": {"unit": "ptu"}}
LEASED = {"own": "box", "accelerator": "h100-sxm", "lease_usd_per_month": 2000}


def profile(*, api: dict[str, Any] | None = None, supply: dict[str, Any] | None = None, **host: Any) -> dict[str, Any]:
    data = simple(tokens_per_day=50e6, price=6.0, usd_per_gpu_hour=2, tok_per_s=10_000, self_host=host)
    if api:
        data["api"] = [api]
    if supply:
        data["self_host"]["supply"] = [supply]
    return data


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (profile(extra_costs=[{"name": "storage"}]), "extra_costs[0]: has no amount"),
        (profile(supply={"rent": "h100-sxm", "sku": "p5"}), "supply[0].sku: chooses among one provider's prices"),
        (profile(supply={"rent": "h100-sxm", "region": "eu"}), "supply[0].region: chooses among one provider's prices"),
        (profile(supply={"rent": "h100-sxm", "usd_per_gpu_hour": 2, "gpus_per_sku": 0}), "gpus_per_sku: must be at least 1"),
        (profile(supply={"rent": "h100-sxm", "usd_per_gpu_hour": 2, "term": "reserved-1yr", "term_years": 3}),
         "supply[0].term_years: 3 contradicts term reserved-1yr"),
        (profile(supply={"own": "hgx-h100-8", "site": "us-average", "servers_per_replica": 0}), "servers_per_replica: must be at least 1"),
        (profile(supply={**LEASED, "amortisation": "straight_line"}), "supply[0].amortisation: belongs to a purchase"),
        (profile(api={**PROVISIONED, "minimum_usd_per_month": 1000}), "api[0].minimum_usd_per_month: belongs to an API bought per token"),
        (profile(api={**PROVISIONED, "platform_fee_share": 0.1}), "api[0].platform_fee_share: belongs to an API bought per token"),
        (profile(api={**PROVISIONED, "max_input_tokens": 10}), "api[0].max_input_tokens: belongs to an API bought per token"),
        (profile(api={**PROVISIONED, "tier": "flex"}), "api[0].tier: belongs to an API bought per token"),
        (profile(api={**PROVISIONED, "prices": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1}}), "a unit of your own belongs to"),
    ],
)  # fmt: skip
def test_what_would_change_nothing_is_refused(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        breakeven.run(data)
    (found,) = caught.value.problems
    assert problem in str(found) and found.fix


def test_a_region_beside_a_rate_of_ones_own_is_where_the_machines_stand() -> None:
    data = profile(supply={"rent": "h100-sxm", "usd_per_gpu_hour": 2, "gpus": 1, "region": "eu-central"})
    data["requirements"] = {"data_residency": ["eu"]}
    assert next(row for row in breakeven.run(data).offers if row.offer.kind == "rented").offer.eligible


def test_arrivals_are_as_bursty_as_the_command_line_lets_them_be() -> None:
    data = profile()
    data["workload"]["demand"] = {"burstiness": 100}
    breakeven.run(data)
    data["workload"]["demand"] = {"burstiness": 101}
    with pytest.raises(InputError) as caught:
        breakeven.run(data)
    assert "workload.demand.burstiness: must be at most 100, not 101 (Poisson arrivals are 1)" in str(caught.value)
