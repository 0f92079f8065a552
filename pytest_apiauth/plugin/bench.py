"""What the fixtures of one test share: a server or the live side, and the clients made so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import SystemClock, Token, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.http import Carrier, InProcess, Network, build_async_client, build_client, fetch_token
from pytest_apiauth.http.translation import unreachable
from pytest_apiauth.plugin.run import State
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.model import DEFAULT, Kind, Profile
from pytest_apiauth.targets.apps import AppSide
from pytest_apiauth.targets.live_side import LiveSide

if TYPE_CHECKING:
    import httpx

    from pytest_apiauth.recording.taping import CassetteTest


class Bench:
    """One test's side of one profile: embedded (new for each test), an app, live (shared by the run), or replayed."""

    def __init__(
        self,
        state: State,
        profile: Profile,
        identities: Identities,
        carrier: Carrier,
        who: Mapping[str, str],
        *,
        server: Server | None = None,
        live: LiveSide | None = None,
        redactor: Redactor | None = None,
        allow_unsafe: bool = True,
    ) -> None:
        self.profile = profile
        self.server = server
        self._state = state
        self._identities = identities
        self._carrier = carrier
        self._who = dict(who)
        self._live = live
        self._allow_unsafe = allow_unsafe
        self._redactor = redactor or state.redactor
        self._stores: dict[tuple[str, ...], TokenStore] = {}
        self._clients: list[httpx.Client] = []

    @classmethod
    def build(
        cls,
        state: State,
        profile: Profile,
        who: Mapping[str, str],
        *,
        allow_unsafe: bool,
        app: AppSide | None = None,
        cassette: CassetteTest | None = None,
    ) -> Bench:
        """Start an embedded server, or take the app's or the live side. Raises ProfileError or CredentialError."""
        if app is not None:
            return cls(state, app.profile, app.identities, app.carrier, who)
        if state.options.live:
            side = state.live_side(profile)
            # What is recorded holds the token request too, so the test has a token store of its own.
            live = side if cassette is None else None
            return cls(
                state, side.profile, side.identities, side.carrier, who, live=live, allow_unsafe=allow_unsafe
            )  # fmt: skip
        if cassette is not None:
            # Its secrets are placeholders; nobody has to hide them.
            profile, redactor = cassette.replayed_profile(profile), Redactor()
            identities = Identities(profile, cassette.lookup(), redactor)
            return cls(state, profile, identities, Network(state.options.http), who, redactor=redactor)
        server = Server(
            profile,
            faults=state.options.faults,
            variants=state.options.variants,
            redactor=state.redactor,
        )
        identities = Identities(server.profile, server.lookup, state.redactor)
        carrier = InProcess(state.options.http, server.handle)
        return cls(state, server.profile, identities, carrier, who, server=server)

    def kinds_of(self, zone: str) -> tuple[Kind, ...]:
        """Give the credentials that a zone needs. Raises ProfileError for an unknown zone."""
        if zone not in self.profile.zones:
            known = ", ".join(self.profile.zones)
            raise ProfileError(f"{self.profile.name}: no zone {zone!r}; known are: {known}")
        needs = self.profile.zones[zone].needs
        return needs[0] if needs else ()

    def token(self) -> Token:
        """Give the current token of the test's own credentials."""
        authenticator = self._authenticator(None, {})
        assert authenticator is not None
        return fetch_token(authenticator, self._carrier, self._redactor)

    def client(self, kinds: Collection[str] | None, who: Mapping[str, str], options: Mapping[str, Any]) -> httpx.Client:
        """Make a client for a set of credentials; None sends what each request's zone needs."""
        made = build_client(
            self.profile,
            self._carrier,
            self._redactor,
            authenticator=self._authenticator(kinds, who),
            allow_unsafe=self._allow_unsafe,
            **options,
        )
        self._clients.append(made)
        return made

    def async_client(
        self, kinds: Collection[str] | None, who: Mapping[str, str], options: Mapping[str, Any]
    ) -> httpx.AsyncClient:
        """Make an asynchronous client. It keeps no connection open, so it needs no closing."""
        return build_async_client(
            self.profile,
            self._carrier,
            self._redactor,
            authenticator=self._authenticator(kinds, who),
            allow_unsafe=self._allow_unsafe,
            **options,
        )

    def no_answer(self, error: BaseException) -> str | None:
        """Say in one line that no connection came about, where that is what an error of the HTTP library says."""
        module = self._carrier.library.module
        if not isinstance(error, module.ConnectError | module.ConnectTimeout):
            return None
        return str(unreachable(self.profile.name, str(error.request.url), error, self._state.redactor))

    def close(self) -> None:
        """Close the clients made."""
        for client in self._clients:
            client.close()

    def _authenticator(self, kinds: Collection[str] | None, who: Mapping[str, str]) -> Authenticator | None:
        if kinds is not None and not kinds:
            return None
        for kind in kinds or ():
            if kind not in KINDS:
                raise ProfileError(f"no kind of credential {kind!r}; there are {', '.join(KINDS)}")
        chosen = {**self._who, **who}
        return Authenticator(
            self.profile,
            self._identities,
            self._store((chosen.get("client", ""), chosen.get("user", ""), chosen.get("key", DEFAULT))),
            self._redactor,
            kinds=cast("Collection[Kind] | None", kinds),
            client=chosen.get("client"),
            user=chosen.get("user"),
            key=chosen.get("key", DEFAULT),
        )

    def _store(self, who: tuple[str, ...]) -> TokenStore:
        """Give one store a set of credentials: for the run on a live server, else for the test.

        What an app stores for a test may be rolled back after it.
        """
        if self._live is not None:
            return self._live.store(who)
        if who not in self._stores:
            clock = self.server.clock if self.server is not None else SystemClock()
            self._stores[who] = TokenStore(clock, self.profile.token.leeway)
        return self._stores[who]
