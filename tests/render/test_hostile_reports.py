"""The same for the reports with everything in them: forecast, risk, currency, workbook cells, FOCUS rows."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.explain import explain_result
from breakeven.compare.forecast_profile import forecast_profile
from breakeven.compare.outlook import with_outlook
from breakeven.compare.result import Comparison
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile, from_document
from breakeven.render.explain import render_explain
from breakeven.render.focus import render_focus
from breakeven.render.html_report import render_html
from breakeven.render.registry import Options
from breakeven.render.xlsx import render_xlsx
from breakeven.yamlio import Document
from tests.render.test_hostile_text import HOSTILE, profile

CATALOGUE = Catalogue.load()
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


# Every element the report is made of.
_TEXT = ("p", "h1", "h2", "h3", "div", "span", "b", "strong", "ul", "li", "a", "code", "br", "details", "summary", "wbr")
_TABLES = ("table", "caption", "thead", "tbody", "tr", "th", "td")
_CHARTS = ("svg", "desc", "path", "rect", "line", "text", "g")
_PAGE = ("html", "head", "meta", "title", "style", "script", "body", "main", "nav", "label", "input", "output", "button")
KNOWN = {*_TEXT, *_TABLES, *_CHARTS, *_PAGE}


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, set[str]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name for name, _ in attrs}))


def loaded(text: str) -> LoadedProfile:
    data: dict[str, Any] = profile(text)
    data["finance"] = {"currency": {"code": "EUR", "usd_per_unit": 1.1, "as_of": "2026-11-01", "source": text}}
    data["uncertainty"] = {"ranges": {"self_host.labour_fte": {"low": 0, "typical": 0, "high": 1}}}
    return from_document(Document(data, text, None))


def full(text: str) -> tuple[Scope, Comparison]:
    scope = make_scope(loaded(text), CATALOGUE)
    return scope, with_outlook(scope, compare_scope(scope))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_whole_page_holds_the_text_as_text(text: str) -> None:
    out = render_html([full(text)[1]])
    assert out.count("<script") == 2
    assert out.count("</script") == 2
    assert "<img" not in out
    for tag, attributes in Tags(out).found:
        assert tag in KNOWN
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcdoc", "formaction")]
    assert not set(out) & set("\x1b\x07\u202e\u2066\u2069")
    assert "javascript:" not in "".join(re.findall(r'href="([^"]*)"', out))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_cell_of_the_workbook_computes_or_links_what_a_user_wrote(text: str) -> None:
    with zipfile.ZipFile(io.BytesIO(render_xlsx([full(text)[1]]))) as book:
        names = book.namelist()
        formulas = []
        for name in names:
            if name.startswith(("xl/worksheets/sheet", "xl/charts/")):
                tree = ElementTree.fromstring(book.read(name))
                assert not list(tree.iter(f"{_MAIN}hyperlink"))
                formulas += [element.text or "" for element in tree.iter(f"{_MAIN}f")]
                formulas += [element.text or "" for element in tree.iter() if element.tag.endswith("}f")]
        for part in names:
            if part.endswith(".xml"):
                ElementTree.fromstring(book.read(part))  # well-formed, whatever was written
    assert len(formulas) > 100
    allowed = re.compile(r"[A-Za-z0-9_$!:(),.+*/<>=\"' ^-]+\Z")
    for formula in set(formulas):
        assert allowed.match(formula), formula
        assert not re.search(r"HYPERLINK|WEBSERVICE|CALL|EXEC|DDE|cmd", formula)
    assert not [name for name in names if "externalLink" in name or "vba" in name.lower()]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_explanations_and_focus_rows_are_inert(text: str) -> None:
    scope, result = full(text)
    nodes = explain_result(result, scope=scope)
    tree, page = (render_explain(name, nodes, Options(width=100)) for name in ("tree", "md"))
    for out in (tree, page):
        assert not set(out) & set("\x1b\x07\u202a\u202e\u2066\u2069")
    assert not re.search(r"(?<!\\)<(?!br>)", page)
    assert not re.search(r"(?<!\\)\]\(", page)
    focus = render_focus(forecast_profile(loaded(text), CATALOGUE)[2], hours_per_month=730.0)
    for row in csv.reader(io.StringIO(focus)):
        for cell in row:
            if cell[:1] in "=+@-|%" and cell:
                float(cell)
