"""How much to trust a figure: grades A to D, and the 80 % band that goes with each.

A  the user's own benchmark of this model on this hardware
B  a published measurement of the same configuration
C  the calibrated model, where the calibration covers architecture, hardware and engine
D  the model outside its calibration

Within D there are bands of their own for an architecture that no measurement is of, for an accelerator that
none is of, for both at once, and for a load, layout, engine or hardware generation beyond the measured ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from breakeven.serving.calibration import BandWidth, Calibration
from breakeven.serving.spec import AcceleratorSpec, Band, ModelSpec, ServingConfig

MAX_COVERED_STAGES = 3
# Sequences a rank decodes at once: most that rows at a fixed concurrency have, and that rows at capacity have.
MAX_BATCH_AT_CONCURRENCY = 256.0
MAX_COVERED_BATCH = 2048.0
_WIDEST = BandWidth(low=0.5, high=2.0)

# Keys of the learned bands.
COVERED, NEW_ARCHITECTURE, NEW_HARDWARE, NEW_BOTH, BEYOND = "C", "D", "D-hardware", "D-both", "D-beyond"


class Coverage(Struct, frozen=True):
    """Whether the calibration covers a question: the key of its band, and what it does not cover."""

    band: str
    reasons: tuple[str, ...] = ()

    @property
    def grade(self) -> str:
        return self.band[0]


def architecture(model: ModelSpec) -> str:
    """The sizes that the serving model works with: equal for a model and its fine-tunes, whatever their names."""
    attention = f"{model.attention}{model.query_heads}-{model.kv_heads}x{model.head_dim}"
    if model.attention == "mla":
        attention += f"r{model.mla_q_rank}-{model.mla_kv_rank}"
    if model.windowed_attention_layers:
        attention += f"w{model.windowed_attention_layers}x{model.window}"
    if model.linear.count:
        attention += f"l{model.linear.count}x{model.linear.state_bytes_per_layer:.4g}"
    experts = f"-{model.experts}x{model.expert_intermediate}of{model.experts_per_token}" if model.is_moe else ""
    if model.is_moe and model.shared_expert_intermediate:
        experts += f"+{model.shared_expert_intermediate}"
    ffn = f"-{model.ffn_intermediate}" if model.dense_ffn_layers else ""
    return f"{model.layers}x{model.hidden}-{attention}{ffn}{experts}"


def at_capacity_like(batch_per_rank: float, *, at_capacity: bool) -> bool:
    """Whether the bands of capacity apply: at it, or at more sequences a rank than rows at a fixed concurrency have."""
    return at_capacity or batch_per_rank > MAX_BATCH_AT_CONCURRENCY


def hardware(accelerator: AcceleratorSpec) -> str:
    """What makes accelerators alike to the serving model: generation, memory bandwidth and 16-bit rate."""
    rate = accelerator.flop_per_s.get("f16", 0.0)
    return f"{accelerator.generation}-{accelerator.memory_bytes_per_s:.4g}-{rate:.4g}"


def knowing(calibration: Calibration, model: ModelSpec, accelerator: AcceleratorSpec, *, engine: str) -> Calibration:
    """The calibration, where the user's own benchmark has made this architecture, hardware and engine measured ones."""
    covered = dict(calibration.covered)
    for name, one in (
        ("architectures", architecture(model)), ("hardware", hardware(accelerator)),
        ("generations", accelerator.generation), ("engines", engine),
    ):  # fmt: skip
        covered[name] = (*covered.get(name, ()), one)
    return replace(calibration, covered=covered)


def coverage(
    covered: Mapping[str, tuple[str, ...]],
    *,
    model: ModelSpec,
    accelerator: AcceleratorSpec,
    config: ServingConfig,
    batch_per_rank: float,
    cache_bytes_if_tight: float | None = None,
    speculating: bool = False,
) -> Coverage:
    """Whether ``covered``, a calibration's own list, holds this question.

    ``batch_per_rank``: sequences a rank decodes at once, drafted tokens counted as sequences.
    ``cache_bytes_if_tight``: what the weights leave, where that is less than engines usually keep.
    """
    reasons = []
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
    if batch_per_rank > MAX_COVERED_BATCH:
        reasons.append(f"more than {MAX_COVERED_BATCH:,.0f} sequences per batch is outside the calibration")
    if speculating:
        reasons.append("no measurement with speculative decoding is in the calibration")
    if config.accelerators_per_copy > accelerator.scale_up_count:
        reasons.append("several nodes are outside the calibration")
    if cache_bytes_if_tight is not None:
        reasons.append(
            f"the weights leave {cache_bytes_if_tight / 1e9:.1f} GB per accelerator, less than engines usually keep for "
            "themselves and the cache: no measurement covers it, and an engine may not start"
        )
    beyond = bool(reasons)
    new_model = architecture(model) not in covered.get("architectures", ())
    new_machine = hardware(accelerator) not in covered.get("hardware", ())
    if new_machine and accelerator.generation in covered.get("generations", ()):
        reasons.insert(0, f"no measurement on this accelerator, but on others of its generation ({accelerator.generation})")
    if new_model:
        reasons.insert(0, "no measurement of a model of this architecture")
    if beyond:
        return Coverage(BEYOND, tuple(reasons))
    band = NEW_BOTH if new_model and new_machine else NEW_ARCHITECTURE if new_model else NEW_HARDWARE if new_machine else COVERED
    return Coverage(band, tuple(reasons))


def band_width(
    calibration: Calibration, *, metric: str, model: ModelSpec, band: str, at_capacity: bool
) -> BandWidth:
    """The 80 % band of ``throughput`` or ``tpot``; ``band`` is that of a :class:`Coverage`, or the grade A or B.

    Bands are learned on what was measured: time per token at a fixed concurrency, throughput at
    capacity. The other figure of the same answer is nearly its reciprocal, and so is its band.
    """
    kind = "moe" if model.is_moe else "dense"
    regime = "capacity" if at_capacity else "concurrency"
    learned = calibration.bands.get(f"{regime}-{kind}-{band}", _WIDEST)
    if (metric == "throughput") == at_capacity:
        return learned
    return BandWidth(low=1.0 / learned.high, high=1.0 / learned.low, rows=learned.rows)


def burst_band(calibration: Calibration, *, model: ModelSpec, band: str) -> BandWidth:
    """The learned band of a batch that is handed over at once, and ends with its longest request."""
    kind = "moe" if model.is_moe else "dense"
    learned = calibration.bands.get(f"burst-{kind}-{band}")
    return learned or band_width(calibration, metric="throughput", model=model, band=band, at_capacity=True)


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
