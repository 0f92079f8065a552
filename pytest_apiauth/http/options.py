"""The options of a client that tests ask for: the library's own, as far as the guard and the profile let them.

An option that is about the client (``headers``, ``timeout``, ``event_hooks``) is handed on as it is. One that is about
connections (``proxy``, ``verify``, ``http2``) shapes those that the plug-in makes, behind the guard; the embedded
server and an app in this process have none, so there it means nothing and a test runs offline as it does live. A
transport may be put around the plug-in's own. Whatever would take the place of the guard, of the API or of the
profile's credentials is refused in one line.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypedDict

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.http.connections import USUAL, Connections
from pytest_apiauth.http.guard import Guard
from pytest_apiauth.http.library import Library
from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    import httpx

FACTORY: Final = "apiauth_client_factory"
AROUND: Final = "a function that puts yours around the plug-in's: transport=lambda inner: MyTransport(inner)"
ELSEWHERE: Final = {
    "proxies": "it is one proxy now: proxy=…",
    "app": 'an app in this process is the profile\'s: app = "module:app"',
    "mounts": f"it would take the guard's place; proxy=… is allowed, and transport: {AROUND}",
}
_OF_CONNECTIONS: Final = frozenset(("proxy", "verify", "cert", "http1", "http2", "limits", "trust_env"))
# What a wrong value makes of a constructor of the library.
_WRONG_VALUE: Final = (TypeError, ValueError, AttributeError, ImportError, LookupError, AssertionError)


class ClientOptions(TypedDict, total=False):
    """The options of a client that tests may give, for editors and type checkers.

    What has types of the library is Any: it may be that of httpx or of httpx2.

    Example::

        apiauth_client_factory(follow_redirects=True, timeout=30)
    """

    auth: Any
    base_url: Any
    cert: Any
    cookies: Any
    default_encoding: str | Callable[[bytes], str]
    event_hooks: Mapping[str, list[Callable[..., Any]]]
    follow_redirects: bool
    headers: Any
    http1: bool
    http2: bool
    limits: Any
    max_redirects: int
    params: Any
    proxy: Any
    timeout: Any
    transport: Callable[[Any], Any]
    trust_env: bool
    verify: Any


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, sorted by whose business it is."""

    redactor: Redactor
    connections: Connections = USUAL
    around: Callable[[Any], Any] | None = None
    auth: Any = None
    base_url: httpx.URL | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)

    def for_client(self, base_url: httpx.URL) -> dict[str, Any]:
        """Return what the library's client is made with, beside transport and auth."""
        return {"base_url": base_url if self.base_url is None else self.base_url, **self.rest}

    def own_transport(self, inner: Any, method: str, network: type) -> Any:
        """Put the transport that was asked for around ours. Raises ProfileError if it is none."""
        assert self.around is not None
        made = self.around(inner)
        if isinstance(made, network):
            # Offline it would reach the network, and live it would not keep the pace.
            raise _refused(f"transport: {type(made).__name__} opens connections of its own; expected {AROUND}")
        if not callable(getattr(made, method, None)):
            raise _refused(f"transport: expected {AROUND}; {type(made).__name__} has no {method}")
        return made

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Say in one line what the library does not take."""
        with _explained(self.redactor):
            yield


def read_options(
    client: type[httpx.Client | httpx.AsyncClient],
    library: Library,
    guard: Guard,
    redactor: Redactor,
    given: Mapping[str, Any],
    is_authenticated: bool,
) -> Options:
    """Sort the options for a client. Raises ProfileError for one that clashes, or that the library does not know.

    ``proxy``, ``verify``, ``cert``, ``http1``, ``http2``, ``limits``, ``trust_env``: of connections. ``transport``: a
    function of our transport. ``auth``: if the client sends no credential of the profile. ``base_url``: at one of
    the profile's origins. ``mounts``: refused. All others are the client's.
    """
    if not given:
        return Options(redactor)
    known = inspect.signature(client).parameters
    for name in given:
        if name in ELSEWHERE and given[name] is not None:
            raise _refused(f"{name}: {ELSEWHERE[name]}")
        if name not in known and name not in ELSEWHERE:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise _refused(f"{name}: no option of {library.name}.{client.__name__}{hint}")
    asked = {name: value for name, value in given.items() if name not in ELSEWHERE}
    return Options(
        redactor,
        _connections(library, redactor, {name: asked.pop(name) for name in _OF_CONNECTIONS & asked.keys()}),
        _around(asked.pop("transport", None)),
        _auth(asked.pop("auth", None), redactor, is_authenticated),
        _base_url(asked.pop("base_url", None), library, guard, redactor),
        asked,
    )


def _connections(library: Library, redactor: Redactor, asked: dict[str, Any]) -> Connections:
    verify, cert, proxy = asked.pop("verify", True), asked.pop("cert", None), asked.pop("proxy", None)
    if isinstance(verify, os.PathLike):
        verify = os.fspath(verify)
    if verify is False or (isinstance(verify, ssl.SSLContext) and not _is_strict(verify)):
        raise _refused(
            "verify: without it credentials go to whoever answers; name the certificates to trust as ca_file in the"
            " profile, or verify=ssl.create_default_context(cafile=…)"
        )
    if not (verify is True or isinstance(verify, ssl.SSLContext | str)):
        raise _refused(f"verify: expected a file, a folder or an SSLContext, got {type(verify).__name__}")
    chain = (cert,) if isinstance(cert, str) else cert or ()
    if not (isinstance(chain, tuple) and all(isinstance(each, str) for each in chain) and len(chain) <= 3):
        raise _refused("cert: expected a file, or a tuple of certificate, key and passphrase")
    if chain and isinstance(verify, ssl.SSLContext):
        raise _refused("cert: verify has a context; load the certificate into that: context.load_cert_chain(…)")
    trusted = None if verify is True else verify
    return Connections(proxy=_proxy(proxy, library, redactor), verify=trusted, cert=chain, **asked)


def _proxy(proxy: Any, library: Library, redactor: Redactor) -> httpx.Proxy | None:
    if proxy is None:
        return None
    kind: type[httpx.Proxy] = library.module.Proxy
    with _explained(redactor):
        made = proxy if isinstance(proxy, kind) else kind(proxy)
    carried = [str(made.url), *(made.auth or ()), *(text for line in made.headers.multi_items() for text in line)]
    if any(redactor.finds(text) for text in carried):
        raise _refused("proxy: it holds a credential of the profile, which a proxy must not get")
    return made


def _is_strict(context: ssl.SSLContext) -> bool:
    return context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def _around(transport: Any) -> Callable[[Any], Any] | None:
    if transport is None:
        return None
    is_made = not isinstance(transport, type) and any(
        hasattr(transport, method) for method in ("handle_request", "handle_async_request")
    )
    if is_made or not callable(transport):
        raise _refused(
            f"transport: {type(transport).__name__} would take the place of the API and of the guard; expected {AROUND}"
        )
    made: Callable[[Any], Any] = transport
    return made


def _auth(auth: Any, redactor: Redactor, is_authenticated: bool) -> Any:
    if auth is None:
        return None
    if is_authenticated:
        raise _refused(
            "auth: this client sends the profile's credentials; for an auth of your own ask for credentials=(), or give"
            " it with one request"
        )
    if isinstance(auth, tuple) and len(auth) == 2 and isinstance(auth[1], str | bytes):
        secret = auth[1]
        redactor.learn(secret.decode("latin-1") if isinstance(secret, bytes) else secret, "auth")
    return auth


def _base_url(asked: Any, library: Library, guard: Guard, redactor: Redactor) -> httpx.URL | None:
    if asked is None or asked == "":
        return None
    with _explained(redactor):
        url = library.url(asked)
    if not guard.is_home(url):
        own = ", ".join(sorted(map(str, guard.origins)))
        place = one_line(redactor.redact(f"{url.scheme}://{url.raw_host.decode()}" if url.host else str(url)))
        raise _refused(f"base_url: {place} is none of the profile's origins ({own}); another API is another profile")
    return url


@contextlib.contextmanager
def _explained(redactor: Redactor) -> Iterator[None]:
    try:
        yield
    except _WRONG_VALUE as error:
        raise _refused(one_line(redactor.redact(f"{type(error).__name__}: {error}"))) from None


def _refused(reason: str) -> ProfileError:
    return ProfileError(f"{FACTORY}: {reason}")
