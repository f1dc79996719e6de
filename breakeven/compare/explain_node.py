"""A figure as a tree: what it is, its equation, where it comes from, and the figures it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.compare.equations import EQUATIONS
from breakeven.compare.result import SourceUsed
from breakeven.errors import InputError
from breakeven.offers.offer import Term
from breakeven.offers.scope import Scope

_TOLERANCE = 1e-9


class Node(Struct, frozen=True):
    """One figure: what it is, its value and unit, the equation, where it comes from, and its parts.

    ``working`` is the equation with the numbers put in, shown only where it gives the value.
    """

    id: str
    title: str
    value: Any
    unit: str
    equation: str | None = None
    origin: str | None = None
    children: tuple[Node, ...] = ()
    working: str | None = None


class Facts(Struct, frozen=True):
    """What the nodes need beside the result: where keys stand, and how money and demand are counted."""

    sources: Mapping[str, SourceUsed]
    finance: Mapping[str, Any]
    tokens_per_day: float
    tokens_per_request: float
    hours_per_month: float
    scope: Scope | None

    def place(self, origin: str | None) -> str | None:
        """``profile:key`` with the file and line on which the key stands."""
        if origin is None or self.scope is None or not origin.startswith("profile:"):
            return origin
        from breakeven.profile.load import parse_key

        try:
            where = self.scope.loaded.where(parse_key(origin.removeprefix("profile:")))
        except InputError:
            return origin
        return f"{origin} ({where})" if where else origin


def term_node(owner: str, term: Term, facts: Facts) -> Node:
    cited = tuple(
        Node(f"{owner}.{term.name}<-{source}", cite(facts.sources.get(source)), None, "", None, source)
        for source in term.sources
    )
    origin = facts.place(term.where) or ("default" if not term.sources else None)
    return Node(f"{owner}.{term.name}", term.name, term.value, term.unit, None, origin, cited)


def cite(source: SourceUsed | None) -> str:
    if source is None:
        return "source"
    if source.confidential:
        return f"{source.kind}, effective {source.effective}, confidential"
    where = source.url or source.title or source.file
    age = "" if source.age_days is None else f", {source.age_days} days old"
    if source.id.startswith("models/"):  # constants that do not change: the date of the record says nothing
        return f"{source.kind}, retrieved {source.retrieved}{age}: {where}"
    return f"{source.kind}, effective {source.effective}, retrieved {source.retrieved}{age}: {where}"


def shown_number(value: float) -> str:
    return f"{value:.10g}"


def shown_working(text: str, amount: float, value: float | None) -> str | None:
    """The text when it gives the value; a working that does not is never shown."""
    if value is None or abs(amount - value) > _TOLERANCE * abs(value):
        return None
    return text


def formula_of(node: Node) -> str | None:
    """The formula of a node's equation, as docs/model.md prints it."""
    equation = EQUATIONS.get(node.equation or "")
    return equation.formula if equation else None
