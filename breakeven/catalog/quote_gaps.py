"""What a supplier's offer must say before it can be compared with others, and what each item means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakeven.catalog.records import QuotedOffer

_BOTH = {
    "ends": "the day after the last day of validity",
    "accelerator": "an id of `breakeven catalog list accelerators`",
    "gpus_per_unit": "GPUs of one server or one rented unit",
    "tax_share": "tax that the buyer cannot recover; 0 where it can",
}
_SERVER = {
    "usd_per_unit": "the price of one server before duty and tax",
    "duty_share": "import duty on the price; 0 where there is none",
    "delivery_usd_per_unit": "delivery and installation; 0 where the price includes them",
    "support_usd_per_unit_year": "support a year; 0 where the price includes it",
    "nameplate_w": "nameplate power of one server, watts",
    "active_w": "what one server draws under load, watts",
    "idle_w": "what one server draws without load, watts",
}
_RENTAL = {"usd_per_gpu_hour": "the rate per GPU-hour before tax", "term": "on-demand or reserved"}
# Without these nothing can be computed.
ESSENTIAL = frozenset({"accelerator", "gpus_per_unit", "usd_per_unit", "usd_per_gpu_hour"})


def gaps(offer: QuotedOffer | Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(field, what to write) of everything the offer, or the data of one in a file, leaves open."""

    def said(name: str) -> Any:
        return offer.get(name) if isinstance(offer, Mapping) else getattr(offer, name)

    wanted = {**_BOTH, **(_RENTAL if said("sells") == "rental" else _SERVER)}
    if said("term") == "reserved":
        wanted["term_years"] = "the length of the contract"
    return tuple((name, meaning) for name, meaning in wanted.items() if said(name) is None)
