"""What a test has the double answer: an answer in full, or an exception in the place of one.

A `Reply` is checked when it is made, so that a mistake is told where the test makes it, and not where a client reads
the answer. Nothing in it waits: a delay moves the server's clock, and shows as a time-out to a client whose own read
time-out is shorter.
"""

from __future__ import annotations

import errno
import json as _json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol, TypeAlias, TypedDict, TypeGuard, runtime_checkable

from pytest_apiauth.messages import Headers, NoAnswer, Response

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line
NAME: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_REPACKED: Final = frozenset(("content-encoding", "transfer-encoding", "content-length"))
"""Header fields of another library's answer that are about its body as it travelled, which is decoded by then."""
ABSENT: Final = object()
"""No JSON, which may be null."""
_ERRNO: Final[Mapping[type[OSError], int]] = {
    ConnectionRefusedError: errno.ECONNREFUSED,
    ConnectionResetError: errno.ECONNRESET,
    ConnectionAbortedError: errno.ECONNABORTED,
    BrokenPipeError: errno.EPIPE,
}
GivenHeaders: TypeAlias = Mapping[str, str | int] | Iterable[tuple[str, str | int]]
Seconds: TypeAlias = float | timedelta


class ReplyParts(TypedDict, total=False):
    """What a reply is made of: the arguments of `Reply`, and of ``apiauth_server.respond``."""

    status: int
    json: object
    text: str
    html: str
    content: bytes
    headers: GivenHeaders
    exception: Exception | type[Exception]
    delay: Seconds
    cut_off: int


class Reply:
    """One answer of a test's own.

    ``json``, ``text``, ``html`` or ``content`` is the body, ``headers`` come in addition to its type. ``exception`` is
    raised in the client instead: one of its library's, or one of Python's that stands for it (`TimeoutError`,
    `ConnectionRefusedError`, `ConnectionResetError`). ``delay`` are seconds by which the server's clock moves on; a
    client with less patience sees a time-out. ``cut_off`` are the bytes of the body after which the connection ends.

    >>> Reply(status=429, headers={"Retry-After": 30})
    <Reply 429>
    >>> Reply(json={"id": 9}).response().body
    b'{"id": 9}'

    Raises TypeError or ValueError for what no server could answer.
    """

    def __init__(
        self,
        *,
        status: int | None = None,
        json: object = ABSENT,
        text: str | None = None,
        html: str | None = None,
        content: bytes | None = None,
        headers: GivenHeaders = (),
        exception: Exception | type[Exception] | None = None,
        delay: Seconds = 0.0,
        cut_off: int | None = None,
    ) -> None:
        bodies: dict[str, object] = {"text": text, "html": html, "content": content}
        given = [name for name, value in bodies.items() if value is not None] + ["json"] * (json is not ABSENT)
        if len(given) > 1:
            raise ValueError(f"one body, not {len(given)}: {' and '.join(given)}")
        media_type, body = _body(json, text, html, content)
        lines = _lines(headers)
        if media_type and not any(name.lower() == "content-type" for name, _ in lines):
            lines = (("Content-Type", media_type), *lines)
        if cut_off is not None:
            if not _is_whole(cut_off) or not 0 <= cut_off < len(body):
                raise ValueError(f"cut_off: expected from 0 to {max(len(body) - 1, 0)} of the body's {len(body)} bytes")
            lines = (*lines, ("Content-Length", str(len(body))))
            body = body[:cut_off]
        if exception is not None and (given or status is not None or lines):
            raise ValueError("exception: it comes in the place of an answer, so there is no status, header or body")
        self._exception = None if exception is None else _raisable(exception)
        self._response = Response(
            200 if status is None else checked_status(status, 200),
            lines,
            body,
            delay=in_seconds(delay, "delay"),
            is_cut_off=cut_off is not None,
        )

    @classmethod
    def of(cls, response: Response) -> Reply:
        """Take an answer as it is: an app's."""
        made = cls()
        made._response = response
        return made

    @property
    def delay(self) -> float:
        """The seconds that it takes, by the server's clock."""
        return self._response.delay

    def response(self) -> Response:
        """Return the answer. Raises NoAnswer if an exception is to come in its place."""
        if self._exception is not None:
            raise NoAnswer(_new(self._exception))
        return self._response

    def __repr__(self) -> str:
        return f"<Reply {self._response.status if self._exception is None else _named(self._exception)}>"


@runtime_checkable
class LibraryResponse(Protocol):
    """The answer of an HTTP library: `httpx.Response`, `requests.Response`."""

    @property
    def status_code(self) -> int:
        """The status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields."""

    @property
    def content(self) -> bytes:
        """The body."""


Answered: TypeAlias = Reply | LibraryResponse | Mapping[str, Any] | Sequence[Any] | int | bytes | None
"""What a route's function may return: a reply; JSON, text or bytes for a 200; a status alone; an answer of an HTTP
library; None for what would be answered without the function."""


def as_reply(answered: Answered) -> Reply | None:
    """Read what a route's function has returned. Raises TypeError for what is no answer.

    >>> as_reply({"id": 9}).response().status
    200
    >>> as_reply(204)
    <Reply 204>
    """
    if answered is None or isinstance(answered, Reply):
        return answered
    if isinstance(answered, str):
        return Reply(text=answered)
    if isinstance(answered, bytes):
        return Reply(content=answered)
    if _is_whole(answered):
        return Reply(status=answered)
    if isinstance(answered, Mapping | list):
        return Reply(json=answered)
    if isinstance(answered, LibraryResponse):
        pairs = getattr(answered.headers, "multi_items", answered.headers.items)()
        lines = [(name, value) for name, value in pairs if name.lower() not in _REPACKED]
        return Reply(status=answered.status_code, headers=lines, content=answered.content)
    if hasattr(answered, "__await__"):
        raise TypeError("a route's function is a plain one, not a coroutine: the server answers in its caller's time")
    raise TypeError(
        f"a route's function gave {_article(answered)}; expected a Reply, a dict or a list (JSON), a str, bytes, a"
        " status, a response of httpx, or None for what is answered without it"
    )


def checked_status(status: object, lowest: int) -> int:
    """Return a status that an answer may have. Raises TypeError or ValueError."""
    if isinstance(status, type | BaseException):
        raise TypeError(
            f"expected a status, got {_named(status)}; an exception is asked for by"
            " apiauth_server.respond(METHOD, PATH, exception=…, once=True)"
        )
    if not _is_whole(status):
        raise TypeError(f"expected a status from {lowest} to 599, got {_article(status)}")
    if not lowest <= status <= 599:
        raise ValueError(f"expected a status from {lowest} to 599, got {int(status)}")
    return int(status)


def in_seconds(given: object, name: str) -> float:
    """Return a time in seconds. Raises TypeError or ValueError for one that is none, or lies in the past."""
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{name}: expected seconds or a timedelta, got {_article(given)}")
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name}: expected seconds, from 0 on, got {seconds}")
    return float(seconds)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _body(json: object, text: str | None, html: str | None, content: bytes | None) -> tuple[str, bytes]:
    """Return the media type of a body, and its bytes."""
    if json is not ABSENT:
        try:
            return "application/json", _json.dumps(json).encode()
        except (TypeError, ValueError, RecursionError) as error:
            reason = str(error)
        raise TypeError(f"json: {reason}")
    for name, value in (("text", text), ("html", html)):
        if value is not None:
            if not isinstance(value, str):
                raise TypeError(f"{name}: expected a str, got {_article(value)}")
            return f"text/{'plain' if name == 'text' else name}; charset=utf-8", value.encode()
    if not isinstance(content, bytes | None):
        raise TypeError(f"content: expected bytes, got {_article(content)}; a str is text=…")
    return "", content or b""


def _lines(headers: GivenHeaders) -> Headers:
    """Check header lines: what no connection carries is not told to a client in this process either."""
    lines = []
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        if not isinstance(name, str) or NAME.fullmatch(name) is None:
            raise ValueError("headers: a name that no header field can have")
        if not isinstance(value, str | int) or VALUE.fullmatch(str(value)) is None or not _is_latin(str(value)):
            raise ValueError(f"headers: {name}: a value that no header field can have")
        lines.append((name, str(value)))
    return tuple(lines)


def _is_latin(text: str) -> bool:
    return all(ord(letter) < 256 for letter in text)


def _raisable(exception: object) -> Exception | type[Exception]:
    """Return an exception, or a class of one that can be made. Raises TypeError for what is neither."""
    if isinstance(exception, type) and issubclass(exception, Exception):
        _new(exception)
        return exception
    if isinstance(exception, Exception):
        return exception
    raise TypeError(f"exception: expected an exception or a class of one, got {_article(exception)}")


def _new(exception: Exception | type[Exception]) -> Exception:
    if isinstance(exception, Exception):
        return exception
    number = _ERRNO.get(exception) if issubclass(exception, OSError) else None
    try:
        return exception(number, os.strerror(number)) if number else exception("asked for by the test")
    except TypeError:
        raise TypeError(f"exception: {exception.__name__} takes more than a message; give one that is made") from None


def _named(exception: object) -> str:
    return exception.__name__ if isinstance(exception, type) else type(exception).__name__


def _article(found: object) -> str:
    name = type(found).__name__
    return "None" if found is None else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
