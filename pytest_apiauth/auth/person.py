"""A script in the place of the person who logs in and consents at an authorization endpoint, or for a device.

Theory of operation. A `Person` holds a browser for each user of a profile. It is given an authorization request and
goes on from its answer as a browser with a person before it would, until the answer leads back to the client, or
nothing more can be done; what came last is the answer to the request, with absolute ``Location``, as if the endpoint
had given it at once. Nothing is sent here: `Person.opens` yields requests and is sent their answers, so that each
passes the guard, the limits and the budget of whoever sends it.

- The page for a device's code (RFC 8628 3.3) is opened as an authorization request is. Nothing leads back from there:
  whoever asks for the token learns what the person did.
- Without ``[login]`` one request is made, as by a client that hopes for consent at once.
- With it redirections are followed, and the forms that come are filled in: one for a password with the user's own, one
  that only asks for a button by pressing it. A function of the user's, or a session from the environment, may take the
  place of the forms.
- It goes only to the profile's origins, so also with a password, and stops wherever an answer may lead back to a
  client: at any redirection to a ``redirect_uri`` that was asked for, or that brings a code.
- A password is typed once on each way, never into a form that would put it into a URL, and never again for a user for
  whom it did not work the first time, or three times in a row later on.
- What one user's browser holds is never another's.
- A login is on no tape. Where a tape is played, a `Person` that ``replays`` consents to everything without a request,
  and brings placeholders of what a server would give.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from http.cookiejar import CookieJar
from typing import Final, cast
from urllib.parse import urlencode

from pytest_apiauth.auth.browsing import Browser, Tab, new_jar
from pytest_apiauth.auth.requester import AuthorizationRequest, sendable
from pytest_apiauth.auth.ways import LogIn, Opening, Way
from pytest_apiauth.credentials.identities import Identities, UserIdentity
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError, UnsetError
from pytest_apiauth.messages import Headers, Origin, Request, Response
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import DEFAULT, Profile

CODE: Final = "apiauth-code"
"""The code that a tape's own person brings."""


class Person:
    """Logs in and consents, as each user of a profile.

    ``logs_in`` is the function that ``[login]`` names. ``consents`` says that the server is known to let everybody in
    at once, and to take it for consent if a device's page is opened, as the embedded one does, ``replays`` that a tape
    is played, from which the login was left out.

    Example::

        opening = Person(identities, redactor).opens(asked.request, "default")
        response = send(next(opening))  # and so on, until it returns
    """

    def __init__(
        self,
        identities: Identities,
        redactor: Redactor,
        *,
        logs_in: LogIn | None = None,
        consents: bool = False,
        replays: bool = False,
    ) -> None:
        self._profile = identities.profile
        self._identities = identities
        self._redactor = redactor
        self.logs_in = logs_in
        self._replays = replays
        self._lets_all_in = consents
        self.gets_codes: bool | None = True if consents else None
        """Whether a code has come, or none; None as long as nobody has tried."""
        self.enters_codes: bool | None = True if consents else None if self.is_scripted else False
        """Whether a device whose code was entered gets its token; None as long as nobody has tried."""
        self.trouble = ""
        """Why no code and no such token has come."""
        self._browsers: dict[str, Browser] = {}
        self._lock = threading.Lock()

    @property
    def is_scripted(self) -> bool:
        """Whether somebody has said how to log in."""
        return self._profile.login is not None or self.logs_in is not None

    def can_be(self, user: str) -> bool:
        """Whether codes can be had for this user: a server that lets everybody in knows one only."""
        return (self.is_scripted and not self._lets_all_in) or user in (DEFAULT, self._usual)

    @property
    def _usual(self) -> str:
        grant = self._profile.interactive_grant
        return self._profile.grants[grant].user if grant is not None else DEFAULT

    def opens(
        self,
        request: Request,
        user: str,
        *,
        in_private: bool = False,
        user_code: str = "",
        asked: AuthorizationRequest | None = None,
    ) -> Opening:
        """Open an authorization request in a user's browser and go on; return the last answer.

        ``asked`` is what it asks for, of a client that is no rule. With ``user_code`` it is the page of a device that
        shows this code. ``in_private`` is in a window of its own, where nobody has logged in yet. If the last answer
        did not lead back to a client although nobody refused, its ``note`` says what stood in the way. Raises
        CredentialError if the user has no password or session, and whatever is thrown in for want of an answer.
        """
        if self._replays:
            return consented(self._profile, asked)
        if not self.is_scripted:
            return (yield request)
        with self._lock:
            browser = self._browsers.setdefault(user, Browser())
        jar = new_jar(() if in_private else browser.jar)
        way = Way(self._profile, self._identity(user), browser, self._tab(request, user, jar), request, user_code)
        response = yield from way.going(self.logs_in)
        for cookie in way.tab.jar:
            self._redactor.learn(cookie.value or "", f"{self._profile.name}.login_cookie")
        if not in_private:
            browser.jar = jar
        return response

    def _identity(self, user: str) -> UserIdentity:
        try:
            return self._identities.user(user)
        except UnsetError:
            # What comes with a session, or is asked for elsewhere, is not needed here.
            if self.logs_in is None and (self._profile.login is None or self._profile.login.way == "form"):
                raise
            return UserIdentity(user, None, None)

    def _tab(self, request: Request, user: str, jar: CookieJar) -> Tab:
        login = self._profile.login
        lines: Headers = ()
        if login is not None and login.way == "session":
            session = self._identities.session(user)
            if session is None:
                section = "credentials" if user == DEFAULT else f"users.{user}"
                raise CredentialError(f"{self._profile.name}: {section}.session: [login] needs one, and there is none")
            place = Place("cookie", login.cookie) if login.cookie else Place("header", str(login.header))
            value = sendable(session, place)
            lines = (("Cookie", f"{login.cookie}={value}") if login.cookie else (place.name, value),)
        return Tab(jar, Origin.of(request.url), lines)


def sent_by(opening: Opening, send: Callable[[Request], Response]) -> Response:
    """Go the way from an authorization request on by a function that sends, and return the last answer."""
    with closing(opening):
        response: Response | None = None
        while True:
            try:
                request = next(opening) if response is None else opening.send(response)
            except StopIteration as end:
                return cast("Response", end.value)
            response = send(request)


def consented(profile: Profile, asked: AuthorizationRequest | None) -> Response:
    """Return the answer to a request that somebody has consented to, with placeholders of what a server has given.

    That is a page, if it is for a device that they did.
    """
    if asked is None:
        return Response(200)
    promised, back = profile.authorization, asked.redirect_uri
    sent = {"code": CODE, "state": asked.state}
    if promised.names_issuer:
        sent["iss"] = promised.issuer or str(Origin.of(profile.authorization_endpoint))
    return Response(302, (("Location", f"{back}{'&' if '?' in back else '?'}{urlencode(sent)}"),))
