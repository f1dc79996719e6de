"""Which bytes a weight takes and at which peak rate it multiplies, on a given accelerator."""

from __future__ import annotations

from msgspec import Struct

from breakeven.errors import InputError
from breakeven.serving.spec import AcceleratorSpec, ModelSpec

# Bytes per parameter, block scales included: a 4-bit float with an 8-bit scale per 16 (NVFP4) or
# per 32 values (MXFP4), a 4-bit integer with a 16-bit scale and zero per 128.
BYTES_PER_PARAM = {
    "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "w8a8": 1.0, "w8a16": 1.0,
    "int4": 0.53, "int4-awq": 0.53, "int4-gptq": 0.53, "w4a16": 0.53, "nvfp4": 0.5625, "mxfp4": 0.53125,
}  # fmt: skip
KV_BYTES = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0}
_SPELLINGS = {
    "bfloat16": "bf16", "float16": "fp16", "half": "fp16", "fp16/bf16": "fp16", "fp32/fp16": "fp16", "e4m3": "fp8",
    "fp8_e4m3": "fp8", "float8": "fp8", "mxfp8": "fp8", "awq": "int4-awq", "gptq": "int4-gptq", "fp4": "nvfp4",
}  # fmt: skip
# The compute class each precision wants; the hardware decides whether it gets it.
_WANTS = {
    "bf16": "f16", "fp16": "f16", "fp8": "f8", "int8": "i8", "w8a8": "i8", "w8a16": "f16", "int4": "f16",
    "int4-awq": "f16", "int4-gptq": "f16", "w4a16": "f16", "nvfp4": "f4", "mxfp4": "f8",
}  # fmt: skip


class Numerics(Struct, frozen=True):
    """Resolved precision of the two kinds of weights: routed experts, and everything else."""

    dense_bytes: float
    dense_class: str
    expert_bytes: float
    expert_class: str
    attention_bytes: float
    attention_class: str
    kv_bytes: float
    note: str | None = None


def normalise(precision: str) -> str:
    """One spelling per precision.

    >>> normalise("bfloat16"), normalise("FP8")
    ('bf16', 'fp8')
    """
    text = precision.strip().lower()
    # "int4 (QAT, MoE) / bf16 rest", "mxfp4 (MoE weights), bf16 rest": the first word decides.
    text = text.split(" ")[0].rstrip(",")
    text = _SPELLINGS.get(text, text)
    if text not in BYTES_PER_PARAM:
        raise InputError(f"unknown weight precision {precision!r}", fix="known: " + ", ".join(sorted(BYTES_PER_PARAM)))
    return text


def normalise_kv(precision: str) -> str:
    """One spelling per KV-cache precision."""
    text = precision.strip().lower()
    text = _SPELLINGS.get(text, text)
    if text not in KV_BYTES:
        raise InputError(f"unknown KV-cache precision {precision!r}", fix="known: " + ", ".join(sorted(KV_BYTES)))
    return text


def compute_class(precision: str, accelerator: AcceleratorSpec) -> str:
    """The peak rate the multiplication runs at; weights are expanded to 16 bit where it is missing.

    FP8 on hardware without FP8 units (A100) is weight-only, as Marlin kernels do it; so is NVFP4
    before Blackwell. MXFP4 weights multiply 8-bit activations where there are FP4 units and 16-bit
    ones elsewhere.
    """
    wanted = _WANTS[precision]
    if precision == "mxfp4" and not accelerator.flop_per_s.get("f4"):
        return "f16"
    return wanted if accelerator.flop_per_s.get(wanted) else "f16"


def numerics(model: ModelSpec, accelerator: AcceleratorSpec, *, weights: str, kv: str) -> Numerics:
    """Bytes and compute class of each part of the model.

    Checkpoints do not quantise everything: MXFP4, and 4-bit integers on mixture-of-experts models,
    cover the routed experts only; NVFP4 of MLA models leaves the attention in 16 bit. Embeddings,
    output projection and router stay in 16 bit throughout.
    """
    weights = normalise(weights)
    kv = normalise_kv(kv)
    size, kind = BYTES_PER_PARAM[weights], compute_class(weights, accelerator)
    note = None
    if kind == "f16" and _WANTS[weights] != "f16":
        note = f"{accelerator.id} has no {weights} units: weights are expanded to 16 bit, at its 16-bit rate"
    experts_only = model.is_moe and (weights == "mxfp4" or weights.startswith(("int4", "w4")))
    dense = (2.0, "f16") if experts_only else (size, kind)
    attention = (2.0, "f16") if experts_only or (model.attention == "mla" and weights == "nvfp4") else (size, kind)
    if not accelerator.flop_per_s.get("f16"):
        raise InputError(
            f"{accelerator.id} has no published tensor rate",
            fix="add it to a catalogue overlay (dense_tflops.bf16), or choose another accelerator",
        )
    return Numerics(dense[0], dense[1], size, kind, attention[0], attention[1], KV_BYTES[kv], note)


def native_precision(model: ModelSpec, accelerator: AcceleratorSpec) -> str:
    """The model's own precision where the hardware runs it, else 16 bit where the weights stay exact.

    A blank precision means this. FP8 checkpoints on hardware without FP8 units still run, weight
    only, so they stay FP8: that is what the published weights are.
    """
    precision = normalise(model.native_precision)
    if precision == "bf16" and accelerator.generation in ("volta", "turing"):
        return "fp16"
    return precision


def default_kv_precision(weights: str, *, engine: str, model: ModelSpec, accelerator: AcceleratorSpec) -> str:
    """The KV cache an engine keeps when nobody names its precision: what the checkpoint states.

    TensorRT-LLM takes FP8 from FP8 and NVFP4 checkpoints ("if you specify FP8 quantization, the KV
    cache will automatically be set to FP8"). vLLM and SGLang follow a ModelOpt checkpoint's
    ``kv_cache_quant_algo`` (vLLM: ``resolve_kv_cache_dtype_string`` in vllm/utils/torch_utils.py), which is
    FP8 in NVIDIA's: every NVFP4 checkpoint, and the FP8 ones of models published in 16 bit. Models whose
    own weights are FP8 or MXFP4 state none, so theirs stays at 16 bit, as it does on hardware without FP8.
    """
    weights, native = normalise(weights), normalise(model.native_precision)
    if engine == "tensorrt-llm":
        eight_bit = weights in ("fp8", "nvfp4")
    else:
        stated = weights == "nvfp4" or (weights == "fp8" and native in ("bf16", "fp16"))
        eight_bit = (stated or model.cache_precision == "fp8") and bool(accelerator.flop_per_s.get("f8"))
    if eight_bit:
        return "fp8"
    return "fp16" if weights == "fp16" else "bf16"
