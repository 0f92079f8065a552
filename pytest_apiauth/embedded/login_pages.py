"""Pages to log in and to consent at, for a server whose people are asked (RFC 6749 3.1, 10.2, 10.12).

Who comes without a session is sent to a page that asks for name and password, and then back to where they came from.
Who has one is asked for consent each time. Both forms have a hidden value that belongs to a cookie, so that no other
site can send them. A session belongs to one person.
"""

from __future__ import annotations

import hmac
import html
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import cookie_pairs, form_pairs, query_pairs
from pytest_apiauth.embedded.state import State
from pytest_apiauth.messages import Request, Response

SESSION: Final = "apiauth_session"
GUARD: Final = "apiauth_guard"
LOGIN: Final = """<!doctype html><title>Log in</title><h1>Log in</h1><p>{message}</p>
<form action="{action}" method="post">
<input type="hidden" name="guard" value="{guard}"><input type="hidden" name="next" value="{next}">
<label>Name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password"></label>
<button>Log in</button></form>"""
CONSENT: Final = """<!doctype html><title>Consent</title><h1>{user}: may this application act for you?</h1>
<form action="{action}" method="post">
<input type="hidden" name="guard" value="{guard}"><input type="hidden" name="next" value="{next}">
<button name="answer" value="deny">Deny</button><button name="answer" value="allow">Allow</button></form>"""
Decide = Callable[[Request, str | None], Response]
"""Answers a request that a person, by their name in the profile, has consented to, or nobody."""


class LoginPages:
    """Answers people who come to a page at ``place``, and those who send its forms."""

    def __init__(self, place: str, state: State, policy: Policy) -> None:
        self._place = place
        self._state = state
        self._policy = policy
        self._sessions = state.sessions

    def user_of(self, request: Request) -> str | None:
        """Return who a session belongs to; None if there is none."""
        found = [value for name, value in cookie_pairs(request) if name == SESSION]
        return self._sessions.get(found[0]) if found else None

    def to_login(self, request: Request) -> Response:
        """Send whoever has no session to the page that asks who they are."""
        query = urlencode({"next": request.query})
        return self._sent_to(f"{urlsplit(self._place).path}/login?{query}")

    def log_in(self, request: Request) -> Response:
        """Ask for name and password, or take them."""
        if request.method == "GET":
            return self._page(LOGIN, "login", request, dict(query_pairs(request)).get("next", ""))
        form = self._form(request)
        if form is None:
            return self._refused()
        user = self._state.users.get(form.get("username", ""))
        if user is None or not hmac.compare_digest(user.password.encode(), form.get("password", "").encode()):
            return self._page(LOGIN, "login", request, form.get("next", ""), message="This is not right.")
        session = self._state.mint("login_session")
        self._sessions[session] = user.name
        return self._sent_to(f"{urlsplit(self._place).path}?{form.get('next', '')}", (SESSION, session))

    def consent(self, request: Request, user: str) -> Response:
        """Ask somebody whether an application may act for them."""
        return self._page(CONSENT, "consent", request, request.query, user=user)

    def consented(self, request: Request, decide: Decide) -> Response:
        """Take what somebody has answered to that."""
        form, user = self._form(request), self.user_of(request)
        if form is None or user is None:
            return self._refused()
        asked = Request("GET", f"{self._place}?{form.get('next', '')}", request.headers)
        return decide(asked, user if form.get("answer") == "allow" else None)

    def _form(self, request: Request) -> dict[str, str] | None:
        """Return what a form of this site's own brings; None if it is another's."""
        try:
            form = dict(form_pairs(request.body.decode("ascii")))
        except ValueError:
            return None
        guards = [value for name, value in cookie_pairs(request) if name == GUARD]
        is_own = bool(guards) and hmac.compare_digest(guards[0].encode(), form.get("guard", "").encode())
        return form if request.method == "POST" and is_own else None

    def _page(self, page: str, name: str, request: Request, onward: str, **words: str) -> Response:
        known = [value for key, value in cookie_pairs(request) if key == GUARD]
        guard = known[0] if known else self._state.mint("login_guard")
        action = f"{urlsplit(self._place).path}/{name}"
        texts = {"message": "", "user": "", **words, "action": action, "guard": guard, "next": onward}
        body = page.format(**{key: html.escape(text) for key, text in texts.items()}).encode()
        return Response(200, (*self._lines("text/html; charset=utf-8"), _cookie(GUARD, guard)), body)

    def _sent_to(self, location: str, *cookies: tuple[str, str]) -> Response:
        lines = (("Location", location), ("Cache-Control", "no-store"), ("Content-Length", "0"))
        return Response(303, (*lines, *(_cookie(*each) for each in cookies)))

    def _refused(self) -> Response:
        return Response(403, self._lines("text/plain"), b"This form is not ours")

    def _lines(self, kind: str) -> tuple[tuple[str, str], ...]:
        return ("Content-Type", kind), ("Cache-Control", "no-store"), *self._policy.page_headers()


def _cookie(name: str, value: str) -> tuple[str, str]:
    return "Set-Cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"
