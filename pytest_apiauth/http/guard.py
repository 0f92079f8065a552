"""The origin guard: no credential leaves for an origin that the profile does not name.

Theory of operation. The guard sits in the transport, the last place before a request leaves, because a
client decides too early: both libraries drop ``Authorization`` on a redirect to another origin, but take every
other header along, an API key too. The guard therefore knows nothing of redirects. It looks at each request
as it leaves. Towards the profile's own origins, over HTTPS (or in clear where the profile allows it), all may
pass. Towards any other place a request passes only if it carries nothing secret: no ``Authorization``, no API
key header however it is spelled, no known value anywhere. Whatever else is stopped with an error; nothing is
stripped, since a request that silently lost its credentials would give a puzzling answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pytest_apiauth.errors import GuardError
from pytest_apiauth.http.library import Library
from pytest_apiauth.http.sending import raw_target
from pytest_apiauth.messages import Origin
from pytest_apiauth.profile import Profile
from pytest_apiauth.secrets import Redactor

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncBaseTransport, BaseTransport
else:
    BaseTransport = AsyncBaseTransport = object

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_Place = tuple[bytes, bytes, int | None]


class Guard:
    """Decides which requests may leave. Without ``allow_unsafe``, only safe methods and token requests may."""

    def __init__(self, library: Library, profile: Profile, redactor: Redactor, *, allow_unsafe: bool = True) -> None:
        self._library = library
        self._profile = profile
        self._redactor = redactor
        self._allow_unsafe = allow_unsafe
        self._home = frozenset(
            self._place(library.url(str(origin))) for origin in profile.origins if profile.may_be_plain(origin)
        )
        endpoint = library.url(profile.token_endpoint) if profile.token_endpoint else None
        self._token_endpoint = None if endpoint is None else (self._place(endpoint), _path(endpoint.raw_path))
        names = {"authorization", "proxyauthorization"}
        if profile.api_key is not None:
            names.add(_folded(profile.api_key.header))
        self._secret_names = frozenset(names)

    @staticmethod
    def _place(url: httpx.URL) -> _Place:
        return url.raw_scheme, url.raw_host, url.port

    def check(self, request: httpx.Request) -> None:
        """Let a request pass, or raise GuardError, one line without any secret."""
        url = request.url
        if (url.raw_scheme, url.raw_host, url.port) not in self._home:
            self._check_foreign(request)
        if not self._allow_unsafe and request.method not in SAFE_METHODS:
            self._check_method(request)

    def _check_foreign(self, request: httpx.Request) -> None:
        carried = self._credential_in(request)
        if carried is None:
            return
        origin = Origin.of(str(request.url.copy_with(userinfo=b"")))
        name = self._profile.name
        if origin.scheme != "https" and not self._profile.may_be_plain(origin):
            raise GuardError(
                f"{name}: {carried} would travel to {origin} in clear; use https, or list the host in insecure_hosts"
            )
        own = ", ".join(sorted(map(str, self._profile.origins)))
        raise GuardError(
            f"{name}: {carried} would travel to {origin}, directly or by a redirect, but the profile names only {own}"
        )

    def _credential_in(self, request: httpx.Request) -> str | None:
        """Name the first part of a request that is secret, or give None."""
        for raw_name, raw_value in request.headers.raw:
            name = raw_name.decode("latin-1")
            if _folded(name) in self._secret_names or self._redactor.finds(raw_value.decode("latin-1")):
                return f"header {self._redactor.redact(name)}"
        for text in (str(request.url), raw_target(request).decode("latin-1")):
            if self._redactor.finds(text) or self._redactor.finds(unquote(text)):
                return "a credential in the URL"
        # A stream is not read: it can be read once only, and the server is to have it.
        if isinstance(request.stream, self._library.byte_stream):
            body = b"".join(request.stream)
            if self._redactor.finds(body.decode("utf-8", "replace")):
                return "a credential in the body"
        return None

    def _check_method(self, request: httpx.Request) -> None:
        if request.method == "POST":
            here = self._place(request.url), _path(raw_target(request))
            if here == self._token_endpoint:
                return
        raise GuardError(
            f"{self._profile.name}: {request.method} is not sent to a live API, only {', '.join(sorted(SAFE_METHODS))};"
            " mark the test apiauth_writes if it may change what is there"
        )


def _folded(name: str) -> str:
    """Fold the spellings under which servers and gateways take one header for another."""
    return name.lower().replace("-", "").replace("_", "")


def _path(target: bytes) -> bytes:
    return urlsplit(target).path


class GuardedTransport(BaseTransport):
    """A transport behind the guard."""

    def __init__(self, inner: httpx.BaseTransport, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request that may leave (the library's interface)."""
        self._guard.check(request)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the transport behind the guard."""
        self._inner.close()


class AsyncGuardedTransport(AsyncBaseTransport):
    """An asynchronous transport behind the guard."""

    def __init__(self, inner: httpx.AsyncBaseTransport, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request that may leave (the library's interface)."""
        self._guard.check(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport behind the guard."""
        await self._inner.aclose()
