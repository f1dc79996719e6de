"""Each bad profile ends in located one-line problems with a fix, the designed exit code and no traceback."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from breakeven.errors import InputError
from breakeven.profile.schema import profile_schema
from breakeven.yamlio import load_path
from tests.gallery.gallery import EXPECTED, NAMES, PROFILES, met

SHOULD = yaml.safe_load(EXPECTED.read_text(encoding="utf-8"))
LINE = re.compile(r"error: [a-z0-9-]+\.yaml(:[0-9]+:[0-9]+)?: \S.*(; |\?$)")
# What a schema cannot see: rules between keys, and names and prices that only the catalogue knows.
BETWEEN_KEYS = {
    "currency-unknown.yaml", "escalate-to-nobody.yaml", "histogram.yaml", "hourly.yaml", "impossible-latency.yaml", "model-not-yet.yaml",
    "model-retired.yaml", "no-electricity.yaml", "provider-without-that-term.yaml", "server-without-a-price.yaml",
    "too-large.yaml", "too-long-request.yaml", "unknown-accelerator.yaml", "unknown-model.yaml", "unknown-names.yaml",
    "unknown-open-model.yaml", "unpriced.yaml", "zero-shape.yaml",
}  # fmt: skip
# Quantities read as text by YAML whose bounds a pattern does not hold, and a choice of the parser's.
TEXT = {"redundancy-in-words.yaml"}


def plain(data: Any) -> Any:
    return json.loads(json.dumps(data, default=dt.date.isoformat))


@pytest.mark.parametrize("name", NAMES)
def test_the_user_meets_what_is_on_record(name: str) -> None:
    found = met(name)
    masked = re.compile(r"[0-9.]+") if SHOULD[name]["exit"] == 4 else re.compile(r"(?!)")  # speeds are recalibrated
    assert found["exit"] == SHOULD[name]["exit"] and found["report"] == SHOULD[name]["report"]
    assert [masked.sub("#", line) for line in found["stderr"]] == [
        masked.sub("#", line) for line in SHOULD[name]["stderr"]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_has_a_place_and_a_fix(name: str) -> None:
    lines = SHOULD[name]["stderr"]
    assert lines and all(LINE.match(line) for line in lines)
    assert SHOULD[name]["exit"] in (2, 3, 4)


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_refuses_what_it_can_see(name: str) -> None:
    try:
        data = load_path(PROFILES / name).data
    except InputError:
        return  # no YAML that a schema could judge
    refuses = not jsonschema.Draft202012Validator(profile_schema()).is_valid(plain(data))
    assert refuses == (name not in BETWEEN_KEYS | TEXT)


def test_the_record_is_complete() -> None:
    assert set(SHOULD) == set(NAMES)
    assert {row["exit"] for row in SHOULD.values()} == {2, 3, 4}
    assert Path(EXPECTED).stat().st_size > 5000
