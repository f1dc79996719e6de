"""What has to be served: volume, request shape, demand over the week, latency, requirements."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from breakeven.profile.base import Section
from breakeven.units import (
    Burstiness,
    Hours,
    Milliseconds,
    NotNegative,
    PeakToMean,
    Positive,
    Rate,
    Share,
    ShareBelowOne,
    Tokens,
    TokensAboveZero,
)

DemandShape = Literal["flat", "office-hours", "diurnal", "weekly", "bursty", "hourly"]


class RequestShape(Section):
    """One bar of a histogram of request shapes; shares sum to 1."""

    share: Share
    input_tokens: Tokens
    output_tokens: Tokens


class Demand(Section):
    """How the volume spreads over the week and grows over the years."""

    shape: DemandShape = "flat"
    peak_to_mean: PeakToMean | None = None  # overrides the shape's own
    hourly: tuple[NotNegative, ...] | None = None  # 24 or 168 relative weights, UTC, Monday first
    hourly_file: str | None = None  # a file of weights, one per line, beside the profile
    growth_per_year: Rate = 0.0
    burstiness: Burstiness | None = None  # squared coefficient of variation of inter-arrival times

    @model_validator(mode="after")
    def _series(self) -> Demand:
        given = (self.hourly is not None) + (self.hourly_file is not None)
        if self.shape == "hourly" and given != 1:
            raise ValueError("shape hourly has no weights; give either hourly (24 or 168 weights) or hourly_file")
        if self.shape != "hourly" and given:
            raise ValueError("hourly weights need their shape; write shape: hourly")
        if self.hourly is not None and (len(self.hourly) not in (24, 168) or sum(self.hourly) <= 0):
            raise ValueError(
                f"hourly: needs 24 or 168 weights that are not all zero (got {len(self.hourly)}); write one per hour"
            )
        return self


class Workload(Section):
    """Tokens mean input + output, as the API's tokenizer counts them."""

    tokens_per_day: TokensAboveZero | None = None
    requests_per_day: Positive | None = None
    tasks_per_day: Positive | None = None
    calls_per_task: Positive = 1.0
    input_tokens: Tokens | None = None  # per request, mean, cached input included
    output_tokens: Tokens | None = None  # per request, mean, reasoning included
    requests: tuple[RequestShape, ...] = ()  # instead of the two means: a histogram
    reasoning_share: Share = 0.0  # of output tokens
    cached_input_share: Share = 0.0  # of input tokens, billed as cache reads
    cache_write_share: Share = 0.0  # of input tokens, billed as cache writes
    batch_share: Share = 0.0  # of requests that may wait for a batch window
    batch_window_hours: Hours = 24.0
    demand: Demand = Demand()

    @model_validator(mode="after")
    def _complete(self) -> Workload:
        volumes = [n for n in ("tokens_per_day", "requests_per_day", "tasks_per_day") if getattr(self, n) is not None]
        if len(volumes) != 1:
            got = " and ".join(volumes) or "none of them"
            fix = "keep one" if volumes else "add one"
            raise ValueError(
                f"needs exactly one of tokens_per_day, requests_per_day, tasks_per_day (got {got}); {fix}"
            )
        means = self.input_tokens is not None and self.output_tokens is not None
        if self.requests and (self.input_tokens is not None or self.output_tokens is not None):
            raise ValueError("has both mean tokens and a histogram; give either input_tokens and output_tokens, or requests")
        if not self.requests and not means:
            raise ValueError(
                "says nothing of the size of a request; give input_tokens and output_tokens, or a histogram under requests"
            )
        if self.requests and abs(sum(bar.share for bar in self.requests) - 1) > 1e-6:
            raise ValueError(f"requests: shares must sum to 1, not {sum(bar.share for bar in self.requests):g}; make them add up")
        if self.tokens_per_request <= 0:
            raise ValueError("a request has no token; give input_tokens or output_tokens above zero")
        if self.cached_input_share + self.cache_write_share > 1 + 1e-12:
            raise ValueError("cached_input_share + cache_write_share is more than all of the input; lower one of them")
        return self

    @property
    def occurring(self) -> tuple[RequestShape, ...]:
        """The bars of the histogram that any request has: one with a share of 0 is no request, however long."""
        return tuple(bar for bar in self.requests if bar.share > 0)

    @property
    def mean_input_tokens(self) -> float:
        """Mean input tokens per request."""
        if self.requests:
            return sum(bar.share * bar.input_tokens for bar in self.requests)
        return self.input_tokens or 0.0

    @property
    def mean_output_tokens(self) -> float:
        """Mean output tokens per request, reasoning included."""
        if self.requests:
            return sum(bar.share * bar.output_tokens for bar in self.requests)
        return self.output_tokens or 0.0

    @property
    def tokens_per_request(self) -> float:
        """Mean input + output tokens per request."""
        return self.mean_input_tokens + self.mean_output_tokens

    @property
    def volume_tokens_per_day(self) -> float:
        """The profile's own volume in tokens a day, whichever way it was given."""
        if self.tokens_per_day is not None:
            return self.tokens_per_day
        calls = self.requests_per_day if self.requests_per_day is not None else 0.0
        if self.tasks_per_day is not None:
            calls = self.tasks_per_day * self.calls_per_task
        return calls * self.tokens_per_request


class Latency(Section):
    """Targets one replica must meet; a missing target is not a target."""

    ttft_ms: Milliseconds | None = None
    tpot_ms: Milliseconds | None = None
    percentile: Literal[50, 90, 95, 99] = 95


class Requirements(Section):
    """What an offer must satisfy beside cost. An offer that does not stays visible, with the reason."""

    data_residency: tuple[str, ...] = ()  # jurisdictions, e.g. [eu]
    no_third_party: bool = False  # prompts may not leave machines the user controls
    allowed_providers: tuple[str, ...] = Field(default=())
    offline_site: bool = False  # the serving site has no internet connection


__all__ = ["Demand", "DemandShape", "Latency", "RequestShape", "Requirements", "ShareBelowOne", "Workload"]
