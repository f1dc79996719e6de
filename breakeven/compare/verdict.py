"""The verdict: which pair it is about, one plain sentence, and the conditions it depends on."""

from __future__ import annotations

from collections.abc import Sequence

from breakeven.compare.crossover import Crossover
from breakeven.compare.numbers import Money, percent, spoken
from breakeven.compare.result import Headline, OfferAtVolume
from breakeven.compare.stretches import narrow_words, where_it_wins
from breakeven.errors import FactNotFound
from breakeven.offers.scope import Scope


def choose_pair(offers: Sequence[OfferAtVolume]) -> tuple[OfferAtVolume | None, OfferAtVolume | None]:
    """The API you would leave and the machines you would leave it for.

    The API is the first one listed that is eligible and feasible (else eligible, else the first); the
    self-hosted offer is the first listed that is eligible and feasible. The order of the profile is the user's own
    priority, so adding a candidate at the end never changes what the verdict is about.
    """
    apis = [row for row in offers if row.offer.kind in ("api", "provisioned")]
    hosted = [row for row in offers if row.offer.kind in ("rented", "owned")]
    allowed = [row for row in apis if row.offer.eligible]
    api = next((row for row in (*(r for r in allowed if r.offer.feasible), *allowed, *apis)), None)
    able = [row for row in hosted if row.offer.feasible]
    own = next((row for row in able if row.offer.eligible), able[0] if able else None)
    return api, own


def headline(scope: Scope, offers: Sequence[OfferAtVolume], crossovers: Sequence[Crossover]) -> Headline:
    """The verdict of the chosen pair. Never raises: infeasible and ineligible have their sentences."""
    api, own = choose_pair(offers)
    hosted = [row for row in offers if row.offer.kind in ("rented", "owned")]
    if own is None or api is None:
        blocked = hosted[0].offer if hosted else None
        reason = blocked.why_not[0] if blocked and blocked.why_not else "no offer of that kind"
        name = scope.profile.self_host.model
        sentence = f"No self-hosted offer can serve {name} for this workload: {reason}"
        return Headline(
            api.offer.id if api else "", blocked.id if blocked else "", sentence, (),
            api.offer.id if api and _serves(api) else None,
        )  # fmt: skip
    found = next(
        (c for c in crossovers if c.api == api.offer.id and c.self_host == own.offer.id), None
    )
    assert found is not None
    return Headline(
        api.offer.id, own.offer.id, _sentence(scope, api, own, found), _conditions(scope, api, own, found),
        _cheaper(api, own),
    )  # fmt: skip


def _same_model(scope: Scope, api: OfferAtVolume) -> bool:
    """Whether the API sells the very model that would be self-hosted, so that nothing is substituted."""
    served = api.offer.meta.get("open_model")
    if served is None:
        return False
    try:
        return bool(scope.catalogue.find("models", scope.profile.self_host.model).id == served)
    except FactNotFound:
        return False


def _serves(row: OfferAtVolume) -> bool:
    """Whether it may serve the workload and can."""
    return row.offer.eligible and row.offer.feasible


def _cheaper(api: OfferAtVolume, own: OfferAtVolume) -> str | None:
    if not _serves(own) and not _serves(api):
        return None
    if not _serves(own):
        return api.offer.id
    if not _serves(api):
        return own.offer.id
    assert api.usd_per_day is not None and own.usd_per_day is not None
    return own.offer.id if own.usd_per_day < api.usd_per_day else api.offer.id


def _sentence(scope: Scope, api: OfferAtVolume, own: OfferAtVolume, found: Crossover) -> str:
    model = scope.profile.self_host.model
    machines, service = own.offer.name, api.offer.name
    subject = f"Self-hosting {model} on {machines}"
    if found.outcome == "never":
        return f"{subject} is never cheaper than {service}, at any volume."
    if found.outcome == "always":
        return f"{subject} is cheaper than {service} at every volume."
    return f"{subject} is cheaper than {service} {where_it_wins(found)}."


def _conditions(scope: Scope, api: OfferAtVolume, own: OfferAtVolume, found: Crossover) -> tuple[str, ...]:
    profile = scope.profile
    workload, host = profile.workload, profile.self_host
    shape = (
        f"requests of {spoken(workload.mean_input_tokens)} input + {spoken(workload.mean_output_tokens)} output tokens"
    )
    chosen = scope.currency
    usd = Money.of(chosen)
    parts = [f"prices in force on {scope.as_of}", shape]
    price = api.offer.usd_per_mtok
    if api.offer.kind == "api":
        least = api.offer.minimum_usd_per_day
        owed = f", and at least {usd(least)} a day (its minimum spend)" if least > 0 else ""
        parts.append(f"the API costs {usd(price)} per Mtok at this shape{owed}")
    if own.offer.minimum_usd_per_day > 0:
        parts.append(f"escalated requests owe a minimum spend of {usd(own.offer.minimum_usd_per_day)} a day as well")
    if api.offer.meta.get("bundled"):
        parts.append("the API's units are counted in bundles, an upper bound: bought one by one they can cost less")
    per_replica = own.offer.usd_per_replica_day
    fixed = own.offer.fixed_usd_per_day
    parts.append(
        f"a replica costs {usd(per_replica)} a day" + (f" on top of {usd(fixed)} a day fixed" if fixed > 0 else "")
    )
    replicas = own.offer.min_replicas + own.offer.redundant_replicas
    parts.append("no redundancy" if own.offer.redundant_replicas == 0 else f"N+{own.offer.redundant_replicas} redundancy")
    if replicas > 1:
        parts.append(f"at least {replicas} replicas")
    parts.append("no labour" if host.labour_fte == 0 else f"{host.labour_fte:g} FTE of labour")
    if chosen is not None:
        parts.append(f"1 {chosen['code']} = {chosen['usd_per_unit']:g} USD on {chosen['as_of']} ({chosen['source']})")
    narrow = narrow_words(found)
    if narrow is not None:
        parts.append(narrow)
    if found.capacity_share is not None:
        parts.append(f"the crossing lies at {percent(found.capacity_share)} of what the running replicas can serve")
    serving = own.offer.serving
    if serving is not None and serving.sized_by == "sizing":
        parts.append(f"an instance of {serving.accelerators_per_replica} GPU(s), a size the tool chose")
    if own.offer.serving is not None:
        parts.append(f"throughput is evidence of grade {own.offer.serving.grade}")
    if host.substitute is None and not _same_model(scope, api):
        parts.append(f"nobody has asserted that {host.model} can stand in for {api.offer.name} (self_host.substitute)")
    if host.substitute is False:
        parts.append(f"the profile says that {host.model} is NOT a substitute: costs are shown for information")
    if not own.offer.eligible:
        parts.append("the self-hosted offer is not eligible: " + "; ".join(own.offer.why_not))
    if not api.offer.eligible:
        parts.append("the API is not eligible: " + "; ".join(api.offer.why_not))
    elif not api.offer.feasible:
        parts.append("the API cannot serve this workload: " + "; ".join(api.offer.why_not))
    return tuple(parts)
