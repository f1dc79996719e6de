"""Remarks beside the table of crossovers: pairs whose first stretch is so narrow that nobody can plan for it."""

from __future__ import annotations

from collections.abc import Mapping

from breakeven.compare.result import Comparison
from breakeven.compare.stretches import narrow_words


def narrow_remarks(result: Comparison, names: Mapping[str, str]) -> list[str]:
    """One remark for each pair with a narrow first stretch; ``names`` words an offer's id."""
    said = ((found, narrow_words(found)) for found in result.crossovers)
    return [
        f"{names.get(found.self_host, found.self_host)} over {names.get(found.api, found.api)}: {words}."
        for found, words in said
        if words is not None
    ]
