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
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, percent, spoken, times
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.errors import InputError, Problem
from breakeven.offers.offer import Offer
from breakeven.render.registry import Options
from breakeven.render.svg import Frame, bars_svg, crossover_svg, frame_for
from breakeven.render.text import plain


def render_html(results: Sequence[Comparison], options: Options | None = None) -> str:
    """One result as a page. Several are refused: a decision has one report."""
    if len(results) != 1:
        raise InputError(Problem("an HTML report is about one profile", "run it once per profile", "--format"))
    return _page(results[0])


def esc(value: object) -> str:
    """User text as inert HTML on one line."""
    return html.escape(plain(str(value), limit=2000), quote=True)


def link(url: str | None, title: str | None) -> str:
    """A link for http(s) addresses only; anything else is text."""
    if url and re.fullmatch(r"https?://[^\s<>\"'`\\]+", url):
        return f'<a href="{html.escape(url, quote=True)}" rel="noreferrer noopener">{esc(title or url)}</a>'
    return esc(title or url or "")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, right: Sequence[int] = (), css: Sequence[str] = ()) -> str:
    """A table whose cells are HTML already."""
    def cell(tag: str, index: int, text: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        numeric = ' class="n"' if index in right else ""
        return f"<{tag}{scope}{numeric}>{text}</{tag}>"

    body = []
    for number, row in enumerate(rows):
        name = css[number] if number < len(css) else ""
        opening = f'<tr class="{name}">' if name else "<tr>"
        body.append(opening + "".join(cell("td", i, c) for i, c in enumerate(row)) + "</tr>")
    heads = "".join(cell("th", i, esc(text)) for i, text in enumerate(head))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(caption)}"><table><caption>{esc(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _asset(name: str) -> str:
    return resources.files("breakeven.render").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _page(result: Comparison) -> str:
    style, script = _asset("report.css"), _asset("report.js")
    money = Money.of(result.currency)
    head = result.headline
    rows = {row.offer.id: row for row in result.offers}
    api, own = rows.get(head.api), rows.get(head.self_host)
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    shown = all(row is not None and row.usd_per_day is not None for row in (api, own))  # no figure: unserved or withheld
    drawable = api is not None and own is not None and shown and own.offer.feasible and found is not None
    frame = frame_for([api.offer, own.offer], found, result.tokens_per_day) if drawable and api and own else None
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=True)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
        f"<title>{esc(result.name)}: self-host or API</title><style>{style}</style></head><body><main>",
        f'<p class="dim small">breakeven report: {esc(result.name)}</p>',
        f'<h1 class="verdict" id="verdict">{esc(head.sentence)}</h1>',
        _at_volume(result, money),
        _conditions(head.conditions),
        f'<p class="dim small">{spoken(result.tokens_per_day)} tokens a day in {spoken(result.requests_per_day)} requests; facts as of '
        f"{result.as_of}; catalogue {esc(result.catalogue_version)}; breakeven {esc(result.tool_version)}.</p>",
    ]
    if result.description:
        parts.append(f"<p>{esc(result.description)}</p>")
    parts.append(_crossover_section(result, frame, api, own, found, money))
    parts.append(_offers_section(result, money))
    parts.append(_lines_section(result, money))
    parts.append(_moves_section(result, money))
    parts.append(_flips_section(result))
    parts.append(_ledger_section(result))
    parts.append(_sources_section(result))
    parts.append(_outside_section(result))
    parts.append(_sign_off(result))
    data = json.dumps(_data(result, frame), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # In a script element only "<" can end or open anything.
    inert = data.replace("<", "\\u003c")
    parts.append(f'</main><script type="application/json" id="data">{inert}</script>')
    parts.append(f"<script>{script}</script></body></html>")
    return "\n".join(part for part in parts if part) + "\n"


def _at_volume(result: Comparison, money: Money) -> str:
    head = result.headline
    rows = {row.offer.id: row for row in result.offers}
    api, own = rows.get(head.api), rows.get(head.self_host)
    if head.cheaper_at_volume is None or api is None or own is None or api.usd_per_day is None or own.usd_per_day is None:
        return ""
    cheaper = rows[head.cheaper_at_volume]
    other = api if cheaper is own else own
    why = "" if other.offer.eligible else " (the only eligible one of the two)"
    return (
        f"<p>At your {spoken(result.tokens_per_day)} tokens a day the API costs <strong>{money(api.usd_per_day)}</strong> and "
        f"self-hosting <strong>{money(own.usd_per_day)}</strong> a day: choose <strong>{esc(cheaper.offer.name)}</strong>{why}.</p>"
    )


def _conditions(conditions: Sequence[str]) -> str:
    if not conditions:
        return ""
    return '<div class="card"><strong>This holds if</strong><ul>' + "".join(f"<li>{esc(c)}</li>" for c in conditions) + "</ul></div>"


def _keys(result: Comparison) -> dict[str, str]:
    """Offers as the page's markup and script call them: user text never becomes an attribute that is looked up."""
    return {row.offer.id: f"o{number}" for number, row in enumerate(result.offers)}


def _crossover_section(
    result: Comparison, frame: Frame | None, api: OfferAtVolume | None, own: OfferAtVolume | None, found: Crossover | None,
    money: Money,
) -> str:  # fmt: skip
    names = {row.offer.id: row.offer.name for row in result.offers}
    parts = ["<h2>Where the bills cross</h2>"]
    if frame is not None and api is not None and own is not None:
        keys = _keys(result)
        curves = [
            (api.offer, "api", f"API: {api.offer.name}", keys[api.offer.id]),
            (own.offer, "own", f"self-hosted: {own.offer.name}", keys[own.offer.id]),
        ]
        others = [
            row.offer for row in result.offers
            if row.offer.id not in (api.offer.id, own.offer.id) and row.offer.kind != "hybrid" and row.usd_per_day is not None
        ][:4]  # fmt: skip
        drawn = [*curves, *((offer, "third hide", offer.name, keys[offer.id]) for offer in others)]
        parts.append(crossover_svg(frame, drawn, found, tokens_per_day=result.tokens_per_day, own=own.offer, money=money))
        parts.append(
            f'<p class="key small"><span><b class="api">&#9473;</b> {esc(api.offer.name)}</span><span><b class="own">&#9479;</b> '
            f"{esc(own.offer.name)} (shaded: 80 % band of its throughput)</span>"
            '<span><b class="third">&#9474;</b> your volume</span>'
            "<span>green ground: self-hosting is cheaper</span></p>"
        )
        parts.append('<p class="small dim noprint" id="hover" aria-live="polite">Move over the chart to read values.</p>')
        parts.append(_controls(result, frame, others))
    parts.append(
        table(
            ["self-hosting wins over", "with", "outcome", "first from", "for good from", "share of capacity"],
            [
                [
                    esc(names[c.api]), esc(names[c.self_host]), c.outcome,
                    "" if c.first_tokens_per_day is None else spoken(c.first_tokens_per_day),
                    "" if c.settled_tokens_per_day is None else spoken(c.settled_tokens_per_day),
                    "" if c.capacity_share is None else percent(c.capacity_share),
                ]
                for c in result.crossovers
            ],
            caption="Every crossing, in tokens per day", right=(3, 4, 5),
        )
    )  # fmt: skip
    return "".join(parts)


def _controls(result: Comparison, frame: Frame, others: Sequence[Offer]) -> str:
    from math import log10

    boxes = "".join(
        f'<label><input type="checkbox" data-toggle="{_keys(result)[offer.id]}"> also draw {esc(offer.name)}</label>' for offer in others
    )
    return (
        '<div class="card noprint"><strong>Try it</strong><div class="controls">'
        f'<label for="volume">Volume: <output id="volume-out"></output><input id="volume" type="range" min="{frame.x0:g}" '
        f'max="{frame.x1:g}" step="any" value="{log10(result.tokens_per_day)!r}"></label>'
        '<label for="api-scale">API prices, % of list <input id="api-scale" type="number" min="1" max="10000" value="100"></label>'
        '<label for="own-scale">Machine prices, % of quoted <input id="own-scale" type="number" min="1" max="10000" value="100">'
        f"</label>{boxes}</div>"
        '<p>First crossing: <output id="live-crossover"></output>. At this volume <output id="live-verdict"></output>. '
        '<button id="reset" type="button">Reset</button></p>'
        '<p class="small dim">Machine prices scale rent, capital, power and space; labour and one-off costs stay.</p></div>'
    )


def _offers_section(result: Comparison, money: Money) -> str:
    able = [r for r in result.offers if r.offer.eligible and r.offer.feasible]
    known = bool(able) and all(r.usd_per_day is not None for r in able)  # with a price withheld, nobody can say
    best = min(able, key=lambda r: r.usd_per_day or 0.0) if known else None
    rows, css = [], []
    for row in result.offers:
        offer = row.offer
        serves = "yes" if offer.feasible and offer.eligible else "no: " + "; ".join(offer.why_not)
        if offer.serving is not None and offer.feasible and offer.eligible:
            serves += f" (grade {offer.serving.grade})"
        rows.append(
            [
                esc(offer.name), offer.kind,
                f'<span data-usd="{row.usd_per_day!r}">{_money(row.usd_per_day, money)}</span>' if row.usd_per_day is not None else "?",
                f'<span data-live="{_keys(result)[offer.id]}"></span>',
                _money(row.usd_per_month, money), _money(row.usd_per_mtok, money), _money(row.capacity_usd_per_mtok, money),
                "" if row.replicas is None else str(row.replicas),
                "" if row.utilisation_share is None else percent(row.utilisation_share), esc(serves),
            ]
        )  # fmt: skip
        css.append("best" if row is best else "" if offer.eligible and offer.feasible else "off")
    mark = money.symbol
    return "<h2>Offers at your volume</h2>" + table(
        ["offer", "kind", f"{mark}/day", f"{mark}/day, live", f"{mark}/month", f"{mark}/Mtok", f"{mark}/Mtok full", "replicas",
         "used", "serves"],
        rows, caption="Bold: cheapest eligible. Full: every running replica full all day. Live: follows the controls above.",
        right=range(2, 9), css=css,
    )  # fmt: skip


def _lines_section(result: Comparison, money: Money) -> str:
    parts = ["<h2>What each bill is made of</h2>"]
    for number, row in enumerate(result.offers):
        if row.usd_per_day is None:
            continue
        bars = [(line.name, usd or 0.0, f"{money(usd or 0.0)} a day") for line, usd in row.bill if usd]
        shown = " open" if number < 2 else ""
        parts.append(
            f"<details{shown}><summary>{esc(row.offer.name)}: {_money(row.usd_per_day, money)} a day</summary>"
        )
        if bars:
            css = "bar" if row.offer.kind in ("api", "provisioned") else "bar2"
            parts.append(bars_svg([(plain(a), b, c) for a, b, c in bars], title=f"Cost lines of {plain(row.offer.name)}", name=f"bars{number}", css=css))
        parts.append(
            table(
                ["line", "category", f"{money.symbol}/day", "USD/day fixed", "USD/replica-day", "USD/Mtok", "sources"],
                [
                    [esc(line.name), line.category, _money(usd, money), f"{line.usd_per_day:.6g}", f"{line.usd_per_replica_day:.6g}",
                     f"{line.usd_per_mtok:.6g}", " ".join(f'<a href="#{_anchor(s)}"><code>{esc(s)}</code></a>' for s in line.sources)]
                    for line, usd in row.bill
                ],
                caption=f"Cost lines of {plain(row.offer.name)}", right=(2, 3, 4, 5),
            )
        )  # fmt: skip
        parts.append("</details>")
    return "".join(parts)


def _moves_section(result: Comparison, money: Money) -> str:
    if not result.alternatives:
        return ""
    solved = [row for row in result.alternatives if row.ratio_to_headline]
    from math import log2

    bars = [(plain(f"{row.name}: {row.changed}"), log2(row.ratio_to_headline or 1.0), times(row.ratio_to_headline or 1.0)) for row in solved]
    chart = bars_svg(bars, title="How far each alternative moves the first crossing (log scale)", name="moves") if bars else ""
    return (
        "<h2>What moves it</h2><p>One change at a time; the rest as in the profile.</p>" + chart
        + table(
            ["alternative", "changed", "outcome", "first from", "factor"],
            [
                [
                    esc(row.name), esc(row.changed if row.why_not is None else f"{row.changed}: {row.why_not}"), row.outcome or "?",
                    "" if row.first_tokens_per_day is None else spoken(row.first_tokens_per_day),
                    "" if row.ratio_to_headline is None else times(row.ratio_to_headline),
                ]
                for row in result.alternatives
            ],
            caption="First crossing in tokens per day under each alternative", right=(3, 4),
        )
    )  # fmt: skip


def _flips_section(result: Comparison) -> str:
    if not result.flips:
        return ""
    return "<h2>What would flip the verdict</h2>" + table(
        ["key", "now", "flips at", "unit", "note"],
        [
            [f"<code>{esc(f.key)}</code>", f"{f.now:.6g}", "" if f.flips_at is None else f"{f.flips_at:.6g}", esc(f.unit), esc(f.why_not or "")]
            for f in result.flips
        ],
        caption="The value of each key, alone, at which the cheaper side changes at your volume", right=(1, 2),
    )  # fmt: skip


def _ledger_section(result: Comparison) -> str:
    owner = result.owner or ""
    kinds = {source.id: source for source in result.sources}
    rows = []
    for item in result.assumptions:
        source = kinds.get(item.origin)
        rows.append(
            [
                esc(item.name), esc(f"{item.value:.10g}" if isinstance(item.value, float) else item.value), esc(item.unit),
                f'<a href="#{_anchor(item.origin)}"><code>{esc(item.origin)}</code></a>' if source else esc(item.origin),
                _day(source.effective) if source else "", source.kind if source else "choice", esc(owner),
            ]
        )  # fmt: skip
    return "<h2>Assumptions</h2>" + table(
        ["name", "value", "unit", "source", "effective", "grade", "owner"], rows,
        caption="Every number the result rests on", right=(1,),
    )  # fmt: skip


def _sources_section(result: Comparison) -> str:
    return "<h2>Sources</h2>" + table(
        ["record", "effective", "retrieved", "kind", "source", "age, days"],
        [
            [
                f'<span id="{_anchor(s.id)}"><code>{esc(s.id)}</code></span>', _day(s.effective), _day(s.retrieved), s.kind,
                link(s.url, s.title), "" if s.age_days is None else str(s.age_days),
            ]
            for s in result.sources
        ],
        caption=f"{len(result.sources)} dated records used", right=(5,),
    )  # fmt: skip


def _outside_section(result: Comparison) -> str:
    parts = ["<h2>Not included</h2><ul>", *(f"<li>{esc(text)}</li>" for text in result.not_included), "</ul>"]
    if result.warnings:
        parts += ["<h2>Warnings</h2><ul>", *(f'<li class="warn">{esc(text)}</li>' for text in result.warnings), "</ul>"]
    return "".join(parts)


def _sign_off(result: Comparison) -> str:
    rows = [["prepared by", "", ""], ["reviewed by", "", ""], ["approved by", "", ""]]
    return (
        '<h2>Sign-off</h2><div class="sign">'
        + table(["role", "name and signature", "date"], rows, caption="To be signed on paper or in your own system")
        + '</div><p class="small dim">Profile <code id="profile-digest">'
        + esc(result.profile_digest)
        + "</code><br>Catalogue <code>"
        + esc(result.catalogue_digest)
        + "</code></p>"
    )


def _day(day: object) -> str:
    return f'<span class="day">{day}</span>' if day else ""


def _anchor(source_id: str) -> str:
    return "s-" + hashlib.sha256(source_id.encode()).hexdigest()[:12]


def _money(value: float | None, money: Money) -> str:
    return "?" if value is None else esc(money(value))


_SCALES_WITH_MACHINES = ("compute", "capital", "power", "facility")


def _data(result: Comparison, frame: Frame | None) -> dict[str, Any]:
    offers = []
    for row in result.offers:
        offer = row.offer
        bought = offer.kind in ("api", "provisioned")
        offers.append(
            {
                "id": _keys(result)[offer.id], "short": plain(offer.name, limit=60), "bought": bought,
                "linear": offer.kind != "hybrid" and row.usd_per_day is not None, "kappa": offer.tokens_per_day_per_replica,
                "n_min": offer.min_replicas, "r": offer.redundant_replicas, "minimum": offer.minimum_usd_per_day,
                "lines": [
                    {"F": line.usd_per_day, "f": line.usd_per_replica_day, "v": line.usd_per_mtok,
                     "min": line.counts_towards_minimum, "scales": bought or line.category in _SCALES_WITH_MACHINES}
                    for line in offer.lines
                ],
            }
        )  # fmt: skip
    return {
        "tokens_per_day": result.tokens_per_day,
        "headline": {
            "api": _keys(result).get(result.headline.api), "self_host": _keys(result).get(result.headline.self_host),
        },
        "offers": offers,
        "currency": {"code": result.currency["code"], "usd_per_unit": result.currency["usd_per_unit"]} if result.currency else None,
        "chart": None if frame is None else {name: getattr(frame, name) for name in Frame.__slots__},
    }
