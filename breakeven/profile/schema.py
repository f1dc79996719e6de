"""The profile's JSON Schema, for editors: made from the models, with the comments beside the fields.

It says what the models say, key by key; rules between keys that JSON Schema cannot say well are left
to ``profile validate``. Docs: docs/profile.schema.json is this schema, committed.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from breakeven.profile.model import Profile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FIELD = re.compile(r"^    (\w+): .*?(?:\S\s+#\s*(?P<comment>.*))?$")
# Exactly one of these keys: the rule a beginner meets first.
_ONE_OF = {
    "Workload": ("tokens_per_day", "requests_per_day", "tasks_per_day"),
    "Supply": ("rent", "own", "quote"),
    "Throughput": ("total_tok_per_s", "output_tok_per_s", "requests_per_s"),
}

# Sections that a plain text stands for.
_AS_TEXT: dict[str, dict[str, Any]] = {
    "ApiChoice": {"type": "string", "pattern": "/", "description": "provider/model"},
    "Currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "a code such as EUR"},
}


class _Quiet(GenerateJsonSchema):
    """Without a title per field: an editor shows the key itself."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def described(model: type[BaseModel]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A model's schema and its definitions, with the comments beside the fields as descriptions."""
    schema = model.model_json_schema(schema_generator=_Quiet)
    definitions = schema.pop("$defs")
    for part in _models(model):
        _describe(schema if part is model else definitions[part.__name__], part)
    return schema, definitions


def profile_schema() -> dict[str, Any]:
    """The schema as plain data, in a fixed order."""
    schema, definitions = described(Profile)
    for name, keys in _ONE_OF.items():
        definitions[name]["oneOf"] = [{"required": [key]} for key in keys]
    rate = ("usd_per_unit", "as_of", "source")
    definitions["Currency"]["dependentRequired"] = {key: [other for other in rate if other != key] for key in rate}
    for name, text in _AS_TEXT.items():
        whole = definitions[name]
        definitions[name] = {"anyOf": [text, whole], "description": whole.pop("description")}
    return {
        "$schema": DIALECT,
        "title": "breakeven profile",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as it is printed and committed."""
    return json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n"


def _models(model: type[BaseModel], seen: dict[type[BaseModel], None] | None = None) -> list[type[BaseModel]]:
    """Every model that a model is made of, itself first."""
    found = {} if seen is None else seen
    if model not in found:
        found[model] = None
        for field in model.model_fields.values():
            for part in _parts(field.annotation):
                _models(part, found)
    return list(found)


def _parts(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Put the comment beside each field into its description, before the description of its type."""
    schema.pop("title", None)
    for field in schema.get("properties", {}).values():
        _flatten(field)
    for name, comment in _comments(model).items():
        field = schema.get("properties", {}).get(name)
        if field is not None:
            kind = field.get("description")
            field["description"] = f"{comment} ({kind})" if kind else comment


def _flatten(field: dict[str, Any]) -> None:
    """An optional quantity is a choice within a choice; editors show the outer one's description."""
    if "$ref" in field:
        field.pop("default", None)  # a section's defaults stand at its own keys
    choices: list[dict[str, Any]] = []
    for choice in field.get("anyOf", ()):
        choices.extend(choice.pop("anyOf", ()) or [choice])
        field.update({key: choice[key] for key in ("description", "examples") if key in choice and key not in field})
    if choices:
        field["anyOf"] = choices


def _comments(model: type[BaseModel]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in inspect.getsource(model).splitlines():
        match = _FIELD.match(line)
        if match and match["comment"] and not match["comment"].startswith(("fmt:", "type:", "noqa")):
            found[match[1]] = match["comment"]
    return found
