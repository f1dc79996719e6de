"""The report for a terminal. The first line is the verdict with its conditions."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from breakeven.compare.numbers import Money, percent, spoken, times
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.offers.offer import Offer
from breakeven.render import quotes
from breakeven.render.at_volume import at_volume
from breakeven.render.cheapest import cheaper_elsewhere
from breakeven.render.flip_words import stated
from breakeven.render.narrow import narrow_remarks
from breakeven.render.registry import Options
from breakeven.render.text import plain

MAX_REASON = 160


def render_table(results: Sequence[Comparison], options: Options) -> str:
    """One result as a page; several as one table of verdicts followed by the pages' essentials."""
    stream = io.StringIO()
    console = Console(
        file=stream, width=options.width, force_terminal=options.colour, no_color=not options.colour,
        color_system="standard" if options.colour else None, highlight=False, markup=False, emoji=False,
        legacy_windows=False, soft_wrap=False, _environ={},
    )  # fmt: skip
    if len(results) == 1:
        _page(console, results[0], options)
    else:
        _many(console, results, options)
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def _page(console: Console, result: Comparison, options: Options) -> None:
    _verdict(console, result, options)
    requests = f"{spoken(result.requests_per_day)} requests of {spoken(result.tokens_per_request)} tokens"
    console.print()
    console.print(
        Text(
            plain(f"{result.name}: {spoken(result.tokens_per_day)} tokens/day ({requests}); ", limit=400)
            + f"facts as of {result.as_of}, catalogue {result.catalogue_version}",
            style="dim",
        )
    )
    console.print(_offers(result, options))
    _reasons(console, result)
    _quotes(console, result)
    _crossovers(console, result, options)
    _alternatives(console, result, options)
    _flips(console, result)
    if options.chart:
        _chart(console, result, options)
    _footer(console, result)


def _verdict(console: Console, result: Comparison, options: Options) -> None:
    head = result.headline
    text = Text(plain(head.sentence), style="bold")
    if head.conditions:
        text.append(plain(" If: " + "; ".join(head.conditions) + "."), style="not bold")
    if options.wrap_first_line:
        console.print(text)
    else:  # one line for `head -1` and for scripts
        console.print(text, soft_wrap=True, no_wrap=True, overflow="ignore", crop=False)
    console.print()
    before, name, after = at_volume(result)
    console.print(Text.assemble(before, (plain(name), "bold"), after))
    elsewhere = cheaper_elsewhere(result)
    if elsewhere:
        console.print(Text(plain(elsewhere)))


def _offers(result: Comparison, options: Options) -> Table:
    """Every offer's bill. Where the figures are too long for the line, the least missed column goes, not the last."""
    from rich.console import Console as Measure
    from rich.measure import Measurement

    table = _offers_without(result, options, ())
    measure = Measure(width=1_000, _environ={})
    for left_out in (("used",), ("used", "replicas")):
        if Measurement.get(measure, measure.options, table).minimum <= options.width:
            break
        table = _offers_without(result, options, left_out)
    return table


def _offers_without(result: Comparison, options: Options, left_out: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), expand=False)
    table.add_column("offer", overflow="fold", min_width=16)
    usd = Money.of(result.currency)
    mark = usd.symbol
    columns = [f"{mark}/day", f"{mark}/month", f"{mark}/Mtok", f"{mark}/Mtok\nfull", "replicas", "used", "serves"]
    if options.width < 100:
        columns.remove(f"{mark}/month")
    columns = [name for name in columns if name not in left_out]
    for name in columns:
        table.add_column(name, justify="right" if name != "serves" else "left", no_wrap=True)
    cheapest = result.cheapest
    for row in result.offers:
        cells = {
            f"{mark}/day": _cell(row.usd_per_day, usd), f"{mark}/month": _cell(row.usd_per_month, usd),
            f"{mark}/Mtok": _cell(row.usd_per_mtok, usd), f"{mark}/Mtok\nfull": _cell(row.capacity_usd_per_mtok, usd),
            "replicas": "" if row.replicas is None else str(row.replicas),
            "used": "" if row.utilisation_share is None else percent(row.utilisation_share), "serves": _serves(row),
        }  # fmt: skip
        style = "bold green" if row is cheapest else ("dim" if not (row.offer.eligible and row.offer.feasible) else "")
        name = plain(short_name(row.offer), limit=120) + (" *" if row is cheapest else "")
        table.add_row(Text(name, style=style), *(Text(cells[column], style=style) for column in columns))
    return table


def short_name(offer: Offer) -> str:
    """What fits a column: the model as the profile names it, the machines, or the hybrid's machines."""
    if offer.kind == "hybrid":
        return offer.name.split(", overflow to ")[0] + ", rest bought"
    if offer.kind == "api":
        return str(offer.meta.get("model_ref") or offer.name)
    return offer.name


def _serves(row: OfferAtVolume) -> str:
    if not row.offer.feasible:
        return "no"
    if not row.offer.eligible:
        return "barred"
    serving = row.offer.serving
    if serving is None:
        return "yes"
    return f"yes ({serving.grade})"


def _cell(value: float | None, usd: Money) -> str:
    """An amount under a head that names its currency already."""
    return _money(value, usd).removeprefix(f"{usd.code} ")


def _money(value: float | None, usd: Money) -> str:
    return "?" if value is None else usd(value)


def _reasons(console: Console, result: Comparison) -> None:
    for row in result.offers:
        if row.offer.why_not:
            console.print(Text(plain(f"  {row.offer.id}: {'; '.join(row.offer.why_not)}"), style="yellow"))
    notes = ["* cheapest eligible offer at your volume."] if result.cheapest is not None else []
    if any(not row.offer.eligible for row in result.offers):
        notes.append("barred: a requirement rules it out.")
    if any(row.offer.serving for row in result.offers):
        notes.append("serves: evidence grade A measured by you, B published, C model, D model outside its calibration.")
    notes.append("Mtok full: every running replica full all day.")
    console.print(Text(" ".join(notes), style="dim"))
    console.print()


def _quotes(console: Console, result: Comparison) -> None:
    if not result.quotes:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for index, head in enumerate(quotes.COLUMNS[:-1]):
        right = index in quotes.RIGHT
        table.add_column(head, justify="right" if right else "left", overflow="fold", no_wrap=right)
    every = quotes.rows(result)
    for *cells, _ in every:
        table.add_row(*(Text(plain(cell, limit=MAX_REASON)) for cell in cells))
    console.print(Text(quotes.TITLE, style="bold"))
    console.print(table)
    for _, name, *_, remarks in every:
        if remarks:
            console.print(Text(plain(f"  {name}: {remarks}", limit=400)))
    console.print(Text(quotes.note(result), style="dim"))
    console.print()


def _crossovers(console: Console, result: Comparison, options: Options) -> None:
    if not result.crossovers:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), title=None)
    table.add_column("self-hosting wins over", overflow="fold")
    table.add_column("with", overflow="fold")
    table.add_column("first\nfrom", justify="right", no_wrap=True)
    table.add_column("for good\nfrom", justify="right", no_wrap=True)
    table.add_column("of\ncapacity", justify="right", no_wrap=True)
    names = {row.offer.id: short_name(row.offer) for row in result.offers}
    for found in result.crossovers:
        first = found.outcome if found.outcome in ("never", "always") else _volume(found.first_tokens_per_day)
        settled = "" if found.outcome in ("never", "always") else _volume(found.settled_tokens_per_day, none="never")
        if found.outcome in ("at", "sometimes") and found.first_tokens_per_day is None:
            first = settled = "withheld"
        share = "" if found.capacity_share is None else percent(found.capacity_share)
        table.add_row(
            Text(plain(names.get(found.api, found.api), limit=80)),
            Text(plain(names.get(found.self_host, found.self_host), limit=80)), first, settled, share,
        )  # fmt: skip
    console.print(Text("Crossovers (tokens/day)", style="bold"))
    console.print(table)
    remarks = narrow_remarks(result, names)
    for remark in remarks:
        console.print(Text(plain(f"  {remark}", limit=400)))
    if remarks:
        console.print()


def _volume(value: float | None, none: str = "") -> str:
    return none if value is None else spoken(value)


def _alternatives(console: Console, result: Comparison, options: Options) -> None:
    if not result.alternatives:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("what moves it", overflow="fold")
    table.add_column("changed", overflow="fold")
    table.add_column("first from", justify="right", no_wrap=True)
    table.add_column("factor", justify="right", no_wrap=True)
    for row in result.alternatives:
        if row.why_not is not None:
            first, ratio = Text("?"), ""
            changed = Text(plain(f"{row.changed}: {row.why_not}", limit=MAX_REASON), style="dim")
        else:
            changed = Text(plain(row.changed, limit=MAX_REASON))
            first = Text(row.outcome or "" if row.first_tokens_per_day is None else spoken(row.first_tokens_per_day))
            ratio = "" if row.ratio_to_headline is None else times(row.ratio_to_headline)
        table.add_row(Text(plain(row.name)), changed, first, ratio)
    console.print(Text("What moves the crossover (one change at a time)", style="bold"))
    console.print(table)


def _flips(console: Console, result: Comparison) -> None:
    if not result.flips:
        return
    console.print(Text("The verdict at your volume flips at", style="bold"))
    money = Money.of(result.currency)
    for flip in result.flips:
        where = f"none: {flip.why_not}" if flip.flips_at is None else stated(flip.flips_at, flip.unit, money)
        console.print(Text(plain(f"  {flip.key}: {where} (now {stated(flip.now, flip.unit, money)})")))
    console.print()


def _chart(console: Console, result: Comparison, options: Options) -> None:
    from breakeven.render.chart import draw_chart

    chart = draw_chart(result, width=options.width, colour=options.colour)
    if chart:
        console.print(Text(f"{Money.of(result.currency).code} per day over tokens per day (log-log)", style="bold"))
        console.print(Text.from_ansi(chart), soft_wrap=True, no_wrap=True, overflow="ignore", crop=False)
        console.print()


def _footer(console: Console, result: Comparison) -> None:
    console.print(Text("Not included: " + "; ".join(result.not_included) + ".", style="dim"))
    dated = [source for source in result.sources if source.age_days is not None]
    if dated:
        oldest = max(dated, key=lambda source: source.age_days or 0)
        console.print(
            Text(
                f"Sources: {len(result.sources)} dated records; the oldest is {oldest.id} ({oldest.age_days} days). "
                "`--format md` lists each with its URL. Records: " + plain(", ".join(s.id for s in result.sources)) + ".",
                style="dim",
            )
        )
    for warning in result.warnings:
        console.print(Text(plain(f"warning: {warning}"), style="yellow"))


def _many(console: Console, results: Sequence[Comparison], options: Options) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for name, justify in (("profile", "left"), ("tokens/day", "right"), ("API $/day", "right"), ("self-host $/day", "right"),
                          ("wins from", "right"), ("for good from", "right"), ("cheaper now", "left")):  # fmt: skip
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for result in results:
        head = result.headline
        rows = {row.offer.id: row for row in result.offers}
        usd = Money.of(result.currency)
        api, own = rows.get(head.api), rows.get(head.self_host)
        found = next((c for c in result.crossovers if (c.api, c.self_host) == (head.api, head.self_host)), None)
        first = ""
        if found is not None:
            plainly = found.outcome in ("never", "always")
            first = found.outcome if plainly else _volume(found.first_tokens_per_day, none="withheld")
        settled = "" if found is None or first == "withheld" else _volume(found.settled_tokens_per_day, none="never")
        cheaper = rows[head.cheaper_at_volume].offer.kind if head.cheaper_at_volume in rows else "-"
        table.add_row(
            Text(plain(result.name, limit=60)), spoken(result.tokens_per_day), _money(api.usd_per_day if api else None, usd),
            _money(own.usd_per_day if own else None, usd), first, settled, cheaper,
        )  # fmt: skip
    console.print(table)
    for result in results:
        console.print(Text(plain(f"{result.name}: {result.headline.sentence}")))
        for warning in result.warnings:
            console.print(Text(plain(f"  warning: {warning}"), style="yellow"))
