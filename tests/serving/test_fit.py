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

from breakeven.catalog.store import Catalogue  # noqa: E402
from breakeven.offers.lookup import ServingLookup  # noqa: E402
from breakeven.serving.calibration import Parameter, kinds  # noqa: E402


def test_grouped_derivatives_are_those_of_one_number_at_a_time():
    rows = fitting.load_rows(calibrate.shipped_table()[::60], ServingLookup(Catalogue.load()))
    fit = fitting.Fit(rows)
    still, grouped = fit.residuals(fit.start), fit.jacobian(fit.start)
    for index in range(len(fit.start)):
        moved = fit.start.copy()
        moved[index] += fitting.DIFFERENCE
        alone = (fit.residuals(moved) - still) / fitting.DIFFERENCE
        np.testing.assert_allclose(grouped[:, index], alone, atol=1e-5)


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
    fit = fitting.Fit(rows)
    theta = fit.start + np.linspace(-0.2, 0.2, len(fit.start))
    assert any("@" in key for _, key in fit.names)
    made = calibrate.parameters(fit.names, theta, {})
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
