"""The versioned machine-readable result: docs/result.schema.json describes every key.

Unrounded numbers, list prices as decimal strings, null for what is unknown; never NaN or infinity.
Every coefficient is here, so that any total and any crossing can be recomputed from it alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from breakeven.compare.crossover import Crossover
from breakeven.compare.result import RESULT_SCHEMA_VERSION, Comparison, OfferAtVolume
from breakeven.offers.offer import CostLine, Serving, Term
from breakeven.render.quotes import quote_object
from breakeven.render.registry import Options


def render_json(results: Sequence[Comparison], options: Options | None = None) -> str:
    """One profile gives one object, several ``{"schema_version", "results": [...]}``."""
    if len(results) == 1:
        return dumps(result_object(results[0]))
    return dumps({"schema_version": RESULT_SCHEMA_VERSION, "results": [result_object(r) for r in results]})


def dumps(data: Any) -> str:
    """JSON text with a fixed layout; a NaN or infinity is a bug and raises."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def result_object(result: Comparison) -> dict[str, Any]:
    """A result as plain JSON data."""
    return {
        "schema_version": RESULT_SCHEMA_VERSION,
        "name": result.name,
        "profile": {
            "path": result.profile_path,
            "digest": result.profile_digest,
            "description": result.description,
            "owner": result.owner,
            "overrides": list(result.overrides),
            "data": plain_data(result.profile_data),
        },
        "as_of": result.as_of.isoformat(),
        "catalog": {
            "version": result.catalogue_version,
            "released": result.catalogue_released.isoformat(),
            "digest": result.catalogue_digest,
        },
        "tool": {"name": "breakeven", "version": result.tool_version},
        "volume": {
            "tokens_per_day": result.tokens_per_day,
            "requests_per_day": result.requests_per_day,
            "tokens_per_request": result.tokens_per_request,
            "input_tokens": result.input_tokens,
            "output_tokens": result.output_tokens,
            "hours_per_month": result.hours_per_month,
            "hourly_weights": list(result.hourly_weights),
        },
        "currency": plain_data(result.currency),
        "headline": {
            "api": result.headline.api,
            "self_host": result.headline.self_host,
            "sentence": result.headline.sentence,
            "conditions": list(result.headline.conditions),
            "cheaper_at_volume": result.headline.cheaper_at_volume,
        },
        "offers": [offer_object(row) for row in result.offers],
        "crossovers": [crossover_object(found) for found in result.crossovers],
        "alternatives": [
            {
                "name": row.name,
                "changed": row.changed,
                "outcome": row.outcome,
                "first_tokens_per_day": row.first_tokens_per_day,
                "settled_tokens_per_day": row.settled_tokens_per_day,
                "ratio_to_headline": row.ratio_to_headline,
                "why_not": row.why_not,
                "sources": list(row.sources),
            }
            for row in result.alternatives
        ],
        "flips": [
            {"key": flip.key, "unit": flip.unit, "now": flip.now, "flips_at": flip.flips_at, "why_not": flip.why_not}
            for flip in result.flips
        ],
        "quotes": [quote_object(row) for row in result.quotes],
        "assumptions": [
            {"name": a.name, "value": plain_data(a.value), "unit": a.unit, "origin": a.origin, "used_by": list(a.used_by)}
            for a in result.assumptions
        ],
        "sources": [
            {
                "id": source.id,
                "file": source.file,
                "effective": source.effective.isoformat() if source.effective else None,
                "retrieved": source.retrieved.isoformat() if source.retrieved else None,
                "kind": source.kind,
                "url": source.url,
                "title": source.title,
                "age_days": source.age_days,
                "confidential": source.confidential,
                "note": source.note,
            }
            for source in result.sources
        ],
        "not_included": list(result.not_included),
        "warnings": list(result.warnings),
    }


def offer_object(row: OfferAtVolume) -> dict[str, Any]:
    """One offer at the profile's volume, with its coefficients."""
    offer = row.offer
    return {
        "id": offer.id,
        "name": offer.name,
        "kind": offer.kind,
        "usd_per_day": row.usd_per_day,
        "usd_per_month": row.usd_per_month,
        "usd_per_mtok": row.usd_per_mtok,
        "usd_per_request": row.usd_per_request,
        "usd_per_task": row.usd_per_task,
        "capacity_usd_per_mtok": row.capacity_usd_per_mtok,
        "replicas": row.replicas,
        "min_replicas": offer.min_replicas if offer.kind != "api" else None,
        "redundant_replicas": offer.redundant_replicas if offer.kind != "api" else None,
        "gpus_per_replica": offer.gpus_per_replica,
        "usd_per_gpu_hour": offer.meta.get("usd_per_gpu_hour"),
        "tokens_per_day_per_replica": offer.tokens_per_day_per_replica,
        "capacity_tokens_per_day": row.capacity_tokens_per_day,
        "capacity_tokens_per_day_per_replica": offer.capacity_per_replica_tokens_per_day,
        "capacity_band": _band(offer.capacity_band),
        "utilisation_share": row.utilisation_share,
        "minimum_usd_per_day": offer.minimum_usd_per_day,
        "eligible": offer.eligible,
        "feasible": offer.feasible,
        "why_not": list(offer.why_not),
        "notes": list(offer.notes),
        "serving": _serving(offer.serving),
        "lines": [_line(line, usd) for line, usd in row.bill],
    }


def crossover_object(found: Crossover) -> dict[str, Any]:
    """One pair's crossings."""
    return {
        "api": found.api,
        "self_host": found.self_host,
        "outcome": found.outcome,
        "first_tokens_per_day": found.first_tokens_per_day,
        "settled_tokens_per_day": found.settled_tokens_per_day,
        "intervals": [
            {
                "from_tokens_per_day": interval.from_tokens_per_day,
                "to_tokens_per_day": interval.to_tokens_per_day,
                "cheaper": interval.cheaper,
            }
            for interval in found.intervals
        ],
        "intervals_total": found.intervals_total,
        "capacity_share": found.capacity_share,
    }


def _line(line: CostLine, usd: float | None) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "category": line.category,
        "usd_per_day": line.usd_per_day,
        "usd_per_replica_day": line.usd_per_replica_day,
        "usd_per_mtok": line.usd_per_mtok,
        "usd_per_day_at_volume": usd,
        "equation": line.equation,
        "counts_towards_minimum": line.counts_towards_minimum,
        "terms": [_term(term) for term in line.terms],
        "sources": list(line.sources),
    }


def _term(term: Term) -> dict[str, Any]:
    return {
        "name": term.name, "value": plain_data(term.value), "unit": term.unit, "sources": list(term.sources),
        "where": term.where,
    }  # fmt: skip


def _serving(serving: Serving | None) -> dict[str, Any] | None:
    if serving is None:
        return None
    return {
        "model": serving.model,
        "accelerator": serving.accelerator,
        "accelerators_per_replica": serving.accelerators_per_replica,
        "config": plain_data(dict(serving.config)),
        "grade": serving.grade,
        "evidence": serving.evidence,
        "limit": serving.limit,
        "output_tok_per_s": dict(serving.output_tok_per_s),
        "ttft_ms": dict(serving.ttft_ms),
        "tpot_ms": dict(serving.tpot_ms),
        "meets_latency": serving.meets_latency,
        "notes": list(serving.notes),
    }


def _band(band: tuple[float, float] | None) -> dict[str, float] | None:
    return None if band is None else {"low_ratio": band[0], "high_ratio": band[1]}


def plain_data(value: Any) -> Any:
    """JSON data for values that come from a profile or a fact: dates and decimals become text."""
    if isinstance(value, dict):
        return {str(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_data(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
