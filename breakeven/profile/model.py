"""The profile: what the user writes. Choices and a workload; facts come from the catalogue."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from breakeven.profile.api_choice import ApiChoice
from breakeven.profile.base import Section
from breakeven.profile.finance_section import Finance
from breakeven.profile.forecast_section import Forecast
from breakeven.profile.self_host import SelfHost
from breakeven.profile.uncertainty_section import Uncertainty
from breakeven.profile.workload import Latency, Requirements, Workload


class Profile(Section):
    """One workload and the ways to serve it that are worth comparing."""

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=10_000)
    description: str | None = None
    owner: str | None = None
    as_of: dt.date | None = None  # the date of the facts; the catalogue's release date when absent
    workload: Workload
    latency: Latency = Latency()
    requirements: Requirements = Requirements()
    api: tuple[ApiChoice, ...] = Field(min_length=1)
    self_host: SelfHost
    finance: Finance = Finance()
    forecast: Forecast = Forecast()
    uncertainty: Uncertainty = Uncertainty()

    @model_validator(mode="after")
    def _escalation_is_known(self) -> Profile:
        target = self.self_host.escalate_to
        if target is not None and target not in {choice.model for choice in self.api}:
            raise ValueError(f"self_host.escalate_to: {target!r} is not one of the models under api; add it there")
        return self
