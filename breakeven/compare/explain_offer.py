"""An offer's cost explained: its lines, the replicas behind it, and what it comes to per month, request or token."""

from __future__ import annotations

import math
from typing import Any

from msgspec.structs import replace

from breakeven.compare.explain_node import Facts, Node, shown_number, shown_working, term_node
from breakeven.compare.result import OfferAtVolume
from breakeven.compare.worked import landed, worked
from breakeven.offers.offer import CostLine, Offer

COEFFICIENTS = (
    ("usd_per_day", "fixed", "USD/day"),
    ("usd_per_replica_day", "per replica", "USD/replica-day"),
    ("usd_per_mtok", "per million tokens", "USD/Mtok"),
)


def offer_node(row: OfferAtVolume, facts: Facts) -> Node:
    offer = row.offer
    parts = [line_node(line, usd, row, facts) for line, usd in row.bill]
    if offer.tokens_per_day_per_replica is not None:
        parts.append(_replicas(row, facts))
    if row.capacity_tokens_per_day and row.utilisation_share is not None and offer.kind != "hybrid":
        parts.append(_use(row, facts))
    parts += _per_unit(row, facts)
    working = None
    if row.usd_per_day is not None and offer.kind != "hybrid":
        count = row.replicas or 0
        working = shown_working(
            f"{shown_number(offer.fixed_usd_per_day)} + {count} * {shown_number(offer.usd_per_replica_day)} + "
            f"{shown_number(facts.tokens_per_day / 1e6)} * {shown_number(offer.usd_per_mtok)}",
            offer.fixed_usd_per_day
            + count * offer.usd_per_replica_day
            + facts.tokens_per_day / 1e6 * offer.usd_per_mtok,
            row.usd_per_day,
        )
    return Node(offer.id, offer.name, row.usd_per_day, "USD/day", "offer-cost", None, tuple(parts), working)


def _per_unit(row: OfferAtVolume, facts: Facts) -> list[Node]:
    """What the day's cost comes to per month, million tokens, request and task, and per token of full machines."""
    usd, name = row.usd_per_day, row.offer.id
    if usd is None:
        return []
    mtok = facts.tokens_per_day / 1e6
    requests = facts.tokens_per_day / facts.tokens_per_request
    day, calls = shown_number(usd), 1.0 if not row.usd_per_request else (row.usd_per_task or 0.0) / row.usd_per_request
    rows = [
        ("month", "per month", row.usd_per_month, "USD/month", "cost-per-month",
         f"{day} * {shown_number(facts.hours_per_month)} / 24", usd * facts.hours_per_month / 24.0),
        ("mtok", "per million tokens at this volume", row.usd_per_mtok, "USD/Mtok", "cost-at-volume",
         f"{day} / {shown_number(mtok)}", usd / mtok),
        ("request", "per request", row.usd_per_request, "USD/request", "cost-per-request",
         f"{day} / {shown_number(requests)}", usd / requests),
        ("task", "per task", row.usd_per_task, "USD/task", "cost-per-task",
         f"{shown_number(row.usd_per_request or 0.0)} * {shown_number(calls)}", (row.usd_per_request or 0.0) * calls),
    ]  # fmt: skip
    nodes = [
        Node(f"{name}.{part}", title, value, unit, equation, None, (), shown_working(text, amount, value))
        for part, title, value, unit, equation, text, amount in rows
    ]
    full, count = row.capacity_tokens_per_day, row.replicas or 0
    if row.capacity_usd_per_mtok is not None:
        offer = row.offer
        held = offer.fixed_usd_per_day + count * offer.usd_per_replica_day
        text = f"({shown_number(held)}) / {shown_number((full or 0.0) / 1e6)} + {shown_number(offer.usd_per_mtok)}"
        working = None
        if full:
            working = shown_working(text, held / (full / 1e6) + offer.usd_per_mtok, row.capacity_usd_per_mtok)
        nodes.append(Node(f"{name}.full", "per million tokens when full", row.capacity_usd_per_mtok, "USD/Mtok",
                          "capacity-cost", None, (), working))  # fmt: skip
    return nodes


def coefficient_node(
    name: str, title: str, offer: Offer, field: str, facts: Facts, *, before: Offer | None = None
) -> Node:
    """F, f or v of an offer as the sum of its lines' shares, each with its equation and terms.

    ``before`` is the same offer unchanged: terms that differ from it say so instead of where they come from.
    """
    unit = next(unit for key, _, unit in COEFFICIENTS if key == field)
    known = {} if before is None else {(line.id, term.name): term.value for line in before.lines for term in line.terms}
    parts = []
    for line in offer.lines:
        value = getattr(line, field)
        if value == 0.0:
            continue
        done = worked(line, finance=facts.finance)
        terms = []
        for term in line.terms:
            node = term_node(f"{name}.{line.id}", term, facts)
            same = before is None or known.get((line.id, term.name)) == term.value
            terms.append(node if same else replace(node, origin="this alternative"))
        working = done.text if done is not None and done.field == field else None
        parts.append(
            Node(
                f"{name}.{line.id}", line.name, value, unit, line.equation or None, None,
                (*_landed(f"{name}.{line.id}", line), *terms), working,
            )
        )
    total = offer.fixed_usd_per_day if field == "usd_per_day" else getattr(offer, field)
    return Node(name, title, total, unit, None, None, tuple(parts), None)


def _use(row: OfferAtVolume, facts: Facts) -> Node:
    assert row.capacity_tokens_per_day
    own = row.offer
    written = facts.place("profile:workload.tokens_per_day")
    return Node(
        f"{own.id}.utilisation", "share of the running capacity that is used", row.utilisation_share, "share",
        "utilisation", None,
        (
            Node(f"{own.id}.volume", "volume", facts.tokens_per_day, "tokens/day", None, written),
            Node(f"{own.id}.running", "capacity of the running replicas", row.capacity_tokens_per_day, "tokens/day"),
        ),
        f"{shown_number(facts.tokens_per_day)} / {shown_number(row.capacity_tokens_per_day)}",
    )  # fmt: skip


def mean_day_node(offer: Offer, facts: Facts) -> Node:
    """What a replica carries on a mean day, down to its serving estimate or measurement."""
    kappa, full = offer.tokens_per_day_per_replica, offer.capacity_per_replica_tokens_per_day
    terms = [term_node(f"{offer.id}.capacity", term, facts) for term in offer.meta.get("capacity_terms", ())]
    capacity = Node(
        f"{offer.id}.k", "capacity of a replica, flat over 24 h", full, "tokens/day", "replica-capacity",
        offer.serving.evidence if offer.serving else None, tuple(terms), _capacity_working(offer),
    )  # fmt: skip
    parts: list[Node] = [capacity]
    working = None
    between = {term.name.rsplit(".", 1)[-1]: term for term in offer.meta.get("mean_day_terms", ())}
    if full is not None and kappa is not None and between:
        rho, spare = float(between["peak_to_mean"].value), float(between["headroom_share"].value)
        parts += [term_node(f"{offer.id}.kappa", term, facts) for term in between.values()]
        working = shown_working(f"{shown_number(full)} * (1 - {shown_number(spare)}) / {shown_number(rho)}", full * (1.0 - spare) / rho, kappa)
    return Node(
        f"{offer.id}.kappa", "mean-day volume of a replica", kappa, "tokens/day", "mean-day-volume", None, tuple(parts),
        working,
    )  # fmt: skip


def _replicas(row: OfferAtVolume, facts: Facts) -> Node:
    offer = row.offer
    kappa = offer.tokens_per_day_per_replica
    least, spares = offer.min_replicas, offer.redundant_replicas
    text = None
    if kappa:
        text = f"max({least}, ceil({shown_number(facts.tokens_per_day)} / {shown_number(kappa)}) + {spares})"
    return Node(
        f"{offer.id}.replicas", "replicas at this volume", row.replicas, "replicas", "replicas", None,
        (
            mean_day_node(offer, facts),
            _keyed(f"{offer.id}.n_min", "least number of replicas", least, "replicas", "self_host.min_replicas", facts),
            _keyed(f"{offer.id}.r", "redundant replicas", spares, "replicas", "self_host.redundancy", facts),
        ),
        text,
    )  # fmt: skip


def _capacity_working(offer: Offer) -> str | None:
    terms = {term.name.rsplit(".", 1)[-1]: term.value for term in offer.meta.get("capacity_terms", ())}
    full = offer.capacity_per_replica_tokens_per_day
    try:
        rate, tokens = float(terms["requests_per_s"]), float(terms["tokens_per_request"])
    except (KeyError, TypeError, ValueError):
        return None
    count = int(offer.meta.get("instances_per_replica", 1))
    return shown_working(f"{count} * {shown_number(rate)} * 86400 * {shown_number(tokens)}", count * rate * 86_400.0 * tokens, full)


def _keyed(name: str, title: str, value: Any, unit: str, key: str, facts: Facts) -> Node:
    """A number the profile sets or leaves at its default."""
    origin: str | None = "profile or default"
    if facts.scope is not None:
        origin = facts.place(facts.scope.chosen(key, value, unit).where)
    return Node(name, title, value, unit, None, origin)


def line_node(line: CostLine, usd: float | None, row: OfferAtVolume, facts: Facts) -> Node:
    name = f"{row.offer.id}.{line.id}"
    done = worked(line, finance=facts.finance)
    coefficients = tuple(
        Node(
            f"{name}.{field}", title, value, unit, line.equation or None, None, (),
            done.text if done is not None and done.field == field else None,
        )
        for field, title, unit in COEFFICIENTS
        if (value := getattr(line, field)) != 0.0
    )
    terms = tuple(term_node(name, term, facts) for term in line.terms)
    derived = tuple(
        Node(f"{name}.{key}", title, done.values[key], unit, "present-value")
        for key, title, unit in (
            ("years_of_payments", "present value of 1 a year until then", "years"),
            ("value_today_of_1", "present value of 1 at the end", "ratio"),
        )
        if done is not None and key in done.values
    )
    parts = (*coefficients, *_landed(name, line), *terms, *derived)
    law = "minimum-spend" if line.id == "minimum-spend" else None
    return Node(name, line.name, usd, "USD/day", law, None, parts, _amount(line, usd, row, facts))


def _landed(name: str, line: CostLine) -> tuple[Node, ...]:
    """What a quoted price comes to with duty, tax and delivery, which the terms beside it give one by one."""
    found = landed(line)
    if found is None:
        return ()
    title, unit, value, working = found
    return (Node(f"{name}.landed", title, value, unit, "landed-price", None, (), working),)


def _amount(line: CostLine, usd: float | None, row: OfferAtVolume, facts: Facts) -> str | None:
    """The line's amount from its coefficients at the volume."""
    if usd is None:
        return None
    if line.id == "minimum-spend":
        covered = math.fsum(paid or 0.0 for other, paid in row.bill if other.counts_towards_minimum)
        least = row.offer.minimum_usd_per_day
        return shown_working(f"max(0, {shown_number(least)} - {shown_number(covered)})", max(0.0, least - covered), usd)
    count, mtok = row.replicas or 0, facts.tokens_per_day / 1e6
    parts = []
    if line.usd_per_day:
        parts.append(shown_number(line.usd_per_day))
    if line.usd_per_replica_day:
        parts.append(f"{count} * {shown_number(line.usd_per_replica_day)}")
    if line.usd_per_mtok:
        parts.append(f"{shown_number(mtok)} * {shown_number(line.usd_per_mtok)}")
    return shown_working(" + ".join(parts), line.usd_at(mtok_per_day=mtok, replicas=count), usd) if parts else None


