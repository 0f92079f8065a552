"""One way of one user through the pages of a server: where it goes on, where it ends, and when it is given up.

`Way.going` yields requests and is sent their answers. It follows redirections and has forms filled in, or calls the
function that logs in, until an answer leads back to a client or nothing more can be done. A way on which a device's
code is entered leads back to nobody: it ends where no form is left, and its end says nothing of how it went.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Generator
from contextvars import copy_context
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

from pytest_apiauth.auth.browsing import Browser, Failed, Stopped, Tab, check_origin
from pytest_apiauth.auth.filling import Filling
from pytest_apiauth.auth.logins import of_login
from pytest_apiauth.auth.pages import forms_of, text_of
from pytest_apiauth.credentials.identities import UserIdentity
from pytest_apiauth.messages import Request, Response, parts_of
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Login, Profile

LogIn: TypeAlias = Callable[..., str]
"""Opens a URL as a user, and returns the URL that the browser ended at; may take a device's ``user_code`` too."""
Opening: TypeAlias = Generator[Request, Response, Response]
MOST_PAGES: Final = 20
"""Requests on one way through the pages."""
LONGEST: Final = 60.0
"""Seconds that a way through the pages may take."""
IN_URLS: Final = re.compile(r"([?#])[^\s\"'<>]+")
"""What of URLs may hold a code."""


class Way:
    """One way of one user, from an authorization request on or from the page where ``user_code`` is entered."""

    def __init__(
        self, profile: Profile, user: UserIdentity, browser: Browser, tab: Tab, request: Request, user_code: str = ""
    ) -> None:
        self.tab = tab
        self._profile = profile
        self._login = profile.login or Login()
        self._user = user
        self._browser = browser
        self._request = request
        self._user_code = user_code
        self._filling = Filling(profile, user, browser, tab, user_code=user_code)
        self._ends = [_place(uri) for uri in parse_qs(urlsplit(request.url).query).get("redirect_uri", [])]
        self._until = time.monotonic() + LONGEST

    def going(self, logs_in: LogIn | None) -> Opening:
        """Go as far as it leads."""
        request = self._request
        while True:
            response = yield self.tab.opening(request)
            self.tab.taken(response)
            try:
                if self._is_over(response):
                    return self._arrived(response)
                if logs_in is not None:
                    return self._arrived(self._by(logs_in))
                request = self._next(response)
            except Stopped as reason:
                if self._user_code and not isinstance(reason, Failed):
                    self._browser.arrive()
                where = one_line(self.tab.url.partition("?")[0])
                return replace(self._absolute(response), note=f"login: {where} {reason}")

    def _is_over(self, response: Response) -> bool:
        """Whether an answer leads back to a client, or is a refusal."""
        landing = self.tab.landing(response)
        if not landing:
            return response.status >= 300 and not self._asks(response)
        if self._user_code:
            return False
        parts = parts_of(landing)
        query, fragment = parse_qs(parts.query), parse_qs(parts.fragment)
        sent = {**query, **fragment}
        return _place(landing) in self._ends or "code" in sent or {"error", "state"} <= sent.keys()

    def _asks(self, response: Response) -> bool:
        """Whether an answer that is no success asks for a password: once one was typed, it does so again."""
        if not self._filling.has_typed and response.status not in (401, 403):
            return False
        return any(form.password(self._login.password) for form in forms_of(text_of(response)))

    def _arrived(self, response: Response) -> Response:
        landing = self.tab.landing(response)
        if "code" in parse_qs(parts_of(landing).query):
            self._browser.arrive()
        return self._absolute(response)

    def _absolute(self, response: Response) -> Response:
        landing = self.tab.landing(response)
        if not landing:
            return response
        lines = [line for line in response.headers if line[0].lower() != "location"]
        return replace(response, headers=(*lines, ("Location", landing)))

    def _by(self, logs_in: LogIn) -> Response:
        """Have a function of the user's log in."""
        self._browser.give_up_if_refused()
        try:
            with of_login(True):
                found: object = _aside(lambda: called(logs_in, self._request.url, self._user, self._user_code))
        except Exception as error:
            told = IN_URLS.sub(r"\1…", one_line(str(error)))
            found, words = None, f"failed: {type(error).__name__}: {told}"
        else:
            words = f"gave {type(found).__name__}, expected the URL that the browser ended at"
            if inspect.iscoroutine(found):
                found.close()
                words = "is a coroutine function; one that logs in is a plain one"
        if isinstance(found, str) and found:
            return Response(302, (("Location", found),))
        raise self._browser.fail(f"is where the function began that logs in, and it {words}")

    def _next(self, response: Response) -> Request:
        """Return what a person does next. Raises Stopped."""
        if self.tab.opened >= MOST_PAGES or time.monotonic() > self._until:
            raise Stopped(f"is where the script gave up, after {self.tab.opened} requests")
        if landing := self.tab.landing(response):
            check_origin(landing, self._profile.origins)
            return self.tab.following(response)
        return self._filling.sent(forms_of(text_of(response)))


def called(logs_in: LogIn, url: str, user: UserIdentity, user_code: str) -> str:
    """Call a function that logs in, with the code of a device if there is one and it takes it.

    >>> called(lambda url, user, user_code: f"{url}#{user_code}", "/device", UserIdentity("alice", None, None), "WDJB")
    '/device#WDJB'
    """
    if user_code and "user_code" in inspect.signature(logs_in).parameters:
        return logs_in(url, user, user_code=user_code)
    return logs_in(url, user)


def found_when_called(find: Callable[[], LogIn]) -> LogIn:
    """Return a function that logs in by another one, which is looked for whenever somebody has to log in."""

    def logs_in(url: str, user: UserIdentity, user_code: str = "") -> str:
        return called(find(), url, user, user_code)

    return logs_in


def _aside(work: Callable[[], object]) -> object:
    """Do blocking work, beside a loop if one runs in this thread: Playwright's blocking half refuses to be in one."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, work).result()


def _place(url: str) -> tuple[str, str, str]:
    """Return what of a URL tells where it leads; what cannot be read is its own place."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", url
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
