"""The published schema of `run --format json`: every result obeys it, and a wrong one does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.render.json_result import render_json

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CATALOGUE = Catalogue.load()


def result(name: str, *overrides: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(render_json([breakeven.run(ROOT / "configs" / f"{name}.yaml", CATALOGUE, overrides=overrides)]))
    return loaded


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_profiles_result_obeys(path: Path) -> None:
    VALIDATOR.validate(result(path.stem))


@pytest.mark.parametrize(
    "override",
    ["latency.tpot_ms=0.001", "self_host.hybrid=false", "workload.tokens_per_day=1", "workload.tokens_per_day=1T", "requirements.no_third_party=true",
     "finance.currency={code: EUR, usd_per_unit: 1.1, as_of: 2026-11-01, source: bank}", "self_host.throughput={total_tok_per_s: 9000}",
     "api[0]={model: azure/gpt-oss-120b, provisioned: {unit: ptu}}"],
)  # fmt: skip
def test_unusual_results_obey(override: str) -> None:
    try:
        VALIDATOR.validate(result("reference", override))
    except breakeven.errors.BreakevenError as error:  # type: ignore[attr-defined]
        pytest.skip(str(error))


def test_several_profiles_obey() -> None:
    one = breakeven.run(ROOT / "configs" / "reference.yaml", CATALOGUE)
    VALIDATOR.validate(json.loads(render_json([one, one])))


def test_the_schema_notices_what_is_wrong() -> None:
    good = result("reference")
    for change in ("missing", "extra", "text for a number"):
        bad = copy.deepcopy(good)
        if change == "missing":
            del bad["offers"][0]["usd_per_mtok"]
        elif change == "extra":
            bad["offers"][0]["surprise"] = 1
        else:
            bad["crossovers"][0]["first_tokens_per_day"] = "10M"
        assert list(VALIDATOR.iter_errors(bad)), change
