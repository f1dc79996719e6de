"""How the benchmarks take time: in one process, the best of a few; of whole processes, by the wall."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def best_of(count: int, job: Callable[[], Any]) -> float:
    """Seconds of the fastest of ``count`` runs: what the work takes when nothing else disturbs it."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        job()
        times.append(time.perf_counter() - begun)
    return min(times)
