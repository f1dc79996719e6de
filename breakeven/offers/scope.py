"""What every builder reads: the profile, the catalogue on a date, and the shape of demand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from breakeven.errors import FactNotFound
from breakeven.finance.load import effective_peak_to_mean, hourly_weights, served_weights
from breakeven.offers.offer import Term
from breakeven.profile.load import LoadedProfile

if TYPE_CHECKING:
    from breakeven.catalog.pricebook import PriceBook
    from breakeven.catalog.store import Catalogue
    from breakeven.profile.model import Profile

EXCHANGE_RATES = "exchange-rates"


class Scope(Struct, frozen=True):
    """One profile against one catalogue on one date. ``plans`` caches serving estimates.

    ``lent`` names, for a key of a supply entry that a supplier's quote added, the profile's key that it was taken from.
    """

    loaded: LoadedProfile
    catalogue: Catalogue
    prices: PriceBook
    as_of: dt.date
    plans: dict[Any, Any] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)

    @property
    def profile(self) -> Profile:
        """The validated profile."""
        return self.loaded.profile

    @property
    def weights(self) -> tuple[float, ...]:
        """168 hourly demand weights (Monday 00:00 UTC first), mean 1, of the interactive requests."""
        demand = self.profile.workload.demand
        key = ("weights", demand)
        if key not in self.plans:
            base = Path(self.loaded.path).parent
            self.plans[key] = hourly_weights(demand, catalogue=self.catalogue, as_of=self.as_of, base_dir=base)
        weights: tuple[float, ...] = self.plans[key]
        return weights

    @property
    def served_weights(self) -> tuple[float, ...]:
        """The 168 weights as machines see them: batch work spread over its window."""
        workload = self.profile.workload
        return served_weights(
            self.weights, batch_share=workload.batch_share, batch_window_hours=workload.batch_window_hours
        )

    @property
    def peak_to_mean(self) -> float:
        """rho: peak over mean after the batch share is spread over its window."""
        workload = self.profile.workload
        rho: float = effective_peak_to_mean(
            peak_to_mean=max(self.weights),
            batch_share=workload.batch_share,
            batch_window_hours=workload.batch_window_hours,
        )
        return rho

    @property
    def currency(self) -> dict[str, Any] | None:
        """The display currency: code, USD per unit, the day and source of the rate; None for USD.

        A rate the profile does not state is the catalogue's. Raises FactNotFound for a currency it lacks.
        """
        chosen = self.profile.finance.currency
        if chosen is None:
            return None
        if chosen.usd_per_unit is not None and chosen.as_of is not None:
            day, rate, said = chosen.as_of.isoformat(), chosen.usd_per_unit, chosen.source
            return {"code": chosen.code, "usd_per_unit": rate, "as_of": day, "source": said, "record": None}
        try:
            cited = self.catalogue.figure(EXCHANGE_RATES, as_of=self.as_of, figure=chosen.code.lower())
        except FactNotFound as error:
            fix = f"give usd_per_unit, as_of and source; {error.problems[0].fix}"
            place = self.loaded.document.problem(("finance", "currency"), f"the catalogue has no rate for {chosen.code}", fix)
            raise FactNotFound(place) from None
        record = cited.record
        return {
            "code": chosen.code, "usd_per_unit": record.value.typical, "as_of": record.effective.isoformat(),
            "source": record.source.title or record.source.url, "record": cited.source_id,
        }  # fmt: skip

    def chosen(self, key: str, value: Any, unit: str) -> Term:
        """A term that the profile states, or that is a documented default when it does not."""
        from breakeven.profile.load import parse_key

        key = self._lender(key)
        loc = parse_key(key)
        data = self.loaded.document.data
        for step in loc:
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                return Term(key, value, unit, where="default")
        overridden = any(text.partition("=")[0].strip() == key for text in self.loaded.overrides)
        return Term(key, value, unit, where="--set" if overridden else f"profile:{key}")

    def peak_to_mean_term(self) -> Term:
        """rho as a term: of the demand that the profile states, or a default of steady demand."""
        stated = self.chosen("workload.demand", self.peak_to_mean, "ratio")
        if stated.where == "default" and self.profile.workload.batch_share > 0:
            stated = self.chosen("workload.batch_share", self.peak_to_mean, "ratio")
        return Term("peak_to_mean", self.peak_to_mean, "ratio", where=stated.where)

    def _lender(self, key: str) -> str:
        for mine, theirs in self.lent.items():
            if key == mine or key.startswith((f"{mine}.", f"{mine}[")):
                return theirs + key.removeprefix(mine)
        return key
