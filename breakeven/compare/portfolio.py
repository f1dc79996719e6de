"""Several profiles served together: one fleet per open model and machine, shared hour by hour.

Each workload's load in replicas at hour t is V_i w_i(t) / (k_i (1 - h_i)). Apart, every fleet is
sized for its own peak; pooled, for the peak of the sum, which is lower where the peaks fall in
different hours, and the last replica of each fleet is shared. Volumes are scaled together, so the
pool is an offer like any other and its crossover follows from the crossing law. A minimum spend is
each profile's own: the APIs' bills, each with its kink, are added up.
Source: docs/model.md, equation ``pooled-replicas``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from breakeven.compare.comparison import compare_scope, make_scope
from breakeven.compare.crossover import Crossover, crossover_of
from breakeven.compare.curve import regions
from breakeven.compare.summed_curves import curve_at, first_below, scaled, summed, top_up
from breakeven.errors import Infeasible
from breakeven.offers.offer import CostLine, Offer, steps

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue
    from breakeven.profile.load import LoadedProfile

PORTFOLIO_SCHEMA_VERSION = 1
_ROUNDING = 1.0 - 1e-12  # a sum of hours must not start a replica by rounding alone


class Member(Struct, frozen=True):
    """One profile of a pool, as it would be served alone."""

    profile: str
    tokens_per_day: float
    api: str
    self_host: str
    api_usd_per_day: float
    own_usd_per_day: float
    replicas: int
    peak_replicas: float  # load at its own peak hour, in replicas
    crossover: Crossover


class Pool(Struct, frozen=True):
    """Profiles whose open model runs on the same machines."""

    model: str
    machine: str
    members: tuple[Member, ...]
    tokens_per_day: float
    replicas_apart: int
    replicas_pooled: int
    peak_replicas_apart: float
    peak_replicas_pooled: float
    api_usd_per_day: float
    apart_usd_per_day: float
    pooled_usd_per_day: float
    crossover: Crossover  # of the pool, in tokens a day of all members together
    apart_first_tokens_per_day: float | None  # the same for separate fleets
    api_why_not: tuple[str, ...] = ()  # requirements that bar a member's API, or its machines
    own_why_not: tuple[str, ...] = ()

    @property
    def cheapest(self) -> str | None:
        """``api``, ``apart`` or ``pooled``, of what the requirements allow; None where they allow none."""
        costs = {} if self.api_why_not else {"api": self.api_usd_per_day}
        if not self.own_why_not:
            costs.update(apart=self.apart_usd_per_day, pooled=self.pooled_usd_per_day)
        return min(costs, key=lambda name: costs[name], default=None)


class Portfolio(Struct, frozen=True):
    """Everything ``portfolio`` prints."""

    as_of: dt.date
    catalogue_version: str
    pools: tuple[Pool, ...]
    not_pooled: tuple[str, ...]
    notes: tuple[str, ...] = ()
    currency: Mapping[str, Any] | None = None  # of display, where all profiles agree on one
    mixed_currencies: tuple[str, ...] = ()  # what they ask for where they do not

    @property
    def api_usd_per_day(self) -> float:
        """Buying everything."""
        return math.fsum(pool.api_usd_per_day for pool in self.pools)

    @property
    def pooled_usd_per_day(self) -> float:
        """Every pool run by itself."""
        return math.fsum(pool.pooled_usd_per_day for pool in self.pools)


class _Part(Struct, frozen=True):
    """What pooling needs of one profile."""

    profile: str
    model: str
    api: Offer
    own: Offer
    volume: float
    load: tuple[float, ...]  # replicas busy in each of the 168 hours
    member: Member


def portfolio(
    loaded: Sequence[LoadedProfile], catalogue: Catalogue, *, as_of: dt.date | None = None
) -> Portfolio:
    """Pool the headline pairs of several profiles. Raises Infeasible where none can be self-hosted."""
    parts: list[_Part] = []
    left: list[str] = []
    several: list[str] = []
    shown: list[Any] = []
    date = as_of or catalogue.released
    for item in loaded:
        scope = make_scope(item, catalogue, as_of=as_of)
        date = scope.as_of
        compared = compare_scope(scope, detail=False)
        shown.append(compared.currency)
        head = compared.headline
        rows = {row.offer.id: row for row in compared.offers}
        api, own = rows.get(head.api), rows.get(head.self_host)
        if api is None or own is None or own.usd_per_day is None or own.offer.tokens_per_day_per_replica is None:
            left.append(f"{item.profile.name}: {head.sentence}")
            continue
        if api.offer.kind != "api":
            left.append(f"{item.profile.name}: {api.offer.name} is bought in units; list a per-token API first")
            continue
        host = scope.profile.self_host
        # kappa x rho is what a replica carries at any moment, headroom left out
        moment = own.offer.tokens_per_day_per_replica * scope.peak_to_mean
        volume = compared.tokens_per_day
        load = tuple(volume * weight / moment for weight in scope.served_weights)
        found = next(c for c in compared.crossovers if (c.api, c.self_host) == (head.api, head.self_host))
        assert api.usd_per_day is not None and own.replicas is not None
        member = Member(item.profile.name, volume, head.api, head.self_host, api.usd_per_day, own.usd_per_day,
                        own.replicas, max(load), found)  # fmt: skip
        if len(host.supply) > 1:
            several.append(item.profile.name)
        parts.append(_Part(item.profile.name, host.model, api.offer, own.offer, volume, load, member))
    if not parts:
        raise Infeasible("none of these profiles can be self-hosted", fix="see breakeven run for the reasons")
    groups: dict[tuple[str, str, float], list[_Part]] = {}
    for part in parts:
        machine = f"{part.own.gpus_per_replica}x {part.own.meta.get('accelerator')} {part.own.kind}"
        groups.setdefault((part.model, machine, part.own.usd_per_replica_day), []).append(part)
    pools = tuple(_pool(model, machine, members) for (model, machine, _), members in groups.items())
    agreed = shown[0] if all(currency == shown[0] for currency in shown) else None
    asked = sorted({"USD" if currency is None else str(currency["code"]) for currency in shown})
    mixed = tuple(asked) if len(asked) > 1 else ()
    notes: tuple[str, ...] = ()
    if several:
        notes = (
            f"only the headline's machine of each profile is pooled; run compares the others of {', '.join(several)}, "
            "which may cost less",
        )
    return Portfolio(date, catalogue.version, pools, tuple(left), notes, agreed, mixed)


def _pool(model: str, machine: str, parts: Sequence[_Part]) -> Pool:
    volume = math.fsum(part.volume for part in parts)
    busy = [math.fsum(part.load[hour] for part in parts) for hour in range(len(parts[0].load))]
    peak = max(busy)
    redundant = max(part.own.redundant_replicas for part in parts)
    n_min = max(part.own.min_replicas for part in parts)
    full = [(part.volume, part.own.capacity_per_replica_tokens_per_day) for part in parts]
    mean_load = math.fsum(v / k for v, k in full if k)
    pooled = Offer(
        f"pool:{model}", f"pool of {len(parts)}", parts[0].own.kind, _pooled_lines(parts, volume),
        tokens_per_day_per_replica=_round(volume / peak), capacity_per_replica_tokens_per_day=volume / mean_load,
        min_replicas=n_min, redundant_replicas=redundant,
    )  # fmt: skip
    shares = [part.volume / volume for part in parts]
    bought = summed([scaled(regions(part.api), share) for part, share in zip(parts, shares, strict=True)])
    owed = [scaled(top_up(part.own), share) for part, share in zip(parts, shares, strict=True)]
    replicas = max(n_min, steps(peak * _ROUNDING, 1.0) + redundant)
    pooled_usd = math.fsum(
        (pooled.fixed_usd_per_day, replicas * pooled.usd_per_replica_day, pooled.usd_per_mtok * volume / 1e6,
         curve_at(summed(owed), volume))
    )  # fmt: skip
    members = tuple(part.member for part in parts)
    return Pool(
        model=model, machine=machine, members=members, tokens_per_day=volume,
        replicas_apart=sum(member.replicas for member in members), replicas_pooled=replicas,
        peak_replicas_apart=math.fsum(member.peak_replicas for member in members), peak_replicas_pooled=peak,
        api_usd_per_day=math.fsum(member.api_usd_per_day for member in members),
        apart_usd_per_day=math.fsum(member.own_usd_per_day for member in members), pooled_usd_per_day=pooled_usd,
        crossover=crossover_of(f"apis:{model}", bought, pooled, summed([regions(pooled), *owed])),
        apart_first_tokens_per_day=first_below(
            [scaled(regions(part.own), share) for part, share in zip(parts, shares, strict=True)], [bought]
        ),
        api_why_not=_why_not(parts, "api"), own_why_not=_why_not(parts, "own"),
    )  # fmt: skip


def _why_not(parts: Sequence[_Part], side: str) -> tuple[str, ...]:
    """Why buying, or running, is barred for a member: one that may not leaves the choice to nobody."""
    found: dict[str, None] = {}
    for part in parts:
        offer: Offer = getattr(part, side)
        if not (offer.eligible and offer.feasible):
            found.update(dict.fromkeys(f"{part.profile}: {reason}" for reason in offer.why_not))
    return tuple(found)


def _round(value: float) -> float:
    """Without the noise that sums of shares leave in the last digits: a step must end where a round number says."""
    return float(f"{value:.14g}")


def _pooled_lines(parts: Sequence[_Part], volume: float) -> tuple[CostLine, ...]:
    """The pool's bill: what is paid per day is paid once (the largest of the members'), tokens by their share."""
    rows: dict[tuple[str, int], CostLine] = {}
    for part in parts:
        met: Counter[str] = Counter()
        for line in part.own.lines:
            # A user's own cost is known by its name: its number is its place in one profile.
            what = line.name if line.id.startswith("extra-") else line.id
            met[what] += 1
            seen = rows.get((what, met[what]))
            share = line.usd_per_mtok * part.volume / volume
            rows[(what, met[what])] = CostLine(
                line.id, line.name, line.category,
                max(line.usd_per_day, seen.usd_per_day if seen else 0.0),
                max(line.usd_per_replica_day, seen.usd_per_replica_day if seen else 0.0),
                share + (seen.usd_per_mtok if seen else 0.0),
            )  # fmt: skip
    return tuple(rows.values())
