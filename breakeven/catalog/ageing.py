"""Which facts grow old: a price does, a datasheet does not."""

from __future__ import annotations

# What describes a thing does not age as a price does: a datasheet of 2022 is as good as new.
TIMELESS = frozenset({"specs", "architectures", "power", "observations", "trends", "shapes", "series"})


def ages(source_id: str) -> bool:
    """Whether the record of this id is a price or a figure that goes out of date.

    >>> ages("sites/de#figures[0]"), ages("models/bloom#architectures[0]"), ages("genai-prices/openai/gpt-5@2026-01-01")
    (True, False, True)
    """
    field = source_id.rpartition("#")[2].rpartition(".")[2].partition("[")[0]
    return field not in TIMELESS
