"""Turns frozen dataclasses into what JSON can hold, and back."""

from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json_values(record: Any) -> dict[str, Any]:
    """Returns a dataclass as JSON has it, without the items whose value and default are None."""
    optional = {item.name for item in fields(record) if item.default is None}
    found = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if value is None and item.name in optional:
            continue
        found[item.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_json_values(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def from_json_values(kind: type[T], values: Any, name: str = "") -> T:
    """Makes a dataclass of what `to_json_values` returned.

    Args:
      kind: a dataclass of numbers, text, None, Any, dictionaries, tuples and other such dataclasses.
      values: what JSON has.
      name: the item's name as a path with dots, for messages.

    Raises:
      ValueError: an item is missing, unknown or of another type; the message names it.
    """
    found: T = _parse(kind, values, name)
    return found


def _parse(kind: Any, value: Any, name: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _parse_dataclass(kind, value, name)
    if origin in (Union, UnionType):
        (other,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _parse(other, value, name)
    if origin is tuple and isinstance(value, list):
        return tuple(_parse(arguments[0], item, name) for item in value)
    if origin is dict and isinstance(value, dict):
        return {key: _parse(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r}")
    return value


def _parse_dataclass(kind: Any, value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {value!r}")
    items = {item.name: item for item in fields(kind)}
    for key in value:
        if key not in items:
            raise ValueError(f"{f'{name}.{key}'.lstrip('.')} is unknown")
    for key, item in items.items():
        if key not in value and item.default is MISSING:
            raise ValueError(f"{f'{name}.{key}'.lstrip('.')} is missing")
    types = get_type_hints(kind)
    return kind(**{key: _parse(types[key], item, f"{name}.{key}".lstrip(".")) for key, item in value.items()})
