"""Whatever a user writes into a name is inert in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import breakeven
from breakeven.catalog.store import Catalogue
from breakeven.compare.explain import explain_result
from breakeven.compare.result import Comparison
from breakeven.render import registry
from breakeven.render.explain import EXPLAIN_FORMATS, render_explain

CATALOGUE = Catalogue.load()
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', '=HYPERLINK("http://evil","x")', "+1+1", "@SUM(A1)", "-2+3",
    "| a | b |", "`rm -rf`", "[click](javascript:alert(1))", "\x1b[31mred\x1b[0m", "\u202egnp.exe", "\u2066hidden\u2069",
    "[bold]x[/bold]", "[/x]", "</script><script>alert(1)</script>", "x" * 10_000, "a\nb\r\nc", "\u0000nul".replace("\u0000", "\u0007"),
    "${jndi:ldap://x}", "%0aX-Header: y", "{{7*7}}", "'; DROP TABLE x; --",
]  # fmt: skip


def profile(text: str) -> dict[str, Any]:
    return {
        "name": text, "description": text, "owner": text,
        "workload": {"tokens_per_day": 10e6, "input_tokens": 500, "output_tokens": 500},
        "api": [{"model": "own/" + text, "name": text,
                 "prices": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 5, "source": text}}],
        "self_host": {
            "model": "openai/gpt-oss-20b", "throughput": {"total_tok_per_s": 1000, "source": text},
            "supply": [{"rent": "h100-sxm", "usd_per_gpu_hour": 2, "gpus": 1, "name": text}],
            "extra_costs": [{"name": text, "usd_per_month": 5, "source": text}],
        },
    }  # fmt: skip


def result(text: str) -> Comparison:
    return breakeven.run(profile(text), CATALOGUE)


def rendered(text: str, name: str) -> str:
    out = registry.render_run(name, [result(text)], registry.Options(width=100, chart=False))
    return out if isinstance(out, str) else out.decode("latin-1")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", ["table", "md", "csv"])
def test_no_control_or_direction_characters_reach_a_text_format(text: str, name: str) -> None:
    out = rendered(text, name)
    assert "\x1b" not in out
    assert "\x07" not in out
    assert not set(out) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_html_holds_the_text_as_text(text: str) -> None:
    out = rendered(text, "html")
    assert out.count("<script") == 2  # the data block and the page's own
    assert "<img" not in out
    assert "javascript:alert" not in out.replace("[click](javascript:alert(1))", "")
    assert not set(out) & set("\x1b\x07\u202e\u2066")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_csv_cells_are_no_formulas(text: str) -> None:
    for row in csv.reader(io.StringIO(rendered(text, "csv"))):
        for cell in row:
            if cell[:1] in "=+@-|%" and cell:
                float(cell)  # only numbers may start like that


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_markdown_is_escaped(text: str) -> None:
    out = rendered(text, "md")
    body = "\n".join(line for line in out.splitlines() if not line.startswith("| ---"))
    assert "<script" not in body.replace("\\<script", "")
    assert "](javascript" not in body
    for line in out.splitlines():
        if line.startswith(("| 1x", "| own")):
            assert line.count(" | ") >= 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_json_round_trips_the_text_exactly(text: str) -> None:
    assert json.loads(rendered(text, "json"))["name"] == text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_xlsx_and_explain_survive(text: str) -> None:
    assert rendered(text, "xlsx").startswith("PK")
    nodes = explain_result(result(text))
    for name in EXPLAIN_FORMATS:
        out = render_explain(name, nodes, registry.Options(width=100))
        if name != "json":
            assert "\x1b" not in out
            assert "\u202e" not in out


def test_every_record_used_is_cited_in_every_text_format() -> None:
    comparison = breakeven.run(Path(__file__).resolve().parents[2] / "configs" / "reference.yaml", CATALOGUE)
    for name in ("json", "csv", "md", "table"):
        out = registry.render_run(name, [comparison], registry.Options(width=100, chart=False))
        assert isinstance(out, str)
        flat = out.replace("\\", "").replace("\n", "").replace(" ", "")
        missing = [source.id for source in comparison.sources if source.id.replace(" ", "") not in flat]
        assert not missing, (name, missing)
        broken = flat.replace(comparison.sources[0].id, "")
        assert comparison.sources[0].id not in broken
