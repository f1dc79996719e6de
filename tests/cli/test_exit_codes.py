"""docs/exit-codes.md lists the codes of the code, and the worst one wins in its order."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path

from breakeven import errors
from breakeven.errors import worst_exit_code

PAGE = (Path(__file__).parents[2] / "docs/exit-codes.md").read_text(encoding="utf-8")


def test_every_code_is_listed_once() -> None:
    listed = [int(code) for code in re.findall(r"(?m)^\| (\d+) \|", PAGE)]
    assert sorted(listed) == sorted(value for name, value in vars(errors).items() if name.startswith("EXIT_"))


def test_the_first_of_the_stated_order_wins() -> None:
    (order,) = re.findall(r"the first of ([\d, ]+) wins", PAGE)
    codes = [int(code) for code in order.split(",")]
    for some in permutations(codes, 2):
        assert worst_exit_code(some) == min(some, key=codes.index)
