"""The embedded server: keeps the promise of any profile, in process, without a network.

Theory of operation. One mutex covers a request from beginning to end, so the server answers one at a time,
whichever thread asks, and its counters never lie. Time stands still until the test moves the clock. Nothing
here is random: invented identities and issued tokens follow from the profile's name and from the order of the
requests. A request is answered by the endpoint its origin and path name; a host that the profile does not
name gets 421 (RFC 9110 15.5.20), a plain-HTTP twin of an HTTPS origin too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from pytest_apiauth.credentials.identities import Identities, Lookup
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.embedded import faults as _faults  # noqa: F401 - fills the registry
from pytest_apiauth.embedded import variants as _variants  # noqa: F401 - fills the registry
from pytest_apiauth.embedded.authorization_endpoint import AuthorizationEndpoint
from pytest_apiauth.embedded.bookmarks import Bookmark
from pytest_apiauth.embedded.further import Place, further_places, place_of
from pytest_apiauth.embedded.granting import OF_USERS, Award
from pytest_apiauth.embedded.invention import Invention
from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.policy import BEARER_KINDS
from pytest_apiauth.embedded.reasons import Reason, Reasons, path_of
from pytest_apiauth.embedded.refusal import Crash, Refusal
from pytest_apiauth.embedded.registry import Chosen, compose
from pytest_apiauth.embedded.resource import ResourceEndpoint
from pytest_apiauth.embedded.seeding import seed_tokens, seeded
from pytest_apiauth.embedded.state import ManualClock
from pytest_apiauth.embedded.token_endpoint import TokenEndpoint
from pytest_apiauth.embedded.workbench import HostApp, Workbench
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.messages import ClientCertificate, Origin, Request, Response
from pytest_apiauth.profile.model import DEFAULT, GrantType, Profile, Reference

PLAIN = ("Content-Type", "text/plain; charset=utf-8")
CRASHED = Response(500, (PLAIN,), b"Internal Server Error")
MISDIRECTED = Response(421, (PLAIN,), b"This server does not answer for that host.")
BAD_TARGET = Response(400, (PLAIN,), b"The request target is malformed.")
NOT_FOUND = Response(404, (PLAIN,), b"Not Found")
REFUSALS = range(400, 500)
CACHED_ORIGINS = 256


class Server(Workbench):
    """Serves one profile with invented identities.

    ``faults`` and ``variants`` are names of `FAULTS` and `VARIANTS`, or faults that no register knows. ``lifetime`` is
    that of access tokens in seconds, if it is not the profile's. ``redactor`` learns every secret the server invents or
    issues. ``host_app`` makes apps that a test mounts ready to be called. ``given`` knows what is not to be invented.
    Raises an ApiAuthError for an unknown name.

    Example::

        def test_renewal(apiauth_client, apiauth_server):
            apiauth_client.get("/v1/workspaces")
            apiauth_server.clock.advance(7200)
            assert apiauth_client.get("/v1/workspaces").status_code == 200
            assert apiauth_server.token_requests == 2
    """

    def __init__(
        self,
        profile: Profile,
        *,
        faults: Iterable[Chosen] = (),
        variants: Iterable[str] = (),
        lifetime: int | None = None,
        clock: ManualClock | None = None,
        redactor: Redactor | None = None,
        host_app: HostApp | None = None,
        given: Lookup | None = None,
    ) -> None:
        chosen = tuple(faults)
        self._is_sound = not chosen
        policy = compose(chosen, variants, lifetime, *([JwtPolicy] if profile.jwt is not None else []))
        self._invention = Invention(profile, given, asks_people=not policy.consents)
        super().__init__(self._invention.profile, clock or ManualClock(), host_app)
        self.redactor = redactor or Redactor()
        self.token_requests = 0
        self.strangers: list[bytes] = []
        """Digests of what it refused and has never heard of: of the last word of each ``Authorization``."""
        self.environment = self._invention.environment
        """The variables that the profile names, with the credentials that are good here."""
        self.url_variable = self._invention.url_variable
        """The one of them that names the API's base URL, if one does."""
        self.identities = Identities(self.profile, self.lookup, self.redactor)
        self._served: dict[str, Origin | None] = {}
        self._state = seeded(self._invention, self.clock, self.redactor)
        self._policy = policy(self.profile, self._state)
        self._resources = ResourceEndpoint(self.profile, self._state, self._policy, self._own)
        self._tokens = TokenEndpoint(self._state, self._policy)
        self._authorizations = AuthorizationEndpoint(self.profile, self._state, self._policy)
        self._further = further_places(self.profile, self._state, self._policy, self._tokens, self._authorizations)
        self._api = place_of(self.profile.base_url)[0]
        urls = (self.profile.token_endpoint, self.profile.refresh_endpoint)
        self._token_places = tuple(place_of(url) if url else None for url in dict.fromkeys(urls))
        self._authorization_place = place_of(url) if (url := self.profile.authorization_endpoint) else None
        self._endpoints = {*self._token_places, self._authorization_place, *self._further}
        seed_tokens(self._invention, self._state, self._tokens, self._usual_scope)

    def __repr__(self) -> str:
        return f"<Server {self.profile.name}>"

    def lookup(self, label: str, reference: Reference) -> str | None:
        """Return the invented value behind a reference of the profile."""
        return self._invention.lookup(label, reference)

    def environment_of(self, *, client: str = DEFAULT, user: str = DEFAULT, key: str = DEFAULT) -> dict[str, str]:
        """Return the variables that the profile names, for code that is to act as this client, user and key.

        Example::

            env = apiauth_server.environment_of(user="second")
            subprocess.run(["shop", "list"], env={**os.environ, **env})

        `environment` is that of the defaults. Raises CredentialError for a name that the profile has not.
        """
        self.identities.check_names(client=client, user=user, key=key)
        return self._invention.environment_of(client=client, user=user, key=key)

    @property
    def client_certificates(self) -> str:
        """The certificates of the profile's clients, in PEM; empty if it names none."""
        return self._invention.certificates()

    def certified(self, request: Request, client: str = DEFAULT) -> Request:
        """Return a request with the certificate that belongs to it, where what its sender presents cannot be seen.

        That is the one of the client that the request names, or else that of ``client``.
        """
        named, text_of = request.form().get("client_id"), self._invention.text
        rows = {DEFAULT: self.profile.credentials, **self.profile.clients}
        own = next((row for row in rows.values() if named and text_of(row.client_id) == named), rows.get(client))
        text = None if own is None else text_of(own.certificate)
        return replace(request, client_certificate=ClientCertificate(text)) if text else request

    @property
    def origins(self) -> frozenset[Origin]:
        """The origins it answers for: those that the profile names."""
        return self.profile.origins

    def origin_at(self, path: str) -> Origin:
        """Return the origin whose endpoint has a path; that of the API if none has."""
        places = (*self._token_places, self._authorization_place, *self._further)
        return next((place[0] for place in places if place is not None and place[1] == path), self._api)

    @property
    def consents(self) -> bool:
        """Whether its authorization endpoint lets everybody in at once, without a page to log in at."""
        return self._policy.consents

    @property
    def http_version(self) -> str:
        """The version of HTTP that it speaks on a socket."""
        return self._policy.http_version

    @property
    def tokens_issued(self) -> int:
        """How many access tokens its token endpoint has issued, `issue` included."""
        return self._tokens.issued

    @property
    def issued(self) -> frozenset[bytes]:
        """Digests of the access tokens that it has issued: enough to tell one again."""
        with self._mutex:
            return frozenset(map(_digest, self._state.access))

    @property
    def refused(self) -> list[Reason]:
        """The latest requests that it has refused on its own account, and why, in order.

        An answer that the test has asked for is none of these, and a fault is no reason.
        """
        with self._mutex:
            reasons = Reasons(self.profile, self._state, is_sound=self._is_sound)
            kept = [(each, self._origin(each.request.url), path_of(each.request)) for each in self._state.refused]
            found = [reasons.of(each, is_of_api=self._is_of_api(origin, path)) for each, origin, path in kept]
        return [each for each in found if each is not None]

    def handle(self, request: Request) -> Response:
        """Answer a request. Safe to call from any thread. Raises NoAnswer if a test wants none to come."""
        self._policy.arrives(request)
        with self._mutex:
            self.requests.append(request)
            try:
                answer = self._answer(request)
                response = self._policy.revise(request, answer)
                if answer.delay or answer.is_cut_off:
                    # Not packed: what is left of a body is to arrive as it is.
                    response = replace(response, delay=answer.delay, is_cut_off=answer.is_cut_off)
                else:
                    response = self._policy.packed(request, response)
            except Crash:
                return CRASHED
            if response.status in REFUSALS:
                brought = (value for kind in BEARER_KINDS for value in self._policy.lines_of(kind, request))
                words = dict.fromkeys(value.split()[-1] for value in brought if value.split())
                self.strangers += [_digest(word) for word in words if not self._state.knows(word)]
        if request.method == "HEAD" and response.body and response.header("transfer-encoding") is None:
            length = ("Content-Length", str(len(response.body)))
            return Response(response.status, (*response.headers, length))
        return response

    def expire(self) -> None:
        """Move the clock to where every access token issued so far has expired. Refresh tokens live on."""
        with self._mutex:
            now = self.clock.now()
            latest = max((token.expires_at for token in self._state.access.values()), default=now)
            lifetimes = [self._policy.lifetime(grant) for grant in self.profile.grants]
            self.clock.advance(max(latest - now, max(lifetimes, default=0)) + 1)

    def revoke(self, token: str | Secret) -> None:
        """End a token of any kind. Raises CredentialError for one that is not known."""
        wanted = token if isinstance(token, Secret) else Secret(token, "token")
        with self._mutex:
            tables = (self._state.access, self._state.personal, self._state.refresh)
            found = [record for table in tables for record in table.values() if Secret(record.value, "") == wanted]
            if not found:
                raise CredentialError(f"{self.profile.name}: the token to revoke is not one of this server's")
            for record in found:
                record.dead = True

    def issue(
        self,
        *,
        grant: GrantType | None = None,
        user: str | None = None,
        client: str | None = None,
        scope: str | None = None,
    ) -> Secret:
        """Issue an access token without a request, as a grant would. Raises CredentialError without any grant."""
        chosen = grant or self.profile.usual_grant
        if chosen is None:
            raise CredentialError(f"{self.profile.name}: the profile documents no grant to issue a token by")
        row = self.profile.grants.get(chosen)
        if user is None and chosen in OF_USERS:
            user = row.user if row else DEFAULT
        with self._mutex:
            name = client or (row.client if row else DEFAULT)
            known = self._state.client_named(name)
            given = scope if scope is not None else self._usual_scope(chosen)
            award = Award(chosen, known.name if known else None, user, given, self._state.new_family())
            token, _ = self._tokens.issue(award)
        return Secret(token.value, f"{self.profile.name}.access_token")

    def reset(self) -> None:
        """Take back what it was told, and forget what it was asked: answers, refusals, requests, counters.

        ::

            @pytest.fixture(autouse=True)
            def clean(api):
                yield
                api.server.reset()

        Tokens stay as they are, good or revoked, and so does the clock. Between tests this needs nobody: each begins as
        if no other had been there.
        """
        with self._mutex:
            start = self.bookmark()
            seen = replace(start, requests=(), token_requests=0, tokens_issued=0, strangers=(), refused=())
            self.recall(replace(seen, once=(), always=(), refusals=()))

    def bookmark(self, *, tokens: bool = False) -> Bookmark:
        """Return where it stands; with ``tokens`` what it has given out belongs to that."""
        with self._mutex:
            once, always = self._own.all()
            return Bookmark(
                once=once,
                always=always,
                calls={own: tuple(own.requests) for own in (*once, *always)},
                refusals=tuple(self._refusals),
                requests=tuple(self.requests),
                token_requests=self.token_requests,
                tokens_issued=self._tokens.issued,
                strangers=tuple(self.strangers),
                refused=tuple(self._state.refused),
                reading=self.clock.reading,
                tables=self._state.tables() if tokens else None,
            )

    def recall(self, bookmark: Bookmark) -> None:
        """Go back to where it stood."""
        with self._mutex:
            self._own.put_back(bookmark.once, bookmark.always)
            for own in (*bookmark.once, *bookmark.always):
                own.requests[:] = bookmark.calls.get(own, ())
            self._refusals[:], self.requests[:] = bookmark.refusals, bookmark.requests
            self.token_requests, self._tokens.issued = bookmark.token_requests, bookmark.tokens_issued
            self.strangers[:] = bookmark.strangers
            self._state.refused.clear()
            self._state.refused.extend(bookmark.refused)
            self.clock.reading = bookmark.reading
            if bookmark.tables is not None:
                self._state.put_back(bookmark.tables)

    def _answer(self, request: Request) -> Response:
        origin = self._origin(request.url)
        if origin is None:
            return self._noted(request, MISDIRECTED)
        path = request.path
        if not path.startswith("/"):
            # The absolute form of a target names the host once more (RFC 9112 3.2.2).
            if not path.lower().startswith(("https://", "http://")):
                return self._noted(request, BAD_TARGET)
            if self._origin(path) != origin:
                return self._noted(request, MISDIRECTED)
            path = urlsplit(path).path or "/"
        if not path.isascii() or not path.isprintable() or " " in path or "#" in path:
            return self._noted(request, BAD_TARGET)
        try:
            self._policy.screen(request)
        except Refusal as refusal:
            return Response(refusal.status, (PLAIN,), b"Refused")
        early = self._policy.answer_early(request) if origin == self._api else None
        if early is not None:
            return early
        place = origin, path
        own = self._own.matching(origin, path, request) if self._own else ()
        if self._is_of_api(origin, path):
            if self._refusals:
                return self._resources.refusal(request, path, self._refusals.pop(0).response())
            return self._resources.answer(request, path, own)
        if self._asks_for_token(place, request):
            self.token_requests += 1
        # No zone says what it takes to get a test's own answer here.
        given = self._own.taken(own, request) if own else None
        if given is not None:
            return given
        answer = self._at_endpoint(place, request)
        return answer if answer.status != 405 else self._noted(request, answer)

    def _noted(self, request: Request, answer: Response) -> Response:
        """Return an answer that refuses a request, once that is noted."""
        self._state.note(request, answer.status, allowed=answer.header("allow") or "")
        return answer

    def _is_of_api(self, origin: Origin | None, path: str) -> bool:
        return origin == self._api and (origin, path) not in self._endpoints

    def _asks_for_token(self, place: Place, request: Request) -> bool:
        """Whether a request goes to where tokens are; a log-out may go there by another method."""
        return place in self._token_places and not self._policy.logs_out(request)

    def _at_endpoint(self, place: Place, request: Request) -> Response:
        if self._asks_for_token(place, request):
            return self._tokens.answer(request)
        if place == self._authorization_place:
            return self._authorizations.answer(request)
        return self._further[place](request) if place in self._further else self._noted(request, NOT_FOUND)

    def _origin(self, url: str) -> Origin | None:
        """Return the origin of a URL if this server answers for it."""
        end = url.find("/", 8)
        head = url if end < 0 else url[:end]
        if head not in self._served:
            try:
                origin = Origin.of(head)
            except ValueError:
                return None
            if self._policy.serves_plain_http and origin.scheme == "http":
                origin = Origin("https", origin.host, 443 if origin.port == 80 else origin.port)
            if len(self._served) >= CACHED_ORIGINS:
                self._served.clear()
            self._served[head] = origin if origin in self.origins else None
        return self._served[head]

    def _usual_scope(self, grant: GrantType) -> str:
        return self._policy.granted_scope(grant, self.profile.scope_of(grant) or None)


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("latin-1", "replace")).digest()
