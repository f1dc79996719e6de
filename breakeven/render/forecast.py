"""``forecast`` in each of its formats."""

from __future__ import annotations

from typing import Any

from breakeven.compare.crossover_history import History
from breakeven.compare.forecast import FORECAST_SCHEMA_VERSION, Decision, Forecast
from breakeven.compare.numbers import Money, spoken
from breakeven.render.csv_result import table as csv_table
from breakeven.render.forecast_words import verdict
from breakeven.render.tables import as_json, grid, markdown_table, wrapped

FORMATS = ("table", "json", "csv", "md", "focus")  # focus: render/focus.py


def render(name: str, result: Forecast, history: History | None, *, width: int) -> str:
    """The forecast in the named format."""
    if name == "json":
        return as_json(data(result, history))
    if name == "csv":
        return csv_table(_CSV, _csv_rows(result))
    if name == "md":
        return _markdown(result, history)
    return _text(result, history, width=width)


def data(result: Forecast, history: History | None) -> dict[str, Any]:
    """The JSON object."""
    made = result.decision
    return {
        "schema_version": FORECAST_SCHEMA_VERSION,
        "name": result.name,
        "as_of": result.as_of,
        "catalogue": result.catalogue_version,
        "horizon_months": result.horizon_months,
        "discount_rate": result.discount_rate,
        "timing": result.timing,
        "price_path": result.courses.label,
        "courses_log_points_per_year": {
            "api": result.courses.api, "rental": result.courses.rental, "hardware": result.courses.hardware,
            "throughput": result.courses.throughput, "growth": result.courses.growth,
        },
        "drivers": result.courses.drivers,
        "npv_crossover_multiplier": result.npv_crossover_multiplier,
        "verdict": verdict(result),
        "decision": None if made is None else {
            **{key: getattr(made, key) for key in Decision.__struct_fields__ if key != "starts"},
            "switch_date": None if made.switch_month is None else result.date_of(made.switch_month),
            "starts": made.starts,
        },
        "offers": [
            {
                "id": row.offer, "kind": row.kind, "name": row.name, "why_not": row.why_not, "usd_total": row.usd_total, "npv_usd": row.npv_usd,
                "usd_per_month": [month.usd for month in row.months],
                "cumulative_usd": row.cumulative_usd,
                "replicas": [month.replicas for month in row.months],
                "cash_usd_per_month": [month.cash_usd for month in row.months],
            }
            for row in result.offers
        ],
        "months": [
            {"month": m, "date": result.date_of(m), "tokens_per_day": volume} for m, volume in enumerate(result.tokens_per_day)
        ],
        "crossovers": result.crossings,
        "scenarios": result.scenarios,
        "history": None if history is None else {"rows": history.rows, "decompositions": history.decompositions},
        "currency": result.currency,
        "notes": result.notes,
        "sources": result.sources,
    }  # fmt: skip


_CSV = (
    "month", "date", "tokens_per_day", "offer", "kind", "usd", "present_usd", "cumulative_usd", "cash_usd", "replicas",
    "first_tokens_per_day", "settled_tokens_per_day",
)  # fmt: skip


def _csv_rows(result: Forecast) -> list[dict[str, Any]]:
    rows = []
    crossing = {found.month: found for found in result.crossings}
    for offer in result.offers:
        running = offer.cumulative_usd
        for m, month in enumerate(offer.months):
            mine = result.decision is not None and offer.offer == result.decision.self_host and m in crossing
            rows.append(
                {
                    "month": m, "date": result.date_of(m).isoformat(), "tokens_per_day": result.tokens_per_day[m],
                    "offer": offer.offer, "kind": offer.kind, "usd": month.usd, "present_usd": month.present_usd,
                    "cumulative_usd": running[m], "cash_usd": month.cash_usd, "replicas": month.replicas,
                    "first_tokens_per_day": crossing[m].first_tokens_per_day if mine else None,
                    "settled_tokens_per_day": crossing[m].settled_tokens_per_day if mine else None,
                }
            )  # fmt: skip
    return rows


def _shown_months(result: Forecast) -> list[int]:
    count = result.horizon_months
    stride = 1 if count <= 12 else 3 if count <= 36 else 6 if count <= 72 else 12
    return sorted({*range(0, count, stride), count - 1})


def _month_rows(result: Forecast) -> tuple[list[tuple[str, str]], list[list[str]]]:
    usd = Money.of(result.currency)
    columns = [("month", "left"), ("tokens/day", "right")]
    offers = [row for row in result.offers if row.kind != "hybrid"]  # in the totals below, and in CSV and JSON
    for row in offers:
        columns.append((f"{row.name} {usd.symbol}/month", "right"))
        if row.kind in ("rented", "owned"):
            columns.append(("replicas", "right"))
    columns.append(("crossover on the 1st, tokens/day", "right"))  # what is paid follows the month's prices; `run` says the first
    crossing = {found.month: found for found in result.crossings}
    body = []
    for m in _shown_months(result):
        cells = [f"{m} {result.date_of(m):%Y-%m}", spoken(result.tokens_per_day[m])]
        for row in offers:
            cells.append(usd(row.months[m].usd))
            if row.kind in ("rented", "owned"):
                cells.append(str(row.months[m].replicas))
        found = crossing.get(m)
        cells.append("-" if found is None else _crossing(found.outcome, found.first_tokens_per_day))
        body.append(cells)
    return columns, body


def _crossing(outcome: str, first: float | None) -> str:
    return outcome if first is None or outcome == "always" else spoken(first)


def _total_rows(result: Forecast) -> list[list[str]]:
    usd = Money.of(result.currency)
    return [[row.name, usd(row.usd_total), usd(row.npv_usd)] for row in result.offers]


def _start_rows(made: Decision, usd: Money) -> list[list[str]]:
    count = len(made.starts) - 1
    stride = max(1, count // 6)
    shown = sorted({*range(0, count, stride), count, *([made.switch_month] if made.switch_month is not None else [])})
    best = made.switch_month if made.switch_month is not None else count
    return [
        ["never" if s == count else f"month {s}", usd(made.starts[s].npv_usd), "best" if s == best else ""] for s in shown
    ]


def _history_rows(history: History) -> list[list[str]]:
    usd = Money()  # list prices, in the currency they were published in
    return [
        [
            row.date.isoformat(), row.model, row.quality_class, usd(row.api_usd_per_mtok),
            "today's" if row.usd_per_gpu_hour is None else usd(row.usd_per_gpu_hour),
            _crossing(row.outcome, row.first_tokens_per_day),
        ]
        for row in history.rows
    ]  # fmt: skip


def scenario_rows(result: Forecast, usd: Money) -> list[list[str]]:
    """The cells of :data:`SCENARIOS`, one row per future."""
    return [
        [
            row.name, f"{row.api_price_change_per_year:+.1%}", usd(row.npv_api_usd), usd(row.npv_self_host_usd),
            usd(row.npv_best_usd),
            "never" if row.switch_month is None else "now" if row.switch_month == 0 else f"month {row.switch_month}",
        ]
        for row in result.scenarios
    ]  # fmt: skip


SCENARIO_TITLE = "The same decision in other futures (present value over the horizon)"
SCENARIO_NOTE = (
    "same-model: the same model on the same host; same-quality: the same quality wherever it is cheapest, which takes for "
    "granted that the model may be swapped; frontier: always the newest model. Best plan: the API until the month of the switch."
)
SCENARIOS = [("future", "left"), ("API price a year", "right"), ("API", "right"), ("self-host", "right"),
             ("best plan", "right"), ("switch", "left")]  # fmt: skip
_TOTALS = [("offer", "left"), ("total", "right"), ("present value", "right")]
_STARTS = [("switch", "left"), ("present value", "right"), ("", "left")]
_HISTORY = [("date", "left"), ("API model", "left"), ("class", "left"), ("$/Mtok", "right"), ("$/GPU-h", "right"),
            ("crossover tokens/day", "right")]  # fmt: skip
_DRIVERS = [("driver", "left"), ("share", "right"), ("factor a year", "right"), ("plausible", "right"),
            ("reaches self-hosting", "left")]  # fmt: skip


def _driver_rows(result: Forecast) -> list[list[str]]:
    return [
        [
            f"{row.driver}: {row.means}", f"{row.share:.0%}", f"{row.factor_per_year:.2f}x",
            "?" if row.plausible_factor_per_year is None else f"{row.plausible_factor_per_year:.2f}x",
            row.reaches_self_host,
        ]
        for row in result.courses.drivers
    ]  # fmt: skip


def _decomposition_rows(history: History) -> list[list[str]]:
    return [
        [row.trend, f"{row.factor:.2f}x", ", ".join(f"{name} {gain:.2f}x" for name, gain in row.explained),
         f"{row.left_to_competition:.2f}x"]
        for row in history.decompositions
    ]  # fmt: skip


_DECOMPOSITION = [("decline at fixed quality", "left"), ("a year", "right"), ("drivers could give", "left"),
                  ("left to competition", "right")]  # fmt: skip


def _lines(result: Forecast) -> list[str]:
    lines = [
        f"{result.courses.label}. Present value at {result.discount_rate:.1%} a year, payments {result.timing}; "
        f"facts as of {result.as_of}, catalogue {result.catalogue_version}."
    ]
    if result.courses.api:
        lines.append(
            f"Over the horizon this price course multiplies the crossover by {result.npv_crossover_multiplier:.2f} "
            "(rents and volume held), where no step or minimum spend lies between."
        )
    return lines


def _text(result: Forecast, history: History | None, *, width: int) -> str:
    out = [verdict(result), "", *(wrapped(line, width=width) for line in _lines(result)), ""]
    columns, rows = _month_rows(result)
    out += [grid(columns, rows, width=width)]
    out += [grid(_TOTALS, _total_rows(result), width=width)]
    if result.decision is not None:
        out += ["API until then, self-hosting from then on (present value of the whole horizon)", ""]
        out += [grid(_STARTS, _start_rows(result.decision, Money.of(result.currency)), width=width)]
    if result.scenarios:
        out += [SCENARIO_TITLE, "", grid(SCENARIOS, scenario_rows(result, Money.of(result.currency)), width=width)]
        out += [wrapped(SCENARIO_NOTE, width=width), ""]
    if result.courses.drivers:
        out += ["What drives the API's decline", "", grid(_DRIVERS, _driver_rows(result), width=width)]
    if history is not None:
        out += ["The crossover at the prices then in force", "", grid(_HISTORY, _history_rows(history), width=width)]
        out += ["", grid(_DECOMPOSITION, _decomposition_rows(history), width=width)]
    out += [wrapped(f"note: {note}", width=width) for note in result.notes]
    return "\n".join(out).rstrip() + "\n"


def _markdown(result: Forecast, history: History | None) -> str:
    out = [f"**{verdict(result)}**", "", *_lines(result), ""]
    columns, rows = _month_rows(result)
    out += [markdown_table(columns, rows), markdown_table(_TOTALS, _total_rows(result))]
    if result.decision is not None:
        out += [markdown_table(_STARTS, _start_rows(result.decision, Money.of(result.currency)))]
    if result.scenarios:
        out += [f"{SCENARIO_TITLE}:", "", markdown_table(SCENARIOS, scenario_rows(result, Money.of(result.currency)))]
        out += [SCENARIO_NOTE, ""]
    if result.courses.drivers:
        out += [markdown_table(_DRIVERS, _driver_rows(result))]
    if history is not None:
        out += [markdown_table(_HISTORY, _history_rows(history)), markdown_table(_DECOMPOSITION, _decomposition_rows(history))]
    out += [f"- {note}" for note in result.notes]
    return "\n".join(out).rstrip() + "\n"
