"""The policy's JSON Schema, for editors. Docs: docs/policy.schema.json is this schema, committed."""

from __future__ import annotations

import json
from typing import Any

from breakeven.gate.policy import POLICY_VERSION, RULE_IDS, Policy, may_be_waived
from breakeven.profile.schema import DIALECT, described


def policy_schema() -> dict[str, Any]:
    """The schema as plain data, in a fixed order."""
    schema, definitions = described(Policy)
    schema["properties"]["version"] = {"const": POLICY_VERSION, "description": "the version of this format"}
    definitions["Waiver"]["properties"]["rule"] = {"enum": [rule for rule in RULE_IDS if may_be_waived(rule)], "description": "whose findings it covers"}
    whole = {
        "$schema": DIALECT,
        "title": "breakeven policy",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": dict(sorted(definitions.items())),
    }
    found: dict[str, Any] = _without_null(whole)
    return found


def _without_null(part: Any) -> Any:
    """The parser takes no key that says nothing, so the schema offers none."""
    if isinstance(part, list):
        return [_without_null(item) for item in part]
    if not isinstance(part, dict):
        return part
    out = {key: _without_null(value) for key, value in part.items() if not (key == "default" and value is None)}
    if {"type": "null"} in out.get("anyOf", ()):
        ways = [way for way in out.pop("anyOf") if way != {"type": "null"}]
        out = {**(ways[0] if len(ways) == 1 else {"anyOf": ways}), **out}
    return out


def policy_schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"
