"""The normal form of a benchmark result, and what every reader needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from breakeven.errors import InputError, Problem


class BenchmarkRow(Struct, frozen=True):
    """One run at one load. Times in ms; ``None`` was not measured or not stated."""

    tool: str
    input_tokens: float
    output_tokens: float
    model: str | None = None
    accelerator: str | None = None
    accelerators: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    dp: int | None = None
    weight_precision: str | None = None
    engine: str | None = None
    concurrency: float | None = None
    requests_per_s: float | None = None
    closed_loop: bool = True
    tpot_ms: float | None = None
    ttft_ms_mean: float | None = None
    ttft_ms_p50: float | None = None
    ttft_ms_p95: float | None = None
    output_tok_per_s: float | None = None  # of the whole system
    acceptance_length: float | None = None  # tokens per step under speculative decoding
    warnings: tuple[str, ...] = ()
    not_fitted: str | None = None  # why the model cannot be fitted to this run


_MEASURED = ("tpot", "itl", "ttft", "latency", "throughput", "tput", "duration", "token")


class Fields:
    """Strict access to a JSON object's numbers, with the file in every error."""

    def __init__(self, data: Mapping[str, Any], path: str) -> None:
        self.data, self.path = data, path

    def number(self, *names: str, scale: float = 1.0) -> float | None:
        """The first of the names that is a finite number above zero. Raises :class:`InputError` for a measurement below."""
        for name in names:
            value = self.data.get(name)
            if isinstance(value, str):
                try:
                    value = float(value)
                except ValueError:
                    continue
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            if value < 0 and any(word in name for word in _MEASURED):  # a setting below zero is one that was not given
                raise self.error(f"{name} is {value:g}", "a measurement is not below zero: is the file as the tool wrote it?")
            if 0 < value < 1e15:
                return float(value) * scale
        return None

    def whole(self, *names: str) -> int | None:
        value = self.number(*names)
        return int(value) if value is not None and value == int(value) else None

    def text(self, *names: str) -> str | None:
        for name in names:
            value = self.data.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return None

    def need(self, *names: str) -> float:
        value = self.number(*names)
        if value is None:
            raise self.error(f"has no {names[0]}", "is the run complete?")
        return value

    def error(self, message: str, fix: str | None = None) -> InputError:
        return InputError(Problem(message, fix, self.path))


def check_complete(fields: Fields, *, completed: float, failed: float) -> tuple[str, ...]:
    """Refuse runs without results; warn where some requests failed."""
    if completed < 1:
        raise fields.error("no request completed", "run the benchmark again")
    if failed > 0.1 * (completed + failed):
        raise fields.error(
            f"{failed:.0f} of {completed + failed:.0f} requests failed", "a tenth or more failing is no measurement"
        )
    return (f"{failed:.0f} requests failed and are left out",) if failed > 0 else ()


CLOSED_LOOP_TTFT = (
    "closed loop (all clients always busy): its time to first token is not that of random arrivals and is not used as such"
)


def mean_in_flight(
    *, requests_per_s: float | None, ttft_ms: float | None, tpot_ms: float | None, output_tokens: float, most: float | None
) -> float | None:
    """Requests in flight on average, rate x time of a request (Little), at least 1 and at most ``most``; None if not known.

    Under arrivals at a rate the concurrency of a file is a limit that may never be met.
    """
    if requests_per_s is None or ttft_ms is None or tpot_ms is None:
        return None
    mean = max(requests_per_s * (ttft_ms + (output_tokens - 1.0) * tpot_ms) / 1e3, 1.0)
    return mean if most is None else min(mean, most)
