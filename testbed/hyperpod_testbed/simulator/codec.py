"""Arguments and results of verbs as JSON, by the annotations of the verb itself."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any


def encode(value: Any) -> Any:
    """A value as JSON can carry it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: encode(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def bound(method: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call by name; TypeError for what the method does not take. `method` has a `self`."""
    arguments = inspect.signature(method).bind(None, *args, **kwargs).arguments
    found: dict[str, Any] = {}
    for name, value in list(arguments.items())[1:]:
        if inspect.signature(method).parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        else:
            found[name] = value
    return {name: encode(value) for name, value in found.items()}


def decode_arguments(method: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    """Arguments that came as JSON, as the types that the method takes."""
    hints = _hints(method)
    return {name: _decode(hints.get(name, Any), value) for name, value in values.items()}


def decode_result(method: Callable[..., Any], value: Any) -> Any:
    """A result that came as JSON, as the type that the method returns."""
    return _decode(_hints(method).get("return", Any), value)


def _decode(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return hint(**value)
    if typing.get_origin(hint) is list and isinstance(value, list):
        (item,) = typing.get_args(hint)
        return [_decode(item, one) for one in value]
    return value


@functools.cache
def _hints(method: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(method)
