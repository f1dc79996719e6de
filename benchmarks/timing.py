"""How the benchmarks take time: in one process, the best of a few; of whole processes, by the wall."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def best_of(count: int, job: Callable[[], Any]) -> float:
    """Seconds of the fastest of ``count`` runs: what the work takes when nothing else disturbs it."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        job()
        times.append(time.perf_counter() - begun)
    return min(times)


def process_s(command: list[str]) -> float:
    """Wall time of one process that runs this checkout, with its byte code kept."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)})
    return time.perf_counter() - begun
