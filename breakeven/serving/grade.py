"""How much to trust a figure: grades A to D, and the 80 % band that goes with each.

A  the user's own benchmark of this model on this hardware
B  a published measurement of the same configuration
C  the calibrated model, where the calibration covers architecture, hardware and engine
D  the model outside its calibration
"""

from __future__ import annotations

from breakeven.serving.calibration import BandWidth, Calibration
from breakeven.serving.spec import AcceleratorSpec, Band, ModelSpec, ServingConfig

MAX_COVERED_STAGES = 3
MAX_COVERED_BATCH = 256.0
MAX_COVERED_BATCH_AT_CAPACITY = 2048.0
_WIDEST = BandWidth(low=0.5, high=2.0)


def outside_calibration(
    calibration: Calibration,
    *,
    model: ModelSpec,
    accelerator: AcceleratorSpec,
    config: ServingConfig,
    batch_per_rank: float,
    at_capacity: bool,
) -> tuple[str, ...]:
    """Reasons why the calibration does not cover this; empty when it does."""
    reasons = []
    covered = calibration.covered
    if config.engine not in covered.get("engines", ()):
        reasons.append(f"no measurement of the engine {config.engine}: the default factors are used")
    if accelerator.generation not in covered.get("generations", ()):
        reasons.append(f"no measurement on {accelerator.generation} hardware")
    if model.linear.count and "linear" not in covered.get("attention", ()):
        reasons.append("linear-attention or state-space layers are outside the calibration")
    if model.sparse_top_k and "sparse" not in covered.get("attention", ()):
        reasons.append("sparse attention is outside the calibration")
    if config.pp > MAX_COVERED_STAGES:
        reasons.append("pipeline parallelism of four or more is outside the calibration")
    limit = MAX_COVERED_BATCH_AT_CAPACITY if at_capacity else MAX_COVERED_BATCH
    if batch_per_rank > limit:
        reasons.append(f"more than {limit:.0f} sequences per batch is outside the calibration")
    if config.accelerators_per_copy > accelerator.scale_up_count:
        reasons.append("several nodes are outside the calibration")
    return tuple(reasons)


def band_width(
    calibration: Calibration, *, metric: str, model: ModelSpec, grade: str, at_capacity: bool
) -> BandWidth:
    """The learned 80 % band of ``throughput`` or ``tpot``.

    Bands are learned on what was measured: time per token at a fixed concurrency, throughput at
    capacity. The other figure of the same answer is nearly its reciprocal, and so is its band.
    """
    kind = "moe" if model.is_moe else "dense"
    regime = "capacity" if at_capacity else "concurrency"
    learned = calibration.bands.get(f"{regime}-{kind}-{grade}", _WIDEST)
    if (metric == "throughput") == at_capacity:
        return learned
    return BandWidth(low=1.0 / learned.high, high=1.0 / learned.low, rows=learned.rows)


def burst_band(calibration: Calibration, *, model: ModelSpec, grade: str) -> BandWidth:
    """The learned band of a batch that is handed over at once, and ends with its longest request."""
    kind = "moe" if model.is_moe else "dense"
    learned = calibration.bands.get(f"burst-{kind}-{grade}")
    return learned or band_width(calibration, metric="throughput", model=model, grade=grade, at_capacity=True)


def ttft_factors(calibration: Calibration) -> tuple[float, float]:
    """Low and high of a mean TTFT over its estimate."""
    learned = calibration.bands.get("ttft", _WIDEST)
    return learned.low, learned.high


def banded(value: float, width: BandWidth) -> Band:
    """The figure with its band.

    >>> banded(100.0, BandWidth(0.9, 1.2))
    Band(low=90.0, typical=100.0, high=120.0)
    """
    return Band(low=value * width.low, typical=value, high=value * width.high)
