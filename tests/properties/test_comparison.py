"""What must hold for every profile: sums, monotony, scale, recomputability from the JSON alone."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.result import Comparison
from breakeven.render.json_result import result_object

CATALOGUE = Catalogue.load()
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

money = st.floats(min_value=0.01, max_value=100).map(lambda x: round(x, 4))


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    """Profiles whose every price is the profile's own, so that money can be rescaled as a whole."""
    rented = {"rent": "h100-sxm", "usd_per_gpu_hour": draw(money), "gpus": draw(st.sampled_from([1, 2, 8]))}
    owned = {
        "own": "box", "accelerator": "h100-sxm", "gpus": 8, "capex_usd": draw(money) * 1e4,
        "life_years": draw(st.integers(1, 8)), "residual_share": draw(st.sampled_from([0.0, 0.2])),
        "maintenance_share_per_year": draw(st.sampled_from([0.0, 0.05])), "electricity_usd_per_kwh": draw(money),
        "pue": 1.3, "idle_w": 2000, "active_w": 6000, "nameplate_w": 10200, "colocation_usd_per_kw_month": draw(money),
        "amortisation": draw(st.sampled_from(["annuity", "straight_line"])),
    }  # fmt: skip
    return {
        "name": "random",
        "workload": {
            "tokens_per_day": draw(st.floats(min_value=1e3, max_value=1e11)), "input_tokens": draw(st.integers(0, 9000)),
            "output_tokens": draw(st.integers(1, 3000)), "cached_input_share": draw(st.sampled_from([0, 0.4, 1])),
            "batch_share": draw(st.sampled_from([0, 0.5, 1])),
            "demand": {"shape": draw(st.sampled_from(["flat", "office-hours", "diurnal"]))},
        },
        "api": [
            {
                "model": "own-price", "discount": draw(st.sampled_from([0.0, 0.1])),
                "platform_fee_share": draw(st.sampled_from([0.0, 0.055])),
                "minimum_usd_per_month": draw(st.sampled_from([0, 900])),
                "prices": {"input_usd_per_mtok": draw(money), "output_usd_per_mtok": draw(money),
                           "cached_input_usd_per_mtok": draw(money), "batch_price_ratio": 0.5},
            }
        ],
        "self_host": {
            "model": "openai/gpt-oss-120b", "throughput": {"total_tok_per_s": draw(st.floats(min_value=10, max_value=1e5))},
            "supply": [rented, owned], "redundancy": draw(st.integers(0, 2)), "headroom_share": draw(st.sampled_from([0, 0.2])),
            "labour_fte": draw(st.sampled_from([0, 0.5])), "labour_usd_per_fte_year": draw(money) * 1e3,
            "migration_usd": draw(st.sampled_from([0, 5e4])), "exit_usd": draw(st.sampled_from([0, 1e4])),
            "escalation_share": draw(st.sampled_from([0, 0.05])), "network_usd_per_month": draw(money),
            "extra_costs": [{"name": "x", "usd_per_month": draw(money), "usd_per_replica_month": draw(money),
                             "usd_per_mtok": draw(money) / 100, "usd_once": draw(money)}],
        },
    }  # fmt: skip


def run(profile: dict[str, Any], *overrides: str) -> Comparison:
    return breakeven.run(profile, CATALOGUE, overrides=overrides)


USD_KEYS = {"usd_per_gpu_hour", "capex_usd", "electricity_usd_per_kwh", "colocation_usd_per_kw_month",
            "labour_usd_per_fte_year", "migration_usd", "exit_usd", "network_usd_per_month", "usd_per_month",
            "usd_per_replica_month", "usd_per_mtok", "usd_once", "minimum_usd_per_month", "input_usd_per_mtok",
            "output_usd_per_mtok", "cached_input_usd_per_mtok"}  # fmt: skip


def scaled(value: Any, factor: float, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: scaled(item, factor, name) for name, item in value.items()}
    if isinstance(value, list):
        return [scaled(item, factor, key) for item in value]
    return value * factor if key in USD_KEYS else value


@FEW
@given(profiles())
def test_lines_sum_to_totals(profile: dict[str, Any]) -> None:
    for row in run(profile).offers:
        assert row.usd_per_day == pytest.approx(math.fsum(usd or 0.0 for _, usd in row.bill), rel=1e-12)
        assert row.usd_per_mtok == pytest.approx((row.usd_per_day or 0) / (run(profile).tokens_per_day / 1e6), rel=1e-12)


@FEW
@given(profiles())
def test_costs_never_fall_when_volume_grows(profile: dict[str, Any]) -> None:
    for row in run(profile).offers:
        if row.offer.kind == "hybrid":
            continue  # its coefficients belong to one volume
        costs = [row.offer.usd_per_day_at(volume) for volume in (1e3, 1e6, 1e8, 1e9, 1e10, 1e11)]
        assert all(a <= b * (1 + 1e-12) for a, b in pairwise(costs))


@FEW
@given(profiles(), st.sampled_from([0.5, 2.0, 8.0]))
def test_rescaling_the_currency_scales_every_cost_and_moves_no_crossover(profile: dict[str, Any], factor: float) -> None:
    here, there = run(profile), run(scaled(profile, factor))
    for a, b in zip(here.offers, there.offers, strict=True):
        assert b.usd_per_day == pytest.approx((a.usd_per_day or 0) * factor, rel=1e-9)
    for a, b in zip(here.crossovers, there.crossovers, strict=True):
        assert a.outcome == b.outcome
        if a.first_tokens_per_day:
            assert b.first_tokens_per_day == pytest.approx(a.first_tokens_per_day, rel=1e-9)


@FEW
@given(profiles())
def test_anyone_can_recompute_totals_and_the_first_crossing_from_the_json_alone(profile: dict[str, Any]) -> None:
    data = result_object(run(profile))
    volume = data["volume"]["tokens_per_day"]
    offers = {offer["id"]: offer for offer in data["offers"]}

    def cost(offer: dict[str, Any], at: float) -> float:
        kappa = offer["tokens_per_day_per_replica"]
        n = 0 if kappa is None else max(offer["min_replicas"], math.ceil(at / kappa - 1e-12) + offer["redundant_replicas"])
        parts = [
            (line, line["usd_per_day"] + line["usd_per_replica_day"] * n + line["usd_per_mtok"] * at / 1e6)
            for line in offer["lines"]
        ]
        total = sum(usd for _, usd in parts)
        covered = sum(usd for line, usd in parts if line["counts_towards_minimum"])
        return total + max(0.0, offer["minimum_usd_per_day"] - covered) if offer["minimum_usd_per_day"] else total

    for offer in data["offers"]:
        if offer["kind"] != "hybrid":
            assert cost(offer, volume) == pytest.approx(offer["usd_per_day"], rel=1e-9)
    for found in data["crossovers"]:
        api, own = offers[found["api"]], offers[found["self_host"]]
        first = found["first_tokens_per_day"]
        if own["kind"] == "hybrid" or not first:
            continue
        assert cost(own, first * (1 + 1e-7)) <= cost(api, first * (1 + 1e-7)) * (1 + 1e-6)
        assert cost(own, first * (1 - 1e-4)) >= cost(api, first * (1 - 1e-4)) * (1 - 1e-3)


@FEW
@given(profiles())
def test_the_same_input_gives_the_same_bytes(profile: dict[str, Any]) -> None:
    from breakeven.render.json_result import render_json

    assert render_json([run(profile)]) == render_json([breakeven.run(profile, Catalogue.load())])
