"""What the calibration covers decides the grade and the band, by sizes and rates, never by names."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from breakeven.serving import grade as grading
from breakeven.serving.estimate import at_concurrency
from breakeven.serving.instance import prepare
from breakeven.serving.spec import Estimate, ModelSpec, Shape
from tests.serving.specimens import calibration, instance, lookup

LLAMA = lookup().model("llama-3.1-70b-instruct")
H100 = lookup().accelerator("h100-sxm")
CHAT = Shape(1000, 300)


def answered(model: ModelSpec = LLAMA, machine: Any = H100, *, known: Any = None, concurrency: float = 8) -> Estimate:
    made = prepare(
        model=model, accelerator=machine, config=instance("llama-3.1-70b-instruct", "h100-sxm", 4).config,
        calibration=calibration(),
    )  # fmt: skip
    return at_concurrency(made, CHAT, known or calibration(), concurrency=concurrency)


def width(found: Estimate) -> float:
    return found.tpot_ms.high / found.tpot_ms.low


def test_a_fine_tune_is_its_base_model_and_a_renamed_card_is_the_card() -> None:
    base = answered()
    renamed = answered(replace(LLAMA, id="ours", vocabulary=LLAMA.vocabulary), replace(H100, id="card", vendor="ours"))
    assert base.grade == renamed.grade == "C"
    assert renamed.tpot_ms == base.tpot_ms and renamed.output_tok_per_s == base.output_tok_per_s


@pytest.mark.parametrize(("model", "machine", "band", "said"), [
    (replace(LLAMA, layers=79), H100, "D", "no measurement of a model of this architecture"),
    (LLAMA, replace(H100, memory_bytes_per_s=3.0e12), "D-hardware", "no measurement on this accelerator"),
    (replace(LLAMA, kv_heads=16), replace(H100, memory_bytes_per_s=3.0e12), "D-both", "no measurement"),
    (LLAMA, replace(H100, generation="rubin"), "D-beyond", "no measurement on rubin hardware"),
])  # fmt: skip
def test_what_no_measurement_is_of_has_grade_d_and_a_band_of_its_own(
    model: ModelSpec, machine: Any, band: str, said: str
) -> None:
    found = answered(model, machine)
    assert (found.grade, found.band) == ("D", band)
    assert any(note.startswith(said) for note in found.notes)
    assert width(found) > width(answered()) * 1.001


def test_a_new_generation_is_named_once() -> None:
    notes = answered(LLAMA, replace(H100, generation="rubin")).notes
    assert sum("no measurement on" in note for note in notes) == 1


def test_the_width_of_a_dense_ffn_counts_only_where_a_layer_has_one() -> None:
    gpt = lookup().model("gpt-oss-120b")
    assert grading.architecture(replace(gpt, ffn_intermediate=2880)) == grading.architecture(gpt)
    assert grading.architecture(replace(LLAMA, ffn_intermediate=2880)) != grading.architecture(LLAMA)


@pytest.mark.parametrize(("model", "changes"), [
    ("gpt-oss-120b", {"window": 4096}),
    ("gpt-oss-120b", {"windowed_attention_layers": 0, "full_attention_layers": 36}),
    ("deepseek-v3", {"mla_kv_rank": 256}),
    ("deepseek-v3", {"shared_expert_intermediate": 4096}),
])  # fmt: skip
def test_every_size_that_the_work_depends_on_makes_another_architecture(model: str, changes: dict[str, int]) -> None:
    known = lookup().model(model)
    assert grading.architecture(replace(known, **changes)) != grading.architecture(known)


def test_batches_that_only_capacity_rows_have_take_their_bands() -> None:
    """A named load up to the best one has the band of capacity, whose rows decode as many sequences at once."""
    small, large = answered(concurrency=200.0), answered(concurrency=600.0)
    assert (small.grade, large.grade) == ("C", "C")
    bands = calibration().bands
    assert width(small) == pytest.approx(bands["concurrency-dense-C"].high / bands["concurrency-dense-C"].low, rel=1e-6)
    assert width(large) == pytest.approx(bands["capacity-dense-C"].high / bands["capacity-dense-C"].low, rel=1e-6)


def test_an_own_benchmark_makes_its_model_and_hardware_known_ones() -> None:
    model, machine = replace(LLAMA, layers=79), replace(H100, memory_bytes_per_s=3.0e12)
    mine = grading.knowing(calibration(), model, machine, engine="vllm")
    assert answered(model, machine, known=mine).grade == "C"
    assert answered(model, known=mine).grade == "C"
    assert answered(replace(LLAMA, layers=78), machine, known=mine).band == "D"
    assert answered(model, machine).grade == "D"


@pytest.mark.parametrize("regime", ["concurrency-dense", "concurrency-moe", "capacity-dense", "capacity-moe", "burst-dense"])
def test_learned_bands_widen_with_what_is_not_known_and_lean_to_neither_side(regime: str) -> None:
    bands = {key: calibration().bands[f"{regime}-{key}"] for key in ("C", "D", "D-hardware", "D-both", "D-beyond")}
    for band in bands.values():
        assert math.log(band.high) == pytest.approx(-math.log(band.low), abs=2e-3)
    order = [bands[key].high for key in ("C", "D", "D-both", "D-beyond")]
    assert all(a <= b for a, b in pairwise(order))
    assert bands["C"].high <= bands["D-hardware"].high <= bands["D-both"].high
