"""Any figure of a result as its equation, with the numbers put in and each number's source.

A figure becomes a tree: an offer's cost is its lines, a line is its equation with its terms, and
a term ends in a dated record, a key of the profile, an estimate with its grade, or a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from breakeven.compare.equations import EQUATIONS
from breakeven.compare.result import Comparison, OfferAtVolume, SourceUsed
from breakeven.errors import InputError, Problem, did_you_mean
from breakeven.offers.offer import CostLine, Term


@dataclass(frozen=True, slots=True)
class Node:
    """One figure: what it is, its value and unit, the equation, where it comes from, and its parts."""

    id: str
    title: str
    value: Any
    unit: str
    equation: str | None = None
    origin: str | None = None
    children: tuple[Node, ...] = ()


def explain_result(result: Comparison, item: str | None = None) -> tuple[Node, ...]:
    """Nodes of an item, or of every offer and crossover. Raises InputError for an unknown item.

    ``item`` is an offer id, ``<offer id>.<line id>``, ``crossover``, ``headline``, or a unique part of one.
    """
    sources = {source.id: source for source in result.sources}
    nodes: dict[str, Node] = {}
    for row in result.offers:
        nodes[row.offer.id] = _offer(row, sources)
        for line, usd in row.bill:
            nodes[f"{row.offer.id}.{line.id}"] = _line(line, usd, row, sources)
    for found in result.crossovers:
        nodes[f"crossover:{found.api}|{found.self_host}"] = _crossover(result, found.api, found.self_host)
    if item is None:
        return tuple(node for name, node in nodes.items() if "." not in name.split("/")[-1] or name in _offer_ids(result))
    if item in ("crossover", "headline"):
        return (nodes[f"crossover:{result.headline.api}|{result.headline.self_host}"],)
    if item in nodes:
        return (nodes[item],)
    partial = [name for name in nodes if item.lower() in name.lower()]
    if partial:
        shortest = [name for name in partial if not any(o != name and name.startswith(o + ".") for o in partial)]
        return tuple(nodes[name] for name in shortest)
    raise InputError(Problem(f"there is no figure {item!r}", did_you_mean(item, list(nodes)), "ITEM"))


def _offer_ids(result: Comparison) -> set[str]:
    return {row.offer.id for row in result.offers}


def _offer(row: OfferAtVolume, sources: Mapping[str, SourceUsed]) -> Node:
    offer = row.offer
    parts = [_line(line, usd, row, sources) for line, usd in row.bill]
    if offer.tokens_per_day_per_replica is not None:
        parts.append(_capacity(row, sources))
    return Node(offer.id, offer.name, row.usd_per_day, "USD/day", "offer-cost", None, tuple(parts))


def _capacity(row: OfferAtVolume, sources: Mapping[str, SourceUsed]) -> Node:
    offer = row.offer
    terms = [_term(f"{offer.id}.capacity", term, sources) for term in offer.meta.get("capacity_terms", ())]
    full = Node(
        f"{offer.id}.k", "capacity of a replica, flat over 24 h", offer.capacity_per_replica_tokens_per_day, "tokens/day",
        "replica-capacity", offer.serving.evidence if offer.serving else None, tuple(terms),
    )  # fmt: skip
    return Node(
        f"{offer.id}.replicas", "replicas at this volume", row.replicas, "replicas", "replicas", None,
        (
            Node(f"{offer.id}.kappa", "mean-day volume of a replica", offer.tokens_per_day_per_replica, "tokens/day",
                 "mean-day-volume", None, (full,)),
            Node(f"{offer.id}.n_min", "least number of replicas", offer.min_replicas, "replicas", None, "profile or default"),
            Node(f"{offer.id}.r", "redundant replicas", offer.redundant_replicas, "replicas", None, "profile or default"),
        ),
    )  # fmt: skip


def _line(line: CostLine, usd: float | None, row: OfferAtVolume, sources: Mapping[str, SourceUsed]) -> Node:
    name = f"{row.offer.id}.{line.id}"
    coefficients = tuple(
        Node(f"{name}.{field}", title, value, unit)
        for field, title, value, unit in (
            ("usd_per_day", "fixed", line.usd_per_day, "USD/day"),
            ("usd_per_replica_day", "per replica", line.usd_per_replica_day, "USD/replica-day"),
            ("usd_per_mtok", "per million tokens", line.usd_per_mtok, "USD/Mtok"),
        )
        if value != 0.0
    )
    terms = tuple(_term(name, term, sources) for term in line.terms)
    return Node(name, line.name, usd, "USD/day", line.equation or None, None, (*coefficients, *terms))


def _term(owner: str, term: Term, sources: Mapping[str, SourceUsed]) -> Node:
    cited = tuple(
        Node(f"{owner}.{term.name}<-{source}", _cite(sources.get(source)), None, "", None, source) for source in term.sources
    )
    origin = term.where or ("default" if not term.sources else None)
    return Node(f"{owner}.{term.name}", term.name, term.value, term.unit, None, origin, cited)


def _cite(source: SourceUsed | None) -> str:
    if source is None:
        return "source"
    where = source.url or source.title or source.file
    return f"{source.kind}, effective {source.effective}, retrieved {source.retrieved}: {where}"


def _crossover(result: Comparison, api_id: str, own_id: str) -> Node:
    found = next(c for c in result.crossovers if (c.api, c.self_host) == (api_id, own_id))
    name = f"crossover:{api_id}|{own_id}"
    api, own = result.offer(api_id).offer, result.offer(own_id).offer
    parts: Iterable[Node] = (
        Node(f"{name}.outcome", "outcome", found.outcome, ""),
        Node(f"{name}.settled", "for good from", found.settled_tokens_per_day, "tokens/day"),
        Node(f"{name}.F", "fixed cost of self-hosting, F", own.fixed_usd_per_day, "USD/day"),
        Node(f"{name}.f", "cost per replica, f", own.usd_per_replica_day, "USD/replica-day"),
        Node(f"{name}.v", "own variable cost, v", own.usd_per_mtok, "USD/Mtok"),
        Node(f"{name}.p", "API price at this shape, p", api.usd_per_mtok, "USD/Mtok"),
        Node(f"{name}.kappa", "mean-day volume of a replica", own.tokens_per_day_per_replica, "tokens/day", "mean-day-volume"),
        Node(f"{name}.share", "share of the running capacity at the crossing", found.capacity_share, "share"),
    )
    equation = "hybrid-crossing" if own.kind == "hybrid" else "crossing-law"
    return Node(
        name, f"{own.name} against {api.name}: first cheaper from", found.first_tokens_per_day, "tokens/day", equation, None,
        tuple(parts),
    )  # fmt: skip


def formula_of(node: Node) -> str | None:
    """The formula of a node's equation, as docs/model.md prints it."""
    equation = EQUATIONS.get(node.equation or "")
    return equation.formula if equation else None
