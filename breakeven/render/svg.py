"""Charts of the HTML report as static SVG: they stand without any script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, spoken
from breakeven.offers.offer import Offer
from breakeven.render.text import plain

POINTS = 400


@dataclass(frozen=True, slots=True)
class Frame:
    """A log-log plotting area; the same numbers are given to the page's script."""

    x0: float
    x1: float
    y0: float
    y1: float
    left: float = 70.0
    top: float = 16.0
    width: float = 880.0
    height: float = 360.0
    total: float = 970.0

    def x(self, tokens_per_day: float) -> float:
        return self.left + (math.log10(tokens_per_day) - self.x0) / (self.x1 - self.x0) * self.width

    def y(self, usd: float) -> float:
        clipped = min(max(math.log10(max(usd, 10**self.y0)), self.y0), self.y1)
        return self.top + (self.y1 - clipped) / (self.y1 - self.y0) * self.height


def frame_for(offers: Sequence[Offer], found: Crossover | None, tokens_per_day: float) -> Frame:
    """Decades that hold the profile's volume and the crossings with room around them."""
    middle = [tokens_per_day]
    if found is not None:
        middle += [v for v in (found.first_tokens_per_day, found.settled_tokens_per_day) if v]
    x0 = math.floor(math.log10(min(middle)) - 0.7)
    x1 = math.ceil(math.log10(max(middle)) + 0.7)
    costs = [offer.usd_per_day_at(10.0**x) for offer in offers for x in (x0, x1)]
    positive = [cost for cost in costs if cost > 0] or [1.0]
    y0, y1 = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    return Frame(x0, x1, y0, max(y1, y0 + 1))


def crossover_svg(
    frame: Frame, curves: Sequence[tuple[Offer, str, str, str]], found: Crossover | None, *, tokens_per_day: float,
    own: Offer | None, money: Money,
) -> str:  # fmt: skip
    """Cost per day over volume. ``curves`` are (offer, css class, label, key on the page)."""
    bottom = frame.top + frame.height
    out = [
        f'<svg id="crossover" viewBox="0 0 {frame.total:g} {bottom + 48:g}" role="img" aria-labelledby="ct cd">',
        '<title id="ct">Cost per day over tokens per day</title>',
        '<desc id="cd">Both axes are logarithmic. Shaded stretches are those in which self-hosting is cheaper; '
        "the table below the chart gives every crossing.</desc>",
    ]
    if found is not None and own is not None:
        for interval in found.intervals:
            if interval.cheaper == own.id:
                start = max(interval.from_tokens_per_day, 10**frame.x0)
                end = min(interval.to_tokens_per_day or 10**frame.x1, 10**frame.x1)
                if end > start:
                    a, b = frame.x(start), frame.x(end)
                    out.append(
                        f'<rect class="wins" x="{a:.1f}" y="{frame.top:g}" width="{b - a:.1f}" height="{frame.height:g}"/>'
                    )
    for decade in range(round(frame.x0), round(frame.x1) + 1):
        x = frame.x(10.0**decade)
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 20:g}" text-anchor="middle">{spoken(10.0**decade)}</text>')
    for decade in range(round(frame.y0), round(frame.y1) + 1):
        y = frame.y(10.0**decade)
        label = escape(money.symbol if money.code == "USD" else "") + spoken(10.0**decade / money.usd_per_unit)
        out.append(f'<line class="grid" x1="{frame.left:g}" x2="{frame.left + frame.width:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text x="{frame.left - 8:g}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    out.append(
        f'<text x="{frame.left + frame.width / 2:g}" y="{bottom + 42:g}" text-anchor="middle">tokens per day</text>'
    )
    if own is not None and own.capacity_band is not None and own.tokens_per_day_per_replica is not None:
        out.append(_band(frame, own))
    for offer, css, label, key in curves:
        title = escape(plain(label, limit=200))
        out.append(f'<path class="{css}" data-offer="{key}" d="{_path(frame, offer)}"><title>{title}</title></path>')
    if found is not None and found.first_tokens_per_day and 10**frame.x0 < found.first_tokens_per_day < 10**frame.x1:
        x = frame.x(found.first_tokens_per_day)
        out.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
        out.append(f'<text x="{x + 5:.1f}" y="{frame.top + 14:g}">first {spoken(found.first_tokens_per_day)}</text>')
    x = frame.x(tokens_per_day)
    out.append(f'<line id="here" class="here" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
    out.append("</svg>")
    return "".join(out)


def _volumes(frame: Frame) -> list[float]:
    return [10 ** (frame.x0 + (frame.x1 - frame.x0) * step / POINTS) for step in range(POINTS + 1)]


def _path(frame: Frame, offer: Offer) -> str:
    return "M" + "L".join(f"{frame.x(v):.1f},{frame.y(offer.usd_per_day_at(v)):.1f}" for v in _volumes(frame))


def _band(frame: Frame, own: Offer) -> str:
    """The staircase at the low and high end of the throughput's 80 % band."""
    from dataclasses import replace

    assert own.capacity_band is not None
    assert own.tokens_per_day_per_replica is not None
    slow, fast = (replace(own, tokens_per_day_per_replica=own.tokens_per_day_per_replica * factor) for factor in own.capacity_band)
    upper = [f"{frame.x(v):.1f},{frame.y(slow.usd_per_day_at(v)):.1f}" for v in _volumes(frame)]
    lower = [f"{frame.x(v):.1f},{frame.y(fast.usd_per_day_at(v)):.1f}" for v in reversed(_volumes(frame))]
    return f'<path class="band" d="M{"L".join(upper + lower)}Z"><title>80 % band of the throughput estimate</title></path>'


def bars_svg(rows: Sequence[tuple[str, float, str]], *, title: str, name: str, css: str = "bar") -> str:
    """Horizontal bars of (label, value, text). Negative values are drawn to the left of zero."""
    top = max((abs(value) for _, value, _ in rows), default=1.0) or 1.0
    height = 26 * len(rows) + 8
    negative = any(value < 0 for _, value, _ in rows)
    zero, reach = (640.0, 200.0) if negative else (430.0, 400.0)
    out = [
        f'<svg viewBox="0 0 970 {height}" role="img" aria-labelledby="{name}-t"><title id="{name}-t">{escape(title)}</title>'
    ]
    for index, (label, value, text) in enumerate(rows):
        y = 26 * index + 6
        width = abs(value) / top * reach
        x = zero - width if value < 0 else zero
        out.append(f'<text x="420" y="{y + 13}" text-anchor="end">{escape(_short(label))}</text>')
        out.append(f'<rect class="{css}" x="{x:.1f}" y="{y}" width="{max(width, 1):.1f}" height="17" rx="2"/>')
        out.append(f'<text x="{max(x + width, zero) + 8:.1f}" y="{y + 13}">{escape(text)}</text>')
    return "".join([*out, "</svg>"])


def _short(text: str) -> str:
    return plain(text, limit=60)
