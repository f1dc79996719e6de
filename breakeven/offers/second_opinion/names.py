"""Our names as aiconfigurator 0.12 spells them. What stands in no table here has no second opinion: nothing is guessed.

Source: aiconfigurator-core 0.12.0, ``sdk/common.py`` (``SupportedSystems``, ``DefaultHFModels`` and the quantisation modes).
"""

from __future__ import annotations

from collections.abc import Mapping

from breakeven.offers.second_opinion import Unanswered

SYSTEMS: Mapping[str, str] = {
    "a100-pcie-80gb": "a100_pcie", "a100-sxm-80gb": "a100_sxm", "a30": "a30", "b200-sxm": "b200_sxm", "b300-sxm": "b300_sxm",
    "gb200": "gb200", "gb300": "gb300", "h100-pcie": "h100_pcie", "h100-sxm": "h100_sxm", "h200-sxm": "h200_sxm", "l4": "l4",
    "l40s": "l40s", "rtx-pro-6000-bw-se": "rtx_pro_6000_server",
}  # fmt: skip
ENGINES: Mapping[str, str] = {"sglang": "sglang", "tensorrt-llm": "trtllm", "vllm": "vllm"}
KV_MODES: Mapping[str, str] = {"bf16": "bfloat16", "fp16": "bfloat16", "fp8": "fp8", "int8": "int8"}

# Checkpoints whose configuration it carries, by weight precision: they say themselves which layers are quantised, and how.
# DeepSeek-V3.1 and the base models of Llama have the layers of ours.
CHECKPOINTS: Mapping[str, Mapping[str, str]] = {
    "deepseek-v3": {"fp8": "deepseek-ai/DeepSeek-V3", "nvfp4": "nvidia/DeepSeek-V3.1-NVFP4"},
    "deepseek-v3.2": {"fp8": "deepseek-ai/DeepSeek-V3.2", "nvfp4": "nvidia/DeepSeek-V3.2-NVFP4"},
    "glm-5": {"bf16": "zai-org/GLM-5", "fp8": "zai-org/GLM-5-FP8", "nvfp4": "nvidia/GLM-5-NVFP4"},
    "gpt-oss-120b": {"mxfp4": "openai/gpt-oss-120b"},
    "gpt-oss-20b": {"mxfp4": "openai/gpt-oss-20b"},
    "kimi-k2.5": {"int4": "moonshotai/Kimi-K2.5", "nvfp4": "nvidia/Kimi-K2.5-NVFP4"},
    "kimi-k3": {"mxfp4": "moonshotai/Kimi-K3"},
    "llama-3.1-405b-instruct": {"bf16": "meta-llama/Meta-Llama-3.1-405B"},
    "llama-3.1-70b-instruct": {"bf16": "meta-llama/Meta-Llama-3.1-70B", "fp8": "nvidia/Llama-3.1-70B-Instruct-FP8"},
    "llama-3.1-8b-instruct": {"bf16": "meta-llama/Meta-Llama-3.1-8B"},
    "llama-4-maverick-17b-128e-instruct": {"bf16": "meta-llama/Llama-4-Maverick-17B-128E-Instruct"},
    "llama-4-scout-17b-16e-instruct": {"bf16": "meta-llama/Llama-4-Scout-17B-16E-Instruct"},
    "minimax-m2.5": {"fp8": "MiniMaxAI/MiniMax-M2.5", "nvfp4": "nvidia/MiniMax-M2.5-NVFP4"},
    "minimax-m3": {"nvfp4": "nvidia/MiniMax-M3-NVFP4"},
    "nvidia-nemotron-3-nano-30b-a3b-fp8": {
        "bf16": "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "nvfp4": "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4",
    },
    "nvidia-nemotron-3-super-120b-a12b-nvfp4": {
        "fp8": "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8", "nvfp4": "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4",
    },
    "qwen3-1.7b": {"bf16": "Qwen/Qwen3-1.7B"},
    "qwen3-8b": {"bf16": "Qwen/Qwen3-8B"},
    "qwen3-32b": {"bf16": "Qwen/Qwen3-32B", "fp8": "Qwen/Qwen3-32B-FP8"},
    "qwen3-30b-a3b": {"bf16": "Qwen/Qwen3-30B-A3B", "fp8": "Qwen/Qwen3-30B-A3B-FP8"},
    "qwen3-235b-a22b": {
        "bf16": "Qwen/Qwen3-235B-A22B", "fp8": "Qwen/Qwen3-235B-A22B-FP8", "nvfp4": "nvidia/Qwen3-235B-A22B-NVFP4",
    },
    "qwen3-coder-480b-a35b-instruct": {"bf16": "Qwen/Qwen3-Coder-480B-A35B-Instruct"},
    "qwen3.5-397b-a17b": {"bf16": "Qwen/Qwen3.5-397B-A17B", "nvfp4": "nvidia/Qwen3.5-397B-A17B-NVFP4"},
}  # fmt: skip

# Modes that quantise a 16-bit checkpoint by one rule, where it carries none of that precision: dense layers, routed experts.
DENSE_MODES: Mapping[str, str] = {
    "bf16": "bfloat16", "fp8": "fp8", "nvfp4": "nvfp4", "int8": "sq", "w8a8": "sq", "w8a16": "int8_wo", "int4": "int4_wo",
    "int4-awq": "int4_wo", "int4-gptq": "int4_wo", "w4a16": "int4_wo",
}  # fmt: skip
EXPERT_MODES: Mapping[str, str] = {"bf16": "bfloat16", "fp8": "fp8", "nvfp4": "nvfp4"}


def system(accelerator: str) -> str:
    """The system it calls our accelerator, for the server around it too. Raises Unanswered."""
    return _named(SYSTEMS, accelerator, f"it has no system for {accelerator}")


def engine(name: str) -> str:
    """The back-end it calls our engine. Raises Unanswered."""
    return _named(ENGINES, name, f"it does not model the engine {name}")


def kv_mode(precision: str) -> str:
    """The mode of a cache precision. Raises Unanswered."""
    return _named(KV_MODES, precision, f"it has no {precision} cache")


def checkpoint(model: str, *, precision: str, is_moe: bool) -> tuple[str, dict[str, str]]:
    """The model path for weights of a precision, and the modes to lay over it. Raises Unanswered.

    >>> checkpoint("qwen3-32b", precision="fp8", is_moe=False)
    ('Qwen/Qwen3-32B-FP8', {})
    >>> checkpoint("qwen3-8b", precision="fp8", is_moe=False)
    ('Qwen/Qwen3-8B', {'gemm_quant_mode': 'fp8'})
    """
    known = CHECKPOINTS.get(model)
    if known is None:
        raise Unanswered(f"it carries no configuration of {model}")
    precision = _sixteen(precision)
    if precision in known:
        return known[precision], {}
    if "bf16" not in known:
        raise Unanswered(f"it carries {model} in {' and '.join(sorted(known))}, not in {precision}")
    return known["bf16"], modes(precision, is_moe=is_moe)


def modes(precision: str, *, is_moe: bool) -> dict[str, str]:
    """The modes that give a 16-bit checkpoint weights of a precision, throughout. Raises Unanswered."""
    precision = _sixteen(precision)
    missing = f"it does not quantise {'a mixture of experts' if is_moe else 'a model'} to {precision} by one rule"
    if not is_moe:
        return {"gemm_quant_mode": _named(DENSE_MODES, precision, missing)}
    mode = _named(EXPERT_MODES, precision, missing)
    return {"gemm_quant_mode": mode, "moe_quant_mode": mode}


def _sixteen(precision: str) -> str:
    """It knows one 16-bit format: both take the same bytes and run at the same rate."""
    return "bf16" if precision == "fp16" else precision


def _named(table: Mapping[str, str], name: str, missing: str) -> str:
    if name not in table:
        raise Unanswered(missing)
    return table[name]
