"""Every name of a profile that the catalogue does not know, placed in the file, all at once.

A run stops at the first; ``profile validate`` wants the whole list. Whether a known thing has a
price on a date is another question, which only a run answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from breakeven.catalog.pricebook import PriceBook
from breakeven.catalog.store import Catalogue
from breakeven.errors import FactNotFound, Problem
from breakeven.profile.load import LoadedProfile
from breakeven.profile.self_host import MEDIAN


def unknown_names(loaded: LoadedProfile, catalogue: Catalogue) -> tuple[Problem, ...]:
    """Models, providers, accelerators, servers and sites that nobody knows."""
    profile, document = loaded.profile, loaded.document
    prices = PriceBook(catalogue)
    problems: list[Problem] = []

    def check(loc: tuple[int | str, ...], look_up: Callable[[], Any]) -> None:
        try:
            look_up()
        except FactNotFound as error:
            problems.extend(document.problem(loc, found.message, found.fix) for found in error.problems)

    def known(kind: str, name: str, *loc: int | str) -> None:
        check(loc, lambda: catalogue.resolve(kind, name))

    for index, choice in enumerate(profile.api):
        if choice.prices is None:
            place: tuple[int | str, ...] = ("api", index, "model")
            written = document.data["api"][index]
            check(place if isinstance(written, dict) else place[:2], lambda ref=choice.model: prices.require(ref))  # type: ignore[misc]
    host = profile.self_host
    if not host.model.endswith(".json") and not host.model.startswith((".", "/")):
        known("models", host.model, "self_host", "model")
    for index, supply in enumerate(host.supply):
        place = ("self_host", "supply", index)
        if supply.rent is not None:
            known("accelerators", supply.rent, *place, "rent")
            if supply.provider not in (None, MEDIAN) and supply.usd_per_gpu_hour is None:
                known("rental", str(supply.provider), *place, "provider")
        priced_here = supply.capex_usd is not None or supply.lease_usd_per_month is not None
        if supply.own is not None and not (priced_here and supply.accelerator is not None):
            known("servers", supply.own, *place, "own")
        if supply.quote is not None:
            known("quotes", supply.quote, *place, "quote")
        if supply.accelerator is not None:
            known("accelerators", supply.accelerator, *place, "accelerator")
        if supply.site is not None:
            known("sites", supply.site, *place, "site")
    return tuple(problems)
