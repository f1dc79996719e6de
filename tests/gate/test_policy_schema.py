"""The policy's published schema says what the parser says."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from breakeven.errors import InputError
from breakeven.gate.policy import RULE_IDS, load_policy
from breakeven.gate.policy_schema import policy_schema, policy_schema_text
from breakeven.gate.summaries import SUMMARIES
from breakeven.yamlio import load_bytes
from tests.gate.bench import LIMIT, POLICY, WAIVER

ROOT = Path(__file__).resolve().parents[2]
VALID = jsonschema.Draft202012Validator(policy_schema())


def test_it_is_a_schema_and_the_committed_one() -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    assert (ROOT / "docs" / "policy.schema.json").read_text(encoding="utf-8") == policy_schema_text()


def test_every_rule_has_its_summary() -> None:
    assert tuple(sorted(SUMMARIES)) == tuple(sorted(RULE_IDS))


@pytest.mark.parametrize("text", [POLICY, POLICY + WAIVER.format(rule="cost_increase", scope="*", expires="2027-01-01", more=LIMIT)])
def test_what_the_parser_takes_the_schema_takes(text: str) -> None:
    load_policy(load_bytes(text.encode(), "p"))
    data = yaml.load(text, Loader=yaml.BaseLoader)
    data["version"] = 1
    VALID.validate(data)


@pytest.mark.parametrize("edit", [("cost_increase", "cost_incraese"), ("max_share", "max_shares"), ("version: 1", "version: 2"), ("{max_share: 1%}", "{level: maybe}")])
def test_what_the_schema_refuses_the_parser_refuses(edit: tuple[str, str]) -> None:
    text = POLICY.replace(*edit)
    data = yaml.load(text, Loader=yaml.BaseLoader)
    data["version"] = int(data["version"])
    assert not VALID.is_valid(data)
    with pytest.raises(InputError):
        load_policy(load_bytes(text.encode(), "p"))


@pytest.mark.parametrize("edit", [("{max_share: 1%}", ""), ("{max_share: 1%}", "~"), ("max_share: 1%", "max_share: ~, max_usd_per_month: 1M"), ("version: 1", "version: 1\nwaivers:")])
def test_a_key_that_says_nothing_is_refused(edit: tuple[str, str]) -> None:
    """A rule whose limits were commented out was off without a word, beside another that was on."""
    document = load_bytes(POLICY.replace(*edit).encode(), "p")
    with pytest.raises(InputError, match="is empty; fill it in"):
        load_policy(document)
    assert not VALID.is_valid(document.data)
