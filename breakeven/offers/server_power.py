"""What one server draws: the profile's figure, else the quote's, else the latest of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from breakeven.errors import FactNotInForce, InputError
from breakeven.offers.offer import Term
from breakeven.offers.scope import Scope
from breakeven.profile.self_host import Supply


def power_terms(
    scope: Scope, supply: Supply, *, server: str, quoted: tuple[Term, ...], index: int, names: Iterable[str]
) -> dict[str, Term]:
    """Watts per server of each name. Raises FactNotInForce naming every one that nobody states, not the first alone."""
    wanted = tuple(names)
    found = {name: _term(scope, supply, server, quoted, index, name) for name in wanted}
    missing = [name for name in wanted if found[name] is None]
    if missing:
        listed = missing[0] if len(missing) == 1 else ", ".join(missing[:-1]) + f" and {missing[-1]}"
        raise FactNotInForce(
            scope.loaded.document.problem(
                ("self_host", "supply", index), f"the catalogue has no {listed} of {server} on {scope.as_of}",
                f"give {listed} (watts per server) in this supply entry",
            )
        )  # fmt: skip
    return {name: term for name, term in found.items() if term is not None}


def _term(scope: Scope, supply: Supply, server: str, quoted: tuple[Term, ...], index: int, name: str) -> Term | None:
    own = getattr(supply, name)
    if own is not None:
        return scope.chosen(f"self_host.supply[{index}].{name}", own, "W/server")
    said = next((term for term in quoted if term.name == name), None)
    if said is not None:
        return said
    try:
        records = scope.catalogue.records("servers", server, "power", scope.as_of)
    except InputError:  # a machine that the catalogue does not know
        return None
    for cited in reversed(records):
        value = getattr(cited.record, name)
        if value is not None:
            watts = value if isinstance(value, float) else value.typical
            return Term(name, watts, "W/server", (cited.source_id,))
    return None
