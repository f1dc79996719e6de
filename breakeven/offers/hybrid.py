"""The hybrid offer: run the base load on own machines, send the overflow to the API.

The number of replicas is the best one for the profile's load-duration curve: a replica pays while
its slice of the curve is busy for f / ((p - v) k) of the time. Tokens that the API's minimum spend
pays for anyway save nothing, so a fleet stops where the rest of the bill reaches the minimum;
requests that the open model escalates to the same API are part of that bill. No redundant replica is
held, since the API stands in for one that fails, and the smallest fleet is none. The hybrid is an
offer at the profile's volume; its coefficients are those of the fleet chosen there.
Source: docs/model.md, equations ``screening`` and ``hybrid``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from breakeven.finance.screening import Hours, Source, envelope, optimal_servers, worth_it_utilisation
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.scope import Scope

MAX_MTOK_PER_DAY = 1e12  # a million million million tokens a day: never, in any plain sense


class Pair(Struct, frozen=True):
    """What the rule needs of an API and a self-hosted offer. Volumes in Mtok a day."""

    curve: Hours  # load over time at a mean of 1
    width_mtok_per_day: float  # what one replica carries at any moment, headroom left out
    fixed_usd_per_day: float  # of self-hosting, whatever the number of replicas
    usd_per_replica_day: float
    saving_usd_per_mtok: float  # API price less own variable cost
    covered_usd_per_mtok: float = 0.0  # what of the API price counts towards its minimum spend
    uncovered_usd_per_day: float = 0.0  # of the minimum spend, left for tokens to reach
    escalated_usd_per_mtok: float = 0.0  # of the covered price, still paid for what is served: handed back

    @property
    def freed_usd_per_mtok(self) -> float:
        """What serving a token takes off the bill that the minimum spend covers."""
        return self.covered_usd_per_mtok - self.escalated_usd_per_mtok

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
        if self.uncovered_usd_per_day > 0:
            count = max(self._beside_a_minimum(load, count), key=lambda n: self.saving_usd_per_day(mtok_per_day, n))
        return count if self.saving_usd_per_day(mtok_per_day, count) > 0 else 0

    def _beside_a_minimum(self, load: Hours, most: int) -> tuple[int, ...]:
        """The fleets one of which is best: both concave stretches of the saving at their tops, and where they meet."""
        paid_anyway = worth_it_utilisation(
            usd_per_server_day=self.usd_per_replica_day,
            saving_usd_per_mtok=self.saving_usd_per_mtok - self.freed_usd_per_mtok,
            mtok_per_server_day=self.width_mtok_per_day,
        )
        least = optimal_servers(load, width=self.width_mtok_per_day, needed_utilisation=paid_anyway)
        # what can be saved at all
        worth = (self.covered_usd_per_mtok * load.mean - self.uncovered_usd_per_day) / self.freed_usd_per_mtok
        low, high = 0, max(0, math.ceil(load.peak / self.width_mtok_per_day))
        while low < high:
            middle = (low + high) // 2
            if load.below(middle * self.width_mtok_per_day) >= worth:
                high = middle
            else:
                low = middle + 1
        return most, least, max(0, low - 1), low

    def saving_usd_per_day(self, mtok_per_day: float, replicas: int) -> float:
        """Against buying everything, USD a day.

        (p - v) S - n f - F, less what of p S the minimum spend takes anyway: with p' the covered price, e
        what of it is escalated and m the uncovered minimum, max(m, p' V) - max(m, p' V - (p' - e) S) is
        saved of (p' - e) S.
        """
        served = self.curve.scaled(mtok_per_day).below(replicas * self.width_mtok_per_day)
        saved = self.saving_usd_per_mtok * served
        if self.uncovered_usd_per_day > 0:
            covered = self.freed_usd_per_mtok * served
            above = self.covered_usd_per_mtok * mtok_per_day - self.uncovered_usd_per_day
            saved += max(0.0, min(covered, above)) - covered
        return saved - replicas * self.usd_per_replica_day - self.fixed_usd_per_day


def pair_of(scope: Scope, api: Offer, own: Offer) -> Pair:
    """The pair's coefficients at the profile's demand shape."""
    assert own.tokens_per_day_per_replica is not None
    return Pair(
        curve=Hours.of(scope.served_weights),
        width_mtok_per_day=own.tokens_per_day_per_replica * scope.peak_to_mean / 1e6,
        fixed_usd_per_day=own.fixed_usd_per_day,
        usd_per_replica_day=own.usd_per_replica_day,
        saving_usd_per_mtok=api.usd_per_mtok - own.usd_per_mtok,
        **minimum_of(api, own),
    )


def minimum_of(api: Offer, own: Offer, price_index: float = 1.0) -> dict[str, float]:
    """The figures of a :class:`Pair` that an API's minimum spend sets; zero where it binds nothing."""
    covered = [line for line in api.lines if line.counts_towards_minimum]
    price = math.fsum(line.usd_per_mtok for line in covered) * price_index
    left = api.minimum_usd_per_day - math.fsum(line.usd_per_day for line in covered) * price_index
    binds = left > 0 and price > 0
    back = math.fsum(line.usd_per_mtok for line in own.lines if line.counts_towards_minimum) * price_index
    return {
        "covered_usd_per_mtok": price if binds else 0.0,
        "uncovered_usd_per_day": left if binds else 0.0,
        "escalated_usd_per_mtok": back if binds else 0.0,
    }


def _overflows_to(api: Offer, own: Offer) -> bool:
    """Whether a fleet may overflow to an API: one that escalates to another would owe two minimum spends."""
    return own.minimum_usd_per_day == 0 or own.meta.get("escalates_to_choice") == api.meta.get("choice")


def first_paying_volume(pair: Pair) -> tuple[float, int] | None:
    """(Mtok a day, replicas) at which the hybrid starts to pay, or None if it never does.

    The best saving over all fleets rises with the volume, so halving finds the fleet that pays
    first; its own volume then has a closed form. One replica of $70 a day saves $1 per Mtok:

    >>> from breakeven.finance.screening import Hours
    >>> pair = Pair(Hours.of([1.0]), 100.0, 0.0, 70.0, 1.0)
    >>> first_paying_volume(pair)
    (70.0, 1)
    """
    if pair.needed_utilisation >= 1.0:
        return None
    # Below this not even serving everything with one replica pays.
    low = (pair.fixed_usd_per_day + pair.usd_per_replica_day) / pair.saving_usd_per_mtok * (1.0 - 1e-12)
    anyway = pair.saving_usd_per_mtok - pair.freed_usd_per_mtok
    if pair.uncovered_usd_per_day > 0 and anyway <= 0.0:
        low = max(low, pair.uncovered_usd_per_day / pair.covered_usd_per_mtok)  # up to here the API costs the same
    if low <= 0.0:
        return 0.0, 1
    high = low
    while pair.replicas_at(high) == 0:
        low, high = high, high * 2.0
        if high > MAX_MTOK_PER_DAY:
            return None
    while high - low > 1e-13 * high:
        middle = low + (high - low) / 2.0
        if not low < middle < high:
            break
        if pair.replicas_at(middle) > 0:
            high = middle
        else:
            low = middle
    near = pair.replicas_at(high)
    if pair.uncovered_usd_per_day > 0:
        return high, near
    exact: list[tuple[float, int]] = []
    for replicas in range(max(1, near - 1), near + 2):
        cost = pair.fixed_usd_per_day + replicas * pair.usd_per_replica_day
        level = replicas * pair.width_mtok_per_day
        volume = pair.curve.volume_serving(cost / pair.saving_usd_per_mtok, level)
        if volume is not None:
            exact.append((volume, replicas))
    return min(exact, default=(high, near))


def build_hybrids(scope: Scope, offers: Sequence[Offer]) -> tuple[Offer, ...]:
    """One hybrid per self-hosted offer that can serve, its overflow to the first API bought per token that can.

    Where several machines complement each other (the cheaper to hold is the dearer to run), one more:
    the steady bottom on one, the shoulder on the next, the peak bought. A fleet that escalates to
    another API than the overflow goes to, and to one with a minimum spend, has no hybrid.
    """
    bought = [offer for offer in offers if offer.kind == "api"]
    allowed = [offer for offer in bought if offer.eligible]
    api = next((offer for offer in (*(one for one in allowed if one.feasible), *allowed, *bought)), None)
    if api is None:
        return ()
    run = [offer for offer in offers if offer.kind in ("rented", "owned") and offer.tokens_per_day_per_replica]
    own = [offer for offer in run if _overflows_to(api, offer)]
    singles = tuple(_hybrid(scope, api, offer) for offer in own)
    mixed = mix_offer(scope, api, own)
    if mixed is None:
        return singles
    # The envelope knows neither fixed costs nor a minimum spend: a mix that loses to one of its parts is none.
    volume = scope.profile.workload.volume_tokens_per_day
    least = min(offer.usd_per_day_at(volume) for offer in (api, *singles))
    return (*singles, mixed) if mixed.usd_per_day_at(volume) < least else singles


def _hybrid(scope: Scope, api: Offer, own: Offer) -> Offer:
    pair = pair_of(scope, api, own)
    volume = scope.profile.workload.volume_tokens_per_day / 1e6
    replicas = pair.replicas_at(volume)
    load = pair.curve.scaled(volume)
    mine = load.below(replicas * pair.width_mtok_per_day)
    share = min(1.0, mine / load.mean)
    lines = [_own_line(line, replicas, share) for line in _own_lines(own)] if replicas else []
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
        feasible=own.feasible and api.feasible,
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


def _own_lines(own: Offer) -> list[CostLine]:
    """The fleet's lines; a minimum spend is owed once, on the API's own line."""
    return [line for line in own.lines if line.id != "minimum-spend"]


def _own_line(line: CostLine, replicas: int, share: float) -> CostLine:
    terms = (*line.terms, Term("replicas", replicas, "replicas", where="screening rule"),
             Term("own_share", share, "share", where="load-duration curve"))  # fmt: skip
    return replace(
        line,
        usd_per_day=line.usd_per_day + line.usd_per_replica_day * replicas,
        usd_per_replica_day=0.0,
        usd_per_mtok=line.usd_per_mtok * share,
        terms=terms,
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


class MixLayer(Struct, frozen=True):
    """What one kind of machine carries in a mix. Levels in Mtok a day at any moment."""

    offer: str
    replicas: int
    from_mtok_per_day: float
    to_mtok_per_day: float
    needed_utilisation_share: float  # of a slice, against the next source up
    own_share: float  # of all tokens


def _of_one_supply(scope: Scope) -> frozenset[str]:
    """Ids of the costs that a supply entry adds of its own: numbered after those of all, the same in every entry."""
    host = scope.profile.self_host
    most = max(len(supply.extra_costs) for supply in host.supply)
    return frozenset(f"extra-{len(host.extra_costs) + number}" for number in range(most))


def mix_offer(scope: Scope, api: Offer, own: Sequence[Offer]) -> Offer | None:
    """The mix of several machines and the API by the envelope rule; None where one machine is best throughout.

    A slice of the load that is busy for a share z of the time costs f / w + v z per Mtok/day of
    capacity w on a machine and p z at the API. The cheapest source by z is the lower envelope of
    these lines; each machine gets the slices busy enough for it against the next one.
    """
    pairs = {offer.id: pair_of(scope, api, offer) for offer in own}
    sources = [
        Source(offer.id, offer.usd_per_replica_day / pairs[offer.id].width_mtok_per_day, offer.usd_per_mtok)
        for offer in own
    ]
    edges = envelope([*sources, Source(api.id, 0.0, api.usd_per_mtok)])
    if len(edges) < 3:
        return None
    by_id = {offer.id: offer for offer in own}
    volume = scope.profile.workload.volume_tokens_per_day / 1e6
    load = next(iter(pairs.values())).curve.scaled(volume)
    layers: list[MixLayer] = []
    level = 0.0
    for source, needed in edges:
        if source.name == api.id:
            break
        width = pairs[source.name].width_mtok_per_day
        count = optimal_servers(load, width=width, needed_utilisation=needed, base=level)
        top = level + count * width
        share = (load.below(top) - load.below(level)) / load.mean
        layers.append(MixLayer(source.name, count, level, top, needed, share))
        level = top
    layers = [layer for layer in layers if layer.replicas]
    if len(layers) < 2:
        return None
    lines: list[CostLine] = []
    paid: set[str] = set()
    apart = _of_one_supply(scope)
    for number, layer in enumerate(layers, 1):
        for line in _own_lines(by_id[layer.offer]):
            made = _own_line(line, layer.replicas, layer.own_share)
            if line.id in paid:  # the team, the licence and the move are paid once
                made = replace(made, usd_per_day=made.usd_per_day - line.usd_per_day)
            if line.id not in apart:
                paid.add(line.id)
            lines.append(replace(made, id=f"layer{number}-{line.id}", name=f"{line.name} (layer {number})"))
    bought = max(0.0, 1.0 - math.fsum(layer.own_share for layer in layers))
    lines += [_overflow_line(line, bought) for line in api.lines]
    firsts = [found for pair in pairs.values() if (found := first_paying_volume(pair)) is not None]
    names = " then ".join(f"{layer.replicas}x {by_id[layer.offer].name}" for layer in layers)
    return Offer(
        id="hybrid:mix+" + api.id,
        name=f"base and shoulder on {names}, peak to {api.name}",
        kind="hybrid",
        lines=tuple(lines),
        minimum_usd_per_day=api.minimum_usd_per_day,
        eligible=api.eligible and all(by_id[layer.offer].eligible for layer in layers),
        feasible=api.feasible and all(by_id[layer.offer].feasible for layer in layers),
        why_not=tuple(dict.fromkeys(w for layer in layers for w in by_id[layer.offer].why_not)) + api.why_not,
        meta={
            "api": api.id, "own": layers[0].offer, "replicas": sum(layer.replicas for layer in layers),
            "own_tokens_per_day": (1.0 - bought) * volume * 1e6,
            "mix": {"layers": tuple(layers), "first": min(firsts, default=None)}, "choice": api.meta.get("choice"),
        },
    )  # fmt: skip
