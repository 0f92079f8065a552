"""Requests and answers, neutral of whoever recorded them; and those of vcrpy as such, and back."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pytest_apiauth.recording.contents import CassetteError, coded

Lines = tuple[tuple[str, str], ...]
CODING: Final = "coding"
"""Beside the ``string`` of a recorded body: the content codings that were taken off, so that people can read it.

vcrpy and what else reads cassettes pass over it, and have an answer that was never coded.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer."""

    headers: Lines
    body: bytes
    url: str = ""
    status: int = 0
    """0 in a request."""
    coding: str = ""
    """Content codings of the body, if they were taken off, and the header that named them with them."""

    def header(self, name: str) -> str:
        """Return a header's lines, joined, or nothing."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


def reframed(headers: Lines, length: int, *, is_coded: bool) -> Iterator[tuple[str, str]]:
    """Yield the header lines of a body that was rewritten."""
    for name, value in headers:
        if name.lower() == "content-length":
            yield name, str(length)
        elif is_coded or name.lower() != "content-encoding":
            yield name, value


def request_message(request: Any) -> Message:
    """Read a request of vcrpy."""
    return Message(_lines(request.headers.items()), _bytes(request.body), url=request.uri)


def response_message(response: dict[str, Any]) -> Message:
    """Read an answer of vcrpy."""
    body = _bytes((response.get("body") or {}).get("string"))
    status = (response.get("status") or {}).get("code") or 200
    # Some libraries' recordings name the URL in the answer too.
    return Message(_lines(response.get("headers", {}).items()), body, str(response.get("url") or ""), int(status))


def with_message(request: Any, message: Message) -> Any:
    """Return a request of vcrpy with the content of a message."""
    headers: dict[str, str] = {}
    for name, value in message.headers:
        headers.setdefault(name, value)
    body = message.body if request.body is not None else None
    return type(request)(request.method, message.url, body, headers)


def answer_with(response: dict[str, Any], message: Message, clean: Callable[[str], str]) -> dict[str, Any]:
    """Return an answer of vcrpy with the content of a message, and its reason phrase as ``clean`` leaves it."""
    new = copy.deepcopy(response)
    new["headers"] = _by_name(message.headers)
    if isinstance(new.get("body"), dict):
        new["body"]["string"] = message.body
        if message.coding:
            new["body"][CODING] = message.coding
    if isinstance(new.get("url"), str):
        new["url"] = message.url
    status = new.get("status")
    if isinstance(status, dict) and isinstance(status.get("message"), str):
        status["message"] = clean(status["message"])
    return new


def as_it_came(response: dict[str, Any], *, is_read_coded: bool) -> dict[str, Any]:
    """Return a recorded answer with the content codings that were taken off, and the header that names them.

    ``is_read_coded`` tells that whoever plays it undoes the codings; others have undone them before anything was
    recorded, and see the header alone.
    """
    body = response.get("body") or {}
    coding = body.get(CODING)
    if not isinstance(coding, str) or not isinstance(body.get("string"), bytes):
        return response
    raw = coded(body["string"], coding) if is_read_coded else body["string"]
    if raw is None:
        return response
    headers = (*_lines(response["headers"].items()), ("content-encoding", coding))
    framed = reframed(headers, len(raw), is_coded=True)
    return {**response, "headers": _by_name(framed), "body": {**body, "string": raw}}


def _by_name(lines: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in lines:
        headers.setdefault(name, []).append(value)
    return headers


def _lines(headers: Iterable[tuple[str, Any]]) -> Lines:
    return tuple(
        (str(name), _text(value))
        for name, values in headers
        for value in (values if isinstance(values, list | tuple) else (values,))
    )


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if isinstance(body, dict | list):
        # As vcrpy keeps what aiohttp was given, of which it does not say whether it was sent as a form or as JSON.
        return json.dumps(body, default=_text).encode()
    if hasattr(body, "read"):
        data = body.read()
        body.seek(0)
        return _bytes(data)
    if isinstance(body, Iterator):
        # vcrpy makes a new one each time it is asked.
        return b"".join(map(_bytes, body))
    raise CassetteError(f"a body of type {type(body).__name__} cannot be looked into; send bytes, text, a form or JSON")
