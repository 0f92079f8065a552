"""The origin guard: no credential leaves for an origin that the profile does not name.

Theory of operation. The guard sits in the transport, the last place before a request leaves, because a
client decides too early: both libraries drop ``Authorization`` on a redirect to another origin, but take every
other header along, an API key too. The guard therefore knows nothing of redirects. It looks at each request
as it leaves. Towards the profile's own origins, over HTTPS (or in clear if the profile allows it), all may
pass. Towards any other place a request passes only if it carries nothing secret: no header that is there to carry a
credential, however it is spelled, no cookie but that place's own, no known value anywhere; bodies are looked through
as `bodies` says. Whatever else is stopped with an error; nothing is stripped, since a request that silently lost its
credentials would give a puzzling answer.

A place is what the connection is made to: scheme, host and port as the library will use them, not as the URL was
written. Two extensions of the libraries make another place of it: a name that TLS is to vouch for instead of the
host, and a request target that a proxy would take for another address. A ``Host`` header does not: the connection
and the certificate are still the profile's own, and what its server makes of the name is a thing to be tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from pytest_apiauth.auth.logins import is_of_login
from pytest_apiauth.credentials.known_names import HEADER
from pytest_apiauth.credentials.names import Names, names_of
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError
from pytest_apiauth.http.bodies import AsyncLookedThrough, LookedThrough, Window, holds, readings
from pytest_apiauth.http.cookies import are_its_own
from pytest_apiauth.http.library import Library
from pytest_apiauth.http.placed import EXTENSION, is_signed, placed_in, standing
from pytest_apiauth.http.translation import CERTIFICATE, raw_target
from pytest_apiauth.messages import Origin
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.same import Same

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncBaseTransport, BaseTransport
else:
    BaseTransport = AsyncBaseTransport = object

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_SOCKETS: Final = {b"https": b"wss", b"http": b"ws"}
_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_Place = tuple[bytes, bytes, int | None]
NewWindow = Callable[[], Window]


class Guard:
    """Decides which requests may leave. Without ``allow_unsafe``, only safe methods and token requests may.

    ``jar`` gives the cookies of the client, to tell a foreign server's own from others; ``base_url`` is the API's.
    """

    def __init__(self, library: Library, profile: Profile, redactor: Redactor, *, allow_unsafe: bool = True) -> None:
        self._library = library
        self._profile = profile
        self._redactor = redactor
        self._allow_unsafe = allow_unsafe
        self.jar: Callable[[], CookieJar | None] = lambda: None
        # A URL with a query may hold a secret, and is in no cache.
        own = (_own.__wrapped__ if "?" in profile.base_url else _own)(library, Same(profile))
        self.base_url, self._home, self._token_endpoints = own.base_url, own.home, own.token_endpoints
        self._token_methods, self._names = own.token_methods, own.names

    @property
    def origins(self) -> frozenset[Origin]:
        """The profile's own origins."""
        return self._profile.origins

    def is_home(self, url: httpx.URL) -> bool:
        """Whether a URL leads to one of the profile's own origins."""
        return _place(url) in self._home

    def check(self, request: httpx.Request) -> NewWindow | None:
        """Let a request pass, or raise GuardError, one line without any secret.

        Give what the body is to be looked through with as it leaves, or None if it has been or need not be.
        """
        url, extensions = request.url, request.extensions
        window = None
        if (url.raw_scheme, url.raw_host, url.port) not in self._home or (
            ("target" in extensions or "sni_hostname" in extensions) and self._leads_away(request)
        ):
            window = self._check_foreign(request)
            # Nobody else is shown who a client is; as the libraries leave Authorization behind.
            request.extensions = {name: each for name, each in request.extensions.items() if name != CERTIFICATE}
        if not self._allow_unsafe and request.method not in SAFE_METHODS:
            self._check_method(request)
        return window

    def _leads_away(self, request: httpx.Request) -> bool:
        """Whether an extension makes another place of one of the profile's."""
        name = request.extensions.get("sni_hostname")
        if name is not None and request.url.scheme == "https":
            name = name.decode("latin-1") if isinstance(name, bytes) else str(name)
            # Of a number no certificate can vouch for but by a name.
            is_number = request.url.host.replace(".", "").isdigit() or ":" in request.url.host
            if not is_number and name.lower() not in self._hosts():
                return True
        # A proxy for plain HTTP is told an address that ends in the target: http://home:80@elsewhere/.
        return request.url.scheme == "http" and not raw_target(request).startswith((b"/", b"*"))

    def _check_foreign(self, request: httpx.Request) -> NewWindow | None:
        carried = self._credential_in(request)
        if carried is not None:
            raise self._refusal(request, carried)
        # Only the library's own kind is sure to give the same bytes again.
        if type(request.stream) is not self._library.byte_stream:
            return lambda: Window(self._redactor, lambda: self._refusal(request, "a credential in the body"))
        if holds(self._redactor, b"".join(request.stream)):
            raise self._refusal(request, "a credential in the body")
        return None

    def _refusal(self, request: httpx.Request, carried: str) -> GuardError:
        # As the DNS writes it, so that letters that look alike do not.
        host = request.url.raw_host.decode("ascii")
        if self._holds_folded(request.url.raw_host):
            host = "[apiauth:hidden]"
        origin = Origin(request.url.scheme, host, _port(request.url))
        name = self._profile.name
        if self.is_home(request.url):
            return GuardError(
                f"{name}: {carried} would travel to {origin}, but by the extensions target or sni_hostname to another"
                " place; only a path, and a name that the profile has, may be given"
            )
        if origin.scheme not in ("https", "wss") and not self._profile.may_be_plain(origin):
            return GuardError(
                f"{name}: {carried} would travel to {origin} in clear; use https, or list the host in insecure_hosts"
            )
        own = ", ".join(sorted(map(str, self._profile.origins)))
        return GuardError(
            f"{name}: {carried} would travel to {origin}, directly or by a redirect, but the profile names only {own};"
            " another place is for a client of your own"
        )

    def _credential_in(self, request: httpx.Request) -> str | None:
        """Name the first part of a request, but its body, that is secret, or return None."""
        where = placed_in(request)
        if where is not None:
            return f"a credential in the {where}"
        for raw_name, raw_value in request.headers.raw:
            name = raw_name.decode("latin-1")
            if self._is_secret(name, raw_value, request) or holds(self._redactor, raw_name + b": " + raw_value):
                whose = "a cookie that is not that place's own, in " if name.lower() == "cookie" else ""
                return f"{whose}header {one_line(self._redactor.redact(name))}"
            if name.lower() == "upgrade":
                return "what follows an upgrade, where nobody looks,"
        if request.method == "CONNECT":
            return "what follows CONNECT, where nobody looks,"
        # The libraries write the one in capitals and the other in small letters.
        if self._holds_folded(request.method.encode("utf-8")):
            return "a credential in the method"
        # User name, password and fragment do not travel.
        if self._holds_folded(request.url.raw_host) or holds(self._redactor, raw_target(request)):
            return "a credential in the URL"
        return None

    def _hosts(self) -> set[str]:
        """The hosts of the profile, as the DNS writes them."""
        return {self._library.url(str(origin)).raw_host.decode("ascii") for origin in self._profile.origins}

    def _holds_folded(self, word: bytes) -> bool:
        return any(self._redactor.finds_folded(text) for text in readings(word))

    def _is_secret(self, name: str, value: bytes, request: httpx.Request) -> bool:
        """Whether a header is there to carry a credential, or a cookie that is not the other place's own."""
        folded = _folded(name)
        text = value.decode("latin-1")
        if folded == "cookie":
            host = request.url.raw_host.decode("ascii")
            return not are_its_own(text, host, self._hosts(), self.jar())
        return self._names.is_secret(HEADER, name, text)

    def _check_method(self, request: httpx.Request) -> None:
        if is_of_login():
            # A form for a password, or for consent: whoever has a script log in wants that.
            return
        if request.method in self._token_methods:
            here = _place(request.url), _path(raw_target(request))
            if here in self._token_endpoints:
                return
        raise GuardError(
            f"{self._profile.name}: {request.method} is not sent to a live API, only {', '.join(sorted(SAFE_METHODS))};"
            " mark the test apiauth_writes if it may change what is there"
        )


def _folded(name: str) -> str:
    """Fold the spellings under which servers and gateways take one header for another."""
    return name.lower().replace("-", "").replace("_", "")


def _place(url: httpx.URL) -> _Place:
    return url.raw_scheme, url.raw_host, url.port


@dataclass(frozen=True, slots=True)
class _Own:
    """What is a profile's own, as a library has it."""

    base_url: httpx.URL
    home: frozenset[_Place]
    token_endpoints: list[tuple[_Place, bytes]]
    token_methods: frozenset[str]
    names: Names


@lru_cache(maxsize=16)
def _own(library: Library, same: Same[Profile]) -> _Own:
    """Return what all guards of a profile share: to read its URLs takes longer than to make the rest of a client."""
    profile = same.value
    places = [_place(library.url(str(origin))) for origin in profile.origins if profile.may_be_plain(origin)]
    urls = [library.url(url) for url in profile.token_leading_endpoints]
    tables = (profile.login_request, profile.refresh_request)
    base = library.url(profile.base_url)
    return _Own(
        # As a client would have it, or each would read it once more.
        base if base.raw_path.endswith(b"/") else base.copy_with(raw_path=base.raw_path + b"/"),
        # httpx2 has WebSockets, whose schemes lead to the same places (RFC 6455 3).
        frozenset((*places, *((_SOCKETS[scheme], host, port) for scheme, host, port in places))),
        [(_place(url), _path(url.raw_path)) for url in urls],
        frozenset(table.method for table in tables if table is not None) or frozenset(("POST",)),
        names_of([profile]),
    )


def _path(target: bytes) -> bytes:
    return urlsplit(target).path


def _port(url: httpx.URL) -> int:
    return url.port or _PORTS.get(url.scheme, 0)


class GuardedTransport(BaseTransport):
    """A transport behind the guard."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        guard: Guard,
        looked_through: type[LookedThrough],
        innermost: httpx.BaseTransport | None,
    ) -> None:
        self._inner = inner
        self._guard = guard
        self._looked_through = looked_through
        self._innermost = innermost

    @classmethod
    def around(
        cls,
        inner: httpx.BaseTransport,
        guard: Guard,
        library: Library,
        innermost: httpx.BaseTransport | None = None,
    ) -> GuardedTransport:
        """Put a transport of a library behind a guard. ``innermost`` is one to close even if ``inner`` does not."""
        looked_through = library.bind(LookedThrough, "SyncByteStream")
        return library.bind(cls, "BaseTransport")(inner, guard, looked_through, innermost)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request that may leave (the library's interface)."""
        if EXTENSION not in request.extensions:
            return self._handled(request)
        if is_signed(request):
            request.read()
        with standing(request):
            return self._handled(request)

    def _handled(self, request: httpx.Request) -> httpx.Response:
        window = self._guard.check(request)
        if window is None:
            return self._inner.handle_request(request)
        stream = cast("httpx.SyncByteStream", request.stream)
        looked = request.stream = self._looked_through(stream, window)
        try:
            looked.begin()
            return self._inner.handle_request(request)
        finally:
            looked.end()
            # The request is the user's own, and may be sent again, by a redirect to another place.
            if request.stream is looked:
                request.stream = stream

    def close(self) -> None:
        """Close the transport behind the guard."""
        self._inner.close()
        if self._innermost is not None:
            self._innermost.close()


class AsyncGuardedTransport(AsyncBaseTransport):
    """An asynchronous transport behind the guard."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        guard: Guard,
        looked_through: type[AsyncLookedThrough],
        innermost: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._inner = inner
        self._guard = guard
        self._looked_through = looked_through
        self._innermost = innermost

    @classmethod
    def around(
        cls,
        inner: httpx.AsyncBaseTransport,
        guard: Guard,
        library: Library,
        innermost: httpx.AsyncBaseTransport | None = None,
    ) -> AsyncGuardedTransport:
        """Put a transport of a library behind a guard. ``innermost`` is one to close even if ``inner`` does not."""
        looked_through = library.bind(AsyncLookedThrough, "AsyncByteStream")
        return library.bind(cls, "AsyncBaseTransport")(inner, guard, looked_through, innermost)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request that may leave (the library's interface)."""
        if EXTENSION not in request.extensions:
            return await self._handled(request)
        if is_signed(request):
            await request.aread()
        with standing(request):
            return await self._handled(request)

    async def _handled(self, request: httpx.Request) -> httpx.Response:
        window = self._guard.check(request)
        if window is None:
            return await self._inner.handle_async_request(request)
        stream = cast("httpx.AsyncByteStream", request.stream)
        looked = request.stream = self._looked_through(stream, window)
        try:
            await looked.begin()
            return await self._inner.handle_async_request(request)
        finally:
            await looked.end()
            if request.stream is looked:
                request.stream = stream

    async def aclose(self) -> None:
        """Close the transport behind the guard."""
        await self._inner.aclose()
        if self._innermost is not None:
            await self._innermost.aclose()
