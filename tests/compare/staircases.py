"""Offers with any coefficients, and strategies for them."""

from __future__ import annotations

from hypothesis import strategies as st

from breakeven.offers.offer import CostLine, Offer

money = st.one_of(st.just(0.0), st.integers(1, 400).map(lambda n: n / 4), st.floats(0.01, 300))
price = st.one_of(st.just(0.0), st.integers(1, 40).map(lambda n: n / 8), st.floats(0.001, 20))
width = st.one_of(st.integers(1, 40).map(lambda n: n * 5e6), st.floats(1e6, 3e8))


def offer(
    id: str = "gpu",
    *,
    fixed: float = 0.0,
    replica: float = 0.0,
    per_mtok: float = 0.0,
    kappa: float | None = None,
    n_min: int = 0,
    redundant: int = 0,
    minimum: float = 0.0,
    uncovered_fixed: float = 0.0,
    uncovered_per_mtok: float = 0.0,
) -> Offer:
    lines = [
        CostLine("fixed", "fixed", "fees", usd_per_day=fixed, counts_towards_minimum=True),
        CostLine("replica", "replica", "compute", usd_per_replica_day=replica, counts_towards_minimum=True),
        CostLine("tokens", "tokens", "tokens", usd_per_mtok=per_mtok, counts_towards_minimum=True),
        CostLine("rest", "rest", "fees", usd_per_day=uncovered_fixed, usd_per_mtok=uncovered_per_mtok),
        CostLine("minimum-spend", "minimum spend", "fees"),
    ]
    return Offer(
        id,
        id,
        "rented",
        tuple(lines),
        tokens_per_day_per_replica=kappa,
        capacity_per_replica_tokens_per_day=kappa,
        min_replicas=n_min,
        redundant_replicas=redundant,
        minimum_usd_per_day=minimum,
    )
