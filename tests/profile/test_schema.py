"""The JSON Schema says what the models say, and the committed copy is the one that is printed."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from breakeven import units
from breakeven.cli.main import run
from breakeven.profile.schema import profile_schema
from breakeven.yamlio import load_path

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(profile_schema())


def plain(data: Any) -> Any:
    return json.loads(json.dumps(data, default=dt.date.isoformat))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(profile_schema())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_fits(path: Path) -> None:
    VALIDATOR.validate(plain(load_path(path).data))
    assert "profile.schema.json" in path.read_text(encoding="utf-8").splitlines()[0]


def test_the_committed_copy_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "schema"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs/profile.schema.json").read_text(encoding="utf-8")


def test_unknown_keys_are_refused_everywhere() -> None:
    schema = profile_schema()
    objects = [schema, *schema["$defs"].values(), *(c for d in schema["$defs"].values() for c in d.get("anyOf", ()))]
    models = [one for one in objects if one.get("type") == "object"]
    assert len(models) > 15 and all(one.get("additionalProperties") is False for one in models)


def test_fields_carry_the_comment_beside_them() -> None:
    found = profile_schema()["$defs"]["Workload"]["properties"]
    assert found["batch_share"]["description"].startswith("of requests that may wait for a batch window")


QUANTITIES = ("Tokens", "Share", "Rate", "Milliseconds", "Years", "Months", "Hours", "Usd", "Whole", "Ratio")


@pytest.mark.parametrize("name", QUANTITIES)
@given(
    value=st.one_of(
        st.from_regex(r"\A[-+]?\$?[0-9]{1,4}(\.[0-9])? ?[kKMBGT%a-z]{0,6}\Z"), st.integers(-5, 5000), st.floats(-2, 2)
    )
)
def test_what_the_parser_takes_the_schema_takes(name: str, value: Any) -> None:
    assume(not re.match(r"-\$?0+(\.0)?\D*\Z", str(value)))  # minus nothing is nothing

    class One(BaseModel):
        field: getattr(units, name)  # type: ignore[valid-type]

    try:
        One.model_validate({"field": value})
        taken = True
    except ValidationError:
        taken = False
    fits = jsonschema.Draft202012Validator(One.model_json_schema()).is_valid({"field": value})
    if taken:
        assert fits
    elif not isinstance(value, str):
        assert not fits
