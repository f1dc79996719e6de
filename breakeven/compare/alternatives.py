"""What moves it: the headline crossover again under the alternatives a fair reader would ask for.

Each alternative changes one thing, keeps the rest, and solves the same law again. None of them is
tuned: the prices are the catalogue's on the same date, the changes are named in the output.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.catalog.record_digest import record_at
from breakeven.compare.crossover import Crossover, crossover
from breakeven.compare.numbers import Money, times
from breakeven.compare.result import Alternative, Headline
from breakeven.errors import BreakevenError
from breakeven.offers.api import build_api_offers, hosted_offer
from breakeven.offers.build import build_offers, with_requirements
from breakeven.offers.market import allowed_quotes, current_quotes
from breakeven.offers.offer import Offer
from breakeven.offers.requirement_names import requirements_of
from breakeven.offers.scope import Scope
from breakeven.offers.serving_specs import accelerator_spec
from breakeven.offers.sizing import instance_sizes
from breakeven.profile.load import LoadedProfile
from breakeven.profile.model import Profile

LABOUR_FTE = 0.25
CACHED_SHARE = 0.7


class _Base(Struct, frozen=True):
    scope: Scope
    api: Offer
    own: Offer
    first: float | None

    @property
    def supply_index(self) -> int:
        return int(self.own.meta["supply"])

    @property
    def api_index(self) -> int:
        return int(self.api.meta["choice"])


def what_moves_it(
    scope: Scope, offers: Sequence[Offer], crossovers: Sequence[Crossover], verdict: Headline
) -> tuple[Alternative, ...]:
    """Every alternative of the headline pair; one that cannot be computed says why."""
    by_id = {offer.id: offer for offer in offers}
    if verdict.api not in by_id or verdict.self_host not in by_id:
        return ()
    own = by_id[verdict.self_host]
    found = next((c for c in crossovers if (c.api, c.self_host) == (verdict.api, verdict.self_host)), None)
    if found is None or own.tokens_per_day_per_replica is None:
        return ()
    base = _Base(scope, by_id[verdict.api], own, found.first_tokens_per_day)
    return tuple(row for source in _SOURCES for row in source(base))


def _solve(base: _Base, name: str, changed: str, api: Offer, own: Offer, sources: tuple[str, ...] = ()) -> Alternative:
    if own.tokens_per_day_per_replica is None:
        return Alternative(name, changed, None, None, None, None, "; ".join(own.why_not))
    found = crossover(api, own)
    first = found.first_tokens_per_day
    ratio = first / base.first if first is not None and base.first else None
    every = dict.fromkeys(sources)
    for offer in (api, own):
        for line in offer.lines:
            every.update(dict.fromkeys(line.sources))
    return Alternative(name, changed, found.outcome, first, found.settled_tokens_per_day, ratio, None, tuple(every), (api, own))


def _with_profile(base: _Base, name: str, changed: str, edit: Callable[[Profile], Profile]) -> Alternative:
    """Rebuild the two offers from an edited profile; problems become the row's reason."""
    profile = edit(base.scope.profile)
    loaded = LoadedProfile(profile, base.scope.loaded.document, base.scope.loaded.overrides)
    scope = replace(base.scope, loaded=loaded)
    try:
        offers = build_offers(scope)
    except BreakevenError as error:
        return Alternative(name, changed, None, None, None, None, str(error.problems[0].message))
    api = next(o for o in offers if o.kind == base.api.kind and o.meta.get("choice") == base.api_index)
    own = next(
        o for o in offers if o.kind in ("rented", "owned") and o.meta.get("supply") == base.supply_index
    )
    return _solve(base, name, changed, api, own)


def _edit_workload(profile: Profile, **changes: Any) -> Profile:
    return profile.model_copy(update={"workload": profile.workload.model_copy(update=changes)})


def _edit_host(profile: Profile, **changes: Any) -> Profile:
    return profile.model_copy(update={"self_host": profile.self_host.model_copy(update=changes)})


def _alone(base: _Base, profile: Profile, **changes: Any) -> Profile:
    """The profile with only the headline's supply entry, edited, and no hybrids (they are not asked for)."""
    supply = list(profile.self_host.supply)
    chosen = base.own.serving.accelerators_per_replica if base.own.serving is not None else None
    if supply[base.supply_index].gpus is None and chosen is not None:
        changes = {"gpus": chosen, **changes}  # one change at a time: the instance stays as large as it is
    supply[base.supply_index] = supply[base.supply_index].model_copy(update=changes)
    return _edit_host(profile, supply=tuple(supply), hybrid=False)


def _same_model_hosted(base: _Base) -> Iterator[Alternative]:
    hosts = base.scope.prices.same_open_model(base.scope.profile.self_host.model, as_of=base.scope.as_of)
    rows = sorted(
        (hosted_offer(base.scope, host) for host in hosts), key=lambda offer: (offer.usd_per_mtok, offer.id)
    )
    every = [with_requirements(base.scope, offer) for offer in rows if offer.id != base.api.id]
    if not every:
        return
    usd = Money.of(base.scope.currency)
    rows = [offer for offer in every if offer.eligible]
    barred = len(every) - len(rows)
    if not rows:
        offer = every[0]
        said = f"{offer.name} at {usd(offer.usd_per_mtok)}/Mtok, cheapest of {len(every)} host(s), all barred"
        yield Alternative("same open model, hosted", said, None, None, None, None, "; ".join(offer.why_not))
        return
    picks = {"cheapest": rows[0], "median": rows[(len(rows) - 1) // 2], "dearest": rows[-1]}
    if len(rows) == 1:
        picks = {"only": rows[0]}
    count = f"{len(rows)} host(s)" + (f" that the requirements allow ({barred} barred)" if barred else "")
    for word, offer in picks.items():
        yield _solve(
            base, f"same open model, hosted ({word})",
            f"{offer.name} at {usd(offer.usd_per_mtok)}/Mtok, {word} of {count}", offer, base.own,
        )  # fmt: skip


def _gpu_price(base: _Base) -> Iterator[Alternative]:
    if base.own.kind != "rented":
        return
    accelerator = str(base.own.meta["accelerator"])
    every = current_quotes(base.scope.catalogue, base.scope.as_of, accelerator=accelerator, term="on-demand")
    quotes = allowed_quotes(base.scope.catalogue, every, requirements_of(base.scope))
    if not quotes:
        return
    allowed = f" that the requirements allow ({len(every) - len(quotes)} barred)" if len(quotes) < len(every) else ""
    usd = Money.of(base.scope.currency)
    rates = [rate for rate, _, _ in quotes]
    middle = statistics.median(rates)
    picks: list[tuple[str, float, str, tuple[str, ...]]] = [
        ("cheapest quote", quotes[0][0], quotes[0][2], (quotes[0][1],)),
        ("median quote", middle, f"{len(quotes)} on-demand quotes{allowed}", tuple(source for _, source, _ in quotes)),
        ("dearest quote", quotes[-1][0], quotes[-1][2], (quotes[-1][1],)),
    ]
    label = base.scope.catalogue.label
    big = next((quote for quote in quotes if label("rental", quote[2], "tier") == "hyperscaler"), None)
    if len(quotes) == 1:
        picks = [("only quote", quotes[0][0], quotes[0][2] + allowed, (quotes[0][1],))]
    elif big is not None and big != quotes[-1]:
        picks.insert(2, ("cheapest hyperscaler", big[0], big[2], (big[1],)))
    for word, rate, who, sources in picks:
        if len(sources) == 1:
            unit = getattr(record_at(base.scope.catalogue, sources[0]), "gpus_per_sku", 1)
            who += f"; a share of {unit} sold together" if unit > (base.own.gpus_per_replica or 1) else ""
        row = _with_profile(
            base, f"rent: {word}", f"{usd.quoted(rate)} per GPU-hour on demand ({who})",
            partial(_alone, base, usd_per_gpu_hour=rate, provider=None, discount=0.0, term="on-demand",
                    prepaid_share=None, gpus_per_sku=int(base.own.meta.get("gpus_per_sku") or 1)),
        )  # fmt: skip
        yield replace(row, sources=tuple(dict.fromkeys((*row.sources, *sources))))


def _owned(base: _Base) -> Iterator[Alternative]:
    if base.own.kind != "rented" or any(s.own for s in base.scope.profile.self_host.supply):
        return
    accelerator = str(base.own.meta["accelerator"])
    servers = [s for s in base.scope.catalogue.all("servers") if s.accelerator == accelerator]  # type: ignore[attr-defined]
    sites = base.scope.catalogue.ids("sites")
    if not servers or "us-average" not in sites:
        return
    for server in servers:
        change: dict[str, Any] = {
            "rent": None, "own": server.id, "site": "us-average", "provider": None, "usd_per_gpu_hour": None,
            "term": "on-demand", "region": None, "sku": None, "discount": 0.0, "gpus_per_sku": None, "life_years": 4.0,
            "term_years": None, "prepaid_share": None,
        }  # fmt: skip
        row = _with_profile(
            base, "owned instead of rented", f"own {server.id} (whole server), 4 years, no resale, site us-average",
            partial(_alone, base, **change),
        )  # fmt: skip
        owned = row.pair[1] if row.pair else None
        if owned is not None and not owned.eligible:
            row = Alternative(row.name, row.changed, None, None, None, None, "barred: " + "; ".join(owned.why_not))
        yield row


def _sizes(base: _Base) -> Iterator[Alternative]:
    """Other numbers of accelerators in one instance that change the bill.

    Where the profile states the number: only smaller ones whose copies carry more on the same accelerators.
    """
    serving = base.own.serving
    if serving is None or serving.sized_by not in ("sizing", "profile"):
        return
    stated = serving.sized_by == "profile"
    usd, volume = Money.of(base.scope.currency), base.scope.profile.workload.volume_tokens_per_day
    now, found = base.own.usd_per_day_at(volume), crossover(base.api, base.own)
    accelerator = str(base.own.meta["accelerator"])
    record = base.scope.catalogue.in_force("accelerators", accelerator, "specs", base.scope.as_of).record
    machine = accelerator_spec(base.scope.catalogue.find("accelerators", accelerator), record)  # type: ignore[arg-type]
    for count in instance_sizes(machine):
        if count == serving.accelerators_per_replica or (stated and serving.accelerators_per_replica % count):
            continue
        profile = _alone(base, base.scope.profile, gpus=count)
        scope = replace(base.scope, loaded=LoadedProfile(profile, base.scope.loaded.document, base.scope.loaded.overrides))
        try:
            offers = build_offers(scope)
        except BreakevenError:
            continue
        own = next(o for o in offers if o.kind in ("rented", "owned") and o.meta.get("supply") == base.supply_index)
        if own.tokens_per_day_per_replica is None:
            continue  # it does not fit, or misses the latency targets
        then, again = own.usd_per_day_at(volume), crossover(base.api, own)
        if then == now and again.intervals == found.intervals:
            continue  # a whole server either way
        gain = _carried_per_gpu(own) / _carried_per_gpu(base.own)
        if stated and gain <= 1.0:
            continue
        copies = f" ({serving.accelerators_per_replica // count} copies carry {times(gain)} on as many GPUs)" if stated else ""
        cheaper = f": cheaper at your volume, set self_host.supply[{base.supply_index}].gpus" if then < now else ""
        changed = f"{count} GPU(s) an instance instead of {serving.accelerators_per_replica}{copies}, {usd(then)} a day{cheaper}"
        yield replace(_solve(base, "instance size", changed, base.api, own), cheaper_at_volume=then < now)


def _carried_per_gpu(offer: Offer) -> float:
    """What an offer carries on a mean day, in tokens/day for each rented GPU or owned server, which are of one kind."""
    held = offer.gpus_per_replica or offer.meta.get("servers_per_replica") or 1
    return (offer.tokens_per_day_per_replica or 0.0) / float(held)


def _labour(base: _Base) -> Iterator[Alternative]:
    host = base.scope.profile.self_host
    fte = host.labour_fte + LABOUR_FTE
    label = f"{LABOUR_FTE:g} FTE more labour" if host.labour_fte else f"{LABOUR_FTE:g} FTE of labour"
    yield _with_profile(
        base, "labour", label, lambda profile: _edit_host(_alone(base, profile), labour_fte=fte)
    )


def _redundancy(base: _Base) -> Iterator[Alternative]:
    more = base.scope.profile.self_host.redundancy + 1
    yield _with_profile(
        base, "redundancy", f"N+{more} replicas",
        lambda profile: _edit_host(_alone(base, profile), redundancy=more),
    )  # fmt: skip


def _caching(base: _Base) -> Iterator[Alternative]:
    share = base.scope.profile.workload.cached_input_share
    if share >= CACHED_SHARE:
        yield _with_profile(
            base, "no caching", "no input token is found in a prefix cache",
            lambda profile: _edit_workload(_alone(base, profile), cached_input_share=0.0),
        )  # fmt: skip
        return
    yield _with_profile(
        base, "caching", f"{CACHED_SHARE:.0%} of input tokens are cache reads",
        lambda profile: _edit_workload(_alone(base, profile), cached_input_share=CACHED_SHARE),
    )  # fmt: skip


def _sells_batch(base: _Base) -> bool:
    """Whether waiting is worth anything at this API: the rebuilt offer says so."""
    profile = _edit_workload(_alone(base, base.scope.profile), batch_share=1.0)
    scope = replace(base.scope, loaded=LoadedProfile(profile, base.scope.loaded.document))
    offers = build_api_offers(scope)
    return any(o.meta.get("choice") == base.api_index and o.meta.get("batch_priced") for o in offers)


def _batch(base: _Base) -> Iterator[Alternative]:
    if base.scope.profile.workload.batch_share >= 1:
        return
    changed = "every request may wait for the API's batch window"
    row = _with_profile(
        base, "batch", changed, lambda profile: _edit_workload(_alone(base, profile), batch_share=1.0)
    )
    if base.api.kind == "api" and not _sells_batch(base):
        row = Alternative("batch", changed, None, None, None, None, "this API sells no batch and has no off-peak hours")
    yield row


_SOURCES: tuple[Callable[[_Base], Iterator[Alternative]], ...] = (
    _same_model_hosted, _gpu_price, _owned, _sizes, _labour, _redundancy, _caching, _batch,
)  # fmt: skip
