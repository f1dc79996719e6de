"""Models, accelerators and instances the tests share, from the packaged catalogue."""

from __future__ import annotations

from functools import cache

from breakeven.catalog.store import Catalogue
from breakeven.offers.lookup import ServingLookup
from breakeven.offers.serving_specs import load_calibration
from breakeven.serving.calibration import Calibration
from breakeven.serving.instance import Instance, prepare
from breakeven.serving.spec import ServingConfig


@cache
def lookup() -> ServingLookup:
    return ServingLookup(Catalogue.load())


@cache
def calibration() -> Calibration:
    return load_calibration()


def instance(model: str, accelerator: str, n: int = 1, **degrees: object) -> Instance:
    config = ServingConfig(n, **{"tp": n, **degrees})  # type: ignore[arg-type]
    return prepare(
        model=lookup().model(model), accelerator=lookup().accelerator(accelerator), config=config,
        calibration=calibration(),
    )  # fmt: skip
