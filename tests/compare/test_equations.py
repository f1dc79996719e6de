"""The page of equations, the table it comes from and the code that cites them stay in step."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.equations import EQUATIONS, model_page

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "breakeven").rglob("*.py"))
CATALOGUE = Catalogue.load()


def cited() -> dict[str, list[str]]:
    """Equation ids that module and function docstrings send the reader to docs/model.md for."""
    found: dict[str, list[str]] = {}
    for path in SOURCES:
        for passage in re.findall(
            r"docs/(?:model|accuracy)\.md,\s+(?:equations?\s+)?((?:``[a-z-]+``[,\s]*(?:and\s+)?)+)", path.read_text()
        ):
            for name in re.findall(r"``([a-z-]+)``", passage):
                found.setdefault(name, []).append(path.name)
    return found


def test_the_page_is_generated_from_the_table() -> None:
    page = (ROOT / "docs" / "model.md").read_text()
    assert page == model_page(), "run `make docs`"
    assert page.replace("## Bought per token", "## Bought") != model_page()


def test_every_equation_stands_on_the_page_once() -> None:
    page = (ROOT / "docs" / "model.md").read_text()
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    assert headings == list(EQUATIONS)
    for equation in EQUATIONS.values():
        assert page.count(f"\n    {equation.formula}\n") == 1


def test_every_docstring_cites_an_equation_that_exists() -> None:
    unknown = {name: files for name, files in cited().items() if name not in EQUATIONS}
    assert not unknown
    assert len(cited()) > 30


def test_every_equation_is_used_by_the_code() -> None:
    text = "\n".join(path.read_text() for path in SOURCES if path.name != "equations.py")
    unused = [name for name in EQUATIONS if not re.search(rf'["`]{name}["`]|equation {name}\b', text)]
    assert not unused


def test_no_equation_is_written_twice() -> None:
    tree = ast.parse((ROOT / "breakeven" / "compare" / "equations.py").read_text())
    keys = [
        k.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for k in node.keys
        if isinstance(k, ast.Constant)
    ]
    assert len(keys) == len(set(keys)) == len(EQUATIONS)


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "configs").glob("*.yaml")), ROOT / "tests/compare/data/everything.yaml"],
    ids=lambda p: p.stem,
)
def test_every_line_of_every_bill_has_an_equation_of_the_page(path: Path) -> None:
    result = breakeven.run(path, CATALOGUE)
    lines = [line for row in result.offers for line in row.offer.lines]
    assert lines
    assert {line.equation for line in lines} <= set(EQUATIONS)
