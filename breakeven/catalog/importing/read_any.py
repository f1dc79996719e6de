"""One entry for every price list: JSON is genai-prices, the rest is told apart by its header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.catalog.importing.csv_lists import FORMATS
from breakeven.catalog.importing.genai_json import import_apis
from breakeven.catalog.importing.rental_overlay import Imported, Wanted, import_rents
from breakeven.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

__all__ = ["Imported", "Wanted", "read_any"]
GENAI = "genai-prices"


def read_any(path: Path, catalogue: Catalogue, wanted: Wanted) -> Imported:
    """The overlay of a price list. Raises :class:`InputError` for what it cannot read or must ask."""
    known = (*FORMATS, GENAI)
    if wanted.format is not None and wanted.format not in known:
        raise InputError(Problem(f"unknown format {wanted.format!r}", did_you_mean(wanted.format, known), "--format"))
    if wanted.format == GENAI or (wanted.format is None and path.suffix.lower() == ".json"):
        return import_apis(path, catalogue, wanted)
    return import_rents(path, catalogue, wanted)
