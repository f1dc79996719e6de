"""The crossover in the terminal: cost per day over volume, both axes logarithmic.

Drawn with plotext, an optional extra that is imported only here; without it there is no chart and
the report says nothing about it.
"""

from __future__ import annotations

import math

from breakeven.compare.numbers import Money, spoken
from breakeven.compare.result import Comparison

POINTS = 160
HEIGHT = 18


def draw_chart(result: Comparison, *, width: int, colour: bool) -> str:
    """The chart as text (with ANSI colours when asked for); empty when it cannot be drawn."""
    try:
        import plotext
    except ImportError:
        return ""
    head = result.headline
    rows = {row.offer.id: row.offer for row in result.offers if row.usd_per_day is not None}
    if head.api not in rows or head.self_host not in rows or not rows[head.self_host].feasible:
        return ""
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    middle = [result.tokens_per_day]
    if found is not None:
        middle += [v for v in (found.first_tokens_per_day, found.settled_tokens_per_day) if v]
    low = 10 ** math.floor(math.log10(min(middle)) - 0.7)
    high = 10 ** math.ceil(math.log10(max(middle)) + 0.7)
    money = Money.of(result.currency)
    mark = "$" if money.code == "USD" else ""  # a currency's code stands in the heading
    volumes = [low * (high / low) ** (step / (POINTS - 1)) for step in range(POINTS)]
    plotext.clear_figure()
    plotext.plotsize(min(width, 110), HEIGHT)
    plotext.theme("clear")
    marks = (("braille", "blue"), ("braille", "green"))
    costs: list[float] = []
    for offer_id, (marker, paint), label in zip(
        (head.api, head.self_host), marks, ("API", "self-hosted"), strict=True
    ):
        offer = rows[offer_id]
        points = [money.amount(offer.usd_per_day_at(volume)) for volume in volumes]
        if min(points) <= 0:  # what is free has no place on a logarithmic axis
            return ""
        costs += points
        plotext.plot(
            [math.log10(v) for v in volumes], [math.log10(p) for p in points],
            marker=marker, color=paint if colour else None, label=label,
        )  # fmt: skip
    decades = range(round(math.log10(low)), round(math.log10(high)) + 1)
    plotext.xticks([float(d) for d in decades], [spoken(10.0**d) for d in decades])
    bottom, top = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))
    plotext.ylim(bottom, top)
    plotext.yticks([float(d) for d in range(bottom, top + 1)], [mark + spoken(10.0**d) for d in range(bottom, top + 1)])
    if found is not None and found.first_tokens_per_day:
        plotext.vline(math.log10(found.first_tokens_per_day), color="red" if colour else None)
    text = str(plotext.build())
    if not colour:
        text = plotext.uncolorize(text)
    return "\n".join(line.rstrip() for line in text.split("\n"))
