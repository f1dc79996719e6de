"""Charts as static SVG: they stand without any script, scale to the page and print."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from html import escape

from msgspec import Struct
from msgspec.structs import replace

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, spoken
from breakeven.offers.offer import Offer
from breakeven.render.text import plain

POINTS = 400
CURVES = ("api", "own", "third", "fourth", "fifth", "sixth")  # css classes: colour and dash of a curve
_WIDE = 680


class Frame(Struct, frozen=True):
    """A log-log plotting area; the same numbers are given to the page's script."""

    x0: float
    x1: float
    y0: float
    y1: float
    left: float = 62.0
    top: float = 26.0
    width: float = 604.0
    height: float = 316.0
    total: float = float(_WIDE)

    @property
    def bottom(self) -> float:
        """Where the volume axis lies."""
        return self.top + self.height

    def x(self, tokens_per_day: float) -> float:
        """Across, for a volume."""
        return self.left + (math.log10(tokens_per_day) - self.x0) / (self.x1 - self.x0) * self.width

    def y(self, usd: float) -> float:
        """Down, for a cost; clipped to the area."""
        clipped = min(max(math.log10(max(usd, 10**self.y0)), self.y0), self.y1)
        return self.top + (self.y1 - clipped) / (self.y1 - self.y0) * self.height


class Curve(Struct, frozen=True):
    """One offer as drawn: ``css`` gives its colour and dash, ``key`` is what the script calls it."""

    offer: Offer
    css: str
    key: str
    shown: bool = True


def frame_for(offers: Sequence[Offer], found: Crossover | None, tokens_per_day: float) -> Frame:
    """Decades that hold the profile's volume and the crossings with room around them."""
    middle = [tokens_per_day]
    if found is not None:
        middle += [v for v in (found.first_tokens_per_day, found.settled_tokens_per_day) if v]
    x0 = math.floor(math.log10(min(middle)) - 0.5)
    x1 = math.ceil(math.log10(max(middle)) + 0.5)
    costs = [offer.usd_per_day_at(10.0**x) for offer in offers for x in (x0, x1)]
    positive = [cost for cost in costs if cost > 0] or [1.0]
    y0, y1 = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    return Frame(x0, x1, y0, max(y1, y0 + 1))


def crossover_svg(
    frame: Frame,
    curves: Sequence[Curve],
    found: Crossover,
    *,
    tokens_per_day: float,
    money: Money,
    likely: tuple[float | None, float | None] | None = None,
) -> str:
    """Cost per day over volume. ``likely`` is the 10 % and 90 % point of the first crossing."""
    bottom, right = frame.bottom, frame.left + frame.width
    own = next(curve.offer for curve in curves if curve.offer.id == found.self_host)
    out = [
        f'<svg id="crossover" class="wide" viewBox="0 0 {frame.total:g} {bottom + 44:g}" role="img" aria-labelledby="ct cd">',
        '<title id="ct">Cost per day over tokens per day</title>',
        '<desc id="cd">Both axes are logarithmic. Shaded stretches are those in which self-hosting is cheaper; '
        "the tables below give every crossing and the figures behind the curves.</desc>",
        f'<path id="wins" class="wins" d="{_wins(frame, found, own.id)}"/>',
    ]
    if likely is not None:
        out.append(_likely(frame, likely))
    for decade in range(round(frame.x0), round(frame.x1) + 1):
        x = frame.x(10.0**decade)
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
        end = "end" if decade == round(frame.x1) else "start" if decade == round(frame.x0) else "middle"
        out.append(f'<text x="{x:.1f}" y="{bottom + 17:g}" text-anchor="{end}">{spoken(10.0**decade)}</text>')
    for decade in range(round(frame.y0), round(frame.y1) + 1):
        y = frame.y(10.0**decade)
        label = ("$" if money.code == "USD" else "") + spoken(money.amount(10.0**decade))
        out.append(f'<line class="grid" x1="{frame.left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text x="{frame.left - 7:g}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    out.append(f'<text x="{frame.left:g}" y="{frame.top - 11:g}">{_t(money.code)} per day</text>')
    out.append(
        f'<text x="{frame.left + frame.width / 2:g}" y="{bottom + 37:g}" text-anchor="middle">tokens per day</text>'
    )
    if own.capacity_band is not None and own.tokens_per_day_per_replica is not None:
        out.append(_band(frame, own))
    for curve in curves:
        css = curve.css if curve.shown else f"{curve.css} hide"
        name = _t(curve.offer.name)
        out.append(
            f'<path class="{css}" data-offer="{curve.key}" d="{_path(frame, curve.offer)}"><title>{name}</title></path>'
        )
    for name, text, value in (
        ("first", "first", found.first_tokens_per_day),
        ("settled", "for good", found.settled_tokens_per_day),
    ):
        out.append(_mark(frame, name, text, value, hidden=name == "settled" and value == found.first_tokens_per_day))
    x = frame.x(tokens_per_day)
    out.append(f'<line id="here" class="here" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
    out.append(f'<line id="guide" class="guide hide" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{bottom:g}"/>')
    out.append("</svg>")
    return "".join(out)


def _wins(frame: Frame, found: Crossover, own: str) -> str:
    """The stretches in which self-hosting is cheaper, as rectangles over the whole height."""
    out = []
    for interval in found.intervals:
        if interval.cheaper != own:
            continue
        start = max(interval.from_tokens_per_day, 10**frame.x0)
        end = min(interval.to_tokens_per_day or 10**frame.x1, 10**frame.x1)
        if end > start:
            out.append(f"M{frame.x(start):.1f},{frame.top:g}H{frame.x(end):.1f}V{frame.bottom:g}H{frame.x(start):.1f}Z")
    return "".join(out)


def _likely(frame: Frame, likely: tuple[float | None, float | None]) -> str:
    low, high = likely
    if low is None or low >= 10**frame.x1 or (high is not None and high <= 10**frame.x0):
        return ""
    a = frame.x(max(low, 10**frame.x0))
    b = frame.x(min(high if high is not None else 10**frame.x1, 10**frame.x1))
    y = frame.bottom - 9
    title = (
        f"in 8 of 10 draws the first crossing lies between {spoken(low)} and {spoken(high) if high else 'no volume'}"
    )
    return f'<rect class="likely" x="{a:.1f}" y="{y:g}" width="{max(b - a, 2):.1f}" height="9"><title>{title}</title></rect>'


def _mark(frame: Frame, name: str, text: str, value: float | None, *, hidden: bool) -> str:
    inside = value is not None and 10**frame.x0 < value < 10**frame.x1
    at = value if value is not None and inside else 10**frame.x0
    x = frame.x(at)
    css = "mark" if inside and not hidden else "mark hide"
    y = frame.top + (14 if name == "first" else 30)
    label = f"{text} {spoken(at)}"
    anchor = "end" if x > frame.left + frame.width * 0.8 else "start"
    shift = -5 if anchor == "end" else 5
    return (
        f'<g id="mark-{name}" class="{css}"><line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:g}" y2="{frame.bottom:g}"/>'
        f'<text x="{x + shift:.1f}" y="{y:g}" text-anchor="{anchor}">{label}</text></g>'
    )


def volumes(frame: Frame) -> list[float]:
    """The volumes at which curves are drawn."""
    return [10 ** (frame.x0 + (frame.x1 - frame.x0) * step / POINTS) for step in range(POINTS + 1)]


def _path(frame: Frame, offer: Offer) -> str:
    return "M" + "L".join(f"{frame.x(v):.1f},{frame.y(offer.usd_per_day_at(v)):.1f}" for v in volumes(frame))


def _band(frame: Frame, own: Offer) -> str:
    """The staircase at the low and high end of the throughput's 80 % band."""
    assert own.capacity_band is not None
    assert own.tokens_per_day_per_replica is not None
    kappa = own.tokens_per_day_per_replica
    slow, fast = (replace(own, tokens_per_day_per_replica=kappa * factor) for factor in own.capacity_band)
    upper = [f"{frame.x(v):.1f},{frame.y(slow.usd_per_day_at(v)):.1f}" for v in volumes(frame)]
    lower = [f"{frame.x(v):.1f},{frame.y(fast.usd_per_day_at(v)):.1f}" for v in reversed(volumes(frame))]
    title = "80 % band of the throughput estimate"
    return f'<path id="band" class="band" d="M{"L".join(upper + lower)}Z"><title>{title}</title></path>'


def bars_svg(rows: Sequence[tuple[str, float, str]], *, title: str, name: str, css: str = "bar") -> str:
    """Bars of (label, value, text), the label above its bar. Negative values go left of zero."""
    top = max((abs(value) for _, value, _ in rows), default=1.0) or 1.0
    negative = any(value < 0 for _, value, _ in rows)
    zero, reach = (200.0, 340.0) if negative else (2.0, 540.0)
    low = max((-value for _, value, _ in rows if value < 0), default=0.0)
    if negative:
        reach = min(340.0, 190.0 * top / low)
    out = [_open(40 * len(rows) + 6, name, title)]
    for index, (label, value, text) in enumerate(rows):
        y = 40 * index + 4
        width = abs(value) / top * reach
        x = zero - width if value < 0 else zero
        out.append(f'<text x="2" y="{y + 12}">{_t(_short(label))}</text>')
        out.append(f'<rect class="{css}" x="{x:.1f}" y="{y + 17}" width="{max(width, 1.5):.1f}" height="12" rx="2"/>')
        out.append(f'<text class="strong" x="{max(x + width, zero) + 6:.1f}" y="{y + 28}">{_t(text)}</text>')
    return "".join([*out, "</svg>"])


class Span(Struct, frozen=True):
    """One bar of a tornado: the crossing at an input's low and high value; None = never."""

    label: str
    low: float | None
    high: float | None
    text: str


def tornado_svg(spans: Sequence[Span], *, middle: float, title: str, name: str) -> str:
    """Spans around the typical crossing on a logarithmic axis; an open end means that it never comes."""
    known = [v for span in spans for v in (span.low, span.high) if v] + [middle]
    x0, x1 = math.floor(math.log10(min(known)) * 4) / 4, math.ceil(math.log10(max(known)) * 4) / 4
    x1 = max(x1, x0 + 0.25)
    left, width = 2.0, 640.0

    def x(value: float | None) -> float:
        if value is None:
            return left + width
        return left + (math.log10(max(value, 10**x0)) - x0) / (x1 - x0) * width

    height = 40 * len(spans) + 34
    out = [_open(height, name, title)]
    out.append(f'<line class="axis" x1="{x(middle):.1f}" x2="{x(middle):.1f}" y1="0" y2="{height - 28}"/>')
    for index, span in enumerate(spans):
        y = 40 * index + 4
        a, b = sorted((x(span.low), x(span.high)))
        out.append(f'<text x="2" y="{y + 12}">{_t(_short(span.label, 44))}</text>')
        out.append(f'<text class="strong" x="{_WIDE - 2}" y="{y + 12}" text-anchor="end">{_t(span.text)}</text>')
        out.append(f'<rect class="bar" x="{a:.1f}" y="{y + 17}" width="{max(b - a, 1.5):.1f}" height="12" rx="2"/>')
    y = height - 10
    out.append(f'<text x="{left:g}" y="{y}">{spoken(10**x0)}</text>')
    out.append(f'<text x="{left + width:g}" y="{y}" text-anchor="end">{spoken(10**x1)}</text>')
    place = min(max(x(middle), 130.0), 500.0)
    out.append(f'<text class="strong" x="{place:.1f}" y="{y}" text-anchor="middle">{spoken(middle)} as it is</text>')
    return "".join([*out, "</svg>"])


def months_svg(
    series: Sequence[tuple[str, Sequence[float]]], *, dates: Sequence[dt.date], title: str, name: str, money: Money
) -> str:
    """Cost per month of a few offers over the horizon, both axes linear and starting at zero cost."""
    top = max((value for _, values in series for value in values), default=1.0) or 1.0
    step = _round_step(money.amount(top))
    most = math.ceil(money.amount(top) / step) * step
    left, right, above, tall = 62.0, 666.0, 12.0, 220.0
    months = max(len(dates) - 1, 1)
    out = [_open(above + tall + 30, name, title)]
    for tick in range(round(most / step) + 1):
        y = above + tall * (1 - tick * step / most)
        out.append(f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = ("$" if money.code == "USD" else "") + spoken(tick * step)
        out.append(f'<text x="{left - 7:g}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    every = 6 if months <= 24 else 12 * math.ceil(months / 96)
    for month in range(0, len(dates), every):
        x = left + (right - left) * month / months
        end = "start" if month == 0 else "end" if x > right - 20 else "middle"
        out.append(f'<text x="{x:.1f}" y="{above + tall + 18:g}" text-anchor="{end}">{dates[month]:%Y-%m}</text>')
    for index, (label, values) in enumerate(series):
        points = "L".join(
            f"{left + (right - left) * m / months:.1f},{above + tall * (1 - money.amount(value) / most):.1f}"
            for m, value in enumerate(values)
        )
        css = CURVES[index % len(CURVES)]
        out.append(f'<path class="{css}" d="M{points}"><title>{_t(label)}</title></path>')
    return "".join([*out, "</svg>"])


def _round_step(top: float) -> float:
    raw = top / 4
    scale = 10 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    return next(factor * scale for factor in (1, 2, 2.5, 5, 10) if factor * scale >= raw)


def _open(height: float, name: str, title: str) -> str:
    return (
        f'<svg class="narrow" viewBox="0 0 {_WIDE} {height:g}" role="img" aria-labelledby="{name}-t">'
        f'<title id="{name}-t">{_t(title)}</title>'
    )


def _t(text: str) -> str:
    """Text of a chart: escaped, without control and direction characters."""
    return escape(plain(text, limit=300), quote=True)


def _short(text: str, limit: int = 84) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"
