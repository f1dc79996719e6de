"""What moves the crossover is what one may buy: the profile's requirements bar an alternative as they bar an offer."""

from __future__ import annotations

from typing import Any

import breakeven
from breakeven.compare.result import Alternative

HOSTED = "same open model, hosted"


def alternatives(**requirements: Any) -> dict[str, Alternative]:
    profile = {
        "name": "test",
        "workload": {"tokens_per_day": "200M", "input_tokens": 1000, "output_tokens": 500},
        "api": ["openai/gpt-6.1-sol"],
        "self_host": {"model": "openai/gpt-oss-120b", "supply": [{"rent": "h100-sxm", "provider": "lambda", "gpus": 1}]},
        "requirements": requirements,
    }
    return {row.name: row for row in breakeven.run(profile).alternatives}


def test_without_requirements_every_host_and_quote_counts() -> None:
    found = alternatives()
    assert "of 12 host(s)" in found[f"{HOSTED} (cheapest)"].changed
    assert "barred" not in found[f"{HOSTED} (cheapest)"].changed
    assert "25 on-demand quotes)" in found["rent: median quote"].changed


def test_hosts_that_the_requirements_bar_are_left_out_and_counted() -> None:
    found = alternatives(allowed_providers=["openai", "lambda", "groq", "together"])
    hosted = [row for name, row in found.items() if name.startswith(HOSTED)]
    assert hosted
    for row in hosted:
        assert "of 2 host(s) that the requirements allow (10 barred)" in row.changed
        assert row.pair is not None
        assert row.pair[0].meta["provider"] in ("groq", "together")
    assert "(lambda; " in found["rent: cheapest quote"].changed
    assert "that the requirements allow" in found["rent: median quote"].changed


def test_where_all_hosts_are_barred_the_reason_stands_and_no_crossing() -> None:
    """No record of a host names a region, so none can be shown to serve from Europe; nor is the average US site there."""
    found = alternatives(data_residency=["eu"])
    row = found[HOSTED]
    assert row.changed.endswith("cheapest of 12 host(s), all barred")
    assert row.first_tokens_per_day is None
    assert row.outcome is None
    assert row.why_not is not None
    assert row.why_not.startswith("requirements.data_residency: no region is stated")
    assert not any(name.startswith(f"{HOSTED} (") for name in found)
    owned = found["owned instead of rented"]
    assert owned.why_not == "barred: requirements.data_residency: serves from us, not only eu"
    assert owned.first_tokens_per_day is None
