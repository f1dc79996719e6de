"""Crossings explained, and what moves and flips them: each down to the lines of the two bills."""

from __future__ import annotations

from msgspec.structs import replace

from breakeven.compare.crossover import Crossover
from breakeven.compare.explain_node import Facts, Node, cite, shown_number, shown_working
from breakeven.compare.explain_offer import coefficient_node, mean_day_node
from breakeven.compare.result import Alternative, Comparison, Flip
from breakeven.offers.hybrid import pair_of
from breakeven.offers.offer import Offer


def crossover_node(result: Comparison, found: Crossover, facts: Facts) -> Node:
    """Where a self-hosted offer first beats an API, from both bills' lines."""
    name = f"crossover:{found.api}|{found.self_host}"
    api, own = result.offer(found.api).offer, result.offer(found.self_host).offer
    if own.kind == "hybrid":
        return _hybrid(name, result, found, facts)
    parts = (
        *_outcome(name, found.outcome, found.settled_tokens_per_day),
        *_bills(name, api, own, facts),
        Node(f"{name}.share", "share of the running capacity at the crossing", found.capacity_share, "share"),
    )
    return Node(
        name, f"{own.name} against {api.name}: first cheaper from", found.first_tokens_per_day, "tokens/day",
        "crossing-law", None, parts, _crossing_working(api, own, found.first_tokens_per_day),
    )  # fmt: skip


def alternative_node(row: Alternative, number: int, result: Comparison, facts: Facts) -> Node:
    """One line of "what moves it": the crossing again, with what differs from the headline's bills marked."""
    name = f"alternative:{row.name}" + (f"#{number}" if number > 1 else "")
    parts: list[Node] = [*_outcome(name, row.outcome or "unknown", row.settled_tokens_per_day)]
    working = None
    if row.ratio_to_headline is not None:
        parts.append(Node(f"{name}.factor", "times the headline's first crossing", row.ratio_to_headline, "ratio"))
    if row.pair is not None:
        api, own = row.pair
        before = tuple(result.offer(side).offer for side in (result.headline.api, result.headline.self_host))
        parts += _bills(name, api, own, facts, before=(before[0], before[1]))
        working = _crossing_working(api, own, row.first_tokens_per_day)
    shown = {source for part in parts for source in _cited(part)}
    parts += [
        Node(f"{name}<-{source}", cite(facts.sources.get(source)), None, "", None, source)
        for source in row.sources
        if source not in shown
    ]
    return Node(
        name, f"{row.name} ({row.changed}): first cheaper from", row.first_tokens_per_day, "tokens/day",
        "crossing-law", row.why_not, tuple(parts), working,
    )  # fmt: skip


def flip_node(flip: Flip, result: Comparison, facts: Facts) -> Node:
    """The value of a key at which the cheaper side changes at the profile's volume."""
    name = f"flip:{flip.key}"
    where = facts.place(f"profile:{flip.key}") if "." in flip.key else None  # some are no key: a price at this shape
    parts = [Node(f"{name}.now", "now", flip.now, flip.unit, None, where)]
    for side, title in ((result.headline.api, "the API's bill"), (result.headline.self_host, "self-hosting's bill")):
        parts.append(Node(f"{name}.{title}", title, result.offer(side).usd_per_day, "USD/day", "offer-cost", side))
    law = "crossing-law" if flip.key.startswith("workload.") else "flip"
    return Node(name, f"{flip.key}: the verdict flips at", flip.flips_at, flip.unit, law, flip.why_not, tuple(parts))


def _outcome(name: str, outcome: str, settled: float | None) -> tuple[Node, Node]:
    return (
        Node(f"{name}.outcome", "outcome", outcome, ""),
        Node(f"{name}.settled", "for good from", settled, "tokens/day"),
    )


def _bills(
    name: str, api: Offer, own: Offer, facts: Facts, *, before: tuple[Offer, Offer] | None = None
) -> tuple[Node, ...]:
    theirs, ours = before or (None, None)
    parts = [
        coefficient_node(f"{name}.F", "fixed cost of self-hosting, F", own, "usd_per_day", facts, before=ours),
        coefficient_node(f"{name}.f", "cost per replica, f", own, "usd_per_replica_day", facts, before=ours),
        coefficient_node(f"{name}.v", "own variable cost, v", own, "usd_per_mtok", facts, before=ours),
        coefficient_node(f"{name}.p", "API price at this shape, p", api, "usd_per_mtok", facts, before=theirs),
    ]
    if api.minimum_usd_per_day > 0:
        parts.append(Node(f"{name}.minimum", "the API's minimum spend", api.minimum_usd_per_day, "USD/day", "minimum-spend"))
    if own.tokens_per_day_per_replica is not None:
        parts.append(replace(mean_day_node(own, facts), id=f"{name}.kappa"))
    return tuple(parts)


def _cited(node: Node) -> set[str]:
    found = {node.origin} if node.origin and "#" in node.origin else set()
    return found.union(*(_cited(child) for child in node.children))


def _hybrid(name: str, result: Comparison, found: Crossover, facts: Facts) -> Node:
    """(p - v) served = F + n f at the crossing, with what the fleet serves there from the load's hours."""
    hybrid = result.offer(found.self_host).offer
    api, own = result.offer(str(hybrid.meta["api"])).offer, result.offer(str(hybrid.meta["own"])).offer
    parts: list[Node] = [*_outcome(name, found.outcome, found.settled_tokens_per_day), *_bills(name, api, own, facts)]
    first = found.first_tokens_per_day
    if facts.scope is not None and first and "mix" not in hybrid.meta:
        pair = pair_of(facts.scope, api, own)
        count = pair.replicas_at(first / 1e6 * (1.0 + 1e-9))
        served = pair.curve.scaled(first / 1e6).below(count * pair.width_mtok_per_day)
        cost = pair.fixed_usd_per_day + count * pair.usd_per_replica_day
        full = pair.saving_usd_per_mtok * served
        kept = full - (pair.saving_usd_per_day(first / 1e6, count) + cost)
        parts += [
            Node(f"{name}.n", "replicas that first pay, n", count, "replicas", "screening"),
            Node(f"{name}.width", "what one carries at any moment", pair.width_mtok_per_day, "Mtok/day"),
            Node(f"{name}.served", "what they serve at the crossing", served, "Mtok/day", "load-duration"),
            Node(f"{name}.cost", "what they cost, F + n f", cost, "USD/day", None, None, (),
                 f"{shown_number(pair.fixed_usd_per_day)} + {count} * {shown_number(pair.usd_per_replica_day)}"),
            Node(f"{name}.saved", "what they save, (p - v) served less what the minimum spend takes anyway", full - kept,
                 "USD/day", None, None, (),
                 f"{shown_number(pair.saving_usd_per_mtok)} * {shown_number(served)} - {shown_number(kept)}"),
        ]  # fmt: skip
    return Node(
        name, f"{hybrid.name}: first cheaper than the API alone from", first, "tokens/day", "hybrid-crossing", None,
        tuple(parts),
    )  # fmt: skip


def _crossing_working(api: Offer, own: Offer, first: float | None) -> str | None:
    """(F + n f) / (p - v) with the replicas that run just above the crossing."""
    saving = api.usd_per_mtok - own.usd_per_mtok
    if not first or saving <= 0 or own.tokens_per_day_per_replica is None:
        return None
    count = own.replicas_at(first * (1.0 + 1e-12))
    text = (
        f"({shown_number(own.fixed_usd_per_day)} + {count} * {shown_number(own.usd_per_replica_day)}) / "
        f"({shown_number(api.usd_per_mtok)} - {shown_number(own.usd_per_mtok)}) Mtok/day"
    )
    return shown_working(text, (own.fixed_usd_per_day + count * own.usd_per_replica_day) / saving * 1e6, first)
