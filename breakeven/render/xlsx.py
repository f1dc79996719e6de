"""The workbook: live formulas over named inputs, so that changing a price moves the crossover.

Every cost line's coefficient is an input cell with its own name; bills, totals, crossings and
checks are formulas over them. Cached values are Python's. User text is written as text, never as a
formula, and the same result gives the same bytes: dates inside the file are the as-of date.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Sequence
from typing import Any

from breakeven.compare.crossover import Crossover
from breakeven.compare.result import Comparison, OfferAtVolume
from breakeven.errors import InputError, Problem
from breakeven.render.registry import Options
from breakeven.render.text import plain

MAX_TEXT = 2000
_SWEEP = 41


def render_xlsx(results: Sequence[Comparison], options: Options | None = None) -> bytes:
    """One result as a workbook. Needs the extra ``breakeven[xlsx]``."""
    if len(results) != 1:
        raise InputError(Problem("a workbook is about one profile", "run it once per profile", "--format"))
    try:
        import xlsxwriter
    except ImportError:
        raise InputError(
            Problem("workbooks need XlsxWriter", "install it with: pip install 'breakeven[xlsx]'", "--format xlsx")
        ) from None
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                                        "strings_to_numbers": False, "nan_inf_to_errors": False})  # fmt: skip
    result = results[0]
    stamp = dt.datetime(result.as_of.year, result.as_of.month, result.as_of.day)
    book.set_properties({"title": text(result.name), "author": "breakeven", "created": stamp, "comments": f"as of {result.as_of}"})
    _Book(book, result).build()
    book.close()
    return stream.getvalue()


def text(value: object) -> str:
    """User text for a cell: control characters shown, bounded. Written with write_string, never as a formula."""
    return plain(str(value), limit=MAX_TEXT)


class _Book:
    """One workbook being built. Rows and columns count from 0, names are unique by construction."""

    def __init__(self, book: Any, result: Comparison) -> None:
        self.book, self.result = book, result
        form = book.add_format
        self.bold = form({"bold": True})
        self.head = form({"bold": True, "bottom": 1, "bg_color": "#E9EDF2", "text_wrap": True, "valign": "top"})
        self.title = form({"bold": True, "font_size": 15, "text_wrap": True, "valign": "top"})
        self.wrap = form({"text_wrap": True, "valign": "top"})
        self.input = form({"bg_color": "#FFF8DC", "num_format": "#,##0.00######", "border": 1, "border_color": "#C8B870"})
        self.usd = form({"num_format": "$#,##0.00"})
        self.usd_fine = form({"num_format": "$#,##0.0000"})
        self.number = form({"num_format": "#,##0"})
        self.fine = form({"num_format": "#,##0.########"})
        self.share = form({"num_format": "0.0%"})
        self.date = form({"num_format": "yyyy-mm-dd"})
        self.good = form({"font_color": "#0B6B3A", "bold": True})
        self.offers = [row for row in result.offers if row.offer.kind != "hybrid" and row.usd_per_day is not None]
        self.names: dict[tuple[str, str, str], str] = {}
        self.total: dict[str, dict[str, str]] = {}
        self.sheets = {
            name: book.add_worksheet(name)
            for name in ("Summary", "Inputs", "Model", "Crossover", "Forecast", "Sensitivity", "Sources", "Checks", "Sign-off")
        }

    def build(self) -> None:
        self.inputs()
        self.model()
        self.crossover()
        self.forecast()
        self.sensitivity()
        self.sources()
        self.checks()
        self.sign_off()
        self.summary()
        self.sheets["Summary"].activate()

    # --- helpers -----------------------------------------------------------------------------

    def heads(self, sheet: Any, row: int, columns: Sequence[tuple[str, int]]) -> None:
        for index, (name, width) in enumerate(columns):
            sheet.write_string(row, index, name, self.head)
            sheet.set_column(index, index, width)

    def define(self, name: str, sheet: str, row: int, column: int) -> str:
        self.book.define_name(name, f"='{sheet}'!${_letter(column)}${row + 1}")
        return name

    def line_name(self, number: int, line_id: str, coefficient: str) -> str:
        return f"o{number}_{re.sub(r'[^a-z0-9]', '_', line_id.lower())}_{coefficient}"

    # --- sheets ------------------------------------------------------------------------------

    def inputs(self) -> None:
        sheet, result = self.sheets["Inputs"], self.result
        sheet.write_string(0, 0, "Yellow cells are yours to change; everything else follows.", self.bold)
        columns = (("name", 34), ("what", 52), ("value", 18), ("unit", 18), ("source", 44), ("as of", 12), ("grade", 12), ("owner", 16))
        self.heads(sheet, 2, columns)
        row = 3
        sources = {source.id: source for source in result.sources}

        def add(name: str, what: str, value: float, unit: str, cited: Sequence[str] = ()) -> None:
            nonlocal row
            sheet.write_string(row, 0, name)
            sheet.write_string(row, 1, text(what), self.wrap)
            sheet.write_number(row, 2, value, self.input)
            sheet.write_string(row, 3, unit)
            sheet.write_string(row, 4, text(" ".join(cited) or "profile or default"), self.wrap)
            first = sources.get(cited[0]) if cited else None
            if first is not None and first.effective is not None:
                sheet.write_datetime(row, 5, dt.datetime.combine(first.effective, dt.time()), self.date)
            sheet.write_string(row, 6, first.kind if first else "choice")
            sheet.write_string(row, 7, text(result.owner or ""))
            self.define(name, "Inputs", row, 2)
            row += 1

        add("volume_tokens_per_day", "volume", result.tokens_per_day, "tokens/day")
        add("hours_per_month", "hours in a month", result.hours_per_month, "h")
        for number, entry in enumerate(self.offers):
            offer = entry.offer
            for line in offer.lines:
                for coefficient, unit in (("usd_per_day", "USD/day"), ("usd_per_replica_day", "USD/replica-day"), ("usd_per_mtok", "USD/Mtok")):
                    value = getattr(line, coefficient)
                    if value == 0.0:
                        continue
                    name = self.line_name(number, line.id, coefficient)
                    self.names[offer.id, line.id, coefficient] = name
                    add(name, f"{offer.name}: {line.name}", value, unit, line.sources)
            if offer.tokens_per_day_per_replica is not None:
                add(f"o{number}_kappa", f"{offer.name}: mean-day volume of a replica", offer.tokens_per_day_per_replica, "tokens/day",
                    tuple(offer.meta.get("capacity_sources", ())))  # fmt: skip
                add(f"o{number}_capacity", f"{offer.name}: flat capacity of a replica", offer.capacity_per_replica_tokens_per_day or 0.0, "tokens/day")
                add(f"o{number}_n_min", f"{offer.name}: least replicas", offer.min_replicas, "replicas")
                add(f"o{number}_redundant", f"{offer.name}: redundant replicas", offer.redundant_replicas, "replicas")
            if offer.minimum_usd_per_day:
                add(f"o{number}_minimum", f"{offer.name}: minimum spend", offer.minimum_usd_per_day, "USD/day")
        sheet.freeze_panes(3, 1)

    def model(self) -> None:
        sheet = self.sheets["Model"]
        self.heads(sheet, 0, (("offer", 44), ("line", 40), ("USD/day at the volume", 20), ("fixed USD/day", 16), ("USD/replica-day", 16), ("USD/Mtok", 14)))
        row = 1
        for number, entry in enumerate(self.offers):
            offer = entry.offer
            replicas = self.replicas_formula(number, entry, "volume_tokens_per_day")
            sheet.write_string(row, 0, text(offer.name), self.bold)
            sheet.write_string(row, 1, "replicas")
            sheet.write_formula(row, 2, f"={replicas}", self.number, entry.replicas or 0)
            n_cell = f"'Model'!$C${row + 1}"
            self.define(f"o{number}_replicas", "Model", row, 2)
            row += 1
            first = row
            for line, usd in entry.bill:
                parts = {c: self.names.get((offer.id, line.id, c)) for c in ("usd_per_day", "usd_per_replica_day", "usd_per_mtok")}
                formula = "+".join(
                    piece
                    for piece in (
                        parts["usd_per_day"], parts["usd_per_replica_day"] and f"{parts['usd_per_replica_day']}*{n_cell}",
                        parts["usd_per_mtok"] and f"{parts['usd_per_mtok']}*volume_tokens_per_day/1000000",
                    )
                    if piece
                )  # fmt: skip
                if line.id == "minimum-spend" and offer.minimum_usd_per_day:
                    covered = f"SUM($C${first + 1}:$C${row})" if row > first else "0"
                    formula = f"MAX(0,o{number}_minimum-{covered})"
                sheet.write_string(row, 0, text(offer.name))
                sheet.write_string(row, 1, text(line.name))
                sheet.write_formula(row, 2, f"={formula or '0'}", self.usd, usd or 0.0)
                for column, coefficient in enumerate(("usd_per_day", "usd_per_replica_day", "usd_per_mtok")):
                    name = parts[coefficient]
                    if name:
                        sheet.write_formula(row, 3 + column, f"={name}", self.fine, getattr(line, coefficient))
                row += 1
            sheet.write_string(row, 1, "total", self.bold)
            sheet.write_formula(row, 2, f"=SUM(C{first + 1}:C{row})", self.usd, entry.usd_per_day or 0.0)
            values = (offer.fixed_usd_per_day, offer.usd_per_replica_day, offer.usd_per_mtok)
            for column, value in enumerate(values):
                letter = _letter(3 + column)
                sheet.write_formula(row, 3 + column, f"=SUM({letter}{first + 1}:{letter}{row})", self.fine, value)
            self.total[offer.id] = {
                "usd": self.define(f"o{number}_total", "Model", row, 2), "F": self.define(f"o{number}_fixed", "Model", row, 3),
                "f": self.define(f"o{number}_per_replica", "Model", row, 4), "v": self.define(f"o{number}_per_mtok", "Model", row, 5),
            }  # fmt: skip
            row += 2
        sheet.freeze_panes(1, 0)

    def replicas_formula(self, number: int, entry: OfferAtVolume, volume: str) -> str:
        if entry.offer.tokens_per_day_per_replica is None:
            return "0"
        # ROUNDUP would start a replica by rounding alone; the tolerance is far below a token.
        return f"MAX(o{number}_n_min,ROUNDUP({volume}/o{number}_kappa-0.000000001,0)+o{number}_redundant)"

    def crossover(self) -> None:
        sheet = self.sheets["Crossover"]
        columns = (("API", 40), ("self-hosted", 44), ("outcome", 12), ("first from, tokens/day (live)", 22), ("first from, as computed", 22),
                   ("for good from, as computed", 22), ("share of capacity", 14))  # fmt: skip
        self.heads(sheet, 0, columns)
        row = 1
        by_id = {entry.offer.id: (number, entry) for number, entry in enumerate(self.offers)}
        for found in self.result.crossovers:
            if found.api not in by_id or found.self_host not in by_id:
                continue
            sheet.write_string(row, 0, text(by_id[found.api][1].offer.name))
            sheet.write_string(row, 1, text(by_id[found.self_host][1].offer.name))
            sheet.write_string(row, 2, found.outcome)
            formula = self.first_formula(by_id, found)
            cached = found.first_tokens_per_day if found.first_tokens_per_day is not None else "never"
            if formula:
                sheet.write_formula(row, 3, f"={formula}", self.number, cached)
            else:
                sheet.write_string(row, 3, "see as computed")
            for column, value in ((4, found.first_tokens_per_day), (5, found.settled_tokens_per_day)):
                if value is not None:
                    sheet.write_number(row, column, value, self.number)
            if found.capacity_share is not None:
                sheet.write_number(row, 6, found.capacity_share, self.share)
            if (found.api, found.self_host) == (self.result.headline.api, self.result.headline.self_host):
                self.define("headline_first_tokens_per_day", "Crossover", row, 3)
            row += 1
        self.curve(sheet, row + 2, by_id)

    def first_formula(self, by_id: dict[str, tuple[int, OfferAtVolume]], found: Crossover) -> str | None:
        """The crossing law for a linear API: the smallest j with c_j < j kappa, in closed form."""
        api, own = by_id[found.api][1].offer, by_id[found.self_host][1].offer
        if api.kind != "api" or api.minimum_usd_per_day or api.fixed_usd_per_day or own.minimum_usd_per_day:
            return None
        a, o = self.total[api.id], self.total[own.id]
        n = by_id[own.id][0]
        s = f"({a['v']}-{o['v']})"
        k = f"(o{n}_kappa/1000000)"
        flat = f"MAX(1,FLOOR(({o['F']}+o{n}_n_min*{o['f']})/({s}*{k}),1)+1)"
        steep = f"MAX(1,MAX(o{n}_n_min-o{n}_redundant+1,FLOOR(({o['F']}+o{n}_redundant*{o['f']})/({s}*{k}-{o['f']}),1)+1))"
        cost = "({F}+{n}*{f})/{s}*1000000"
        by_flat = cost.format(F=o["F"], n=f"o{n}_n_min", f=o["f"], s=s)
        by_steep = cost.format(F=o["F"], n=f"MAX(o{n}_n_min,{steep}+o{n}_redundant)", f=o["f"], s=s)
        rising = f'IF({s}*{k}<={o["f"]},"never",{by_steep})'
        return f'IF({s}<=0,"never",IF({flat}+o{n}_redundant<=o{n}_n_min,{by_flat},{rising}))'

    def curve(self, sheet: Any, top: int, by_id: dict[str, tuple[int, OfferAtVolume]]) -> None:
        head = self.result.headline
        pair = [by_id[name] for name in (head.api, head.self_host) if name in by_id]
        if len(pair) != 2:
            return
        self.heads_at(sheet, top, ("tokens/day", "API, USD/day", "self-hosted, USD/day"))
        volume = self.result.tokens_per_day
        for step in range(_SWEEP):
            row = top + 1 + step
            factor = 10 ** (-1.5 + 3 * step / (_SWEEP - 1))
            sheet.write_formula(row, 0, f"=volume_tokens_per_day*{factor!r}", self.number, volume * factor)
            cell = f"$A${row + 1}"
            for column, (number, entry) in enumerate(pair, 1):
                names = self.total[entry.offer.id]
                formula = f"={names['F']}+{self.replicas_formula(number, entry, cell)}*{names['f']}+{names['v']}*{cell}/1000000"
                if entry.offer.minimum_usd_per_day:
                    formula = f"=MAX(o{number}_minimum,{formula[1:]})"
                sheet.write_formula(row, column, formula, self.usd, entry.offer.usd_per_day_at(volume * factor))
        chart = self.book.add_chart({"type": "scatter", "subtype": "straight"})
        for column, name in ((1, "API"), (2, "self-hosted")):
            chart.add_series(
                {"name": name, "categories": ["Crossover", top + 1, 0, top + _SWEEP, 0], "values": ["Crossover", top + 1, column, top + _SWEEP, column]}
            )
        chart.set_x_axis({"name": "tokens per day", "log_base": 10, "num_format": '[>=1000000000]0.#,,,"B";[>=1000000]0.#,,"M";0'})
        chart.set_y_axis({"name": "USD per day", "log_base": 10, "num_format": "$#,##0"})
        chart.set_title({"name": "Cost per day over volume"})
        chart.set_size({"width": 760, "height": 400})
        sheet.insert_chart(top, 4, chart, {"description": "Cost per day of the API and of self-hosting over tokens per day, log-log"})

    def heads_at(self, sheet: Any, row: int, names: Sequence[str]) -> None:
        for index, name in enumerate(names):
            sheet.write_string(row, index, name, self.head)

    def forecast(self) -> None:
        """Twelve quarters at today's prices with growth as an input: the user's own what-if."""
        sheet = self.sheets["Forecast"]
        growth = float(((self.result.profile_data.get("workload") or {}).get("demand") or {}).get("growth_per_year") or 0.0) if isinstance(
            ((self.result.profile_data.get("workload") or {}).get("demand") or {}).get("growth_per_year", 0.0), (int, float)
        ) else 0.0  # fmt: skip
        for row, (name, label, value) in enumerate(
            (("growth_per_year", "demand growth per year", growth), ("api_price_change_per_year", "API price change per year", 0.0),
             ("machine_price_change_per_year", "machine price change per year", 0.0))
        ):  # fmt: skip
            sheet.write_string(row, 0, label)
            sheet.write_number(row, 1, value, self.input)
            self.define(name, "Forecast", row, 1)
        self.heads(sheet, 4, (("quarter", 30), ("tokens/day", 18), ("API, USD/day", 16), ("self-hosted, USD/day", 20), ("cheaper", 14)))
        sheet.set_column(0, 0, 30)
        head = self.result.headline
        by_id = {entry.offer.id: (number, entry) for number, entry in enumerate(self.offers)}
        if head.api not in by_id or head.self_host not in by_id:
            return
        (a, api), (o, own) = by_id[head.api], by_id[head.self_host]
        for quarter in range(13):
            row = 5 + quarter
            years = quarter / 4
            volume = self.result.tokens_per_day * (1 + growth) ** years
            sheet.write_number(row, 0, quarter)
            sheet.write_formula(row, 1, f"=volume_tokens_per_day*(1+growth_per_year)^(A{row + 1}/4)", self.number, volume)
            for column, (number, entry, change) in ((2, (a, api, "api_price_change_per_year")), (3, (o, own, "machine_price_change_per_year"))):
                names = self.total[entry.offer.id]
                bill = f"{names['F']}+{self.replicas_formula(number, entry, f'$B{row + 1}')}*{names['f']}*(1+{change})^($A{row + 1}/4)"
                variable = f"{names['v']}*$B{row + 1}/1000000*(1+{change})^($A{row + 1}/4)"
                sheet.write_formula(row, column, f"={bill}+{variable}", self.usd, _without_minimum(entry, volume))
            cheaper = "self-hosted" if _without_minimum(own, volume) < _without_minimum(api, volume) else "API"
            sheet.write_formula(row, 4, f'=IF(D{row + 1}<C{row + 1},"self-hosted","API")', None, cheaper)
        sheet.write_string(19, 0, "A what-if on this workbook's inputs; `breakeven forecast` has the sourced price paths, present values and payback.", self.wrap)

    def sensitivity(self) -> None:
        sheet = self.sheets["Sensitivity"]
        self.heads(sheet, 0, (("alternative", 34), ("changed", 64), ("outcome", 12), ("first from, tokens/day", 22), ("factor", 10)))
        row = 1
        for item in self.result.alternatives:
            sheet.write_string(row, 0, text(item.name))
            sheet.write_string(row, 1, text(item.changed if item.why_not is None else f"{item.changed}: {item.why_not}"), self.wrap)
            sheet.write_string(row, 2, item.outcome or "?")
            if item.first_tokens_per_day is not None:
                sheet.write_number(row, 3, item.first_tokens_per_day, self.number)
            if item.ratio_to_headline is not None:
                sheet.write_number(row, 4, item.ratio_to_headline, self.fine)
            row += 1
        if row > 1:
            chart = self.book.add_chart({"type": "bar"})
            chart.add_series({"name": "factor on the first crossing", "categories": ["Sensitivity", 1, 0, row - 1, 0], "values": ["Sensitivity", 1, 4, row - 1, 4]})
            chart.set_x_axis({"log_base": 10, "name": "factor"})
            chart.set_legend({"none": True})
            chart.set_size({"width": 760, "height": 380})
            sheet.insert_chart(row + 1, 0, chart, {"description": "How far each alternative moves the first crossing"})
        row += 22
        self.heads_at(sheet, row, ("key", "flips the verdict at", "now", "unit"))
        for flip in self.result.flips:
            row += 1
            sheet.write_string(row, 0, text(flip.key))
            if flip.flips_at is not None:
                sheet.write_number(row, 1, flip.flips_at, self.fine)
            else:
                sheet.write_string(row, 1, text(flip.why_not or "no value in range"))
            sheet.write_number(row, 2, flip.now, self.fine)
            sheet.write_string(row, 3, flip.unit)

    def sources(self) -> None:
        sheet = self.sheets["Sources"]
        self.heads(sheet, 0, (("record", 40), ("effective", 12), ("retrieved", 12), ("kind", 12), ("url", 70), ("title", 50), ("age, days", 10)))
        for row, source in enumerate(self.result.sources, 1):
            sheet.write_string(row, 0, source.id)
            for column, day in ((1, source.effective), (2, source.retrieved)):
                if day is not None:
                    sheet.write_datetime(row, column, dt.datetime.combine(day, dt.time()), self.date)
            sheet.write_string(row, 3, source.kind)
            sheet.write_string(row, 4, text(source.url or ""))
            sheet.write_string(row, 5, text(source.title or ""))
            if source.age_days is not None:
                sheet.write_number(row, 6, source.age_days)
        sheet.freeze_panes(1, 0)

    def checks(self) -> None:
        """Formulas that compare the live model with what the tool computed; they hold until an input changes."""
        sheet = self.sheets["Checks"]
        self.heads(sheet, 0, (("check", 60), ("live", 20), ("as computed", 20), ("holds", 10)))
        row = 1
        for number, entry in enumerate(self.offers):
            sheet.write_string(row, 0, text(f"cost per day of {entry.offer.name}"))
            sheet.write_formula(row, 1, f"=o{number}_total", self.usd, entry.usd_per_day or 0.0)
            sheet.write_number(row, 2, entry.usd_per_day or 0.0, self.usd)
            sheet.write_formula(row, 3, f"=IF(ABS(B{row + 1}-C{row + 1})<=0.000001*MAX(1,ABS(C{row + 1})),\"yes\",\"changed\")", None, "yes")
            row += 1

    def sign_off(self) -> None:
        sheet = self.sheets["Sign-off"]
        self.heads(sheet, 0, (("role", 24), ("name", 34), ("signature", 34), ("date", 16)))
        for row, role in enumerate(("prepared by", "reviewed by", "approved by"), 1):
            sheet.write_string(row, 0, role)
            sheet.set_row(row, 32)
        facts = (
            ("profile digest", self.result.profile_digest), ("catalogue", f"{self.result.catalogue_version} {self.result.catalogue_digest}"),
            ("facts as of", self.result.as_of.isoformat()), ("breakeven", self.result.tool_version),
        )  # fmt: skip
        for row, (name, value) in enumerate(facts, 6):
            sheet.write_string(row, 0, name)
            sheet.write_string(row, 1, text(value))

    def summary(self) -> None:
        sheet, result = self.sheets["Summary"], self.result
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 58)
        sheet.set_column(1, 7, 16)
        sheet.merge_range(0, 0, 0, 6, "", self.title)
        sheet.write_string(0, 0, text(result.headline.sentence), self.title)
        sheet.set_row(0, 44)
        sheet.write_string(1, 0, text(f"{result.name}: facts as of {result.as_of}, catalogue {result.catalogue_version}"))
        sheet.write_string(2, 0, "first crossing, tokens/day (live)", self.bold)
        if any(name in self.total for name in (result.headline.self_host,)):
            found = next(c for c in result.crossovers if (c.api, c.self_host) == (result.headline.api, result.headline.self_host))
            value = found.first_tokens_per_day if found.first_tokens_per_day is not None else found.outcome
            sheet.write_formula(2, 1, "=headline_first_tokens_per_day", self.number, value)
        self.heads_at(sheet, 4, ("offer", "USD/day", "USD/month", "USD/Mtok", "replicas", "serves"))
        for number, entry in enumerate(self.offers):
            row = 5 + number
            sheet.write_string(row, 0, text(entry.offer.name), self.wrap)
            sheet.write_formula(row, 1, f"=o{number}_total", self.usd, entry.usd_per_day or 0.0)
            sheet.write_formula(row, 2, f"=B{row + 1}*hours_per_month/24", self.usd, entry.usd_per_month or 0.0)
            sheet.write_formula(row, 3, f"=B{row + 1}/(volume_tokens_per_day/1000000)", self.usd_fine, entry.usd_per_mtok or 0.0)
            sheet.write_formula(row, 4, f"=o{number}_replicas", self.number, entry.replicas or 0)
            good = entry.offer.eligible and entry.offer.feasible
            sheet.write_string(row, 5, "yes" if good else text("no: " + "; ".join(entry.offer.why_not)), self.good if good else self.wrap)
        row = 7 + len(self.offers)
        sheet.write_string(row, 0, "This holds if", self.bold)
        for condition in result.headline.conditions:
            row += 1
            sheet.write_string(row, 0, text(condition), self.wrap)
        row += 2
        sheet.write_string(row, 0, "Not included", self.bold)
        for item in result.not_included:
            row += 1
            sheet.write_string(row, 0, text(item), self.wrap)


def _without_minimum(entry: OfferAtVolume, volume: float) -> float:
    offer = entry.offer
    return offer.fixed_usd_per_day + offer.replicas_at(volume) * offer.usd_per_replica_day + offer.usd_per_mtok * volume / 1e6


def _letter(column: int) -> str:
    return chr(ord("A") + column)
