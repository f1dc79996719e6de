"""The workbook: live formulas over named inputs, so that changing a price moves the crossover.

Inputs are the numbers behind the cost lines (a rent per GPU-hour, a price per Mtok, a life in
years), each once, with source, date, grade and owner; lines, bills, crossings, forecast and
what-ifs are formulas over them with Python's figures as cached values. User text is written as
text, never as a formula. The same result gives the same bytes on any machine: the file's own date
is the as-of date, and its parts are stored uncompressed, because compressors differ.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from typing import Any

from breakeven.compare.result import Comparison
from breakeven.compare.worked import finance_of
from breakeven.errors import InputError, Problem
from breakeven.render.registry import Options
from breakeven.render.text import plain
from breakeven.render.workbook.book import Book
from breakeven.render.workbook.crossover import write_crossover
from breakeven.render.workbook.forecast import write_forecast
from breakeven.render.workbook.inputs import Inputs, write_inputs
from breakeven.render.workbook.model import Model
from breakeven.render.workbook.paper import write_checks, write_sign_off, write_sources, write_summary
from breakeven.render.workbook.quotes import write_quotes
from breakeven.render.workbook.sensitivity import write_sensitivity

# What a spreadsheet must not do with text it is given.
_AS_WRITTEN = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "nan_inf_to_errors": False,
}  # fmt: skip


def render_xlsx(results: Sequence[Comparison], options: Options | None = None) -> bytes:
    """One result as a workbook. Needs the extra ``breakeven[xlsx]``; several results are refused."""
    if len(results) != 1:
        raise InputError(Problem("a workbook is about one profile", "run it once per profile", "--format"))
    try:
        import xlsxwriter
    except ImportError:
        raise InputError(
            Problem("workbooks need XlsxWriter", "install it with: pip install 'breakeven[xlsx]'", "--format xlsx")
        ) from None
    result = results[0]
    stream = io.BytesIO()
    writer = xlsxwriter.Workbook(stream, _AS_WRITTEN)
    writer.set_size(2400, 1500)
    stamp = dt.datetime.combine(result.as_of, dt.time())
    writer.set_properties(
        {
            "title": plain(result.name, limit=200),
            "author": "breakeven",
            "created": stamp,
            "comments": f"facts as of {result.as_of}",
        }
    )
    _fill(writer, result)
    writer.close()
    return _stored(stream.getvalue())


def _fill(writer: Any, result: Comparison) -> None:
    book, inputs = Book(writer, result), Inputs(result)
    model = Model(book, inputs, finance_of(result))
    model.write()
    write_crossover(book, model)
    write_forecast(book, model)
    write_sensitivity(book, model)
    write_quotes(book)
    write_sources(book)
    write_checks(book, model, inputs)
    write_sign_off(book)
    write_summary(book, model)
    write_inputs(book, inputs)  # last: by now every input has been asked for
    book.sheets["Summary"].activate()


def _stored(raw: bytes) -> bytes:
    """The same archive with its parts uncompressed and dated alike."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            part.create_system, part.external_attr = 3, 0o600 << 16
            new.writestr(part, old.read(name))
    return out.getvalue()
