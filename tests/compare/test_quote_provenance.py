"""What a quote says is shown as it says it: price, duty, tax and delivery one by one, and what was taken from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.explain import explain_result
from breakeven.compare.explain_node import Node
from breakeven.compare.worked import evaluate, finance_of, worked
from breakeven.offers.offer import CostLine, Term
from breakeven.profile.load import load_profile
from tests.offers.test_quoted import PROFILE, RENTAL, SERVER, quote, the

OWN = {"own": "hgx-h100-8", "site": "us-va", "gpus": 8, "life_years": 4, "residual_share": 0.15, "maintenance_share_per_year": 0.05}
RECORD = "quotes/acme#offers[0]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "q"
    quote(place, "acme", SERVER, duty_share="5%", tax_share="19%")
    quote(place, "cloud", RENTAL, tax_share="19%", prepaid_share="20%")
    return place


def profile(tmp_path: Path, **own: Any) -> Path:
    supply = [{**OWN, **own}, {"rent": "h100-sxm", "provider": "lambda"}]
    path = tmp_path / "p.yaml"
    path.write_text(json.dumps({**PROFILE, "self_host": {**PROFILE["self_host"], "supply": supply}}, indent=1))
    return path


def nodes(tmp_path: Path, folder: Path, item: str, **own: Any) -> dict[str, Node]:
    scope = make_scope(load_profile(profile(tmp_path, **own)), Catalogue.load([folder]))
    found = explain_result(compare_scope(scope), item, scope=scope)

    def walk(some: tuple[Node, ...]) -> Iterator[Node]:
        for node in some:
            yield node
            yield from walk(node.children)

    return {node.id.removeprefix(f"{found[0].id}."): node for node in walk(found)}


def lines(tmp_path: Path, folder: Path, name: str, **own: Any) -> tuple[dict[str, CostLine], dict[str, Any]]:
    result = compare_scope(make_scope(load_profile(profile(tmp_path, **own)), Catalogue.load([folder])))
    return {line.id: line for line in the(result, name).offer.lines}, finance_of(result)


def term(line: CostLine, name: str) -> Term:
    return next(one for one in line.terms if one.name == name)


def test_the_landed_price_is_an_equation_of_the_quotes_own_numbers(tmp_path: Path, folder: Path) -> None:
    found = nodes(tmp_path, folder, "owned:acme@us-va")
    for name, value in (("capex_usd", 265_000), ("duty_share", 0.05), ("tax_share", 0.19), ("delivery_usd", 4_000)):
        node = found[f"capital.{name}"]
        assert node.value == value and [child.origin for child in node.children] == [RECORD]
    site = found["capital.landed"]
    assert site.equation == "landed-price" and site.value == pytest.approx(335_877.5)
    assert site.working == "265000 * (1 + 0.05) * (1 + 0.19) + 4000 * (1 + 0.19)"
    assert site.working in (found["capital.usd_per_replica_day"].working or "")
    assert found["support.support_usd_per_year"].value == 12_000
    assert found["support.landed"].working == "12000 * (1 + 0.19)" and found["support.landed"].value == pytest.approx(14_280)


@pytest.mark.parametrize("amortisation", ["annuity", "straight_line"])
def test_every_quoted_line_is_worked_out(tmp_path: Path, folder: Path, amortisation: str) -> None:
    for name in ("acme", "cloud"):
        found, finance = lines(tmp_path, folder, name, amortisation=amortisation, spares_share=0.03)
        for line in found.values():
            done = worked(line, finance=finance)
            assert done is not None, line.id
            assert evaluate(done.expression, done.values) == pytest.approx(getattr(line, done.field), rel=1e-9)
    assert {"rent", "prepaid-rent"} <= found.keys()


def test_terms_of_the_profiles_own_machines_are_named_as_such(tmp_path: Path, folder: Path) -> None:
    found, _ = lines(tmp_path, folder, "acme")
    for line, name in (("capital", "life_years"), ("capital", "residual_share"), ("maintenance", "maintenance_share_per_year")):
        key = f"self_host.supply[0].{name}"
        assert term(found[line], key).where == f"profile:{key}"
    node = nodes(tmp_path, folder, "owned:acme@us-va")["capital.self_host.supply[0].life_years"]
    assert node.origin is not None and node.origin.startswith("profile:self_host.supply[0].life_years (") and "p.yaml:" in node.origin


def test_the_contract_of_a_rental_is_the_quotes(tmp_path: Path, folder: Path) -> None:
    found, _ = lines(tmp_path, folder, "cloud")
    for name, value in (("usd_per_gpu_hour", 2.2), ("tax_share", 0.19), ("prepaid_share", 0.2), ("term_years", 1)):
        said = term(found["prepaid-rent"], name)
        assert (said.value, said.sources) == (value, ("quotes/cloud#offers[0]",))
    rent = nodes(tmp_path, folder, "rented:cloud/h100-sxm/reserved")["rent.usd_per_replica_day"]
    assert rent.working == "2.2 * 8 * 24 * (1 + 0.19) * (1 - 0.2)"


def test_a_term_that_its_name_gives_is_the_profiles(tmp_path: Path) -> None:
    supply = [{"rent": "h100-sxm", "gpus": 1, "term": "reserved-1yr", "prepaid_share": 0.5}]
    (tmp_path / "p.yaml").write_text(json.dumps({**PROFILE, "self_host": {**PROFILE["self_host"], "supply": supply}}))
    (row,) = [row for row in compare_scope(make_scope(load_profile(tmp_path / "p.yaml"), Catalogue.load())).offers if row.offer.kind == "rented"]
    (line,) = [line for line in row.offer.lines if line.id == "prepaid-rent"]
    assert term(line, "term_years").where == "profile:self_host.supply[0].term"
    assert term(line, "self_host.supply[0].prepaid_share").where == "profile:self_host.supply[0].prepaid_share"


def test_the_capacity_of_a_bill_says_what_it_rests_on(tmp_path: Path, folder: Path) -> None:
    found, _ = lines(tmp_path, folder, "acme")
    assert term(found["power-active"], "capacity_mtok_per_day").where == "profile:self_host.throughput.total_tok_per_s"
    host = {**PROFILE["self_host"], "throughput": None, "supply": [OWN]}
    path = tmp_path / "e.yaml"
    path.write_text(json.dumps({**PROFILE, "self_host": {key: value for key, value in host.items() if value is not None}}))
    (row,) = [row for row in compare_scope(make_scope(load_profile(path), Catalogue.load())).offers if row.offer.kind == "owned"]
    (line,) = [line for line in row.offer.lines if line.id == "power-active"]
    assert (term(line, "capacity_mtok_per_day").where or "").startswith("estimate, grade ")


def test_the_workbook_takes_them_one_by_one(tmp_path: Path, folder: Path) -> None:
    pytest.importorskip("xlsxwriter")
    openpyxl = pytest.importorskip("openpyxl")
    target = tmp_path / "o.xlsx"
    assert run(["run", str(profile(tmp_path)), "--catalog", str(folder), "-o", str(target)]) == 0
    rows = {row[1].value: row for row in openpyxl.load_workbook(target)["Inputs"].iter_rows(min_row=5) if row[1].value}
    for name, value in (("duty_share", 0.05), ("delivery_usd", 4_000), ("support_usd_per_year", 12_000)):
        assert (rows[name][2].value, rows[name][4].value) == (value, RECORD)
    assert rows["prepaid_share"][4].value == "quotes/cloud#offers[0]"
    assert rows["self_host.supply[0].life_years"][4].value == "profile:self_host.supply[0].life_years"
    assert not any("supply[2]" in name and "life" in name for name in rows)
