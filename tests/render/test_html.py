"""The HTML report: self-contained, inert, complete, and its numbers are Python's, also in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.result import Comparison
from breakeven.render.html_report import render_html

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Catalogue.load()
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--virtual-time-budget=3000"]  # fmt: skip


def run(name: str, *overrides: str) -> Comparison:
    return breakeven.run(ROOT / "configs" / f"{name}.yaml", CATALOGUE, overrides=overrides)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("name", ["reference", "owned-70b", "classification", "eu-residency"])
def test_the_page_is_self_contained_and_small(name: str) -> None:
    text = render_html([run(name)])
    page = Page(text)
    assert len(text.encode()) < 1_500_000
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "form", "base")
        assert "src" not in attributes
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
        if tag == "a":
            assert (attributes["href"] or "").startswith(("https://", "http://", "#"))
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_every_record_used_is_cited_and_a_missing_one_is_noticed() -> None:
    result = run("reference")
    text = render_html([result])
    assert all(f"<code>{source.id}</code>" in text for source in result.sources)
    without = text.replace(result.sources[0].id, "")
    assert not all(f"<code>{source.id}</code>" in without for source in result.sources)


def test_several_profiles_are_refused_with_a_reason() -> None:
    with pytest.raises(breakeven_errors()):
        render_html([run("reference"), run("reference")])


def breakeven_errors() -> type[Exception]:
    from breakeven.errors import InputError

    return InputError


def dump(tmp_path: Path, text: str, script: str = "") -> tuple[str, str]:
    """The DOM after the page's script ran, and what Chromium logged."""
    path = tmp_path / "page.html"
    path.write_text(text, encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--enable-logging=stderr", "--v=0", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("name", ["reference", "owned-70b", "support-chat"])
def test_numbers_in_the_browser_equal_pythons(name: str, tmp_path: Path) -> None:
    result = run(name)
    dom, log = dump(tmp_path, render_html([result]))
    for number, row in enumerate(result.offers):
        if row.offer.kind == "hybrid" or row.usd_per_day is None:
            continue
        marker = f'data-live="o{number}"'
        live = re.search(rf'<span {marker} data-usd="([^"]+)"', dom)
        assert live is not None
        assert float(live.group(1)) == pytest.approx(row.usd_per_day, rel=1e-9)
    found = next(c for c in result.crossovers if (c.api, c.self_host) == (result.headline.api, result.headline.self_host))
    tokens = re.search(r'id="live-crossover" data-tokens="([^"]*)"', dom)
    assert tokens is not None
    if found.first_tokens_per_day is not None:
        assert float(tokens.group(1)) == pytest.approx(found.first_tokens_per_day, rel=1e-9)
    assert "Refused to" not in log
    assert "CONSOLE" not in log


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_browser_check_notices_a_broken_script(tmp_path: Path) -> None:
    text = render_html([run("reference")]).replace("JSON.parse", "JSON.purse")
    _, log = dump(tmp_path, text)
    assert "Refused to" in log or "CONSOLE" in log or "violates" in log


def test_the_page_carries_the_result_it_shows() -> None:
    text = render_html([run("reference")])
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert data["headline"] == {"api": "o0", "self_host": "o1"}
    assert data["offers"][0]["lines"][0]["v"] == 1.0
