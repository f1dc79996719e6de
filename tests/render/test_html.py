"""The HTML report: self-contained, inert, complete, accessible; in a browser its numbers are Python's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from breakeven.catalog.store import Catalogue
from breakeven.compare.comparison import compare
from breakeven.compare.outlook import Outlook, compare_with_outlook
from breakeven.compare.result import Comparison
from breakeven.errors import InputError
from breakeven.profile.load import load_profile
from breakeven.render.html_report import render_html

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = Catalogue.load()
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--virtual-time-budget=3000"]  # fmt: skip
EVERYTHING = "tests/compare/data/everything.yaml"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def run(path: str, *overrides: str) -> Comparison:
    return compare(load_profile(ROOT / path, overrides), CATALOGUE)


@pytest.fixture(scope="module")
def full() -> Callable[[str], Comparison]:
    made: dict[str, Comparison] = {}

    def get(path: str) -> Comparison:
        if path not in made:
            made[path] = compare_with_outlook(load_profile(ROOT / path), CATALOGUE)
        return made[path]

    return get


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


@pytest.mark.parametrize("path", ["configs/reference.yaml", "configs/owned-70b.yaml", "configs/eu-residency.yaml", EVERYTHING])
def test_the_page_is_self_contained_and_small(path: str) -> None:
    text = render_html([run(path)])
    page = Page(text)
    assert len(text.encode()) < 1_500_000
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "embed", "form", "base")
        assert "src" not in attributes
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    for attributes in page.all("a"):
        assert (attributes["href"] or "").startswith(("https://", "http://", "#"))
    assert not re.search(r"url\(|@import", text.split("</style>")[0])


def test_the_policy_allows_the_pages_own_code_only_by_hash() -> None:
    text = render_html([run("configs/reference.yaml")])
    (policy,) = [a["content"] for a in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "*" not in policy.replace("default-src", "")
    for kind, tag in (("style-src", "style"), ("script-src", "script")):
        code = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(code) == 1
        digest = base64.b64encode(hashlib.sha256(code[0].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy


def test_every_chart_has_a_name_and_a_table_and_every_control_a_label(full: Callable[[str], Comparison]) -> None:
    text = render_html([full("configs/owned-70b.yaml")])
    page = Page(text)
    ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    charts = [a for a in page.all("svg") if a.get("role") == "img"]
    assert len(charts) >= 5
    for attributes in charts:
        assert set((attributes["aria-labelledby"] or "").split()) <= ids
    assert len(page.all("svg")) == len(charts) + sum(1 for a in page.all("svg") if a.get("aria-hidden") == "true")
    labels = {attributes.get("for") for attributes in page.all("label")}
    for attributes in page.all("input"):
        assert attributes.get("id") in labels or attributes.get("type") == "checkbox"
    assert len(page.all("table")) == len(page.all("caption"))
    assert page.all("html")[0]["lang"] == "en"
    anchors = {(a["href"] or "")[1:] for a in page.all("a") if (a["href"] or "").startswith("#")}
    assert anchors <= ids
    assert len(re.findall(r"<h1", text)) == 1


def test_contrast_is_enough_in_light_and_dark() -> None:
    text = render_html([run("configs/reference.yaml")])
    light, dark = re.findall(r":root\{([^}]*)\}", text)[:2]

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def ratio(one: str, other: str) -> float:
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for theme in (light, dark):
        colours = dict(pair.split(":") for pair in theme.split(";"))
        for name in ("--fg", "--dim", "--api", "--own", "--third", "--fourth", "--fifth", "--sixth", "--warn"):
            for ground in ("--bg", "--card"):
                assert ratio(colours[name], colours[ground]) >= 4.5, (name, ground)


def test_every_record_used_is_cited_and_a_missing_one_is_noticed() -> None:
    result = run("configs/reference.yaml")

    def missing(text: str) -> list[str]:
        return [source.id for source in result.sources if f"<code>{source.id}</code></span>" not in text]

    text = render_html([result])
    assert not missing(text)
    one = result.sources[3]
    assert missing(render_html([replace(result, sources=tuple(s for s in result.sources if s is not one))])) == [one.id]


def test_forecast_and_risk_stand_in_the_page_or_say_why_not(full: Callable[[str], Comparison]) -> None:
    result = full("configs/owned-70b.yaml")
    assert result.outlook is not None
    assert result.outlook.forecast is not None
    assert result.outlook.risk is not None
    text = render_html([result])
    assert "is what is left: over" in text
    assert "At this volume, on cost alone, <output" in text  # its API is barred
    assert "Tornado" in text
    assert "P10 to P90 of the first crossing" in text
    without = render_html([replace(result, outlook=Outlook(None, None, "the horizon outlives the machines", "needs numpy"))])
    assert "No forecast: the horizon outlives the machines" in without
    assert "No risk analysis: needs numpy" in without
    plain = render_html([replace(result, outlook=None)])
    assert "breakeven forecast" in plain
    assert "breakeven risk" in plain


def test_an_outlook_is_part_of_the_same_result(full: Callable[[str], Comparison]) -> None:
    with_it = full("configs/reference.yaml")
    assert replace(with_it, outlook=None) == run("configs/reference.yaml")
    assert with_it.outlook is not None
    assert with_it.outlook.forecast is not None
    first = with_it.outlook.forecast.offers[0].months[0].usd
    assert first == pytest.approx(with_it.offers[0].usd_per_month)


def test_several_profiles_are_refused_with_a_reason() -> None:
    result = run("configs/reference.yaml")
    with pytest.raises(InputError, match="about one profile"):
        render_html([result, result])


def test_a_profile_that_nothing_can_serve_still_has_a_report() -> None:
    text = render_html([run("configs/reference.yaml", "self_host.model=deepseek-ai/DeepSeek-V3.2")])
    assert "No self-hosted offer can serve" in text
    assert 'id="crossover"' not in text
    assert data_of(text)["chart"] is None


def test_the_page_carries_the_result_it_shows() -> None:
    data = data_of(render_html([run("configs/reference.yaml")]))
    assert data["headline"] == {"api": "o0", "self_host": "o1"}
    assert [line["v"] for line in data["offers"][0]["lines"]] == [1.0, 5.0]


def test_the_same_result_gives_the_same_page(full: Callable[[str], Comparison]) -> None:
    again = compare_with_outlook(load_profile(ROOT / "configs/reference.yaml"), CATALOGUE)
    assert render_html([full("configs/reference.yaml")]) == render_html([again])


# --- in a browser -----------------------------------------------------------------------------


def opened(tmp_path: Path, text: str, *, script: str = "") -> tuple[str, str]:
    """The DOM after the page's script ran (then ``script``), and what Chromium logged."""
    if script:  # the test's own code is let in by its hash, beside the page's
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        text = text.replace("script-src ", f"script-src &#x27;sha256-{digest}&#x27; ", 1)
        text = text.replace("</body>", f"<script>{script}</script></body>")
    path = tmp_path / "page.html"
    path.write_text(text, encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--enable-logging=stderr", "--v=0", "--dump-dom",
         f"--log-net-log={tmp_path}/net.json", path.as_uri()],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


def live(dom: str, element: str) -> float | None:
    found = re.search(rf'id="{element}" data-tokens="([^"]*)"', dom)
    assert found is not None
    return float(found.group(1)) if found.group(1) else None


def live_costs(dom: str) -> dict[str, float]:
    return {key: float(usd) for key, usd in re.findall(r'data-live="(o\d+)" data-usd="([^"]+)"', dom)}


@needs_browser
@pytest.mark.parametrize("path", ["configs/reference.yaml", "configs/owned-70b.yaml", "configs/support-chat.yaml", EVERYTHING])
def test_numbers_in_the_browser_equal_pythons(path: str, tmp_path: Path) -> None:
    result = run(path)
    dom, log = opened(tmp_path, render_html([result]))
    costs = live_costs(dom)
    shown = [(f"o{n}", row) for n, row in enumerate(result.offers) if row.offer.kind != "hybrid" and row.usd_per_day is not None]
    assert set(costs) == {key for key, _ in shown}
    for key, row in shown:
        assert costs[key] == pytest.approx(row.usd_per_day, rel=1e-12)
    api = result.offer(result.headline.api).offer
    found = next(c for c in result.crossovers if (c.api, c.self_host) == (result.headline.api, result.headline.self_host))
    if not api.minimum_usd_per_day:
        for element, volume in (("live-first", found.first_tokens_per_day), ("live-settled", found.settled_tokens_per_day)):
            assert live(dom, element) == (None if volume is None else pytest.approx(volume, rel=1e-12))
    assert "CONSOLE" not in log
    assert "Refused to" not in log
    assert "violates" not in log


@needs_browser
def test_no_request_leaves_the_page(tmp_path: Path) -> None:
    opened(tmp_path, render_html([run("configs/reference.yaml")]))
    raw = (tmp_path / "net.json").read_text(encoding="utf-8", errors="replace")
    asked = set(re.findall(r'"url":"((?:https?|wss?|ftp):[^"]+)"', raw))
    assert not {url for url in asked if "localhost" not in url and not BROWSERS_OWN.search(url)}


# What Chromium itself asks for in the background, whatever is opened.
BROWSERS_OWN = re.compile(r"^https?://(?:[a-z0-9-]+\.)*(?:google|googleapis|gvt1|gstatic)\.com/")


@needs_browser
def test_changing_prices_on_the_page_moves_the_crossing_as_in_python(tmp_path: Path) -> None:
    script = (
        "for (const [id, x] of [['f-price', '0.095'], ['f-replica', '84'], ['f-rate', '80']]) {"
        " const box = document.getElementById(id); box.value = x; box.dispatchEvent(new Event('input')); }"
        " const v = document.getElementById('volume'); v.value = Math.log10(5e7); v.dispatchEvent(new Event('input'));"
    )
    result = run("configs/reference.yaml")
    dom, log = opened(tmp_path, render_html([result]), script=script)
    own = result.offers[1].offer
    assert own.tokens_per_day_per_replica is not None
    changed = run(
        "configs/reference.yaml", "api[0].model=own/price", "api[0].prices.input_usd_per_mtok=0.095",
        "api[0].prices.output_usd_per_mtok=0.095", "workload.tokens_per_day=50M",
        "self_host.supply[0]={rent: h100-sxm, usd_per_gpu_hour: 3.5, gpus: 1}",
        f"self_host.throughput.requests_per_s={0.8 * own.tokens_per_day_per_replica / 86400 / 2048!r}",
    )  # fmt: skip
    found = changed.crossovers[0]
    assert "CONSOLE" not in log
    assert live(dom, "live-first") == (None if found.first_tokens_per_day is None else pytest.approx(found.first_tokens_per_day))
    assert live(dom, "live-settled") == (None if found.settled_tokens_per_day is None else pytest.approx(found.settled_tokens_per_day))
    costs = live_costs(dom)
    assert costs["o0"] == pytest.approx(changed.offers[0].usd_per_day)
    assert costs["o1"] == pytest.approx(changed.offers[1].usd_per_day)


@needs_browser
@pytest.mark.parametrize(("price", "spare", "least"), [("0.11", 1, 1), ("0.1", 0, 4), ("3", 2, 5)])
def test_the_pages_law_is_the_crossing_law(price: str, spare: int, least: int, tmp_path: Path) -> None:
    overrides = [
        "api[0].model=own/price", f"api[0].prices.input_usd_per_mtok={price}", f"api[0].prices.output_usd_per_mtok={price}",
        f"self_host.redundancy={spare}", f"self_host.min_replicas={least}",
    ]  # fmt: skip
    result = run("configs/reference.yaml", *overrides)
    dom, _ = opened(tmp_path, render_html([result]))
    found = result.crossovers[0]
    assert found.outcome == "at"
    assert live(dom, "live-first") == pytest.approx(found.first_tokens_per_day, rel=1e-12)
    assert live(dom, "live-settled") == pytest.approx(found.settled_tokens_per_day, rel=1e-12)


@needs_browser
def test_the_browser_check_notices_a_broken_script(tmp_path: Path) -> None:
    text = render_html([run("configs/reference.yaml")]).replace("JSON.parse", "JSON.purse")
    _, log = opened(tmp_path, text)
    assert "Refused to" in log or "CONSOLE" in log or "violates" in log


@needs_browser
def test_the_page_fits_its_widths_without_scrolling_sideways(tmp_path: Path) -> None:
    script = "document.title = String(document.documentElement.scrollWidth) + '/' + String(innerWidth);"
    text = render_html([run(EVERYTHING)])
    for width in (1280, 500):
        FLAGS.append(f"--window-size={width},900")
        dom, _ = opened(tmp_path, text, script=script)
        FLAGS.pop()
        found = re.search(r"<title>(\d+)/(\d+)</title>", dom)
        assert found is not None
        assert int(found.group(1)) <= int(found.group(2))
