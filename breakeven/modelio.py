"""From a strict YAML document to a validated model, with every problem placed in the file.

pydantic says *what* is wrong with which location; the document knows *where* that location is.
Unknown keys get the nearest known ones, choices are listed, and all problems come at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from breakeven.errors import InputError, Problem, did_you_mean
from breakeven.yamlio import Document, Loc, dotted

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: Document, found: Sequence[Problem] = ()) -> M:
    """The document's data as ``model``. Raises :class:`InputError` with all problems, in file order.

    ``found`` are problems of single values that reading the document met; their keys are not judged again.
    """
    if not isinstance(document.data, dict):
        wrong = document.problem((), f"must be a mapping of keys, not {_kind(document.data)}", "write key: value")
        raise InputError([*found, wrong])
    problems = list(found)
    try:
        valid = model.model_validate(document.data)
    except ValidationError as error:
        items = error.errors(include_url=False, include_context=True)
        judged = {problem.field for problem in found}
        placed = [_problem(model, document, item) for item in items if not _follows(item, items)]
        # What a section says as a whole may only follow from the value that could not be read.
        problems += [p for p in placed if not any(_within(field, p.field) for field in judged)]
    if problems:
        unique = dict.fromkeys(problems)
        raise InputError(sorted(unique, key=lambda p: (p.line or 0, p.column or 0, p.field or "")))
    return valid


def _within(field: str | None, section: str | None) -> bool:
    return field == section or section is None or (field or "").startswith((f"{section}.", f"{section}["))


def _follows(item: Any, items: Sequence[Any]) -> bool:
    """Whether a list only counts as too short because its own items are wrong; those say it better."""
    depth = len(item["loc"])
    return item["type"] == "too_short" and any(
        other["loc"][:depth] == item["loc"] and len(other["loc"]) > depth for other in items
    )


def _problem(model: type[BaseModel], document: Document, item: Any) -> Problem:
    loc = _clean(document, item["loc"])
    kind, given = item["type"], item.get("input")
    if kind == "extra_forbidden":
        known = _fields_at(model, loc[:-1])
        line, column = document.key_position(loc) or (None, None)
        return Problem("is not a known key", did_you_mean(str(loc[-1]), known), document.path, line, column, dotted(loc))
    if kind == "missing":
        return document.problem(loc[:-1] or (), f"needs the key {loc[-1]!r}", f"add {loc[-1]}: ... here")
    message, _, fix = _message(item, kind, given).partition("; ")
    key, _, rest = message.partition(": ")
    named = _named(document, loc, key) if rest else None
    return document.problem(named or loc, rest if named else message, fix or None)


def _named(document: Document, loc: tuple[int | str, ...], key: str) -> tuple[int | str, ...] | None:
    """The location of ``key: what is wrong``, said by a rule of the section at ``loc`` about one of its keys."""
    node = document.data
    steps = (*loc, *key.split("."))
    for step in steps:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return None
    return steps


def _message(item: Any, kind: str, given: Any) -> str:
    context = item.get("ctx", {})
    if given is None and kind not in ("value_error", "missing"):
        return "is empty; fill it in, or delete the line"
    if kind == "literal_error":
        choices = [word.strip(" '\"") for word in str(context.get("expected", "")).replace(" or ", ", ").split(",")]
        near = did_you_mean(str(given), choices) if given is not None else "write one of: " + ", ".join(choices)
        return f"cannot be {_shown(given)}; {near}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a mapping of keys, not {_kind(given)}; write key: value lines under it"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list, not {_kind(given)}; write - item lines under it"
    if kind == "too_short":
        return f"needs at least {context.get('min_length', 1)} item(s); write - item lines under it"
    if kind == "string_type":
        how = "write one value" if isinstance(given, (dict, list)) else "put it in quotes"
        return f"must be text, not {_kind(given)}; {how}"
    if kind == "bool_type" or kind == "bool_parsing":
        return f"must be true or false, not {_shown(given)}; write true or false"
    if kind in ("greater_than_equal", "less_than_equal"):
        low = kind == "greater_than_equal"
        bound = context["ge" if low else "le"]
        return f"must be at {'least' if low else 'most'} {bound:g}, not {_shown(given)}; write {bound:g} or {'more' if low else 'less'}"
    if kind == "string_too_short":
        least = context.get("min_length", 1)
        if str(given).strip():
            return f"has {len(str(given))} letter(s), and needs at least {least}; write more of it"
        return "is empty; write some text" + (f" of at least {least} letters" if least > 1 else ", or delete the line")
    if kind == "string_too_long":
        return f"is longer than {context.get('max_length')} characters; shorten it"
    if kind.startswith("date"):
        return f"is not a date ({_shown(given)}); write YYYY-MM-DD"
    text = str(item["msg"]).removeprefix("Value error, ")
    return text[0].lower() + text[1:] if kind not in ("quantity", "value_error") and text else text


def _clean(document: Document, loc: Loc) -> tuple[int | str, ...]:
    """pydantic adds steps for unions and validators that are not in the file; keep the real ones."""
    out: list[int | str] = []
    node = document.data
    for position, step in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(node, dict) and isinstance(step, str) and (step in node or last):
            out.append(step)
            node = node.get(step)
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            out.append(step)
            node = node[step]
        elif last and isinstance(step, str) and isinstance(node, dict):
            out.append(step)
    return tuple(out)


def _fields_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Names of the keys that the model knows at a location."""
    current: Any = model
    for step in loc:
        if isinstance(step, int):
            continue
        field = current.model_fields.get(step) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if field is None:
            return []
        current = _model_in(field.annotation) or current
    return sorted(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true/false", type(None): "empty"}
    return names.get(type(value), "a number" if isinstance(value, (int, float)) else "a date")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
