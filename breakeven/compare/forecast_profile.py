"""The forecast of a profile: its offers, and the pair its verdict is about."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec.structs import replace

from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.forecast import Forecast
from breakeven.compare.scenarios import forecast_with_scenarios
from breakeven.compare.solve import nothing_to_weigh
from breakeven.offers.offer import Offer
from breakeven.offers.scope import Scope

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue
    from breakeven.profile.load import LoadedProfile


def forecast_profile(
    loaded: LoadedProfile, catalogue: Catalogue, *, as_of: dt.date | None = None
) -> tuple[Scope, Offer | None, Forecast]:
    """The scope, the self-hosted offer of the verdict (None when none can serve) and the forecast."""
    scope = make_scope(loaded, catalogue, as_of=as_of)
    compared = compare_scope(scope, detail=False)
    head = compared.headline
    offers = [row.offer for row in compared.offers]
    result = forecast_with_scenarios(scope, offers, api=head.api, self_host=head.self_host)
    own = next((offer for offer in offers if offer.id == head.self_host and offer.tokens_per_day_per_replica), None)
    if own is None:
        result = replace(result, notes=(nothing_to_weigh(scope), *result.notes))
    return scope, own, result
