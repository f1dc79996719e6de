"""Packaged files become records without validation: a test validates every one of them instead.

Building pydantic's validators costs more than the whole look-up of a run. Files that ship with the
package are validated when it is built (``tests/catalog/test_data.py`` shows that this construction
gives the same objects); files of the user never come here.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, BeforeValidator

M = TypeVar("M", bound=BaseModel)
Convert = Callable[[Any], Any]


def construct(model: type[M], data: dict[str, Any]) -> M:
    """``data``, known to be valid, as ``model``."""
    converters, defaults = _plan(model)
    values = dict(defaults)
    for key, value in data.items():
        convert = converters.get(key)
        values[key] = value if convert is None or value is None else convert(value)
    built = model.__new__(model)
    object.__setattr__(built, "__dict__", values)
    object.__setattr__(built, "__pydantic_fields_set__", set(data))
    object.__setattr__(built, "__pydantic_extra__", None)
    object.__setattr__(built, "__pydantic_private__", None)
    return built


@cache
def _plan(model: type[BaseModel]) -> tuple[dict[str, Convert], dict[str, Any]]:
    """How to convert each field that needs it, and the defaults in the order of the fields."""
    converters: dict[str, Convert] = {}
    defaults: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        defaults[name] = None if field.is_required() else field.get_default(call_default_factory=True)
        annotation: Any = field.annotation
        if field.metadata:
            annotation = Annotated[(annotation, *field.metadata)]
        convert = _converter(annotation)
        if convert is not None:
            converters[name] = convert
    return converters, defaults


def _converter(annotation: Any) -> Convert | None:
    """None where the value from the file is the value of the record."""
    before: list[Convert] = []
    while get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        before = [cast(Convert, m.func) for m in metadata if isinstance(m, BeforeValidator)] + before
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [_converter(part) for part in get_args(annotation) if part is not type(None)]
        return next((convert for convert in inner if convert is not None), None)
    if get_origin(annotation) is tuple:
        element = _converter(get_args(annotation)[0])
        return tuple if element is None else lambda items: tuple([element(item) for item in items])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        model = annotation
        if not before:
            return lambda data: construct(model, data)
        return lambda data: construct(model, _through(before, data))
    if annotation is float and before:
        return lambda value: float(value) if type(value) in (int, float) else _through(before, value)
    if annotation is float:
        return float
    return (lambda value: _through(before, value)) if before else None


def _through(functions: list[Convert], value: Any) -> Any:
    for function in functions:
        value = function(value)
    return value
