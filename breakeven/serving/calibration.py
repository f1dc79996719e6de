"""Calibrated parameters, resolved for one model, accelerator and configuration.

A parameter is a base value times a factor per engine and per hardware generation, kept inside
physical bounds. What is not named (an engine nobody measured, a new generation) takes factor one:
the base is the centre of all engines and generations, so an unknown one gets the default, not an
error. No parameter knows a model, an accelerator or a source by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from breakeven.serving.load import Scheduling
from breakeven.serving.memory import MemoryRules
from breakeven.serving.precision import Numerics
from breakeven.serving.spec import AcceleratorSpec, ModelSpec, ServingConfig
from breakeven.serving.step import PARAMETER_FIELDS, StepParameters

FAST_LINK_BYTES_PER_S = 90e9
MEMORY_FIELDS = ("cache_share", "reserve_bytes", "growth_share")
SCHEDULING_FIELDS = ("budget_tokens", "mixed", "rank_balance", "max_sequences")
RULE_FIELDS = ("window_kept",)
LOAD_FIELDS = ("front_end_s", "bunching", "stage_step_s")
FITTED_FIELDS = PARAMETER_FIELDS + MEMORY_FIELDS + LOAD_FIELDS

_ENGINE_SPELLINGS = {
    "trt-llm": "tensorrt-llm", "trtllm": "tensorrt-llm", "tensorrt_llm": "tensorrt-llm", "tensorrt": "tensorrt-llm",
    "trt": "tensorrt-llm", "tensorrtllm": "tensorrt-llm", "sgl": "sglang",
}  # fmt: skip
DEFAULT_ENGINE = "vllm"
# The nearest generation of the same maker, for one without measurements.
_RELATIVES = {"cdna4": "cdna3", "cdna2": "cdna3", "volta": "turing"}


class Parameter(Struct, frozen=True):
    """One calibrated quantity: base values by kind, factors and bounds.

    Factors are by engine (or ``engine/kind``, or ``engine@generation``) and by generation.
    """

    unit: str
    low: float
    high: float
    base: Mapping[str, float]
    engine: Mapping[str, float] = field(default_factory=dict)
    generation: Mapping[str, float] = field(default_factory=dict)

    def value(self, *, kind: str, engine: str, generation: str) -> float:
        base = self.base[kind] if kind in self.base else self.base["any"]
        value = base * self.engine.get(engine, 1.0) * self.engine.get(f"{engine}/{kind}", 1.0)
        value *= self._generation(generation) * self.engine.get(f"{engine}@{generation}", 1.0)
        return min(max(value, self.low), self.high)

    def _generation(self, name: str) -> float:
        """The generation's factor; half (in logarithms) of a relative's where nobody measured it."""
        if name in self.generation:
            return self.generation[name]
        relative = _RELATIVES.get(name)
        return math.sqrt(self.generation[relative]) if relative is not None and relative in self.generation else 1.0


class BandWidth(Struct, frozen=True):
    """80 % band of predicted over measured, as factors on the prediction."""

    low: float
    high: float
    rows: int = 0


class Calibration(Struct, frozen=True):
    """What ``scripts/calibrate.py`` fitted: parameters, engine facts, bands, and what they cover."""

    date: str
    digest: str
    parameters: Mapping[str, Parameter]
    scheduling: Mapping[str, Mapping[str, float]]  # engine, or "any"
    bands: Mapping[str, BandWidth]  # "capacity-dense-C", ...
    covered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # engines, generations, ...

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Calibration:
        parameters = {
            name: Parameter(
                unit=str(entry["unit"]),
                low=float(entry["bounds"][0]),
                high=float(entry["bounds"][1]),
                base={str(k): float(v) for k, v in entry["base"].items()},
                engine={str(k): float(v) for k, v in entry.get("engine", {}).items()},
                generation={str(k): float(v) for k, v in entry.get("generation", {}).items()},
            )
            for name, entry in data["parameters"].items()
        }
        bands = {
            str(name): BandWidth(float(band["low"]), float(band["high"]), int(band.get("rows", 0)))
            for name, band in data.get("bands", {}).items()
        }
        covered = {str(k): tuple(str(item) for item in v) for k, v in data.get("covered", {}).items()}
        scheduling = {
            str(engine): {str(k): float(v) for k, v in rules.items()} for engine, rules in data["scheduling"].items()
        }
        return cls(str(data["date"]), str(data["digest"]), parameters, scheduling, bands, covered)


def normalise_engine(name: str | None) -> str:
    """One spelling per engine; an unknown name passes through and meets the default factors.

    >>> normalise_engine("TRT-LLM"), normalise_engine("vLLM 0.18"), normalise_engine(None)
    ('tensorrt-llm', 'vllm', 'vllm')
    """
    if not name or not name.strip():
        return DEFAULT_ENGINE
    text = name.strip().lower().split(" ")[0]
    if "vllm" in text:  # its forks and ports as well: vllm-ascend, 1cat-vllm
        return "vllm"
    return _ENGINE_SPELLINGS.get(text, text)


def link_kind(accelerator: AcceleratorSpec) -> str:
    """``nvlink`` for a fast scale-up interconnect, ``pcie`` between cards, ``host`` where they exchange through it."""
    if accelerator.link_bytes_per_s >= FAST_LINK_BYTES_PER_S:
        return "nvlink"
    return "pcie" if accelerator.peer_to_peer else "host"


def compute_kind(compute_class: str, bytes_per_param: float) -> str:
    """``expanded8`` or ``expanded4`` where 8- or 4-bit weights are multiplied at 16 bit, else the compute class."""
    if compute_class != "f16" or bytes_per_param > 1.9:
        return compute_class
    return "expanded8" if bytes_per_param > 0.8 else "expanded4"


def kinds(model: ModelSpec, accelerator: AcceleratorSpec, numerics: Numerics, *, engine: str) -> dict[str, str]:
    """Which base value of each parameter applies; ``any`` where there is one only."""
    link = link_kind(accelerator)
    attention = "linear" if model.linear.count else model.attention
    dense = compute_kind(numerics.dense_class, numerics.dense_bytes)
    expert = compute_kind(numerics.expert_class, numerics.expert_bytes)
    return {
        "layer_s": attention,
        "expert_layer_s": expert,
        "expert_memory": expert,
        "dense_compute": dense,
        "dense_memory": dense,
        "product_s": dense,
        "expert_compute": expert,
        # The states of linear layers keep their precision whatever that of the keys and values.
        "cache_memory": "c8" if numerics.kv_bytes < 1.5 and not model.linear.count else "c16",
        "link": link,
        "expert_link": link,
        "collective_s": link,
        "collective_doubling_s": link,
        "expert_collective_s": link,
        "growth_share": engine,
    }


class Resolved(Struct, frozen=True):
    """Every calibrated number of one configuration."""

    step: StepParameters
    memory: MemoryRules
    scheduling: Scheduling


def resolve(
    calibration: Calibration,
    *,
    model: ModelSpec,
    accelerator: AcceleratorSpec,
    config: ServingConfig,
    numerics: Numerics,
) -> Resolved:
    """Look up and bound every parameter for one configuration."""
    engine = config.engine
    by_kind = kinds(model, accelerator, numerics, engine=engine)
    values = {
        name: calibration.parameters[name].value(
            kind=by_kind.get(name, "any"), engine=engine, generation=accelerator.generation
        )
        for name in FITTED_FIELDS
    }
    rules = calibration.scheduling.get(engine) or calibration.scheduling["any"]
    return Resolved(
        step=StepParameters(**{name: values[name] for name in PARAMETER_FIELDS}),
        memory=MemoryRules(
            **{name: values[name] for name in MEMORY_FIELDS}, **{name: rules[name] for name in RULE_FIELDS}
        ),
        scheduling=Scheduling(
            **{name: rules[name] for name in SCHEDULING_FIELDS}, **{name: values[name] for name in LOAD_FIELDS}
        ),
    )
