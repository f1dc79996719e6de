"""One computation gives one result: offers at the volume, every crossing, verdict, what moves it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from breakeven import __version__
from breakeven.catalog.ageing import ages, beyond_release
from breakeven.catalog.pricebook import PriceBook
from breakeven.compare.alternatives import what_moves_it
from breakeven.compare.at_volume import at_volume
from breakeven.compare.crossover import Crossover, crossover
from breakeven.compare.flips import flips
from breakeven.compare.hybrid import hybrid_crossover
from breakeven.compare.result import (
    Alternative,
    Assumption,
    Comparison,
    Flip,
    Headline,
    OfferAtVolume,
    SourceUsed,
    terms_of,
)
from breakeven.compare.verdict import headline
from breakeven.offers.build import build_offers
from breakeven.offers.offer import Offer
from breakeven.offers.other_values import beside_quotes
from breakeven.offers.scope import Scope

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue
    from breakeven.compare.quotes import QuoteRow
    from breakeven.profile.load import LoadedProfile

STALE_DAYS = 90

_TAXES = "taxes (VAT, sales tax, duty, depreciation allowances)"
_TAXES_BESIDE_QUOTES = (
    "taxes (VAT, sales tax, duty) on anything but the suppliers' quotes, whose stated duty and unrecoverable tax "
    "are in their figures; depreciation allowances"
)
NOT_INCLUDED = (
    "the cost of worse or better answers: quality is the user's assertion, not the tool's",
    "egress and storage, unless given under extra_costs",
    "price changes after the as-of date: see `breakeven forecast`",
)


def compare(
    loaded: LoadedProfile, catalogue: Catalogue, *, as_of: dt.date | None = None, detail: bool = True
) -> Comparison:
    """Compare every offer of a profile on one date.

    ``detail=False`` leaves out what only a reader needs (alternatives, flips, ledger). Raises
    :class:`~breakeven.errors.InputError` (exit 2) or FactNotInForce (exit 3); "never cheaper" and
    "cannot serve" are results.
    """
    scope = make_scope(loaded, catalogue, as_of=as_of)
    return compare_scope(scope, detail=detail)


def make_scope(loaded: LoadedProfile, catalogue: Catalogue, *, as_of: dt.date | None = None) -> Scope:
    """The date of the facts is explicit: the argument, else the profile's, else the catalogue's release."""
    date = as_of or loaded.profile.as_of or catalogue.released
    return beside_quotes(Scope(loaded, catalogue, PriceBook(catalogue), date))


def compare_scope(scope: Scope, *, detail: bool = True) -> Comparison:
    """:func:`compare` for a scope that is already made (sweeps and the gate reuse one)."""
    profile = scope.profile
    workload = profile.workload
    volume = workload.volume_tokens_per_day
    offers = build_offers(scope)
    rows = tuple(
        at_volume(
            offer, tokens_per_day=volume, tokens_per_request=workload.tokens_per_request,
            calls_per_task=workload.calls_per_task, hours_per_month=profile.finance.hours_per_month,
        )
        for offer in offers
    )  # fmt: skip
    crossings = all_crossovers(scope, offers)
    verdict = headline(scope, rows, crossings)
    alternatives = what_moves_it(scope, offers, crossings, verdict) if detail else ()
    used = _used_sources(scope, offers, alternatives)
    turning = verdict_flips(scope, rows, crossings, verdict) if detail else ()
    return Comparison(
        name=profile.name,
        profile_path=scope.loaded.path,
        description=profile.description,
        owner=profile.owner,
        tokens_per_day=volume,
        requests_per_day=volume / workload.tokens_per_request,
        tokens_per_request=workload.tokens_per_request,
        input_tokens=workload.mean_input_tokens,
        output_tokens=workload.mean_output_tokens,
        hours_per_month=profile.finance.hours_per_month,
        hourly_weights=_hours(scope),
        as_of=scope.as_of,
        catalogue_version=scope.catalogue.version,
        catalogue_digest=scope.catalogue.digest,
        catalogue_released=scope.catalogue.released,
        tool_version=__version__,
        profile_digest=_digest(scope.loaded.document.data),
        overrides=scope.loaded.overrides,
        offers=rows,
        crossovers=crossings,
        headline=verdict,
        alternatives=alternatives,
        flips=turning,
        sources=used,
        assumptions=_ledger(offers),
        not_included=_not_included(scope, offers),
        warnings=(*_warnings(scope, rows, used, verdict), *_cheaper_sizes(alternatives)),
        quotes=_quotes(scope, offers, crossings, verdict) if detail else (),
        currency=scope.currency,
        profile_data=scope.loaded.document.data,
    )


def _quotes(
    scope: Scope, offers: Sequence[Offer], crossings: Sequence[Crossover], verdict: Headline
) -> tuple[QuoteRow, ...]:
    """Quotes side by side; forecasts are not even imported where there is no quote."""
    if not any(offer.meta.get("quote") for offer in offers):
        return ()
    from breakeven.compare.quotes import side_by_side

    return side_by_side(scope, offers, crossings, api=verdict.api)


def verdict_flips(
    scope: Scope, rows: Sequence[OfferAtVolume], crossings: Sequence[Crossover], verdict: Headline
) -> tuple[Flip, ...]:
    """Where the headline's verdict would turn, key by key; nothing where no pair can be compared."""
    by_id = {row.offer.id: row for row in rows}
    api, own = by_id.get(verdict.api), by_id.get(verdict.self_host)
    found = next((c for c in crossings if (c.api, c.self_host) == (verdict.api, verdict.self_host)), None)
    if api is None or own is None or found is None or api.usd_per_day is None or own.usd_per_day is None:
        return ()
    return flips(scope, api, own, found)


def all_crossovers(scope: Scope, offers: Sequence[Offer]) -> tuple[Crossover, ...]:
    """One crossover per pair of something bought per token and something run."""
    bought = [offer for offer in offers if offer.kind in ("api", "provisioned")]
    run = [offer for offer in offers if offer.kind in ("rented", "owned") and offer.tokens_per_day_per_replica]
    pairs = [crossover(api, own) for api in bought for own in run]
    hybrids = [offer for offer in offers if offer.kind == "hybrid"]
    by_id = {offer.id: offer for offer in offers}
    pairs.extend(hybrid_crossover(scope, by_id[offer.meta["api"]], by_id[offer.meta["own"]], offer) for offer in hybrids)
    return tuple(pairs)


def _hours(scope: Scope) -> tuple[float, ...]:
    weights = scope.served_weights
    return weights if max(weights) > min(weights) else (1.0,)


def _used_sources(scope: Scope, offers: Iterable[Offer], alternatives: Iterable[Any]) -> tuple[SourceUsed, ...]:
    ids: dict[str, None] = {}
    for offer in offers:
        for line in offer.lines:
            ids.update(dict.fromkeys(line.sources))
            for term in line.terms:
                ids.update(dict.fromkeys(term.sources))
        ids.update(dict.fromkeys(offer.meta.get("capacity_sources", ())))
    for alternative in alternatives:
        ids.update(dict.fromkeys(alternative.sources))
    if scope.currency is not None and scope.currency["record"] is not None:
        ids[scope.currency["record"]] = None
    return tuple(source_used(scope, source_id) for source_id in sorted(ids))


def source_used(scope: Scope, source_id: str) -> SourceUsed:
    """A record as reports list it."""
    row = scope.prices.source(source_id) if source_id.startswith("genai-prices/") else scope.catalogue.source(source_id)
    # A price page is as old as its last check, and so is an architecture, which does not change (the date of its
    # record is nominal); a market observation or datasheet is as old as itself.
    checked = source_id.startswith(("api/", "genai-prices/", "models/"))
    dated = (row.retrieved or row.effective) if checked else (row.effective or row.retrieved)
    return SourceUsed(
        id=source_id, file=row.file, effective=row.effective, retrieved=row.retrieved, kind=row.kind, url=row.url,
        title=row.title, age_days=(scope.as_of - dated).days if dated else None,
        confidential=row.confidential, note=row.note, owner=row.owner,
    )  # fmt: skip


def _ledger(offers: Iterable[Offer]) -> tuple[Assumption, ...]:
    rows: dict[tuple[str, str, str], list[str]] = {}
    values: dict[tuple[str, str, str], tuple[Any, str]] = {}
    for offer in offers:
        for term in terms_of(offer):
            origin = term.sources[0] if len(term.sources) == 1 else ""
            if not origin:
                origin = f"{len(term.sources)} sources" if term.sources else (term.where or "default")
            key = (term.name, repr(term.value), origin)
            values[key] = (term.value, term.unit)
            users = rows.setdefault(key, [])
            if offer.id not in users:
                users.append(offer.id)
    return tuple(
        Assumption(key[0], values[key][0], values[key][1], key[2], tuple(users)) for key, users in rows.items()
    )


def _not_included(scope: Scope, offers: Sequence[Offer]) -> tuple[str, ...]:
    host = scope.profile.self_host
    # By whether there are quotes, not by their figures, which a shared report must not depend on.
    quoted = any(offer.meta.get("quote") for offer in offers)
    out = [_TAXES_BESIDE_QUOTES if quoted else _TAXES, *NOT_INCLUDED]
    if host.labour_fte == 0:
        out.append("labour to run the machines (self_host.labour_fte is 0)")
    if host.migration_usd == 0 and host.exit_usd == 0:
        out.append("one-off migration and exit")
    owned = [supply for supply in host.supply if supply.own is not None and supply.lease_usd_per_month is None]
    if owned and any(not supply.maintenance_share_per_year for supply in owned):
        out.append("maintenance of owned servers where maintenance_share_per_year is not given")
    if owned and any(supply.residual_share is None for supply in owned):
        out.append("resale of owned servers where residual_share is not given (taken as zero)")
    return tuple(out)


def _remark(source: SourceUsed) -> str:
    """What a record says about itself (a world average, an inconsistent page), less the further links."""
    note = "" if source.confidential else (source.note or "").partition("; also: ")[0]
    return f" ({note})" if note else ""


def _warnings(
    scope: Scope, rows: Sequence[OfferAtVolume], sources: Sequence[SourceUsed], verdict: Headline
) -> tuple[str, ...]:
    out: list[str] = []
    late = beyond_release(scope.catalogue.released, scope.as_of)
    if late is not None:
        out.append(late)
    old = [source for source in sources if source.age_days is not None and source.age_days > STALE_DAYS]
    # Whatever its grade: a price that was converted or worked out ages as well.
    priced = [source for source in old if ages(source.id)]
    if priced:
        oldest = max(priced, key=lambda source: source.age_days or 0)
        out.append(
            f"{len(priced)} price(s) and figure(s) used are older than {STALE_DAYS} days on {scope.as_of}; "
            f"the oldest is {oldest.id} ({oldest.age_days} days)"
        )
        pair = [row.offer for row in rows if row.offer.id in (verdict.api, verdict.self_host)]
        decisive = {source for offer in pair for line in offer.lines for source in line.sources}
        for source in priced:
            if source.id in decisive:
                out.append(f"{source.id}, on which the verdict rests, is {source.age_days} days old{_remark(source)}")
    shown = scope.currency
    if shown is not None and (age := (scope.as_of - dt.date.fromisoformat(shown["as_of"])).days) > STALE_DAYS:
        code = shown["code"]
        out.append(
            f"every amount is converted at 1 {code} = {shown['usd_per_unit']:g} USD of {shown['as_of']}, {age} days old: "
            "write finance.currency as {code: " + code + ", usd_per_unit: ..., as_of: ..., source: ...} for a newer rate"
        )
    for row in rows:
        if row.offer.meta.get("quote") and row.offer.why_not:
            out.append(f"{row.offer.id} is not ranked: {'; '.join(row.offer.why_not)}")
        elif row.offer.feasible is False and row.offer.kind in ("rented", "owned"):
            out.append(f"{row.offer.id} cannot serve this workload: {'; '.join(row.offer.why_not)}")
        # A note of a price names its model, which the offer's id names already.
        model = f"{row.offer.meta.get('model_ref')}: "
        out.extend(f"{row.offer.id}: {note.removeprefix(model)}" for note in row.offer.notes)
    host = scope.profile.self_host
    for index, supply in enumerate(host.supply):
        for key in ("usd_per_gpu_hour", "capex_usd", "lease_usd_per_month"):
            if getattr(supply, key) == 0:
                out.append(f"self_host.supply[{index}].{key} is 0: these machines cost nothing, and so the verdict says little")
    if host.cached_input_share is None and scope.profile.workload.cached_input_share > 0:
        out.append("self_host.cached_input_share is not given: the API's cached share is taken for self-hosting too")
    return tuple(dict.fromkeys(out))


def _cheaper_sizes(alternatives: Sequence[Alternative]) -> tuple[str, ...]:
    """Another size of an instance that costs less at the profile's volume than the one the tool chose."""
    return tuple(row.changed for row in alternatives if row.cheaper_at_volume)


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, default=str, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
