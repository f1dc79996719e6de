"""Where the bills cross: the chart, its controls, the figures behind it, and the page's data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.offers.offer import Offer
from breakeven.render.cheapest import on_cost_alone
from breakeven.render.html.parts import amount, details, esc, headline_crossing, keys, table, volume
from breakeven.render.html.svg import CURVES, Curve, Frame, crossover_svg, frame_for
from breakeven.render.narrow import narrow_remarks
from breakeven.render.text import plain

MAX_CURVES = len(CURVES)


def headline_rows(result: Comparison) -> tuple[OfferAtVolume, OfferAtVolume] | None:
    """The headline pair where both have a bill; None where one cannot serve or is withheld."""
    rows = {row.offer.id: row for row in result.offers}
    api, own = rows.get(result.headline.api), rows.get(result.headline.self_host)
    if api is None or own is None or api.usd_per_day is None or own.usd_per_day is None or not own.offer.feasible:
        return None
    return api, own


def page_frame(result: Comparison) -> Frame | None:
    """The chart's area; None where there is nothing to draw."""
    pair, found = headline_rows(result), headline_crossing(result)
    if pair is None or found is None:
        return None
    return frame_for([row.offer for row in pair], found, result.tokens_per_day)


def crossing_section(result: Comparison, frame: Frame | None, money: Money) -> str:
    """Chart, controls, stretches, every pair, and the curves as a table."""
    pair, found = headline_rows(result), headline_crossing(result)
    parts = ['<h2 id="crossing">Where the bills cross</h2>']
    if frame is not None and pair is not None and found is not None:
        curves = _curves(result, pair)
        parts.append(
            crossover_svg(
                frame, curves, found, tokens_per_day=result.tokens_per_day, money=money, likely=_likely(result)
            )
        )
        parts.append(_key(curves, result))
        parts.append(
            '<p class="small dim noprint" id="hover" aria-live="polite">Move over the chart to read values.</p>'
        )
        parts.append(_controls(result, frame, curves))
        parts.append(_stretches(result, found))
    parts.append(_pairs(result))
    if frame is not None and pair is not None:
        parts.append(details("The figures behind the chart", _figures(frame, _curves(result, pair), money)))
    return "".join(parts)


def _curves(result: Comparison, pair: tuple[OfferAtVolume, OfferAtVolume]) -> list[Curve]:
    names, head = keys(result), [row.offer for row in pair]
    others = [
        row.offer
        for row in result.offers
        if row.offer not in head and row.offer.kind != "hybrid" and row.usd_per_day is not None
    ][: MAX_CURVES - 2]
    return [
        Curve(offer, CURVES[index], names[offer.id], shown=index < 2) for index, offer in enumerate((*head, *others))
    ]


def _likely(result: Comparison) -> tuple[float | None, float | None] | None:
    weighed = result.outlook.risk if result.outlook is not None else None
    return None if weighed is None else (weighed.first.p10, weighed.first.p90)


def _key(curves: Sequence[Curve], result: Comparison) -> str:
    def sample(css: str) -> str:
        return f'<svg viewBox="0 0 34 10" aria-hidden="true"><path class="{css}" d="M1,5H33"/></svg>'

    items = [f"<span>{sample(curve.css)}{esc(curve.offer.name)}</span>" for curve in curves[:2]]
    for curve in curves[2:]:
        box = f'<input type="checkbox" data-toggle="{curve.key}">'
        items.append(f'<label class="noprint">{box}{sample(curve.css)}{esc(curve.offer.name)}</label>')
    block = '<svg viewBox="0 0 34 12" aria-hidden="true"><rect class="{css}" width="34" height="12"/></svg>'
    items.append(f"<span>{block.format(css='wins')}self-hosting is cheaper</span>")
    if curves[1].offer.capacity_band not in (None, (1.0, 1.0)):
        items.append(f"<span>{block.format(css='band')}80 % band of its throughput</span>")
    if _likely(result) is not None:
        items.append(f"<span>{block.format(css='likely')}P10 to P90 of the first crossing</span>")
    items.append(f"<span>{sample('here')}your volume</span>")
    return f'<div class="key small">{"".join(items)}</div>'


def _controls(result: Comparison, frame: Frame, curves: Sequence[Curve]) -> str:
    api, own = curves[0].offer, curves[1].offer
    boxes = [
        ("price", f"API price at this shape, USD/Mtok (now {api.usd_per_mtok:.6g})", api.usd_per_mtok),
        ("replica", f"one replica, USD/day (now {own.usd_per_replica_day:.6g})", own.usd_per_replica_day),
        ("fixed", f"fixed cost of self-hosting, USD/day (now {own.fixed_usd_per_day:.6g})", own.fixed_usd_per_day),
    ]
    inputs = "".join(_number(name, label, value, f"{value:.10g}") for name, label, value in boxes if value > 0)
    if own.tokens_per_day_per_replica is not None:
        inputs += _number("rate", "throughput, % of the estimate", 100.0, "100")
    start = math.log10(result.tokens_per_day)
    alone = "" if on_cost_alone(result) is None else ", on cost alone,"
    return (
        '<div class="card noprint"><strong>Try it</strong><div class="controls">'
        f'<label for="volume">volume: <output id="volume-out">{spoken(result.tokens_per_day)} tokens/day</output>'
        f'<input id="volume" type="range" min="{frame.x0:g}" max="{frame.x1:g}" step="any" value="{start!r}"></label>'
        f"{inputs}</div>"
        '<p>Self-hosting is cheaper, first from: <output id="live-first"></output>; for good from: '
        f'<output id="live-settled"></output>. At this volume{alone} <output id="live-verdict"></output>. '
        '<button id="reset" type="button">Reset</button></p></div>'
    )


def _number(name: str, label: str, base: float, shown: str) -> str:
    return (
        f'<label for="f-{name}">{esc(label)}<input id="f-{name}" type="number" min="0" step="any" value="{shown}" '
        f'data-factor="{name}" data-base="{base!r}" data-shown="{shown}"></label>'
    )


def _stretches(result: Comparison, found: Crossover) -> str:
    names = {row.offer.id: row.offer.name for row in result.offers}
    total = found.intervals_total
    shown = len(found.intervals)
    rest = (
        f"; the first {shown} of {total if total is not None else 'endlessly many'}"
        if total is None or total > shown
        else ""
    )
    rows = [
        [
            volume(interval.from_tokens_per_day),
            volume(interval.to_tokens_per_day, "without end"),
            esc(names[interval.cheaper]),
        ]
        for interval in found.intervals
    ]
    body = table(
        ["above, tokens/day", "up to", "cheaper"], rows, caption=f"Who is cheaper on which stretch of volume{rest}",
        right=(0, 1),
    )  # fmt: skip
    return body if shown <= 6 else details(f"Who is cheaper on which of {total or shown} stretches of volume", body)


def _pairs(result: Comparison) -> str:
    names = {row.offer.id: row.offer.name for row in result.offers}
    remarks = "".join(f'<p class="dim small">{esc(remark)}</p>' for remark in narrow_remarks(result, names))
    return table(
        ["self-hosting wins over", "with", "outcome", "first from", "for good from", "share of capacity"],
        [
            [
                esc(names[c.api]),
                esc(names[c.self_host]),
                c.outcome,
                volume(c.first_tokens_per_day),
                volume(c.settled_tokens_per_day),
                "" if c.capacity_share is None else percent(c.capacity_share),
            ]
            for c in result.crossovers
        ],
        caption="Every pair: crossings in tokens per day",
        right=(3, 4, 5),
        nowrap=(2,),
    ) + remarks


def _figures(frame: Frame, curves: Sequence[Curve], money: Money) -> str:
    points = [
        digit * 10.0**decade
        for decade in range(round(frame.x0), round(frame.x1) + 1)
        for digit in (1, 2, 5)
        if digit * 10.0**decade <= 10.0**frame.x1
    ]
    rows = [[spoken(v), *(amount(curve.offer.usd_per_day_at(v), money) for curve in curves)] for v in points]
    heads = ["tokens/day", *(plain(curve.offer.name, limit=80) for curve in curves)]
    return table(heads, rows, caption=f"Cost in {money.code} per day", right=range(len(heads)))


def page_data(result: Comparison, frame: Frame | None) -> dict[str, Any]:
    """What the script evaluates: the coefficients of every bill, and the chart's area."""
    names = keys(result)
    return {
        "tokens_per_day": result.tokens_per_day,
        "headline": {"api": names.get(result.headline.api), "self_host": names.get(result.headline.self_host)},
        "offers": [_offer(row.offer, names[row.offer.id], row.usd_per_day is not None) for row in result.offers],
        "currency": None
        if result.currency is None
        else {"code": plain(str(result.currency["code"])), "usd_per_unit": result.currency["usd_per_unit"]},
        "chart": None if frame is None else {name: getattr(frame, name) for name in Frame.__struct_fields__},
    }


def _offer(offer: Offer, key: str, known: bool) -> dict[str, Any]:
    return {
        "id": key,
        "short": plain(offer.name, limit=60),
        "linear": offer.kind != "hybrid" and known,
        "kappa": offer.tokens_per_day_per_replica,
        "n_min": offer.min_replicas,
        "r": offer.redundant_replicas,
        "minimum": offer.minimum_usd_per_day,
        "lines": [
            {
                "F": line.usd_per_day,
                "f": line.usd_per_replica_day,
                "v": line.usd_per_mtok,
                "min": line.counts_towards_minimum,
            }
            for line in offer.lines
        ],
    }
