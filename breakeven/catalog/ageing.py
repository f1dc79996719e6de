"""Which facts grow old: a price does, a datasheet does not."""

from __future__ import annotations

import datetime as dt

# What describes a thing does not age as a price does: a datasheet of 2022 is as good as new.
TIMELESS = frozenset({"specs", "architectures", "power", "observations", "trends", "shapes", "series"})


def ages(source_id: str) -> bool:
    """Whether the record of this id is a price or a figure that goes out of date.

    >>> ages("sites/de#figures[0]"), ages("models/bloom#architectures[0]"), ages("genai-prices/openai/gpt-5@2026-01-01")
    (True, False, True)
    """
    field = source_id.rpartition("#")[2].rpartition(".")[2].partition("[")[0]
    return field not in TIMELESS


def beyond_release(released: dt.date, as_of: dt.date) -> str | None:
    """What to warn of where the facts are asked for a day on which the catalogue was not written yet."""
    days = (as_of - released).days
    if days <= 0:
        return None
    return f"the catalogue was released on {released}, {days} days before {as_of}: prices announced since are not in it"
