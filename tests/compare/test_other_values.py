"""Beside suppliers' quotes too, ``sweep``, ``solve`` and ``risk`` weigh what ``run --set`` would."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.compare.axes import read_axes
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.result import Comparison
from breakeven.compare.risk import risk
from breakeven.compare.solve import default_keys, solve
from breakeven.compare.sweep import Sweep, rows
from breakeven.offers.other_values import is_lent
from breakeven.offers.scope import Scope
from breakeven.profile.load import from_document
from breakeven.yamlio import Document
from tests.offers.test_quoted import PROFILE, SERVER, quote

RENTED = {"rent": "h100-sxm", "provider": "lambda"}
BREAKS = "[{from_units: 4, usd_per_unit: $150k}]"


def scope_of(folder: Path, supply: list[dict[str, Any]], **changes: Any) -> Scope:
    data = {**PROFILE, **changes, "self_host": {**PROFILE["self_host"], "supply": supply}}
    return make_scope(from_document(Document(data, "p.yaml", None)), Catalogue.load([folder]))


def run_at(scope: Scope, values: dict[str, Any]) -> Comparison:
    """As ``run --set``, from the profile's own text on."""
    data = scope.loaded.document
    loaded = from_document(data, [f"{key}={value!r}" for key, value in values.items()])
    return compare_scope(make_scope(loaded, scope.catalogue), detail=False)


@pytest.fixture
def beside(tmp_path: Path) -> Scope:
    """The profile's own machines are barred, so that the verdict is about a quote that it does not name."""
    quote(tmp_path / "q", "acme", SERVER, price_breaks=BREAKS)
    return scope_of(tmp_path / "q", [RENTED], requirements={"no_third_party": True})


def test_a_sweep_has_the_quotes(beside: Scope) -> None:
    axes = read_axes(beside.loaded, ["self_host.labour_fte=0,1", "workload.tokens_per_day=1M:1B:4:log"])
    grid = Sweep(beside, axes)
    points = [row for chunk in grid.chunks() for row in rows(grid, chunk)]
    for row in points:
        found = run_at(beside, {axis.key: row[axis.key] for axis in axes})
        assert row["self_host"] == found.headline.self_host == "owned:acme@us-average"
        assert row["self_host_usd_per_day"] == found.offer("owned:acme@us-average").usd_per_day
    assert len({row["self_host_usd_per_day"] for row in points}) > 2


def test_solve_has_the_quotes_and_follows_their_price_breaks(beside: Scope) -> None:
    keys = default_keys(beside)
    assert not any(".supply[" in key for key in keys)  # no entry of the profile, so nothing to set
    flips = solve(beside, "workload.tokens_per_day", low=1e6, high=2e9).flips
    assert len(flips) >= 1
    for flip in flips:
        for side, value in ((flip.below, flip.value * (1 - 1e-9)), (flip.above, flip.value * (1 + 1e-9))):
            found = run_at(beside, {"workload.tokens_per_day": value})
            own, api = (found.offer(name).usd_per_day or 0.0 for name in (found.headline.self_host, found.headline.api))
            assert ("self_host" if own < api else "api") == side


def test_no_flip_of_a_staircase_with_price_breaks_is_missed(tmp_path: Path) -> None:
    """Each order has its own bill, and one more server is one more tooth: too fine for a grid of ratios."""
    quote(tmp_path / "q", "acme", SERVER, price_breaks="[{from_units: 3, usd_per_unit: $240k}]")
    scope = scope_of(tmp_path / "q", [{"quote": "acme", "site": "us-va", "gpus": 8}], api=[
        {"model": "own/api", "prices": {"input_usd_per_mtok": 3.6, "output_usd_per_mtok": 3.6}}])  # fmt: skip
    flips = sorted(flip.value for flip in solve(scope, "workload.tokens_per_day", low=20e6, high=900e6).flips)
    wins = []
    for volume in range(20_000_000, 900_000_000, 4_000_000):
        found = run_at(scope, {"workload.tokens_per_day": volume})
        own, api = (found.offer(name).usd_per_day or 0.0 for name in (found.headline.self_host, found.headline.api))
        wins.append((volume, own < api))
    turns = [(low, high) for (low, before), (high, after) in pairwise(wins) if before != after]
    assert len(turns) >= 3
    for low, high in turns:
        assert any(low < flip <= high for flip in flips), (low, high, flips)


def test_run_names_no_key_that_no_profile_has(beside: Scope) -> None:
    flips = compare_scope(beside).flips
    assert [flip.key for flip in flips if "supply" in flip.key] == []
    price = next(flip for flip in flips if flip.key == "quotes/acme.capex_usd")
    assert price.now == 265_000 and price.flips_at is not None


def test_risk_has_the_quotes(beside: Scope) -> None:
    found = risk(beside, draws=64)
    acme = next(row for row in found.offers if row.offer == "owned:acme@us-average")
    assert acme.usd_per_day.p10 is not None and acme.cheapest_probability == 1.0


def test_what_a_quote_borrows_moves_with_the_profile(tmp_path: Path) -> None:
    quote(tmp_path / "q", "acme", SERVER)
    own = {"own": "hgx-h100-8", "site": "us-va", "gpus": 8, "life_years": 4}
    scope = scope_of(tmp_path / "q", [own])
    assert is_lent(scope, "self_host.supply[0].life_years") and not is_lent(scope, "self_host.labour_fte")
    stated = replace(scope, loaded=from_document(Document(
        {**scope.loaded.document.data, "uncertainty": {"ranges": {"self_host.supply[0].life_years": {"low": 3, "high": 5}}}},
        "p.yaml", None)))  # fmt: skip
    found = risk(make_scope(stated.loaded, scope.catalogue), draws=64)
    acme = next(row for row in found.offers if row.offer.startswith("owned:acme"))
    ends = [run_at(scope, {"self_host.supply[0].life_years": years}).offer("owned:acme@us-va").usd_per_day for years in (5, 3)]
    assert acme.usd_per_day.p10 is not None and acme.usd_per_day.p90 is not None
    assert ends[0] is not None and ends[1] is not None
    assert ends[0] <= acme.usd_per_day.p10 < acme.usd_per_day.p90 <= ends[1]
