"""The scope of a profile with other values, as ``run --set`` would make it: suppliers' quotes are beside it again.

Quotes of the catalogue that the profile does not name are supply entries of the scope only, not of the document that
values are set in. They borrow some of the profile's own terms, so they are made anew for each value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from breakeven.offers.scope import Scope
from breakeven.profile.load import with_values


def beside_quotes(scope: Scope) -> Scope:
    """The scope with every quote of the catalogue as a supply; the builder is not imported where there is none."""
    if not scope.catalogue.ids("quotes"):
        return scope
    from breakeven.offers.quoted import with_quotes

    return with_quotes(scope)


def at_values(scope: Scope, values: Mapping[str, Any]) -> Scope:
    """The scope with keys of the profile set. Raises InputError for what the profile's rules refuse."""
    return beside_quotes(replace(scope, loaded=with_values(scope.loaded, values), lent={}))


def is_lent(scope: Scope, key: str) -> bool:
    """Whether a quote borrows the key from one of the profile's supply entries, so that it moves both."""
    return any(key == lender or key.startswith((f"{lender}.", f"{lender}[")) for lender in scope.lent.values())


def price_follows_volume(scope: Scope) -> bool:
    """Whether a quote has price breaks: its bill at another volume is then not the bill of today's order."""
    quotes = (supply.quote for supply in scope.profile.self_host.supply if supply.quote is not None)
    return any(record.price_breaks for name in quotes for record in scope.catalogue.find("quotes", name).offers)  # type: ignore[attr-defined]
