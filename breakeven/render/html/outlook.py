"""Forecast and uncertainty. Where one is missing, its reason stands in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from breakeven.compare.forecast import Forecast
from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.result import Comparison
from breakeven.render.forecast import SCENARIO_NOTE, SCENARIO_TITLE, SCENARIOS, scenario_rows
from breakeven.render.forecast_words import verdict as forecast_verdict
from breakeven.render.html.parts import amount, cite, details, esc, key, table, volume
from breakeven.render.html.svg import CURVES, Span, months_svg, tornado_svg
from breakeven.render.text import plain

if TYPE_CHECKING:
    from breakeven.compare.risk import Risk

_NOT_HERE = "left out of this report; <code>breakeven {command}</code> prints it"


def forecast_section(result: Comparison, money: Money) -> str:
    """The months, what the whole horizon costs, and when to switch."""
    parts = ['<h2 id="forecast">Over time</h2>']
    outlook = result.outlook
    if outlook is None or outlook.forecast is None:
        why = (
            esc(outlook.no_forecast)
            if outlook is not None and outlook.no_forecast
            else _NOT_HERE.format(command="forecast")
        )
        return "".join((*parts, f'<p class="dim">No forecast: {why}.</p>'))
    made = outlook.forecast
    pair = (made.decision.api, made.decision.self_host) if made.decision is not None else ()
    rows = sorted(made.offers, key=lambda row: (row.offer not in pair, row.offer != (pair[0] if pair else "")))
    dates = [made.date_of(month) for month in range(made.horizon_months)]
    parts.append(f"<p><strong>{esc(forecast_verdict(made))}</strong></p>")
    parts.append(f'<p class="small dim">{esc(made.courses.label)}. {_growth(made)} {_records(made)}</p>')
    drawn = rows[: len(CURVES)]
    if len(dates) > 1:
        series = [(row.name, [month.usd for month in row.months]) for row in drawn]
        parts.append(
            months_svg(series, dates=dates, title=f"Cost in {money.code} per month", name="months", money=money)
        )
        parts.append(_key([row.name for row in drawn]))
    parts.append(
        table(
            ["offer", f"total of {made.horizon_months} months", "present value", "replicas first to last month"],
            [
                [
                    esc(row.name),
                    amount(row.usd_total, money),
                    amount(row.npv_usd, money),
                    _replicas(row.months[0].replicas, row.months[-1].replicas),
                ]
                for row in rows
            ],
            caption=f"Present value at {percent(made.discount_rate)} a year, payments {made.timing}",
            right=(1, 2, 3),
        )
    )
    if made.scenarios:
        parts.append(_scenarios(made, money))
    parts.append(details("Month by month", _months(made, [row.offer for row in drawn], money)))
    if made.decision is not None:
        parts.append(details("The API until a month, self-hosting from then on", _starts(made, money)))
    parts.append("".join(f'<p class="small dim">{esc(note)}</p>' for note in made.notes))
    return "".join(parts)


def _scenarios(made: Forecast, money: Money) -> str:
    rows = []
    for row, cells in zip(made.scenarios, scenario_rows(made, money), strict=True):
        rows.append([*(esc(cell) for cell in cells), " ".join(cite(source) for source in row.sources)])
    shown = table(
        [*(name for name, _ in SCENARIOS), "record"], rows, caption=SCENARIO_TITLE, right=range(1, 5), nowrap=(5,),
        css=["best"],
    )
    return f'{shown}<p class="small dim">{esc(SCENARIO_NOTE)}</p>'


def _growth(made: Forecast) -> str:
    first, last = made.tokens_per_day[0], made.tokens_per_day[-1]
    if first == last:
        return f"Volume stays at {spoken(first)} tokens/day."
    return f"Volume goes from {spoken(first)} to {spoken(last)} tokens/day."


def _records(made: Forecast) -> str:
    return "Records: " + " ".join(cite(source) for source in made.courses.sources) + "." if made.courses.sources else ""


def _key(names: list[str]) -> str:
    items = "".join(
        f'<span><svg viewBox="0 0 34 10" aria-hidden="true"><path class="{CURVES[index]}" d="M1,5H33"/></svg>{esc(name)}</span>'
        for index, name in enumerate(names)
    )
    return f'<div class="key small">{items}</div>'


def _replicas(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _months(made: Forecast, offers: list[str], money: Money) -> str:
    rows = {row.offer: row for row in made.offers}
    crossing = {found.month: found for found in made.crossings}
    shown = [m for m in range(made.horizon_months) if m % 3 == 0 or m == made.horizon_months - 1]
    return table(
        ["month", "tokens/day", *(plain(rows[offer].name, limit=80) for offer in offers), "first crossing on its 1st"],
        [
            [
                f"{m} ({made.date_of(m):%Y-%m})",
                spoken(made.tokens_per_day[m]),
                *(amount(rows[offer].months[m].usd, money) for offer in offers),
                volume(crossing[m].first_tokens_per_day, "never") if m in crossing else "",
            ]
            for m in shown
        ],
        caption=f"{money.code} per month, every third month; crossing in tokens per day",
        right=range(1, 3 + len(offers)),
        nowrap=(0,),
    )


def _starts(made: Forecast, money: Money) -> str:
    assert made.decision is not None
    best = min(made.decision.starts, key=lambda start: (start.npv_usd, -start.month))
    shown = [start for start in made.decision.starts if start.month % 6 == 0 or start is best]
    rows, css = [], []
    for start in shown:
        never = start.month >= made.horizon_months
        label = "never" if never else f"month {start.month} ({made.date_of(start.month):%Y-%m})"
        rows.append([label, amount(start.npv_usd, money), "least" if start is best else ""])
        css.append("best" if start is best else "")
    return table(
        ["switch in", "present value", ""], rows, caption="Present value of the whole horizon", right=(1,), css=css
    )


def risk_section(result: Comparison, money: Money) -> str:
    """How sure the verdict is, and what is worth measuring first."""
    parts = ['<h2 id="risk">How sure</h2>']
    outlook = result.outlook
    if outlook is None or outlook.risk is None:
        why = esc(outlook.no_risk) if outlook is not None and outlook.no_risk else _NOT_HERE.format(command="risk")
        return "".join((*parts, f'<p class="dim">No risk analysis: {why}.</p>'))
    from breakeven.compare.risk import measure_first, verdict  # with numpy, which made this result

    weighed = outlook.risk
    parts.append(f"<p><strong>{esc(verdict(weighed))}</strong> {esc(measure_first(weighed))}</p>")
    spans = [
        Span(plain(row.name, limit=200), row.first_at_low, row.first_at_high,
             f"{volume(row.first_at_low, 'never')} to {volume(row.first_at_high, 'never')}")
        for row in weighed.inputs
    ]  # fmt: skip
    if weighed.first_typical and any(span.low or span.high for span in spans):
        title = "Tornado: the first crossing at the low and high value of each uncertain input, log scale"
        parts.append(f'<p class="small dim">{title}.</p>')
        parts.append(tornado_svg(spans, middle=weighed.first_typical, title=title, name="tornado"))
    parts.append(_inputs(weighed, money))
    parts.append(_chances(weighed, money))
    parts.append(
        f'<p class="small dim">{weighed.draws:,} Sobol draws, seed {weighed.seed}; low and high are the 10 % and 90 % points.</p>'
    )
    parts.append("".join(f'<p class="small dim">{esc(note)}</p>' for note in weighed.notes))
    return "".join(parts)


def _inputs(weighed: Risk, money: Money) -> str:
    return table(
        [
            "input",
            "low",
            "typical",
            "high",
            "unit",
            "first at low",
            "first at high",
            "share of variance",
            "worth knowing, a year",
            "origin",
        ],
        [
            [
                key(row.name),
                f"{row.low:.6g}",
                f"{row.typical:.6g}",
                f"{row.high:.6g}",
                esc(row.unit),
                volume(row.first_at_low, "never"),
                volume(row.first_at_high, "never"),
                percent(row.total_effect_share),
                amount(row.perfect_information_usd_per_year, money),
                key(row.origin),
            ]
            for row in weighed.inputs
        ],
        caption="Each uncertain input: its range, the crossing at both ends, its share of the variance",
        right=(1, 2, 3, 5, 6, 7, 8),
    )


def _chances(weighed: Risk, money: Money) -> str:
    years = max((len(row.cheapest_probability_by_year) for row in weighed.offers), default=1)
    heads = [
        "offer",
        "P10 a day",
        "P50",
        "P90",
        *("cheapest now" if year == 0 else f"in {year} y" for year in range(years)),
    ]
    rows = []
    for row in weighed.offers:
        cost = row.usd_per_day
        chances = [percent(p) for p in row.cheapest_probability_by_year] if row.eligible else ["not eligible"] * years
        rows.append(
            [esc(row.name), amount(cost.p10, money), amount(cost.p50, money), amount(cost.p90, money), *chances]
        )
    return table(
        heads,
        rows,
        caption="Cost per day, and how often each offer is the cheapest eligible one",
        right=range(1, 4 + years),
    )
