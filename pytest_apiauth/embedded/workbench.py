"""What a test tells the server to do, and asks it about: the public face of `apiauth_server` beside tokens and time."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar, overload
from urllib.parse import parse_qsl

from pytest_apiauth.embedded.answering import ANY, Answering, OwnAnswer, OwnAnswers, Place, plain_path
from pytest_apiauth.embedded.replies import ABSENT, GivenHeaders, Reply, ReplyParts, Seconds, checked_status, in_seconds
from pytest_apiauth.embedded.state import ManualClock
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.model import Profile

if TYPE_CHECKING:
    from typing import Unpack

Route = TypeVar("Route", bound=Answering)
CallApp: TypeAlias = Callable[[Request, Origin], Response]
HostApp: TypeAlias = Callable[[object], CallApp]
"""Makes an ASGI or WSGI app ready to be called. The server does not know how: whoever makes it gives it this."""
__tracebackhide__ = True  # a mistake in a test is shown at the test's own line


class Workbench:
    """What tests do with a server: answers of their own, refusals, and questions about what it was asked."""

    def __init__(self, profile: Profile, clock: ManualClock, host_app: HostApp | None) -> None:
        self.profile = profile
        self.clock = clock
        self.requests: list[Request] = []
        """Every request it was sent, in order."""
        self._mutex = threading.RLock()
        self._own = OwnAnswers(clock)
        self._refusals: list[Reply] = []
        self._host_app = host_app

    def respond(
        self,
        method: str,
        path: str,
        *,
        once: bool = False,
        after: Seconds = 0.0,
        params: Mapping[str, str | int] | None = None,
        **reply: Unpack[ReplyParts],
    ) -> OwnAnswer:
        """Answer requests to a path, if they bring what its zone needs; without it they are refused as ever.

        ::

            apiauth_server.respond("POST", "/v1/workspaces", status=201, json={"id": 9})
            apiauth_server.respond("GET", "/v1/workspaces/{id}", status=404, json={"error": "not_found"})
            apiauth_server.respond("GET", "/v1/workspaces?page=2", json={"items": [], "total": 3})
            apiauth_server.respond("GET", "/v1/workspaces", status=503, headers={"Retry-After": 30}, once=True)
            apiauth_server.respond("GET", "/v1/workspaces", exception=httpx.ReadTimeout, once=True)
            apiauth_server.respond("POST", "token", json={"error": "invalid_grant"}, once=True)

        ``path`` continues ``api_url``; a placeholder ``{id}`` is one segment, ``{rest:path}`` any number. ``token`` is
        the token endpoint, whose answers come whatever a request brings. ``params``, or a query in the path, have to be
        among the request's parameters. ``method`` ``*`` is any.

        What it answers is said by ``status``, one of ``json``, ``text``, ``html`` and ``content``, ``headers``,
        ``exception``, ``delay`` and ``cut_off``: see `Reply`. Answers that come ``once`` have their turn first, in
        order; then the latest of the others. ``after`` seconds of the server's clock it comes into force.

        Returns what tells how often it was given. Raises TypeError or ValueError for what cannot be meant.
        """
        place = Place.read(self.profile, path, params)
        if "status" not in reply and self._is_token_error(place, reply.get("json")):
            reply["status"] = 400  # RFC 6749 5.2
        given = Reply(**reply)
        return self._added(method, place, lambda request, **values: given, once, after)

    @overload
    def route(
        self,
        method: str,
        path: str,
        function: None = None,
        *,
        once: bool = False,
        after: Seconds = 0.0,
        params: Mapping[str, str | int] | None = None,
    ) -> Callable[[Route], Route]: ...

    @overload
    def route(
        self,
        method: str,
        path: str,
        function: Answering,
        *,
        once: bool = False,
        after: Seconds = 0.0,
        params: Mapping[str, str | int] | None = None,
    ) -> OwnAnswer: ...

    def route(
        self,
        method: str,
        path: str,
        function: Answering | None = None,
        *,
        once: bool = False,
        after: Seconds = 0.0,
        params: Mapping[str, str | int] | None = None,
    ) -> OwnAnswer | Callable[[Route], Route]:
        """Answer requests to a path by a function, behind the same check as `respond`; usable as a decorator.

        ::

            @apiauth_server.route("POST", "/v1/workspaces/{id}/labels")
            def add_label(request, id):
                label = request.json()["label"]
                return Reply(status=201, json={"workspace": id, "label": label})

        The function gets the request, and the placeholders by name. It returns a `Reply`; or JSON as a dict or a list,
        a str, bytes, a status, an answer of httpx; or None for what would be answered without it. What it raises comes
        out where the client made the request. Raises TypeError or ValueError for what cannot be meant.
        """
        place = Place.read(self.profile, path, params)
        if function is not None:
            return self._added(method, place, function, once, after)

        def decorated(function: Route) -> Route:
            self._added(method, place, function, once, after)
            return function

        return decorated

    def mount(self, path: str, app: object) -> OwnAnswer:
        """Answer every request below a path by an ASGI or WSGI app, behind the same check as `respond`.

        ::

            apiauth_server.mount("/v1/reports", FastAPI())

        The app, or ``"module:app"``, sees the part of the path that comes after. It is started before its first request
        and shut down when the test ends. Raises ProfileError for what is no app.
        """
        if self._host_app is None:
            raise ProfileError("mount: this server calls no apps; the fixture apiauth_server's does")
        place = Place.below(self.profile, path)
        call = self._host_app(app)

        def answer(request: Request, below: str = "") -> Reply:
            query = f"?{request.query}" if request.query else ""
            url = f"{place.origin}{plain_path(f'/{below}')}{query}"
            return Reply.of(call(replace(request, url=url, target=None), place.origin))

        return self._added(ANY, place, answer, False, 0.0)

    def requests_to(
        self, path: str, method: str | None = None, *, params: Mapping[str, str | int] | None = None
    ) -> list[Request]:
        """Return the requests that came to a path, in order; written as for `respond`.

        ::

            (request,) = apiauth_server.requests_to("/v1/workspaces", "POST")
            assert request.json() == {"label": "new"}
            assert request.header("idempotency-key")
            assert len(apiauth_server.requests_to("token")) == 1
            assert [request.params["page"] for request in apiauth_server.requests_to("/v1/workspaces")] == ["1", "2"]

        Those that were refused are among them. Raises TypeError or ValueError for a path that is none.
        """
        place = Place.read(self.profile, path, params)
        wanted = None if method is None or method == ANY else method.upper()
        with self._mutex:
            seen = list(self.requests)
        return [request for request in seen if wanted in (None, request.method) and self._came_to(place, request)]

    @property
    def misplaced(self) -> list[tuple[OwnAnswer, Request]]:
        """The answers of a test's own that were given to no request, though one came to their path on the host.

        A path continues that of ``api_url``: ``/v1/items`` behind ``https://api.example/v1`` is ``/v1/v1/items``.
        """
        with self._mutex:
            unasked = [own for each in self._own.all() for own in each if not own.called]
            seen = list(self.requests)
        found = []
        for own in unasked:
            text = own.place.shown
            alone = Place.read(self.profile, f"{own.place.origin}{text}") if text.startswith("/") else own.place
            if alone.path.pattern != own.place.path.pattern:
                came = (each for each in seen if own.is_for(each.method) and self._came_to(alone, each))
                found += [(own, request) for request in itertools.islice(came, 1)]
        return found

    def refuse_next(
        self,
        status: int = 401,
        times: int = 1,
        *,
        json: object = ABSENT,
        text: str | None = None,
        html: str | None = None,
        content: bytes | None = None,
        headers: GivenHeaders = (),
    ) -> None:
        """Refuse the next requests to resources with a status, whatever they bring and wherever they go.

        ::

            apiauth_server.refuse_next()
            apiauth_server.refuse_next(429, times=2, headers={"Retry-After": 1})
            apiauth_server.refuse_next(401, json={"code": "token_expired"})

        ``json``, ``text``, ``html`` or ``content`` is the body, as of a `Reply`; without any it is the server's own. A
        401 has the challenges that it would have otherwise. Raises TypeError or ValueError for a status that is none of
        an error, a number of times below 1, or what is no body.
        """
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise ValueError(f"times: expected a whole number from 1 on, got {times!r}")
        checked = checked_status(status, 400)
        refusal = Reply(status=checked, json=json, text=text, html=html, content=content, headers=headers)
        with self._mutex:
            self._refusals += [refusal] * times

    def _added(self, method: str, place: Place, answering: Answering, once: bool, after: Seconds) -> OwnAnswer:
        with self._mutex:
            return self._own.add(method, place, answering, once=bool(once), after=in_seconds(after, "after"))

    def _is_token_error(self, place: Place, json: object) -> bool:
        if not self.profile.token_endpoint or not isinstance(json, Mapping) or "error" not in json:
            return False
        endpoint = Place.read(self.profile, "token")
        return (place.origin, place.path) == (endpoint.origin, endpoint.path)

    def _came_to(self, place: Place, request: Request) -> bool:
        origin = self._origin(request.url)
        params = parse_qsl(request.query, keep_blank_values=True)
        return origin is not None and place.match(origin, plain_path(request.path), params) is not None

    def _origin(self, url: str) -> Origin | None:
        """Return the origin of a URL if this server answers for it."""
        raise NotImplementedError
