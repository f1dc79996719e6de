"""What is uncertain: the profile's own ranges, the catalogue's, and the estimates' bands.

A fact with low < high becomes a distribution about its typical value; so does the spread of the
quotes behind a median rent, and the 80 % band of a serving estimate. Each is put where the builders
read it, so that everything that follows from it moves with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from breakeven.catalog.records import Range
from breakeven.catalog.store import Cited
from breakeven.compare.distributions import Distribution
from breakeven.compare.price_paths import PATHS
from breakeven.errors import BreakevenError, InputError, Problem
from breakeven.offers.offer import Offer
from breakeven.offers.profile_plan import ProfilePlan
from breakeven.offers.scope import Scope
from breakeven.profile.load import parse_key, with_values

Kind = Literal["key", "fact", "capacity", "path"]
# These move what happens later, not what is built today.
LATER_KEYS = (
    "workload.demand.growth_per_year", "forecast.api_price_change_per_year", "forecast.rental_price_change_per_year",
    "forecast.throughput_gain_per_year",
)  # fmt: skip


class RiskInput(Struct, frozen=True):
    """One uncertain input. ``target``: a key, or (source id, field) of a fact."""

    name: str
    kind: Kind
    unit: str
    distribution: Distribution
    origin: str
    key: str = ""
    source_id: str = ""
    field: str = ""
    whole: bool = False
    extra: tuple[tuple[str, Any], ...] = ()  # other keys that must be stated with it

    @property
    def later(self) -> bool:
        """Whether it matters for the years to come only."""
        return self.kind == "path" or self.key in LATER_KEYS


def find_inputs(scope: Scope, offers: tuple[Offer, ...]) -> tuple[RiskInput, ...]:
    """Every uncertain input of a profile, the user's own first. Raises InputError, placed, for a bad range."""
    own = _stated(scope)
    taken = {item.key for item in own}
    found = [*own]
    for item in (*_rents(scope, offers), *_facts(scope, offers), *_capacity(offers), *_path(scope)):
        if item.key and item.key in taken:
            continue
        if item.name not in {other.name for other in found}:
            found.append(item)
    return tuple(found)


def _stated(scope: Scope) -> list[RiskInput]:
    problems: list[Problem] = []
    out: list[RiskInput] = []
    for key, given in scope.profile.uncertainty.ranges.items():
        loc: tuple[int | str, ...] = ("uncertainty", "ranges", key)

        def fail(message: str, fix: str, loc: tuple[int | str, ...] = loc) -> None:
            problems.append(scope.loaded.document.problem(loc, message, fix))

        present = _present(scope, key)
        middle = given.typical if given.typical is not None else present
        if middle is None and (wrong := _refused(scope, key, given.low)):
            problems.extend(problem.changed(field=f"uncertainty.ranges.{key}") for problem in wrong)
            continue
        if middle is None:
            fail("has no typical value", "add typical: (the catalogue or nothing gives it here)")
            continue
        if not given.low <= given.high:
            fail(f"the range is upside down ({given.low:g} to {given.high:g})", "swap low and high")
            continue
        if not given.low <= middle <= given.high:
            fail(f"the typical value {middle:g} lies outside {given.low:g} to {given.high:g}", "widen the range")
            continue
        if given.distribution == "lognormal" and given.low <= 0:
            fail("a lognormal range starts above zero", "raise low, or use triangular")
            continue
        try:
            whole = _whole(scope, key, given.low, given.high)
        except BreakevenError as error:
            problems.extend(problem.changed(field=f"uncertainty.ranges.{key}") for problem in error.problems)
            continue
        out.append(
            RiskInput(key, "key", "", Distribution(given.low, middle, given.high, given.distribution),
                      f"profile:uncertainty.ranges.{key}", key=key, whole=whole)
        )  # fmt: skip
    if problems:
        raise InputError(problems)
    return out


def _refused(scope: Scope, key: str, value: float) -> tuple[Problem, ...]:
    """Why a key cannot take a value: it may be misspelt, or no number."""
    try:
        with_values(scope.loaded, {key: value})
    except BreakevenError as error:
        return tuple(error.problems)
    return ()


def _whole(scope: Scope, key: str, low: float, high: float) -> bool:
    """Validate both ends; True where the key takes whole numbers only."""
    if low != int(low) or high != int(high):
        for end in (low, high):
            with_values(scope.loaded, {key: end})
        return False
    for count in (int(low), int(high)):
        with_values(scope.loaded, {key: count})
    try:
        with_values(scope.loaded, {key: low + 0.5})
    except BreakevenError:
        return low < high
    return False


def _present(scope: Scope, key: str) -> float | None:
    node: Any = scope.profile
    for step in parse_key(key):
        try:
            node = node[step] if isinstance(step, int) else getattr(node, step)
        except (AttributeError, IndexError, TypeError):
            return None
    return float(node) if isinstance(node, (int, float)) and not isinstance(node, bool) else None


def _rents(scope: Scope, offers: tuple[Offer, ...]) -> list[RiskInput]:
    """The spread of current quotes, or of the record, behind each rented offer's rate."""
    out = []
    for offer in offers:
        band = offer.meta.get("rate_band")
        rate = offer.meta.get("usd_per_gpu_hour")
        if offer.kind != "rented" or band is None or not rate or not band[0] < band[1]:
            continue
        index = int(offer.meta["supply"])
        supply = scope.profile.self_host.supply[index]
        listed = float(rate) / (1.0 - supply.discount)
        out.append(
            RiskInput(
                f"rent of {offer.meta['accelerator']} (supply {index})", "key", "USD/GPU-hour",
                Distribution(min(band[0], listed), listed, max(band[1], listed)), "spread of the quotes on file",
                key=f"self_host.supply[{index}].usd_per_gpu_hour",
                extra=((f"self_host.supply[{index}].gpus_per_sku", int(offer.meta["gpus_per_sku"])),),
            )
        )  # fmt: skip
    return out


def _facts(scope: Scope, offers: tuple[Offer, ...]) -> list[RiskInput]:
    out: dict[tuple[str, str], RiskInput] = {}
    for offer in offers:
        for line in offer.lines:
            for term in line.terms:
                if len(term.sources) != 1 or not isinstance(term.value, float):
                    continue
                record = _record(scope, term.sources[0])
                for name, value in record or ():
                    if isinstance(value, Range) and value.low < value.high and value.typical == term.value:
                        out[(term.sources[0], name)] = RiskInput(
                            f"{term.name} ({term.sources[0]})", "fact", term.unit,
                            Distribution(value.low, value.typical, value.high), term.sources[0],
                            source_id=term.sources[0], field=name,
                        )  # fmt: skip
    return list(out.values())


def _record(scope: Scope, source_id: str) -> Any:
    """The catalogue's record behind a source id; None for what is not one (an API price list)."""
    kind, _, rest = source_id.partition("/")
    name, _, path = rest.partition("#")
    field, _, index = path.rstrip("]").partition("[")
    if kind in ("api", "rental", "genai-prices") or not index.isdigit():
        return None
    try:
        return getattr(scope.catalogue.find(kind, name), field)[int(index)]
    except (BreakevenError, AttributeError, IndexError):
        return None


def _capacity(offers: tuple[Offer, ...]) -> list[RiskInput]:
    bands = [offer.capacity_band for offer in offers if offer.capacity_band and offer.capacity_band[0] < offer.capacity_band[1]]
    if not bands:
        return []
    low, high = min(band[0] for band in bands), max(band[1] for band in bands)
    return [
        RiskInput("throughput estimate", "capacity", "ratio", Distribution(low, 1.0, high, "lognormal"),
                  "80 % band of the serving estimate")
    ]  # fmt: skip


def _path(scope: Scope) -> list[RiskInput]:
    forecast = scope.profile.forecast
    if forecast.api_price_path == "none" or forecast.api_price_change_per_year is not None:
        return []
    for cited in scope.catalogue.records("history", PATHS, "paths", scope.as_of):
        record = cited.record
        if record.path == forecast.api_price_path and record.low_log_points_per_year < record.high_log_points_per_year:
            return [
                RiskInput(
                    f"API price decline ({record.path})", "path", "log points/year",
                    Distribution(record.low_log_points_per_year, record.log_points_per_year, record.high_log_points_per_year),
                    cited.source_id,
                )
            ]  # fmt: skip
    return []


class SampledCatalogue:
    """A catalogue in which some ranges have another typical value (a number, or an array of them)."""

    def __init__(self, base: Any, values: Mapping[tuple[str, str], Any]) -> None:
        self._base = base
        self._values: dict[str, dict[str, Any]] = {}
        for (source_id, field), value in values.items():
            self._values.setdefault(source_id, {})[field] = value

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)

    def in_force(self, *args: Any, **kwargs: Any) -> Cited[Any]:
        return self._swapped(self._base.in_force(*args, **kwargs))

    def records(self, *args: Any, **kwargs: Any) -> tuple[Cited[Any], ...]:
        return tuple(self._swapped(cited) for cited in self._base.records(*args, **kwargs))

    def _swapped(self, cited: Cited[Any]) -> Cited[Any]:
        fields = self._values.get(cited.source_id)
        if not fields:
            return cited
        changed = {}
        for name, value in fields.items():
            old = getattr(cited.record, name)
            changed[name] = Range.model_construct(low=old.low, typical=value, high=old.high)
        return replace(cited, record=cited.record.model_copy(update=changed))


class ScaledPlans(dict[Any, Any]):
    """Serving estimates as made, read with their throughput times a ratio."""

    def __init__(self, plans: dict[Any, Any], ratio: Any) -> None:
        super().__init__()
        self._plans, self._ratio = plans, ratio

    def __contains__(self, key: object) -> bool:
        return key in self._plans

    def __setitem__(self, key: Any, value: Any) -> None:
        self._plans[key] = value

    def __getitem__(self, key: Any) -> Any:
        value = self._plans[key]
        if isinstance(value, ProfilePlan):
            return replace(value, requests_per_s=value.requests_per_s * self._ratio)
        return value
