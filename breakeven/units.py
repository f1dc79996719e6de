"""Quantities as people write them, parsed by one strict function, as types for the data models.

``10M``, ``2.5k``, ``30%``, ``800ms``, ``$2.10``, ``3 years`` and plain numbers. Anything else is
an error that says what to write. The unit belongs to the field's name, so a suffix may only
scale a value or repeat the field's own unit; it never converts one kind of thing into another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

HOURS_PER_DAY = 24.0
HOURS_PER_YEAR = 8760.0
DAYS_PER_YEAR = 365.0
MONTHS_PER_YEAR = 12.0
SECONDS_PER_DAY = 86_400.0
TOKENS_PER_MTOK = 1e6
WATTS_PER_KW = 1e3
MILLISECONDS_PER_SECOND = 1e3

_NUMBER = re.compile(r"\s*([-+]?)(\$?)\s*([-+]?)([0-9][0-9_,]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)\s*(.*?)\s*\Z")
_SCALE: Mapping[str, float] = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}


def _parse(value: Any, suffixes: Mapping[str, float], *, dollar: bool, example: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise PydanticCustomError("quantity", "is not a number; write for example {example}", {"example": example})
    if isinstance(value, str):
        match = _NUMBER.match(value)
        if match is None:
            raise PydanticCustomError(
                "quantity", "cannot be read as a number ({got}); write for example {example}",
                {"got": repr(value[:40]), "example": example},
            )  # fmt: skip
        sign, currency, inner_sign, digits, suffix = match.groups()
        if (currency and not dollar) or suffix not in suffixes or (sign and inner_sign):
            what = f"the unit {suffix!r} does not fit here" if suffix not in suffixes else "cannot be read as a number"
            raise PydanticCustomError(
                "quantity", "{what} ({got}); write for example {example}",
                {"what": what, "got": repr(value[:40]), "example": example},
            )  # fmt: skip
        if "," in digits and not re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", digits):
            raise PydanticCustomError(
                "quantity", "has a misplaced comma ({got}); write for example {example}",
                {"got": repr(value[:40]), "example": example},
            )  # fmt: skip
        number = float(digits.replace(",", "").replace("_", "")) * suffixes[suffix]
        if "-" in (sign, inner_sign):
            number = -number
    else:
        number = float(value) if abs(value) < 1e300 else math.inf
    if not math.isfinite(number):
        raise PydanticCustomError("quantity", "is not a finite number; write for example {example}", {"example": example})
    return number


def _quantity(
    suffixes: Mapping[str, float],
    *,
    example: str,
    low: float = 0.0,
    high: float = math.inf,
    low_open: bool = False,
    dollar: bool = False,
    absurd: str = "",
) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        number = _parse(value, suffixes, dollar=dollar, example=example)
        if number < low or (low_open and number == low):
            bound = "above" if low_open else "at least"
            raise PydanticCustomError(
                "quantity", "must be {bound} {low}, not {got}", {"bound": bound, "low": f"{low:g}", "got": f"{number:g}"}
            )
        if number > high:
            raise PydanticCustomError(
                "quantity", "must be at most {high}, not {got}{absurd}",
                {"high": f"{high:g}", "got": f"{number:g}", "absurd": absurd and f" ({absurd})"},
            )  # fmt: skip
        return number

    return parse


def _schema(description: str, examples: list[Any]) -> WithJsonSchema:
    return WithJsonSchema({"type": ["number", "string"], "description": description, "examples": examples})


_PERCENT = {"": 1.0, "%": 0.01}
_MS = {"": 1.0, "ms": 1.0, "s": 1e3}
_DURATION = {"": 1.0, "y": 1.0, "year": 1.0, "years": 1.0, "months": 1 / 12, "month": 1 / 12, "mo": 1 / 12}
_HOURS = {"": 1.0, "h": 1.0, "hours": 1.0, "hour": 1.0}
_MONTHS = {"": 1.0, "months": 1.0, "month": 1.0, "mo": 1.0, "y": 12.0, "year": 12.0, "years": 12.0}
_TOKENS = _quantity(_SCALE, example="10M", high=1e15, absurd="a quadrillion tokens a day is more than the world makes")

Count = Annotated[float, BeforeValidator(_quantity(_SCALE, example="4", high=1e12)), _schema("a count", [4])]
Whole = Annotated[int, BeforeValidator(lambda v: _whole(v)), WithJsonSchema({"type": ["integer", "string"]})]
Tokens = Annotated[float, BeforeValidator(_TOKENS), _schema("tokens; k, M, B and T scale it", ["10M", 1500])]
TokensAboveZero = Annotated[
    float,
    BeforeValidator(_quantity(_SCALE, example="10M", high=1e15, low_open=True, absurd="more than the world makes")),
    _schema("tokens, above zero; k, M, B and T scale it", ["10M", 1500]),
]
Share = Annotated[
    float,
    BeforeValidator(_quantity(_PERCENT, example="30%", high=1.0, absurd="30 % is written 30% or 0.3")),
    _schema("a share between 0 and 1, or a percentage", ["30%", 0.3]),
]
ShareBelowOne = Annotated[
    float,
    BeforeValidator(_quantity(_PERCENT, example="30%", high=0.999, absurd="30 % is written 30% or 0.3")),
    _schema("a share from 0 to below 1, or a percentage", ["30%", 0.3]),
]
Rate = Annotated[  # a growth or decline per year: may be negative, never the whole
    float,
    BeforeValidator(_quantity(_PERCENT, example="10%", low=-1.0, low_open=True, high=100.0)),
    _schema("a rate per year, above -100 %", ["10%", -0.1]),
]
Ratio = Annotated[
    float, BeforeValidator(_quantity({"": 1.0, "x": 1.0}, example="1.2", low_open=True, high=1e4)), _schema("a ratio", [1.2])
]
PeakToMean = Annotated[
    float, BeforeValidator(_quantity({"": 1.0, "x": 1.0}, example="2.5", low=1.0, high=1e4)), _schema("at least 1", [2.5])
]
Milliseconds = Annotated[
    float,
    BeforeValidator(_quantity(_MS, example="800ms", low_open=True, high=864e5, absurd="more than a day")),
    _schema("milliseconds; ms and s are understood", ["800ms", 50]),
]
Years = Annotated[
    float, BeforeValidator(_quantity(_DURATION, example="4", low_open=True, high=30.0)), _schema("years", [4, "36 months"])
]
Months = Annotated[
    float, BeforeValidator(_quantity(_MONTHS, example="36", low_open=True, high=360.0)), _schema("months", [36, "3 years"])
]
Hours = Annotated[
    float, BeforeValidator(_quantity(_HOURS, example="24", low_open=True, high=8760.0)), _schema("hours", [24])
]
Usd = Annotated[
    float,
    BeforeValidator(_quantity(_SCALE, example="$2.10", high=1e13, dollar=True)),
    _schema("US dollars; $, k and M are understood", ["$2.10", 250000]),
]
Positive = Annotated[
    float, BeforeValidator(_quantity(_SCALE, example="700", low_open=True, high=1e18)), _schema("above zero", [700])
]
NotNegative = Annotated[float, BeforeValidator(_quantity(_SCALE, example="700", high=1e18)), _schema("zero or more", [0])]


def _whole(value: Any) -> int:
    number = _parse(value, _SCALE, dollar=False, example="8")
    if number != math.floor(number) or not 0 <= number <= 1e9:
        raise PydanticCustomError("quantity", "must be a whole number, zero or more, not {got}", {"got": f"{number:g}"})
    return int(number)
