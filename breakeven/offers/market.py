"""What renting an accelerator costs today, over every quote on file."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from breakeven.catalog.record_digest import record_at
from breakeven.offers.requirements import jurisdiction_of, unmet
from breakeven.profile.workload import Requirements

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

QUOTE_DAYS = 300  # older observations belong to the trend, not to today's market


def current_quotes(catalogue: Catalogue, as_of: dt.date, *, accelerator: str, term: str) -> list[tuple[float, str, str]]:
    """(USD per GPU-hour, source id, provider) of every quote on file of the last QUOTE_DAYS days; cheapest first.

    Every dated observation counts, also two of one provider by different sources and the published
    on-demand indices: the spread between them is part of what a buyer meets.
    """
    rows = [
        (cited.record.usd_per_gpu_hour.typical, cited.source_id, cited.thing_id)
        for cited in catalogue.quotes(accelerator=accelerator, term=term, as_of=as_of)
        if (as_of - cited.record.effective).days <= QUOTE_DAYS
    ]
    return sorted(rows)


def allowed_quotes(
    catalogue: Catalogue, quotes: list[tuple[float, str, str]], requirements: Requirements
) -> list[tuple[float, str, str]]:
    """Those of :func:`current_quotes` that the requirements do not bar, in their order."""
    if requirements == Requirements():
        return quotes
    return [
        (rate, source, provider)
        for rate, source, provider in quotes
        if not unmet(requirements, kind="rented", provider=provider, jurisdictions=_places(catalogue, source, provider))
    ]


def _places(catalogue: Catalogue, source: str, provider: str) -> tuple[str, ...]:
    """Where a quote serves from: its region's jurisdiction, else those of its provider."""
    where = jurisdiction_of(getattr(record_at(catalogue, source), "region", None))
    return (where,) if where else tuple(catalogue.find("rental", provider).regions)  # type: ignore[attr-defined]


def why_no_quote(catalogue: Catalogue, as_of: dt.date, *, accelerator: str, term: str) -> tuple[str, str]:
    """(what is wrong, what to write instead) where :func:`current_quotes` finds nothing: no quote, or old ones only."""
    old = sorted(catalogue.quotes(accelerator=accelerator, term=term, as_of=as_of), key=lambda cited: cited.record.effective)
    if not old:
        said = f"no provider in the catalogue quotes {accelerator} {term} on {as_of}"
        return said, "give usd_per_gpu_hour, another term, or a catalogue overlay"
    last = old[-1]
    which = f"the only {term} quote" if len(old) == 1 else f"the latest of {len(old)} {term} quotes"
    said = (
        f"{which} of {accelerator} on file is {last.thing_id}'s of {last.record.effective}, older than the {QUOTE_DAYS} days "
        f"of which a median is taken on {as_of}"
    )
    return said, f"give usd_per_gpu_hour or a catalogue overlay of today's price, or take that one as it is: provider: {last.thing_id}"
