"""The comparison as a function of its uncertain inputs, for thousands of draws at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from breakeven.compare.many import Disagree, many
from breakeven.compare.many_crossovers import Crossings
from breakeven.compare.pair_table import PairOffers, Table, with_arrays
from breakeven.compare.risk_inputs import RiskInput, SampledCatalogue, ScaledPlans
from breakeven.compare.solve import nothing_to_weigh
from breakeven.compare.verdict import choose_pair
from breakeven.errors import BreakevenError, Infeasible
from breakeven.offers.build import build_offers
from breakeven.offers.offer import Offer
from breakeven.offers.other_values import at_values, is_lent
from breakeven.offers.scope import Scope
from breakeven.profile.load import LoadedProfile, parse_key

_MAX_BUILDS = 200  # of the offers, for inputs that cannot flow through the builders as arrays


class Draws(Struct, frozen=True):
    """The comparison at many draws. ``usd_per_day`` by offer id; NaN where an offer cannot serve.

    ``difference`` is self-hosting less API of the pair on cost alone: an API that cannot serve has its price all the same.
    """

    usd_per_day: Mapping[str, Any]
    api: str
    own: str
    volumes: Any
    table: Table
    names: Mapping[str, str]  # offer id -> its name in the table
    failed: Any  # which draws could not be answered
    difference: Any  # USD/day; NaN where there is no machine

    @property
    def pair(self) -> Crossings:
        """Where the headline pair crosses, draw by draw; solved when first asked for."""
        return self.table.solve()


class RiskModel:
    """Evaluates offers and the headline pair's crossing at arrays of input values."""

    def __init__(self, scope: Scope, inputs: Sequence[RiskInput], offers: Sequence[Offer]) -> None:
        self.scope = scope
        self.inputs = tuple(inputs)
        self.now = tuple(item for item in inputs if not item.later)
        self.offers = tuple(offer for offer in offers if offer.kind != "hybrid")
        rows = [_Row(offer) for offer in self.offers]
        api, own = choose_pair(cast(Any, rows))
        if api is None or own is None:
            raise Infeasible(f"nothing to weigh, {nothing_to_weigh(scope)}", fix="see breakeven run")
        self.api, self.own = api.offer.id, own.offer.id
        self.flowing: tuple[RiskInput, ...] = ()
        self.flowing = tuple(item for item in self.now if self._flows(item))
        self.stepped = tuple(item for item in self.now if item not in self.flowing)

    def nodes(self) -> int:
        """At how many equally likely values an input that cannot flow is taken."""
        builds = 1
        for item in self.stepped:
            builds *= round(item.distribution.high - item.distribution.low) + 1 if item.whole else 1
        count = sum(1 for item in self.stepped if not item.whole)
        if count == 0:
            return 0
        nodes = 32
        while nodes > 3 and builds * nodes**count > _MAX_BUILDS:
            nodes -= 1
        return nodes

    def snapped(self, item: RiskInput, u: Any) -> Any:
        """Values of an input at shares ``u``; one that cannot flow takes the middle of its step."""
        if item in self.stepped and not item.whole:
            count = self.nodes()
            u = (np.floor(u * count) + 0.5) / count
        values = item.distribution.quantile(u)
        if item.whole:
            low, high = round(item.distribution.low), round(item.distribution.high)
            values = np.clip(np.floor(values + 0.5), low, high)
        return values

    def evaluate(self, values: Mapping[str, Any], *, count: int) -> Draws:
        """The comparison at ``count`` draws; ``values`` by input name, inputs left out stay typical."""
        table = Table(count)
        where = np.arange(count)
        stepped = [item for item in self.stepped if item.name in values]
        flowing = [item for item in self.flowing if item.name in values]
        for members, fixed in _groups(where, stepped, values):
            arrays = {item: np.asarray(values[item.name])[members] for item in flowing}
            for part, built in self._parts(np.arange(len(members)), fixed, arrays):
                index = members[part]
                if isinstance(built, BreakevenError):
                    table.number("able", index, 0.0)
                    for position in index.tolist():
                        table.errors[position] = str(built.problems[0])
                else:
                    self._store(table, index, built)
        names = {offer.id: f"o{i}" for i, offer in enumerate(self.offers)}
        volumes = table.numbers["volume"] if "volume" in table.numbers else np.full(count, np.nan)
        bad = np.zeros(count, dtype=bool)
        if table.errors:
            bad[list(table.errors)] = True
        safe = np.where(bad, 1.0, volumes)
        usd = {
            offer_id: np.where(bad | ~(table.numbers.get(f"{name}_able", np.zeros(count)) > 0), np.nan,
                               table.usd_per_day(name, slice(None), safe))
            for offer_id, name in names.items()
        }  # fmt: skip
        pair = table.usd_per_day("own", slice(None), safe) - table.usd_per_day("api", slice(None), safe)
        able = table.numbers.get("able", np.zeros(count)) > 0
        return Draws(usd, self.api, self.own, volumes, table, names, bad, np.where(bad | ~able, np.nan, pair))

    # --- building ----------------------------------------------------------------------------

    def _store(self, table: Table, index: Any, offers: tuple[tuple[Offer, ...], Any]) -> None:
        built, volume = offers
        by_id = {offer.id: offer for offer in built}
        api, own = self._same(built, self.api), self._same(built, self.own)
        able = own is not None and own.tokens_per_day_per_replica is not None
        table.put(index, PairOffers(api, own if able else None, volume, 1.0, 1.0))
        for position, offer in enumerate(self.offers):
            again = by_id.get(offer.id) or self._same(built, offer.id)
            if again is not None and again.feasible:
                table.put_offer(f"o{position}", index, again)
                table.number(f"o{position}_able", index, 1.0)

    def _same(self, built: Sequence[Offer], offer_id: str) -> Offer | None:
        """The offer of the same place in the profile: its id may follow a price that was drawn."""
        first = next(offer for offer in self.offers if offer.id == offer_id)
        for offer in built:
            if offer.kind == first.kind and all(
                offer.meta.get(name) == first.meta.get(name) for name in ("supply", "choice")
            ):
                return offer
        return None

    def _parts(
        self, index: Any, fixed: Mapping[RiskInput, float], arrays: Mapping[RiskInput, Any], *, probing: bool = False
    ) -> Iterator[tuple[Any, Any]]:
        one = len(index) == 1
        drawn = {item: float(column[index[0]]) if one else many(column[index]) for item, column in arrays.items()}
        try:
            yield index, self._build({**fixed, **drawn})
        except Disagree as split:
            mask = np.broadcast_to(split.mask, (len(index),))
            yield from self._parts(index[mask], fixed, arrays, probing=probing)
            yield from self._parts(index[~mask], fixed, arrays, probing=probing)
        except BreakevenError as error:
            yield index, error
        except (TypeError, ValueError, AttributeError):
            if probing or one:
                raise
            for single in index:
                yield from self._parts(np.array([single]), fixed, arrays)

    def _build(self, values: Mapping[RiskInput, Any]) -> tuple[tuple[Offer, ...], Any]:
        keys = {item.key: int(value) if item.whole else value for item, value in values.items() if item.kind == "key"}
        extra = {key: value for item in values if item.kind == "key" for key, value in item.extra}
        plain = {key: value if isinstance(value, (int, float)) else float(value[0]) for key, value in keys.items()}
        there = at_values(self.scope, {**extra, **plain}) if keys else self.scope
        loaded = there.loaded
        arrays = {parse_key(key): value for key, value in keys.items() if not isinstance(value, (int, float))}
        profile = with_arrays(loaded.profile, arrays)
        profile = profile.model_copy(update={"self_host": profile.self_host.model_copy(update={"hybrid": False})})
        facts = {(item.source_id, item.field): value for item, value in values.items() if item.kind == "fact"}
        ratio = next((value for item, value in values.items() if item.kind == "capacity"), None)
        scope = replace(
            there,
            loaded=LoadedProfile(profile, loaded.document, loaded.overrides),
            catalogue=cast(Any, SampledCatalogue(self.scope.catalogue, facts)) if facts else self.scope.catalogue,
            plans=self.scope.plans if ratio is None else ScaledPlans(self.scope.plans, ratio),
        )
        return build_offers(scope), profile.workload.volume_tokens_per_day

    def _flows(self, item: RiskInput) -> bool:
        """Whether arrays of this input give the digits of single values."""
        if item.whole or item.distribution.low == item.distribution.high or is_lent(self.scope, item.key):
            return False
        low, high = item.distribution.low, item.distribution.high
        column = np.array([low, low, high, high])
        together, single = Table(4), Table(4)
        try:
            for index, built in self._parts(np.arange(4), {}, {item: column}, probing=True):
                if isinstance(built, BreakevenError):
                    return False
                self._store(together, index, built)
            for position, value in enumerate(column.tolist()):
                self._store(single, np.array([position]), self._build({item: value}))
        except (TypeError, ValueError, AttributeError, ArithmeticError, BreakevenError):
            return False
        for left, right in ((together.lines, single.lines), (together.numbers, single.numbers)):
            for key in {*left, *right}:
                if not np.array_equal(left.get(key, np.zeros(4)), right.get(key, np.zeros(4)), equal_nan=True):
                    return False
        return True


class _Row(Struct, frozen=True):
    offer: Offer


def _groups(
    where: Any, items: Sequence[RiskInput], values: Mapping[str, Any]
) -> Iterator[tuple[Any, dict[RiskInput, float]]]:
    """The draws that share their values of the stepped inputs."""
    if not items:
        yield where, {}
        return
    columns = np.column_stack([np.asarray(values[item.name]) for item in items])
    distinct, code = np.unique(columns, axis=0, return_inverse=True)
    code = np.ravel(code)
    for number, row in enumerate(distinct.tolist()):
        yield where[code == number], dict(zip(items, row, strict=True))
