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

from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.forecast import Forecast, forecast
from breakeven.compare.result import Comparison
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


def compare_with_outlook(loaded: LoadedProfile, catalogue: Catalogue, *, as_of: dt.date | None = None) -> Comparison:
    """:func:`~breakeven.compare.comparison.compare`, with forecast and risk."""
    scope = make_scope(loaded, catalogue, as_of=as_of)
    return with_outlook(scope, compare_scope(scope))


def with_outlook(scope: Scope, result: Comparison) -> Comparison:
    """The result with its outlook. Never raises for what only the outlook needs."""
    over_time, no_forecast = _forecast(scope, result)
    weighed, no_risk = _risk(scope)
    return replace(result, outlook=Outlook(over_time, weighed, no_forecast, no_risk))


def with_forecast(scope: Scope, result: Comparison) -> Comparison:
    """The result with the part of the outlook that needs no extra library."""
    over_time, no_forecast = _forecast(scope, result)
    return replace(result, outlook=Outlook(over_time, None, no_forecast, "left out here: see breakeven risk"))


def _forecast(scope: Scope, result: Comparison) -> tuple[Forecast | None, str | None]:
    head = result.headline
    try:
        offers = [row.offer for row in result.offers]
        return forecast(scope, offers, api=head.api, self_host=head.self_host), None
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
