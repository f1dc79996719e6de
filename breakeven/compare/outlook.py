"""What a report adds to a comparison: the decision over time, and how sure it is.

Both cost more than the comparison itself and need facts it does not, so either may be missing;
then the reason stands in its place and the report prints that.
"""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from breakeven.compare.comparison import compare_scope, make_scope, source_used
from breakeven.compare.forecast import Forecast
from breakeven.compare.result import Comparison, SourceUsed
from breakeven.compare.scenarios import forecast_with_scenarios
from breakeven.errors import BreakevenError
from breakeven.offers.scope import Scope

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue
    from breakeven.compare.risk import Risk
    from breakeven.profile.load import LoadedProfile


class Outlook(Struct, frozen=True):
    """Forecast and risk of one comparison, or why there is none."""

    forecast: Forecast | None
    risk: Risk | None
    no_forecast: str | None = None
    no_risk: str | None = None
    sources: tuple[SourceUsed, ...] = ()  # what the forecast rests on


def compare_with_outlook(loaded: LoadedProfile, catalogue: Catalogue, *, as_of: dt.date | None = None) -> Comparison:
    """:func:`~breakeven.compare.comparison.compare`, with forecast and risk."""
    scope = make_scope(loaded, catalogue, as_of=as_of)
    return with_outlook(scope, compare_scope(scope))


def compare_with_forecast(loaded: LoadedProfile, catalogue: Catalogue, *, as_of: dt.date | None = None) -> Comparison:
    """:func:`~breakeven.compare.comparison.compare`, with every fact that a report of it can rest on."""
    scope = make_scope(loaded, catalogue, as_of=as_of)
    return with_forecast(scope, compare_scope(scope))


def with_outlook(scope: Scope, result: Comparison) -> Comparison:
    """The result with its outlook. Never raises for what only the outlook needs."""
    over_time, no_forecast = _forecast(scope, result)
    weighed, no_risk = _risk(scope)
    return replace(result, outlook=Outlook(over_time, weighed, no_forecast, no_risk, _sources(scope, over_time)))


def with_forecast(scope: Scope, result: Comparison) -> Comparison:
    """The result with the part of the outlook that needs no extra library."""
    over_time, no_forecast = _forecast(scope, result)
    left_out = "left out here: see breakeven risk"
    return replace(result, outlook=Outlook(over_time, None, no_forecast, left_out, _sources(scope, over_time)))


def _sources(scope: Scope, made: Forecast | None) -> tuple[SourceUsed, ...]:
    return () if made is None else tuple(source_used(scope, source_id) for source_id in made.sources)


def _forecast(scope: Scope, result: Comparison) -> tuple[Forecast | None, str | None]:
    head = result.headline
    try:
        offers = [row.offer for row in result.offers]
        return forecast_with_scenarios(scope, offers, api=head.api, self_host=head.self_host), None
    except BreakevenError as error:
        return None, _reason(error)


def _risk(scope: Scope) -> tuple[Risk | None, str | None]:
    missing = [name for name in ("numpy", "scipy") if find_spec(name) is None]
    if missing:
        return None, f"needs {' and '.join(missing)}: pip install 'breakeven[risk]'"
    from breakeven.compare.risk import risk

    try:
        return risk(scope), None
    except BreakevenError as error:
        return None, _reason(error)


def _reason(error: BreakevenError) -> str:
    first = error.problems[0]
    return f"{first.message}; {first.fix}" if first.fix else first.message
