"""The sheets that are read and signed: Summary, Sources, Checks, Sign-off."""

from __future__ import annotations

from breakeven.compare.numbers import spoken
from breakeven.render.cheapest import cheaper_elsewhere, on_cost_alone
from breakeven.render.workbook.book import Book
from breakeven.render.workbook.crossover import CHART_DESCRIPTION, is_live
from breakeven.render.workbook.inputs import CHANGED, Inputs
from breakeven.render.workbook.model import CHOSEN, RE_RUN, Model, as_run

STALE_DAYS = 90


def write_summary(book: Book, model: Model) -> None:
    """The verdict, the live figures beside it, every offer, and the chart."""
    sheet, result = book.sheets["Summary"], book.result
    book.columns(sheet, (50, 15, 15, 15, 15, 12, 12, 42))
    book.across(sheet, 0, 0, 7, result.headline.sentence, book.verdict)
    said = f"{result.name}: {spoken(result.tokens_per_day)} tokens a day; facts as of {result.as_of}; "
    said += f"catalogue {result.catalogue_version}; breakeven {result.tool_version}"
    book.across(sheet, 1, 0, 7, said, book.note)
    if result.description:
        book.across(sheet, 2, 0, 7, result.description, book.text)
    book.write(sheet, 4, 0, "inputs of this workbook", book.bold)
    as_in_the_run = f'=IF(AND(checks_failed=0,{CHANGED}=0),"as in the run","changed")'
    sheet.write_formula(4, 1, as_in_the_run, book.good, "as in the run")
    sheet.conditional_format(
        4, 1, 4, 1, {"type": "cell", "criteria": "==", "value": '"changed"', "format": book.warning}
    )
    note = "If changed, the sentence above still speaks of the run; the figures below are live"
    chosen = f", but for those that say {RE_RUN}: they are solved by the tool" if _solved(model) else ""
    book.across(sheet, 4, 2, 7, f"{note}{chosen}.", book.note)
    book.write(sheet, 5, 0, "self-hosting is first cheaper from, tokens/day", book.bold)
    book.write(sheet, 6, 0, "and for good from, tokens/day", book.bold)
    head = result.headline
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    api, own = model.cells(head.api), model.cells(head.self_host)
    if found is not None and api is not None and own is not None:
        live = is_live(api, own)
        for row, name, value in (
            (5, "headline_first", found.first_tokens_per_day),
            (6, "headline_settled", found.settled_tokens_per_day),
        ):
            formula = name if live else as_run(name)
            sheet.write_formula(row, 1, f"={formula}", book.tokens_bold, "never" if value is None else value)
        _cheaper(book, model)
    heads = ("offer", "USD/day", "USD/month", "USD/Mtok", "USD/Mtok when full", "replicas", "used", "serves")
    book.heads(sheet, 9, heads, right=range(1, 7))
    row = 10
    for cells in model.offers:
        entry, offer = cells.entry, cells.entry.offer
        book.write(sheet, row, 0, f"{offer.name} ({CHOSEN})" if cells.chosen else offer.name)
        month, each = f"{cells.total}*{model.hours()}/24", f"{cells.total}/({model.volume}/1000000)"
        for column, formula, form, value in (
            (1, cells.total, book.usd, entry.usd_per_day),
            (2, month, book.usd, entry.usd_per_month),
            (3, each, book.usd_fine, entry.usd_per_mtok),
        ):
            sheet.write_formula(row, column, f"={cells.live(formula)}", form, value or 0.0)
        if cells.steps:
            sheet.write_formula(row, 4, f"={cells.full}", book.usd_fine, book.cached(entry.capacity_usd_per_mtok))
            sheet.write_formula(row, 5, f"={cells.replicas}", book.count, entry.replicas or 0)
            used = f"{model.volume}/({cells.replicas}*{cells.prefix}_capacity)"
            sheet.write_formula(row, 6, f"={used}", book.share, book.cached(entry.utilisation_share))
        good = offer.eligible and offer.feasible
        grade = f" (evidence of grade {offer.serving.grade})" if offer.serving is not None else ""
        book.write(
            sheet, row, 7, f"yes{grade}" if good else "no: " + "; ".join(offer.why_not), book.good if good else book.bad
        )
        row += 1
    for entry in result.offers:
        if entry.usd_per_day is None:
            book.write(sheet, row, 0, entry.offer.name)
            why = "no: " + "; ".join(entry.offer.why_not) if entry.offer.why_not else "yes; figures withheld"
            book.write(sheet, row, 7, why, book.bad if entry.offer.why_not else book.note)
            row += 1
    if result.currency is not None:
        rate = f"1 {result.currency['code']} = {result.currency['usd_per_unit']} USD on {result.currency['as_of']}"
        book.across(sheet, row, 0, 7, f"All amounts in US dollars; {rate} ({result.currency['source']}).", book.note)
        row += 1
    row += 1
    if book.summary_chart is not None:
        sheet.insert_chart(row, 0, book.summary_chart, {"description": CHART_DESCRIPTION})
        row += 23
    for title, lines in (
        ("This holds if", result.headline.conditions),
        ("Not included", result.not_included),
        ("Warnings", result.warnings),
    ):
        if lines:
            book.write(sheet, row, 0, title, book.section)
            row += 1
            for line in lines:
                book.across(sheet, row, 0, 7, f"\u2022 {line}", book.label)
                row += 1
            row += 1


def _solved(model: Model) -> bool:
    """Whether a figure of the summary is the tool's own, which no formula of the workbook repeats."""
    head = model.book.result.headline
    api, own = model.cells(head.api), model.cells(head.self_host)
    pair = api is not None and own is not None and not is_live(api, own)
    return pair or any(cells.chosen for cells in model.offers)


def _cheaper(book: Book, model: Model) -> None:
    """Which side of the headline pair costs less at the volume, live."""
    sheet, result = book.sheets["Summary"], book.result
    api, own = model.cells(result.headline.api), model.cells(result.headline.self_host)
    assert api is not None
    assert own is not None
    barred = on_cost_alone(result)
    book.write(sheet, 7, 0, "cheaper of the headline pair at the volume" + (", on cost alone" if barred else ""), book.bold)
    same = own.entry.usd_per_day == api.entry.usd_per_day
    lower = (own.entry.usd_per_day or 0.0) < (api.entry.usd_per_day or 0.0)
    sheet.write_formula(
        7,
        1,
        f'=IF({own.total}={api.total},"both the same",IF({own.total}<{api.total},"self-hosting","the API"))',
        book.tokens_bold,
        "both the same" if same else "self-hosting" if lower else "the API",
    )
    saving = abs((own.entry.usd_per_day or 0.0) - (api.entry.usd_per_day or 0.0))
    sheet.write_formula(7, 2, f"=ABS({own.total}-{api.total})", book.usd, saving)
    elsewhere = cheaper_elsewhere(result)
    if elsewhere:
        book.across(sheet, 8, 0, 7, f"In the run: {elsewhere}", book.bold)
    book.write(sheet, 7, 3, "USD/day less", book.note)


def write_sources(book: Book) -> None:
    """Every dated record that the figures rest on."""
    sheet, result = book.sheets["Sources"], book.result
    book.write(sheet, 0, 0, f"Sources: {len(result.all_sources)} dated records, ages on {result.as_of}", book.title)
    book.columns(sheet, (40, 11, 12, 12, 8, 52, 34, 12, 36, 30))
    heads = ("record", "kind", "effective", "retrieved", "age, days", "address", "title", "owner", "note", "file")
    book.heads(sheet, 2, heads, right=(4,))
    for row, source in enumerate(result.all_sources, 3):
        book.write(sheet, row, 0, source.id)
        book.write(sheet, row, 1, source.kind)
        book.date_cell(sheet, row, 2, source.effective)
        book.date_cell(sheet, row, 3, source.retrieved)
        if source.age_days is not None:
            sheet.write_number(row, 4, source.age_days, book.count)
        for column, value in (
            (5, source.url),
            (6, source.title),
            (7, source.owner),
            (8, source.note),
            (9, source.file),
        ):
            book.write(sheet, row, column, value or "")
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(2)
    if result.all_sources:
        sheet.autofilter(2, 0, 2 + len(result.all_sources), len(heads) - 1)


def write_checks(book: Book, model: Model, inputs: Inputs) -> None:
    """Live figures against those of the run: all hold until an input is changed."""
    sheet, result = book.sheets["Checks"], book.result
    book.write(sheet, 0, 0, "Checks", book.title)
    book.columns(sheet, (72, 18, 18, 12))
    book.heads(sheet, 2, ("check", "live", "in the run", "holds"), right=(1, 2))
    row = 3
    rows: list[tuple[str, str, float | str]] = []
    for cells in model.offers:
        rows.append((f"USD per day of {cells.entry.offer.name}", cells.total, cells.entry.usd_per_day or 0.0))
    head = result.headline
    api, own = model.cells(head.api), model.cells(head.self_host)
    found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
    if api is not None and own is not None and found is not None and is_live(api, own):
        for text, name, volume in (
            ("first crossing of the headline pair, tokens/day", "headline_first", found.first_tokens_per_day),
            ("crossing for good of the headline pair, tokens/day", "headline_settled", found.settled_tokens_per_day),
        ):
            rows.append((text, name, "never" if volume is None else volume))
    first = row
    for text, name, value in rows:
        book.write(sheet, row, 0, text)
        sheet.write_formula(row, 1, f"={name}", book.number, value)
        if isinstance(value, str):
            sheet.write_string(row, 2, value, book.number)
        else:
            sheet.write_number(row, 2, value, book.number)
        same = f"ABS(B{row + 1}-C{row + 1})<=0.00000001*MAX(1,ABS(C{row + 1}))"
        numbers = f"AND(ISNUMBER(B{row + 1}),ISNUMBER(C{row + 1}))"
        holds = f'IF(IF({numbers},{same},B{row + 1}=C{row + 1}),"yes","changed")'
        sheet.write_formula(row, 3, f"={holds}", book.good, "yes")
        row += 1
    book.write(sheet, row, 0, "checks that do not hold", book.bold)
    sheet.write_formula(row, 1, f'=COUNTIF(D{first + 1}:D{row},"changed")', book.count, 0)
    book.define("checks_failed", "Checks", row, 1)
    row += 2
    book.write(sheet, row, 0, "What the figures rest on", book.section)
    row += 1
    kinds: dict[str, int] = {}
    for source in result.all_sources:
        kinds[source.kind] = kinds.get(source.kind, 0) + 1
    facts: list[tuple[str, int]] = [(f"records of kind {kind}", count) for kind, count in sorted(kinds.items())]
    old = sum(1 for source in result.all_sources if source.age_days is not None and source.age_days > STALE_DAYS)
    facts += [
        (f"records older than {STALE_DAYS} days on {result.as_of}", old),
        ("records without a date", sum(1 for source in result.all_sources if source.effective is None)),
        (
            "inputs that are a choice of the profile or a default",
            sum(1 for item in inputs.rows.values() if not item.sources),
        ),
        ("inputs with a dated source", sum(1 for item in inputs.rows.values() if item.sources)),
    ]
    for text, count in facts:
        book.write(sheet, row, 0, text)
        sheet.write_number(row, 1, count, book.count)
        row += 1
    row += 1
    for text in (
        "Throughput was estimated at this request shape. Change tokens per request in the profile and run the tool again.",
        f"A hybrid's fleet and share were chosen for the run's inputs: its figures say {RE_RUN} once one is changed here. "
        "Change the profile and run the tool again.",
    ):
        book.across(sheet, row, 0, 3, text, book.note)
        row += 1


def write_sign_off(book: Book) -> None:
    """Who answers for the decision, and exactly what was decided on."""
    sheet, result = book.sheets["Sign-off"], book.result
    book.write(sheet, 0, 0, "Sign-off", book.title)
    book.columns(sheet, (24, 34, 40, 16, 40))
    book.across(sheet, 1, 0, 4, result.headline.sentence, book.bold)
    book.heads(sheet, 3, ("role", "name", "signature", "date", "remarks"))
    for row, role in enumerate(("prepared by", "reviewed by (technical)", "reviewed by (finance)", "approved by"), 4):
        book.write(sheet, row, 0, role)
        for column in range(1, 5):
            sheet.write_blank(row, column, None, book.edit_date if column == 3 else book.edit)
        sheet.set_row(row, 30)
    facts = (
        ("profile", result.profile_path),
        ("owner", result.owner or ""),
        ("profile digest", result.profile_digest),
        ("overrides", "; ".join(result.overrides) or "none"),
        ("facts as of", result.as_of.isoformat()),
        ("catalogue", f"{result.catalogue_version}, released {result.catalogue_released}"),
        ("catalogue digest", result.catalogue_digest),
        ("breakeven", result.tool_version),
    )
    for row, (name, value) in enumerate(facts, 10):
        book.write(sheet, row, 0, name, book.bold)
        book.across(sheet, row, 1, 4, value)
