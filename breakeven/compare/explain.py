"""Any figure of a result as its equation, with the numbers put in and each number's source.

A figure becomes a tree: an offer's cost is its lines, a line is its equation with its terms, and
a term ends in a dated record, a key of the profile, an estimate with its grade, or a default. A
crossing, and each line of "what moves it", is the two bills it comes from.
"""

from __future__ import annotations

from collections import Counter

from breakeven.compare.explain_crossing import alternative_node, crossover_node, flip_node
from breakeven.compare.explain_node import Facts, Node
from breakeven.compare.explain_offer import line_node, offer_node
from breakeven.compare.result import Comparison
from breakeven.compare.worked import finance_of
from breakeven.errors import InputError, Problem, did_you_mean
from breakeven.offers.scope import Scope


def explain_result(result: Comparison, item: str | None = None, *, scope: Scope | None = None) -> tuple[Node, ...]:
    """Nodes of an item, or of every offer and crossover. Raises InputError for an unknown item.

    ``item`` is an offer id, a line id (of every offer that has it), ``<offer id>.<line id>``, any figure
    below one (``<offer id>.mtok``), ``crossover``, ``headline``, ``alternative:<name>``, ``flip:<key>``, or a part of one.
    ``scope`` adds the lines of the profile's file, headroom and the peak.
    """
    sources = {source.id: source for source in result.sources}
    facts = Facts(
        sources, finance_of(result), result.tokens_per_day, result.tokens_per_request, result.hours_per_month, scope
    )
    whole: dict[str, Node] = {row.offer.id: offer_node(row, facts) for row in result.offers}
    lines = {
        f"{row.offer.id}.{line.id}": line_node(line, usd, row, facts) for row in result.offers for line, usd in row.bill
    }
    for found in result.crossovers:
        whole[f"crossover:{found.api}|{found.self_host}"] = crossover_node(result, found, facts)
    if item is None:
        return tuple(whole.values())
    seen: Counter[str] = Counter()
    for row in result.alternatives:
        seen[row.name] += 1
        node = alternative_node(row, seen[row.name], result, facts)
        whole[node.id] = node
    for flip in result.flips:
        whole[f"flip:{flip.key}"] = flip_node(flip, result, facts)
    below = {child.id: child for node in whole.values() for child in _all_below(node)}
    nodes = {**below, **whole, **lines}
    if item in ("crossover", "headline"):
        name = f"crossover:{result.headline.api}|{result.headline.self_host}"
        if name not in nodes:
            raise InputError(Problem("no pair could be compared", "see breakeven run for the reason", "ITEM"))
        return (nodes[name],)
    if item in nodes:
        return (nodes[item],)
    same = tuple(lines[name] for row in result.offers if (name := f"{row.offer.id}.{item}") in lines)
    if same:
        return same
    partial = [name for name in nodes if item.lower() in name.lower()]
    if partial:
        shortest = [name for name in partial if not any(o != name and name.startswith(o + ".") for o in partial)]
        return tuple(nodes[name] for name in shortest)
    raise InputError(Problem(f"there is no figure {item!r}", did_you_mean(item, list(nodes)), "ITEM"))


def _all_below(node: Node) -> list[Node]:
    return [found for child in node.children for found in (child, *_all_below(child)) if "<-" not in found.id]
