"""Where the bills cross, live: the crossing law in closed form, and the curves behind the chart."""

from __future__ import annotations

import math
from typing import Any

from breakeven.compare.crossover import Crossover
from breakeven.render.workbook.book import TOKENS_AXIS, USD_AXIS, Book, letter
from breakeven.render.workbook.model import Cells, Model

POINTS = 61
_HEADS = (
    "bought per token",
    "self-hosted",
    "first cheaper from, tokens/day",
    "for good from, tokens/day",
    "outcome",
    "first, as computed",
    "for good, as computed",
    "outcome, as computed",
    "share of capacity, as computed",
)
LAW_HEADS = (
    "API price p, USD/Mtok",
    "fixed F, USD/day",
    "per replica f, USD/day",
    "own variable v, USD/Mtok",
    "mean day of a replica, Mtok",
    "least replicas",
    "redundant",
)
_WIDTHS = (34, 40, 15, 15, 11, 15, 15, 12, 13, 13, 13, 13, 13, 13, 10, 10)


def closed_form(row: int, *, law: int, found: int) -> tuple[str, str, str]:
    """Formulas (first, settled, outcome) over the seven cells of a row that start at column ``law``.

    They stand in the three columns from ``found`` on.

    The crossing law (docs/model.md, ``crossing-law``) for a linear API: on the first m = n_min - r
    steps the bill is flat; after that the smallest j with c_j < j kappa is the first crossing, and
    the last J with c_J > (J - 1) kappa the settled one.
    """
    p, big_f, f, v, kappa, least, spare = (f"${letter(law + i)}{row + 1}" for i in range(7))
    first_at, settled_at = (f"${letter(found + i)}{row + 1}" for i in (0, 1))
    s = f"({p}-{v})"
    m = f"MAX(0,{least}-{spare})"
    flat = f"({big_f}+{least}*{f})/{s}"
    rise = f"({s}*{kappa}-{f})"
    j = f"MAX({m}+1,INT(({big_f}+{spare}*{f})/{rise})+1)"
    climb = f"({big_f}+({j}+{spare})*{f})/{s}"
    first = f'IF({s}<=0,"never",IF(AND({m}>0,{flat}<{m}*{kappa}),1000000*{flat},IF({rise}<=0,"never",1000000*{climb})))'
    last = f"(ROUNDUP(({big_f}+{spare}*{f}+{s}*{kappa})/{rise},0)-1)"
    late = f"IF({last}>{m},({big_f}+({last}+{spare})*{f})/{s},{flat})"
    settled = f'IF({s}<=0,"never",IF({rise}<=0,"never",1000000*{late}))'
    outcome = f'IF({first_at}="never","never",IF({settled_at}="never","sometimes",IF({settled_at}=0,"always","at")))'
    return first, settled, outcome


def is_live(api: Cells, own: Cells) -> bool:
    """Whether the closed form holds: a linear API, and machines that grow with the volume."""
    bought = api.entry.offer
    linear = bought.kind == "api" and not bought.minimum_usd_per_day and bought.fixed_usd_per_day == 0.0
    machines = own.entry.offer
    return linear and own.steps and machines.kind != "hybrid" and not machines.minimum_usd_per_day


def write_crossover(book: Book, model: Model) -> None:
    """One row per pair, the headline's stretches, and the curves with their chart."""
    sheet, result = book.sheets["Crossover"], book.result
    book.write(sheet, 0, 0, "Crossover: from which volume self-hosting is cheaper", book.title)
    book.columns(sheet, _WIDTHS)
    book.heads(sheet, 2, (*_HEADS, *LAW_HEADS), right=range(2, 16))
    row = 3
    head = (result.headline.api, result.headline.self_host)
    for found in result.crossovers:
        api, own = model.cells(found.api), model.cells(found.self_host)
        if api is None or own is None:
            continue
        _pair(book, row, found, api, own)
        if (found.api, found.self_host) == head:
            book.define("headline_first", "Crossover", row, 2 if is_live(api, own) else 5)
            book.define("headline_settled", "Crossover", row, 3 if is_live(api, own) else 6)
        row += 1
    note = (
        "Rows without live figures (minimum spend, provisioned units, hybrids) are solved for this run's inputs only."
    )
    book.across(sheet, row, 0, 8, note, book.note)
    row = _stretches(book, row + 2)
    _curves(book, model, row + 1)
    sheet.freeze_panes(3, 2)


def _pair(book: Book, row: int, found: Crossover, api: Cells, own: Cells) -> None:
    sheet, bought, run = book.sheets["Crossover"], api.entry.offer, own.entry.offer
    book.write(sheet, row, 0, bought.name)
    book.write(sheet, row, 1, run.name)
    first, settled = _said(found, found.first_tokens_per_day), _said(found, found.settled_tokens_per_day)
    if is_live(api, own):
        kappa = run.tokens_per_day_per_replica
        assert kappa is not None
        values = (
            (api.per_mtok, bought.usd_per_mtok, book.usd_fine),
            (own.fixed, run.fixed_usd_per_day, book.usd),
            (own.per_replica, run.usd_per_replica_day, book.usd),
            (own.per_mtok, run.usd_per_mtok, book.usd_fine),
            (f"{own.mean_day}/1000000", kappa / 1e6, book.number),
            (f"{own.prefix}_n_min", run.min_replicas, book.count),
            (f"{own.prefix}_redundant", run.redundant_replicas, book.count),
        )
        for column, (formula, value, form) in enumerate(values, 9):
            sheet.write_formula(row, column, f"={formula}", form, value)
        live = closed_form(row, law=9, found=2)
        for column, (formula, cached) in enumerate(zip(live, (first, settled, found.outcome), strict=True), 2):
            sheet.write_formula(row, column, f"={formula}", book.tokens_bold, cached)
    for column, computed in ((5, first), (6, settled), (7, found.outcome)):
        if isinstance(computed, str):
            sheet.write_string(row, column, computed, book.tokens)
        else:
            sheet.write_number(row, column, computed, book.tokens)
    if found.capacity_share is not None:
        sheet.write_number(row, 8, found.capacity_share, book.share)


def _said(found: Crossover, volume: float | None) -> float | str:
    return "never" if volume is None else volume


def _stretches(book: Book, row: int) -> int:
    sheet, result = book.sheets["Crossover"], book.result
    head = (result.headline.api, result.headline.self_host)
    found = next((c for c in result.crossovers if (c.api, c.self_host) == head), None)
    if found is None:
        return row
    total = found.intervals_total
    shown = len(found.intervals)
    title = "Who is cheaper on which stretch of volume, as computed (headline pair)"
    if total is None or total > shown:
        title += f"; the first {shown} stretches"
    book.write(sheet, row, 0, title, book.section)
    book.heads(sheet, row + 1, ("cheaper", "", "above, tokens/day", "up to, tokens/day"), right=(2, 3))
    row += 2
    names = {entry.offer.id: entry.offer.name for entry in result.offers}
    for interval in found.intervals:
        book.write(sheet, row, 0, names[interval.cheaper])
        sheet.write_number(row, 2, interval.from_tokens_per_day, book.tokens)
        if interval.to_tokens_per_day is None:
            sheet.write_string(row, 3, "without end", book.tokens)
        else:
            sheet.write_number(row, 3, interval.to_tokens_per_day, book.tokens)
        row += 1
    return row + 1


def _range(book: Book) -> tuple[float, float]:
    """The volumes that the chart covers, as factors on the profile's volume."""
    result = book.result
    head = (result.headline.api, result.headline.self_host)
    found = next((c for c in result.crossovers if (c.api, c.self_host) == head), None)
    points = [result.tokens_per_day]
    if found is not None:
        points += [v for v in (found.first_tokens_per_day, found.settled_tokens_per_day) if v]
    low, high = math.floor(math.log10(min(points)) - 0.5), math.ceil(math.log10(max(points)) + 0.5)
    return 10.0**low, 10.0**high


def _curves(book: Book, model: Model, top: int) -> None:
    sheet, result = book.sheets["Crossover"], book.result
    drawn = [cells for cells in model.offers if cells.entry.offer.kind != "hybrid"][:6]
    if not drawn:
        return
    book.write(sheet, top, 0, "Cost per day over volume (live)", book.section)
    sheet.write_string(top + 1, 0, "tokens/day", book.head_right)
    for column, cells in enumerate(drawn, 1):
        book.write(sheet, top + 1, column, cells.entry.offer.name, book.head_right)
    low, high = _range(book)
    for step in range(POINTS):
        row = top + 2 + step
        volume = low * (high / low) ** (step / (POINTS - 1))
        sheet.write_number(row, 0, volume, book.tokens)
        for column, cells in enumerate(drawn, 1):
            value = cells.entry.offer.usd_per_day_at(volume)
            sheet.write_formula(row, column, f"={cells.cost_at(f'$A{row + 1}')}", book.usd, value)
    here = top + 2 + POINTS
    book.write(sheet, here, 0, "at the volume", book.head_right)
    sheet.write_formula(here + 1, 0, f"={model.volume}", book.tokens, result.tokens_per_day)
    for column, cells in enumerate(drawn, 1):
        sheet.write_formula(here + 1, column, f"={cells.total}", book.usd, cells.entry.usd_per_day or 0.0)
    place = (top + 2, len(drawn) + 2)
    sheet.insert_chart(*place, _chart(book, drawn, top, here, low, high), {"description": CHART_DESCRIPTION})
    book.summary_chart = _chart(book, drawn, top, here, low, high)


CHART_DESCRIPTION = (
    "Cost per day of each offer over tokens per day, both axes logarithmic; where lines cross, the cheaper side changes"
)
_PAINT = ("#1F5FBF", "#0B7A4B", "#B45F06", "#7A3E9D", "#8A8A00", "#A11D1D")


def _chart(book: Book, drawn: list[Cells], top: int, here: int, low: float, high: float) -> Any:
    chart = book.writer.add_chart({"type": "scatter", "subtype": "straight"})
    for column in range(1, len(drawn) + 1):
        chart.add_series(
            {
                "name": ["Crossover", top + 1, column],
                "categories": ["Crossover", top + 2, 0, top + 1 + POINTS, 0],
                "values": ["Crossover", top + 2, column, top + 1 + POINTS, column],
                "line": {
                    "color": _PAINT[column - 1],
                    "width": 2.0,
                    **({"dash_type": "dash"} if column % 2 == 0 else {}),
                },
            }
        )
    for column in range(1, len(drawn) + 1):
        chart.add_series(
            {
                "name": ["Crossover", here, 0],
                "categories": ["Crossover", here + 1, 0, here + 1, 0],
                "values": ["Crossover", here + 1, column, here + 1, column],
                "marker": {
                    "type": "circle",
                    "size": 7,
                    "fill": {"color": _PAINT[column - 1]},
                    "border": {"color": "#FFFFFF"},
                },
                "line": {"none": True},
            }
        )
    axis = {"log_base": 10, "major_gridlines": {"visible": True, "line": {"color": "#DDE2E8", "width": 0.5}}}
    chart.set_x_axis(
        {**axis, "name": "tokens per day", "min": low, "max": high, "num_format": TOKENS_AXIS, "label_position": "low"}
    )
    chart.set_y_axis({**axis, "name": "USD per day", "num_format": USD_AXIS, "label_position": "low"})
    chart.set_title({"name": "Cost per day over volume (dots: your volume)", "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom", "delete_series": list(range(len(drawn), 2 * len(drawn)))})
    chart.set_size({"width": 820, "height": 420})
    return chart
