"""How a login that is not OAuth's is written on the wire, and read from it.

A token request is drafted and altered by the names that RFC 6749 has for its members (``username``, ``refresh_token``).
Its `Layout` says what becomes of them on the way out, as the profile's tables have it, and where the answer has what
RFC 6749 5.1 calls ``access_token``. A member that was taken away takes along what stands for it, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from pytest_apiauth.auth.texts import Base64, Parameters, Part, Text, as_text, parts_of
from pytest_apiauth.messages import Response
from pytest_apiauth.profile.login_requests import MEMBER, Found, Issuing, LaidOut, LoginRequest

Lines = tuple[tuple[str, Text], ...]
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Written:
    """What a token request becomes: the members of its body, and the header lines beside it."""

    parameters: Parameters
    headers: Lines


@dataclass(frozen=True, slots=True)
class Layout:
    """One of a profile's tables for logins, as drafts use it.

    >>> layout = Layout(LoginRequest(json={"email": "{username}", "secret": "{password}"}))
    >>> layout.written((("username", "alice"), ("password", 7))).parameters
    (('email', 'alice'), ('secret', 7))
    """

    table: LaidOut

    def __hash__(self) -> int:
        return id(self.table)

    def written(self, parameters: Parameters) -> Written:
        """Lay out members of a token request; what the table does not name is added to the body as it is."""
        members: dict[str, object] = {}
        for name, value in parameters:
            members.setdefault(name, value)
        body = tuple(_laid(self.table.body, members).items())
        known = self.table.members
        body += tuple(entry for entry in parameters if entry[0] not in known)
        return Written(body if self.table.encoding else (), tuple(self._lines(members)))

    def _lines(self, members: Mapping[str, object]) -> Iterator[tuple[str, Text]]:
        for name, template in self.table.headers.items():
            value = _filled(template, members)
            if value is not ABSENT:
                yield name, as_text(value)
        jar: tuple[Part, ...] = ()
        for name, template in self.table.cookies.items():
            value = _filled(template, members)
            if value is not ABSENT:
                jar += (*(("; ",) if jar else ()), f"{name}=", *parts_of(as_text(value)))
        if jar:
            yield "Cookie", jar
        if isinstance(self.table, LoginRequest) and self.table.basic and {"username", "password"} & members.keys():
            pair = [parts_of(as_text(members.get(name, ""))) for name in ("username", "password")]
            yield "Authorization", ("Basic ", Base64((*pair[0], ":", *pair[1])))

    def read(self, response: Response) -> dict[str, object]:
        """Return the members of an answer, with those of a token answer by the names that RFC 6749 5.1 has for them."""
        body = response.json()
        found = dict(body) if isinstance(body, dict) else {}
        if isinstance(self.table, Issuing):
            for name, place in self.table.answer.items():
                value = _at(place, body, response)
                if value is not None:
                    found[name] = value
                elif place.path[:1] != (name,):
                    found.pop(name, None)
        return found


def _laid(body: Mapping[str, Any], members: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, template in body.items():
        if isinstance(template, Mapping):
            found[name] = _laid(template, members)
        else:
            value = _filled(template, members) if isinstance(template, str) else template
            if value is not ABSENT:
                found[name] = value
    return found


def _filled(template: str, members: Mapping[str, object]) -> object:
    """Put members into a text; a text that is nothing but one of them is that one, whatever it is."""
    names = MEMBER.findall(template)
    if any(name not in members for name in names):
        return ABSENT
    if not names:
        return template
    whole = MEMBER.fullmatch(template)
    if whole is not None:
        return members[whole[1]]
    pieces = MEMBER.split(template)
    parts: tuple[Part, ...] = ()
    for number, piece in enumerate(pieces):
        parts += parts_of(as_text(members[piece])) if number % 2 else parts_of(piece) if piece else ()
    return parts


def _at(place: Found, body: object, response: Response) -> object:
    """Return what stands in a place of an answer; None if nothing does."""
    if place.header is not None:
        line = (response.header(place.header) or "").strip()
        return line.split()[-1] if line else None
    if place.cookie is not None:
        return cookie_set(response, place.cookie)
    found: object = body
    for name in place.path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def cookie_set(response: Response, name: str) -> str | None:
    """Return the value of a cookie that an answer sets; None if it sets none, or takes one away."""
    for line in response.header_lines("set-cookie"):
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(line)
        except CookieError:
            continue
        if name in jar and jar[name].value and jar[name]["max-age"] != "0":
            return jar[name].value
    return None
