"""The user's own ranges, for risk analysis: any key of the profile with low, typical and high."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from breakeven.profile.base import Section
from breakeven.units import Bound, Whole


class InputRange(Section):
    low: Bound
    typical: Bound | None = None
    high: Bound
    distribution: Literal["triangular", "uniform", "lognormal"] = "triangular"


class Correlation(Section):
    between: tuple[str, str]
    rank_correlation: float


class Uncertainty(Section):
    seed: Whole = 1
    ranges: dict[str, InputRange] = Field(default_factory=dict)
    correlations: tuple[Correlation, ...] = ()
