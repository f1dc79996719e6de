"""Fit the serving model to the shipped measurements, cross-validate it, and write what was found.

    python scripts/calibrate.py                 refit, cross-validate, write the YAML and docs/accuracy.md
    python scripts/calibrate.py --check         only say whether the shipped figures are those of the table
    python scripts/calibrate.py --also CSV      also fit rows that may not be shipped (their digest is recorded)

Writes breakeven/catalog/data/calibration/serving.yaml and docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parent))

from calibration_bands import REGIMES, Unseen, Validated, bands, error_table
from calibration_fit import (
    GENERATION_FACTORS,
    PARAMETERS,
    SCHEDULING,
    Fit,
    Predicted,
    Row,
    kernel_starts,
    load_rows,
    predict_with,
)
from calibration_operators import OPERATORS, load_operators
from calibration_report import write_report

from breakeven.catalog.store import Catalogue
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.measurements import read_table
from breakeven.serving.grade import architecture, at_capacity_like, coverage, hardware
from breakeven.serving.memory import is_tight

ROOT = Path(__file__).parent.parent
DATA = ROOT / "breakeven" / "catalog" / "data" / "calibration"
TABLE = DATA / "measurements.csv.gz"
TARGET = DATA / "serving.yaml"
REPORT = ROOT / "docs" / "accuracy.md"
FOLDS = 5
SMALLEST_GROUP = 12
VALIDATION_EVALUATIONS = 12  # thirty give the same errors of unseen rows, to a fifth of a per cent


def shipped_table() -> list[dict[str, str]]:
    """The rows of the packaged table."""
    text = gzip.decompress(TABLE.read_bytes()).decode("utf-8")
    return [dict(row) for row in csv.DictReader(io.StringIO(text))]


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def family(row: Row) -> str:
    """Models of one architecture family, which are correlated: the name up to its size or version."""
    name = row.model.id
    for prefix in ("llama-4", "llama", "gpt-oss", "deepseek", "kimi", "qwen3.5", "qwen3", "qwen2", "mixtral"):
        if name.startswith(prefix):
            return prefix
    return name.split("-")[0]


def configuration_fold(row: Row) -> str:
    """A fold that keeps all loads of one configuration together, by a hash that does not change."""
    c = row.config
    key = f"{row.model.id}|{row.accelerator.id}|{c.accelerators}|{c.tp}|{c.pp}|{c.ep}|{c.dp}|{c.weight_precision}|{c.engine}"
    return str(int(hashlib.sha256(key.encode()).hexdigest(), 16) % FOLDS)


def source(row: Row) -> str:
    name = row.measurement.source
    return "InferenceX" if name.startswith("InferenceX") else name


SPLITS: dict[str, Callable[[Row], str]] = {
    "configuration": configuration_fold,
    "accelerator": lambda row: row.accelerator.id,
    "family": family,
    "source": source,
}


def cross_validate(rows: Sequence[Row], splits: Sequence[str], *, kernels: Mapping[tuple[str, str], float]) -> Validated:
    """Signed errors of every row, predicted by a fit that did not see its group.

    Every such fit starts from the textbook values and the timings of experts: one that starts from the fit of all rows and
    stops early still remembers the rows it must not have seen.
    """
    out: Validated = {}
    for split in splits:
        key = _lumped(rows, SPLITS[split])
        found: list[Unseen] = []
        for group in sorted({key(row) for row in rows}):
            seen = [row for row in rows if key(row) != group]
            held = [row for row in rows if key(row) == group]
            fit = Fit(seen, kernels=kernels)
            theta = fit.solve(evaluations=VALIDATION_EVALUATIONS)
            predicted = predict_with(theta, fit.names, held, kernels=kernels)
            found += unseen(held, predicted, covered(seen, {}), group=f"{split} {group}")
            print(f"  {split} {group}: {len(held)} rows, median {np.median(np.abs(predicted.error)):.1%}", flush=True)
        out[split] = found
    return out


def unseen(
    rows: Sequence[Row], predicted: Predicted, known: Mapping[str, tuple[str, ...]], *, group: str
) -> list[Unseen]:
    """Each row with its errors and the key of its band, under a fit that covers ``known``."""
    out = []
    for row, error, ttft, batch, reserve in zip(rows, *predicted, strict=True):
        left = float(row.footprint.memory - row.footprint.weights)
        seen = coverage(
            known, model=row.model, accelerator=row.accelerator, config=row.config, batch_per_rank=float(batch),
            cache_bytes_if_tight=left if is_tight(row.footprint, reserve_bytes=float(reserve)) else None,
        )  # fmt: skip
        out.append(Unseen(row, float(error), float(ttft), seen.band, group, _band_regime(row, float(batch))))
    return out


def _band_regime(row: Row, batch_per_rank: float) -> str:
    """The regime whose band the shipped estimate gives such a row."""
    name = REGIMES[row.measurement.regime]
    if name == "concurrency" and at_capacity_like(batch_per_rank, at_capacity=False):
        return REGIMES["max-throughput"]
    return name


def _lumped(rows: Sequence[Row], key: Callable[[Row], str]) -> Callable[[Row], str]:
    """Groups of a dozen rows and more as they are; all smaller ones held out together."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[key(row)] = counts.get(key(row), 0) + 1
    return lambda row: key(row) if counts[key(row)] >= SMALLEST_GROUP else "(small groups)"


def parameters(fitted: Mapping[tuple[str, str], float], kept: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The fitted values as the catalogue keeps them; factors of generations without rows are carried over."""
    out: dict[str, dict[str, Any]] = {}
    for name, (unit, low, high, _) in PARAMETERS.items():
        out[name] = {"unit": unit, "bounds": [low, high], "base": {}}
    for (name, key), value in fitted.items():
        number = float(f"{np.exp(value):.5g}")
        if ":" not in key:
            out[name]["base"][key] = number
            continue
        group, which = key.split(":", 1)
        if abs(number - 1.0) > 0.002:
            out[name].setdefault(group, {})[which] = number
    for name, entry in out.items():
        bases = [v for k, v in entry["base"].items() if k != "any"]
        entry["base"].setdefault("any", float(f"{np.exp(np.mean(np.log(bases))):.5g}") if bases else PARAMETERS[name][3])
        for generation, factors in kept.items():
            if name in factors and name in GENERATION_FACTORS:
                entry.setdefault("generation", {}).setdefault(generation, factors[name])
    return out


def kept_generations(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """What the shipped calibration has on generations that the table has no rows of."""
    if not TARGET.exists():
        return {}
    data = yaml.safe_load(TARGET.read_text("utf-8"))
    present = {row.accelerator.generation for row in rows}
    return {g: dict(entry) for g, entry in data.get("kept_generations", {}).items() if g not in present}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--also", type=Path, action="append", default=[])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--splits", default="configuration,accelerator,family,source")
    parser.add_argument("--date", default=None, help="date of the calibration; the table's own by default")
    options = parser.parse_args()
    lookup = ServingLookup(Catalogue.load())
    rows = load_rows(shipped_table(), lookup)
    mark = digest(gzip.decompress(TABLE.read_bytes()), gzip.decompress(OPERATORS.read_bytes()))
    if options.check:
        shipped = yaml.safe_load(TARGET.read_text("utf-8"))
        print("calibrated on this table" if shipped["digest"] == mark else "the table changed since the calibration")
        return 0 if shipped["digest"] == mark else 1
    extra = [row for path in options.also for row in load_rows(read_table(path), lookup)]
    kept = kept_generations(rows)
    kernels = kernel_starts(lookup)
    fit = Fit(rows, kernels=kernels)
    theta = fit.solve(evaluations=40)
    # What no row of an engine tells is as the timings of experts have it.
    full = {**kernels, **dict(zip(fit.names, theta, strict=True))}
    predicted = predict_with(theta, fit.names, rows, kernels=kernels)
    print(f"{len(rows)} rows, {len(fit.names)} numbers, median error {np.median(np.abs(predicted.error)):.1%}")
    if extra:
        kept |= fit_generations(rows, extra, full)
    splits = [name for name in options.splits.split(",") if name]
    known = covered(rows, kept)
    validated = cross_validate(rows, splits, kernels=kernels)
    found = bands(validated, SPLITS)
    date = options.date or str(lookup.catalogue.released)
    document = {
        "id": "serving",
        "date": date,
        "digest": mark,
        "note": "Fitted by scripts/calibrate.py on measurements.csv.gz and operators.csv.gz; see docs/accuracy.md. Do not edit by hand.",
        "parameters": parameters(full, {g: entry["factors"] for g, entry in kept.items()}),
        "scheduling": SCHEDULING,
        "bands": found,
        "covered": {name: list(values) for name, values in known.items()},
        "kept_generations": kept,
        "errors": error_table({"in sample": unseen(rows, predicted, known, group="all"), **validated}, found),
    }
    TARGET.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110), "utf-8")
    write_report(
        REPORT, document, rows=len(rows), operators=len(load_operators(lookup)),
        ttft=float(np.nanmedian(np.abs(predicted.ttft_error))),
    )  # fmt: skip
    return 0


def fit_generations(
    rows: Sequence[Row], extra: Sequence[Row], full: dict[tuple[str, str], float]
) -> dict[str, dict[str, Any]]:
    """Factors of generations that only rows which may not be shipped describe; everything else stays as fitted."""
    present = {row.accelerator.generation for row in rows}
    out: dict[str, dict[str, Any]] = {}
    for generation in sorted({row.accelerator.generation for row in extra} - present):
        mine = [row for row in extra if row.accelerator.generation == generation]
        if len(mine) < 10:
            continue
        fit = Fit(mine, kernels={})
        fit.start = np.array([full.get(n, s) for n, s in zip(fit.names, fit.start, strict=True)])
        fit.spread = np.array([0.5 if k.startswith("generation:") else 1e-3 for _, k in fit.names])
        theta = fit.solve(start=dict(zip(fit.names, fit.start, strict=True)), evaluations=40)
        factors = {
            n: float(f"{np.exp(v):.5g}")
            for (n, k), v in zip(fit.names, theta, strict=True)
            if k.startswith("generation:") and abs(v) > 0.002
        }
        sources = sorted({row.measurement.source for row in mine})
        machines = sorted({hardware(row.accelerator) for row in mine})
        out[generation] = {"factors": factors, "rows": len(mine), "sources": sources, "hardware": machines}
    return out


def covered(rows: Sequence[Row], kept: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What a fit of these rows has seen, for the grades.

    A batch handed over at once says little of a steady load, and one request at a time says nothing of compute: hardware
    and architectures count as measured where a concurrency above one or a maximum throughput was.
    """
    steady = [
        row for row in rows
        if row.measurement.regime == "max-throughput" or (row.measurement.point.concurrency or 0.0) > 1.0
    ]  # fmt: skip
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.accelerator.generation] = counts.get(row.accelerator.generation, 0) + 1
    attention = {"linear" for r in rows if r.model.linear.count} | {"sparse" for r in rows if r.model.sparse_top_k}
    engines = {r.config.engine for r in rows}
    return {
        "engines": tuple(sorted(e for e in engines if sum(r.config.engine == e for r in rows) >= 10)),
        "generations": tuple(sorted({g for g, n in counts.items() if n >= 5} | set(kept))),
        "attention": tuple(sorted(attention)),
        "hardware": tuple(sorted(
            {hardware(r.accelerator) for r in steady} | {name for entry in kept.values() for name in entry["hardware"]}
        )),
        "architectures": tuple(sorted({architecture(r.model) for r in steady})),
    }


if __name__ == "__main__":
    sys.exit(main())
