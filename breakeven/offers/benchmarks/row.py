"""The normal form of a benchmark result, and what every reader needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

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
    where: str | None = None  # the file, and which run of it


_MEASURED = ("tpot", "itl", "ttft", "latency", "throughput", "tput", "duration", "token")
MOST_FAILED = 0.1  # of a run's requests


class Refused(InputError):
    """A run that measures nothing, beside which other runs of a file may."""


class Fields:
    """Strict access to a JSON object's numbers, with the file and the field in every error."""

    def __init__(self, data: Any, path: str, *, above: str = "") -> None:
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self.path, self._above = path, above

    def part(self, *keys: str) -> Fields:
        """The object at the keys, empty where there is none."""
        found = self
        for key in keys:
            found = Fields(found.data.get(key), self.path, above=found.name(key) + ".")
        return found

    def name(self, key: str) -> str:
        return self._above + key

    def number(self, *names: str, scale: float = 1.0) -> float | None:
        """The first of the names that is a finite number above zero. Raises :class:`InputError` for a measurement below."""
        for name in names:
            value = _as_number(self.data.get(name))
            if value is None:
                continue
            if value < 0 and any(word in self.name(name) for word in _MEASURED):  # a setting below zero is one that was not given
                raise self.error(f"is {value:g}", "a measurement is not below zero: is the file as the tool wrote it?", field=name)
            if 0 < value < 1e15:
                return value * scale
        return None

    def count(self, name: str) -> float | None:
        """How many, of a number or a list; None where nothing is said. Raises :class:`InputError` for what counts nothing."""
        value = self.data.get(name)
        if value is None:
            return None
        if isinstance(value, list):
            return float(len(value))
        found = _as_number(value)
        if found is None or not 0 <= found < 1e15:
            raise self.error(f"is {str(value)[:40]!r}", "write a number of requests: is the file as the tool wrote it?", field=name)
        return found

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
            raise self.error("is missing, zero or not a number", "is the run complete?", field=names[0])
        return value

    def error(self, message: str, fix: str | None = None, *, field: str | None = None) -> InputError:
        return InputError(Problem(message, fix, self.path, field=None if field is None else self.name(field)))


def _as_number(value: Any) -> float | None:
    """A number or one in quotes; None for all else and for what is beyond a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def check_complete(
    fields: Fields, *, completed: float, failed: float, field: str, cut_off: float = 0.0, in_flight: float = 0.0
) -> tuple[str, ...]:
    """Refuse a run of which more than a tenth failed, and warn of fewer; ``field`` is what says how many.

    Requests that the end of the run cut off count as failed beyond those that were in flight, or that completed.
    """
    def refused(message: str, fix: str) -> Refused:
        return Refused(Problem(message, fix, fields.path, field=fields.name(field)))

    if completed < 1:
        raise refused("no request completed", "run the benchmark again")
    total = completed + failed + cut_off
    lost = failed + cut_off - min(cut_off, in_flight, completed)
    said = " and ".join(
        f"{number:,.0f} of {total:,.0f} requests {what}"
        for number, what in ((failed, "failed"), (cut_off, "were not complete at the end")) if number
    )  # fmt: skip
    if lost > MOST_FAILED * total:
        again = "run it for longer" if cut_off > failed else "see the engine's log, and run it at a load that the engine bears"
        raise refused(said, f"with more than a tenth gone it is no measurement: {again}")
    return (f"{said}: they are left out",) if said else ()


def check_duration(fields: Fields, field: str) -> None:
    """Raises :class:`InputError` for a run that took no time."""
    if fields.count(field) == 0:
        raise fields.error("is 0", "a run that took no time measured nothing: run the benchmark again", field=field)


def each_run(reads: Iterable[Callable[[], list[BenchmarkRow]]]) -> list[BenchmarkRow]:
    """The rows of all runs. A run that is refused is left out with a warning, unless all are. Raises :class:`Refused`."""
    rows: list[BenchmarkRow] = []
    refused: list[Problem] = []
    for read in reads:
        try:
            rows.extend(read())
        except Refused as error:
            refused.extend(error.problems)
    if refused and not rows:
        raise Refused(refused)
    if refused:
        left_out = tuple(f"left out: {problem}" for problem in refused)
        rows[0] = replace(rows[0], warnings=(*rows[0].warnings, *left_out))
    return rows


_ENGINES = (("vllm", "vllm"), ("sglang", "sglang"), ("trt", "tensorrt-llm"), ("tensorrt", "tensorrt-llm"), ("lmdeploy", "lmdeploy"))


def engine_of(*names: str | None) -> str | None:
    """The engine that a client's backend is of; None for one that many engines speak, such as ``openai``."""
    for name in names:
        for start, engine in _ENGINES:
            if name is not None and name.strip().lower().startswith(start):
                return engine
    return None


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
