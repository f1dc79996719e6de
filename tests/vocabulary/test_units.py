"""Quantities as people write them, and nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from breakeven import units


def parse(kind: object, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (units.Tokens, "10M", 10e6), (units.Tokens, "2.5k", 2500.0), (units.Tokens, "1,024", 1024.0), (units.Tokens, 7, 7.0),
        (units.Tokens, "1_000", 1000.0), (units.Tokens, "1.2B", 1.2e9), (units.Share, "30%", 0.3), (units.Share, 0.3, 0.3),
        (units.Milliseconds, "800ms", 800.0), (units.Milliseconds, "1.5s", 1500.0), (units.Usd, "$2.10", 2.10),
        (units.Usd, "$1.5M", 1.5e6), (units.Years, "36 months", 3.0), (units.Years, "4y", 4.0), (units.Rate, "-20%", -0.2),
        (units.Months, "3 years", 36.0), (units.Whole, "8", 8),
    ],
)  # fmt: skip
def test_quantities_people_write(kind: object, text: object, value: float) -> None:
    assert parse(kind, text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (units.Tokens, "10 Mtok/day"), (units.Tokens, "ten"), (units.Tokens, True), (units.Tokens, None), (units.Tokens, -1),
        (units.Tokens, "1,00"), (units.Tokens, "$5"), (units.Tokens, math.nan), (units.Tokens, math.inf), (units.Tokens, 1e18),
        (units.Share, 30), (units.Share, "130%"), (units.Share, "30ms"), (units.Milliseconds, 0), (units.Usd, "5 EUR"),
        (units.Usd, "--5"), (units.Years, 0), (units.Rate, "-100%"), (units.Whole, 1.5), (units.Whole, -1), (units.Usd, []),
        (units.Tokens, "1e400"), (units.TokensAboveZero, 0), (units.Tokens, ""),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_an_example(kind: object, text: object) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(kind, text)
    message = caught.value.errors()[0]["msg"]
    assert "write for example" in message or "must be" in message


@given(st.floats(min_value=0, max_value=1e15, allow_nan=False))
def test_plain_numbers_always_work_and_keep_their_value(value: float) -> None:
    assert parse(units.Tokens, value) == value
    assert parse(units.Tokens, repr(value)) == value


@given(st.text(max_size=20))
def test_any_text_gives_a_finite_number_or_an_error(text: str) -> None:
    try:
        assert math.isfinite(parse(units.Usd, text))  # type: ignore[arg-type]
    except ValidationError:
        pass
