"""Which facts a report calls old, and what their records say about themselves."""

from __future__ import annotations

import pytest

import breakeven
from breakeven.cli.main import run
from breakeven.profile.load import loads_profile

OWNED = b"""\
name: de
workload: {tokens_per_day: 1B, input_tokens: 1000, output_tokens: 500}
api: [openai/gpt-6.1-sol]
self_host:
  model: openai/gpt-oss-120b
  supply: [{own: hgx-h100-8, site: de}]
"""


def warnings() -> list[str]:
    return list(breakeven.run(loads_profile(OWNED, "de.yaml")).warnings)


def test_a_price_that_was_worked_out_ages_like_one_that_was_read() -> None:
    """The electricity price is converted from euro, of 2024, and older than any list price of this bill."""
    said = warnings()
    assert any("price(s) and figure(s) used are older than 90 days" in line and "the oldest is sites/de#figures[0] (1058 days)" in line for line in said)
    assert any(line.startswith("sites/de#figures[0], on which the verdict rests, is 1058 days old") and "inconsistent" in line for line in said)


def test_a_world_average_is_called_one() -> None:
    assert any(line.startswith("sites/de#figures[2], on which") and "world average of wholesale rents" in line for line in warnings())


def test_a_datasheet_does_not_grow_old() -> None:
    assert not any("#specs" in line or "#architectures" in line for line in warnings())


REFERENCE = "configs/reference.yaml"


@pytest.mark.parametrize("command", [
    ["run", REFERENCE], ["solve", REFERENCE, "workload.tokens_per_day"], ["risk", REFERENCE, "--draws", "64"],
    ["portfolio", REFERENCE, REFERENCE], ["forecast", REFERENCE], ["sweep", REFERENCE, "--vary", "workload.input_tokens=1k,2k"],
    ["explain", REFERENCE], ["estimate", "-m", "llama-3.1-8b-instruct", "-a", "l4", "--input-tokens", "1k", "--output-tokens", "1k"],
])  # fmt: skip
def test_a_date_after_the_release_is_priced_and_warns_everywhere(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Records do not end by themselves (docs/catalogue.md): who asks for 2036 gets the prices of 2026, and is told."""
    said = "the catalogue was released on 2026-11-24, 3325 days before 2036-01-01"
    assert run([*command, "--as-of", "2036-01-01"]) == 0
    shown = capsys.readouterr()
    assert said in " ".join((shown.out + shown.err).split())
    assert run(command) == 0
    shown = capsys.readouterr()
    assert "the catalogue was released on" not in shown.out + shown.err
