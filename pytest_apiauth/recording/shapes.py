"""The shape of recorded answers: status, headers, members and their types; and how two shapes differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from pytest_apiauth.printable import one_line
from pytest_apiauth.recording.tape import request_path

FLEETING_HEADERS: Final = frozenset(
    (
        "date", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "server", "via",
        "age",
    )
)  # fmt: skip
"""Headers of a connection or a moment, not of an answer's shape."""
CONSTANT: Final = ("expires_in", "token_type", "scope", "error")
"""Members whose value is part of the shape."""
LARGEST: Final = 1 << 53
"""Seconds of a lifetime."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer is like, whatever the tokens in it."""

    asked: str
    status: int
    headers: frozenset[str]
    members: Mapping[str, str]
    constants: Mapping[str, object]

    def differences(self, new: Shape) -> Iterator[str]:
        """Say in one line each how a new answer differs from this one."""
        if self.asked != new.asked:
            yield f"{self.asked} became {new.asked}"
            return
        where = self.asked
        if self.status != new.status:
            yield f"{where}: status {self.status} became {new.status}"
        for name in sorted(self.headers - new.headers):
            yield f"{where}: lost header {one_line(name)}"
        for name in sorted(new.headers - self.headers):
            yield f"{where}: new header {one_line(name)}"
        yield from (f"{where}: {change}" for change in self.member_changes(new))
        for name in CONSTANT[1:]:
            before, after = self.constants.get(name), new.constants.get(name)
            if type(before) is type(after) and before != after:
                yield f"{where}: {name} was {one_line(repr(before))}, is {one_line(repr(after))}"

    def member_changes(self, new: Shape, *, slack: float = 0.0) -> Iterator[str]:
        """Say which members came, went, changed their type, and whether the lifetime is another by more than ``slack``.

        ``slack`` is the part of the lifetime by which it may differ.
        """
        for name in sorted({*self.members, *new.members}):
            before, after = self.members.get(name), new.members.get(name)
            if before is None:
                yield f"new member {one_line(name)} ({after})"
            elif after is None:
                yield f"lost member {one_line(name)} ({before})"
            elif before != after:
                yield f"member {one_line(name)} was {before}, is {after}"
        was, now = self.constants.get("expires_in"), new.constants.get("expires_in")
        if _is_number(was) and _is_number(now) and abs(now - was) > slack * was:
            yield f"expires_in was {was}, is {now}"


def shape_of(asked: str, status: int, headers: Mapping[str, Any] | frozenset[str], body: object) -> Shape:
    """Read the shape of an answer; a body that is neither text nor bytes has no members."""
    try:
        members = json.loads(body) if isinstance(body, str | bytes) else None
    except (ValueError, RecursionError):
        members = None
    found = members if isinstance(members, dict) else {}
    names = frozenset(name.lower() for name in headers) - FLEETING_HEADERS
    constants = {name: found[name] for name in CONSTANT if name in found}
    return Shape(asked, status, names, {name: _type(value) for name, value in found.items()}, constants)


def shapes_of(cassette: Mapping[str, Any]) -> list[Shape]:
    """Read the shapes of a cassette's answers, in order."""
    found = []
    for each in cassette["interactions"]:
        request, response = each["request"], each["response"]
        asked = f"{request['method']} {request_path(request['uri'])}"
        asked = one_line(asked)
        body = response["body"].get("string") or ""
        found.append(shape_of(asked, response["status"]["code"], response["headers"], body))
    return found


def differences(old: list[Shape], new: list[Shape]) -> Iterator[str]:
    """Say in one line each how the answers of a new cassette differ from those of an old one."""
    for before, after in zip(old, new, strict=False):
        yield from before.differences(after)
    if len(old) != len(new):
        yield f"{len(old)} exchanges became {len(new)}"


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a lifetime that can be reckoned with: no NaN, nor what no float holds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    kinds = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), type(value).__name__)
