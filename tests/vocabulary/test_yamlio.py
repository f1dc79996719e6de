"""Strict YAML: nothing guessed, everything placed."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakeven.errors import InputError
from breakeven.yamlio import load_bytes


def load(text: str) -> object:
    return load_bytes(text.encode(), "f.yaml").data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1e6), ("12:30:00", "12:30:00"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("~", None), ("null", None),
        ("true", True), ("0777", 777), ("1_000", "1_000"), ("2026-11-23", dt.date(2026, 11, 23)), ('"95"', "95"),
        ("95", 95), ("-.5", -0.5), ("10M", "10M"), ("0x10", "0x10"),
    ],
)  # fmt: skip
def test_scalars_follow_the_yaml_1_2_core(text: str, value: object) -> None:
    assert load(f"key: {text}") == {"key": value}
    assert load(f"{{key: {text}}}") == {"key": value}
    assert type(load(f"[{text}]")[0]) is type(value)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "twice"),
        ("a:\n  b: .nan\n", 2, 6, "finite"),
        ("a: .inf\n", 1, 4, "finite"),
        ("a: 1e999\n", 1, 4, "finite"),
        ("a: [1, 2\n", 2, 1, "valid YAML"),
        ("a: 2026-02-30\n", 1, 4, "date"),
        ("? [1]\n: 2\n", 1, 3, "plain text"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("<<: {a: 1}\n", 1, 1, "merge"),
    ],
)
def test_problems_carry_line_and_column(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load(text)
    problem = caught.value.problems[0]
    assert (problem.path, problem.line, problem.column) == ("f.yaml", line, column)
    assert says in problem.message
    assert problem.fix


def test_every_problem_of_a_file_comes_at_once() -> None:
    with pytest.raises(InputError) as caught:
        load("a: .nan\na: 1\nb: .inf\n")
    assert [p.line for p in caught.value.problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("raw", "says"), [(b"", "empty"), (b"# only\n", "empty"), (b"\x00\x01", "binary"), (b"\xff\xfe\xfa", "UTF-8"),
                      (b"a: " + b"x" * 2_000_001, "larger")]
)  # fmt: skip
def test_files_that_are_no_yaml_text(raw: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load_bytes(raw, "f.yaml")


def test_an_alias_bomb_meets_a_budget_not_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="too many values"):
        load("\n".join(lines))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(InputError):
        load("[" * 5000 + "]" * 5000)


@given(st.binary(max_size=200))
def test_any_bytes_give_data_or_an_input_error(raw: bytes) -> None:
    try:
        load_bytes(raw, "f.yaml")
    except InputError as error:
        assert all(problem.message and problem.path == "f.yaml" for problem in error.problems)


def test_positions_are_found_after_loading() -> None:
    document = load_bytes(b"api:\n  - model: x/y\n    discount: 10%\n", "p.yaml")
    assert document.position(("api", 0, "discount")) == (3, 15)
    assert document.key_position(("api", 0, "discount")) == (3, 5)
    assert document.position(("api", 7, "nothing")) == (2, 3)
