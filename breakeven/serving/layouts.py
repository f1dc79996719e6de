"""Which parallel layouts are worth trying on n accelerators."""

from __future__ import annotations

from collections.abc import Iterator

from breakeven.serving.calibration import FAST_LINK_BYTES_PER_S
from breakeven.serving.spec import AcceleratorSpec, ModelSpec, ServingConfig

# Of one instance: beyond any fast interconnect on sale, and within what is searched in a fraction of a second.
MOST_ACCELERATORS = 4096


def divisors(count: int) -> tuple[int, ...]:
    """All divisors in rising order.

    >>> divisors(6)
    (1, 2, 3, 6)
    """
    return tuple(d for d in range(1, count + 1) if count % d == 0)


def layouts(
    *, model: ModelSpec, accelerator: AcceleratorSpec, base: ServingConfig, copies: bool = True
) -> Iterator[ServingConfig]:
    """Layouts for exactly ``base.accelerators``: tensor parallel first, then expert and data parallel.

    Pipeline stages are tried only where the interconnect is slow or the heads do not divide;
    ``copies`` includes independent copies of the model.
    """
    n = base.accelerators
    common = {
        "weight_precision": base.weight_precision,
        "kv_precision": base.kv_precision,
        "engine": base.engine,
    }
    largest_tp = max(d for d in divisors(n) if model.query_heads % d == 0)
    slow = accelerator.link_bytes_per_s < FAST_LINK_BYTES_PER_S
    for tp in reversed(divisors(largest_tp)):
        rest = n // tp
        if n % tp:
            continue
        if rest == 1:
            yield ServingConfig(n, tp=tp, **common)  # type: ignore[arg-type]
            if model.is_moe and n > 1 and model.experts % n == 0:
                yield ServingConfig(n, tp=tp, ep=n, **common)  # type: ignore[arg-type]
            continue
        if (slow or largest_tp < n) and rest <= model.layers and (copies or rest * tp == n):
            yield ServingConfig(n, tp=tp, pp=rest, **common)  # type: ignore[arg-type]
        if copies:
            yield ServingConfig(n, tp=tp, dp=rest, **common)  # type: ignore[arg-type]
        if model.is_moe and tp == 1 and model.experts % n == 0:
            yield ServingConfig(n, tp=1, ep=n, dp=n, **common)  # type: ignore[arg-type]
