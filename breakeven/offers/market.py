"""What renting an accelerator costs today, over every quote on file."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

QUOTE_DAYS = 300  # older observations belong to the trend, not to today's market


def current_quotes(catalogue: Catalogue, as_of: dt.date, *, accelerator: str, term: str) -> list[tuple[float, str, str]]:
    """(USD per GPU-hour, source id, provider) of every quote on file of the last QUOTE_DAYS days; cheapest first.

    Every dated observation counts, also two of one provider by different sources and the published
    on-demand indices: the spread between them is part of what a buyer meets.
    """
    rows = [
        (cited.record.usd_per_gpu_hour.typical, cited.source_id, cited.thing_id)
        for cited in catalogue.quotes(accelerator=accelerator, term=term, as_of=as_of)
        if (as_of - cited.record.effective).days <= QUOTE_DAYS
    ]
    return sorted(rows)
