"""``risk`` in each of its formats."""

from __future__ import annotations

from typing import Any

from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.risk import RISK_SCHEMA_VERSION, InputRisk, Quantiles, Risk, measure_first, verdict
from breakeven.render.csv_result import table as csv_table
from breakeven.render.tables import as_json, grid, markdown_table, wrapped

FORMATS = ("table", "json", "csv", "md")


def render(name: str, result: Risk, *, width: int) -> str:
    """The result in the named format."""
    if name == "json":
        return as_json(data(result))
    if name == "csv":
        return csv_table(_CSV, _csv_rows(result))
    if name == "md":
        return _markdown(result)
    return _text(result, width=width)


def data(result: Risk) -> dict[str, Any]:
    """The JSON object."""
    out = {name: getattr(result, name) for name in Risk.__struct_fields__}
    return {"schema_version": RISK_SCHEMA_VERSION, "verdict": verdict(result), "measure_first": measure_first(result), **out}


_CSV = (
    "input", "origin", "unit", "low", "typical", "high", "distribution", "first_at_low", "first_at_high",
    "difference_at_low_usd_per_day", "difference_at_high_usd_per_day", "total_effect_share",
    "perfect_information_usd_per_year",
)  # fmt: skip


def _csv_rows(result: Risk) -> list[dict[str, Any]]:
    return [{"input": row.name, **{name: getattr(row, name) for name in _CSV[1:]}} for row in result.inputs]


def _volume(value: float | None) -> str:
    return "never" if value is None else spoken(value)


def _money(value: float | None, usd: Money) -> str:
    return "?" if value is None else usd(value)


def _offers(result: Risk) -> tuple[list[tuple[str, str]], list[list[str]]]:
    years = max((len(row.cheapest_probability_by_year) for row in result.offers), default=1) - 1
    usd = Money.of(result.currency)
    columns = [("offer", "left"), *((f"{p} {usd.symbol}/day", "right") for p in ("P10", "P50", "P90")),
               ("cheapest now", "right"), *((f"in {year} y", "right") for year in range(1, years + 1))]  # fmt: skip
    rows = []
    for row in result.offers:
        cost = row.usd_per_day
        chances = [percent(p) for p in row.cheapest_probability_by_year]
        if row.why_not:
            chances = ["cannot serve" if row.eligible else "not eligible"] * (years + 1)
        rows.append([row.name, _money(cost.p10, usd), _money(cost.p50, usd), _money(cost.p90, usd), *chances])
    return columns, rows


_TORNADO = [("input", "left"), ("low to high", "right"), ("crossover at P10", "right"), ("at P90", "right"),
            ("share of variance", "right"), ("worth knowing, a year", "right")]  # fmt: skip


def _tornado(result: Risk) -> list[list[str]]:
    usd = Money.of(result.currency)
    return [
        [
            row.name, _span(row), _volume(row.first_at_low), _volume(row.first_at_high),
            percent(row.total_effect_share), usd(row.perfect_information_usd_per_year),
        ]
        for row in result.inputs
    ]  # fmt: skip


def _span(row: InputRisk) -> str:
    return f"{row.low:.4g} .. {row.typical:.4g} .. {row.high:.4g}"


def _crossing(first: Quantiles) -> str:
    return f"P10 {_volume(first.p10)}, P50 {_volume(first.p50)}, P90 {_volume(first.p90)} tokens/day"


def _facts(result: Risk) -> list[str]:
    usd = Money.of(result.currency)
    lines = [
        f"Crossover: {_crossing(result.first)}; with the stated inputs {_volume(result.first_typical)}. "
        f"It never comes in {percent(result.never_probability)} of the draws.",
        f"{measure_first(result)} Knowing everything would be worth "
        f"{usd(result.perfect_information_usd_per_year)} a year at this volume.",
        f"{result.draws:,} Sobol draws, seed {result.seed}; facts as of {result.as_of}, catalogue {result.catalogue_version}.",
    ]
    if result.failed_draws:
        lines.append(f"{result.failed_draws:,} draws could not be answered and are left out.")
    return lines


def _text(result: Risk, *, width: int) -> str:
    columns, rows = _offers(result)
    out = [verdict(result), "", *(wrapped(line, width=width) for line in _facts(result)), ""]
    out += [grid(columns, rows, width=width), "What moves it (each input alone, the others as stated)", ""]
    out += [grid(_TORNADO, _tornado(result), width=width)]
    out += [wrapped(f"note: {note}", width=width) for note in result.notes]
    return "\n".join(out).rstrip() + "\n"


def _markdown(result: Risk) -> str:
    columns, rows = _offers(result)
    out = [f"**{verdict(result)}**", "", *(f"{line}\n" for line in _facts(result))]
    out += [markdown_table(columns, rows), markdown_table(_TORNADO, _tornado(result))]
    out += [f"- {note}" for note in result.notes]
    return "\n".join(out).rstrip() + "\n"
