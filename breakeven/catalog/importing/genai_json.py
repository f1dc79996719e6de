"""genai-prices JSON (a list of providers) as an API overlay. What it cannot say exactly is left out and named."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from breakeven.catalog.importing.price_rows import Refused
from breakeven.catalog.importing.rental_overlay import Imported, Wanted
from breakeven.errors import FactNotFound, InputError, Problem
from breakeven.yamlio import read_bytes

if TYPE_CHECKING:
    from breakeven.catalog.store import Catalogue

MAX_BYTES = 100_000_000
_PRICES = {
    "input_mtok": "input_usd_per_mtok", "output_mtok": "output_usd_per_mtok",
    "cache_read_mtok": "cached_input_usd_per_mtok", "cache_write_mtok": "cache_write_usd_per_mtok",
}  # fmt: skip


class _Unsaid(ValueError):
    """A price that an overlay record cannot state exactly."""


def import_apis(path: Path, catalogue: Catalogue, wanted: Wanted) -> Imported:
    """Every provider of the file, or the one named."""
    raw = read_bytes(path, max_bytes=MAX_BYTES)
    try:
        providers = json.loads(raw, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        raise InputError(Problem("is not JSON", "name a genai-prices data.json", str(path))) from None
    if not isinstance(providers, list) or not all(isinstance(p, dict) and "models" in p for p in providers):
        raise InputError(Problem("is not a list of providers with models", "name a genai-prices data.json", str(path)))
    if wanted.provider:
        providers = [provider for provider in providers if provider.get("id") == wanted.provider]
        if not providers:
            raise InputError(Problem(f"has no provider {wanted.provider!r}", "check --provider", str(path)))
    digest = hashlib.sha256(raw).hexdigest()[:16]
    files: dict[str, dict[str, Any]] = {}
    refused: list[Refused] = []
    for provider in providers:
        models = list(_models(provider, wanted, path.name, digest, refused))
        if models:
            thing = _thing(catalogue, str(provider["id"]))
            head: dict[str, Any] = {"id": thing}
            if thing not in catalogue.ids("api"):
                head |= {"name": str(provider.get("name", thing)), "genai_provider": str(provider["id"])}
            files[f"api/{thing}.yaml"] = {**head, "models": models}
    if not files:
        raise InputError(Problem("holds no price that an overlay can state", "see the rows refused", str(path)))
    count = sum(len(model["prices"]) for data in files.values() for model in data["models"])
    return Imported(files, count, tuple(refused), ())


def _models(provider: dict[str, Any], wanted: Wanted, name: str, digest: str, refused: list[Refused]) -> Any:
    url = wanted.url or next(iter(provider.get("pricing_urls") or []), None)
    for position, model in enumerate(provider["models"], start=1):
        what = f"{provider.get('id')}/{model.get('id')}"
        checked = _date(model.get("prices_checked")) or wanted.as_of
        source: dict[str, Any] = {"url": url} if url else {}
        source |= {"title": f"genai-prices {name}", "retrieved": checked, "kind": "list_price", "licence": "MIT",
                   "note": f"imported, sha256:{digest}"}  # fmt: skip
        prices = []
        for entry in _dated(model.get("prices"), wanted.as_of):
            try:
                prices.append({"effective": entry[0], **_rates(entry[1]), "source": source})
            except _Unsaid as error:
                refused.append(Refused(position, what, str(error)))
        if prices:
            yield {"model": str(model["id"]), "prices": prices}


def _dated(prices: Any, as_of: dt.date) -> list[tuple[dt.date, dict[str, Any]]]:
    if isinstance(prices, dict):
        return [(as_of, prices)]
    out = []
    for entry in prices or []:
        constraint = entry.get("constraint") or {}
        if constraint and "start_date" not in constraint:
            out.append((as_of, {"constraint": constraint}))
        else:
            out.append((_date(constraint.get("start_date")) or as_of, entry.get("prices") or {}))
    return out


def _rates(prices: dict[str, Any]) -> dict[str, Any]:
    if "constraint" in prices:
        raise _Unsaid("its price depends on the time of day; write the windows by hand")
    extra = sorted(set(prices) - set(_PRICES))
    if extra:
        raise _Unsaid(f"it also prices {', '.join(extra)}")
    if "input_mtok" not in prices or "output_mtok" not in prices:
        raise _Unsaid("it has no price of input and output tokens")
    bases: dict[str, str] = {}
    tiers: dict[int, dict[str, str]] = {}
    for key, value in prices.items():
        name = _PRICES[key]
        if isinstance(value, dict):
            bases[name] = _text(value["base"])
            for tier in value.get("tiers", []):
                tiers.setdefault(int(tier["start"]), {})[name] = _text(tier["price"])
        else:
            bases[name] = _text(value)
    # A tier replaces all prices of the request, so what it does not change is carried over.
    ordered = [{"above_input_tokens": start, **bases, **some} for start, some in sorted(tiers.items())]
    return {**bases, **({"tiers": ordered} if ordered else {})}


def _text(value: Any) -> str:
    if not isinstance(value, Decimal) or value < 0:
        raise _Unsaid(f"{value!r} is not a price")
    return format(value.normalize(), "f")


def _date(text: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _thing(catalogue: Catalogue, provider: str) -> str:
    for thing in catalogue.all("api"):
        if getattr(thing, "genai_provider", None) == provider:
            return thing.id
    try:
        return catalogue.resolve("api", provider)
    except FactNotFound:
        return re.sub(r"[^a-z0-9._-]+", "-", provider.lower()).strip("-._") or "imported"
