"""A script in the place of the person who logs in and consents at an authorization endpoint.

Theory of operation. A `Person` holds a browser for each user of a profile. It is given an authorization request and
goes on from its answer as a browser with a person before it would, until the answer leads back to the client, or
nothing more can be done; what came last is the answer to the request, with absolute ``Location``, as if the endpoint
had given it at once. Nothing is sent here: `Person.opens` yields requests and is sent their answers, so that each
passes the guard, the limits and the budget of whoever sends it.

- Without ``[login]`` one request is made, as by a client that hopes for consent at once.
- With it redirections are followed, and the forms that come are filled in: one for a password with the user's own, one
  that only asks for a button by pressing it. A function of the user's, or a session from the environment, may take the
  place of the forms.
- It goes only to the profile's origins, so also with a password, and stops wherever an answer may lead back to a
  client: at any redirection to a ``redirect_uri`` that was asked for, or that brings a code.
- A password is typed once on each way, never into a form that would put it into a URL, and never again for a user for
  whom it did not work the first time, or three times in a row later on.
- What one user's browser holds is never another's.
"""

from __future__ import annotations

import codecs
import inspect
import re
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar
from typing import Final, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from pytest_apiauth.auth.browsing import Tab, is_reachable, new_jar
from pytest_apiauth.auth.pages import CALLED_USERNAME, MOST_LETTERS, Button, Form, forms_of
from pytest_apiauth.credentials.identities import Identities, UserIdentity
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError, UnsetError
from pytest_apiauth.messages import Headers, Origin, Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import DEFAULT, Login, Profile

LogIn: TypeAlias = Callable[[str, UserIdentity], str]
"""Opens a URL as a user, and returns the URL that the browser ended at."""
Opening: TypeAlias = Generator[Request, Response, Response]
MOST_PAGES: Final = 20
"""Requests on one way through the pages."""
LONGEST: Final = 60.0
"""Seconds that a way through the pages may take."""
MOST_FAILURES: Final = 3
"""How often a login that worked before may fail before nobody tries any more."""
NO_CHARSETS: Final = frozenset(("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"))
"""Codecs of Python's that decode text, and that no page is written in."""
IN_URLS: Final = re.compile(r"([?#])[^\s\"'<>]+")
"""What of URLs may hold a code."""


class _Stopped(Exception):
    """The person does not know what to do next; the message says why."""


@dataclass(slots=True)
class _Browser:
    """What the browser of one user holds."""

    jar: CookieJar = field(default_factory=new_jar)
    has_arrived: bool = False
    """Whether it came back to the client once."""
    refused: str = ""
    """Why nobody tries any more."""
    failures: int = 0


class Person:
    """Logs in and consents, as each user of a profile.

    ``logs_in`` is the function that ``[login]`` names. ``consents`` says that the server is known to let everybody in
    at once, as the embedded one does, ``enters_codes`` that to open a device's page is consent there (RFC 8628 3.3):
    no script enters a device's code anywhere else.

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
        enters_codes: bool = False,
    ) -> None:
        self._profile = identities.profile
        self._identities = identities
        self._redactor = redactor
        self.logs_in = logs_in
        self.enters_codes = enters_codes
        self.gets_codes: bool | None = True if consents else None
        """Whether a code has come, or none; None as long as nobody has tried."""
        self.trouble = ""
        """Why none has come."""
        self._browsers: dict[str, _Browser] = {}
        self._lock = threading.Lock()

    @property
    def is_scripted(self) -> bool:
        """Whether somebody has said how to log in."""
        return self._profile.login is not None or self.logs_in is not None

    def can_be(self, user: str) -> bool:
        """Whether codes can be had for this user: a server that lets everybody in knows one only."""
        return self.is_scripted or user in (DEFAULT, self._usual)

    @property
    def _usual(self) -> str:
        grant = self._profile.code_grant
        return self._profile.grants[grant].user if grant is not None else DEFAULT

    def opens(self, request: Request, user: str, *, in_private: bool = False) -> Opening:
        """Open an authorization request in a user's browser and go on; return the last answer.

        ``in_private`` is in a window of its own, where nobody has logged in yet. If the last answer did not lead back
        to a client although nobody refused, its ``note`` says what stood in the way. Raises CredentialError if the user
        has no password or session, and whatever is thrown in for want of an answer.
        """
        if not self.is_scripted:
            return (yield request)
        with self._lock:
            browser = self._browsers.setdefault(user, _Browser())
        jar = new_jar(() if in_private else browser.jar)
        way = _Way(self._profile, self._identity(user), browser, self._tab(request, user, jar), request)
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
            value = session.reveal()
            lines = (("Cookie", f"{login.cookie}={value}") if login.cookie else (str(login.header), value),)
        return Tab(jar, Origin.of(request.url), lines)


def sent_by(opening: Opening, send: Callable[[Request], Response]) -> Response:
    """Go the way from an authorization request on by a function that sends, and return the last answer."""
    with closing(opening):
        request = next(opening)
        while True:
            response = send(request)
            try:
                request = opening.send(response)
            except StopIteration as end:
                return cast("Response", end.value)


class _Way:
    """One way of one user from an authorization request on."""

    def __init__(self, profile: Profile, user: UserIdentity, browser: _Browser, tab: Tab, request: Request) -> None:
        self.tab = tab
        self._profile = profile
        self._login = profile.login or Login()
        self._user = user
        self._browser = browser
        self._request = request
        self._ends = [_place(uri) for uri in parse_qs(urlsplit(request.url).query).get("redirect_uri", [])]
        self._has_typed = self._has_named = False
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
            except _Stopped as reason:
                where = one_line(self.tab.url.partition("?")[0])
                return replace(self._absolute(response), note=f"login: {where} {reason}")

    def _is_over(self, response: Response) -> bool:
        """Whether an answer leads back to a client, or is a refusal."""
        landing = self.tab.landing(response)
        if not landing:
            return response.status >= 300 and not self._asks(response)
        query, fragment = (parse_qs(text) for text in (urlsplit(landing).query, urlsplit(landing).fragment))
        sent = {**query, **fragment}
        return _place(landing) in self._ends or "code" in sent or {"error", "state"} <= sent.keys()

    def _asks(self, response: Response) -> bool:
        """Whether an answer that is no success asks for a password: once one was typed, it does so again."""
        if not self._has_typed and response.status not in (401, 403):
            return False
        return any(form.password(self._login.password) for form in forms_of(_text(response)))

    def _arrived(self, response: Response) -> Response:
        landing = self.tab.landing(response)
        if "code" in parse_qs(urlsplit(landing).query):
            self._browser.has_arrived, self._browser.failures = True, 0
        return self._absolute(response)

    def _absolute(self, response: Response) -> Response:
        landing = self.tab.landing(response)
        if not landing:
            return response
        lines = [line for line in response.headers if line[0].lower() != "location"]
        return replace(response, headers=(*lines, ("Location", landing)))

    def _by(self, logs_in: LogIn) -> Response:
        """Have a function of the user's log in."""
        self._give_up_if_refused()
        try:
            found: object = _aside(lambda: logs_in(self._request.url, self._user))
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
        raise self._failed(f"is where the function began that logs in, and it {words}")

    def _failed(self, reason: str) -> _Stopped:
        """Count a login that has failed, and say why."""
        self._browser.failures += 1
        if not self._browser.has_arrived or self._browser.failures >= MOST_FAILURES:
            self._browser.refused = reason
        return _Stopped(reason)

    def _give_up_if_refused(self) -> None:
        if self._browser.refused:
            raise _Stopped(f"{self._browser.refused}; nobody has tried again")

    def _next(self, response: Response) -> Request:
        """Return what a person does next. Raises _Stopped."""
        if self.tab.opened >= MOST_PAGES or time.monotonic() > self._until:
            raise _Stopped(f"is where the script gave up, after {self.tab.opened} requests")
        if landing := self.tab.landing(response):
            self._check_origin(landing)
            return self.tab.following(response)
        forms = forms_of(_text(response))
        return self._password(forms) or self._name(forms) or self._consent(forms)

    def _check_origin(self, url: str) -> None:
        if "\\" in url.partition("?")[0]:
            raise _Stopped("leads to a URL with a backslash in it, which browsers read as another one")
        if not is_reachable(url, self._profile.origins):
            parts = urlsplit(url)
            place = one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
            raise _Stopped(f"leads to {place}, which the profile does not name; login.origins takes it")

    def _password(self, forms: list[Form]) -> Request | None:
        """Type name and password, if a form asks for them."""
        login = self._login
        asking = [form for form in forms if form.password(login.password) is not None]
        if len(asking) > 1:
            asking = [form for form in asking if form.username(login.username) and form.pressed(login.buttons)]
        if len(asking) > 1:
            asking = [form for form in asking if any(map(form.called, login.buttons))]
            if len(asking) != 1:
                raise _Stopped("has several forms for a password; name a button of one in login.buttons")
        if not asking:
            return None
        self._give_up_if_refused()
        if self._has_typed:
            again = "asks for the password again: it took no name and password of the user"
            raise self._failed(f"{again} {self._user.name!r}")
        if self._user.password is None:
            raise _Stopped(f"asks for a password, and the profile has none of the user {self._user.name!r}")
        form, filled = asking[0], {}
        if self._method(form, form.pressed(login.buttons, by_enter=True)) != "POST":
            raise _Stopped("asks for a password with GET, which would put it into a URL")
        name, password = form.username(login.username), form.password(login.password)
        if name is not None:
            filled[name.name] = self._username()
        if password is not None:
            filled[password.name] = self._user.password.reveal()
        self._has_typed = True
        return self._sending(form, filled, by_enter=True)

    def _name(self, forms: list[Form]) -> Request | None:
        """Type the name alone, if a form asks for it before another one asks for the password."""
        for form in forms:
            field = form.username(self._login.username)
            meant = field is not None and (
                self._login.username is not None
                or "username" in field.autocomplete.split()
                or CALLED_USERNAME.search(field.name) is not None
            )
            if field is not None and meant and not self._has_named and form.method == "POST":
                self._has_named = True
                return self._sending(form, {field.name: self._username()}, by_enter=True)
        return None

    def _username(self) -> str:
        if self._user.username is None:
            raise _Stopped(f"asks for a name, and the profile has none of the user {self._user.name!r}")
        return self._user.username

    def _consent(self, forms: list[Form]) -> Request:
        """Press the button that is named, or the only one that could be meant. Raises _Stopped."""
        named = [form for form in forms if any(map(form.called, self._login.buttons))]
        posting = [form for form in forms if form.method == "POST" and not self._is_lacking(form)]
        willing = [form for form in posting if not form.buttons or any(not each.refuses for each in form.buttons)]
        candidates = named or willing
        if not candidates:
            raise _Stopped("is a page without a form that a script could send")
        form = candidates[0]
        if len(candidates) == 1 and (not form.buttons or form.pressed(self._login.buttons) is not None):
            return self._sending(form, {})
        labels = ", ".join(one_line(button.label) for each in candidates for button in each.buttons)
        raise _Stopped(f"has several buttons ({labels}); name one in login.buttons")

    def _is_lacking(self, form: Form) -> bool:
        """Whether a form asks for something to be written that nobody has given."""
        return any(not each.value and each.name not in self._login.fields for each in form.typed)

    def _sending(self, form: Form, filled: dict[str, str], *, by_enter: bool = False) -> Request:
        given = {each.name: self._login.fields[each.name] for each in form.inputs if each.name in self._login.fields}
        button = form.pressed(self._login.buttons, by_enter=by_enter)
        action = form.action if button is None or button.action is None else button.action
        request = self.tab.sending(action, self._method(form, button), form.pairs({**given, **filled}, button))
        self._check_origin(request.url)
        return request

    @staticmethod
    def _method(form: Form, button: Button | None) -> str:
        return form.method if button is None or button.method is None else button.method


def _aside(work: Callable[[], object]) -> object:
    """Do blocking work, beside a loop if one runs in this thread: Playwright's blocking half refuses to be in one."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _text(response: Response) -> str:
    kind = response.header("content-type") or ""
    if response.media_type not in ("text/html", "application/xhtml+xml", ""):
        return ""
    charset = kind.lower().partition("charset=")[2].strip(" \"'").partition(";")[0] or "utf-8"
    body = response.body[:MOST_LETTERS]
    try:
        known = codecs.lookup(charset).name.replace("-", "_")
        return body.decode("utf-8" if known in NO_CHARSETS else charset, "replace")
    except (LookupError, ValueError):  # no codec, one that decodes no bytes, or no name of one
        return body.decode("utf-8", "replace")


def _place(url: str) -> tuple[str, str, str]:
    """Return what of a URL tells where it leads; what cannot be read is its own place."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", url
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")
