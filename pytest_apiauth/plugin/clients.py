"""What one test holds: the clients made for its target, each with credentials and a token store of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import Token, TokenStore
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.http import build_async_client, build_client, fetch_token
from pytest_apiauth.http.translation import unreachable
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.model import DEFAULT, Kind
from pytest_apiauth.targets.target import Target, Who

if TYPE_CHECKING:
    from http.cookiejar import Cookie

    import httpx


@dataclass(frozen=True, slots=True)
class Held:
    """What clients held at one moment: cookies each of them, and tokens if these are to be brought back."""

    cookies: tuple[tuple[Cookie, ...], ...]
    tokens: Mapping[Who, Token | None] | None

    def plus(self, before: Held, after: Held) -> Held:
        """Add what came between two moments."""
        return replace(self, cookies=after.cookies)

    def minus(self, before: Held, after: Held) -> Held:
        """Take nothing out: whoever has set up the clients may have gone, and they go on."""
        return self


class Clients:
    """The clients of one test.

    ``who`` names the client, user and key of the profile that they act as; ``allow_unsafe`` lets them use unsafe
    methods on a live server. Raises CredentialError for a name that the profile has not.
    """

    def __init__(self, target: Target, who: Mapping[str, str], *, allow_unsafe: bool) -> None:
        target.identities.check_names(**who)
        self.target = target
        self.who = dict(who)
        self._allow_unsafe = allow_unsafe or not target.kind.is_live
        self._stores: dict[Who, TokenStore] = {}
        self._made: list[httpx.Client | httpx.AsyncClient] = []

    def kinds_of(self, zone: str) -> tuple[Kind, ...]:
        """Return the credentials that a zone needs. Raises ProfileError for an unknown zone."""
        if zone not in self.target.profile.zones:
            known = ", ".join(self.target.profile.zones)
            raise ProfileError(f"{self.target.profile.name}: no zone {zone!r}; known are: {known}")
        needs = self.target.profile.zones[zone].needs
        return needs[0] if needs else ()

    def token(self) -> Token:
        """Return the current token of the test's own credentials."""
        authenticator = self._authenticator(None, {})
        assert authenticator is not None
        return fetch_token(authenticator, self.target.connector, self.target.redactor)

    def client(self, kinds: Collection[str] | None, who: Mapping[str, str], options: Mapping[str, Any]) -> httpx.Client:
        """Make a client for a set of credentials; None sends what each request's zone needs."""
        made = build_client(
            self.target.profile,
            self.target.connector,
            self.target.redactor,
            authenticator=self._authenticator(kinds, who),
            allow_unsafe=self._allow_unsafe,
            **options,
        )
        self._made.append(made)
        return made

    def async_client(
        self, kinds: Collection[str] | None, who: Mapping[str, str], options: Mapping[str, Any]
    ) -> httpx.AsyncClient:
        """Make an asynchronous client. It keeps no connection open, so it needs no closing."""
        made = build_async_client(
            self.target.profile,
            self.target.connector,
            self.target.redactor,
            authenticator=self._authenticator(kinds, who),
            allow_unsafe=self._allow_unsafe,
            **options,
        )
        self._made.append(made)
        return made

    def bookmark(self, *, tokens: bool = False) -> Held:
        """Return what the clients hold; with ``tokens`` theirs belong to that."""
        cookies = tuple(tuple(client.cookies.jar) for client in self._made)
        return Held(cookies, {who: store.latest for who, store in self._stores.items()} if tokens else None)

    def recall(self, bookmark: Held) -> None:
        """Hold what they held; those that were made since are nobody's any more."""
        for client, cookies in zip(self._made, bookmark.cookies, strict=False):
            client.cookies.jar.clear()
            for cookie in cookies:
                client.cookies.jar.set_cookie(cookie)
        if bookmark.tokens is not None:
            for who, store in self._stores.items():
                store.keep(bookmark.tokens.get(who))

    def no_answer(self, error: BaseException) -> str | None:
        """Say in one line that no connection came about, if that is what an error of the HTTP library says."""
        module = self.target.connector.library.module
        if not isinstance(error, module.ConnectError | module.ConnectTimeout):
            return None
        message = Request(error.request.method, str(error.request.url))
        return str(unreachable(self.target.profile.name, message, error, self.target.redactor))

    def close(self) -> None:
        """Close the clients made."""
        for client in self._made:
            if not hasattr(client, "aclose"):
                client.close()

    def _authenticator(self, kinds: Collection[str] | None, who: Mapping[str, str]) -> Authenticator | None:
        if kinds is not None and not kinds:
            return None
        for kind in kinds or ():
            known = (*KINDS, *self.target.profile.schemes)
            if kind not in known:
                raise ProfileError(f"no kind of credential {kind!r}; there are {', '.join(known)}")
        self.target.identities.check_names(**who)
        chosen = {**self.who, **who}
        return Authenticator(
            self.target.profile,
            self.target.identities,
            self._store((chosen.get("client", ""), chosen.get("user", ""), chosen.get("key", DEFAULT))),
            self.target.redactor,
            kinds=kinds,
            client=chosen.get("client"),
            user=chosen.get("user"),
            key=chosen.get("key", DEFAULT),
            person=self.target.person,
        )

    def _store(self, who: Who) -> TokenStore:
        if who not in self._stores:
            self._stores[who] = self.target.store(who)
        return self._stores[who]
