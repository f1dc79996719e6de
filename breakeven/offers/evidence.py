"""The best evidence for a question: a published measurement of the same configuration, else the model."""

from __future__ import annotations

from breakeven.offers.lookup import ServingLookup
from breakeven.offers.points import Point, answer
from breakeven.serving.calibration import Calibration
from breakeven.serving.spec import Estimate


def best_evidence(point: Point, lookup: ServingLookup, calibration: Calibration) -> Estimate:
    """The calibrated model's answer."""
    return answer(point, lookup, calibration)
