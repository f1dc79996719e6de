"""Every compared row as CSV, for a closer look."""

from __future__ import annotations

import csv
import io

from breakeven.offers.accuracy import Compared, Missed

COLUMNS = (
    "id", "source", "model", "accelerator", "n_accelerators", "engine", "weight_precision", "regime", "metric",
    "input_tokens", "output_tokens", "concurrency", "measured", "predicted", "error", "low", "high", "held", "grade",
    "ttft_error", "missed",
)  # fmt: skip


def render_rows(compared: list[Compared], missed: list[Missed]) -> str:
    """One line per row; a row without a prediction has the reason in ``missed``."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for c in compared:
        p = c.row.point
        writer.writerow([
            c.row.id, c.row.source, p.model, c.accelerator, c.accelerators, c.row.engine, c.weight_precision,
            c.row.regime, c.row.metric, p.input_tokens, p.output_tokens,
            p.concurrency if p.concurrency is not None else c.row.batch_requests or "", c.row.measured, c.predicted,
            c.error, c.low, c.high, "yes" if c.holds else "no", c.grade,
            "" if c.ttft_error is None else c.ttft_error, "",
        ])  # fmt: skip
    for m in missed:
        writer.writerow([m.id, *[""] * (len(COLUMNS) - 2), m.reason])
    return stream.getvalue()
