"""Published worked cases through the public interface, to the tolerance of their sources.

Where a source contradicts its own inputs, the tool prints what the inputs give, and not what the
text claims: both are asserted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.render.json_result import result_object
from breakeven.yamlio import load_path

CASES = load_path(Path(__file__).parent / "cases.yaml").data
CHECKS = [(case, check) for case in CASES for check in case["checks"]]


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    catalogue = Catalogue.load()
    return {
        case["id"]: result_object(breakeven.run(case["profile"], catalogue, overrides=case.get("set", ())))
        for case in CASES
    }


def offer_of(result: dict[str, Any], kind: str) -> dict[str, Any]:
    name, _, position = kind.partition("#")
    return [offer for offer in result["offers"] if offer["kind"] == name][int(position or 1) - 1]


@pytest.mark.parametrize(("case", "check"), CHECKS, ids=[f"{case['id']}-{check['name']}" for case, check in CHECKS])
def test_a_published_case(case: dict[str, Any], check: dict[str, Any], results: dict[str, dict[str, Any]]) -> None:
    result = results[case["id"]]
    on = offer_of(result, check["on"])
    found = result["crossovers"][0]
    names = {
        "o": lambda field: on[field],
        "api": lambda field: offer_of(result, "api")[field],
        "rented": lambda field: offer_of(result, "rented")[field],
        "line": lambda line_id: next(x for x in on["lines"] if x["id"] == line_id)["usd_per_day_at_volume"],
        "first": found["first_tokens_per_day"],
        "outcome": found["outcome"],
        "capacity_share": found["capacity_share"],
    }
    value = eval(check["get"], {"__builtins__": {}}, names)
    if check.get("verdict") == "contradicts":
        assert value == pytest.approx(check["recomputed"], rel=check["tol"])
        assert value != pytest.approx(check["published"], rel=0.05)
    else:
        assert value == pytest.approx(check["published"], rel=check["tol"])


def test_every_case_names_its_source() -> None:
    for case in CASES:
        assert case["source"]["title"]
        assert case["source"]["date"]
