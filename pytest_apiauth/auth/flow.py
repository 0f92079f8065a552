"""Authentication as generators: every decision, no I/O.

Theory of operation. A flow yields *steps* and is sent what came of them:

- `Send`: put this request on the wire, follow no redirect, send the `Response` back in; if no answer
  comes, throw the error into the flow;
- `Wait`: wait until this flight is over, send None;
- `Forward`: put these headers on the user's own request, send it, send its status back in.

The loop that drives a flow is `pytest_apiauth.http.driver`, once for callers with and without ``await``. It closes a
flow that it does not finish, since a flow that leads a flight hands the lead on when it is closed.

A token that is refused with 401 is renewed once per request, and only if it was not fetched within the same
request: a server that refuses a brand-new token will refuse the next one too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from typing import Final, cast

from pytest_apiauth.auth.answers import code_from_callback, leads_back, read_token, replacing
from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.polling import page_for, read_begun, wait_after
from pytest_apiauth.auth.pushing import read_request_uri
from pytest_apiauth.auth.requester import Proved, Requester, Signed, Value, sendable
from pytest_apiauth.auth.selection import Plan, Plans
from pytest_apiauth.auth.texts import Role
from pytest_apiauth.auth.tokens import Flight, Token, TokenStore
from pytest_apiauth.auth.ways import Opening
from pytest_apiauth.credentials.binding import wants_nonce
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import ApiAuthError, CredentialError, TokenError, UnsetError
from pytest_apiauth.messages import ClientCertificate, Request, Response, joined
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import DEFAULT, GrantType, Kind, Profile

__all__ = ["Authenticator", "Forward", "RequestSteps", "Send", "TokenSteps", "Wait"]

# A refresh token that is refused with one of these is spent; any other status is trouble to be told.
_REFUSALS: Final = (400, 401, 403)


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send this request as it is and give back its answer."""

    request: Request


@dataclass(frozen=True, slots=True)
class Wait:
    """Step: wait for somebody else's token request."""

    flight: Flight


@dataclass(frozen=True, slots=True, repr=False)
class Forward:
    """Step: send the user's request with these headers, these values in the query or in a cookie, and so signed.

    ``certificate`` is what its client presents by mutual TLS.

    Do not change the dictionaries, they are shared.
    """

    headers: dict[str, str]
    placed: dict[Place, str] = field(default_factory=dict)
    signing: tuple[Signed | Proved, ...] = ()
    certificate: ClientCertificate | None = None
    travels: bool = field(init=False)
    """Whether anything goes along elsewhere than in a header that is known now: hardly ever."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "travels", bool(self.placed or self.signing or self.certificate is not None))

    def __repr__(self) -> str:
        places = (*self.placed, *(each.place for each in self.signing))
        return f"Forward({', '.join([*self.headers, *(place.name for place in places)])})"


@dataclass(frozen=True, slots=True, repr=False)
class Ready:
    """What a request gets that needs nothing first: its plan, the token, and the step that both make."""

    plan: Plan
    token: Token | None
    step: Forward


TokenSteps = Generator[Send | Wait, Response | None, Token]
RequestSteps = Generator[Send | Wait | Forward, Response | None, None]


class Authenticator:
    """Authenticates requests with one set of credentials: a client, a user and a key of a profile.

    ``kinds`` says which credentials to send; by default what the zone of the request needs, and in addition
    the API key and the token if they are set, because a surplus credential never hurts. Of alternatives,
    the first one whose credentials are set is taken. ``store`` may be shared by several authenticators only
    if they have the same client, user and grant. ``person`` logs in where a grant takes a person.
    """

    def __init__(
        self,
        profile: Profile,
        identities: Identities,
        store: TokenStore,
        redactor: Redactor,
        *,
        kinds: Collection[Kind] | None = None,
        client: str | None = None,
        user: str | None = None,
        key: str = DEFAULT,
        grant: GrantType | None = None,
        person: Person | None = None,
    ) -> None:
        self.profile = profile
        self.store = store
        self._identities = identities
        self._redactor = redactor
        self._kinds = None if kinds is None else frozenset(kinds)
        self._grant: GrantType | None = grant or profile.grant_of(client)
        table = profile.grants.get(self._grant) if self._grant else None
        self._client = client or (table.client if table else DEFAULT)
        self._user = user or (table.user if table else DEFAULT)
        self._person = person or Person(identities, redactor)
        self._ask = Requester(identities, client=self._client, user=self._user, key=key)
        self._plans = Plans(self._ask, self._grant)
        # That of the last request, reused as long as plan and token are the same.
        self._ready: Ready | None = None

    @property
    def is_bound(self) -> bool:
        """Whether tokens are bound to a key, so that an answer may say what the next proof is to have (RFC 9449 9)."""
        return self._identities.binding is not None

    def at_hand(self, path: str | Callable[[], str]) -> Ready | None:
        """Return what a request gets if no token has to be got first, which is so for nearly every request.

        None leaves the request to `authenticate`, to which this is a short cut.
        """
        plan = self._plans.at(path) if self._kinds is None else self._plans.exactly(self._kinds)
        if plan.problem is not None:
            return None
        token = self.store.fresh() if plan.has_token else None
        return None if token is None and plan.has_token else self._made_ready(plan, token)

    def authenticate(
        self,
        path: str | Callable[[], str] = "/",
        *,
        kinds: Collection[Kind] | None = None,
        replayable: bool = True,
        begun: tuple[Ready, Response | None] | None = None,
    ) -> RequestSteps:
        """Send the user's request with credentials, a second time if a token was refused that was not new.

        ``path`` is the absolute path of the request, by which its zone is found; a function that gives it is
        called only if the zones differ. A request that is not ``replayable`` is sent once only. ``begun`` is what was
        at hand for a request that was sent with it, and the answer: what is left is to go on from there. Raises
        CredentialError if the zone needs something that is not set.
        """
        if begun is None:
            plan = self._plan(path, kinds)
            token = self.store.fresh() if plan.has_token else None
            may_renew = token is not None
            if token is None and plan.has_token:
                token = yield from self.token()
            response = yield self._made_ready(plan, token).step
        else:
            plan, token, response = begun[0].plan, begun[0].token, begun[1]
            may_renew = token is not None
        if token is not None and replayable and self._is_to_be_proved_anew(response):
            response = yield self._made_ready(plan, token).step
        if token is None or not may_renew or response is None or response.status != 401:
            return
        self.store.refuse(token)
        if replayable:
            token = yield from self.token()
            yield self._made_ready(plan, token).step

    def _plan(self, path: str | Callable[[], str], kinds: Collection[Kind] | None) -> Plan:
        exactly = self._kinds if kinds is None else frozenset(kinds)
        plan = self._plans.at(path) if exactly is None else self._plans.exactly(exactly)
        if plan.problem is not None:
            raise (UnsetError if plan.is_unset else CredentialError)(plan.problem)
        return plan

    def _is_to_be_proved_anew(self, response: Response | None) -> bool:
        """Whether a server wants another nonce in the proof (RFC 9449 9), which it has told."""
        binding = self._identities.binding
        if binding is None or response is None:
            return False
        binding.learn(self.profile.base_url, response)
        return wants_nonce(response)

    def _asked(self, make: Callable[[], Request]) -> Generator[Send, Response | None, Response]:
        """Send a token request, and once more if its proof is to have another nonce (RFC 9449 8)."""
        request = make()
        response = yield from _sent(request)
        binding = self._identities.binding
        if binding is None:
            return response
        binding.learn(request.url, response)
        return (yield from _sent(make())) if wants_nonce(response) else response

    def _made_ready(self, plan: Plan, token: Token | None) -> Ready:
        ready = self._ready
        if ready is not None and ready.plan is plan and ready.token is token:
            return ready
        headers, placed = dict(plan.headers), dict(plan.placed)
        signing: tuple[Signed | Proved, ...] = plan.signing
        if token is not None:
            signing += self._ask.proving
            place = self.profile.place_of("bearer")
            text = place.prefix + sendable(token.access_token, place)
            if place.where == "header":
                headers[place.name] = text
            else:
                placed[place] = text
        step = Forward(headers, placed, signing, self._ask.certificate(is_needed=token is not None))
        ready = self._ready = Ready(plan, token, step)
        return ready

    def token(self) -> TokenSteps:
        """Get the current token, or a new one if there is none or it is stale; one request for all who ask."""
        while True:
            boarded = self.store.fresh() or self.store.board()
            if isinstance(boarded, Token):
                return boarded
            flight, leads = boarded
            if leads:
                return (yield from self._lead(flight))
            yield Wait(flight)
            try:
                token = flight.result()
            except ApiAuthError as error:
                # An exception of one's own: one that many threads raise collects all their tracebacks.
                raise type(error)(*error.args) from None
            if token is not None:
                return token

    def renew(self, rejected: Token) -> TokenSteps:
        """Get a token other than the one that a server has refused, unless somebody did so already."""
        self.store.refuse(rejected)
        return (yield from self.token())

    def _lead(self, flight: Flight) -> TokenSteps:
        try:
            token = yield from self._fetch()
        except Exception as error:
            self.store.fail(flight, error)
            raise
        except BaseException:
            # Closed or cancelled: no fault of the token endpoint, so somebody else may try.
            self.store.abandon(flight)
            raise
        self.store.land(flight, token)
        return token

    def _fetch(self) -> TokenSteps:
        if self._grant is not None and GRANTS[self._grant].needs_person:
            # The lock of a generator that is not finished is released when it is closed.
            with self._identities.turn(self._client, self._user):
                return (yield from self._authorize())
        latest = self.store.latest
        if latest is not None and latest.refresh_token is not None:
            token = yield from self._refresh(latest.refresh_token)
            if token is not None:
                return token
        if self._grant is None:
            raise CredentialError(f"{self.profile.name}: grants: the profile names no way to get a token")
        return (yield from self._exchange(self._grant))

    def _exchange(
        self, grant: GrantType, issued: Mapping[Role, Value] | None = None, redirect_uri: str | None = None
    ) -> TokenSteps:
        response = yield from self._asked(
            lambda: self._ask.token_request(grant, issued or {}, redirect_uri=redirect_uri)
        )
        return read_token(self.profile, grant, response, self.store.clock.now(), self._redactor)

    def _refresh(self, refresh_token: Secret) -> Generator[Send | Wait, Response | None, Token | None]:
        """Refresh, or return None if the refresh token is spent (RFC 6749 6)."""
        with self._spending(refresh_token) as keep:
            response = yield from self._asked(
                lambda: self._ask.token_request("refresh_token", {Role.REFRESH_TOKEN: refresh_token})
            )
            new = replacing(self.profile, response, refresh_token)
            if new is not None:
                keep(new)
        if response.status in _REFUSALS:
            return None
        token = read_token(self.profile, "refresh_token", response, self.store.clock.now(), self._redactor)
        # An answer without a new refresh token leaves the old one in force.
        return replace(token, refresh_token=refresh_token) if token.refresh_token is None else token

    def _spending(self, refresh_token: Secret) -> AbstractContextManager[Callable[[Secret], object]]:
        """Use a refresh token up; the next one is kept if a person had to log in for it."""
        if self._grant is None or not GRANTS[self._grant].needs_person:
            return nullcontext(lambda new: None)
        return self._identities.spending(refresh_token, self._client, self._user)

    def _authorize(self) -> TokenSteps:
        """Use the interactive grant: a refresh token got elsewhere, or a server that lets the user in unasked."""
        own = self.store.latest.refresh_token if self.store.latest is not None else None
        stored = self._identities.refresh_token(self._client, self._user)
        # Another run may have replaced our own, if they are kept.
        known = (stored, own) if self._identities.keeps else (own, stored)
        spent = ""
        for refresh_token in dict.fromkeys(known):
            if refresh_token is None:
                continue
            token = yield from self._refresh(refresh_token)
            if token is not None:
                return token
            spent = "the refresh token was refused and "
        if self._grant is not None and GRANTS[self._grant].is_polled:
            return (yield from self._by_polling(self._grant, spent))
        return (yield from self._by_code(spent))

    def _by_polling(self, grant: GrantType, spent: str) -> TokenSteps:
        """Begin, open the page for the user's code, and ask for the token once (RFC 8628 3)."""
        asked = yield from _sent(self._ask.beginning(grant))
        told = read_begun(self.profile, grant, asked, self._redactor)
        page, note = page_for(self.profile, told, is_scripted=self._person.is_scripted), ""
        if page is not None:
            last = yield from _opened(self._person.opens(page, self._user, user_code=told.user_code))
            note = self._redactor.redact(last.note)
        response = yield from self._asked(lambda: self._ask.token_request(grant, told.issued))
        if wait_after(response, told.interval) is not None:
            alone = f"log in once with `python -m pytest_apiauth token {self.profile.name}`, or have a script do so"
            why = f": {note}" if note else f"; this grant needs a person: {alone} by [login]"
            where = f"{self.profile.name}: {self.profile.token_endpoint} ({grant})"
            raise TokenError(f"{where}: {spent}nobody has entered the code{why}")
        return read_token(self.profile, grant, response, self.store.clock.now(), self._redactor)

    def _by_code(self, spent: str) -> TokenSteps:
        """Open the authorization endpoint, and take the code if it leads back (RFC 6749 4.1)."""
        asked = self._ask.authorization_request()
        for name, value in (("state", asked.state), ("code_verifier", asked.verifier)):
            self._redactor.learn(value, f"{self.profile.name}.{name}")
        if asked.push is not None:
            told = yield from _sent(asked.push)
            asked = asked.pushed(read_request_uri(self.profile, told, self._redactor))
        response = yield from _opened(self._person.opens(asked.request, self._user, asked=asked))
        location = response.header("location")
        callback = joined(asked.url, location) if location is not None else ""
        if not 300 <= response.status < 400 or not leads_back(asked, callback):
            if self._person.is_scripted:
                why = self._redactor.redact(response.note) or f"the last page answered {response.status}"
                raise TokenError(f"{self.profile.name}: authorization_code: {spent}no code came: {why}")
            raise TokenError(
                f"{self.profile.name}: authorization_code: {spent}{self.profile.authorization_endpoint} answered"
                f" {response.status} without leading back to redirect_uri; this grant needs a browser: log in once"
                f" with `python -m pytest_apiauth token {self.profile.name}`, or have a script do so by [login]"
            )
        try:
            promised = self.profile.authorization
            code = code_from_callback(asked, callback, issuer=promised.issuer, names_issuer=promised.names_issuer)
        except TokenError as error:
            raise TokenError(self._redactor.redact(str(error))) from None
        self._redactor.learn(code, f"{self.profile.name}.code")
        issued = {Role.CODE: code, Role.VERIFIER: asked.verifier}
        return (yield from self._exchange("authorization_code", issued, asked.redirect_uri))


def _opened(opening: Opening) -> Generator[Send, Response | None, Response]:
    with closing(opening):
        response: Response | None = None
        while True:
            try:
                request = next(opening) if response is None else opening.send(response)
            except StopIteration as end:
                return cast("Response", end.value)
            response = yield from _sent(request)


def _sent(request: Request) -> Generator[Send, Response | None, Response]:
    response = yield Send(request)
    if response is None:
        raise TypeError("a driver sends the answer to a Send step back into the flow")
    return response
