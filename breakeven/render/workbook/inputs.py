"""The numbers one may change, each once, with its name, source, date, grade and owner."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct, field

from breakeven.compare.result import Comparison, SourceUsed
from breakeven.offers.offer import Serving, Term
from breakeven.render.workbook.book import Book

# Tokens per request: throughput was estimated at this shape, so it is shown and not for changing here. What may wait
# is one choice that moves two prices and the peak, of which a cell could change but one.
_SHAPE = re.compile(r"(_tokens|tokens_per_request|\Ainteractive_share|\Abatch_share)\Z")
_FROM_THE_TOOL = ("replicas", "own_share", "overflow_share", "instances_per_replica")


class Input(Struct):
    """One row of the sheet."""

    name: str
    what: str
    value: float
    unit: str
    sources: tuple[str, ...]
    origin: str
    group: str
    editable: bool
    serving: Serving | None = None  # of a throughput: how sure it is, and what it rests on
    used_by: list[str] = field(default_factory=list)


class Derived(Struct, frozen=True):
    """A row that follows from inputs."""

    name: str
    what: str
    formula: str
    value: float
    unit: str


CHANGED = "inputs_changed"  # defined name: how many inputs differ from the run
GROUPS = (
    "Workload",
    "Money",
    "Bought per token",
    "Self-hosting",
    "Request shape: re-run the tool to change it",
    "Chosen by the tool",
)


class Inputs:
    """Collects inputs while the model is written; the sheet is written last."""

    def __init__(self, result: Comparison) -> None:
        self.result = result
        self.rows: dict[tuple[str, float, str], Input] = {}
        self.derived: dict[str, Derived] = {}
        self._names: set[str] = set()

    def ask(self, term: Term, *, used_by: str, bought: bool = False, serving: Serving | None = None) -> str:
        """The defined name of a term's cell; equal terms of several offers share one cell.

        ``serving`` belongs to a throughput, which is graded by it and not by the datasheets under it.
        """
        short = term.name.rsplit(".", 1)[-1]
        origin = " ".join(term.sources) or term.where or "default"
        key = (short, float(term.value), origin)
        row = self.rows.get(key)
        if row is None:
            shape = bool(_SHAPE.search(short))
            mine = short not in _FROM_THE_TOOL
            row = Input(
                self._free(f"in_{_clean(short)}"),
                term.name,
                float(term.value),
                term.unit,
                term.sources,
                origin,
                _group(term, bought=bought, shape=shape, mine=mine),
                not shape and mine,
                serving,
            )
            self.rows[key] = row
        if used_by not in row.used_by:
            row.used_by.append(used_by)
        return row.name

    def derive(self, name: str, what: str, formula: str, value: float, unit: str) -> str:
        """A named cell with a formula over inputs; the same formula is written once."""
        for row in self.derived.values():
            if row.formula == formula:
                return row.name
        free = self._free(name)
        self.derived[free] = Derived(free, what, formula, value, unit)
        return free

    def derived_as(self, name: str, what: str, formula: str, value: float, unit: str) -> None:
        """A named cell with a formula, under a name that other sheets rely on."""
        self._names.add(name)
        self.derived[name] = Derived(name, what, formula, value, unit)

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free


def write_inputs(book: Book, inputs: Inputs) -> None:
    """The sheet: groups of inputs, then what follows from them."""
    sheet = book.sheets["Inputs"]
    book.write(sheet, 0, 0, "Inputs", book.title)
    book.columns(sheet, (32, 36, 15, 17, 42, 12, 13, 15, 46, 15))
    hint = (
        "Change the yellow cells; every sheet follows. Grey values belong to the run: re-run breakeven to change them."
    )
    book.across(sheet, 1, 0, 8, hint, book.note)
    heads = ("name", "what", "value", "unit", "source", "as of", "grade", "owner", "used by", "in the run")
    book.heads(sheet, 3, heads, right=(2, 9))
    sources = {source.id: source for source in inputs.result.all_sources}
    at = 4
    for group in GROUPS:
        rows = [row for row in inputs.rows.values() if row.group == group]
        if not rows:
            continue
        book.write(sheet, at, 0, group, book.section)
        at += 1
        for row in rows:
            _input(book, at, row, sources)
            at += 1
    book.write(sheet, 2, 0, "inputs that differ from the run")
    sheet.write_formula(2, 2, f"=SUMPRODUCT(--(C5:C{max(at, 5)}<>J5:J{max(at, 5)}))", book.count, 0)
    book.define(CHANGED, "Inputs", 2, 2)
    if inputs.derived:
        book.write(sheet, at, 0, "Follows from the inputs", book.section)
        at += 1
        for item in inputs.derived.values():
            book.write(sheet, at, 0, item.name)
            book.write(sheet, at, 1, item.what)
            sheet.write_formula(at, 2, f"={item.formula}", book.number, item.value)
            book.write(sheet, at, 3, item.unit)
            book.define(item.name, "Inputs", at, 2)
            at += 1
    sheet.freeze_panes(4, 1)
    sheet.repeat_rows(3)


def _input(book: Book, at: int, row: Input, sources: dict[str, SourceUsed]) -> None:
    sheet = book.sheets["Inputs"]
    found = [sources[name] for name in row.sources if name in sources]
    book.write(sheet, at, 0, row.name)
    book.write(sheet, at, 1, row.what)
    form = book.fixed
    if row.editable:
        form = book.edit_share if row.unit.startswith(("share", "per year")) else book.edit
        form = book.edit_tokens if row.unit == "tokens/day" else form
    sheet.write_number(at, 2, row.value, form)
    book.write(sheet, at, 3, row.unit)
    book.write(sheet, at, 4, _source(row))
    if found and row.serving is None:  # a throughput is not as old, nor as sure, as a datasheet under it
        dated = [source.effective for source in found if source.effective is not None]
        book.date_cell(sheet, at, 5, max(dated, default=None))
    book.write(sheet, at, 6, _grade(row, found))
    owners: Sequence[str] = [source.owner for source in found if source.owner]
    book.write(sheet, at, 7, ", ".join(dict.fromkeys(owners)) or (book.result.owner or ""))
    more = f" and {len(row.used_by) - 2} more" if len(row.used_by) > 2 else ""
    book.write(sheet, at, 8, "; ".join(row.used_by[:2]) + more)
    sheet.write_number(at, 9, row.value, book.fixed)
    book.define(row.name, "Inputs", at, 2)


def _source(row: Input) -> str:
    if row.serving is not None:
        said = row.sources and f"{row.serving.evidence}, from {' '.join(row.sources)}"
        return said or (row.origin if row.origin.startswith("profile") else row.serving.evidence)
    if not row.sources:
        return row.origin
    return " ".join(row.sources) if len(row.sources) <= 4 else f"{len(row.sources)} records: {' '.join(row.sources)}"


def _grade(row: Input, found: Sequence[SourceUsed]) -> str:
    if row.serving is not None:
        return f"grade {row.serving.grade}, {'measured' if row.serving.grade == 'A' else 'estimate'}"
    if found:
        return ", ".join(dict.fromkeys(source.kind for source in found))
    if row.origin.startswith(("profile", "--set")):
        return "choice"
    return row.origin if row.origin.startswith("estimate") else "default"


def _group(term: Term, *, bought: bool, shape: bool, mine: bool) -> str:
    if shape:
        return GROUPS[4]
    if not mine:
        return GROUPS[5]
    if term.name.startswith("workload") or term.name in ("volume_tokens_per_day", "peak_to_mean"):
        return GROUPS[0]
    if term.name.startswith("finance"):
        return GROUPS[1]
    return GROUPS[2] if bought else GROUPS[3]


def _clean(name: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", name.lower())
