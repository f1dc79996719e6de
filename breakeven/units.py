"""Quantities as people write them, parsed by one strict function, as types for the data models.

``10M``, ``2.5k``, ``30%``, ``800ms``, ``$2.10``, ``3 years`` and plain numbers. Anything else is
an error that says what to write. The unit belongs to the field's name, so a suffix may only
scale a value or repeat the field's own unit; it never converts one kind of thing into another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Struct
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

HOURS_PER_DAY = 24.0
DAYS_PER_YEAR = 365.0
SECONDS_PER_DAY = 86_400.0
WATTS_PER_KW = 1e3

_NUMBER = re.compile(r"\s*([-+]?)(\$?)\s*([-+]?)([0-9][0-9_,]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)\s*(.*?)\s*\Z")
_CURRENCY = re.compile(r"[€£¥₹₩]|(?<![A-Za-z])(?:EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|KRW|BRL)(?![A-Za-z])")
_SCALE: Mapping[str, float] = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9, "T": 1e12}


def _parse(value: Any, suffixes: Mapping[str, float], *, dollar: bool, example: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise PydanticCustomError("quantity", "is not a number; write for example {example}", {"example": example})
    if isinstance(value, str):
        match = _NUMBER.match(value)
        if dollar and _CURRENCY.search(value):
            raise PydanticCustomError(
                "quantity", "is in another currency ({got}), and amounts are in USD; convert it and write for example {example}",
                {"got": repr(value[:40]), "example": example},
            )  # fmt: skip
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


class _Quantity(Struct, frozen=True, eq=False):  # annotations are hashed
    """What one kind of quantity accepts: its suffixes and bounds, as a parser and as a JSON Schema."""

    suffixes: Mapping[str, float]
    example: str
    low: float = 0.0
    high: float = math.inf
    low_open: bool = False
    dollar: bool = False
    absurd: str = ""

    def __call__(self, value: Any) -> float:
        """The number, or a pydantic error that says what to write."""
        number = _parse(value, self.suffixes, dollar=self.dollar, example=self.example)
        got = repr(value[:40]) if isinstance(value, str) else f"{number:g}"
        if number < self.low or (self.low_open and number == self.low):
            bound = "above" if self.low_open else "at least"
            raise PydanticCustomError(
                "quantity", "must be {bound} {low}, not {got}; write for example {example}",
                {"bound": bound, "low": f"{self.low:g}", "got": got, "example": self.example},
            )  # fmt: skip
        if number > self.high:
            raise PydanticCustomError(
                "quantity", "must be at most {high}, not {got}{absurd}; write for example {example}",
                {"high": f"{self.high:g}", "got": got, "absurd": self.absurd and f" ({self.absurd})", "example": self.example},
            )  # fmt: skip
        return number

    def schema(self, description: str, examples: list[Any]) -> WithJsonSchema:
        """The same rules for editors; a number's bounds cannot be shown for text."""
        number: dict[str, Any] = {"type": "number", "exclusiveMinimum" if self.low_open else "minimum": self.low}
        if self.high < math.inf:
            number["maximum"] = self.high
        text = {"type": "string", "pattern": _pattern(self.suffixes, dollar=self.dollar, negative=self.low < 0)}
        return WithJsonSchema({"anyOf": [number, text], "description": description, "examples": examples})


def _pattern(suffixes: Mapping[str, float], *, dollar: bool, negative: bool) -> str:
    units = "|".join(sorted(filter(None, suffixes), key=lambda unit: (-len(unit), unit)))
    sign, currency = ("[-+]?" if negative else "[+]?"), (r"\$?" if dollar else "")
    number = r"([0-9][0-9_,]*(\.[0-9]+)?([eE][-+]?[0-9]+)?|\.[0-9]+)"
    return rf"^\s*{sign}{currency}\s*{number}\s*({units})?\s*$"


_MS = {"": 1.0, "ms": 1.0, "s": 1e3}
_DURATION = {"": 1.0, "y": 1.0, "year": 1.0, "years": 1.0, "months": 1 / 12, "month": 1 / 12, "mo": 1 / 12}
_HOURS = {"": 1.0, "h": 1.0, "hours": 1.0, "hour": 1.0}
_MONTHS = {"": 1.0, "months": 1.0, "month": 1.0, "mo": 1.0, "y": 12.0, "year": 12.0, "years": 12.0}
_PERCENT = {"": 1.0, "%": 0.01}
_TIMES = {"": 1.0, "x": 1.0}
_WRITTEN = "30 % is written 30% or 0.3"

_count = _Quantity(_SCALE, "4", high=1e12)
_tokens = _Quantity(_SCALE, "10M", high=1e15, absurd="a quadrillion tokens a day is more than the world makes")
_some_tokens = _Quantity(_SCALE, "10M", high=1e15, low_open=True, absurd="more than the world makes")
_share = _Quantity(_PERCENT, "30%", high=1.0, absurd=_WRITTEN)
_part = _Quantity(_PERCENT, "30%", high=0.999, absurd=_WRITTEN)
_rate = _Quantity(_PERCENT, "10%", low=-1.0, low_open=True, high=100.0)
_discount_rate = _Quantity(_PERCENT, "10%", low=-1.0, low_open=True, high=2.0, absurd="10 % is written 10% or 0.1")
_increase = _Quantity(_PERCENT, "5%", high=10.0, absurd="a rise that large is no tolerance")
_ratio = _Quantity(_TIMES, "1.2", low_open=True, high=1e4)
_peak = _Quantity(_TIMES, "2.5", low=1.0, high=1e4)
_milliseconds = _Quantity(_MS, "800ms", low_open=True, high=864e5, absurd="more than a day")
_years = _Quantity(_DURATION, "4", low_open=True, high=30.0)
_months = _Quantity(_MONTHS, "36", low_open=True, high=360.0)
_hours = _Quantity(_HOURS, "24", low_open=True, high=8760.0)
_usd = _Quantity(_SCALE, "$2.10", high=1e13, dollar=True)
_burstiness = _Quantity(_SCALE, "4", low_open=True, high=100.0, absurd="Poisson arrivals are 1")
_positive = _Quantity(_SCALE, "700", low_open=True, high=1e18)
_not_negative = _Quantity(_SCALE, "700", high=1e18)
# An end of a range of any key: every way to write a number that means one thing only, whatever the key.
_bound = _Quantity({**_SCALE, **_PERCENT, **_TIMES, "ms": 1.0}, "10M, 30% or $2.10", low=-1e18, high=1e18, dollar=True)


def parse_tokens(text: str) -> float:
    """A number of tokens as people write it. Raises PydanticCustomError, which says what to write.

    >>> parse_tokens("1.5k"), parse_tokens("1,024")
    (1500.0, 1024.0)
    """
    return _tokens(text)


_rise = _Quantity(_PERCENT, "5%", high=1.0)


def _risen(value: Any) -> float:
    """A tolerated rise. Above the whole only with a percent sign: ``5`` must not be read as 500 %."""
    number = _increase(value)
    if number > 1.0 and not (isinstance(value, str) and value.rstrip().endswith("%")):
        raise PydanticCustomError(
            "quantity", "must be at most 1, or a percentage, not {got}; write for example 5%", {"got": f"{number:g}"}
        )
    return number


def _whole(value: Any) -> int:
    number = _parse(value, _SCALE, dollar=False, example="8")
    if number != math.floor(number) or not 0 <= number <= 1e9:
        raise PydanticCustomError(
            "quantity", "must be a whole number, zero or more, not {got}; write for example 8", {"got": f"{number:g}"}
        )
    return int(number)


_WHOLE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 1e9},
            {"type": "string", "pattern": _pattern(_SCALE, dollar=False, negative=False)},
        ],
        "description": "a whole number",
    }
)

Count = Annotated[float, BeforeValidator(_count), _count.schema("a count", [4])]
Whole = Annotated[int, BeforeValidator(_whole), _WHOLE_SCHEMA]
Tokens = Annotated[
    float, BeforeValidator(_tokens), _tokens.schema("tokens; k, M, B and T scale it", ["10M", 1500])
]
TokensAboveZero = Annotated[
    float, BeforeValidator(_some_tokens), _some_tokens.schema("tokens, above zero; k, M, B and T scale it", ["10M", 1500])
]
Share = Annotated[
    float, BeforeValidator(_share), _share.schema("a share between 0 and 1, or a percentage", ["30%", 0.3])
]
ShareBelowOne = Annotated[
    float, BeforeValidator(_part), _part.schema("a share from 0 to below 1, or a percentage", ["30%", 0.3])
]
Rate = Annotated[  # a growth or decline per year: may be negative, never the whole
    float, BeforeValidator(_rate), _rate.schema("a rate per year, above -100 %", ["10%", -0.1])
]
DiscountRate = Annotated[
    float, BeforeValidator(_discount_rate), _discount_rate.schema("a discount rate per year", ["10%", 0.1])
]
Increase = Annotated[float, BeforeValidator(_risen), _rise.schema("a rise, as a percentage or a share", ["5%", 0.05])]
Ratio = Annotated[float, BeforeValidator(_ratio), _ratio.schema("a ratio", [1.2])]
PeakToMean = Annotated[float, BeforeValidator(_peak), _peak.schema("at least 1", [2.5])]
Milliseconds = Annotated[
    float,
    BeforeValidator(_milliseconds),
    _milliseconds.schema("milliseconds; ms and s are understood", ["800ms", 50]),
]
Years = Annotated[float, BeforeValidator(_years), _years.schema("years", [4, "36 months"])]
Months = Annotated[float, BeforeValidator(_months), _months.schema("months", [36, "3 years"])]
Hours = Annotated[float, BeforeValidator(_hours), _hours.schema("hours", [24])]
Usd = Annotated[
    float, BeforeValidator(_usd), _usd.schema("US dollars; $, k and M are understood", ["$2.10", 250000])
]
Positive = Annotated[float, BeforeValidator(_positive), _positive.schema("above zero", [700])]
Burstiness = Annotated[float, BeforeValidator(_burstiness), _burstiness.schema("above zero; Poisson arrivals are 1", [4])]
Bound = Annotated[float, BeforeValidator(_bound), _bound.schema("a value of the key, written as in the profile", ["10M", "30%"])]
NotNegative = Annotated[float, BeforeValidator(_not_negative), _not_negative.schema("zero or more", [0])]
