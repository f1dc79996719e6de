"""What moves the crossover: alternatives, and the values at which the verdict flips."""

from __future__ import annotations

import math

from breakeven.compare.numbers import Money, spoken, times
from breakeven.compare.result import Comparison
from breakeven.render.flip_words import in_currency
from breakeven.render.html.parts import esc, table, volume
from breakeven.render.html.svg import bars_svg
from breakeven.render.text import plain


def moves_section(result: Comparison) -> str:
    """The headline crossing again with one thing changed."""
    if not result.alternatives:
        return ""
    bars = [
        (plain(f"{row.name}: {row.changed}", limit=300), math.log2(row.ratio_to_headline), times(row.ratio_to_headline))
        for row in result.alternatives
        if row.ratio_to_headline
    ]
    title = "How far each alternative moves the first crossing, log scale; left of zero: sooner"
    chart = bars_svg(bars, title=title, name="moves") if bars else ""
    return (
        '<h2 id="moves">What moves it</h2><p>One change at a time, the rest as in the profile. Bars: factor on the first '
        "crossing, on a logarithmic scale.</p>"
        + chart
        + table(
            ["alternative", "changed", "outcome", "first from", "for good from", "factor"],
            [
                [
                    esc(row.name),
                    esc(row.changed if row.why_not is None else f"{row.changed}: {row.why_not}"),
                    row.outcome or "?",
                    volume(row.first_tokens_per_day),
                    volume(row.settled_tokens_per_day),
                    "" if row.ratio_to_headline is None else times(row.ratio_to_headline),
                ]
                for row in result.alternatives
            ],
            caption="Crossings in tokens per day under each alternative",
            right=(3, 4, 5),
            nowrap=(2,),
        )
    )


def flips_section(result: Comparison) -> str:
    """Each key alone: the value at which the other side becomes cheaper."""
    if not result.flips:
        return ""
    money = Money.of(result.currency)
    return "<h3>What would flip the verdict</h3>" + table(
        ["key", "now", "flips at", "unit", "note"],
        [
            [
                f"<code>{esc(f.key)}</code>",
                _figure(f.now, f.unit, money),
                "" if f.flips_at is None else _figure(f.flips_at, f.unit, money),
                esc(f.unit),
                esc(f.why_not or ""),
            ]
            for f in result.flips
        ],
        caption="The value of each key, alone, at which the cheaper side changes at your volume",
        right=(1, 2),
    )


def _figure(value: float, unit: str, money: Money) -> str:
    text = spoken(value, digits=4) if abs(value) >= 1e6 else f"{value:.6g}"
    converted = in_currency(value, unit, money)
    return f"{text} ({esc(converted)})" if converted else text
