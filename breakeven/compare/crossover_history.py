"""How the crossover moved: the same workload and machines at the prices then in force.

Each dated API price of the catalogue's history is put at the profile's request shape and solved
against the self-hosted offer, whose rent is the one of that day where the catalogue has a history
of it (H100); else today's, and the row says so. Escalated requests pay the row's price. Source: docs/model.md, equation ``crossing-law``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from breakeven.arithmetic import SCALAR
from breakeven.compare.crossover import crossover
from breakeven.compare.price_paths import TRENDS, Decomposition, decompose
from breakeven.offers.escalation import ESCALATION_LINES
from breakeven.offers.offer import CostLine, Offer
from breakeven.offers.rented import RENT_LINES
from breakeven.offers.scope import Scope
from breakeven.units import HOURS_PER_DAY

RENTAL_HISTORY = {"h100-sxm": "h100-rental-history"}
_UNVERIFIED = "UNVERIFIED"


class PastCrossing(Struct, frozen=True):
    """The crossover against one API price of the past. ``usd_per_gpu_hour`` None: today's machines."""

    date: dt.date
    model: str
    quality_class: str
    api_usd_per_mtok: float
    usd_per_gpu_hour: float | None
    outcome: str
    first_tokens_per_day: float | None
    settled_tokens_per_day: float | None
    sources: tuple[str, ...]


class History(Struct, frozen=True):
    """Past crossings in order of date, and the decline at fixed quality taken apart."""

    rows: tuple[PastCrossing, ...]
    decompositions: tuple[Decomposition, ...]


def crossover_history(scope: Scope, own: Offer, *, since: dt.date, classes: Sequence[str] = ()) -> History:
    """Every dated price since ``since`` whose quality class starts with one of ``classes`` (all when empty)."""
    history = scope.catalogue.find("history", TRENDS)
    workload = scope.profile.workload
    input_share = workload.mean_input_tokens / workload.tokens_per_request
    rows = []
    for index, seen in enumerate(history.observations):  # type: ignore[attr-defined]
        if not since <= seen.date <= scope.as_of or not seen.output_usd_per_mtok:
            continue
        if seen.quality_class.startswith(_UNVERIFIED) or (classes and not seen.quality_class.startswith(tuple(classes))):
            continue
        price = float(seen.input_usd_per_mtok) * input_share + float(seen.output_usd_per_mtok) * (1.0 - input_share)
        line = CostLine("tokens", "tokens", "tokens", usd_per_mtok=price)
        api = Offer(f"past:{seen.model}", seen.model, "api", (line,))
        rate, machines, source = _machines_then(scope, own, seen.date)
        found = crossover(api, _escalating_to(api, machines, share=scope.profile.self_host.escalation_share))
        rows.append(
            PastCrossing(
                seen.date, seen.model, seen.quality_class, price, rate, found.outcome, found.first_tokens_per_day,
                found.settled_tokens_per_day, (f"history/{TRENDS}#observations[{index}]", *source),
            )
        )  # fmt: skip
    rows.sort(key=lambda row: (row.date, row.quality_class, row.model))
    return History(tuple(rows), _decompositions(scope))


def _escalating_to(api: Offer, machines: Offer, *, share: float) -> Offer:
    """The machines with escalated requests at the row's price, USD/Mtok: share x price, without fee, discount or minimum.

    The row's API has none of these either: a list price of the past, like with like.
    """
    if not share:
        return machines
    lines = tuple(
        replace(line, usd_per_mtok=share * api.usd_per_mtok if line.id == "escalation" else 0.0)
        if line.id in ESCALATION_LINES
        else line
        for line in machines.lines
    )
    return replace(machines, lines=lines, minimum_usd_per_day=0.0)


def _machines_then(scope: Scope, own: Offer, date: dt.date) -> tuple[float | None, Offer, tuple[str, ...]]:
    name = RENTAL_HISTORY.get(str(own.meta.get("accelerator")))
    if own.kind != "rented" or name is None or name not in scope.catalogue.ids("figures"):
        return None, own, ()
    found = scope.catalogue.records("figures", name, "records", date)
    if not found or not own.gpus_per_replica:
        return None, own, ()
    rate = found[-1].record.value.typical
    usd = rate * own.gpus_per_replica * HOURS_PER_DAY
    lines = tuple(
        replace(line, usd_per_replica_day=usd if line.id == "rent" else 0.0) if line.id in RENT_LINES else line
        for line in own.lines
    )
    return rate, replace(own, lines=lines), (found[-1].source_id,)


def _decompositions(scope: Scope) -> tuple[Decomposition, ...]:
    """The observed floor of one quality class between its dated prices, split among drivers."""
    history = scope.catalogue.find("history", TRENDS)
    out = []
    for trend in history.trends:  # type: ignore[attr-defined]
        if trend.log_points_per_year is None or trend.held_constant != "same-quality":
            continue
        out.append(
            decompose(
                scope, years=1.0, factor=SCALAR.exp(trend.log_points_per_year), trend=trend.id, quoted=trend.quoted
            )
        )
    return tuple(out)
