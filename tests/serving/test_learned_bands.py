"""Bands learned from rows that a fit had not seen: how wide, of which rows, and what a cross-validated row is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import calibrate  # noqa: E402
import calibration_bands as learning  # noqa: E402
import calibration_fit as fitting  # noqa: E402

from breakeven.catalog.store import Catalogue  # noqa: E402
from breakeven.offers.lookup import ServingLookup  # noqa: E402


@pytest.fixture(scope="module")
def rows() -> list[fitting.Row]:
    found = fitting.load_rows(calibrate.shipped_table(), ServingLookup(Catalogue.load()))
    return [r for r in found if r.measurement.regime == "max-throughput" and not r.model.is_moe][:200]


def items(rows: list[fitting.Row], spread: float, band: str, groups: int = 8) -> list[learning.Unseen]:
    """Rows with errors spread evenly in logarithms over +-spread."""
    errors = np.expm1(np.linspace(-spread, spread, len(rows)))
    return [
        learning.Unseen(row, float(error), float("nan"), band, f"g{i % groups}", "capacity")
        for i, (row, error) in enumerate(zip(rows, errors, strict=True))
    ]


def learned(*parts: list[learning.Unseen]) -> dict[str, dict[str, float]]:
    order = {id(item.row): i for i, item in enumerate(parts[0])}
    return learning.bands({"family": [i for part in parts for i in part]}, {"family": lambda row: str(order[id(row)] % 8)})


def test_a_band_holds_four_fifths_of_what_it_is_learned_from(rows):
    found = learned(items(rows, 0.5, "C"))["capacity-dense-C"]
    assert np.log(found["high"]) == pytest.approx(0.8 * 0.5, rel=0.03)
    assert found["low"] * found["high"] == pytest.approx(1.0, rel=1e-3)
    table = learning.error_table({"family": items(rows, 0.5, "C")}, learned(items(rows, 0.5, "C")))
    assert table[0]["hold_share"] == pytest.approx(0.8, abs=0.02)


def test_each_row_is_held_to_the_band_it_would_have_been_given(rows):
    known, new = items(rows, 0.2, "C"), items(rows, 0.6, "D")
    found = learned(known, new)
    assert np.log(found["capacity-dense-D"]["high"]) == pytest.approx(0.48, rel=0.03)
    assert np.log(found["capacity-dense-C"]["high"]) == pytest.approx(0.16, rel=0.03)
    mixed = learning.error_table({"family": known + new}, found)[0]
    assert mixed["hold_share"] == pytest.approx(0.8, abs=0.02)
    narrow = learning.error_table({"family": [i._replace(band="C") for i in new]}, found)[0]
    assert narrow["hold_share"] < 0.35


def test_what_is_less_known_is_never_told_a_narrower_band(rows):
    found = learned(items(rows, 0.6, "C"), items(rows, 0.1, "D"), items(rows, 0.2, "D-hardware"))
    widths = {key: found[f"capacity-dense-{key}"]["high"] for key in ("C", "D", "D-hardware", "D-both", "D-beyond")}
    assert widths["C"] == widths["D"] == widths["D-hardware"] == widths["D-both"] < widths["D-beyond"]


def test_a_cross_validated_row_of_an_unseen_family_counts_as_a_new_architecture(rows):
    family = calibrate.family(rows[0])
    held = [row for row in rows if calibrate.family(row) == family][:3]
    seen = [row for row in rows if calibrate.family(row) != family]
    predicted = fitting.Predicted(*(np.full(len(held), value) for value in (0.1, np.nan, 8.0, 4e9)))
    alone = calibrate.unseen(held, predicted, calibrate.covered(rows, {}), group="x")
    without = calibrate.unseen(held, predicted, calibrate.covered(seen, {}), group="x")
    assert {item.band for item in alone} == {"C"}
    assert all(item.band.startswith("D") for item in without)
