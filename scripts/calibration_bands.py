"""80 % bands and the error table, from errors of rows that a fit had not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from calibration_fit import Row

from breakeven.serving.grade import BEYOND, COVERED, NEW_ARCHITECTURE, NEW_BOTH, NEW_HARDWARE

HELD = 0.8
# Beyond the measured loads, layouts and hardware a band is this much wider, in logarithms, where too few rows say how much.
BEYOND_WIDENING = 1.5
FEWEST_ROWS = 20
FEWEST_GROUPS = 2
LEAST_HALF_WIDTH = 0.03
# A group of more than this share of the rows cannot be left out fairly: nothing replaces it.
LARGEST_FAIR_SHARE = 0.25
# Splits whose unseen rows are what a user's question is: a new configuration, accelerator, family or source.
BAND_SPLITS = ("configuration", "accelerator", "family", "source")
# The band of a regime's measurements, and the one stated for a measurement of the same configuration:
# two sources of one configuration agree within about 10 %, two releases of one within a few per cent.
REGIMES = {"fixed-concurrency": "concurrency", "max-throughput": "capacity", "offline-batch": "burst"}
STATED = {"B": (0.88, 1.12), "A": (0.95, 1.05)}


class Unseen(NamedTuple):
    """One row with its signed errors, predicted / measured - 1; ``ttft_error`` is nan where TTFT was not measured.

    ``band`` is the key of the band that the fit which had not seen the row gives its answer, ``regime`` the part of
    the bands it is looked up in; ``group`` names what was left out.
    """

    row: Row
    error: float
    ttft_error: float
    band: str
    group: str
    regime: str  # of its band: concurrency, capacity or burst


Validated = dict[str, list[Unseen]]


def kind_of(row: Row) -> str:
    return "moe" if row.model.is_moe else "dense"


def bands(validated: Validated, keys: dict[str, Callable[[Row], str]]) -> dict[str, dict[str, float]]:
    """Bands as factors on the prediction, by regime, architecture and coverage; ``ttft`` for the mean TTFT.

    A band is as wide upwards as downwards (in logarithms): which way the unseen families of a dozen miss says
    little about the next one, and a fit without a group is drawn towards its prior, which the shipped one is not.
    """
    pooled = [item for split in BAND_SPLITS if split in validated for item in validated[split]]
    seen = [item for split in BAND_SPLITS if split in validated for item in fair(validated[split], keys[split])]
    out: dict[str, dict[str, float]] = {}
    for name in REGIMES.values():
        for kind in ("dense", "moe"):
            def of(items: Sequence[Unseen], band: str, name: str = name, kind: str = kind) -> list[Unseen]:
                return [i for i in items if i.band == band and i.regime == name and kind_of(i.row) == kind]

            known = of(seen, COVERED)
            if not known:
                continue
            rows = {COVERED: known}
            half = {COVERED: max(_half_width(known), LEAST_HALF_WIDTH)}
            for band in (NEW_ARCHITECTURE, NEW_HARDWARE):
                rows[band] = of(seen, band)
                if len({i.group for i in rows[band]}) < FEWEST_GROUPS:  # unfair groups are better than one
                    rows[band] = of(pooled, band)
                half[band] = max(half[COVERED], _half_width(rows[band]))
            rows[NEW_BOTH], rows[BEYOND] = of(seen, NEW_BOTH), of(seen, BEYOND)
            half[NEW_BOTH] = max(half[NEW_ARCHITECTURE], half[NEW_HARDWARE])
            half[BEYOND] = BEYOND_WIDENING * half[NEW_BOTH]
            if _distinct(rows[BEYOND]) >= FEWEST_ROWS:
                half[BEYOND] = max(half[NEW_BOTH], _half_width(rows[BEYOND]))
            for band, width in half.items():
                out[f"{name}-{kind}-{band}"] = {
                    "low": rounded(float(np.exp(-width))), "high": rounded(float(np.exp(width))), "rows": _distinct(rows[band])
                }  # fmt: skip
            if name != "burst":
                for grade, (low, high) in STATED.items():
                    out[f"{name}-{kind}-{grade}"] = {"low": low, "high": high, "rows": 0}
    first = [1.0 / (1.0 + i.ttft_error) for i in seen if np.isfinite(i.ttft_error)]
    if first:
        low, high = (float(np.quantile(first, q)) for q in ((1.0 - HELD) / 2.0, (1.0 + HELD) / 2.0))
        out["ttft"] = {"low": rounded(low), "high": rounded(high), "rows": len(first)}
    return out


def _distinct(items: Sequence[Unseen]) -> int:
    return len({item.row.measurement.id for item in items})


def _half_width(items: Sequence[Unseen]) -> float:
    """Half the width, in logarithms, of the band that holds :data:`HELD` of them; 0 of none."""
    return float(np.quantile(np.abs(np.log1p([i.error for i in items])), HELD)) if items else 0.0


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
        by: dict[tuple[str, str], list[Unseen]] = {}
        for item in items:
            by.setdefault((item.row.measurement.regime, kind_of(item.row)), []).append(item)
        for (regime, kind), members in sorted(by.items(), key=lambda pair: (pair[0][0], pair[0][1] != "moe")):
            errors = np.array([item.error for item in members])
            absolute, ratios = np.abs(errors), 1.0 / (1.0 + errors)
            widths = [found[f"{item.regime}-{kind}-{item.band}"] for item in members]
            low, high = (np.array([width[end] for width in widths]) for end in ("low", "high"))
            out.append({
                "split": split, "regime": regime, "kind": "MoE" if kind == "moe" else kind, "rows": len(errors),
                "median_abs_error": rounded(float(np.median(absolute))),
                "p90_abs_error": rounded(float(np.quantile(absolute, 0.9))),
                "median_error": rounded(float(np.median(errors))),
                "band_ratio": rounded(float(np.median(high / low))),
                "hold_share": rounded(float(np.mean((ratios >= low) & (ratios <= high)))),
            })  # fmt: skip
    return out
