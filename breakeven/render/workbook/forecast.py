"""The decision month by month. A column is live where the plain law gives the tool's own figures."""

from __future__ import annotations

import datetime as dt
from typing import Any

from msgspec import Struct

from breakeven.arithmetic import SCALAR
from breakeven.compare.forecast import Forecast, OfferForecast
from breakeven.compare.numbers import Money
from breakeven.finance.discounting import log_rate, month_factor, payment_years
from breakeven.offers.escalation import ESCALATION_LINES
from breakeven.offers.offer import steps
from breakeven.render.forecast import SCENARIO_NOTE, SCENARIO_TITLE, SCENARIOS, scenario_rows
from breakeven.render.forecast_words import verdict
from breakeven.render.workbook.book import Book, letter
from breakeven.render.workbook.model import Cells, Model, follows_machines

MAX_OFFERS = 6
_TOP = 23  # the row of the heads; the chart stands above it
_HEADS = (
    "month",
    "first day",
    "tokens/day",
    "paid after, years",
    "API price index",
    "machine price index",
    "throughput index",
    "discount factor",
)
_PAINT = ("#1F5FBF", "#0B7A4B", "#B45F06", "#7A3E9D", "#8A8A00", "#A11D1D")


class _Rate(Struct, frozen=True):
    """An input of this sheet."""

    name: str
    label: str
    value: float


def write_forecast(book: Book, model: Model) -> None:
    """The months, totals and present values, and when to switch."""
    sheet = book.sheets["Forecast"]
    book.write(sheet, 0, 0, "Forecast: the decision over time", book.title)
    outlook = book.result.outlook
    if outlook is None or outlook.forecast is None:
        reason = (
            outlook.no_forecast if outlook else None
        ) or "left out of this workbook; `breakeven forecast` prints it"
        book.write(sheet, 2, 0, f"No forecast: {reason}", book.note)
        return
    made = outlook.forecast
    book.columns(sheet, (34, 12, 13, 11, 11, 11, 11, 11, *(17,) * (2 * MAX_OFFERS)))
    book.across(sheet, 1, 0, 10, f"As computed: {verdict(made)}", book.bold)
    _rates(book, made)
    columns = _columns(book, model, made)
    last = _months(book, model, made, columns)
    row = _totals(book, made, columns, last)
    row = _starts(book, made, row + 2)
    _scenarios(book, made, row + 1)
    _chart(book, columns, last)
    sheet.freeze_panes(_TOP + 1, 3)
    sheet.repeat_rows(_TOP)


def _rates(book: Book, made: Forecast) -> None:
    sheet, course = book.sheets["Forecast"], made.courses
    pair = made.decision
    machine = course.rental
    if pair is not None and any(row.offer == pair.self_host and row.kind == "owned" for row in made.offers):
        machine = course.hardware
    rates = (
        _Rate("fc_growth", "demand growth per year", SCALAR.exp(course.growth) - 1.0),
        _Rate("fc_api_change", "API price change per year", SCALAR.exp(-course.api) - 1.0),
        _Rate("fc_elasticity", "demand elasticity to the API price", course.elasticity),
        _Rate("fc_machine_change", "machine price change per year", SCALAR.exp(-machine) - 1.0),
        _Rate("fc_throughput_gain", "throughput gain per year", SCALAR.exp(course.throughput) - 1.0),
        _Rate("fc_discount_rate", "discount rate per year", made.discount_rate),
    )
    for row, rate in enumerate(rates, 3):
        book.write(sheet, row, 0, rate.label)
        share = rate.name != "fc_elasticity"
        sheet.write_number(row, 1, rate.value, book.edit_share if share else book.edit)
        book.define(rate.name, "Forecast", row, 1)
    for row, note in enumerate((f"Price path: {course.label}.", f"Payments: {made.timing}.", *made.notes[:3]), 10):
        book.across(sheet, row, 0, 1, note, book.note)


class _Column(Struct, frozen=True):
    """One offer: its place, its formulas (None = the tool's figures are written) and its months."""

    cells: Cells
    made: OfferForecast
    cost: str | None  # formula with {V}, {api}, {machine}, {gain}
    present_live: bool


def _columns(book: Book, model: Model, made: Forecast) -> list[_Column]:
    out = []
    pair = (made.decision.api, made.decision.self_host) if made.decision else ()
    # A hybrid's fleet is chosen month by month by a search; beside live cells its figures would be stale.
    plain = [row for row in made.offers if row.kind != "hybrid"]
    ordered = sorted(plain, key=lambda row: (row.offer not in pair, row.offer != (pair[0] if pair else "")))
    for row in ordered[:MAX_OFFERS]:
        cells = model.cells(row.offer)
        if cells is None:
            continue
        formula: str | None = _formula(cells, row)
        if not _plain_law_holds(cells, row, made, book.result.hours_per_month):
            formula = None
        present = all(
            abs(m.usd * _discount(made, number) - m.present_usd) <= 1e-9 * abs(m.present_usd)
            for number, m in enumerate(row.months)
        )
        out.append(_Column(cells, row, formula, formula is not None and present))
    return out


def _formula(cells: Cells, row: OfferForecast) -> str:
    if row.kind in ("api", "provisioned"):
        variable = f"{cells.per_mtok}*{{V}}/1000000"
        if cells.steps:
            variable += f"+{cells.replicas_at('{V}')}*{cells.per_replica}"
        text = f"{cells.fixed}+({variable})*{{api}}"
        if cells.entry.offer.minimum_usd_per_day > 0:
            text += _top_up(cells)
        return text
    n = f"MAX({cells.prefix}_n_min,ROUNDUP({{V}}/({cells.mean_day}*{{gain}})-0.000000001,0)+{cells.prefix}_redundant)"
    machines = f"({cells.per_replica}+({cells.machines})*({{machine}}-1))"
    tokens = f"({cells.per_mtok}+({cells.energy})*(1/{{gain}}-1)+({cells.escalated})*({{api}}-1))"
    text = f"{cells.fixed}+{n}*{machines}+{tokens}*{{V}}/1000000"
    return text + (_top_up(cells) if cells.entry.offer.minimum_usd_per_day > 0 else "")


def _top_up(cells: Cells) -> str:
    """What a minimum spend adds, of the offer's own API or of the one that its requests are escalated to."""
    return f"+MAX(0,{cells.minimum}-({cells.covered})*{{V}}/1000000*{{api}})"


def _plain_law_holds(cells: Cells, row: OfferForecast, made: Forecast, hours_per_month: float) -> bool:
    """Whether the sheet's formula gives the tool's month, every month: no announced prices, terms or kept machines."""
    offer, course, days = cells.entry.offer, made.courses, hours_per_month / 24.0
    machine_course = course.hardware if row.kind == "owned" else course.rental
    pair = made.decision
    if pair is not None and row.kind in ("rented", "owned"):
        shown = next((r.kind for r in made.offers if r.offer == pair.self_host), row.kind)
        if shown != row.kind and course.hardware != course.rental:
            return False  # the sheet has one machine price index, the headline pair's
    machines = _sum(offer, lambda line: line.usd_per_replica_day if follows_machines(line) else 0.0)
    energy = _sum(offer, lambda line: line.usd_per_mtok if line.id == "power-active" else 0.0)
    escalated = _sum(offer, lambda line: line.usd_per_mtok if line.id in ESCALATION_LINES else 0.0)
    for m, month in enumerate(row.months):
        volume, years = made.tokens_per_day[m], m / 12.0
        api = month_factor(decay_per_year=course.api, month=m, timing=made.timing)
        if row.kind in ("api", "provisioned"):
            variable = (
                offer.usd_per_mtok * volume / 1e6 + offer.replicas_at(volume * (1 - 1e-12)) * offer.usd_per_replica_day
            )
            usd = offer.fixed_usd_per_day + variable * api
        else:
            gain = SCALAR.exp(course.throughput * years)
            kappa = offer.tokens_per_day_per_replica
            assert kappa is not None
            n = max(offer.min_replicas, steps(volume * (1 - 1e-12), kappa * gain) + offer.redundant_replicas)
            per_replica = offer.usd_per_replica_day + machines * (SCALAR.exp(-machine_course * years) - 1.0)
            per_mtok = offer.usd_per_mtok + energy * (1.0 / gain - 1.0) + escalated * (api - 1.0)
            usd = offer.fixed_usd_per_day + n * per_replica + per_mtok * volume / 1e6
        if offer.minimum_usd_per_day > 0:
            covered = _sum(offer, lambda line: line.usd_per_mtok if line.counts_towards_minimum else 0.0)
            usd += max(0.0, offer.minimum_usd_per_day - covered * volume / 1e6 * api)
        if abs(usd * days - month.usd) > 1e-9 * abs(month.usd):
            return False
    return True


def _sum(offer: Any, of: Any) -> float:
    return float(sum(of(line) for line in offer.lines))


def _discount(made: Forecast, month: int) -> float:
    return float(
        month_factor(decay_per_year=log_rate(rate_per_year=made.discount_rate), month=month, timing=made.timing)
    )


def _months(book: Book, model: Model, made: Forecast, columns: list[_Column]) -> int:
    sheet, course, timing = book.sheets["Forecast"], made.courses, made.timing
    book.heads(sheet, _TOP, _HEADS, right=range(2, 8))
    for index, column in enumerate(columns):
        live = "live" if column.cost else "as computed"
        book.write(sheet, _TOP, 8 + index, f"{column.made.name}: USD/month ({live})", book.head_right)
        book.write(sheet, _TOP, 8 + len(columns) + index, f"{column.made.name}: present value", book.head_right)
    paid = {
        "month_mid": "(A{r}+0.5)/12",
        "month_end": "(A{r}+1)/12",
        "year_end": "INT(A{r}/12)+1",
        "continuous": "A{r}/12",
    }[timing]
    # Continuous payments are spread over the month: the mean of the decay within it.
    spread = "*IF({x}=0,1,(1-EXP(-{x}/12))/({x}/12))" if timing == "continuous" else ""
    decay, rate = "(-LN(1+fc_api_change))", "LN(1+fc_discount_rate)"
    machine = course.rental
    if made.decision is not None and any(r.offer == made.decision.self_host and r.kind == "owned" for r in made.offers):
        machine = course.hardware
    for m, volume in enumerate(made.tokens_per_day):
        row = _TOP + 1 + m
        r = row + 1
        years = m / 12.0
        sheet.write_number(row, 0, m, book.month)
        sheet.write_datetime(row, 1, dt.datetime.combine(made.date_of(m), dt.time()), book.date)
        growth = f"LN(1+fc_growth)-fc_elasticity*{decay}"
        sheet.write_formula(row, 2, f"={model.volume}*EXP(({growth})*A{r}/12)", book.tokens, volume)
        when = payment_years(month=m, timing=timing) if timing != "continuous" else years
        sheet.write_formula(row, 3, "=" + paid.format(r=r), book.number, when)
        api = month_factor(decay_per_year=course.api, month=m, timing=timing)
        sheet.write_formula(row, 4, f"=EXP(-{decay}*D{r})" + spread.format(x=decay), book.number, api)
        sheet.write_formula(row, 5, f"=(1+fc_machine_change)^(A{r}/12)", book.number, SCALAR.exp(-machine * years))
        sheet.write_formula(
            row, 6, f"=(1+fc_throughput_gain)^(A{r}/12)", book.number, SCALAR.exp(course.throughput * years)
        )
        sheet.write_formula(row, 7, f"=EXP(-{rate}*D{r})" + spread.format(x=rate), book.number, _discount(made, m))
        hours = model.hours()
        for index, column in enumerate(columns):
            month, at, then = column.made.months[m], 8 + index, 8 + len(columns) + index
            if column.cost is None:
                sheet.write_number(row, at, month.usd, book.usd_whole)
                sheet.write_number(row, then, month.present_usd, book.usd_whole)
                continue
            text = column.cost.format(V=f"$C{r}", api=f"$E{r}", machine=f"$F{r}", gain=f"$G{r}")
            sheet.write_formula(row, at, f"=({text})*{hours}/24", book.usd_whole, month.usd)
            if column.present_live:
                sheet.write_formula(row, then, f"={letter(at)}{r}*$H{r}", book.usd_whole, month.present_usd)
            else:
                sheet.write_number(row, then, month.present_usd, book.usd_whole)
    return _TOP + len(made.tokens_per_day)


def _totals(book: Book, made: Forecast, columns: list[_Column], last: int) -> int:
    sheet, row = book.sheets["Forecast"], last + 1
    book.write(sheet, row, 0, f"sum of {made.horizon_months} months", book.bold)
    for index, column in enumerate(columns):
        for at, value in ((8 + index, column.made.usd_total), (8 + len(columns) + index, column.made.npv_usd)):
            span = f"{letter(at)}{_TOP + 2}:{letter(at)}{last + 1}"
            sheet.write_formula(row, at, f"=SUM({span})", book.usd_total, value)
        prefix = column.cells.prefix
        book.define(f"{prefix}_npv", "Forecast", row, 8 + len(columns) + index)
    return row


def _starts(book: Book, made: Forecast, row: int) -> int:
    if made.decision is None:
        return row
    sheet = book.sheets["Forecast"]
    book.write(sheet, row, 0, "The API until a month, self-hosting from then on, as computed", book.section)
    book.heads(sheet, row + 1, ("switch in month", "", "present value"), right=(2,))
    row += 2
    best = min(made.decision.starts, key=lambda start: (start.npv_usd, -start.month))
    shown = [s for s in made.decision.starts if s.month % 6 == 0 or s is best]
    for start in shown:
        label = (
            "never within the horizon"
            if start.month >= made.horizon_months
            else f"{start.month}  ({made.date_of(start.month)})"
        )
        book.write(
            sheet, row, 0, label + (": the least" if start is best else ""), book.bold if start is best else None
        )
        sheet.write_number(row, 2, start.npv_usd, book.usd_whole)
        row += 1
    return row


def _scenarios(book: Book, made: Forecast, row: int) -> None:
    """The same decision in other futures; computed by the tool, the rates above change one future at a time."""
    if not made.scenarios:
        return
    sheet = book.sheets["Forecast"]
    book.write(sheet, row, 0, f"{SCENARIO_TITLE}, as computed", book.section)
    book.heads(sheet, row + 1, (*(name for name, _ in SCENARIOS), "record"), right=range(1, 5))
    for number, found in enumerate(made.scenarios, row + 2):
        book.write(sheet, number, 0, found.name)
        sheet.write_number(number, 1, found.api_price_change_per_year, book.share)
        for column, value in enumerate((found.npv_api_usd, found.npv_self_host_usd, found.npv_best_usd), 2):
            sheet.write_number(number, column, value, book.usd_whole)
        book.write(sheet, number, 5, scenario_rows(made, Money())[number - row - 2][-1])
        book.write(sheet, number, 6, " ".join(found.sources), book.note)
    book.across(sheet, row + 2 + len(made.scenarios), 0, 7, SCENARIO_NOTE, book.note)


def _chart(book: Book, columns: list[_Column], last: int) -> None:
    chart = book.writer.add_chart({"type": "line"})
    for index in range(len(columns)):
        chart.add_series(
            {
                "name": ["Forecast", _TOP, 8 + index],
                "categories": ["Forecast", _TOP + 1, 1, last, 1],
                "values": ["Forecast", _TOP + 1, 8 + index, last, 8 + index],
                "line": {"color": _PAINT[index], "width": 2.0, **({"dash_type": "dash"} if index % 2 else {})},
            }
        )
    chart.set_title({"name": "Cost per month", "name_font": {"size": 12}})
    chart.set_x_axis({"date_axis": True, "num_format": "mmm yy", "major_unit": 6, "major_unit_type": "months"})
    chart.set_y_axis(
        {
            "name": "USD per month",
            "num_format": "$#,##0",
            "major_gridlines": {"visible": True, "line": {"color": "#DDE2E8"}},
            "min": 0,
        }
    )
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 860, "height": 370})
    sheet = book.sheets["Forecast"]
    sheet.insert_chart(3, 3, chart, {"description": "Cost per month of each offer over the horizon"})
