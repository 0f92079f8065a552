"""Records as plain JSON data, and plain JSON data as records: the only place that knows both.

Theory of operation. What a member may hold is said once, by the types of the dataclasses in
`pytest_apiauth.report.record`; writing and reading follow them. Members keep the order of the fields. One that is
marked ``BARE`` is left out while it is empty. Reading checks every member: data that are not such a record raise
`DamagedError`, whose one line says which member is wrong and never what stands there, since that is foreign text.
Members that are not known are passed over: a later report of the same version may have more.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
WORDS: Final = {str: "text", int: "a number", float: "a number", bool: "true or false", type(None): "nothing"}


class DamagedError(ValueError):
    """Plain data are no record: one line that names the member."""


def written(value: object) -> Any:
    """Return a record, or what a member of one holds, as plain JSON data.

    >>> from pytest_apiauth.report.record import Rows
    >>> written(Rows(tried=3, failed=1))
    {'tried': 3, 'failed': 1, 'not_judged': 0}
    """
    if is_dataclass(value):
        members = ((member, getattr(value, member.name)) for member in fields(value))
        return {member.name: written(held) for member, held in members if held or not member.metadata.get("bare")}
    if isinstance(value, tuple):
        return [written(each) for each in value]
    if isinstance(value, dict):
        return {name: written(each) for name, each in value.items()}
    return value


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return plain JSON data, names of members included, with every text changed.

    >>> changed({"a": ["b", 1]}, str.upper)
    {'A': ['B', 1]}
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [changed(each, change) for each in value]
    if isinstance(value, dict):
        return {change(name): changed(each, change) for name, each in value.items()}
    return value


def read(kind: type[Record], data: object) -> Record:
    """Return plain JSON data as a record of this kind. Raises DamagedError if they are none.

    >>> from pytest_apiauth.report.record import Rows
    >>> read(Rows, {"tried": 3, "failed": 1})
    Rows(tried=3, failed=1, not_judged=0)
    >>> read(Rows, {"tried": "many"})
    Traceback (most recent call last):
        ...
    pytest_apiauth.report.plain.DamagedError: tried: expected a number, got text
    """
    return cast(Record, _reader(cast(Any, kind))(data, ""))


@cache
def _reader(kind: Any) -> Callable[[Any, str], object]:
    """Return what reads a value of one type; it is told where the value stands."""
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _record_reader(cast(Any, kind))
    if origin is Literal:
        return _literal_reader(arguments)
    if origin in (Union, types.UnionType):
        return _union_reader(arguments)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda data, place: tuple(
            item(each, f"{place}[{number}]") for number, each in enumerate(_checked(data, list, "a list", place))
        )
    if origin is dict:
        name, held = map(_reader, arguments)
        return lambda data, place: {
            name(each, place): held(value, place) for each, value in _checked(data, dict, "an object", place).items()
        }
    return lambda data, place: _checked(data, kind, WORDS[kind], place)


def _record_reader(kind: Any) -> Callable[[Any, str], object]:
    hints = get_type_hints(kind)
    members: list[tuple[Field[Any], Callable[[Any, str], object]]] = [
        (member, _reader(hints[member.name])) for member in fields(kind)
    ]

    def read_record(data: Any, place: str) -> object:
        _checked(data, dict, "an object", place)
        found = {}
        for member, reader in members:
            if member.name in data:
                found[member.name] = reader(data[member.name], _inside(place, member.name))
            elif member.default is MISSING and member.default_factory is MISSING:
                raise DamagedError(f"{_inside(place, member.name)}: is missing")
        return kind(**found)

    return read_record


def _literal_reader(allowed: tuple[object, ...]) -> Callable[[Any, str], object]:
    def read_literal(data: Any, place: str) -> object:
        if not any(type(data) is type(each) and data == each for each in allowed):
            raise DamagedError(f"{place}: expected {', '.join(map(str, allowed))}")
        return data

    return read_literal


def _union_reader(kinds: tuple[Any, ...]) -> Callable[[Any, str], object]:
    """Read what may be missing (``X | None``), or one of more words."""
    if type(None) not in kinds:
        return _literal_reader(tuple(each for kind in kinds for each in get_args(kind)))
    (kind,) = (each for each in kinds if each is not type(None))
    reader = _reader(kind)
    return lambda data, place: None if data is None else reader(data, place)


def _checked(data: Any, kind: Any, words: str, place: str) -> Any:
    """Return data of a type; a whole number is a number too, and ``true`` is none."""
    kinds = (int, float) if kind is float else kind
    if not isinstance(data, kinds) or (isinstance(data, bool) and kind is not bool):
        got = WORDS.get(type(data), "a list" if isinstance(data, list) else "an object")
        raise DamagedError(f"{place or 'the record'}: expected {words}, got {got}")
    return data


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
