"""The unit of a profile's key, as its name says it: what a value beside the key is counted in."""

from __future__ import annotations

_WHOLE_NAMES = {
    "labour_fte": "FTE", "discount": "share", "tokens_per_day": "tokens/day", "requests_per_day": "requests/day",
    "tasks_per_day": "tasks/day", "calls_per_task": "calls/task", "capex_usd": "USD/server", "lease_usd_per_month": "USD/server-month",
    "usd_per_replica_month": "USD/replica-month", "colocation_usd_per_kw_month": "USD/kW-month", "discount_rate": "share/year",
    "hours_per_month": "h/month", "gpus": "GPUs", "gpus_per_sku": "GPUs/SKU", "servers_per_replica": "servers/replica",
    "min_replicas": "replicas", "redundancy": "replicas", "minimum_units": "units", "speculative_tokens": "tokens/step",
    "speculative_acceptance": "share", "hardware": "share", "quantisation": "share", "software": "share", "competition": "share",
    "requests_per_s": "req/s",
}  # fmt: skip
_ENDINGS = (
    ("usd_per_gpu_hour", "USD/GPU-hour"), ("usd_per_fte_year", "USD/FTE-year"), ("usd_per_mtok", "USD/Mtok"),
    ("usd_per_kwh", "USD/kWh"), ("usd_per_month", "USD/month"), ("usd", "USD"), ("usd_once", "USD"), ("share_per_year", "share/year"),
    ("per_year", "share/year"), ("share", "share"), ("tok_per_s", "tok/s"), ("tokens", "tokens"), ("ms", "ms"), ("hours", "h"),
    ("months", "months"), ("years", "years"), ("w", "W"),
)  # fmt: skip


def unit_of(key: str) -> str:
    """The unit of a key's value; empty for a pure ratio or what is no number.

    >>> unit_of("self_host.supply[0].usd_per_gpu_hour"), unit_of("workload.cached_input_share"), unit_of("pue")
    ('USD/GPU-hour', 'share', '')
    """
    name = key.rsplit(".", 1)[-1]
    if name in _WHOLE_NAMES:
        return _WHOLE_NAMES[name]
    return next((unit for ending, unit in _ENDINGS if name == ending or name.endswith(f"_{ending}")), "")
