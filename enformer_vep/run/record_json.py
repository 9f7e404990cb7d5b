"""Records as JSON: every record is written by one function, and read strictly by one.

A record is a frozen dataclass of identities and of the settings themselves. So a new setting is written, compared and
read without another line, unless `run.settings` declares it as one that no record has.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from enformer_vep.genome.saturation import SaturatedBases
from enformer_vep.genome.scored_bins import ScoredBins
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.windows import IndelPolicy, Placement
from enformer_vep.run.settings import RECORDED_AS, RECORDED_BY
from enformer_vep.scoring import STATISTICS, Statistic

T = TypeVar("T")

_TEXT_FORMS: Mapping[Any, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    IndelPolicy: (attrgetter("value"), IndelPolicy),
    Placement: (str, Placement.parse),
    ScoredBins: (str, ScoredBins.parse),
    Statistic: (attrgetter("name"), STATISTICS.__getitem__),
}
"""How values are written that are one text, and how they are read."""

_IMPORTED_LATE = {kind.__name__: kind for kind in (ScoredBins, Statistic, ViewSettings, SaturatedBases)}
"""Types that the modules of settings name in annotations alone, as they need NumPy."""

_FLAT, _WITHOUT, _OMITTED_IF_NONE = "flat", "without", "omitted_if_none"

OPTIONAL: Mapping[str, Any] = {_OMITTED_IF_NONE: True}
"""Metadata of a field without a default that is not written if it is None."""


def flat(*without: str) -> Mapping[str, Any]:
    """Returns the metadata of a field whose items are written among those of the record that it is in.

    Args:
      *without: names of its fields that this record does not have.
    """
    return {_FLAT: True, _WITHOUT: without}


def nested(*without: str) -> Mapping[str, Any]:
    """Returns the metadata of a field of which the record does not have the fields that are named."""
    return {_WITHOUT: without}


def to_json_values(record: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Returns a record as JSON values, without the items whose value and default are None.

    Items have the order of the fields, but those come first that the record's class names in `KEY_ORDER`.

    Args:
      record: a dataclass.
      without: names of fields that are left out.
    """
    values: dict[str, Any] = {}
    for item in _recorded(type(record)):
        value = getattr(record, item.name)
        if item.name in without or (value is None and _is_optional(item)):
            continue
        if item.metadata.get(_FLAT):
            values |= to_json_values(value, item.metadata[_WITHOUT])
        else:
            values[_key(item)] = _plain(value, item.metadata.get(_WITHOUT, ()))
    order: tuple[str, ...] = getattr(record, "KEY_ORDER", ())
    first = {key: values[key] for key in order if key in values}
    return first | values


def _plain(value: Any, without: tuple[str, ...] = ()) -> Any:
    if type(value) in _TEXT_FORMS:
        return _TEXT_FORMS[type(value)][0](value)
    if is_dataclass(value):
        return to_json_values(value, without)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def from_json_values(kind: type[T], values: Any, name: str = "") -> T:
    """Returns the record of the values that `to_json_values` returned.

    Args:
      kind: a dataclass of numbers, text, None, Any, dictionaries, tuples, what has a text form and other such
        dataclasses.
      values: the JSON values.
      name: the item's name as a path with dots, for messages.

    Raises:
      ValueError: an item is missing, unknown or of another type; the message names it.
    """
    record: T = _read(kind, values, name)
    return record


def _read(kind: Any, value: Any, name: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if kind in _TEXT_FORMS:
        return _read_text(kind, value, name)
    if is_dataclass(kind):
        return _read_dataclass(kind, value, name)
    if origin in (Union, UnionType):
        (other,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _read(other, value, name)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], item, name) for item in value)
    if origin is dict and isinstance(value, dict):
        return {key: _read(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if value not in arguments if origin is Literal else type(value) is not kind:
        raise ValueError(f"{name} is {value!r}")
    return value


def _read_text(kind: Any, value: Any, name: str) -> Any:
    try:
        return _TEXT_FORMS[kind][1](value)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{name} is {value!r}") from error


def _read_dataclass(kind: Any, value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {value!r}" if name else "expected a JSON object")
    unread = dict(value)
    record = _take(kind, unread, name)
    for key in unread:
        raise ValueError(f"{_path(name, key)} is unknown")
    return record


def _take(kind: Any, unread: dict[str, Any], name: str) -> Any:
    """Returns a dataclass, and removes its items from those that are not read yet."""
    types, items = _types(kind), {}
    for item in _recorded(kind):
        key = _key(item)
        if item.metadata.get(_FLAT):
            items[item.name] = _take_flat(types[item.name], unread, name)
        elif key in unread:
            items[item.name] = _read(types[item.name], unread.pop(key), _path(name, key))
        elif _is_optional(item):
            items[item.name] = None
        else:
            raise ValueError(f"{_path(name, key)} is missing")
    return kind(**items)


def _take_flat(kind: Any, unread: dict[str, Any], name: str) -> Any:
    if is_dataclass(kind):
        return _take(kind, unread, name)
    kinds = {each: len(unread.keys() & map(_key, _recorded(each))) for each in get_args(kind) if each is not NoneType}
    closest = max(kinds, key=kinds.__getitem__)
    return _take(closest, unread, name) if kinds[closest] else None


def _recorded(kind: Any) -> list[Field[Any]]:
    return [item for item in fields(kind) if RECORDED_BY not in item.metadata]


def _key(item: Field[Any]) -> str:
    key: str = item.metadata.get(RECORDED_AS, item.name)
    return key


def _is_optional(item: Field[Any]) -> bool:
    return item.default is None or _OMITTED_IF_NONE in item.metadata


@cache
def _types(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, localns=_IMPORTED_LATE)


def _path(name: str, key: str) -> str:
    return f"{name}.{key}".lstrip(".")


class Difference(NamedTuple):
    """An item in which two records differ: its name as a path with dots, and both values, None for no such item."""

    item: str
    first: Any
    second: Any


def find_differences(first: Any, second: Any, name: str = "") -> list[Difference]:
    """Returns the items in which two values of JSON differ, those within dictionaries by themselves."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return [] if first == second else [Difference(name, first, second)]
    return [
        difference
        for key in {**second, **first}
        for difference in find_differences(first.get(key), second.get(key), _path(name, key))
    ]


def record_text(identity: Any, course: Any | None = None) -> bytes:
    """Returns the record of a command that writes its output in one go, as JSON text.

    Args:
      identity: a dataclass of the inputs and settings, which do not depend on where and when the command runs.
      course: a dataclass of where and how it ran. Without it the text is what a file has of its run, which is the same
        for equal runs.
    """
    if course is None:
        return json.dumps(to_json_values(identity)).encode()
    return json.dumps(to_json_values(identity) | to_json_values(course), indent=2).encode() + b"\n"


def is_record_of(path: Path, kind: str) -> bool:
    """Returns whether a file is the record of a run of a command, of any version.

    Args:
      path: the file.
      kind: what the record's item `kind` must be.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("kind") == kind
