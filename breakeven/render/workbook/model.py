"""The bills: every cost line's coefficient from the inputs, and every total from the lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.compare.result import OfferAtVolume
from breakeven.compare.worked import worked
from breakeven.offers.escalation import ESCALATION_LINES
from breakeven.offers.offer import CostLine, Term
from breakeven.offers.owned import CAPITAL_LINES
from breakeven.offers.rented import RENT_LINES
from breakeven.render.workbook.book import Book
from breakeven.render.workbook.formulas import Formulas, finance_term
from breakeven.render.workbook.inputs import CHANGED, Inputs

_FIELDS = ("usd_per_day", "usd_per_replica_day", "usd_per_mtok")
_UNITS = ("USD/day", "USD/replica-day", "USD/Mtok")


RE_RUN = "re-run"  # what a figure says that no longer follows from the inputs
CHOSEN = "fleet chosen for the run's inputs; it shows re-run once one is changed"


def as_run(formula: str) -> str:
    """A formula that only holds at the run's inputs: once one differs, it says that the tool has to be run again."""
    return f'IF({CHANGED}=0,{formula},"{RE_RUN}")'


def follows_machines(line: CostLine) -> bool:
    """Whether a line's cost per replica moves with the price of machines (rent or purchase)."""
    return line.id in (*RENT_LINES, *CAPITAL_LINES)


class Cells(Struct, frozen=True):
    """The names of one offer's cells. ``o1`` is the first offer of the report."""

    prefix: str
    entry: OfferAtVolume
    machines: str = ""  # formula: USD per replica and day that follow the price of machines
    energy: str = "0"  # formulas: USD per Mtok of electricity, and of requests handed back to the API
    escalated: str = "0"
    covered: str = "0"  # formula: USD per Mtok that counts towards a minimum spend

    @property
    def fixed(self) -> str:
        return f"{self.prefix}_fixed"

    @property
    def per_replica(self) -> str:
        return f"{self.prefix}_per_replica"

    @property
    def per_mtok(self) -> str:
        return f"{self.prefix}_per_mtok"

    @property
    def mean_day(self) -> str:
        return f"{self.prefix}_mean_day"

    @property
    def total(self) -> str:
        return f"{self.prefix}_usd_per_day"

    @property
    def replicas(self) -> str:
        return f"{self.prefix}_replicas"

    @property
    def minimum(self) -> str:
        return f"{self.prefix}_minimum"

    @property
    def chosen(self) -> bool:
        """Whether a search chose its fleet and share for the run's inputs, which no formula repeats."""
        return self.entry.offer.kind == "hybrid"

    def live(self, formula: str) -> str:
        """A formula over the offer's bill, as long as that bill is the offer's."""
        return as_run(formula) if self.chosen else formula

    @property
    def steps(self) -> bool:
        """Whether the offer runs replicas that grow with the volume."""
        return self.entry.offer.tokens_per_day_per_replica is not None

    @property
    def full(self) -> str:
        """Cost per Mtok when every running replica is full, as a formula."""
        bill = f"({self.fixed}+{self.replicas}*{self.per_replica})"
        return f"{bill}/({self.replicas}*{self.prefix}_capacity/1000000)+{self.per_mtok}"

    def replicas_at(self, volume: str) -> str:
        """n(V). The tolerance is far below a token: rounding alone must not start a replica."""
        if not self.steps:
            return "0"
        return f"MAX({self.prefix}_n_min,ROUNDUP({volume}/{self.mean_day}-0.000000001,0)+{self.prefix}_redundant)"

    def cost_at(self, volume: str) -> str:
        """C(V) as a formula."""
        text = f"{self.fixed}+{self.per_mtok}*{volume}/1000000"
        if self.steps:
            text += f"+{self.replicas_at(volume)}*{self.per_replica}"
        if self.entry.offer.minimum_usd_per_day > 0:
            text += f"+MAX(0,{self.minimum}-({self.covered})*{volume}/1000000)"
        return text


class Model:
    """Writes the sheet and keeps the cells of every offer that has a bill."""

    def __init__(self, book: Book, inputs: Inputs, finance: Mapping[str, Any]) -> None:
        self.book, self.inputs, self.finance = book, inputs, finance
        self.sheet = book.sheets["Model"]
        self.offers: list[Cells] = []
        self._sums: dict[str, tuple[str, str]] = {}  # offer id -> formulas of list and net price per Mtok
        self._row = 0

    def write(self) -> None:
        result = self.book.result
        volume = Term("volume_tokens_per_day", result.tokens_per_day, "tokens/day", where="profile:workload")
        self.volume = self.inputs.ask(volume, used_by="every offer")
        self.book.write(self.sheet, 0, 0, "Model: every bill from its lines", self.book.title)
        self.book.columns(self.sheet, (48, 19, 16, 16, 16, 18, 12))
        heads = (
            "line",
            "equation",
            "fixed, USD/day",
            "USD/replica-day",
            "USD/Mtok",
            "USD/day at the volume",
            "share of the bill",
        )
        self.book.heads(self.sheet, 2, heads, right=range(2, 7))
        self._row = 3
        rows = [row for row in result.offers if row.usd_per_day is not None]
        prices: dict[str, tuple[str, str | None]] = {}
        for number, entry in enumerate(rows, 1):  # APIs come first
            cells = self._offer(f"o{number}", entry, prices)
            self.offers.append(cells)
            owing = any(line.id == "minimum-spend" for line in entry.offer.lines)
            prices[entry.offer.id] = (cells.per_mtok, cells.covered if owing else None)
        self.sheet.freeze_panes(3, 1)
        self.sheet.repeat_rows(2)

    def cells(self, offer_id: str) -> Cells | None:
        """The cells of an offer, if it has a bill."""
        return next((cells for cells in self.offers if cells.entry.offer.id == offer_id), None)

    def hours(self) -> str:
        """The name of the hours in a month."""
        hours = finance_term(self.inputs, "hours_per_month", self.book.result.hours_per_month, "h/month")
        return self.inputs.ask(hours, used_by="every offer")

    # --- one offer ---------------------------------------------------------------------------

    def _offer(self, prefix: str, entry: OfferAtVolume, prices: Mapping[str, tuple[str, str | None]]) -> Cells:
        book, sheet, offer = self.book, self.sheet, entry.offer
        machine = self.cells(str(offer.meta.get("own")))
        formulas = Formulas(
            self.inputs, self.finance, offer, prefix=machine.prefix if machine else prefix, prices=prices
        )
        formulas.listed, formulas.net = self._sums.get(str(offer.meta.get("api")), ("", ""))
        cells = Cells(prefix, entry)
        kind = f"hybrid; {CHOSEN}" if cells.chosen else offer.kind
        book.write(sheet, self._row, 0, f"{offer.name}  ({kind})", book.section)
        self._row += 1
        if cells.steps:
            self._capacity(cells, formulas)
        replicas_cell = cells.replicas if cells.steps else "0"
        first = self._row
        letters = ("C", "D", "E")
        machines: list[str] = []
        energy: list[str] = []
        escalated: list[str] = []
        covered: list[str] = []
        covered_mtok: list[str] = []
        for line, usd in entry.bill:
            row = self._row
            book.write(sheet, row, 0, line.name)
            book.write(sheet, row, 1, line.equation)
            if offer.kind == "api" and line.equation in ("api-discount", "api-fee"):
                so_far = f"SUM(Model!$E${first + 1}:$E${row})"
                formulas.listed, formulas.net = (formulas.listed or so_far), so_far
                self._sums[offer.id] = (formulas.listed, formulas.net)
            self._coefficients(prefix, line, formulas)
            volume_cost = f"C{row + 1}+D{row + 1}*{replicas_cell}+E{row + 1}*{self.volume}/1000000"
            if line.id == "minimum-spend" and offer.minimum_usd_per_day > 0:
                self._minimum(cells, line, formulas)
                volume_cost = f"MAX(0,{cells.minimum}-({'+'.join(covered) or '0'}))"
            sheet.write_formula(row, 5, f"={volume_cost}", book.usd, usd or 0.0)
            if line.counts_towards_minimum:
                covered.append(f"F{row + 1}")
                covered_mtok.append(f"Model!$E${row + 1}")
            if line.usd_per_replica_day and follows_machines(line):
                machines.append(f"Model!$D${row + 1}")
            if line.id == "power-active":
                energy.append(f"Model!$E${row + 1}")
            if line.id in ESCALATION_LINES:
                escalated.append(f"Model!$E${row + 1}")
            self._row += 1
        last = self._row
        book.write(sheet, last, 0, "total", book.bold)
        totals = (offer.fixed_usd_per_day, offer.usd_per_replica_day, offer.usd_per_mtok)
        names = (cells.fixed, cells.per_replica, cells.per_mtok)
        for column, (name, value) in enumerate(zip(names, totals, strict=True)):
            span = f"{letters[column]}{first + 1}:{letters[column]}{last}"
            sheet.write_formula(last, 2 + column, f"=SUM({span})" if last > first else "=0", book.usd_fine_total, value)
            book.define(name, "Model", last, 2 + column)
        whole = f"SUM(F{first + 1}:F{last})" if last > first else "0"
        sheet.write_formula(last, 5, f"={cells.live(whole)}", book.usd_total, entry.usd_per_day or 0.0)
        book.define(cells.total, "Model", last, 5)
        for (_, usd), row in zip(entry.bill, range(first, last), strict=True):
            share = (usd or 0.0) / entry.usd_per_day if entry.usd_per_day else 0.0
            part = cells.live(f"IF({cells.total}=0,0,F{row + 1}/{cells.total})")
            sheet.write_formula(row, 6, f"={part}", book.share, share)
        self._row = last + 1
        self._per_unit(cells)
        self._row += 1
        sums = ["+".join(parts) or "0" for parts in (machines, energy, escalated, covered_mtok)]
        return Cells(prefix, entry, *sums)

    def _coefficients(self, prefix: str, line: CostLine, formulas: Formulas) -> None:
        done = worked(line, finance=self.finance)
        for column, (field, unit) in enumerate(zip(_FIELDS, _UNITS, strict=True), 2):
            value = getattr(line, field)
            if value == 0.0:
                continue
            if done is not None and done.field == field:
                formula = formulas.coefficient(line, done)
            else:  # no working from its terms: the coefficient itself is the input
                term = Term(
                    f"{prefix}_{line.id}_{field}", value, unit, line.sources, where=None if line.sources else "estimate"
                )
                formula = self.inputs.ask(term, used_by=formulas.offer.name, bought=formulas.bought)
            self.sheet.write_formula(self._row, column, f"={formula}", self.book.usd_fine, value)

    def _minimum(self, cells: Cells, line: CostLine, formulas: Formulas) -> None:
        offer = cells.entry.offer
        monthly = next((t for t in line.terms if t.name.endswith("minimum_usd_per_month")), None)
        value = offer.minimum_usd_per_day
        formula = repr(value)
        if monthly is not None:
            formula = f"{self.inputs.ask(monthly, used_by=offer.name, bought=True)}*24/{formulas.hours()}"
        self.inputs.derived_as(cells.minimum, f"minimum spend of {offer.name}", formula, value, "USD/day")

    def _capacity(self, cells: Cells, formulas: Formulas) -> None:
        """k, kappa and the number of replicas, before the lines that depend on them."""
        book, sheet, offer = self.book, self.sheet, cells.entry.offer
        full, kappa = offer.capacity_per_replica_tokens_per_day, offer.tokens_per_day_per_replica
        assert full is not None
        assert kappa is not None
        ask = self.inputs.ask
        terms = {term.name.rsplit(".", 1)[-1]: term for term in offer.meta.get("capacity_terms", ())}
        count = int(offer.meta.get("instances_per_replica", 1))
        formula = None
        if "requests_per_s" in terms and "tokens_per_request" in terms:
            rate, tokens = float(terms["requests_per_s"].value), float(terms["tokens_per_request"].value)
            if abs(count * rate * 86_400.0 * tokens - full) <= 1e-9 * full:
                parts = (
                    ask(terms["requests_per_s"], used_by=offer.name, serving=offer.serving),
                    ask(terms["tokens_per_request"], used_by=offer.name),
                )
                instances = ask(
                    Term("instances_per_replica", count, "instances", where="whole machines"), used_by=offer.name
                )
                formula = f"{instances}*{parts[0]}*86400*{parts[1]}"
        if formula is None:
            sources = tuple(offer.meta.get("capacity_sources", ()))
            formula = ask(
                Term(f"{cells.prefix}_flat_capacity", full, "tokens/day", sources, where="estimate"),
                used_by=offer.name,
                serving=offer.serving,
            )
        least = ask(
            Term(f"{cells.prefix}_least_replicas", offer.min_replicas, "replicas", where="profile or default"),
            used_by=offer.name,
        )
        spare = ask(
            Term(
                f"{cells.prefix}_redundant_replicas", offer.redundant_replicas, "replicas", where="profile or default"
            ),
            used_by=offer.name,
        )
        rows = [("capacity of a replica, flat over 24 h, tokens/day", "capacity", formula, full, book.tokens)]
        between = {term.name.rsplit(".", 1)[-1]: term for term in offer.meta.get("mean_day_terms", ())}
        if between:
            rho, headroom = (
                ask(between["peak_to_mean"], used_by=offer.name),
                ask(between["headroom_share"], used_by=offer.name),
            )
            mean = f"{cells.prefix}_capacity*(1-{headroom})/{rho}"
        else:
            ratio = ask(
                Term(f"{cells.prefix}_mean_day_share", kappa / full, "ratio", where="demand shape"), used_by=offer.name
            )
            mean = f"{cells.prefix}_capacity*{ratio}"
        rows += [
            ("what a replica carries on a mean day, tokens/day", "mean_day", mean, kappa, book.tokens),
            ("least replicas", "n_min", least, offer.min_replicas, book.count),
            ("redundant replicas", "redundant", spare, offer.redundant_replicas, book.count),
            (
                "replicas at the volume",
                "replicas",
                cells.replicas_at(self.volume),
                cells.entry.replicas or 0,
                book.count,
            ),
        ]
        for label, name, text, value, form in rows:
            book.write(sheet, self._row, 0, label)
            sheet.write_formula(self._row, 5, f"={text}", form, value)
            book.define(f"{cells.prefix}_{name}", "Model", self._row, 5)
            self._row += 1

    def _per_unit(self, cells: Cells) -> None:
        book, sheet, entry = self.book, self.sheet, cells.entry
        rows: list[tuple[str, str, float | None, Any]] = [
            ("USD per Mtok at the volume", f"{cells.total}/({self.volume}/1000000)", entry.usd_per_mtok, book.usd_fine),
        ]
        if cells.steps:
            rows.append(
                (
                    "USD per Mtok when every running replica is full",
                    cells.full,
                    entry.capacity_usd_per_mtok,
                    book.usd_fine,
                )
            )
            used = f"{self.volume}/({cells.replicas}*{cells.prefix}_capacity)"
            rows.append(("share of the running capacity that is used", used, entry.utilisation_share, book.share))
        for label, formula, value, form in rows:
            book.write(sheet, self._row, 0, label)
            sheet.write_formula(self._row, 5, f"={cells.live(formula)}", form, book.cached(value))
            self._row += 1
