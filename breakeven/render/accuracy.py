"""Errors of the serving model against measurements, as text or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from breakeven.errors import InputError, Problem
from breakeven.offers.accuracy import Missed, Slice
from breakeven.render.tables import grid, sheet, wrapped

SHOWN_REASONS = 20
# Short heads leave room for the names of models and sources.
_FIGURES = ("rows", "median", "p90", "bias", "band", "held", "TTFT")
_LEGEND = (
    "error = predicted / measured - 1, on TPOT where measured, else on output throughput. median and p90 are of its size, bias "
    "is the median with its sign, band the 80 % band's high over its low, held the share of measurements inside it, TTFT the "
    "median size of the error of the time to first token"
)


def render_accuracy(found: list[Slice], missed: list[Missed], *, format: str, compared: int, fitted: int, width: int) -> str:
    """Errors by slice, then what was not compared and why; ``fitted`` rows are in the calibration's own table."""
    if format == "json":
        document = {
            "schema_version": 1,
            "compared": compared,
            "compared_in_calibration_table": fitted,
            "refused": sum(m.measured_but_refused for m in missed),
            "not_comparable": sum(not m.measured_but_refused for m in missed),
            "slices": [
                {
                    "by": s.by, "name": s.name, "rows": s.rows, "median_abs_error": s.median_abs_error,
                    "p90_abs_error": s.p90_abs_error, "median_error": s.median_error, "band_ratio": s.band_ratio,
                    "hold_share": s.hold_share, "median_abs_ttft_error": s.median_abs_ttft_error,
                }
                for s in found
            ],
            "missed": [{"id": m.id, "reason": m.reason, "measured_but_refused": m.measured_but_refused} for m in missed],
        }  # fmt: skip
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    if format != "table":
        raise InputError(Problem(f"unknown format {format!r}", "write table or json", "--format"))
    return _sections(found, width) + _missed(missed, compared, fitted, width)


def _sections(found: Sequence[Slice], width: int) -> str:
    """A table for each way to slice."""
    out = []
    for by in dict.fromkeys(s.by for s in found):
        body = [
            (
                s.name,
                str(s.rows),
                f"{s.median_abs_error:.1%}",
                f"{s.p90_abs_error:.1%}",
                f"{s.median_error:+.1%}",
                f"x{s.band_ratio:.2f}",
                f"{s.hold_share:.0%}",
                f"{s.median_abs_ttft_error:.0%}" if s.median_abs_ttft_error is not None else "-",
            )
            for s in found
            if s.by == by
        ]
        out.append(grid([(by, "left"), *((head, "right") for head in _FIGURES)], body, width=width))
    return "\n".join(out)


def _missed(missed: Sequence[Missed], compared: int, fitted: int, width: int) -> str:
    """How many rows were not compared, and the commonest reasons."""
    refused = sum(m.measured_but_refused for m in missed)
    head = f"{compared} rows compared, {refused} refused although measured, {len(missed) - refused} not comparable"
    if fitted:
        head += f"; {fitted} of those compared are in the table that the calibration was fitted to: docs/accuracy.md has the errors on unseen rows"
    counts = sorted(Counter(miss.reason for miss in missed).items(), key=lambda item: (-item[1], item[0]))
    reasons = sheet(((f"  {count:>5}", reason) for reason, count in counts[:SHOWN_REASONS]), width=width)
    more = len(counts) - SHOWN_REASONS
    if more > 0:
        reasons += f"  and {more} more reasons: --format json has them all\n"
    return "\n" + wrapped(head, width=width) + "\n" + reasons + wrapped(_LEGEND, width=width) + "\n"
