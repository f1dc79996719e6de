"""Requirements beside cost. An offer that fails one stays in the table, ineligible, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from breakeven.profile.workload import Requirements

# Region names start with a continent, a country or a jurisdiction; only unambiguous prefixes count.
_PREFIXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("us", ("us-", "us_", "useast", "uswest", "eastus", "westus", "centralus", "southcentralus", "northcentralus")),
    ("eu", ("eu-", "eu_", "europe-", "europe", "westeurope", "northeurope", "germany", "france", "sweden", "fin-")),
    ("uk", ("uk-", "uksouth", "ukwest", "gb-")),
    ("ca", ("ca-", "canada")),
    ("asia", ("ap-", "asia-", "asia")),
    ("au", ("au-", "australia")),
)
# Who asks for a price that the profile states without naming anybody: per token, and per GPU-hour.
OWN_PRICES, OWN_QUOTE = "own", "own-quote"
JURISDICTIONS = tuple(name for name, _ in _PREFIXES)


def jurisdiction_of(region: str | None) -> str | None:
    """The jurisdiction a region name states, or None when it states none.

    >>> jurisdiction_of("europe-west1"), jurisdiction_of("us-east-1"), jurisdiction_of(None)
    ('eu', 'us', None)
    """
    if region is None:
        return None
    name = region.lower()
    for jurisdiction, prefixes in _PREFIXES:
        if name == jurisdiction or name.startswith(prefixes):
            return jurisdiction
    return None


def unmet(
    requirements: Requirements,
    *,
    kind: str,
    provider: str | None,
    jurisdictions: Sequence[str],
) -> tuple[str, ...]:
    """Each requirement the offer does not meet, as a reason a person can act on. Empty = eligible."""
    reasons: list[str] = []
    own_machines = kind == "owned"
    if requirements.no_third_party and not own_machines:
        reasons.append(f"requirements.no_third_party: prompts would reach machines of {provider or 'a third party'}")
    if requirements.offline_site and not own_machines:
        reasons.append("requirements.offline_site: the site has no connection to " + (provider or "a provider"))
    if requirements.allowed_providers and not own_machines:
        allowed = {name.lower() for name in requirements.allowed_providers}
        if (provider or "").lower() not in allowed:
            reasons.append(f"requirements.allowed_providers: {provider or 'the provider'} is not among them")
    if requirements.data_residency:
        wanted = {place.lower() for place in requirements.data_residency}
        places = {place.lower() for place in jurisdictions}
        if not places:
            # An API's record has to say it; a rental's entry may.
            how = "no record of it names one" if kind in ("api", "provisioned") else "give it a region"
            reasons.append(
                f"requirements.data_residency: no region is stated, so {' or '.join(sorted(wanted))} cannot be shown; {how}"
            )
        elif not places <= wanted:
            reasons.append(
                f"requirements.data_residency: serves from {', '.join(sorted(places))}, not only {', '.join(sorted(wanted))}"
            )
    return tuple(reasons)
