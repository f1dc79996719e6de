"""80 % bands and the error table, from errors of rows that a fit had not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from calibration_fit import Row

BAND_LOW, BAND_HIGH = 0.1, 0.9
# Outside the calibration a band is at least this much wider, in logarithms, than inside it.
OUTSIDE_WIDENING = 1.5
# A group of more than this share of the rows cannot be left out fairly: nothing replaces it.
LARGEST_FAIR_SHARE = 0.25
# Splits whose unseen rows are what a user's question is: a new configuration, accelerator, family or source.
BAND_SPLITS = ("configuration", "accelerator", "family", "source")
# The band of a regime's measurements, and the one stated for a measurement of the same configuration:
# two sources of one configuration agree within about 10 %, two releases of one within a few per cent.
REGIMES = {"fixed-concurrency": "concurrency", "max-throughput": "capacity", "offline-batch": "burst"}
STATED = {"B": (0.88, 1.12), "A": (0.95, 1.05)}


class Unseen(NamedTuple):
    """One row with its signed errors, predicted / measured - 1; ``ttft_error`` is nan where TTFT was not measured."""

    row: Row
    error: float
    ttft_error: float


Validated = dict[str, list[Unseen]]


def kind_of(row: Row) -> str:
    return "moe" if row.model.is_moe else "dense"


def bands(validated: Validated, keys: dict[str, Callable[[Row], str]]) -> dict[str, dict[str, float]]:
    """Bands as factors on the prediction, by regime, architecture and grade; ``ttft`` for the mean TTFT."""
    seen = [
        item
        for split in BAND_SPLITS
        if split in validated
        for item in fair(validated[split], keys[split])
    ]  # fmt: skip
    out: dict[str, dict[str, float]] = {}
    for regime, name in REGIMES.items():
        for kind in ("dense", "moe"):
            errors = [i.error for i in seen if i.row.measurement.regime == regime and kind_of(i.row) == kind]
            if not errors:
                continue
            for grade, power in (("C", 1.0), ("D", OUTSIDE_WIDENING)):
                out[f"{name}-{kind}-{grade}"] = _band(errors, power=power)
            if name != "burst":
                for grade, (low, high) in STATED.items():
                    out[f"{name}-{kind}-{grade}"] = {"low": low, "high": high, "rows": 0}
    first = [i.ttft_error for i in seen if np.isfinite(i.ttft_error)]
    if first:
        out["ttft"] = _band(first, power=1.0)
    return out


def _band(errors: Sequence[float], *, power: float) -> dict[str, float]:
    ratios = [1.0 / (1.0 + error) for error in errors]
    low, high = (float(np.quantile(ratios, q)) for q in (BAND_LOW, BAND_HIGH))
    low, high = min(low, 0.97), max(high, 1.03)
    return {"low": rounded(low**power), "high": rounded(high**power), "rows": len(ratios)}


def fair(items: Sequence[Unseen], key: Callable[[Row], str]) -> list[Unseen]:
    """Without groups so large that the fit without them is another calibration, not this one."""
    counts: dict[str, int] = {}
    for item in items:
        counts[key(item.row)] = counts.get(key(item.row), 0) + 1
    return [item for item in items if counts[key(item.row)] <= LARGEST_FAIR_SHARE * len(items)]


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


def error_table(groups: Validated, found: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Median and 90th percentile of the absolute error, bias, and the share of rows that the band holds."""
    out = []
    for split, items in groups.items():
        by: dict[tuple[str, str], list[float]] = {}
        for item in items:
            by.setdefault((item.row.measurement.regime, kind_of(item.row)), []).append(item.error)
        for (regime, kind), errors in sorted(by.items(), key=lambda pair: (pair[0][0], pair[0][1] != "moe")):
            absolute, ratios = np.abs(errors), 1.0 / (1.0 + np.array(errors))
            band = found[f"{REGIMES[regime]}-{kind}-C"]
            out.append({
                "split": split, "regime": regime, "kind": "MoE" if kind == "moe" else kind, "rows": len(errors),
                "median_abs_error": rounded(float(np.median(absolute))),
                "p90_abs_error": rounded(float(np.quantile(absolute, 0.9))),
                "median_error": rounded(float(np.median(errors))),
                "band_ratio": rounded(band["high"] / band["low"]),
                "hold_share": rounded(float(np.mean((ratios >= band["low"]) & (ratios <= band["high"])))),
            })  # fmt: skip
    return out
