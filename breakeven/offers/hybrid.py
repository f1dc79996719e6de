"""The hybrid offer: run the base load on own machines, send the overflow to the API.

The number of replicas is the best one for the profile's load-duration curve: a replica pays while
its slice of the curve is busy for f / ((p - v) k) of the time. No redundant replica is held, since
the API stands in for one that fails, and the smallest fleet is none. The hybrid is an offer at the
profile's volume; its coefficients are those of the fleet chosen there.
Source: docs/model.md, equations ``screening`` and ``hybrid``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from breakeven.finance.load import served_weights
from breakeven.finance.screening import Hours, optimal_servers, worth_it_utilisation
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.scope import Scope


@dataclass(frozen=True, slots=True)
class Pair:
    """What the rule needs of an API and a self-hosted offer. Volumes in Mtok a day."""

    curve: Hours  # load over time at a mean of 1
    width_mtok_per_day: float  # what one replica carries at any moment, headroom left out
    fixed_usd_per_day: float  # of self-hosting, whatever the number of replicas
    usd_per_replica_day: float
    saving_usd_per_mtok: float  # API price less own variable cost

    @property
    def needed_utilisation(self) -> float:
        """How busy a replica must be to pay."""
        return worth_it_utilisation(
            usd_per_server_day=self.usd_per_replica_day,
            saving_usd_per_mtok=self.saving_usd_per_mtok,
            mtok_per_server_day=self.width_mtok_per_day,
        )

    def replicas_at(self, mtok_per_day: float) -> int:
        """The best number of replicas at a volume; none when even the best does not pay its fixed cost."""
        load = self.curve.scaled(mtok_per_day)
        count = optimal_servers(load, width=self.width_mtok_per_day, needed_utilisation=self.needed_utilisation)
        return count if self.saving_usd_per_day(mtok_per_day, count) > 0 else 0

    def saving_usd_per_day(self, mtok_per_day: float, replicas: int) -> float:
        """Against buying everything, USD a day."""
        served = self.curve.scaled(mtok_per_day).below(replicas * self.width_mtok_per_day)
        return self.saving_usd_per_mtok * served - replicas * self.usd_per_replica_day - self.fixed_usd_per_day


def pair_of(scope: Scope, api: Offer, own: Offer) -> Pair:
    """The pair's coefficients at the profile's demand shape."""
    workload = scope.profile.workload
    weights = served_weights(
        scope.weights, batch_share=workload.batch_share, batch_window_hours=workload.batch_window_hours
    )
    assert own.tokens_per_day_per_replica is not None
    return Pair(
        curve=Hours.of(weights),
        width_mtok_per_day=own.tokens_per_day_per_replica * scope.peak_to_mean / 1e6,
        fixed_usd_per_day=own.fixed_usd_per_day,
        usd_per_replica_day=own.usd_per_replica_day,
        saving_usd_per_mtok=api.usd_per_mtok - own.usd_per_mtok,
    )


def build_hybrids(scope: Scope, offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """One hybrid per self-hosted offer that can serve, with the first API bought per token as its overflow."""
    bought = [offer for offer in offers if offer.kind == "api"]
    api = next((offer for offer in bought if offer.eligible), bought[0] if bought else None)
    if api is None:
        return ()
    own = [offer for offer in offers if offer.kind in ("rented", "owned") and offer.tokens_per_day_per_replica]
    return tuple(_hybrid(scope, api, offer) for offer in own)


def _hybrid(scope: Scope, api: Offer, own: Offer) -> Offer:
    pair = pair_of(scope, api, own)
    volume = scope.profile.workload.volume_tokens_per_day / 1e6
    replicas = pair.replicas_at(volume)
    load = pair.curve.scaled(volume)
    mine = load.below(replicas * pair.width_mtok_per_day)
    share = min(1.0, mine / load.mean)
    lines = [_own_line(line, replicas, share) for line in own.lines] if replicas else []
    lines += [_overflow_line(line, 1.0 - share) for line in api.lines]
    needed = pair.needed_utilisation
    notes = () if replicas else ("no replica is busy enough to pay at this volume: everything is bought",)
    return Offer(
        id=f"hybrid:{own.id}+{api.id}",
        name=f"hybrid: {own.name}, overflow to {api.name}",
        kind="hybrid",
        lines=tuple(lines),
        capacity_per_replica_tokens_per_day=own.capacity_per_replica_tokens_per_day,
        min_replicas=0,
        minimum_usd_per_day=api.minimum_usd_per_day,
        eligible=api.eligible and own.eligible,
        feasible=own.feasible,
        why_not=tuple(dict.fromkeys((*own.why_not, *api.why_not))),
        notes=notes,
        serving=own.serving,
        capacity_band=own.capacity_band,
        gpus_per_replica=own.gpus_per_replica,
        meta={
            "api": api.id, "own": own.id, "replicas": replicas, "own_tokens_per_day": share * volume * 1e6,
            "own_share": share, "needed_utilisation_share": needed if math.isfinite(needed) else None,
            "supply": own.meta.get("supply"), "choice": api.meta.get("choice"),
        },
    )  # fmt: skip


def _own_line(line: CostLine, replicas: int, share: float) -> CostLine:
    terms = (*line.terms, Term("replicas", replicas, "replicas", where="screening rule"),
             Term("own_share", share, "share", where="load-duration curve"))  # fmt: skip
    return replace(
        line,
        usd_per_day=line.usd_per_day + line.usd_per_replica_day * replicas,
        usd_per_replica_day=0.0,
        usd_per_mtok=line.usd_per_mtok * share,
        terms=terms,
        counts_towards_minimum=False,
    )


def _overflow_line(line: CostLine, share: float) -> CostLine:
    if line.id == "minimum-spend":
        return line
    return replace(
        line,
        id=f"overflow-{line.id}",
        name=f"overflow: {line.name}",
        usd_per_mtok=line.usd_per_mtok * share,
        terms=(*line.terms, Term("overflow_share", share, "share", where="load-duration curve")),
    )
