"""A file of ``benchmark import``, read back: what it is of and how it moves the shipped calibration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from breakeven import yamlio
from breakeven.errors import InputError, Problem
from breakeven.serving.refit import GROUPS

_WANTED = ("model", "accelerator", "accelerators", "engine", "multipliers", "benchmark")


class OwnFit(Struct, frozen=True):
    """One configuration's multipliers on the shipped parameters."""

    benchmark: str  # the result file they come from
    model: str
    accelerator: str
    accelerators: int
    engine: str
    multipliers: Mapping[str, float]


def read_own_fit(path: Path) -> OwnFit:
    """Raises :class:`InputError` for a file that ``benchmark import -o`` did not write."""
    data = yamlio.load_path(path).data
    if not isinstance(data, dict) or any(key not in data for key in _WANTED):
        raise InputError(Problem("is not a file of 'breakeven benchmark import'", "write one with -o", str(path)))
    multipliers, count = data["multipliers"], data["accelerators"]
    known = ("time", *GROUPS)
    if not isinstance(multipliers, dict) or not all(
        key in known and isinstance(value, (int, float)) and 0.05 < value < 20 for key, value in multipliers.items()
    ):
        raise InputError(Problem("has multipliers outside 0.05 to 20 or of unknown name", "write it anew with -o", str(path)))
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(Problem("has no whole number of accelerators", "write it anew with -o", str(path)))
    words = [str(data[name]) for name in ("benchmark", "model", "accelerator")]
    factors = {name: float(value) for name, value in multipliers.items()}
    return OwnFit(words[0], words[1], words[2], count, str(data["engine"]), factors)
