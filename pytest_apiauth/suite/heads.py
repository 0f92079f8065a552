"""An answer in a few lines that may be shown to anybody: its head, and what its body is, never what it says.

A live run's answers hold what belongs to somebody. So of a body only the error that it names is shown, in the words of
RFC 6749 5.2 and RFC 9457, beside the names and types of the other members; of headers only those that authentication
has to do with, and of cookies and locations no value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final

from pytest_apiauth.messages import Response
from pytest_apiauth.printable import one_line

SHOWN: Final = ("WWW-Authenticate", "Content-Type", "Cache-Control", "Pragma", "Vary", "Allow", "Retry-After")
ERRORS: Final = frozenset({"error", "error_description", "error_uri", "title", "status", "detail", "code", "message"})
"""Members whose values say what is wrong, where the answer is an error."""
MOST_MEMBERS: Final = 8
LONG_PIECE: Final = 20
"""Characters of a piece of a path."""
LONGEST_LINE: Final = 300


def head_of(response: Response, redact: Callable[[str], str]) -> tuple[str, ...]:
    """Return the lines of an answer, redacted and fit for a terminal."""
    return tuple(one_line(redact(line), LONGEST_LINE) for line in _lines(response))


def _lines(response: Response) -> Iterator[str]:
    try:
        yield f"HTTP {response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        yield f"HTTP {response.status}"
    for name in SHOWN:
        yield from (f"{name}: {value}" for value in response.header_lines(name))
    for value in response.header_lines("location"):
        path = value.partition("?")[0].partition("#")[0].split("/")
        # What is long in a path may be a value that opens something: a link that was mailed.
        yield f"Location: {'/'.join(piece if len(piece) < LONG_PIECE or '.' in piece else '…' for piece in path)}"
    for value in response.header_lines("set-cookie"):
        name, _, rest = value.partition("=")
        attributes = [each.strip() for each in rest.split(";")[1:]]
        yield "; ".join([f"Set-Cookie: {name}=…", *attributes])
    yield from _body(response)


def _body(response: Response) -> Iterator[str]:
    if not response.body:
        yield "(no body)"
        return
    body = response.json()
    if isinstance(body, dict):
        shown = [_member(name, value, is_error=response.status >= 400) for name, value in body.items()]
        more = [f"{len(shown) - MOST_MEMBERS} more"] if len(shown) > MOST_MEMBERS else []
        yield "{" + ", ".join([*shown[:MOST_MEMBERS], *more]) + "}"
    elif isinstance(body, list):
        yield f"[{len(body)} items]"
    else:
        yield f"({len(response.body)} bytes)"


def _member(name: str, value: object, *, is_error: bool) -> str:
    if is_error and name in ERRORS and isinstance(value, str | int):
        return f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
    return f"{json.dumps(name, ensure_ascii=False)}: {_type_of(value)}"


def _type_of(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return "text"
    return {int: "number", float: "number", list: "list", dict: "object"}.get(type(value), "value")
