"""Any figure of a result as its equation, with the numbers put in and each number's source.

A figure becomes a tree: an offer's cost is its lines, a line is its equation with its terms, and
a term ends in a dated record, a key of the profile, an estimate with its grade, or a default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.compare.crossover import Crossover
from breakeven.compare.equations import EQUATIONS
from breakeven.compare.result import Comparison, OfferAtVolume, SourceUsed
from breakeven.compare.worked import finance_of, worked
from breakeven.errors import InputError, Problem, did_you_mean
from breakeven.offers.offer import CostLine, Offer, Term
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


class _Facts(Struct, frozen=True):
    """What the nodes need beside the result: where keys stand, and how money and demand are counted."""

    sources: Mapping[str, SourceUsed]
    finance: Mapping[str, Any]
    tokens_per_day: float
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


def explain_result(result: Comparison, item: str | None = None, *, scope: Scope | None = None) -> tuple[Node, ...]:
    """Nodes of an item, or of every offer and crossover. Raises InputError for an unknown item.

    ``item`` is an offer id, a line id (of every offer that has it), ``<offer id>.<line id>``,
    ``crossover``, ``headline``, or a part of one.
    ``scope`` adds the lines of the profile's file, headroom and the peak.
    """
    facts = _Facts({source.id: source for source in result.sources}, finance_of(result), result.tokens_per_day, scope)
    whole: dict[str, Node] = {row.offer.id: _offer(row, facts) for row in result.offers}
    lines = {
        f"{row.offer.id}.{line.id}": _line(line, usd, row, facts) for row in result.offers for line, usd in row.bill
    }
    for found in result.crossovers:
        whole[f"crossover:{found.api}|{found.self_host}"] = _crossover(result, found, facts)
    if item is None:
        return tuple(whole.values())
    nodes = {**whole, **lines}
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


def _offer(row: OfferAtVolume, facts: _Facts) -> Node:
    offer = row.offer
    parts = [_line(line, usd, row, facts) for line, usd in row.bill]
    if offer.tokens_per_day_per_replica is not None:
        parts.append(_replicas(row, facts))
    if row.capacity_tokens_per_day and row.utilisation_share is not None and offer.kind != "hybrid":
        parts.append(_use(row, facts))
    working = None
    if row.usd_per_day is not None and offer.kind != "hybrid":
        count = row.replicas or 0
        working = _shown(
            f"{_n(offer.fixed_usd_per_day)} + {count} * {_n(offer.usd_per_replica_day)} + "
            f"{_n(facts.tokens_per_day / 1e6)} * {_n(offer.usd_per_mtok)}",
            offer.fixed_usd_per_day
            + count * offer.usd_per_replica_day
            + facts.tokens_per_day / 1e6 * offer.usd_per_mtok,
            row.usd_per_day,
        )
    return Node(offer.id, offer.name, row.usd_per_day, "USD/day", "offer-cost", None, tuple(parts), working)


def _use(row: OfferAtVolume, facts: _Facts) -> Node:
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
        f"{_n(facts.tokens_per_day)} / {_n(row.capacity_tokens_per_day)}",
    )  # fmt: skip


def _replicas(row: OfferAtVolume, facts: _Facts) -> Node:
    offer = row.offer
    kappa, full = offer.tokens_per_day_per_replica, offer.capacity_per_replica_tokens_per_day
    terms = [_term(f"{offer.id}.capacity", term, facts) for term in offer.meta.get("capacity_terms", ())]
    capacity = Node(
        f"{offer.id}.k", "capacity of a replica, flat over 24 h", full, "tokens/day", "replica-capacity",
        offer.serving.evidence if offer.serving else None, tuple(terms), _capacity_working(offer),
    )  # fmt: skip
    parts: list[Node] = [capacity]
    working = None
    between = {term.name.rsplit(".", 1)[-1]: term for term in offer.meta.get("mean_day_terms", ())}
    if full is not None and kappa is not None and between:
        rho, spare = float(between["peak_to_mean"].value), float(between["headroom_share"].value)
        parts += [_term(f"{offer.id}.kappa", term, facts) for term in between.values()]
        working = _shown(f"{_n(full)} * (1 - {_n(spare)}) / {_n(rho)}", full * (1.0 - spare) / rho, kappa)
    mean = Node(
        f"{offer.id}.kappa",
        "mean-day volume of a replica",
        kappa,
        "tokens/day",
        "mean-day-volume",
        None,
        tuple(parts),
        working,
    )
    least, spares = offer.min_replicas, offer.redundant_replicas
    text = None
    if kappa:
        text = f"max({least}, ceil({_n(facts.tokens_per_day)} / {_n(kappa)}) + {spares})"
    return Node(
        f"{offer.id}.replicas", "replicas at this volume", row.replicas, "replicas", "replicas", None,
        (
            mean,
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
    return _shown(f"{count} * {_n(rate)} * 86400 * {_n(tokens)}", count * rate * 86_400.0 * tokens, full)


def _keyed(name: str, title: str, value: Any, unit: str, key: str, facts: _Facts) -> Node:
    """A number the profile sets or leaves at its default."""
    origin: str | None = "profile or default"
    if facts.scope is not None:
        origin = facts.place(facts.scope.chosen(key, value, unit).where)
    return Node(name, title, value, unit, None, origin)


def _line(line: CostLine, usd: float | None, row: OfferAtVolume, facts: _Facts) -> Node:
    name = f"{row.offer.id}.{line.id}"
    done = worked(line, finance=facts.finance)
    coefficients = tuple(
        Node(
            f"{name}.{field}", title, value, unit, line.equation or None, None, (),
            done.text if done is not None and done.field == field else None,
        )
        for field, title, value, unit in (
            ("usd_per_day", "fixed", line.usd_per_day, "USD/day"),
            ("usd_per_replica_day", "per replica", line.usd_per_replica_day, "USD/replica-day"),
            ("usd_per_mtok", "per million tokens", line.usd_per_mtok, "USD/Mtok"),
        )
        if value != 0.0
    )  # fmt: skip
    terms = tuple(_term(name, term, facts) for term in line.terms)
    derived = tuple(
        Node(f"{name}.{key}", title, done.values[key], unit, "present-value")
        for key, title, unit in (
            ("years_of_payments", "present value of 1 a year until then", "years"),
            ("value_today_of_1", "present value of 1 at the end", "ratio"),
        )
        if done is not None and key in done.values
    )
    return Node(
        name, line.name, usd, "USD/day", None, None, (*coefficients, *terms, *derived), _amount(line, usd, row, facts)
    )


def _amount(line: CostLine, usd: float | None, row: OfferAtVolume, facts: _Facts) -> str | None:
    """The line's amount from its coefficients at the volume."""
    if usd is None:
        return None
    count, mtok = row.replicas or 0, facts.tokens_per_day / 1e6
    parts = []
    if line.usd_per_day:
        parts.append(_n(line.usd_per_day))
    if line.usd_per_replica_day:
        parts.append(f"{count} * {_n(line.usd_per_replica_day)}")
    if line.usd_per_mtok:
        parts.append(f"{_n(mtok)} * {_n(line.usd_per_mtok)}")
    return _shown(" + ".join(parts), line.usd_at(mtok_per_day=mtok, replicas=count), usd) if parts else None


def _term(owner: str, term: Term, facts: _Facts) -> Node:
    cited = tuple(
        Node(f"{owner}.{term.name}<-{source}", _cite(facts.sources.get(source)), None, "", None, source)
        for source in term.sources
    )
    origin = facts.place(term.where) or ("default" if not term.sources else None)
    return Node(f"{owner}.{term.name}", term.name, term.value, term.unit, None, origin, cited)


def _cite(source: SourceUsed | None) -> str:
    if source is None:
        return "source"
    if source.confidential:
        return f"{source.kind}, effective {source.effective}, confidential"
    where = source.url or source.title or source.file
    age = "" if source.age_days is None else f", {source.age_days} days old"
    return f"{source.kind}, effective {source.effective}, retrieved {source.retrieved}{age}: {where}"


def _crossover(result: Comparison, found: Crossover, facts: _Facts) -> Node:
    name = f"crossover:{found.api}|{found.self_host}"
    api, own = result.offer(found.api).offer, result.offer(found.self_host).offer
    if own.kind == "hybrid":
        return Node(
            name, f"{own.name}: first cheaper than the API alone from", found.first_tokens_per_day, "tokens/day",
            "hybrid-crossing", None, (Node(f"{name}.outcome", "outcome", found.outcome, ""),),
        )  # fmt: skip
    parts = (
        Node(f"{name}.outcome", "outcome", found.outcome, ""),
        Node(f"{name}.settled", "for good from", found.settled_tokens_per_day, "tokens/day"),
        Node(f"{name}.F", "fixed cost of self-hosting, F", own.fixed_usd_per_day, "USD/day"),
        Node(f"{name}.f", "cost per replica, f", own.usd_per_replica_day, "USD/replica-day"),
        Node(f"{name}.v", "own variable cost, v", own.usd_per_mtok, "USD/Mtok"),
        Node(f"{name}.p", "API price at this shape, p", api.usd_per_mtok, "USD/Mtok"),
        Node(
            f"{name}.kappa",
            "mean-day volume of a replica",
            own.tokens_per_day_per_replica,
            "tokens/day",
            "mean-day-volume",
        ),
        Node(f"{name}.share", "share of the running capacity at the crossing", found.capacity_share, "share"),
    )
    return Node(
        name, f"{own.name} against {api.name}: first cheaper from", found.first_tokens_per_day, "tokens/day",
        "crossing-law", None, parts, _crossing_working(api, own, found.first_tokens_per_day),
    )  # fmt: skip


def _crossing_working(api: Offer, own: Offer, first: float | None) -> str | None:
    """(F + n f) / (p - v) with the replicas that run just above the crossing."""
    saving = api.usd_per_mtok - own.usd_per_mtok
    if not first or saving <= 0 or own.tokens_per_day_per_replica is None:
        return None
    count = own.replicas_at(first * (1.0 + 1e-12))
    text = (
        f"({_n(own.fixed_usd_per_day)} + {count} * {_n(own.usd_per_replica_day)}) / "
        f"({_n(api.usd_per_mtok)} - {_n(own.usd_per_mtok)}) Mtok/day"
    )
    return _shown(text, (own.fixed_usd_per_day + count * own.usd_per_replica_day) / saving * 1e6, first)


def _n(value: float) -> str:
    return f"{value:.10g}"


def _shown(text: str, amount: float, value: float | None) -> str | None:
    """The text when it gives the value; a working that does not is never shown."""
    if value is None or abs(amount - value) > _TOLERANCE * abs(value):
        return None
    return text


def formula_of(node: Node) -> str | None:
    """The formula of a node's equation, as docs/model.md prints it."""
    equation = EQUATIONS.get(node.equation or "")
    return equation.formula if equation else None
