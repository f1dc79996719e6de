"""The report as one self-contained HTML file: no request leaves it, and it prints.

A strict content-security policy allows only the page's own style and script, by hash. The script
carries the cost lines' coefficients and evaluates the linear pieces; every figure that stands in the
page without touching a control is Python's.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib import resources

from breakeven.compare.numbers import Money
from breakeven.compare.result import Comparison
from breakeven.errors import InputError, Problem
from breakeven.render.html.bills import lines_section, offers_section
from breakeven.render.html.crossing import crossing_section, page_data, page_frame
from breakeven.render.html.moves import flips_section, moves_section
from breakeven.render.html.outlook import forecast_section, risk_section
from breakeven.render.html.paper import ledger_section, limits_section, opening, sign_off, sources_section
from breakeven.render.html.parts import esc
from breakeven.render.html.quotes import quotes_section
from breakeven.render.registry import Options


def render_html(results: Sequence[Comparison], options: Options | None = None) -> str:
    """One result as a page. Several are refused: a decision has one report."""
    if len(results) != 1:
        raise InputError(Problem("an HTML report is about one profile", "run it once per profile", "--format"))
    return _page(results[0])


def _page(result: Comparison) -> str:
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    money, frame = Money.of(result.currency), page_frame(result)
    data = json.dumps(page_data(result, frame), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=True)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
        f"<title>{esc(result.name)}: self-host or API</title><style>{style}</style></head><body><main>",
        opening(result, money),
        crossing_section(result, frame, money),
        offers_section(result, money),
        quotes_section(result),
        lines_section(result, money),
        moves_section(result),
        flips_section(result),
        forecast_section(result, money),
        risk_section(result, money),
        ledger_section(result),
        sources_section(result),
        limits_section(result),
        sign_off(result),
        # In a script element only "<" can end or open anything.
        f'</main><script type="application/json" id="data">{data.replace("<", chr(92) + "u003c")}</script>',
        f"<script>{script}</script></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _asset(name: str) -> str:
    return resources.files("breakeven.render").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
