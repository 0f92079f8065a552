"""From the house's messages to a library's and back, and what a connection refuses to carry.

An in-process transport must refuse what a real connection refuses, or a test would pass in the one and fail
in the other. The checks below are those of h11, which both libraries write HTTP/1.1 with; the messages of
h11 quote the refused value, these do not.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError, UnreachableError
from pytest_apiauth.http.library import Library
from pytest_apiauth.installed import LIBRARIES
from pytest_apiauth.messages import ClientCertificate, NoAnswer, Origin, Request, Response
from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    import httpx

USER_AGENT: Final = "pytest-apiauth"
NOTE: Final = "apiauth_note"
CERTIFICATE: Final = "apiauth_certificate"
"""The extension of a request that has what its sender presents by mutual TLS."""
LONGEST_PATH: Final = 100
"""Characters of a path in a message."""
_TOKEN: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_VALUE: Final = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")
_TARGET: Final = re.compile(rb"[!-~]+")
_PLAIN_TARGET: Final = re.compile(r"[!-~]+")
_LENGTH: Final = re.compile(rb"[0-9]{1,20}")
_BODILESS: Final = frozenset((204, 304))
_OF_CONNECTIONS: Final[tuple[tuple[tuple[type[Exception], ...], str, str], ...]] = (
    ((ConnectionRefusedError, socket.gaierror, ssl.SSLError), "ConnectError", ""),
    ((ConnectionAbortedError,), "RemoteProtocolError", "Server disconnected without sending a response."),
    ((ConnectionError,), "ReadError", ""),
    ((TimeoutError,), "ReadTimeout", "The read operation timed out"),
)
"""What happens to a connection, by the standard library's errors; how httpx and httpx2 call it and say it."""


class NotSendable(ApiAuthError):
    """A request that no HTTP/1.1 connection can carry, such as one with a line break in a header."""


def obstacle(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> str | None:
    """Return the reason why a connection refuses a request, without quoting it, or None."""
    if _TOKEN.fullmatch(method) is None:
        return "illegal method"
    if _TARGET.fullmatch(target) is None:
        return "illegal request target"
    lengths: set[bytes] = set()
    hosts = 0
    codings: list[bytes] = []
    for name, value in headers:
        if _TOKEN.fullmatch(name) is None:
            return "illegal header name"
        if _VALUE.fullmatch(value) is None:
            return f"illegal value of header {name.decode()}"
        lowered = name.lower()
        if lowered == b"host":
            hosts += 1
        elif lowered == b"content-length":
            lengths.update(length.strip() for length in value.split(b","))
        elif lowered == b"transfer-encoding":
            codings.append(value.lower())
    if hosts != 1:
        return f"{hosts or 'no'} Host headers" if hosts else "no Host header"
    return _wrong_framing(lengths, codings, body)


def _wrong_framing(lengths: set[bytes], codings: list[bytes], body: bytes) -> str | None:
    if len(lengths) > 1:
        return "conflicting Content-Length headers"
    if codings not in ([], [b"chunked"]):
        return "a Transfer-Encoding other than chunked"
    for length in lengths:
        if _LENGTH.fullmatch(length) is None:
            return "illegal Content-Length"
        if not codings and int(length) != len(body):
            return "a Content-Length other than the body's"
    if body and not lengths and not codings:
        return "a body without Content-Length"
    return None


def raw_target(request: httpx.Request) -> bytes:
    """Return the request target as it travels: an edited one comes as an extension, unnormalised."""
    target: bytes | str = request.extensions.get("target") or request.url.raw_path
    return target.encode("ascii", "replace") if isinstance(target, str) else target


def received(request: httpx.Request, body: bytes) -> Request:
    """Read a library's request as the server it arrives at would."""
    target = raw_target(request) if "target" in request.extensions else None
    url = request.url
    # Put together by hand: the text of a URL may contain a user name and password, which never travel in it.
    place = f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}"
    lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    text = None if target is None else target.decode("latin-1")
    certificate: ClientCertificate | None = request.extensions.get(CERTIFICATE)
    return Request(request.method, place, lines, body, text, client_certificate=certificate)


def to_library_response(library: Library, answer: Response, request: httpx.Request) -> httpx.Response:
    """Return an answer as the library's transport would. Raises the library's read time-out if it comes too late."""
    if answer.delay:
        _refuse_late(library, answer, request)
    body = b"" if request.method == "HEAD" or answer.status in _BODILESS else answer.body
    extensions = {"http_version": b"HTTP/1.1"}
    if answer.reason:
        extensions["reason_phrase"] = answer.reason.encode("latin-1")
    if answer.note:
        extensions[NOTE] = answer.note.encode()
    stream: Any = library.byte_stream(body)
    if answer.is_cut_off:
        stream = library.bind(CutOffStream, "SyncByteStream", "AsyncByteStream")(library, body, answer)
    return library.response(
        answer.status,
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers],
        stream=stream,
        extensions=extensions,
    )


class CutOffStream:
    """A body whose connection ends before it does."""

    def __init__(self, library: Library, body: bytes, answer: Response) -> None:
        self._body = body
        # As h11 says it, which both libraries read HTTP/1.1 with.
        self._error = library.module.RemoteProtocolError(
            "peer closed connection without sending complete message body"
            f" (received {len(body)} bytes, expected {answer.header('content-length')})"
        )

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise self._error


def in_place_of_answer(library: Library, absent: NoAnswer) -> Exception:
    """Return what a library raises in the place of an answer.

    Its own for what happens to a connection, in the words that it has for it, and for an error of the other library;
    any other error is the test's, as it is.
    """
    error = absent.error
    for kinds, name, message in _OF_CONNECTIONS:
        if isinstance(error, kinds):
            raised: Exception = getattr(library.module, name)(message or str(error))
            return raised
    home = type(error).__module__.partition(".")[0]
    if home in LIBRARIES and home != library.name and hasattr(library.module, type(error).__name__):
        return getattr(library.module, type(error).__name__)(str(error))  # type: ignore[no-any-return]
    return error


def _refuse_late(library: Library, answer: Response, request: httpx.Request) -> None:
    patience = request.extensions.get("timeout", {}).get("read")
    if patience is not None and answer.delay > patience:
        raise library.module.ReadTimeout("The read operation timed out")


def to_library_request(library: Library, message: Request, extensions: dict[str, Any]) -> httpx.Request:
    """Return a message as the library's request, every header line and the target exactly as they are.

    Only what HTTP/1.1 cannot do without is added: Host and Content-Length; and a User-Agent, since some
    gateways refuse requests that have none. Raises NotSendable.
    """
    try:
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in message.headers]
        target = None if message.target is None else message.target.encode("latin-1")
    except UnicodeEncodeError:
        raise NotSendable("not sendable: a character that is no byte") from None
    if message.header("user-agent") is None:
        lines.append((b"User-Agent", USER_AGENT.encode()))
    # A query may hold a key or a code, and no secret is kept in one more place.
    is_plain = "?" not in message.url and "@" not in message.url
    try:
        url = library.parsed(message.url) if is_plain else message.url
        request = library.request(
            message.method, url, headers=lines, content=message.body or None, extensions=extensions
        )
    except (library.invalid_url, UnicodeError, ValueError):
        raise NotSendable("not sendable: not a URL") from None
    # The library writes methods in capitals; what was meant is what travels.
    request.method = message.method
    if target is None:
        parts = urlsplit(message.url)
        meant = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # The library resolves dot segments; what it must percent-encode is left to it.
        if _PLAIN_TARGET.fullmatch(meant) is not None and meant.encode() != request.url.raw_path:
            target = meant.encode()
    if target is not None:
        request.extensions["target"] = target
    if message.client_certificate is not None:
        request.extensions[CERTIFICATE] = message.client_certificate
    return request


def refuse_unsendable(request: httpx.Request, body: bytes) -> str | None:
    """Return the reason why a connection refuses a library's request, or None."""
    method = request.method.encode("ascii", "replace")
    return obstacle(method, raw_target(request), request.headers.raw, body)


def from_library_response(response: httpx.Response, body: bytes) -> Response:
    """Read a library's response, its body decoded."""
    lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    note: bytes = response.extensions.get(NOTE, b"")
    return Response(response.status_code, lines, body, response.reason_phrase, note.decode())


def endpoint(message: Request, redactor: Redactor) -> str:
    """Name where a request goes, for a message: its origin and its path, without the query and without a secret."""
    return f"{Origin.of(message.url)}{one_line(redactor.redact(message.path), LONGEST_PATH)}"


def unreachable(profile: str, message: Request, error: Exception, redactor: Redactor) -> UnreachableError:
    """Say in one line that no answer came, and why."""
    reason = one_line(redactor.redact(str(error))) or "no details"
    place = endpoint(message, redactor)
    return UnreachableError(f"{profile}: {place}: no answer ({type(error).__name__}: {reason})")
