"""Where credentials stand in a request, as the double reads a profile: by its own knowledge, not by the clients'."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pytest_apiauth.embedded.reading import cookie_pairs, query_pairs
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import ApiKey, Kind, PersonalToken, Profile, TokenPlacing

FIELD: Final = "Authorization"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a request: a header field, a parameter of the query or a cookie, and the word in front."""

    where: str
    name: str
    word: str = ""
    half: Literal["", "name", "password"] = ""
    """Which half of a pair of HTTP Basic it is, whatever the other one; nothing if it is none."""

    @property
    def scheme(self) -> str:
        """The authentication scheme, if the word is one (RFC 9110 11.1)."""
        return self.word if self.where == "header" and self.name.lower() == FIELD.lower() else ""

    @property
    def shown(self) -> str:
        """How people call it.

        >>> Spot("header", "Authorization", "Bearer").shown, Spot("query", "key").shown
        ('Authorization: Bearer', 'the parameter key')
        """
        if self.where == "header":
            return f"{self.name}: {self.word}" if self.word else self.name
        return f"the {'parameter' if self.where == 'query' else self.where} {self.name}"

    def values(self, request: Request) -> list[str]:
        """Return everything that stands there."""
        if self.where == "header":
            return request.header_lines(self.name)
        pairs = query_pairs(request) if self.where == "query" else cookie_pairs(request)
        return [value for name, value in pairs if name == self.name]

    def holding(self, value: str) -> str:
        """Return what stands there for a value.

        >>> Spot("header", "Authorization", "Token").holding("key"), Spot("header", "X-Key").holding("key")
        ('Token key', 'key')
        """
        pair = {"name": f"{value}:", "password": f":{value}"}.get(self.half)
        text = value if pair is None else base64.b64encode(pair.encode()).decode()
        return f"{self.word} {text}" if self.word else text


def keys_of(profile: Profile) -> tuple[Kind, ...]:
    """Return the kinds that are keys: the API key, and those that the profile names."""
    return (*(("api_key",) if profile.api_key is not None else ()), *profile.schemes)


def spots(profile: Profile) -> Mapping[Kind, Spot]:
    """Return where each kind of credential stands (RFC 6750 2, RFC 7617 2), as far as the profile has it."""
    found: dict[Kind, Spot] = {"basic": Spot("header", FIELD, "Basic")}
    found["bearer"] = _of_token(profile.bearer) if profile.token.bound != "dpop" else Spot("header", FIELD, "DPoP")
    found["personal_access_token"] = _of_token(profile.personal_access_token)
    for name, scheme in profile.schemes.items():
        found[name] = Spot(scheme.where, scheme.name, scheme.scheme)
    if profile.api_key is not None:
        found["api_key"] = _spot(profile.api_key, profile.api_key.scheme)
    return found


def _of_token(table: TokenPlacing | None) -> Spot:
    if table is None:
        return Spot("header", FIELD, "Bearer")
    if isinstance(table, PersonalToken) and table.pair:
        return _half(table.pair)
    is_usual = table.scheme is None and table.header.lower() == FIELD.lower()
    return _spot(table, "Bearer" if is_usual else table.scheme or "")


def _half(pair: str) -> Spot:
    return Spot("header", FIELD, "Basic", "name" if pair.startswith("{") else "password")


def _spot(table: ApiKey | TokenPlacing, word: str) -> Spot:
    if isinstance(table, ApiKey) and table.pair:
        return _half(table.pair)
    if table.where == "header":
        return Spot("header", table.header, word)
    return Spot(table.where, table.name or "access_token")
