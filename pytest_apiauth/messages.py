"""HTTP messages in the house's own words, so that no room but ``http`` knows an HTTP library.

Header names and values are ``str`` whose characters stand for bytes 0x00 to 0xFF (ISO-8859-1), the
way HTTP/1.1 itself treats them (RFC 9110 5.5).
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    from ssl import SSLContext

Headers = tuple[tuple[str, str], ...]
FROM_GATEWAYS = (502, 503, 504, *range(520, 528), 530)
"""What a gateway answers in the place of the server behind it (RFC 9110 15.6.3 to 15.6.5); from 520 on Cloudflare."""
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}|.*[^\x00-\x7f].*", re.IGNORECASE)
"""One name between the dots of a host; what an internationalised one becomes is for the HTTP library."""
MOST_VALUES: Final = 500_000
"""Values and names of JSON that are read of an answer."""
_LARGE: Final = 4_000_000
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""An escape of JSON: two halves of a letter, half of one (its group), or any other."""
LONGEST_TYPE: Final = 80
"""Characters of a media type that are shown."""


def _values(headers: Headers, name: str) -> list[str]:
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


@dataclass(frozen=True, slots=True, repr=False)
class ClientCertificate:
    """What the sender of a request presents by mutual TLS (RFC 8705), or has presented to a server that received it.

    ``chain`` is in PEM, its own certificate first. ``load`` puts it into a TLS context with its key, of which there is
    nothing here; one that was received has none.

    Example::

        assert "BEGIN CERTIFICATE" in apiauth_server.requests[-1].client_certificate.chain
    """

    chain: str
    load: Callable[[SSLContext], None] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request. Its ``repr`` shows method and path only, since headers and body hold secrets.

    >>> request = Request("GET", "https://api.example/cards?page=2", (("Accept", "application/json"),))
    >>> request.path, request.query, request.header("accept")
    ('/cards', 'page=2', 'application/json')
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    target: str | None = None
    """The raw request target, if the path must travel unnormalised (``/a/../b``)."""
    version: str = field(default="1.1", compare=False)
    """The version of HTTP it came in, if a server received it."""
    connection: int = field(default=0, compare=False)
    """The number of the connection it came on; 0 if it came on none."""
    is_of_login: bool = field(default=False, compare=False)
    """Whether a script that logs in has made it: passwords and sessions are in it, and no tape is to have it."""
    client_certificate: ClientCertificate | None = field(default=None, compare=False)
    """What its sender presents by mutual TLS, if anything."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header field, or None."""
        found = _values(self.headers, name)
        return found[0] if found else None

    def header_lines(self, name: str) -> list[str]:
        """Return every line of a header field, in order."""
        return _values(self.headers, name)

    @property
    def path(self) -> str:
        """The path as it travels, undecoded, without the query."""
        if self.target is not None:
            return self.target.partition("?")[0]
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> str:
        """The query as it travels, undecoded, without the question mark."""
        if self.target is not None:
            return self.target.partition("?")[2]
        return urlsplit(self.url).query

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters, decoded; of one that comes several times, the first.

        >>> Request("GET", "https://api.example/items?page=2&label=My%20company").params
        {'page': '2', 'label': 'My company'}
        """
        return _first_values(self.query)

    def json(self) -> Any:
        """Parse the body as JSON. Raises ValueError if it is none.

        >>> Request("POST", "https://api.example/items", body=b'{"label": "new"}').json()["label"]
        'new'
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            # Not quoted: it may hold a secret.
            media_type = (self.header("content-type") or "no Content-Type").partition(";")[0]
            shown = one_line(media_type, LONGEST_TYPE)
        raise ValueError(f"{self.method} {self.path}: a body of {len(self.body)} bytes that is no JSON ({shown})")

    def form(self) -> dict[str, str]:
        """Read the body as a form, ``application/x-www-form-urlencoded``; of a field that comes twice, the first.

        >>> Request("POST", "https://api.example/token", body=b"grant_type=password&username=ada").form()
        {'grant_type': 'password', 'username': 'ada'}
        """
        return _first_values(self.body.decode("utf-8", "replace"))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


def _first_values(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found.setdefault(name, value)
    return found


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """One answer. Its ``repr`` shows the status only.

    >>> response = Response(200, (("Content-Type", "application/json"),), b'{"total": 3}')
    >>> response.json(), response.media_type
    ({'total': 3}, 'application/json')
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    reason: str = field(default="", compare=False)
    note: str = field(default="", compare=False)
    """What is known of how an app in this process came to a server error: the exception it raised."""
    delay: float = field(default=0.0, compare=False)
    """Seconds that a double says it took, which nobody waits for: a client with less patience gives up."""
    is_cut_off: bool = field(default=False, compare=False)
    """Whether the connection ends after this body, which is shorter than its ``Content-Length``."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header field, or None."""
        found = _values(self.headers, name)
        return found[0] if found else None

    def header_lines(self, name: str) -> list[str]:
        """Return every line of a header field, in order."""
        return _values(self.headers, name)

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty when there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    def json(self) -> object:
        """Parse the body as JSON, or return None if it is none.

        Decoding is by content and not by label: whether the label is right is for rules to say. One of very many values
        is none, since each takes ten times its size in memory.
        """
        if has_more_values(self.body, MOST_VALUES):
            return None
        try:
            # A single letter of a large text can make all of it four times as large. What is looked for in so large an
            # answer is ASCII, and stays as it is.
            text = self.body.decode(json.detect_encoding(self.body) if len(self.body) < _LARGE else "latin-1")
            if "\\ud" in text or "\\uD" in text:
                # Half of a letter can be put into no request and no file (RFC 8259 8.2).
                text = _ESCAPE.sub(lambda found: "\\ufffd" if found[1] else found[0], text)
            return json.loads(text)
        except (ValueError, RecursionError):
            return None

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


class NoAnswer(Exception):
    """What a double does in the place of an answer, if a test asks for it.

    ``error`` is what the caller's library is to raise. One of the standard library's about a connection stands for the
    library's own: `TimeoutError`, `ConnectionRefusedError`, `ConnectionResetError` and the like, `socket.gaierror`,
    `ssl.SSLError`. Any other is raised as it is.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.error = error


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a URL (RFC 6454 4), with the default port filled in.

    >>> print(Origin.of("https://API.example/cards"), Origin.of("http://127.0.0.1:8000").is_loopback)
    https://api.example True
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Read the origin of an absolute URL. Raises ValueError if it has none."""
        parts = urlsplit(url)
        if not parts.scheme or not parts.hostname:
            raise ValueError(f"{url!r} is not an absolute URL")
        scheme = parts.scheme.lower()
        port = parts.port or {"https": 443, "http": 80}.get(scheme, 0)
        return cls(scheme, parts.hostname.lower().rstrip("."), port)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by name or by number (127.0.0.0/8, ::1)."""
        return self.host == "localhost" or _is_loopback_address(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}.get(self.scheme)
        return f"{self.scheme}://{host}" + ("" if self.port == usual else f":{self.port}")


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parts_of(url: str) -> SplitResult:
    """Take apart a URL that somebody else has written; one that is none has no parts.

    >>> parts_of("https://api.example/cards").path, parts_of("http://[::::]/").netloc
    ('/cards', '')
    """
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def joined(base: str, place: str) -> str:
    """Return where a reference leads from a URL (RFC 3986 5.2); one that is none stays as it is.

    >>> joined("https://api.example/cards", "/login"), joined("https://api.example/", "http://[::::]/")
    ('https://api.example/login', 'http://[::::]/')
    """
    try:
        return urljoin(base, place)
    except ValueError:
        return place


def why_not_a_url(text: str) -> str | None:
    """Return what a text is, where it is no absolute http or https URL that a request can go to; else None.

    The text is not quoted: it may be a secret in the wrong place. The standard library reads URLs leniently, drops
    tabs and line breaks, and takes any host.
    """
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        return "one with a blank or a control character in it"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "one whose host or port cannot be read"
    if parts.scheme not in ("https", "http") or not host:
        return "something else"
    if port == 0:
        return "one with port 0"
    return _why_not_a_host(host)


def _why_not_a_host(host: str) -> str | None:
    labels = host.removesuffix(".").split(".")
    # A host whose last label is a number is an IPv4 address or nothing (https://url.spec.whatwg.org/#host-parsing).
    if ":" in host or labels[-1].isdecimal():
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return "one whose host looks like an IP address and is none"
        return None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "one whose host is no name"
    return None


def pairs(headers: Iterable[tuple[str, str]]) -> Headers:
    """Freeze header lines."""
    return tuple((name, value) for name, value in headers)


def has_more_values(body: bytes, most: int) -> bool:
    """Whether JSON may hold more than so many values and names, told by its commas, colons and brackets.

    >>> has_more_values(b"[[], []]", 2), has_more_values(b"[1, 2]", 2)
    (True, False)
    """
    return len(body) > most and sum(body.count(mark) for mark in (b",", b":", b"[", b"{")) > most


def described(response: Response) -> str:
    """Name an answer by status, OAuth error code and media type, and an app's exception; never by its content."""
    try:
        words = f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        words = str(response.status)
    body = response.json()
    code = body.get("error") if isinstance(body, dict) else None
    if isinstance(code, str) and code.replace("_", "").isalnum() and len(code) < 40:
        words = f"{words} ({code})"
    elif response.media_type:
        words = f"{words} ({one_line(response.media_type, LONGEST_TYPE)})"
    return f"{words}: {one_line(response.note)}" if response.note else words


def listed(statuses: Iterable[int]) -> str:
    """Name statuses as a person does: 400, 401 or 403."""
    *words, last = map(str, statuses)
    return f"{', '.join(words)} or {last}" if words else last
