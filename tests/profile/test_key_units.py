"""Every number of a profile has a unit, or is known to be a pure ratio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from breakeven.profile.key_units import unit_of
from breakeven.profile.model import Profile

RATIOS = {
    "schema_version", "pue", "peak_to_mean", "burstiness", "input", "output", "batch_price_ratio", "demand_elasticity", "percentile",
    "hourly", "usd_per_unit", "rank_correlation", "seed", "low", "typical", "high",
}  # fmt: skip


def numbers(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        kinds = list(walk(field.annotation))
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from numbers(kind, seen)
        if any(kind in (int, float) for kind in kinds):
            yield name


def walk(annotation: Any) -> Iterator[Any]:
    inner = get_args(annotation)
    if not inner:
        yield annotation if isinstance(annotation, type) else type(annotation)
    for one in inner:
        yield from walk(one)


def test_every_number_of_a_profile_has_a_unit() -> None:
    found = set(numbers(Profile, set()))
    assert {"usd_per_gpu_hour", "cached_input_share", "life_years", "tokens_per_day"} <= found
    assert {name for name in found if not unit_of(name)} <= RATIOS


def test_money_is_in_dollars() -> None:
    assert all(unit_of(name).startswith("USD") for name in numbers(Profile, set()) if "usd" in name and name not in RATIOS)
