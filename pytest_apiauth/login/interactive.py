"""The command ``token``: one grant of a profile, once, against its real URLs, with a person if it takes one.

Theory of operation. This command is the user's own request to go to the network, so it needs no ``--apiauth-live``;
it says which hosts are about to be contacted. authorization_code is run as RFC 8252 has it for a program on a
person's machine: a browser of the person's own, PKCE, a random state, and a redirection to loopback, where a server
of ours waits for one answer. Where the registered redirection URI is elsewhere, the person pastes the URL that the
browser ended at. A grant that is polled for is run as RFC 8628 has it: a page and a code are printed, and the server is
asked for the token until the person has entered the code there. No token is printed; a refresh token that an
interactive grant gives is kept for live runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_apiauth import installed
from pytest_apiauth.auth.answers import code_from_callback, leads_back, read_token, replacing
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.person import Person, sent_by
from pytest_apiauth.auth.polling import Begun, page_for, read_begun, wait_after
from pytest_apiauth.auth.pushing import read_request_uri
from pytest_apiauth.auth.requester import AuthorizationRequest, Requester, Value
from pytest_apiauth.auth.texts import Role
from pytest_apiauth.auth.tokens import SystemClock, Token, TokenStore
from pytest_apiauth.auth.ways import LogIn
from pytest_apiauth.credentials.binding import wants_nonce
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.refresh_tokens import live_identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import ApiAuthError, CredentialError, ProfileError, TokenError
from pytest_apiauth.http import Network, Sender, fetch_token
from pytest_apiauth.login.callback import is_loopback, listening, open_browser, pasted
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import DEFAULT, GrantSettings, GrantType, Profile

WAIT: Final = 300.0
"""Seconds that a person has to log in."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a person takes part: ``opens_browser`` by itself, ``pastes`` the answer, ``wait`` seconds at most.

    ``pause`` waits between two polls, and ``now`` tells how long all of them have taken.
    """

    opens_browser: bool = True
    pastes: bool = False
    wait: float = WAIT
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    script: Callable[[Profile, Path], LogIn | None] | None = None
    """Have ``[login]`` play the person's part: returns the function that it names, if it names one."""


def obtain(name: str, *, grant: str | None = None, user: str | None = None, way: Way | None = None) -> Iterator[str]:
    """Run a grant of a profile, and say in a few lines what came of it.

    ``name`` is a profile's name or path, ``grant`` one of its grants (default: the one that clients use), ``user``
    one of its users. Raises ApiAuthError, in one line without a secret, for whatever goes wrong.
    """
    folder = Path.cwd()
    profile = located_profile(loading.load(loading.find_from(folder, name)), folder)
    login = _Login(profile, _grant(profile, grant), user, folder)
    try:
        for line in login.run(way or Way()):
            yield login.redactor.redact(line)
    except ApiAuthError as error:
        raise type(error)(login.redactor.redact(str(error))) from None
    finally:
        login.sender.close()


def _grant(profile: Profile, asked: str | None) -> GrantType:
    known = list(profile.grants)
    if asked is None and known:
        return profile.usual_grant or known[0]
    for grant in known:
        if grant == asked:
            return grant
    if not known:
        raise ProfileError(f"{profile.name}: grants: the profile names no way to get a token")
    raise ProfileError(
        f"{profile.name}: --grant: the profile has no grant {asked!r}{loading.did_you_mean(asked or '', list(known))};"
        f" it has {', '.join(known)}"
    )


class _Login:
    """One run of one grant."""

    def __init__(self, profile: Profile, grant: GrantType, user: str | None, folder: Path) -> None:
        self.redactor = Redactor()
        self._profile = profile
        self._folder = folder
        self._grant = grant
        self._interactive = profile.interactive_grant
        # What is renewed is what the interactive grant has given, to the client that it was given to.
        giving = self._interactive if GRANTS[grant].refreshes else None
        table = profile.grants.get(giving or grant) or GrantSettings()
        self._client = table.client
        self._user = user or table.user
        self._identities: Identities = live_identities(profile, folder, self.redactor)
        self._ask = Requester(self._identities, client=self._client, user=self._user)
        if self._user not in (DEFAULT, *profile.users):
            known = ", ".join((DEFAULT, *profile.users))
            raise ProfileError(f"{profile.name}: --user: no {self._user!r} in [users]; known are: {known}")
        self.sender = Sender.live(installed.usual(), profile, self.redactor)

    def run(self, way: Way) -> Iterator[str]:
        """Run the grant."""
        where = ""
        if GRANTS[self._grant].needs_person:
            is_polled = GRANTS[self._grant].is_polled
            token = yield from self._by_polling(way) if is_polled else self._with_a_person(way)
            with self._identities.turn(self._client, self._user):
                where = self._kept(token)
        elif GRANTS[self._grant].refreshes:
            with self._identities.turn(self._client, self._user):
                stored = self._identities.refresh_token(self._client, self._user)
                if stored is None:
                    raise CredentialError(
                        f"{self._profile.name}: refresh_token: there is none yet; {self._how_to_get_one}"
                    )
                token, where = self._refreshed(stored)
        elif GRANTS[self._grant].takes is not None:
            token = self._exchanged({Role.ACCESS_TOKEN: self._first_token().access_token})
        else:
            token = self._exchanged()
        yield from self._told(token, where)

    def _refreshed(self, stored: Secret) -> tuple[Token, str]:
        """Refresh, and say where the refresh token is that takes the place of the one before; empty if none came."""

        def make() -> Request:
            return self._ask.token_request(self._grant, {Role.REFRESH_TOKEN: stored})

        make()  # what is lacking is told before anybody is contacted
        self._announce(self._profile.token_endpoint)
        where = ""
        with self._identities.spending(stored, self._client, self._user) as keep:
            response = self._answered(make)
            new = replacing(self._profile, response, stored)
            if new is not None:
                where = keep(new)
        token = self._read(response)
        return token, where or self._kept(token)

    def _exchanged(self, issued: Mapping[Role, Value] | None = None, redirect_uri: str | None = None) -> Token:
        def make() -> Request:
            return self._ask.token_request(self._grant, issued or {}, redirect_uri=redirect_uri)

        make()  # what is lacking is told before anybody is contacted
        self._announce(self._profile.token_endpoint)
        return self._read(self._answered(make))

    def _read(self, response: Response) -> Token:
        return read_token(self._profile, self._grant, response, time.time(), self.redactor)

    def _answered(self, make: Callable[[], Request]) -> Response:
        """Send a token request, and once more if its proof is to have another nonce (RFC 9449 8)."""
        request = make()
        response = self.sender.send(request)
        if self._identities.binding is not None:
            self._identities.binding.learn(request.url, response)
        return self.sender.send(make()) if wants_nonce(response) else response

    def _first_token(self) -> Token:
        """Return a token of the usual grant, as clients get it, for a grant that begins with one."""
        usual, store = self._profile.usual_grant, TokenStore(SystemClock(), self._profile.token.leeway)
        print(f"{self._profile.name}: first a token by {usual}, as clients get it", file=sys.stderr, flush=True)
        asking = Authenticator(self._profile, self._identities, store, self.redactor, client=self._client)
        return fetch_token(asking, Network(installed.usual(), ca_file=self._profile.ca_file), self.redactor)

    def _announce(self, url: str) -> None:
        print(f"{self._profile.name}: contacting {Origin.of(url)} for {self._grant}", file=sys.stderr, flush=True)

    # authorization_code

    def _with_a_person(self, way: Way) -> Generator[str, None, Token]:
        if way.script is not None:
            return (yield from self._by_script(way.script))
        registered = self._identities.client(self._client).redirect_uri
        if registered is None:
            raise CredentialError(
                f"{self._profile.name}: redirect_uri: needed for authorization_code and not set; best is a registered"
                " http://127.0.0.1:PORT/PATH"
            )
        issuer, names_issuer = self._issuer()
        with ExitStack() as stack:
            callbacks = None
            if is_loopback(registered) and not way.pastes:
                callbacks = stack.enter_context(listening(self._profile.name, registered))
            # Whoever is to open it has to see its name.
            asked = self._asked(Redactor(), callbacks.redirect_uri if callbacks else None)
            yield "log in here:"
            yield asked.url
            if way.opens_browser:
                open_browser(asked.url)
            if callbacks is not None:
                yield f"waiting up to {way.wait:.0f} s at {callbacks.redirect_uri} (--paste takes the answer by hand)"
                answer = callbacks.wait(way.wait)
            else:
                yield "then paste the URL that the browser ended at, and press Enter:"
                answer = pasted(self._profile.name)
            try:
                code = code_from_callback(asked, answer, issuer=issuer, names_issuer=names_issuer)
            except TokenError as error:
                if callbacks is not None:
                    callbacks.finish(False)
                raise TokenError(str(error)) from None
            self.redactor.learn(code, f"{self._profile.name}.code")
            try:
                token = self._exchanged({Role.CODE: code, Role.VERIFIER: asked.verifier}, asked.redirect_uri)
            except ApiAuthError:
                if callbacks is not None:
                    callbacks.finish(False)
                raise
            if callbacks is not None:
                callbacks.finish(True)
            return token

    def _asked(self, redactor: Redactor, redirect_uri: str | None = None) -> AuthorizationRequest:
        """Return what to open in the browser; it is pushed beforehand where that is the way (RFC 9126).

        The redactor learns the name that it then has.
        """
        asked = self._ask.authorization_request(redirect_uri=redirect_uri)
        self.redactor.learn(asked.verifier, f"{self._profile.name}.code_verifier")
        if asked.push is None:
            return asked
        self._announce(self._profile.pushed_authorization_request_endpoint)
        return asked.pushed(read_request_uri(self._profile, self.sender.send(asked.push), redactor))

    def _by_script(self, script: Callable[[Profile, Path], LogIn | None]) -> Generator[str, None, Token]:
        """Have the profile's ``[login]`` log in, at once and without a browser."""
        issuer, names_issuer = self._issuer()
        person = self._person(script)
        asked = self._asked(self.redactor)
        self._announce(self._profile.authorization_endpoint)
        response = sent_by(person.opens(asked.request, self._user), self.sender.send)
        callback = response.header("location") or ""
        if not leads_back(asked, callback):
            why = self.redactor.redact(response.note) or f"the last page answered {response.status}"
            hint = "" if person.is_scripted else "; [login] says how to log in"
            raise TokenError(f"{self._profile.name}: authorization_code: no code came: {why}{hint}")
        code = code_from_callback(asked, callback, issuer=issuer, names_issuer=names_issuer)
        self.redactor.learn(code, f"{self._profile.name}.code")
        yield f"the script has logged in as {self._user}"
        return self._exchanged({Role.CODE: code, Role.VERIFIER: asked.verifier}, asked.redirect_uri)

    # What is polled for

    def _by_polling(self, way: Way) -> Generator[str, None, Token]:
        asking = self._ask.beginning(self._grant)
        self._announce(self._profile.beginning_of(self._grant))
        told = read_begun(self._profile, self._grant, self.sender.send(asking), self.redactor)
        yield "open this page, on any device, and enter the code:"
        yield one_line(told.verification_uri)
        yield one_line(told.user_code)

        def make() -> Request:
            return self._ask.token_request(self._grant, told.issued)

        if way.script is not None:
            return (yield from self._entered_by_script(way.script, told, make))
        if way.opens_browser:
            open_browser(told.verification_uri_complete or told.verification_uri)
        left = min(told.expires_in, way.wait)
        yield f"waiting up to {left:.0f} s"
        self._announce(self._profile.token_endpoint)
        interval, end = told.interval, way.now() + left
        # Answers take time too, which a server may make long.
        while left > 0 and way.now() < end:
            way.pause(min(interval, left))
            left -= interval
            if left < 0:
                break
            response = self._answered(make)
            longer = wait_after(response, interval)
            if longer is None:
                return self._read(response)
            interval = longer
        where = f"{self._profile.name}: {self._profile.token_endpoint} ({self._grant})"
        raise TokenError(f"{where}: nobody has entered the code in time")

    def _entered_by_script(
        self, script: Callable[[Profile, Path], LogIn | None], told: Begun, make: Callable[[], Request]
    ) -> Generator[str, None, Token]:
        """Have the profile's ``[login]`` enter the code, and ask for the token once."""
        person = self._person(script)
        page = page_for(self._profile, told, is_scripted=person.is_scripted)
        note = "the server gave no page that has the code in it"
        if page is not None:
            self._announce(page.url)
            last = sent_by(person.opens(page, self._user, user_code=told.user_code), self.sender.send)
            note = last.note or f"the last page answered {last.status}"
        self._announce(self._profile.token_endpoint)
        response = self._answered(make)
        if wait_after(response, told.interval) is not None:
            hint = "" if person.is_scripted else "; [login] says how to log in"
            raise TokenError(f"{self._profile.name}: {self._grant}: the script has not entered the code: {note}{hint}")
        yield f"the script has entered the code as {self._user}"
        return self._read(response)

    def _person(self, script: Callable[[Profile, Path], LogIn | None]) -> Person:
        return Person(self._identities, self.redactor, logs_in=script(self._profile, self._folder))

    def _issuer(self) -> tuple[str | None, bool]:
        """Return the issuer that the profile or the server's metadata name, and whether answers name it too."""
        promised, url = self._profile.authorization, self._profile.metadata_url
        if promised.issuer is not None:
            return promised.issuer, True
        if url is None:
            return None, promised.names_issuer or "RFC 9207" in self._profile.standards
        url = self._profile.url(url)
        self._announce(url)
        response = self.sender.send(Request("GET", url, (("Accept", "application/json"),)))
        body = response.json()
        issuer = body.get("issuer") if isinstance(body, dict) else None
        if response.status != 200 or not isinstance(body, dict) or not isinstance(issuer, str):
            raise TokenError(
                f"{self._profile.name}: metadata_url: {url} answered {response.status}, expected 200 with an issuer"
            )
        announced = body.get("authorization_response_iss_parameter_supported") is True
        return issuer, announced or promised.names_issuer

    # What came of it

    @property
    def _how_to_get_one(self) -> str:
        if self._interactive is not None:
            return f"log in first: python -m pytest_apiauth token {self._profile.name} --grant {self._interactive}"
        return "say in credentials.refresh_token where one is"

    def _kept(self, token: Token) -> str:
        """Keep what an interactive grant has given, and say where; empty if nothing is kept."""
        is_given = self._profile.credentials.refresh_token is not None
        if token.refresh_token is None or not (is_given or self._interactive):
            return ""
        return self._identities.keep_refresh_token(token.refresh_token, self._client, self._user)

    def _told(self, token: Token, where: str) -> Iterator[str]:
        life = (
            "no lifetime told" if token.expires_at is None else f"good for {token.expires_at - token.issued_at:.0f} s"
        )
        scope = f"scope {one_line(self.redactor.redact(token.scope))}" if token.scope else "no scope told"
        yield f"{self._profile.name}: {self._grant}: an access token, {life}, {scope}"
        if self._profile.token.bound == "dpop":
            yield "it is bound to a key of this command alone, and so of use to nobody else"
        if where:
            yield f"the refresh token is kept in {where}; live runs of this profile use it"
        elif token.refresh_token is not None:
            yield "a refresh token came too; it is not kept, since a live run can log in by itself"
        elif GRANTS[self._grant].needs_person:
            yield "no refresh token came with it, so live runs cannot go on from here; often the scope"
            yield "offline_access gives one, for some servers only with ?prompt=consent in authorize_url"
