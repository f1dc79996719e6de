"""What moves the crossover: live what-ifs on the headline pair, then what the tool computed."""

from __future__ import annotations

from breakeven.render.workbook.book import Book
from breakeven.render.workbook.crossover import LAW_HEADS, closed_form, is_live
from breakeven.render.workbook.model import Cells, Model

# label, factors on (API price, fixed cost, cost per replica, capacity)
_WHAT_IFS = tuple(
    (f"{name} {percent:+d}%", tuple(1.0 + percent / 100.0 if index in where else 1.0 for index in range(4)))
    for name, where in (("API price", (0,)), ("cost per replica", (2,)), ("fixed cost", (1,)), ("throughput", (3,)))
    for percent in (-50, -25, 25, 50)
)
_HEADS = (
    "what if",
    "factor on the first crossing",
    "first cheaper from, tokens/day",
    "for good from, tokens/day",
    "outcome",
)
_WIDTHS = (46, 14, 16, 16, 14, 14, 14, 14, 14, 14, 10, 10)


def write_sensitivity(book: Book, model: Model) -> None:
    """What-ifs (live), alternatives, flips and the weights of the inputs (as computed)."""
    sheet, result = book.sheets["Sensitivity"], book.result
    book.write(sheet, 0, 0, "Sensitivity: what moves the crossover", book.title)
    book.columns(sheet, _WIDTHS)
    row = 2
    api, own = model.cells(result.headline.api), model.cells(result.headline.self_host)
    if api is not None and own is not None and is_live(api, own):
        row = _what_ifs(book, api, own, row)
    row = _alternatives(book, row)
    row = _flips(book, row)
    _risk(book, row)


def _what_ifs(book: Book, api: Cells, own: Cells, row: int) -> int:
    sheet, run, bought = book.sheets["Sensitivity"], own.entry.offer, api.entry.offer
    book.write(sheet, row, 0, "One change at a time on the headline pair (live)", book.section)
    book.heads(sheet, row + 1, (*_HEADS, *LAW_HEADS), right=range(1, 12))
    row += 2
    top = row
    kappa = run.tokens_per_day_per_replica
    assert kappa is not None
    for label, factors in (("as it is", (1.0, 1.0, 1.0, 1.0)), *_WHAT_IFS):
        book.write(sheet, row, 0, label)
        on_price, on_fixed, on_replica, on_capacity = factors
        values = (
            (f"{api.per_mtok}*{on_price!r}", bought.usd_per_mtok * on_price, book.usd_fine),
            (f"{own.fixed}*{on_fixed!r}", run.fixed_usd_per_day * on_fixed, book.usd),
            (f"{own.per_replica}*{on_replica!r}", run.usd_per_replica_day * on_replica, book.usd),
            (own.per_mtok, run.usd_per_mtok, book.usd_fine),
            (f"{own.mean_day}*{on_capacity!r}/1000000", kappa * on_capacity / 1e6, book.number),
            (f"{own.prefix}_n_min", run.min_replicas, book.count),
            (f"{own.prefix}_redundant", run.redundant_replicas, book.count),
        )
        for column, (formula, value, form) in enumerate(values, 5):
            sheet.write_formula(row, column, f"={formula}", form, value)
        first, settled, outcome = _solved(api, own, factors)
        for column, (formula, cached) in enumerate(
            zip(closed_form(row, law=5, found=2), (first, settled, outcome), strict=True), 2
        ):
            sheet.write_formula(row, column, f"={formula}", book.tokens, cached)
        base = _solved(api, own, (1.0, 1.0, 1.0, 1.0))[0]
        ratio = first / base if isinstance(first, float) and isinstance(base, float) and base > 0 else ""
        sheet.write_formula(
            row,
            1,
            f'=IF(ISNUMBER(C{row + 1}),IF(ISNUMBER($C${top + 1}),C{row + 1}/$C${top + 1},""),"")',
            book.factor,
            ratio,
        )
        row += 1
    return row + 1


def _solved(api: Cells, own: Cells, factors: tuple[float, ...]) -> tuple[float | str, float | str, str]:
    """Python's crossing of the pair with its coefficients scaled."""
    from msgspec.structs import replace

    from breakeven.compare.crossover import crossover

    on_price, on_fixed, on_replica, on_capacity = factors
    bought = replace(
        api.entry.offer,
        lines=tuple(replace(line, usd_per_mtok=line.usd_per_mtok * on_price) for line in api.entry.offer.lines),
    )
    run = own.entry.offer
    assert run.tokens_per_day_per_replica is not None
    changed = replace(
        run,
        lines=tuple(
            replace(
                line, usd_per_day=line.usd_per_day * on_fixed, usd_per_replica_day=line.usd_per_replica_day * on_replica
            )
            for line in run.lines
        ),
        tokens_per_day_per_replica=run.tokens_per_day_per_replica * on_capacity,
    )
    found = crossover(bought, changed)
    first, settled = found.first_tokens_per_day, found.settled_tokens_per_day
    return "never" if first is None else first, "never" if settled is None else settled, found.outcome


def _alternatives(book: Book, row: int) -> int:
    sheet, rows = book.sheets["Sensitivity"], book.result.alternatives
    if not rows:
        return row
    book.write(sheet, row, 0, "Alternatives a fair reader would ask for, as computed", book.section)
    heads = (
        "alternative",
        "factor on the first crossing",
        "first cheaper from, tokens/day",
        "for good from, tokens/day",
        "outcome",
        "changed",
    )
    book.heads(sheet, row + 1, heads, right=range(1, 4))
    row += 2
    top = row
    for item in rows:
        book.write(sheet, row, 0, item.name)
        for column, value, form in (
            (1, item.ratio_to_headline, book.factor),
            (2, item.first_tokens_per_day, book.tokens),
            (3, item.settled_tokens_per_day, book.tokens),
        ):
            if value is not None:
                sheet.write_number(row, column, value, form)
        book.write(sheet, row, 4, item.outcome or "?")
        book.across(sheet, row, 5, 11, item.changed if item.why_not is None else f"{item.changed}: {item.why_not}")
        row += 1
    chart = book.writer.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": "factor on the first crossing",
            "categories": ["Sensitivity", top, 0, row - 1, 0],
            "values": ["Sensitivity", top, 1, row - 1, 1],
            "fill": {"color": "#1F5FBF"},
            "gap": 60,
            "data_labels": {"value": True, "num_format": '0.0"x"'},
        }
    )
    # In a bar chart XlsxWriter's x axis is the horizontal one, of the values.
    chart.set_x_axis(
        {
            "log_base": 10,
            "name": "factor on the first crossing (log scale)",
            "num_format": '0.0#"x"',
            "crossing": 1,
            "major_gridlines": {"visible": True, "line": {"color": "#DDE2E8"}},
        }
    )
    chart.set_y_axis({"reverse": True, "label_position": "low"})
    chart.set_title({"name": "How far each alternative moves the first crossing", "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_size({"width": 900, "height": 110 + 26 * len(rows)})
    sheet.insert_chart(
        row + 1, 0, chart, {"description": "Factor by which each alternative moves the first crossing, log scale"}
    )
    return row + 1 + (110 + 26 * len(rows)) // 18


def _flips(book: Book, row: int) -> int:
    sheet, rows = book.sheets["Sensitivity"], book.result.flips
    if not rows:
        return row
    book.write(sheet, row, 0, "Where the verdict at the volume flips, each key alone, as computed", book.section)
    book.heads(sheet, row + 1, ("key", "now", "flips at", "unit", "note"), right=(1, 2))
    row += 2
    for item in rows:
        book.write(sheet, row, 0, item.key)
        book.figure(sheet, row, 1, item.now)
        if item.flips_at is not None:
            book.figure(sheet, row, 2, item.flips_at)
        book.write(sheet, row, 3, item.unit)
        book.across(sheet, row, 4, 11, item.why_not or "")
        row += 1
    return row + 1


def _risk(book: Book, row: int) -> None:
    sheet, outlook = book.sheets["Sensitivity"], book.result.outlook
    book.write(sheet, row, 0, "How sure: every uncertain input over its range, as computed", book.section)
    if outlook is None or outlook.risk is None:
        reason = (outlook.no_risk if outlook else None) or "left out of this workbook; `breakeven risk` prints it"
        book.write(sheet, row + 1, 0, f"No risk analysis: {reason}", book.note)
        return
    weighed = outlook.risk
    share = f"{weighed.self_host_wins_probability:.0%}"
    book.across(
        sheet,
        row + 1,
        0,
        11,
        f"Self-hosting is cheaper at the volume in {share} of {weighed.draws:,} draws (seed {weighed.seed}). "
        "Low and high are the 10 % and 90 % points of each input.",
    )
    heads = (
        "input",
        "low",
        "typical",
        "high",
        "first at low, tokens/day",
        "first at high, tokens/day",
        "share of the variance",
        "worth knowing, USD/year",
        "unit",
        "origin",
    )
    book.heads(sheet, row + 2, heads, right=range(1, 8))
    row += 3
    top = row
    for item in weighed.inputs:
        book.write(sheet, row, 0, item.name)
        for column, value, form in (
            (1, item.low, book.number),
            (2, item.typical, book.number),
            (3, item.high, book.number),
            (4, item.first_at_low, book.tokens),
            (5, item.first_at_high, book.tokens),
            (6, item.total_effect_share, book.share),
            (7, item.perfect_information_usd_per_year, book.usd_whole),
        ):
            if value is None:
                sheet.write_string(row, column, "never", form)
            else:
                sheet.write_number(row, column, value, form)
        book.write(sheet, row, 8, item.unit)
        book.across(sheet, row, 9, 11, item.origin)
        row += 1
    if weighed.first_typical:
        _tornado(book, top, row, weighed.first_typical)


def _tornado(book: Book, top: int, row: int, typical: float) -> None:
    """Bars from the typical crossing to those at an input's low and high value, on a log axis."""
    chart = book.writer.add_chart({"type": "bar"})
    for column, paint in ((4, "#7FA8DD"), (5, "#1F5FBF")):
        chart.add_series(
            {
                "name": ["Sensitivity", top - 1, column],
                "categories": ["Sensitivity", top, 0, row - 1, 0],
                "values": ["Sensitivity", top, column, row - 1, column],
                "fill": {"color": paint},
                "gap": 50,
                "overlap": 100,
            }
        )
    chart.set_x_axis(
        {
            "log_base": 10,
            "name": "first crossing, tokens per day (bars start at the typical crossing)",
            "crossing": typical,
            "num_format": '[>=1000000000]0.#,,,"B";[>=1000000]0.#,,"M";#,##0',
        }
    )
    chart.set_y_axis({"reverse": True, "label_position": "low"})
    chart.set_title({"name": "Tornado: the first crossing at each input's low and high", "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 130 + 30 * (row - top)})
    book.sheets["Sensitivity"].insert_chart(
        row + 1, 0, chart, {"description": "First crossing at the low and high value of each uncertain input"}
    )
