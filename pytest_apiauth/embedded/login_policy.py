"""The decisions about logins that are not OAuth's: how their requests are read, and how tokens are answered and ended.

What such a request says becomes the parameters of a token request, so that what is decided about passwords and refresh
tokens elsewhere is decided for these too. The tables of the profile are read here, and not by what clients read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.reading import Members, cookie_pairs, json_members
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refusal_policy import JSON, NO_STORE
from pytest_apiauth.embedded.revocation_policy import RevocationPolicy
from pytest_apiauth.embedded.state import AccessToken, RefreshToken, State
from pytest_apiauth.embedded.token_policy import FORM, Parameters
from pytest_apiauth.messages import Headers, Request, Response
from pytest_apiauth.profile.login_requests import LaidOut
from pytest_apiauth.profile.model import GrantType, Profile

PLACED: Final = ("access_token", "refresh_token", "expires_in")
Path = tuple[str, ...]


class LoginPolicy(RevocationPolicy):
    """Decisions about logins that are not OAuth's; `Policy` adds those of resources."""

    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        tables = (
            (profile.token_url, profile.login_request),
            (profile.refresh_url, profile.refresh_request),
            (profile.revocation_url, profile.logout_request),
        )
        self.login_tables: dict[tuple[str, str], LaidOut] = {
            (urlsplit(profile.url(url)).path, table.method): table for url, table in tables if url and table is not None
        }
        leaves = (path for table in self.login_tables.values() for path, _ in _leaves(table.json_ or table.form or {}))
        self.known_parameters = self.known_parameters.union(path[-1] for path in leaves)

    def login_table(self, request: Request) -> LaidOut | None:
        """Return how a request to this place is laid out, if it is one of a login that is not OAuth's."""
        # The absolute form of a target names the host once more (RFC 9112 3.2.2).
        path = request.path if request.path.startswith("/") else urlsplit(request.path).path
        return self.login_tables.get((path.partition("?")[0], request.method))

    def is_token_request(self, request: Request) -> bool:
        """Whether a token may be asked for with this method: with the documented one."""
        if self.profile.is_oauth:
            return super().is_token_request(request)
        table = self.login_table(request)
        return table is not None and table is not self.profile.logout_request

    def parameters(self, request: Request) -> Parameters:
        """Read what a request says, as the parameters of a token request."""
        table = self.login_table(request)
        if table is None:
            return super().parameters(request)
        found = {"grant_type": "password" if table is self.profile.login_request else "refresh_token"}
        for template, value in (*self._in_body(request, table), *_beside_body(request, table)):
            found.update(_read(template, value))
        if getattr(table, "basic", False):
            found.update(self._basic_login(request))
        return {name: value for name, value in found.items() if value}

    def _in_body(self, request: Request, table: LaidOut) -> Iterator[tuple[str, str]]:
        if table.form is not None:
            self.check_content_type(request.header_lines("content-type"), FORM)
            fields = self.read_form(request.body.decode("latin-1"))
            yield from ((template, fields[name]) for name, template in table.form.items() if name in fields)
        if table.json_ is not None:
            self.check_content_type(request.header_lines("content-type"), JSON)
            try:
                members = json_members(request.body)
            except ValueError:
                raise Refusal(400, "invalid_request", "The body is not a JSON object.") from None
            for path, template in _leaves(table.json_):
                value = _inside(members, path)
                if value is not None:
                    names = re.findall(r"\{(\w+)\}", template)
                    yield template, self.json_text(names[0] if names else path[-1], value)

    def _basic_login(self, request: Request) -> Parameters:
        value = self.choose_line(request.header_lines("authorization"))
        scheme, credentials = self.parse_authorization(value or "")
        if not self.is_scheme(scheme, "basic"):
            raise Refusal(401, "invalid_grant", "The user logs in with HTTP Basic here.")
        username, password = self.split_basic(self.decode_base64(credentials))
        return {"username": username, "password": password}

    # The answer.

    def token_answer(self, grant: GrantType, members: dict[str, object], lines: Headers) -> Response:
        """Write a token answer: with the members where the profile has them."""
        table = self.profile.request_of(grant)
        if table is None:
            return super().token_answer(grant, members, lines)
        body: dict[str, object] = {}
        more: list[tuple[str, str]] = []
        for name, place in table.answer.items():
            value = members.get(name)
            if value is None:
                continue
            if place.header is not None:
                more.append((place.header, str(value)))
            elif place.cookie is not None:
                more.append(("Set-Cookie", f"{place.cookie}={value}; Path=/; HttpOnly; SameSite=Lax"))
            else:
                inner = body
                *outer, last = (place.json_ or name).split(".")
                for step in outer:
                    inner = inner.setdefault(step, {})  # type: ignore[assignment]
                inner[last] = value
        return Response(200, (*lines, *more), json.dumps(body).encode())

    # Logging out.

    def logs_out(self, request: Request) -> bool:
        """Whether a request is a log-out of such a login, and no revocation by RFC 7009."""
        return self.profile.logout_request is not None and self.login_table(request) is self.profile.logout_request

    def token_logged_out(self, name: str, value: str) -> AccessToken | RefreshToken | None:
        """Find the token that a log-out is about: one that lives."""
        table: Mapping[str, Any] = self.state.access if name == "access_token" else self.state.refresh
        token: AccessToken | RefreshToken | None = table.get(value)
        return token if token is not None and self.is_active(token) else None

    def logout_ends(self, token: AccessToken | RefreshToken) -> bool:
        """Whether a token of the login is dead after it: one of those that the profile says."""
        table = self.profile.logout_request
        name = "access_token" if isinstance(token, AccessToken) else "refresh_token"
        return table is not None and name in table.ended

    def logged_out(self) -> Response:
        """Answer a log-out."""
        return Response(200, (("Content-Type", JSON), *NO_STORE), b"{}")


def _beside_body(request: Request, table: LaidOut) -> Iterator[tuple[str, str]]:
    for name, template in table.headers.items():
        yield from ((template, value.strip()) for value in request.header_lines(name)[:1])
    jar = dict(cookie_pairs(request))
    yield from ((template, jar[name]) for name, template in table.cookies.items() if name in jar)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    text = "".join(f"(?P<{piece}>.*)" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces))
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def _read(template: str, value: str) -> Parameters:
    if re.fullmatch(r"\{\w+\}", template):
        return {template[1:-1]: value}
    found = _pattern(template).fullmatch(value)
    return found.groupdict() if found is not None else {}


def _leaves(body: Mapping[str, Any], before: Path = ()) -> Iterator[tuple[Path, str]]:
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*before, name))
        elif isinstance(value, str):
            yield (*before, name), value


def _inside(members: object, path: Path) -> object:
    """Return a member of a JSON object, or of one inside it; None if it is not there, or came twice."""
    for name in path:
        if not isinstance(members, Members):
            return None
        values = [value for key, value in members if key == name]
        if len(values) > 1:
            raise Refusal(400, "invalid_request", "A member came more than once.")
        members = values[0] if values else None
    return members
