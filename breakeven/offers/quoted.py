"""Offers from suppliers' quotes: made comparable, then built like any other owned or rented offer.

    a server on site = usd_per_unit (1 + duty) (1 + tax) + delivery (1 + tax)        USD/server
    a rented GPU     = usd_per_gpu_hour (1 + tax)                                    USD/GPU-hour

Price breaks are those of the units that the profile's volume needs; minimum orders are bought whole.
A quote that has expired, or leaves something open, keeps its cost and says so; it is not eligible.
Source: docs/model.md, equation ``landed-price``.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from breakeven.catalog.citation import Cited
from breakeven.catalog.power import Place, problem_at, quote_faults
from breakeven.catalog.quote_gaps import ESSENTIAL, gaps
from breakeven.catalog.records import QuotedOffer
from breakeven.errors import BreakevenError, FactNotFound, Problem
from breakeven.offers.offer import Offer, Term
from breakeven.offers.owned import Machine, build_owned
from breakeven.offers.rented import Quote, build_rented
from breakeven.offers.requirements import jurisdiction_of
from breakeven.offers.scope import Scope
from breakeven.profile.self_host import Supply

DEFAULT_SITE = "us-average"
# What a profile says of its own machines that holds for quoted ones too.
_OF_OWN = (
    "site", "servers_per_replica", "life_years", "residual_share", "amortisation", "maintenance_share_per_year", "spares_share",
    "electricity_usd_per_kwh", "pue", "colocation_usd_per_kw_month", "min_replicas", "extra_costs",
)  # fmt: skip
_OF_RENT = ("min_replicas", "extra_costs")
_LENT = tuple(dict.fromkeys((*_OF_OWN, *_OF_RENT, "gpus", "throughput")))


def landed_extras_usd(*, price_usd: float, duty_share: float, tax_share: float, delivery_usd: float) -> float:
    """(1 + duty)(1 + tax) price - price + (1 + tax) delivery: what a server costs on site beyond its price, USD.

    >>> round(landed_extras_usd(price_usd=100_000, duty_share=0.05, tax_share=0.2, delivery_usd=1_000), 6)
    27200.0
    """
    return price_usd * ((1.0 + duty_share) * (1.0 + tax_share) - 1.0) + delivery_usd * (1.0 + tax_share)


class Found(Struct, frozen=True):
    """The quote that counts on a date, and what speaks against it."""

    cited: Cited[QuotedOffer]
    name: str
    lapsed: tuple[str, ...]  # not valid on the date
    left_open: tuple[str, ...]  # what it does not say
    implausible: tuple[str, ...] = ()  # what it says and cannot mean

    @property
    def why_not(self) -> tuple[str, ...]:
        """All reasons."""
        return self.lapsed + self.left_open + self.implausible


def build_quoted(scope: Scope, supply: Supply, *, index: int, api_offers: tuple[Offer, ...]) -> Offer:
    """The offer of one quote. Never raises for what the quote leaves open: the offer says it."""
    found = find_offer(scope, supply, index)
    record = found.cited.record
    missing = [name for name, _ in gaps(record) if name in ESSENTIAL]
    if missing:
        return _unusable(found, supply, index, _incomplete(scope, found.cited, missing))
    build = _server if record.sells == "server" else _rental
    try:
        offer = build(scope, supply, found, index, api_offers, 1)
        units = _units(scope, offer, record)
        if _price(record, units) != _price(record, 1):
            offer = build(scope, supply, found, index, api_offers, units)
    except BreakevenError as error:
        problem = error.problems[0]
        if problem.field == "self_host.model":  # of the profile, whoever quotes
            raise
        return _unusable(found, supply, index, _not_built(scope, found.cited, problem, index))
    notes = _notes(record, units)
    return replace(
        offer, name=supply.name or found.name, eligible=offer.eligible and not found.why_not,
        why_not=(*offer.why_not, *found.why_not), notes=(*offer.notes, *notes),
        meta={**offer.meta, "quote": found.cited.thing_id, "units": units, "valid_until": record.ends,
              "term_years": record.term_years},
    )  # fmt: skip


def find_offer(scope: Scope, supply: Supply, index: int) -> Found:
    """The latest offer of a quote that has begun on the date, else its first one; with what speaks against it."""
    assert supply.quote is not None
    try:
        thing: Any = scope.catalogue.find("quotes", supply.quote)
    except FactNotFound as error:
        problem = error.problems[0]
        raise FactNotFound(
            scope.loaded.document.problem(("self_host", "supply", index, "quote"), problem.message, problem.fix)
        ) from None
    order = sorted(range(len(thing.offers)), key=lambda i: (thing.offers[i].effective, i))
    begun = [i for i in order if thing.offers[i].effective <= scope.as_of]
    at = begun[-1] if begun else order[0]
    record: QuotedOffer = thing.offers[at]
    lapsed: tuple[str, ...] = ()
    if not begun:
        lapsed = (f"quote not valid before {record.effective}",)
    elif record.ends is not None and record.ends <= scope.as_of:
        lapsed = (f"quote expired on {record.ends}",)
    doubts = ", ".join(fault.field for fault in quote_faults(scope.catalogue, record))  # no figures: reports are shared
    implausible = (f"implausible quote: {doubts} cannot be watts; see breakeven catalog verify",) if doubts else ()
    file, _ = scope.catalogue.origin_of("quotes", thing.id, "offers", at)
    cited = scope.catalogue.cite("quotes", thing.id, "offers", at, record, file)
    left = [name for name, _ in gaps(record)]
    left_open = (_incomplete(scope, cited, left),) if left else ()
    return Found(cited, thing.name, lapsed, left_open, implausible)


def _incomplete(scope: Scope, cited: Cited[QuotedOffer], missing: list[str]) -> str:
    """What a quote leaves open, with the place in its file where the first of it belongs."""
    return f"incomplete quote: no {', '.join(missing)} ({_place(scope, cited, missing[0])})"


def _not_built(scope: Scope, cited: Cited[QuotedOffer], problem: Problem, index: int) -> str:
    """Why a quote with the essentials has no bill: a field it leaves open, else the profile's entry or the offer."""
    named = [name for name, _ in gaps(cited.record) if name in re.findall(r"\w+", problem.message)]
    if named:
        return _incomplete(scope, cited, named)
    place = _place(scope, cited, None)
    if problem.path is not None and index < len(scope.loaded.document.data["self_host"]["supply"]):
        place = f"{problem.path}:{problem.line}:{problem.column}: {problem.field}"
    return f"incomplete quote: {problem.message} ({place})"


def _place(scope: Scope, cited: Cited[QuotedOffer], field: str | None) -> str:
    """``file:line:column: field`` of a quote's offer, or of one key of it."""
    key = ("place", cited.source_id, field)
    if key not in scope.plans:
        index = int(cited.source_id.rpartition("[")[2].rstrip("]"))
        at = Place("quotes", cited.thing_id, "offers", index, field or "effective")
        found = problem_at(scope.catalogue, at, "", "")
        name = found.field if field is not None or found.field is None else found.field.rpartition(".")[0]
        scope.plans[key] = f"{found.path}:{found.line}:{found.column}: {name}"
    return str(scope.plans[key])


def with_quotes(scope: Scope) -> Scope:
    """The scope with a supply entry for every quote of the catalogue that the profile does not list itself."""
    host = scope.profile.self_host
    listed = {scope.catalogue.resolve("quotes", s.quote) for s in host.supply if s.quote and _is_known(scope, s.quote)}
    more = [_entry(scope, name) for name in scope.catalogue.ids("quotes") if name not in listed]
    if not more:
        return scope
    lent: dict[str, str] = {}
    for index, supply in enumerate(more, len(host.supply)):
        like = _like(scope, supply.quote or "")
        if like is not None:
            lent |= {f"self_host.supply[{index}].{key}": f"self_host.supply[{like}].{key}" for key in _LENT}
    profile = scope.profile.model_copy(update={"self_host": host.model_copy(update={"supply": (*host.supply, *more)})})
    return replace(scope, loaded=replace(scope.loaded, profile=profile), lent=lent)


def _is_known(scope: Scope, name: str) -> bool:
    try:
        scope.catalogue.resolve("quotes", name)
    except FactNotFound:
        return False
    return True


def _entry(scope: Scope, name: str) -> Supply:
    """A quote under the terms on which the profile runs its own machines of that kind."""
    thing: Any = scope.catalogue.find("quotes", name)
    record: QuotedOffer = thing.offers[-1]
    server = record.sells == "server"
    values: dict[str, Any] = {"quote": name}
    lender = _like(scope, name)
    if lender is not None:
        like = scope.profile.self_host.supply[lender]
        values |= {key: getattr(like, key) for key in (_OF_OWN if server else _OF_RENT)}
        if record.accelerator is not None and _accelerator(scope, like) == _accelerator_id(scope, record.accelerator):
            values |= {"gpus": like.gpus, "throughput": like.throughput}
    if server and values.get("site") is None and values.get("electricity_usd_per_kwh") is None:
        values["site"] = DEFAULT_SITE
    return Supply.model_validate(values)


def _like(scope: Scope, name: str) -> int | None:
    """The profile's first entry of machines of the quote's kind."""
    thing: Any = scope.catalogue.find("quotes", name)
    server = thing.offers[-1].sells == "server"
    supplies = enumerate(scope.profile.self_host.supply)
    return next((index for index, s in supplies if (s.own if server else s.rent) is not None), None)


def _accelerator(scope: Scope, supply: Supply) -> str | None:
    if supply.own is not None and supply.accelerator is None:
        try:
            return _accelerator_id(scope, scope.catalogue.label("servers", supply.own, "accelerator"))
        except FactNotFound:
            return None
    return _accelerator_id(scope, supply.rent or supply.accelerator)


def _accelerator_id(scope: Scope, name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return scope.catalogue.resolve("accelerators", name)
    except FactNotFound:
        return None


def _server(
    scope: Scope, supply: Supply, found: Found, index: int, api_offers: tuple[Offer, ...], units: int
) -> Offer:
    record, source = found.cited.record, (found.cited.source_id,)
    assert record.accelerator is not None and record.gpus_per_unit is not None
    tax = record.tax_share or 0.0
    price = supply.capex_usd if supply.capex_usd is not None else _price(record, units)
    capex = Term("capex_usd", price, "USD/server", source)
    if supply.capex_usd is not None:
        capex = scope.chosen(f"self_host.supply[{index}].capex_usd", price, "USD/server")
    extras = landed_extras_usd(
        price_usd=price, duty_share=record.duty_share or 0.0, tax_share=tax, delivery_usd=record.delivery_usd_per_unit or 0.0
    )
    power = tuple(
        Term(name, value, "W/server", source)
        for name in ("nameplate_w", "active_w", "idle_w")
        if (value := getattr(record, name)) is not None
    )
    landed = (
        _said(record, "duty_share", "share of the price", source), _said(record, "tax_share", "share", source),
        _said(record, "delivery_usd_per_unit", "USD/server", source, name="delivery_usd"),
    )  # fmt: skip
    support = (_said(record, "support_usd_per_unit_year", "USD/server-year", source, name="support_usd_per_year"), landed[1])
    machine = Machine(
        found.cited.thing_id, scope.catalogue.find("accelerators", record.accelerator).id, record.gpus_per_unit, capex, extras,
        (record.support_usd_per_unit_year or 0.0) * (1.0 + tax), source, (price, price), power,
        landed, support,
    )  # fmt: skip
    own = supply.model_copy(update={"own": found.cited.thing_id})
    offer = build_owned(scope, own, index=index, api_offers=api_offers, machine=machine)
    return _with_minimum(offer, record, int(offer.meta["servers_per_replica"]))


def _rental(
    scope: Scope, supply: Supply, found: Found, index: int, api_offers: tuple[Offer, ...], units: int
) -> Offer:
    record, source = found.cited.record, (found.cited.source_id,)
    assert record.accelerator is not None and record.gpus_per_unit is not None
    rate = Term("usd_per_gpu_hour", _price(record, units), "USD/GPU-hour", source)
    tax: Term | None = _said(record, "tax_share", "share", source)
    paid = rate.value * (1.0 + (record.tax_share or 0.0))
    if supply.usd_per_gpu_hour is not None:  # the profile's own rate is what it pays
        rate = scope.chosen(f"self_host.supply[{index}].usd_per_gpu_hour", supply.usd_per_gpu_hour, "USD/GPU-hour")
        tax, paid = None, supply.usd_per_gpu_hour
    where = jurisdiction_of(record.region)
    quote = Quote(
        found.cited.thing_id, found.name, paid, paid, paid, gpus_per_sku=record.gpus_per_unit,
        region=record.region, jurisdictions=(where,) if where else (), rate=rate, term_years=record.term_years,
        prepaid_share=record.prepaid_share or 0.0, tax=tax, contract=source,
    )  # fmt: skip
    rent = supply.model_copy(update={"rent": record.accelerator, "term": record.term or "on-demand"})
    offer = build_rented(scope, rent, index=index, api_offers=api_offers, quote=quote)
    return _with_minimum(offer, record, (offer.gpus_per_replica or record.gpus_per_unit) // record.gpus_per_unit)


def _said(record: QuotedOffer, field: str, unit: str, source: tuple[str, ...], *, name: str | None = None) -> Term:
    """What a quote says of a cost beside the price; what it leaves open counts as nothing, and is not ranked."""
    value = getattr(record, field)
    if value is None:
        return Term(name or field, 0.0, unit, where="not stated by the quote: counted as 0")
    return Term(name or field, value, unit, source)


def _with_minimum(offer: Offer, record: QuotedOffer, units_per_replica: int) -> Offer:
    """At least as many replicas as the minimum order holds."""
    least = -(-record.minimum_units // units_per_replica)
    meta = {**offer.meta, "units_per_replica": units_per_replica}
    return replace(offer, min_replicas=max(offer.min_replicas, least), meta=meta)


def _units(scope: Scope, offer: Offer, record: QuotedOffer) -> int:
    """Units that the profile's volume needs, spares and the minimum order included."""
    if offer.tokens_per_day_per_replica is None:
        return record.minimum_units
    replicas = offer.replicas_at(scope.profile.workload.volume_tokens_per_day)
    return max(record.minimum_units, replicas * int(offer.meta["units_per_replica"]))


def _price(record: QuotedOffer, units: int) -> float:
    """The price of each unit at an order of so many."""
    field = "usd_per_unit" if record.sells == "server" else "usd_per_gpu_hour"
    reached = [one for one in record.price_breaks if one.from_units <= units]
    best = max(reached, key=lambda one: one.from_units, default=None)
    return float(getattr(record, field) if best is None else getattr(best, field))


def _notes(record: QuotedOffer, units: int) -> tuple[str, ...]:
    out = []
    reached = [one.from_units for one in record.price_breaks if one.from_units <= units]
    if reached:
        out.append(f"price from {max(reached)} units on, at the {units} that this volume needs; crossings are at that price")
    if units == record.minimum_units > 1:
        out.append(f"the minimum order of {units} units")
    return tuple(out)


def _unusable(found: Found, supply: Supply, index: int, reason: str) -> Offer:
    record = found.cited.record
    kind, word = ("owned", "owned") if record.sells == "server" else ("rented", "rented")
    reasons = (reason, *found.lapsed)
    return Offer(
        id=f"{word}:{found.cited.thing_id}", name=supply.name or found.name, kind=kind, lines=(),  # type: ignore[arg-type]
        eligible=False, feasible=False, why_not=reasons,
        meta={"supply": index, "quote": found.cited.thing_id, "units": None, "valid_until": record.ends,
              "term_years": record.term_years, "life_years": 0.0},
    )  # fmt: skip
