"""The names in a profile's requirements, checked and resolved: a typo must never bar or admit an offer."""

from __future__ import annotations

from breakeven.errors import FactNotFound, InputError, Problem, did_you_mean
from breakeven.offers.requirements import JURISDICTIONS, OWN_PRICES, OWN_QUOTE, jurisdiction_of
from breakeven.offers.scope import Scope
from breakeven.profile.workload import Requirements


def requirements_of(scope: Scope) -> Requirements:
    """The requirements with every provider also under its id. Raises :class:`InputError`, placed, for unknown names."""
    given = scope.profile.requirements
    if not given.allowed_providers and not given.data_residency:
        return given
    # What the names may stand for is the profile's own suppliers and regions too, not the requirements alone.
    regions = tuple(supply.region for supply in scope.profile.self_host.supply)
    key = ("requirements", given, _own_names(scope), regions)
    if key not in scope.plans:
        scope.plans[key] = _resolved(scope, given)
    found: Requirements = scope.plans[key]
    return found


def _resolved(scope: Scope, given: Requirements) -> Requirements:
    document = scope.loaded.document
    problems: list[Problem] = []
    allowed: list[str] = []
    for index, name in enumerate(given.allowed_providers):
        ids = _provider_ids(scope, name)
        if not ids:
            fix = did_you_mean(name, sorted({*_catalogued(scope), *_own_names(scope)}))
            problems.append(document.problem(("requirements", "allowed_providers", index), f"unknown provider {name!r}", fix))
        allowed += [name, *ids]
    known = _jurisdictions(scope) if given.data_residency else set()
    for index, place in enumerate(given.data_residency):
        if place.lower() not in known:
            fix = did_you_mean(place, sorted(known), count=3)
            where = ("requirements", "data_residency", index)
            problems.append(document.problem(where, f"unknown jurisdiction {place!r}", fix))
    if problems:
        raise InputError(problems)
    return given.model_copy(update={"allowed_providers": tuple(dict.fromkeys(allowed))})


def _provider_ids(scope: Scope, name: str) -> list[str]:
    """Every id that the name may stand for: of machines, of APIs, or of the profile's own suppliers."""
    wanted = name.strip().lower()
    own = _own_names(scope)
    ids = [name for name in own if name.lower() == wanted]
    if wanted in (OWN_PRICES, OWN_QUOTE) and ids:
        ids = [OWN_PRICES, OWN_QUOTE]  # either word for either price
    for kind in ("rental", "api"):
        try:
            ids.append(scope.catalogue.resolve(kind, name))
        except FactNotFound:
            continue
    return ids + [known for known in scope.prices.genai.provider_ids if known == wanted]


def _catalogued(scope: Scope) -> set[str]:
    return {*scope.catalogue.ids("rental"), *scope.catalogue.ids("api"), *scope.prices.genai.provider_ids}


def _own_names(scope: Scope) -> tuple[str, ...]:
    """Suppliers that only the profile or a quote names."""
    profile = scope.profile
    supply, apis = profile.self_host.supply, profile.api
    names = [entry.provider for entry in supply if entry.provider and entry.usd_per_gpu_hour is not None]
    names += [choice.model.partition("/")[0] for choice in apis if choice.prices is not None and "/" in choice.model]
    names += scope.catalogue.ids("quotes")
    stated = any(entry.usd_per_gpu_hour is not None and entry.provider is None for entry in supply)
    if stated or any(choice.prices is not None and "/" not in choice.model for choice in apis):
        names += [OWN_PRICES, OWN_QUOTE]
    return tuple(dict.fromkeys(names))


def _jurisdictions(scope: Scope) -> set[str]:
    places = set(JURISDICTIONS)
    for thing in scope.catalogue.all("sites"):
        places.update(place.lower() for place in thing.jurisdictions)  # type: ignore[attr-defined]
    for supply in scope.profile.self_host.supply:
        stated = jurisdiction_of(supply.region)
        places.update([stated] if stated else [])
    return places
