"""Explanations: the numbers put in give the figure, and every leaf says where it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.cli.main import run as command
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.explain import explain_result
from breakeven.compare.explain_node import Node
from breakeven.compare.worked import evaluate, worked
from breakeven.errors import InputError
from breakeven.offers.scope import Scope
from breakeven.profile.load import load_profile
from breakeven.render.explain import render_explain
from breakeven.render.registry import Options

ROOT = Path(__file__).resolve().parents[2]
PROFILES = [*sorted((ROOT / "configs").glob("*.yaml")), ROOT / "tests/compare/data/everything.yaml"]
CATALOGUE = Catalogue.load()


def scope_of(path: Path) -> Scope:
    return make_scope(load_profile(path), CATALOGUE)


def finance(scope: Scope) -> dict[str, Any]:
    return scope.profile.finance.model_dump(include={"hours_per_month", "discount_rate", "timing", "horizon_years"})


def walk(nodes: tuple[Node, ...]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from walk(node.children)


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_cost_line_is_worked_out_from_its_own_terms(path: Path) -> None:
    scope = scope_of(path)
    for row in compare_scope(scope, detail=False).offers:
        for line in row.offer.lines:
            if not (line.usd_per_day or line.usd_per_replica_day or line.usd_per_mtok):
                continue
            done = worked(line, finance=finance(scope))
            assert done is not None, (row.offer.id, line.id)
            assert evaluate(done.expression, done.values) == pytest.approx(getattr(line, done.field), rel=1e-9)


def test_a_working_that_does_not_give_the_figure_is_not_shown() -> None:
    scope = scope_of(ROOT / "configs" / "reference.yaml")
    line = compare_scope(scope, detail=False).offers[1].offer.lines[0]
    assert worked(line, finance=finance(scope)) is not None
    assert worked(replace(line, usd_per_replica_day=line.usd_per_replica_day * 1.001), finance=finance(scope)) is None


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_the_printed_workings_give_the_printed_values(path: Path) -> None:
    scope = scope_of(path)
    checked = 0
    for node in walk(explain_result(compare_scope(scope), scope=scope)):
        if node.working is None or "ceil" in node.working or not isinstance(node.value, float):
            continue
        text = node.working.removesuffix(" Mtok/day")
        scale = 1e6 if node.working.endswith(" Mtok/day") else 1.0
        assert re.fullmatch(r"[-+*/() 0-9.e]+", text.replace("max(0, ", "("))
        assert eval(text, {"__builtins__": {}, "max": max}) * scale == pytest.approx(node.value, rel=1e-7), node.id
        checked += 1
    assert checked > 5


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_input_ends_in_a_source_a_key_or_a_default(path: Path) -> None:
    scope = scope_of(path)
    result = compare_scope(scope)
    cited = {source.id for source in result.sources}
    for node in walk(explain_result(result, scope=scope)):
        if "<-" in node.id:
            assert node.origin in cited
            assert "effective" in node.title or (node.origin or "").startswith("models/")
    for row in result.offers:
        for line in row.offer.lines:
            nodes = {node.id: node for node in walk(explain_result(result, f"{row.offer.id}.{line.id}", scope=scope))}
            for term in line.terms:
                node = nodes[f"{row.offer.id}.{line.id}.{term.name}"]
                assert node.origin or node.children


def test_keys_of_the_profile_carry_their_line() -> None:
    path = ROOT / "tests/compare/data/everything.yaml"
    scope = scope_of(path)
    (line,) = explain_result(compare_scope(scope), "rented:own-quote/h100-sxm/reserved-1yr.labour", scope=scope)
    places = [node.origin or "" for node in walk((line,)) if node.title == "self_host.labour_fte"]
    number = 1 + path.read_text().splitlines().index("  labour_fte: 0.5")
    assert places == [f"profile:self_host.labour_fte ({path}:{number})"]


def test_an_unknown_figure_names_the_nearest() -> None:
    scope = scope_of(ROOT / "configs" / "reference.yaml")
    with pytest.raises(InputError, match="there is no figure"):
        explain_result(compare_scope(scope), "rentd", scope=scope)


def test_the_crossing_is_worked_out() -> None:
    scope = scope_of(ROOT / "configs" / "reference.yaml")
    (node,) = explain_result(compare_scope(scope), "headline", scope=scope)
    assert node.working == "(0 + 1 * 63.6) / (6 - 0) Mtok/day"
    assert node.value == pytest.approx(10.6e6)


def test_formats_agree(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    scope = scope_of(ROOT / "configs" / "reference.yaml")
    nodes = explain_result(compare_scope(scope), "rent", scope=scope)
    tree, page = (render_explain(name, nodes, Options(width=200)) for name in ("tree", "md"))
    data = json.loads(render_explain("json", nodes, Options()))
    assert data[0]["children"][0]["working"] == "2.65 * 1 * 24"
    assert "2.65 * 1 * 24" in tree
    assert "2.65 \\* 1 \\* 24" in page
    assert command(["explain", str(ROOT / "configs" / "reference.yaml"), "rent"]) == 0
    assert "2.65 * 1 * 24" in capsys.readouterr().out
    assert command(["explain", str(ROOT / "configs" / "reference.yaml"), "nothing-like-it"]) == 2


@pytest.mark.parametrize("path", PROFILES, ids=lambda p: p.stem)
def test_every_figure_of_a_result_can_be_asked_for(path: Path) -> None:
    scope = scope_of(path)
    result = compare_scope(scope)

    def value(item: str) -> Any:
        (node,) = explain_result(result, item, scope=scope)
        return node.value

    for row in result.offers:
        parts = {"month": row.usd_per_month, "mtok": row.usd_per_mtok, "request": row.usd_per_request,
                 "task": row.usd_per_task, "full": row.capacity_usd_per_mtok}  # fmt: skip
        for part, expected in parts.items():
            if expected is not None:
                assert value(f"{row.offer.id}.{part}") == expected
    for flip in result.flips:
        assert value(f"flip:{flip.key}") == flip.flips_at
    for number, alternative in enumerate(result.alternatives):
        before = sum(other.name == alternative.name for other in result.alternatives[:number])
        name = f"alternative:{alternative.name}" + (f"#{before + 1}" if before else "")
        (node,) = explain_result(result, name, scope=scope)
        assert node.value == alternative.first_tokens_per_day
        shown = {below.origin for below in walk((node,)) if "<-" in below.id}
        assert set(alternative.sources) <= shown


def test_a_crossing_goes_down_to_the_records_and_an_alternative_says_what_it_changed() -> None:
    scope = scope_of(ROOT / "configs" / "reference.yaml")
    result = compare_scope(scope)
    (crossing,) = explain_result(result, "crossover", scope=scope)
    records = {node.origin for node in walk((crossing,)) if "<-" in node.id}
    assert {"rental/index-semianalysis#prices[2]", "api/openai#models[16].prices[0]"} <= records
    (median,) = explain_result(result, "alternative:rent: median quote", scope=scope)
    changed = [node for node in walk((median,)) if node.origin == "this alternative"]
    assert [(node.value, node.unit) for node in changed] == [(3.85, "USD/GPU-hour")]
    assert median.working == "(0 + 1 * 92.4) / (6 - 0) Mtok/day"
    assert sum("<-rental/" in node.id for node in walk((median,))) == 25


@pytest.mark.parametrize("minimum", [0, 9000])
def test_a_hybrids_crossing_shows_that_it_saves_what_it_costs(minimum: int, tmp_path: Path) -> None:
    path = tmp_path / "rag.yaml"
    text = (ROOT / "configs" / "rag.yaml").read_text()
    model = re.search(r"^  - (\S+)$", text[text.index("api:"):], re.MULTILINE)
    assert model is not None
    path.write_text(text.replace(f"- {model[1]}\n", f"- {{model: {model[1]}, minimum_usd_per_month: {minimum}}}\n", 1))
    scope = scope_of(path)
    result = compare_scope(scope)
    found = next(c for c in result.crossovers if result.offer(c.self_host).offer.kind == "hybrid" and c.outcome == "at")
    (node,) = explain_result(result, f"crossover:{found.api}|{found.self_host}", scope=scope)
    parts = {child.id.rsplit(".", 1)[-1]: child.value for child in node.children}
    assert parts["cost"] == pytest.approx(parts["saved"], rel=1e-9)
    assert parts["cost"] > 0


def test_a_minimum_spend_shows_what_it_is_short_of(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    text = (ROOT / "configs" / "reference.yaml").read_text()
    path.write_text(re.sub(r"- (openai/gpt-6.1-sol)", r"- {model: \1, minimum_usd_per_month: 7300}", text, count=1))
    scope = scope_of(path)
    result = compare_scope(scope)
    node = next(n for n in walk(explain_result(result, result.headline.api, scope=scope)) if n.id.endswith(".minimum-spend"))
    assert (node.value, node.working) == (pytest.approx(180.0), "max(0, 240 - 60)")
