"""The fit behind the calibration: its derivatives, and the names its priors speak of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import calibrate  # noqa: E402
import calibration_fit as fitting  # noqa: E402
import calibration_operators as kernels  # noqa: E402

from breakeven.catalog.store import Catalogue  # noqa: E402
from breakeven.offers.lookup import ServingLookup  # noqa: E402
from breakeven.serving.arithmetic import SCALAR  # noqa: E402
from breakeven.serving.calibration import Parameter, kinds  # noqa: E402
from breakeven.serving.precision import numerics  # noqa: E402
from breakeven.serving.spec import ModelSpec, ServingConfig  # noqa: E402
from breakeven.serving.step import PARAMETER_FIELDS, StepParameters, step_time  # noqa: E402
from breakeven.serving.work import work  # noqa: E402


def test_grouped_derivatives_are_those_of_one_number_at_a_time():
    rows = fitting.load_rows(calibrate.shipped_table()[::60], ServingLookup(Catalogue.load()))
    fit = fitting.Fit(rows, kernels={})
    still, grouped = fit.residuals(fit.start), fit.jacobian(fit.start)
    for index in range(len(fit.start)):
        moved = fit.start.copy()
        moved[index] += fitting.DIFFERENCE
        alone = (fit.residuals(moved) - still) / fitting.DIFFERENCE
        np.testing.assert_allclose(grouped[:, index], alone, atol=1e-5)


def test_repeats_of_a_question_weigh_as_one():
    """Llama 3 and 3.1 70B of one page are one architecture; another source, load or layout is another question."""
    rows = fitting.load_rows(calibrate.shipped_table(), ServingLookup(Catalogue.load()))
    weights = fitting.repeat_weights(rows)
    lone, twice = np.isclose(weights, 1.0), np.isclose(weights, 0.5**0.5)
    assert lone.sum() > 1000 and twice.sum() >= 144 and (lone | twice).all()
    assert {row.model.id for row, two in zip(rows, twice, strict=True) if two and not row.model.is_moe} >= {"llama-3.1-70b-instruct"}
    some = rows[:1]
    assert fitting.repeat_weights(some * 4).tolist() == [0.5] * 4
    once, fourfold = fitting.Fit(some, kernels={}), fitting.Fit(some * 4, kernels={})
    squares = [float((fit.residuals(fit.start + 0.1)[: len(fit.rows)] ** 2).sum()) for fit in (once, fourfold)]
    assert squares[0] == pytest.approx(squares[1])


def test_priors_name_parameters():
    named = {*fitting.FIRM, *fitting.LOOSE, *fitting.SHARED_KERNELS, *fitting.ENGINE_FACTORS, *fitting.GENERATION_FACTORS}
    assert named <= set(fitting.PARAMETERS)
    assert not set(fitting.FIRM) & set(fitting.LOOSE)
    assert set(fitting.SHARED_KERNELS) <= set(fitting.ENGINE_FACTORS)
    for (name, _), value in fitting.STARTS.items():
        _, low, high, _ = fitting.PARAMETERS[name]
        assert low < value < high


def test_a_fitted_value_is_the_one_that_an_estimate_takes():
    """Base, engine, kind, generation and their pair: what the fit multiplies, the calibration multiplies again."""
    rows = fitting.load_rows(calibrate.shipped_table()[::60], ServingLookup(Catalogue.load()))
    fit = fitting.Fit(rows, kernels={})
    theta = fit.start + np.linspace(-0.2, 0.2, len(fit.start))
    assert any("@" in key for _, key in fit.names)
    made = calibrate.parameters(dict(zip(fit.names, theta, strict=True)), {})
    values = fit.values(theta)
    for position, row in enumerate(rows):
        by_kind = kinds(row.model, row.accelerator, row.numbers, engine=row.config.engine)
        for name, entry in made.items():
            parameter = Parameter(
                entry["unit"], *entry["bounds"], entry["base"], entry.get("engine", {}), entry.get("generation", {})
            )
            taken = parameter.value(
                kind=by_kind.get(name, "any"), engine=row.config.engine, generation=row.accelerator.generation
            )
            assert taken == pytest.approx(float(values[name][fit.first[position]]), rel=3e-3), (name, row.measurement.id)


@pytest.fixture(scope="module")
def timings():
    return kernels.load_operators(ServingLookup(Catalogue.load()))


def _operator_fit(timings):
    def keys(name, kind, engine, generation):
        return fitting.keys(name, "any" if name in ("expert_overlap", "tile_rows") else kind, engine, generation)

    return kernels.OperatorFit(timings, keys=keys, start=fitting.textbook)


def test_timings_of_experts_are_sound(timings):
    """Nothing multiplies faster than the hardware; less than one in a hundred streams faster, from its cache."""
    assert len(timings) > 4000
    assert {t.engine for t in timings} == {"vllm", "sglang", "tensorrt-llm"}
    assert all(t.measured_s > t.covered * t.rows * t.row_s for t in timings)
    assert np.quantile([t.measured_s / t.memory_s for t in timings], 0.01) > 0.8


def test_grouped_derivatives_of_timings(timings):
    fit = _operator_fit(timings[::80])
    still, grouped = fit.residuals(fit.start), fit.jacobian(fit.start)
    for index in range(len(fit.start)):
        moved = fit.start.copy()
        moved[index] += kernels.DIFFERENCE
        np.testing.assert_allclose(grouped[:, index], (fit.residuals(moved) - still) / kernels.DIFFERENCE, atol=1e-5)


def test_the_step_model_times_experts_as_the_fit_of_them_does():
    """One formula: a step of the model prices one layer of experts as the fit of timings does."""
    lookup = ServingLookup(Catalogue.load())
    layer = {
        "accelerator": "h100-sxm", "engine": "vllm", "precision": "bf16", "operand_bits": "16", "tokens": "96", "hidden": "2048",
        "expert_intermediate": "768", "experts": "128", "experts_per_token": "8", "tp": "1", "ep": "1", "latency_us": "400",
    }  # fmt: skip
    fit = _operator_fit([kernels._operator(layer, lookup)])
    values = {p: float(np.exp(np.append(fit.start, 0.0)[ix].sum())) for p, ix in fit.columns.items()}
    model = ModelSpec(
        "x", 1, 2048, 16, 4, 128, 1000, moe_layers=1, experts=128, experts_per_token=8, expert_intermediate=768, full_attention_layers=1,
    )  # fmt: skip
    accelerator, config = lookup.accelerator("h100-sxm"), ServingConfig(1)
    w = work(
        model=model, accelerator=accelerator, config=config, numerics=numerics(model, accelerator, weights="bf16", kv="bf16"),
    )  # fmt: skip
    p = StepParameters(**{name: values.get(name, 0.5) for name in PARAMETER_FIELDS})
    step = step_time(SCALAR, w, p, decode=96.0, prefill=0.0, prefill_rank=0.0, context=1.0, span=1.0, prompts=0.0)
    predicted = float(np.exp(fit.errors(fit.start))[0]) * 400e-6
    assert step.experts + values["expert_layer_s"] == pytest.approx(predicted, rel=1e-12)


def test_what_no_engine_row_tells_comes_from_the_timings():
    """A pair of engine and generation without rows keeps the factors of the timings, not one."""
    lookup = ServingLookup(Catalogue.load())
    rows = fitting.load_rows(calibrate.shipped_table()[::60], lookup)
    starts = {("expert_compute", "engine:sglang@ampere"): 0.3, ("expert_compute", "f16"): -0.9}
    fit = fitting.Fit(rows, kernels=starts)
    assert ("expert_compute", "engine:sglang@ampere") not in fit.names
    made = calibrate.parameters({**starts, **dict(zip(fit.names, fit.start, strict=True))}, {})
    assert made["expert_compute"]["engine"]["sglang@ampere"] == pytest.approx(np.exp(0.3), rel=1e-4)
    if ("expert_compute", "f16") in fit.names:
        assert fit.start[fit.names.index(("expert_compute", "f16"))] == -0.9
