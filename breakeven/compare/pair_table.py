"""The headline pair's coefficients for many variants of a profile, filled by running the builders.

Keys whose values can flow through the builders as arrays are set together; the others one value at
a time. Where points take different branches they are split (see :mod:`breakeven.compare.many`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from breakeven.compare.axes import Axis
from breakeven.compare.crossover import turning_points
from breakeven.compare.many import Disagree, exact_sum, is_many, many, plain, step_counts
from breakeven.compare.many_crossovers import Crossings, Replicas, Sums, Turning, crossings
from breakeven.compare.verdict import choose_pair
from breakeven.errors import BreakevenError
from breakeven.offers.build import build_offers
from breakeven.offers.offer import CostLine, Offer
from breakeven.offers.other_values import at_values, is_lent, price_follows_volume
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile
from breakeven.profile.model import Profile

VOLUME_KEYS = ("workload.tokens_per_day", "workload.requests_per_day", "workload.tasks_per_day")
_COEFFICIENTS = ("usd_per_day", "usd_per_replica_day", "usd_per_mtok")


class PairOffers(Struct, frozen=True):
    """The pair at some points: coefficients may be arrays over them."""

    api: Offer | None
    own: Offer | None
    volume: Any  # tokens a day
    tokens_per_request: Any
    calls_per_task: Any


def pair_at(scope: Scope) -> PairOffers:
    """The headline pair of a scope; its profile may hold arrays."""
    profile = scope.profile
    hybridless = profile.model_copy(update={"self_host": profile.self_host.model_copy(update={"hybrid": False})})
    loaded = LoadedProfile(hybridless, scope.loaded.document, scope.loaded.overrides)
    offers = build_offers(replace(scope, loaded=loaded))
    rows = [SimpleNamespace(offer=offer) for offer in offers]
    api, own = choose_pair(cast(Any, rows))
    volume = profile.workload.volume_tokens_per_day
    return PairOffers(
        api.offer if api else None, own.offer if own else None, volume, profile.workload.tokens_per_request,
        profile.workload.calls_per_task,
    )  # fmt: skip


def with_arrays(profile: Profile, arrays: Mapping[tuple[int | str, ...], Any]) -> Profile:
    """A copy with values put in place, unvalidated: they were validated one by one."""
    for loc, value in arrays.items():
        profile = cast(Profile, _put(profile, loc, value))
    return profile


def _put(node: Any, loc: tuple[int | str, ...], value: Any) -> Any:
    if not loc:
        return value
    step, rest = loc[0], loc[1:]
    if isinstance(step, int):
        return tuple(_put(item, rest, value) if i == step else item for i, item in enumerate(node))
    if isinstance(node, dict):
        return {**node, step: _put(node.get(step), rest, value)}
    return node.model_copy(update={step: _put(getattr(node, step), rest, value)})


class Table(Struct):
    """Coefficients over ``count`` entries, one array per coefficient that is not zero everywhere."""

    count: int
    lines: dict[tuple[str, str, str], Any] = field(default_factory=dict)  # (side, line, coefficient)
    numbers: dict[str, Any] = field(default_factory=dict)
    apis: list[str] = field(default_factory=list)
    owns: list[str] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    special: dict[int, tuple[Offer, Offer, int]] = field(default_factory=dict)
    found: Crossings | None = None

    def put(self, where: Any, pair: PairOffers) -> None:
        """Store the pair at the entries ``where`` (an index array)."""
        self.number("volume", where, pair.volume)
        self.number("tokens_per_request", where, pair.tokens_per_request)
        self.number("calls_per_task", where, pair.calls_per_task)
        self.number("api", where, float(_code(self.apis, pair.api.id if pair.api else "")))
        self.number("own", where, float(_code(self.owns, pair.own.id if pair.own else "")))
        self.number("able", where, float(pair.own is not None and pair.api is not None))
        for side, offer in (("api", pair.api), ("own", pair.own)):
            if offer is not None:
                self.put_offer(side, where, offer)
        if pair.api is not None and pair.own is not None:
            linear = pair.api.kind == "api" and not is_many(pair.api.minimum_usd_per_day)
            if not linear or pair.api.minimum_usd_per_day or pair.own.minimum_usd_per_day:
                for position, index in enumerate(np.atleast_1d(where).tolist()):
                    self.special[index] = (pair.api, pair.own, position)

    def put_offer(self, side: str, where: Any, offer: Offer) -> None:
        """Store one offer's coefficients under a name."""
        self.number(f"{side}_eligible", where, float(offer.eligible and offer.feasible))
        self.number(f"{side}_minimum", where, offer.minimum_usd_per_day)
        self.number(f"{side}_kappa", where, _or_nan(offer.tokens_per_day_per_replica))
        self.number(f"{side}_full", where, _or_nan(offer.capacity_per_replica_tokens_per_day))
        self.number(f"{side}_n_min", where, float(offer.min_replicas))
        self.number(f"{side}_redundant", where, float(offer.redundant_replicas))
        for line in offer.lines:
            for name in _COEFFICIENTS:
                value = getattr(line, name)
                if is_many(value) or value != 0.0:
                    key = (f"{side}+" if line.counts_towards_minimum else side, line.id, name)
                    _store(self.lines, key, self.count, where, value)

    def number(self, name: str, where: Any, value: Any) -> None:
        """Store one number per entry."""
        _store(self.numbers, name, self.count, where, value)

    def sums(self, side: str, at: Any = slice(None)) -> Sums:
        """The coefficients of one side summed over its lines."""
        rows = [[0.0], [0.0], [0.0]]
        for (owner, _, name), values in self.lines.items():
            if owner.rstrip("+") == side:
                rows[_COEFFICIENTS.index(name)].append(values[at])
        return Sums(*(exact_sum(row) for row in rows))

    def solve(self) -> Crossings:
        """The crossings of every entry, solved once."""
        if self.found is None:
            api, own = self.sums("api"), self.sums("own")
            n = self.numbers
            able = n["able"] > 0
            dead = ~able
            api_replica = np.broadcast_to(np.asarray(api.replica, dtype=np.float64), (self.count,)).copy()
            for index in self.special:
                api_replica[index] = np.inf  # not linear: the law itself is asked
            kappa = n.get("own_kappa", np.full(self.count, np.nan))
            found = crossings(
                Sums(api.fixed, api_replica, api.mtok), own,
                Replicas(np.where(dead, 1.0, kappa), n.get("own_full", kappa), n.get("own_n_min", 0.0),
                         n.get("own_redundant", 0.0)),
                count=self.count, by_law=lambda index: self._law(index, able),
            )  # fmt: skip
            blank = np.where(dead, np.nan, 0.0)
            self.found = Crossings(
                np.where(dead, -1, found.outcome), found.first + blank, found.settled + blank, found.capacity_share + blank
            )
        return self.found

    def _law(self, index: int, able: Any) -> Turning:
        if not able[index]:
            return "never", None, None
        if index in self.special:
            api, own, position = self.special[index]
            return turning_points(_slice(api, position), _slice(own, position))
        return turning_points(self._offer("api", index), self._offer("own", index))

    def _offer(self, side: str, index: int) -> Offer:
        """A plain offer with the coefficients of one entry."""
        values: dict[str, dict[str, float]] = {}
        for (owner, line, name), column in self.lines.items():
            if owner.rstrip("+") == side:
                values.setdefault(line, {})[name] = float(column[index])
        kappa = float(self.numbers[f"{side}_kappa"][index])
        full = float(self.numbers[f"{side}_full"][index])
        return Offer(
            side, side, "rented",
            tuple(
                CostLine(
                    line, line, "fees", usd_per_day=row.get("usd_per_day", 0.0),
                    usd_per_replica_day=row.get("usd_per_replica_day", 0.0), usd_per_mtok=row.get("usd_per_mtok", 0.0),
                )
                for line, row in values.items()
            ),
            tokens_per_day_per_replica=None if kappa != kappa else kappa,
            capacity_per_replica_tokens_per_day=None if full != full else full,
            min_replicas=int(self.numbers[f"{side}_n_min"][index]),
            redundant_replicas=int(self.numbers[f"{side}_redundant"][index]),
        )  # fmt: skip

    def usd_per_day(self, side: str, at: Any, volumes: Any) -> Any:
        """What one side costs at entries ``at`` and their volumes, with the digits of ``Offer.usd_per_day_at``."""
        mtok = volumes / 1e6
        replicas: Any = 0.0
        kappa = self.numbers.get(f"{side}_kappa")
        if kappa is not None:
            width = kappa[at]
            known = width > 0.0  # unknown is NaN, or zero where nothing can serve
            counts = step_counts(volumes, np.where(known, width, 1.0)) + self.numbers[f"{side}_redundant"][at]
            replicas = np.where(known, np.maximum(self.numbers[f"{side}_n_min"][at], counts), 0.0)
        amounts: dict[tuple[str, str], list[Any]] = {}
        for (owner, line, name), column in self.lines.items():
            if owner.rstrip("+") == side:
                row = amounts.setdefault((owner, line), [0.0, 0.0, 0.0])
                row[_COEFFICIENTS.index(name)] = column[at]
        totals = {key: fixed + per * replicas + var * mtok for key, (fixed, per, var) in amounts.items()}
        minimum = self.numbers.get(f"{side}_minimum")
        if minimum is not None and minimum.any():
            covered = exact_sum([0.0, *(value for (owner, _), value in totals.items() if owner.endswith("+"))])
            top_up = np.where(minimum[at] > 0, np.maximum(0.0, minimum[at] - covered), 0.0)
            totals[("", "minimum-spend")] = top_up
        return exact_sum(list(totals.values())) + np.zeros_like(volumes)


def _or_nan(value: Any) -> Any:
    return np.nan if value is None else value


def _code(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _store(columns: dict[Any, Any], key: Any, count: int, where: Any, value: Any) -> None:
    if key not in columns:
        columns[key] = np.zeros(count)
    columns[key][where] = plain(value)


def _slice(offer: Offer, position: int) -> Offer:
    def one(value: Any) -> Any:
        return float(plain(value)[position]) if is_many(value) else value

    def cut(line: CostLine) -> CostLine:
        changed = {name: one(value) for name in _COEFFICIENTS if is_many(value := getattr(line, name))}
        return replace(line, **changed) if changed else line

    return replace(
        offer,
        lines=tuple(cut(line) for line in offer.lines),
        tokens_per_day_per_replica=one(offer.tokens_per_day_per_replica),
        capacity_per_replica_tokens_per_day=one(offer.capacity_per_replica_tokens_per_day),
        minimum_usd_per_day=one(offer.minimum_usd_per_day),
    )


class Filler:
    """Fills tables: knows which keys flow as arrays and keeps the serving estimates made so far."""

    def __init__(self, scope: Scope, axes: Sequence[Axis]) -> None:
        self.scope = scope
        self.axes = tuple(axes)
        self._probing = True
        volumes = (axis for axis in axes if axis.key in VOLUME_KEYS and axis.numeric)
        self.volume_axis = None if price_follows_volume(scope) else next(volumes, None)
        self.inner = tuple(axis for axis in axes if axis is not self.volume_axis and self._flows(axis))
        self.outer = tuple(axis for axis in axes if axis is not self.volume_axis and axis not in self.inner)
        self._probing = False

    def _flows(self, axis: Axis) -> bool:
        """Whether arrays of this key pass through the builders with the digits of single values."""
        if not axis.numeric or len(axis.values) < 2 or is_lent(self.scope, axis.key):
            return False
        low, high = min(axis.values), max(axis.values)
        if low == high:
            return False
        values = [low, low, high, high]  # in pairs, so that arrays are left where the two part ways
        base = {other.key: other.values[0] for other in self.axes if other is not axis}
        try:
            many_table, one_table = Table(4), Table(4)
            self.fill(many_table, np.arange(4), base, {axis: np.array(values)})
            for index, value in enumerate(values):
                self.fill(one_table, np.array([index]), {**base, axis.key: value}, {})
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return False
        if many_table.errors or one_table.errors:
            return False
        for own, other in ((many_table.lines, one_table.lines), (many_table.numbers, one_table.numbers)):
            for key in {*own, *other}:
                left, right = own.get(key, np.zeros(4)), other.get(key, np.zeros(4))
                if not np.array_equal(left, right, equal_nan=True):
                    return False
        return many_table.apis == one_table.apis and many_table.owns == one_table.owns

    def fill(self, table: Table, where: Any, values: Mapping[str, Any], columns: Mapping[Axis, Any]) -> None:
        """Fill entries ``where``: single ``values`` by key, and ``columns`` of one value per entry."""
        first = {axis.key: float(column[0]) for axis, column in columns.items()}
        try:
            there = at_values(self.scope, {**values, **first})
        except BreakevenError as error:
            self._failed(table, where, error)
            return
        for part in self._parts(there, np.arange(len(where)), columns):
            index, pair = part
            if isinstance(pair, BreakevenError):
                self._failed(table, where[index], pair)
            else:
                table.put(where[index], pair)

    def _parts(
        self, there: Scope, index: Any, columns: Mapping[Axis, Any]
    ) -> Iterator[tuple[Any, PairOffers | BreakevenError]]:
        arrays = {axis.loc: many(column[index]) if len(index) > 1 else float(column[index[0]])
                  for axis, column in columns.items()}  # fmt: skip
        loaded = there.loaded
        profile = with_arrays(loaded.profile, arrays)
        scope = replace(there, loaded=LoadedProfile(profile, loaded.document, loaded.overrides))
        try:
            yield index, pair_at(scope)
        except Disagree as split:
            mask = np.broadcast_to(split.mask, (len(index),))
            yield from self._parts(there, index[mask], columns)
            yield from self._parts(there, index[~mask], columns)
        except BreakevenError as error:
            yield index, error
        except (TypeError, ValueError, AttributeError):
            # Keys that flow alone may not flow together; one by one everything does.
            if self._probing or len(index) == 1:
                raise
            for one in index:
                yield from self._parts(there, np.array([one]), columns)

    def _failed(self, table: Table, where: Any, error: BreakevenError) -> None:
        table.number("able", where, 0.0)
        table.number("volume", where, np.nan)
        for index in np.atleast_1d(where).tolist():
            table.errors[index] = str(error.problems[0])
