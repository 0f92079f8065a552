"""The clients that tests use.

A flow (`pytest_apiauth.auth.flow`) decides, an `Auth` drives it. Token requests go through the client's own guarded
transport but not through the client: they follow no redirect, meet none of the user's hooks, and are in no
response's history. The user's request is never rebuilt, only its headers are set; what travels elsewhere goes along
as an extension (`pytest_apiauth.http.placed`). A header that the request itself brings is never replaced, or the test
would be told of another request than its own. As the libraries' own auth does replace it, that is an error, and neither
of the two is sent.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from functools import partial
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any, Final

from pytest_apiauth.auth.flow import Authenticator, Forward, Ready, Send, Wait
from pytest_apiauth.auth.tokens import Token
from pytest_apiauth.credentials.binding import NONCE
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ReplacedError
from pytest_apiauth.http.bounds import timeouts
from pytest_apiauth.http.driver import Drive, performed, performed_async, status_alone
from pytest_apiauth.http.guard import AsyncGuardedTransport, Guard, GuardedTransport
from pytest_apiauth.http.options import read_options
from pytest_apiauth.http.placed import GIVEN, place
from pytest_apiauth.http.senders import Extensions, Messenger, Sender, seen_by
from pytest_apiauth.http.transports import Connector
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile

if TYPE_CHECKING:
    import httpx
    from httpx import Auth as AuthBase
else:
    AuthBase = object

# Not http.HTTPStatus, whose members take as long to look up as a header (Python 3.11), and this is every request's way.
_UNAUTHORIZED: Final = 401


class Auth(AuthBase):
    """Drives a flow for a client. Made by `build_client`, bound to the library's own ``Auth``."""

    def __init__(
        self,
        authenticator: Authenticator,
        messenger: Messenger,
        byte_stream: type[httpx.ByteStream],
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.authenticator = authenticator
        self._messenger = messenger
        self._byte_stream = byte_stream
        self._transport = transport
        self._async_transport = async_transport
        self._is_bound = authenticator.is_bound
        self._marked: tuple[Forward, dict[bytes, int]] | None = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authenticate a request of a blocking client (the library's interface)."""
        # Looked at beforehand: whoever sends a body may read it.
        replayable = isinstance(request.stream, self._byte_stream)
        ready, response = self.authenticator.at_hand(lambda: request.url.path), None
        if ready is not None:
            response = yield self._carrying(request, ready.step)
            if response.status_code != _UNAUTHORIZED and not self._is_bound:
                return
        with self._drive(request, ready, response, replayable=replayable) as drive:
            for step in drive:
                if isinstance(step, Forward):
                    drive.outcome = self._learnt((yield self._carrying(request, step)))
                else:
                    drive.outcome = performed(step, self._sending(request))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authenticate a request of an asynchronous client (the library's interface)."""
        # Looked at beforehand: whoever sends a body may read it.
        replayable = isinstance(request.stream, self._byte_stream)
        ready, response = self.authenticator.at_hand(lambda: request.url.path), None
        if ready is not None:
            response = yield self._carrying(request, ready.step)
            if response.status_code != _UNAUTHORIZED and not self._is_bound:
                return
        with self._drive(request, ready, response, replayable=replayable) as drive:
            for step in drive:
                if isinstance(step, Forward):
                    drive.outcome = self._learnt((yield self._carrying(request, step)))
                else:
                    drive.outcome = await performed_async(step, self._sending_async(request))

    def _carrying(self, request: httpx.Request, step: Forward) -> httpx.Request:
        """Put a step's headers on the user's request, which is never another one. Raises ReplacedError."""
        headers, extensions = request.headers, request.extensions
        marked = self._marked
        marks = marked[1] if marked is not None and marked[0] is step else self._marks_of(step)
        # A request may be sent again, by the flow or by the test: then it has what it was given here.
        given: dict[bytes, int] | None = extensions.get(GIVEN)
        # By raw names: who asks the library for one has every header decoded first.
        if not marks.keys().isdisjoint([name.lower() for name, _ in headers.raw]):
            self._refuse_to_replace(headers, step, given or {})
        for name, value in step.headers.items():
            headers[name] = value
        request.extensions = {**extensions, GIVEN: {**given, **marks} if given else marks}
        if step.travels:
            place(request, step.placed, step.signing, step.certificate)
        return request

    def _refuse_to_replace(self, headers: httpx.Headers, step: Forward, given: Mapping[bytes, int]) -> None:
        signed = {each.place.name: "" for each in step.signing if each.place.where == "header"}
        for name, value in {**step.headers, **signed}.items():
            own = headers.get(name)
            if own is not None and own != value and hash(own) != given.get(name.lower().encode()):
                raise ReplacedError(
                    f"{self.authenticator.profile.name}: the request brings a header {name}, which this client would"
                    " replace; send it with auth=None, or by a client of apiauth_client_factory(credentials=…) that"
                    " leaves it to you"
                )

    def _marks_of(self, step: Forward) -> dict[bytes, int]:
        """Return what tells the headers that a step gives; nearly every request has the step of the one before it."""
        signed = [(each.place.name, "") for each in step.signing if each.place.where == "header"]
        marks = {name.lower().encode(): hash(text) for name, text in (*signed, *step.headers.items())}
        self._marked = step, marks
        return marks

    def _learnt(self, response: httpx.Response) -> Response:
        """Return what a flow learns of the answer to the user's request: its status, and what its proof is to have."""
        nonce = response.headers.get(NONCE) if self._is_bound else None
        if nonce is None:
            return status_alone(response.status_code)
        lines = [("WWW-Authenticate", line) for line in response.headers.get_list("www-authenticate")]
        return Response(response.status_code, (*lines, (NONCE, nonce)))

    def _sending(self, request: httpx.Request) -> Callable[[Request], Response]:
        assert self._transport is not None
        return partial(self._messenger.send, self._transport, extensions=_extensions(request))

    def _sending_async(self, request: httpx.Request) -> Callable[[Request], Awaitable[Response]]:
        assert self._async_transport is not None
        return partial(self._messenger.send_async, self._async_transport, extensions=_extensions(request))

    def _drive(
        self, request: httpx.Request, ready: Ready | None, response: httpx.Response | None, *, replayable: bool
    ) -> Drive[Send | Wait | Forward, None]:
        begun = (ready, self._learnt(response)) if ready is not None and response is not None else None
        return Drive(self.authenticator.authenticate(lambda: request.url.path, replayable=replayable, begun=begun))


def _extensions(request: httpx.Request) -> Extensions:
    """Return a token request the time limits of the request it is for, and nothing else of it."""
    return {"timeout": request.extensions.get("timeout") or timeouts()}


def build_client(
    profile: Profile,
    connector: Connector,
    redactor: Redactor,
    *,
    authenticator: Authenticator | None = None,
    allow_unsafe: bool = True,
    **options: Any,
) -> httpx.Client:
    """Build a client with the API's base URL, behind the guard; without an authenticator it sends no credential.

    ``options`` are the library's own; `read_options` says what becomes of each. Raises ProfileError.
    """
    library = connector.library
    guard = Guard(library, profile, redactor, allow_unsafe=allow_unsafe)
    asked = read_options(library.client, library, guard, redactor, options, authenticator is not None)
    with asked.explained():
        inner = connector.transport(asked.connections)
    transport: httpx.BaseTransport = GuardedTransport.around(inner, guard, library)
    if asked.around is not None:
        # Guarded on both sides: it may open connections of its own, and send on another request than it got.
        outer = asked.own_transport(transport, "handle_request", library.http_transport)
        transport = GuardedTransport.around(outer, guard, library, transport)
    auth = asked.auth
    if authenticator is not None:
        messenger = Messenger(library, profile.name, redactor, seen_by(connector))
        auth = library.bind(Auth, "Auth")(authenticator, messenger, library.byte_stream, transport=transport)
    with asked.explained():
        client = library.client(**asked.for_client(guard.base_url), transport=transport, auth=auth)
    guard.jar = _jar_of(client)
    return client


def build_async_client(
    profile: Profile,
    connector: Connector,
    redactor: Redactor,
    *,
    authenticator: Authenticator | None = None,
    allow_unsafe: bool = True,
    **options: Any,
) -> httpx.AsyncClient:
    """Build an asynchronous client, in every other respect as `build_client` does."""
    library = connector.library
    guard = Guard(library, profile, redactor, allow_unsafe=allow_unsafe)
    asked = read_options(library.async_client, library, guard, redactor, options, authenticator is not None)
    with asked.explained():
        inner = connector.async_transport(asked.connections)
    transport: httpx.AsyncBaseTransport = AsyncGuardedTransport.around(inner, guard, library)
    if asked.around is not None:
        outer = asked.own_transport(transport, "handle_async_request", library.async_http_transport)
        transport = AsyncGuardedTransport.around(outer, guard, library, transport)
    auth = asked.auth
    if authenticator is not None:
        messenger = Messenger(library, profile.name, redactor, seen_by(connector))
        auth = library.bind(Auth, "Auth")(authenticator, messenger, library.byte_stream, async_transport=transport)
    with asked.explained():
        client = library.async_client(**asked.for_client(guard.base_url), transport=transport, auth=auth)
    guard.jar = _jar_of(client)
    return client


def _jar_of(client: httpx.Client | httpx.AsyncClient) -> Callable[[], CookieJar | None]:
    """Return the cookies that a client has by then, without keeping it alive."""
    reference = weakref.ref(client)

    def jar() -> CookieJar | None:
        alive = reference()
        return None if alive is None else alive.cookies.jar

    return jar


def fetch_token(authenticator: Authenticator, connector: Connector, redactor: Redactor) -> Token:
    """Get the current token of an authenticator, without a client. Raises TokenError or UnreachableError."""
    profile = authenticator.profile
    sender = Sender(connector, profile.name, redactor, Guard(connector.library, profile, redactor))
    try:
        with Drive(authenticator.token()) as drive:
            for step in drive:
                drive.outcome = performed(step, sender.send)
        return drive.result
    finally:
        sender.close()
