"""A browser's part of a login, without I/O: cookies, redirections, and where a form is sent.

A browser is one user's. Its cookies are kept in a jar of the standard library, which knows whose a cookie is
(RFC 6265 5.3). A tab is one way through some pages: it begins with what the user's browser holds, and what it has at
its end is kept for the next one, so that two at the same time do not stand in each other's way.

>>> tab = Tab(new_jar(), Origin.of("https://login.example"))
>>> tab.opening(Request("GET", "https://login.example/authorize")).path
'/authorize'
>>> tab.taken(Response(302, (("Location", "/login"), ("Set-Cookie", "sid=1234; Path=/"))))
>>> request = tab.following(Response(302, (("Location", "/login"),)))
>>> request.url, tab.opening(request).header("Cookie")
('https://login.example/login', 'sid=1234')
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request as Asked

from pytest_apiauth.messages import Headers, Origin, Request, Response, joined, parts_of, why_not_a_url
from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    from http.client import HTTPResponse

FORM: Final = "application/x-www-form-urlencoded"
REDIRECTS: Final = (301, 302, 303, 307, 308)
KEEPS_METHOD: Final = (307, 308)
ACCEPT: Final = ("Accept", "text/html")
LONGEST_URL: Final = 60_000
"""Characters of a URL that a login goes to: the HTTP libraries send no longer ones."""
MOST_FAILURES: Final = 3
"""How often a login that worked before may fail before nobody tries any more."""


class Stopped(Exception):
    """A person does not know what to do next; the message says why."""


class Failed(Stopped):
    """A login has failed."""


def new_jar(cookies: Iterable[Cookie] = ()) -> CookieJar:
    """Return a jar with some cookies in it.

    In clear nothing leaves but for a machine that the profile trusts, and to this one browsers give cookies that are
    marked as secure, too.
    """
    jar = CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))
    for cookie in cookies:
        jar.set_cookie(cookie)
    return jar


@dataclass(slots=True)
class Browser:
    """What the browser of one user holds, and how logins in it have gone."""

    jar: CookieJar = field(default_factory=new_jar)
    has_arrived: bool = False
    """Whether a login in it has come to its end once."""
    refused: str = ""
    """Why nobody tries any more."""
    failures: int = 0

    def arrive(self) -> None:
        """Take note of a login that has come to its end."""
        self.has_arrived, self.failures = True, 0

    def fail(self, reason: str) -> Failed:
        """Count a login that has failed, and return why nobody goes on."""
        self.failures += 1
        if not self.has_arrived or self.failures >= MOST_FAILURES:
            self.refused = reason
        return Failed(reason)

    def give_up_if_refused(self) -> None:
        """Raise Stopped if a login is not to be tried again."""
        if self.refused:
            raise Stopped(f"{self.refused}; nobody has tried again")


@dataclass(slots=True)
class Tab:
    """One way through the pages of a login."""

    jar: CookieJar
    home: Origin
    """Where it begins."""
    session: Headers = ()
    """Header lines with a session that was given, for the origin where it begins and no other."""
    url: str = ""
    """Where it is."""
    method: str = ""
    body: bytes = b""
    opened: int = 0
    """How many requests it has made."""

    def opening(self, request: Request) -> Request:
        """Return a request with what goes with it, and be there."""
        asked = Asked(_plain(request.url), method=request.method)
        self.jar.add_cookie_header(asked)
        session = self.session if Origin.of(request.url) == self.home else ()
        cookies = [asked.get_header("Cookie", ""), *(value for name, value in session if name == "Cookie")]
        cookie = "; ".join(filter(None, cookies))
        lines = (*(line for line in session if line[0] != "Cookie"), *((("Cookie", cookie),) if cookie else ()))
        self.url, self.method, self.body, self.opened = request.url, request.method, request.body, self.opened + 1
        return Request(request.method, request.url, (*request.headers, *lines), request.body, is_of_login=True)

    def taken(self, response: Response) -> None:
        """Keep the cookies of an answer."""
        lines = Message()
        for value in response.header_lines("set-cookie"):
            lines["Set-Cookie"] = value
        self.jar.extract_cookies(cast("HTTPResponse", _Answer(lines)), Asked(_plain(self.url)))

    def landing(self, response: Response) -> str:
        """Return the absolute URL that an answer redirects to; empty if it redirects nowhere."""
        location = response.header("location")
        if response.status not in REDIRECTS or location is None:
            return ""
        return joined(self.url, location)

    def following(self, response: Response) -> Request:
        """Return the request that a redirection leads to (RFC 9110 15.4)."""
        url = self.landing(response).partition("#")[0]
        if response.status in KEEPS_METHOD and self.method != "GET":
            return self.submitting(url, self.method, self.body)
        return Request("GET", url, (ACCEPT,))

    def sending(self, action: str, method: str, pairs: list[tuple[str, str]]) -> Request:
        """Return the request with which a form is sent (HTML 4.10.22.3)."""
        url = joined(self.url, action).partition("#")[0]
        if method == "POST":
            return self.submitting(url, method, urlencode(pairs).encode())
        return Request(
            "GET", f"{url.partition('?')[0]}?{urlencode(pairs)}" if pairs else url.partition("?")[0], (ACCEPT,)
        )

    def submitting(self, url: str, method: str, body: bytes) -> Request:
        """Return a request with a form in it, with the lines by which servers tell their own pages from others'."""
        origin = ("Origin", str(Origin.of(self.url)))
        referer = ("Referer", self.url.partition("#")[0])
        return Request(method, url, (ACCEPT, ("Content-Type", FORM), origin, referer), body)


def cookies_for(url: str, response: Response, came_from: str) -> list[tuple[str, str]]:
    """Return the cookies of an answer that a browser would send on to a URL: not those of another host or path.

    >>> answer = Response(200, (("Set-Cookie", "sid=1234; Path=/"), ("Set-Cookie", "old=; Max-Age=0")))
    >>> cookies_for("https://api.example/me", answer, "https://api.example/token")
    [('sid', '1234')]
    >>> cookies_for("https://api.example/me", answer, "https://id.example/token")
    []
    """
    tab = Tab(new_jar(), Origin.of(came_from), url=came_from)
    tab.taken(response)
    line = tab.opening(Request("GET", url)).header("cookie") or ""
    return [(name, value) for name, _, value in (pair.partition("=") for pair in line.split("; ")) if name]


def is_reachable(url: str, origins: Iterable[Origin]) -> bool:
    """Whether a URL leads to one of some origins."""
    return why_not_a_url(url) is None and Origin.of(url) in origins


def check_origin(url: str, origins: Iterable[Origin]) -> None:
    """Raise Stopped if a URL leads to none of some origins, or may do so for a browser."""
    if "\\" in url.partition("?")[0]:
        raise Stopped("leads to a URL with a backslash in it, which browsers read as another one")
    if len(url) > LONGEST_URL:
        raise Stopped(f"leads to a URL of {len(url)} characters")
    if not is_reachable(url, origins):
        parts = parts_of(url)
        place = one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
        raise Stopped(f"leads to {place}, which the profile does not name; login.origins takes it")


def _plain(url: str) -> str:
    """Return a URL without its query, which no cookie depends on."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


class _Answer:
    """An answer as the jar reads it."""

    def __init__(self, lines: Message) -> None:
        self._lines = lines

    def info(self) -> Message:
        """Return its header lines."""
        return self._lines
