"""The JSON alone gives every crossing of a hybrid: from its coefficients and the hours of the load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.render.json_result import render_json

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
CATALOGUE = Catalogue.load()


def result(name: str, *overrides: str) -> dict[str, Any]:
    text = render_json([breakeven.run(CONFIGS / f"{name}.yaml", CATALOGUE, overrides=overrides)])
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def sums(offer: dict[str, Any]) -> tuple[float, float, float]:
    rows = offer["lines"]
    return tuple(sum(row[name] for row in rows) for name in ("usd_per_day", "usd_per_replica_day", "usd_per_mtok"))  # type: ignore[return-value]


def saves(data: dict[str, Any], api: dict[str, Any], own: dict[str, Any], mtok: float) -> float:
    """The best fleet's saving against buying everything, hour by hour."""
    weights = data["volume"]["hourly_weights"]
    width = own["tokens_per_day_per_replica"] * max(weights) / 1e6
    (bought, _, price), (fixed, rent, variable) = sums(api), sums(own)
    assert bought == 0.0
    best = -float("inf")
    for count in range(1, int(mtok * max(weights) / width) + 2):
        served = sum(min(mtok * weight, count * width) for weight in weights) / len(weights)
        best = max(best, (price - variable) * served - fixed - count * rent)
    return best


@pytest.mark.parametrize(
    ("name", "override"),
    [("reference", "self_host.headroom_share=0"), ("rag", "self_host.headroom_share=0"),
     ("voice", "self_host.headroom_share=0"), ("rag", "workload.batch_share=30%"), ("owned-70b", "self_host.headroom_share=10%")],
)  # fmt: skip
def test_a_hybrids_crossing_follows_from_the_json(name: str, override: str) -> None:
    data = result(name, override)
    offers = {offer["id"]: offer for offer in data["offers"]}
    checked = 0
    for found in data["crossovers"]:
        if offers[found["self_host"]]["kind"] != "hybrid" or "hybrid:mix" in found["self_host"] or found["outcome"] != "at":
            continue
        own_id, _, api_id = found["self_host"].removeprefix("hybrid:").partition("+")
        first = found["first_tokens_per_day"] / 1e6
        scale = first * sums(offers[api_id])[2]
        assert saves(data, offers[api_id], offers[own_id], first) == pytest.approx(0.0, abs=1e-9 * scale)
        assert saves(data, offers[api_id], offers[own_id], first * 0.99) < 0
        assert saves(data, offers[api_id], offers[own_id], first * 1.01) > 0
        checked += 1
    assert checked


def test_a_flat_load_is_one_number_and_a_shaped_one_has_mean_one() -> None:
    assert result("reference")["volume"]["hourly_weights"] == [1.0]
    weights = result("rag")["volume"]["hourly_weights"]
    assert len(weights) == 168
    assert sum(weights) / 168 == pytest.approx(1.0)
