"""What a sweep varies: keys of the profile, each over a list or a range of values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct
from pydantic import TypeAdapter, ValidationError

from breakeven.arithmetic import SCALAR
from breakeven.errors import InputError, Problem
from breakeven.profile.load import LoadedProfile, load_value, parse_key, with_values

MAX_VALUES = 10_000_000


class Axis(Struct, frozen=True):
    """One key and its values, as the profile's own types read them."""

    key: str
    loc: tuple[int | str, ...]
    values: tuple[Any, ...]

    @property
    def numeric(self) -> bool:
        """Whether every value is a float: only these can flow through the builders together."""
        return all(type(value) is float for value in self.values)


def parse_axis(text: str) -> tuple[str, tuple[Any, ...]]:
    """``key=a,b,c``, ``key=from:to:count`` or ``key=from:to:count:log``, values not yet validated.

    >>> parse_axis("workload.tokens_per_day=1M,10M")
    ('workload.tokens_per_day', ('1M', '10M'))
    """
    key, equals, raw = text.partition("=")
    if not equals or not key.strip() or not raw.strip():
        raise InputError(
            Problem(
                f"cannot read {text!r}", "write key=a,b,c or key=from:to:count or key=from:to:count:log", "--vary"
            )
        )
    key = key.strip()
    refuse_outputs(key, "--vary")
    parse_key(key)
    parts = raw.split(":")
    if len(parts) in (3, 4) and parts[2].strip().replace("_", "").isdigit():
        count = int(parts[2])
        if len(parts) == 4 and parts[3].strip() != "log":
            raise InputError(Problem(f"unknown spacing {parts[3]!r} in {text!r}", "write log, or leave it out", "--vary"))
        if not 1 <= count <= MAX_VALUES:
            raise InputError(Problem(f"{count} values in {text!r}", f"write a count from 1 to {MAX_VALUES:,}", "--vary"))
        return key, (_Range(parts[0].strip(), parts[1].strip(), count, len(parts) == 4),)
    return key, tuple(load_value(part, "--vary") for part in _split(raw))


def refuse_outputs(key: str, option: str) -> None:
    """Utilisation follows from volume and capacity: asking for both is the commonest error in the field."""
    if "utilisation" in key.lower() or "utilization" in key.lower():
        raise InputError(
            Problem("is an output, not a key", "vary or solve for workload.tokens_per_day instead", option, field=key)
        )


class _Range(Struct, frozen=True):
    low: str
    high: str
    count: int
    log: bool


def _split(raw: str) -> list[str]:
    """At commas outside brackets and quotes."""
    parts, depth, quote, current = [], 0, "", ""
    for char in raw:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[{(":
            depth += 1
        elif char in "]})":
            depth -= 1
        if char == "," and depth == 0 and not quote:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


def read_axes(loaded: LoadedProfile, texts: Sequence[str]) -> tuple[Axis, ...]:
    """Every ``--vary`` as an axis, each value validated as the profile's key would be."""
    axes = [axis_of(loaded, *parse_axis(text)) for text in texts]
    twice = [axis.key for i, axis in enumerate(axes) if axis.key in {other.key for other in axes[:i]}]
    if twice:
        raise InputError(Problem(f"{twice[0]} is varied twice", "give each key once", "--vary"))
    check_corners(loaded, axes)
    return tuple(axes)


def axis_of(loaded: LoadedProfile, key: str, raw: Sequence[Any]) -> Axis:
    """The axis of a key. The first value is validated with the whole profile, the others by the field."""
    refuse_outputs(key, "--points")
    loc = parse_key(key)
    if len(raw) == 1 and isinstance(raw[0], _Range):
        low, high = (
            axis_of(loaded, key, (load_value(text, "--vary"),)).values[0] for text in (raw[0].low, raw[0].high)
        )
        return Axis(key, loc, _spread(key, low, high, raw[0]))
    first = with_values(loaded, {key: raw[0]}, option="--vary")
    field = _field(first, loc)
    values: list[Any] = []
    for value in raw:
        try:
            typed = field.validate_python(value)
            values.append(typed if isinstance(typed, (float, int, str, type(None))) else value)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise InputError(Problem(f"{value!r} {message}", "mend or drop this value", "--vary", field=key)) from None
    return Axis(key, loc, tuple(values))


def read_range(loaded: LoadedProfile, key: str, text: str) -> tuple[float, float]:
    """``low:high`` as the key's own type reads them."""
    low, colon, high = text.partition(":")
    if not colon:
        raise InputError(Problem(f"cannot read the range {text!r}", "write low:high, for example 1M:1B", "--between"))
    values = [axis_of(loaded, key, (load_value(part, "--between"),)).values[0] for part in (low, high)]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(Problem(f"{value!r} is not a number", "write low:high in numbers", "--between", field=key))
    return float(values[0]), float(values[1])


def _spread(key: str, low: Any, high: Any, asked: _Range) -> tuple[Any, ...]:
    if isinstance(low, bool) or not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        raise InputError(Problem("is not a number, so it has no range", "list the values", "--vary", field=key))
    if low > high:
        raise InputError(Problem(f"the range is upside down ({low:g} to {high:g})", "swap its ends", "--vary", field=key))
    if asked.log and low <= 0:
        raise InputError(Problem("a log range starts above zero", "raise its lower end", "--vary", field=key))
    whole = isinstance(low, int)
    count = asked.count
    if count == 1:
        return (low,)
    if asked.log:
        start, span = SCALAR.log(float(low)), SCALAR.log(float(high)) - SCALAR.log(float(low))
        values = [SCALAR.exp(start + span * i / (count - 1)) for i in range(count)]
        values[0], values[-1] = float(low), float(high)
    else:
        values = [low + (high - low) * i / (count - 1) for i in range(count)]
        values[-1] = float(high)
    if whole:
        return tuple(dict.fromkeys(round(value) for value in values))
    return tuple(float(value) for value in values)


def check_corners(loaded: LoadedProfile, axes: Sequence[Axis]) -> None:
    """Rules between keys hold at the smallest and the largest values together; one message if not."""
    numeric = [axis for axis in axes if axis.numeric]
    for pick in (min, max):
        if numeric:
            with_values(loaded, {axis.key: pick(axis.values) for axis in numeric}, option="--vary")


def _field(loaded: LoadedProfile, loc: tuple[int | str, ...]) -> TypeAdapter[Any]:
    node: Any = loaded.profile
    for step in loc[:-1]:
        node = node[step] if isinstance(step, int) else getattr(node, step)
    last = loc[-1]
    if isinstance(last, int) or last not in type(node).model_fields:
        return TypeAdapter(Any)
    info = type(node).model_fields[last]
    whole: Any = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    return TypeAdapter(whole)


def read_points(path: Path) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """The keys in the header of a CSV file, each with its column; the rows are the points."""
    import csv

    if not path.is_file():
        raise InputError(Problem("no such file", "name a CSV file whose header holds keys", str(path)))
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        reader = csv.reader(stream)
        header = [name.strip() for name in next(reader, [])]
        if not header or not all(header):
            raise InputError(Problem("has no header of keys", "write keys such as workload.tokens_per_day", str(path), 1))
        columns: list[list[Any]] = [[] for _ in header]
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(
                    Problem(f"has {len(row)} cells, the header {len(header)}", "mend the row", str(path), reader.line_num)
                )
            for column, text in zip(columns, row, strict=True):
                column.append(_cell(text))
    if not columns[0]:
        raise InputError(Problem("holds no points", "add rows below the header", str(path)))
    return tuple(zip(header, (tuple(column) for column in columns), strict=True))


def _cell(text: str) -> Any:
    try:
        return float(text) if not text.strip().isdigit() else int(text)
    except ValueError:
        return load_value(text, "--points")
