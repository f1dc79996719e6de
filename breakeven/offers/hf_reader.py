"""Reading the keys of a Hugging Face config.json: several spellings, class defaults, all problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.errors import InputError, Problem

SUPPORTED_HINT = "a decoder-only text model's config.json, as published next to its weights"
_SHOWN_CHARACTERS = 40
_LARGEST = 10**9 - 1

# A config.json leaves out what equals the default of its class in transformers (configuration_*.py of 5.24),
# so a missing key of these types means the value here. Only what changes an estimate, and has no neutral reading.
_TIED = {"tie_word_embeddings": True}
_GEMMA = {"head_dim": 256, **_TIED}
_GEMMA_3 = {
    **_GEMMA, "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 262_208, "sliding_window": 4096,
    "sliding_window_pattern": 6, "max_position_embeddings": 131_072,
}  # fmt: skip
_DELTA_NET = {
    "full_attention_interval": 4, "head_dim": 256, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
    "linear_key_head_dim": 128, "linear_value_head_dim": 128,
}  # fmt: skip
_UNUSED_WINDOW = {"use_sliding_window": False}
_MAMBA_2 = {"mamba_n_heads": 128, "mamba_n_groups": 1, "mamba_d_state": 256, "mamba_expand": 2, "mamba_d_head": "auto"}
_LLAMA_4 = {"attention_chunk_size": 8192, "no_rope_layer_interval": 4, "interleave_moe_layer_step": 1, "head_dim": 128}
_CLASS_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "bamba": _MAMBA_2,
    "bloom": _TIED,
    "cohere": _TIED,
    "cohere2": {**_TIED, "sliding_window": 4096, "sliding_window_pattern": 4},
    "dots1": {"sliding_window": 4096, "max_window_layers": 62},
    "ernie4_5": _TIED,
    "ernie4_5_moe": {**_TIED, "moe_layer_start_index": 1, "moe_layer_end_index": -1, "moe_layer_interval": 1},
    "exaone4": {"sliding_window": 4096, "sliding_window_pattern": 4},
    "falcon": _TIED,
    "gemma": _GEMMA,
    "gemma2": {**_GEMMA, "sliding_window": 4096, "sliding_window_pattern": 2},
    "gemma3": _GEMMA_3,
    "gemma3_text": _GEMMA_3,
    "gpt2": _TIED,
    "gpt_oss": {"head_dim": 64, "sliding_window": 128, "sliding_window_pattern": 2},
    "gpt_bigcode": {**_TIED, "multi_query": True},
    "gpt_neo": _TIED,
    "granitemoehybrid": _MAMBA_2,
    "jamba": {
        "attn_layer_period": 8, "attn_layer_offset": 4, "expert_layer_period": 2, "expert_layer_offset": 1,
        "num_experts": 16, "num_experts_per_tok": 2, "num_key_value_heads": 8, "mamba_d_state": 16, "mamba_d_conv": 4,
        "mamba_expand": 2, "mamba_dt_rank": "auto",
    },
    "llama4": _LLAMA_4,
    "llama4_text": _LLAMA_4,
    "minicpm3": _TIED,
    "mistral": {"sliding_window": 4096, "num_key_value_heads": 8},
    "mixtral": {"num_experts_per_tok": 2, "num_key_value_heads": 8},
    "mpt": _TIED,
    "nemotron_h": {"mamba_num_heads": 128, "mamba_head_dim": 64, "n_groups": 8, "ssm_state_size": 128},
    "olmo3": {"sliding_window": 4096, "sliding_window_pattern": 4},
    "opt": _TIED,
    "qwen2": {**_UNUSED_WINDOW, "max_window_layers": 28},
    "qwen2_moe": {**_UNUSED_WINDOW, "max_window_layers": 28},
    "qwen3": {**_UNUSED_WINDOW, "max_window_layers": 28, "head_dim": 128},
    "qwen3_moe": _UNUSED_WINDOW,
    "qwen3_next": _DELTA_NET,
    "qwen3_5": _DELTA_NET,
    "qwen3_5_text": _DELTA_NET,
    "qwen3_5_moe": _DELTA_NET,
    "qwen3_5_moe_text": _DELTA_NET,
    "smollm3": {**_TIED, **_UNUSED_WINDOW},
    "starcoder2": _TIED,
    "vaultgemma": {**_GEMMA, "sliding_window": 4096, "sliding_window_pattern": 2},
}  # fmt: skip


def shown(value: object) -> str:
    """A value of the file for a one-line message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


class Reader:
    """The keys of one config. What is wrong is collected; :meth:`finish` raises it together.

    A key that is wrong reads as a harmless number, so that reading can go on to the next problem.
    """

    def __init__(self, data: Mapping[str, Any], kind: str, path: str) -> None:
        self.kind, self.path = kind, path
        self.data: dict[str, Any] = {**_CLASS_DEFAULTS.get(kind, {}), **data}
        self.problems: list[Problem] = []

    def get(self, name: str) -> Any:
        """The raw value of a key, or its class default; None where there is neither."""
        return self.data.get(name)

    def has(self, *names: str) -> bool:
        """Whether any of the keys says something."""
        return any(self.data.get(name) is not None for name in names)

    def refuse(self, field: str, message: str, fix: str | None = None) -> None:
        self.problems.append(Problem(message, fix, self.path, field=field))

    def finish(self) -> None:
        """Raise every problem found so far, if there is one."""
        if self.problems:
            raise InputError(self.problems)

    def ok(self, *names: str) -> bool:
        """Whether none of these keys has a problem."""
        return not any(problem.field in names for problem in self.problems)

    def whole(self, *names: str, default: int | None = None, least: int = 1, most: int = _LARGEST) -> int:
        """The first of these keys that is stated, as a whole number from ``least`` to ``most``."""
        for name in names:
            if self.data.get(name) is not None:
                return self._checked(name, self.data[name], least, most)
        if default is None:
            self.refuse(names[0], "is missing", "name " + SUPPORTED_HINT)
            return max(least, 1)
        return default

    def _checked(self, name: str, value: object, least: int, most: int) -> int:
        if isinstance(value, list) and value and all(type(entry) is int for entry in value):
            if len(set(value)) > 1:
                self.refuse(name, f"differs from layer to layer ({shown(value)}), which one number cannot say")
                return max(least, 1)
            value = value[0]
        if type(value) is not int:  # a bool is an int to isinstance, and no size
            self.refuse(name, f"is not a whole number ({shown(value)})")
        elif value < least:
            self.refuse(name, f"must be at least {least}, not {shown(value)}")
        elif value > most:
            self.refuse(name, f"must be at most {most:,}, not {shown(value)}")
        else:
            return value
        return max(least, 1)

    def numbers(self, name: str) -> list[int]:
        """A list of layer numbers or flags; empty where there is none."""
        value = self.data.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(type(entry) is int for entry in value):
            self.refuse(name, f"is not a list of whole numbers ({shown(value)})")
            return []
        return value

    def per_layer(self, name: str, layers: int, words: Mapping[Any, str]) -> list[str] | None:
        """A list with one entry for each layer, each translated by ``words``; None where it is absent or wrong."""
        value = self.data.get(name)
        if not value or not isinstance(value, (list, str)):
            if value:
                self.refuse(name, f"is not a list of one entry for each layer ({shown(value)})")
            return None
        if len(value) != layers:
            message = f"has {len(value)} entries for num_hidden_layers = {layers}"
            self.refuse(name, message, "give one entry for each layer")
            return None
        unknown = [entry for entry in value if not isinstance(entry, (str, int)) or entry not in words]
        if unknown:
            known = ", ".join(dict.fromkeys(str(word) for word in words))
            self.refuse(name, f"has a kind of layer that is not known, {shown(unknown[0])}", f"known are {known}")
            return None
        return [words[entry] for entry in value]
