"""From catalogue records to the plain structs the serving model takes."""

from __future__ import annotations

from pathlib import Path

from breakeven import yamlio
from breakeven.catalog.records import Accelerator, ModelArchitecture
from breakeven.catalog.records import AcceleratorSpec as AcceleratorRecord
from breakeven.errors import InputError
from breakeven.serving.calibration import Calibration
from breakeven.serving.spec import AcceleratorSpec, LinearLayers, ModelSpec

# A datasheet's "80 GB" is 80 GiB less what ECC and the driver keep: an H100 reports 81,559 MiB.
# Where a record does not state what the device reports, this share of the GiB figure is assumed.
_REPORTED_SHARE_OF_GIB = 0.985
_UNIFIED_MEMORY_SHARE = 0.75
_PCIE_BYTES_PER_S = 32e9
_HBM_FLOOR_GB_PER_S = 2500.0


def model_spec(record: ModelArchitecture, *, model_id: str) -> ModelSpec:
    """The architecture of a catalogue model. Fields a config leaves out follow from the others."""
    is_moe = record.architecture == "moe"
    layers = record.layers
    linear = record.linear_attention_layers or 0
    windowed = record.windowed_attention_layers or 0
    full = record.full_attention_layers
    if full is None:
        full = layers - linear - windowed
    if is_moe:
        dense_layers = record.dense_layers or 0
        moe_layers = record.moe_layers if record.moe_layers is not None else layers - dense_layers
    else:
        dense_layers = record.dense_layers if record.dense_layers is not None else layers
        moe_layers = 0
    shared = record.shared_expert_intermediate or 0
    if not shared and record.shared_experts:
        shared = record.shared_experts * (record.moe_intermediate or 0)
    return ModelSpec(
        id=model_id,
        layers=layers,
        hidden=record.hidden,
        query_heads=record.query_heads,
        kv_heads=record.kv_heads or record.query_heads,
        head_dim=record.head_dim or record.hidden // record.query_heads,
        vocabulary=record.vocabulary,
        attention="mla" if record.attention == "mla" else "gqa",
        mla_q_rank=record.mla_q_lora_rank or 0,
        mla_kv_rank=record.mla_kv_lora_rank or 0,
        mla_rope_dim=record.mla_qk_rope_head_dim or 0,
        mla_nope_dim=record.mla_qk_nope_head_dim or 0,
        mla_value_dim=record.mla_v_head_dim or 0,
        ffn_intermediate=record.ffn_intermediate or 0,
        ffn_matrices=record.ffn_matrices,
        dense_ffn_layers=dense_layers,
        moe_layers=moe_layers,
        experts=record.experts or 0,
        experts_per_token=record.experts_per_token or 0,
        expert_intermediate=record.moe_intermediate or 0,
        expert_matrices=record.expert_matrices,
        expert_hidden=record.expert_hidden or 0,
        shared_expert_intermediate=shared,
        full_attention_layers=full,
        windowed_attention_layers=windowed,
        window=record.sliding_window or 0,
        linear=LinearLayers(
            count=linear,
            params_per_layer=record.linear_params_per_layer or 0.0,
            state_bytes_per_layer=record.linear_state_bytes_per_layer or 0.0,
        ),
        sparse_top_k=record.sparse_attention_top_k or 0,
        sparse_index_dim=int(record.sparse_index_bytes_per_token or 0),
        qk_norm_over_heads=bool(record.qk_norm_over_heads),
        tied_embeddings=bool(record.tie_embeddings),
        native_precision=record.native_precision,
        max_context_tokens=record.max_context_tokens,
        stated_total_params=record.total_params_b * 1e9 if record.total_params_b else None,
    )


def accelerator_spec(thing: Accelerator, record: AcceleratorRecord) -> AcceleratorSpec:
    """The datasheet of one accelerator in SI units."""
    rates = record.dense_tflops
    classes = {"f16": rates.bf16, "f8": rates.fp8, "f4": rates.fp4, "i8": rates.int8}
    if not rates.bf16:
        raise InputError(
            f"{thing.id} has no published tensor rate, so nothing can be computed for it",
            fix="add dense_tflops.bf16 in a catalogue overlay, or choose another accelerator",
        )
    vendor = thing.vendor.strip().lower()
    usable = record.usable_memory_bytes
    if usable is None:
        usable = record.memory_gb * 2.0**30 * _REPORTED_SHARE_OF_GIB if vendor == "nvidia" else record.memory_gb * 1e9
    if vendor == "apple":
        usable *= _UNIFIED_MEMORY_SHARE
    link = (record.interconnect_gb_per_s_per_direction or 0.0) * 1e9 or _PCIE_BYTES_PER_S
    consumer = (thing.form_factor or "").startswith("consumer") or thing.id.startswith("rtx-4090")
    return AcceleratorSpec(
        id=thing.id,
        vendor=vendor,
        generation=_kernel_generation(thing.generation, record.memory_bandwidth_gb_per_s),
        usable_memory_bytes=usable,
        memory_bytes_per_s=record.memory_bandwidth_gb_per_s * 1e9,
        flop_per_s={name: value * 1e12 for name, value in classes.items() if value},
        link_bytes_per_s=link,
        scale_up_count=record.scale_up_domain_count or 8,
        tdp_w=record.tdp_w,
        peer_to_peer=not consumer,
    )


def _kernel_generation(generation: str | None, memory_bandwidth_gb_per_s: float) -> str:
    """The generation whose kernels an accelerator runs.

    Blackwell cards with GDDR memory (RTX) have other tensor cores than B200 and run other kernels;
    Blackwell Ultra runs Blackwell's.
    """
    name = (generation or "unknown").strip().lower()
    if name.startswith("blackwell"):
        return "blackwell-rtx" if memory_bandwidth_gb_per_s < _HBM_FLOOR_GB_PER_S else "blackwell"
    return name


def load_calibration(path: Path | None = None) -> Calibration:
    """The shipped calibration, or one of the same format elsewhere."""
    if path is None:
        path = Path(__file__).parent.parent / "catalog" / "data" / "calibration" / "serving.yaml"
    return Calibration.from_mapping(yamlio.load_path(path).data)
