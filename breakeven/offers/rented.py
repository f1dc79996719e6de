"""Rented accelerators: billed for every hour held, busy or not, by whole SKU.

    f = usd_per_gpu_hour * (1 - discount) * gpus_billed * 24          USD per replica and day

A *replica* is the unit that is added or not: the SKUs that hold one model instance, with as many
instances as fit in them. Source: docs/model.md, equations ``rent`` and ``replica-capacity``.
"""

from __future__ import annotations

import statistics

from msgspec import Struct
from msgspec.structs import replace

from breakeven.errors import FactNotFound, FactNotInForce, InputError
from breakeven.finance.capital import annuity_usd_per_day
from breakeven.offers.capacity import Capacity, NoCapacity, instance_capacity
from breakeven.offers.market import current_quotes, why_no_quote
from breakeven.offers.offer import CostLine, Offer, Term
from breakeven.offers.operations import Site, shared_lines
from breakeven.offers.requirement_names import requirements_of
from breakeven.offers.requirements import OWN_QUOTE, jurisdiction_of, unmet
from breakeven.offers.scope import Scope
from breakeven.profile.self_host import MEDIAN, TERM_YEARS, Supply
from breakeven.units import HOURS_PER_DAY

RENT_LINES = ("rent", "prepaid-rent")  # what follows the rate of a GPU-hour


class Quote(Struct, frozen=True):
    """A rate per GPU-hour with the SKU it comes in."""

    provider: str
    label: str
    low_usd_per_gpu_hour: float
    usd_per_gpu_hour: float
    high_usd_per_gpu_hour: float
    gpus_per_sku: int
    region: str | None
    jurisdictions: tuple[str, ...]
    rate: Term
    term_years: float | None = None
    prepaid_share: float = 0.0
    notes: tuple[str, ...] = ()
    tax: Term | None = None  # included in the three rates, not in ``rate``
    contract: tuple[str, ...] = ()  # the record that says term and prepayment, where the profile does not
    sku: tuple[str, ...] = ()  # the record that says how many are sold together, where the rate is not from it
    years_by_name: bool = False  # the term's name says how long it is


def rent_usd_per_replica_day(*, usd_per_gpu_hour: float, discount: float, gpus_billed: float) -> float:
    """f = usd_per_gpu_hour * (1 - discount) * gpus_billed * 24.

    >>> rent_usd_per_replica_day(usd_per_gpu_hour=2.65, discount=0.0, gpus_billed=1)
    63.599999999999994
    """
    return usd_per_gpu_hour * (1.0 - discount) * gpus_billed * HOURS_PER_DAY


def whole_skus(*, gpus_needed: int, gpus_per_sku: int) -> int:
    """GPUs billed for ``gpus_needed``: whole SKUs only.

    >>> whole_skus(gpus_needed=1, gpus_per_sku=8), whole_skus(gpus_needed=16, gpus_per_sku=8)
    (8, 16)
    """
    return -(-gpus_needed // gpus_per_sku) * gpus_per_sku


def build_rented(
    scope: Scope, supply: Supply, *, index: int, api_offers: tuple[Offer, ...], quote: Quote | None = None
) -> Offer:
    """The rented offer of one ``supply`` entry; ``quote`` where the rate does not come from the rental prices.

    Raises FactNotFound / FactNotInForce for its price.
    """
    assert supply.rent is not None
    try:
        accelerator = scope.catalogue.find("accelerators", supply.rent).id
    except FactNotFound as error:
        problem = error.problems[0]
        raise FactNotFound(
            scope.loaded.document.problem(("self_host", "supply", index, "rent"), problem.message, problem.fix)
        ) from None
    capacity = instance_capacity(scope, supply, accelerator=accelerator, index=index)
    needed = capacity.accelerators or supply.gpus or 1
    if quote is None:
        quote = _with_its_term(scope, supply, find_quote(scope, supply, accelerator=accelerator, index=index, gpus_needed=needed), index=index)
    billed = whole_skus(gpus_needed=needed, gpus_per_sku=quote.gpus_per_sku)
    instances = max(1, billed // needed)

    lines = [_rent(scope, supply, quote, billed=billed, index=index)]
    if quote.prepaid_share and quote.term_years:
        lines.append(_prepayment(scope, supply, quote, billed=billed, index=index))
    lines.extend(shared_lines(Site(scope, supply, index, billed, api_offers)))
    reasons = unmet(
        requirements_of(scope), kind="rented", provider=quote.provider, jurisdictions=quote.jurisdictions
    )
    less = f" less {100 * supply.discount:g}%" if supply.discount else ""
    name = supply.name or f"{billed}x {accelerator} {quote.label}{less}"
    return finish_offer(
        scope, supply, kind="rented", id=f"rented:{quote.provider}/{accelerator}/{supply.term}", name=name,
        lines=tuple(lines), capacity=capacity, instances=instances, accelerators=billed, ineligible=reasons,
        notes=quote.notes,
        meta={
            "provider": quote.provider, "accelerator": accelerator, "term": supply.term, "region": quote.region,
            "gpus_per_sku": quote.gpus_per_sku, "usd_per_gpu_hour": quote.usd_per_gpu_hour * (1 - supply.discount),
            "term_years": quote.term_years, "rate_band": (quote.low_usd_per_gpu_hour, quote.high_usd_per_gpu_hour), "supply": index,
        },
    )  # fmt: skip


def finish_offer(
    scope: Scope, supply: Supply, *, kind: str, id: str, name: str, lines: tuple[CostLine, ...],
    capacity: Capacity | NoCapacity, instances: int, accelerators: int, ineligible: tuple[str, ...],
    notes: tuple[str, ...], meta: dict[str, object],
) -> Offer:  # fmt: skip
    """Put capacity, redundancy and eligibility on a self-hosted bill.

    kappa = k * instances * (1 - headroom) / peak_to_mean (docs/model.md, ``mean-day-volume``).
    """
    host = scope.profile.self_host
    minimum = max(supply.min_replicas if supply.min_replicas is not None else host.min_replicas, 0)
    if isinstance(capacity, NoCapacity):
        return Offer(
            id=id, name=name, kind=kind, lines=lines, min_replicas=minimum,  # type: ignore[arg-type]
            redundant_replicas=host.redundancy, eligible=not ineligible, feasible=False,
            why_not=capacity.reasons + ineligible, notes=notes, gpus_per_replica=accelerators, meta=meta,
        )  # fmt: skip
    notes = (*notes, *(capacity.serving.remarks if capacity.serving else ()))
    full = capacity.tokens_per_day * instances
    kappa = full * (1.0 - host.headroom_share) / scope.peak_to_mean
    return Offer(
        id=id, name=name, kind=kind, lines=lines, tokens_per_day_per_replica=kappa,  # type: ignore[arg-type]
        capacity_per_replica_tokens_per_day=full, min_replicas=minimum, redundant_replicas=host.redundancy,
        eligible=not ineligible, feasible=True, why_not=ineligible, notes=notes, serving=capacity.serving,
        capacity_band=(capacity.low_ratio, capacity.high_ratio), gpus_per_replica=accelerators,
        meta={**meta, "instances_per_replica": instances, "capacity_terms": capacity.terms,
              "capacity_sources": capacity.sources, "mean_day_terms": mean_day_terms(scope, host.headroom_share)},
    )  # fmt: skip


def mean_day_terms(scope: Scope, headroom_share: float) -> tuple[Term, Term]:
    """What lies between a replica's flat capacity and the mean-day volume it carries."""
    return (
        scope.chosen("self_host.headroom_share", headroom_share, "share"),
        scope.peak_to_mean_term(),
    )


def find_quote(scope: Scope, supply: Supply, *, accelerator: str, index: int, gpus_needed: int) -> Quote:
    """The rate of a supply entry: the user's own, one provider's, or the median of current quotes."""
    if supply.usd_per_gpu_hour is not None:
        return _own_rate(scope, supply, accelerator=accelerator, gpus_needed=gpus_needed, index=index)
    if supply.provider is None or supply.provider == MEDIAN:
        return _median(scope, supply, accelerator=accelerator, index=index)
    return _listed(scope, supply, accelerator=accelerator, gpus_needed=gpus_needed, index=index)


def _own_rate(scope: Scope, supply: Supply, *, accelerator: str, gpus_needed: int, index: int) -> Quote:
    """The user's own rate. Where the provider is on file, the rest of its contract stands: SKU, place, term, prepayment."""
    assert supply.usd_per_gpu_hour is not None
    rate = scope.chosen(f"self_host.supply[{index}].usd_per_gpu_hour", supply.usd_per_gpu_hour, "USD/GPU-hour")
    where = jurisdiction_of(supply.region)
    own = Quote(
        supply.provider or OWN_QUOTE, f"at ${supply.usd_per_gpu_hour:g}/h", *(supply.usd_per_gpu_hour,) * 3,
        gpus_per_sku=supply.gpus_per_sku or 1, region=supply.region, jurisdictions=(where,) if where else (),
        rate=rate,
    )  # fmt: skip
    if supply.provider in (None, MEDIAN):
        return own
    try:
        listed = _listed(scope, supply, accelerator=accelerator, gpus_needed=gpus_needed, index=index)
    except (FactNotFound, FactNotInForce):  # a contract that the catalogue does not know
        return own
    return replace(
        own, gpus_per_sku=listed.gpus_per_sku, region=listed.region, jurisdictions=listed.jurisdictions,
        term_years=listed.term_years, prepaid_share=listed.prepaid_share, contract=listed.contract,
        sku=() if supply.gpus_per_sku else listed.contract,
    )  # fmt: skip


def _listed(scope: Scope, supply: Supply, *, accelerator: str, gpus_needed: int, index: int) -> Quote:
    assert supply.provider is not None
    try:
        provider = scope.catalogue.find("rental", supply.provider)
    except FactNotFound as error:
        problem = error.problems[0]
        raise FactNotFound(
            scope.loaded.document.problem(("self_host", "supply", index, "provider"), problem.message, problem.fix)
        ) from None
    found = [
        cited
        for cited in scope.catalogue.rentals(
            accelerator=accelerator, as_of=scope.as_of, provider=provider.id, term=supply.term, region=supply.region
        )
        if supply.sku is None or (cited.record.sku or "").lower() == supply.sku.lower()
    ]
    if not found:
        others = scope.catalogue.rentals(accelerator=accelerator, as_of=scope.as_of, provider=provider.id)
        has = ", ".join(sorted({f"{c.record.term}" + (f" {c.record.sku}" if c.record.sku else "") for c in others}))
        sellers = sorted(
            {c.thing_id for c in scope.catalogue.rentals(accelerator=accelerator, as_of=scope.as_of, term=supply.term)}
        )
        wanted = " ".join(x for x in (supply.term, supply.sku, supply.region) if x)
        fix = f"it has: {has}" if has else f"providers that quote it: {', '.join(sellers) or 'none'}"
        raise FactNotInForce(
            scope.loaded.document.problem(
                ("self_host", "supply", index),
                f"{provider.id} has no {wanted} price for {accelerator} on {scope.as_of}",
                fix + "; or give usd_per_gpu_hour",
            )
        )
    cheapest = min(
        found,
        key=lambda cited: (
            cited.record.usd_per_gpu_hour.typical
            * whole_skus(gpus_needed=gpus_needed, gpus_per_sku=cited.record.gpus_per_sku),
            cited.source_id,
        ),
    )
    record = cheapest.record
    where = jurisdiction_of(record.region)
    places = (where,) if where else tuple(provider.regions)  # type: ignore[attr-defined]
    note: tuple[str, ...] = ()
    if len(found) > 1:
        note = (f"cheapest of {len(found)} current {supply.term} quotes of {provider.id} for {gpus_needed} GPU(s)",)
    return Quote(
        provider.id, " ".join(x for x in (provider.id, "" if supply.term == "on-demand" else supply.term, record.region) if x),
        record.usd_per_gpu_hour.low, record.usd_per_gpu_hour.typical, record.usd_per_gpu_hour.high,
        gpus_per_sku=supply.gpus_per_sku or record.gpus_per_sku, region=record.region, jurisdictions=places,
        rate=Term("usd_per_gpu_hour", record.usd_per_gpu_hour.typical, "USD/GPU-hour", (cheapest.source_id,)),
        term_years=record.term_years, prepaid_share=record.prepaid_share or 0.0,
        notes=note, contract=(cheapest.source_id,),
    )  # fmt: skip


def _with_its_term(scope: Scope, supply: Supply, quote: Quote, *, index: int) -> Quote:
    """The quote with the term that the entry states; a prepaid share without a term has nothing to be a share of."""
    years = supply.term_years or quote.term_years or TERM_YEARS.get(supply.term)
    prepaid = supply.prepaid_share if supply.prepaid_share is not None else quote.prepaid_share
    if prepaid and years is None:
        raise InputError(
            scope.loaded.document.problem(
                ("self_host", "supply", index, "prepaid_share" if supply.prepaid_share else "rent"),
                f"{prepaid:.0%} is paid ahead for a whole term, and {supply.term!r} does not say how long that is",
                "add term_years, or write term: reserved-1yr",
            )
        )
    named = supply.term_years is None and quote.term_years is None
    return replace(quote, term_years=years, prepaid_share=prepaid, years_by_name=named)


def _median(scope: Scope, supply: Supply, *, accelerator: str, index: int) -> Quote:
    quotes = current_quotes(scope.catalogue, scope.as_of, accelerator=accelerator, term=supply.term)
    if not quotes:
        message, fix = why_no_quote(scope.catalogue, scope.as_of, accelerator=accelerator, term=supply.term)
        raise FactNotInForce(scope.loaded.document.problem(("self_host", "supply", index), message, fix))
    rates = [rate for rate, _, _ in quotes]
    sources = tuple(source for _, source, _ in quotes)
    middle = statistics.median(rates)
    return Quote(
        MEDIAN, f"median of {len(rates)} quotes" + ("" if supply.term == "on-demand" else f" {supply.term}"), min(rates), middle, max(rates),
        gpus_per_sku=supply.gpus_per_sku or 1, region=None, jurisdictions=(),
        rate=Term("usd_per_gpu_hour", middle, "USD/GPU-hour", sources),
        notes=(f"the median of {len(rates)} current quotes, not an offer one can buy; SKU of one GPU assumed",),
    )  # fmt: skip


def _rent(scope: Scope, supply: Supply, quote: Quote, *, billed: int, index: int) -> CostLine:
    spread = 1.0 - quote.prepaid_share if quote.term_years else 1.0
    usd = rent_usd_per_replica_day(
        usd_per_gpu_hour=quote.usd_per_gpu_hour, discount=supply.discount, gpus_billed=billed
    )
    terms: tuple[Term, ...] = (
        quote.rate,
        Term("gpus_billed", billed, "GPUs", quote.sku, where=f"whole SKUs of {quote.gpus_per_sku}"),
        Term("hours_per_day", HOURS_PER_DAY, "h", where="held, busy or not"),
    )
    if supply.discount:
        terms += (scope.chosen(f"self_host.supply[{index}].discount", supply.discount, "share"),)
    terms += () if quote.tax is None else (quote.tax,)
    if spread != 1.0:
        terms += (_contracted(scope, supply, quote, index, "prepaid_share", quote.prepaid_share, "share"),)
    return CostLine(
        "rent", f"{billed} GPU(s) rented, held 24 h", "compute", usd_per_replica_day=usd * spread,
        equation="rent", terms=terms, sources=(*quote.rate.sources, *quote.sku),
    )  # fmt: skip


def _prepayment(scope: Scope, supply: Supply, quote: Quote, *, billed: int, index: int) -> CostLine:
    """The prepaid share of a term, as the annuity of paying it on the first day."""
    assert quote.term_years is not None
    finance = scope.profile.finance
    per_day = rent_usd_per_replica_day(
        usd_per_gpu_hour=quote.usd_per_gpu_hour, discount=supply.discount, gpus_billed=billed
    )
    paid = per_day * 365.0 * quote.term_years * quote.prepaid_share
    usd = annuity_usd_per_day(
        capex_usd=paid, residual_usd=0.0, discount_rate=finance.discount_rate, life_years=quote.term_years,
        timing=finance.timing,
    )  # fmt: skip
    terms = (
        quote.rate,
        Term("gpus_billed", billed, "GPUs", quote.sku, where=f"whole SKUs of {quote.gpus_per_sku}"),
        scope.chosen(f"self_host.supply[{index}].discount", supply.discount, "share"),
        *(() if quote.tax is None else (quote.tax,)),
        _contracted(scope, supply, quote, index, "prepaid_share", quote.prepaid_share, "share"),
        _contracted(scope, supply, quote, index, "term_years", quote.term_years, "years"),
        scope.chosen("finance.discount_rate", finance.discount_rate, "per year"),
    )
    return CostLine(
        "prepaid-rent", "rent paid in advance", "compute", usd_per_replica_day=usd, equation="annuity",
        terms=terms, sources=(*quote.rate.sources, *quote.sku),
    )  # fmt: skip


def _contracted(scope: Scope, supply: Supply, quote: Quote, index: int, name: str, value: float, unit: str) -> Term:
    """A condition of the contract: the profile's where it states it, else of the record that the rate is from."""
    if name == "term_years" and quote.years_by_name:
        return Term(name, value, unit, where=scope.chosen(f"self_host.supply[{index}].term", supply.term, "").where)
    if getattr(supply, name) is not None or not quote.contract:
        return scope.chosen(f"self_host.supply[{index}].{name}", value, unit)
    return Term(name, value, unit, quote.contract)
