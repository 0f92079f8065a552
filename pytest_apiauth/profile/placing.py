"""The tables of a profile that say where a credential travels, and what becomes of the kinds of credentials by them.

A kind has a place of its own in `KINDS`; a table of its name in the profile gives it another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from pytest_apiauth.profile.kinds import KINDS, CredentialKind, Place, Where
from pytest_apiauth.profile.tables import TOKEN, Model

HeaderName = Annotated[str, Field(pattern=rf"^{TOKEN.pattern}$")]
Word = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]*$")]


class Placing(Model):
    """Where a credential travels: in a header, in the query of the URL or in a cookie."""

    where: Where = Field("header", alias="in", description="Part of the request: header, query (of the URL) or cookie")
    name: str | None = Field(None, description="Name of the parameter of the query, or of the cookie", min_length=1)

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.where == "header":
            if self.name is not None:
                raise ValueError('name is for what is in = "query" or in = "cookie"; a header is named by header')
            return self
        if self.place.name == "":
            raise ValueError(f'in = "{self.where}" needs a name')
        if surplus := [key for key in ("header", "scheme") if key in self.model_fields_set]:
            raise ValueError(f'{surplus[0]} does not go with in = "{self.where}"')
        if self.where == "cookie" and TOKEN.fullmatch(self.place.name) is None:
            raise ValueError("name: expected the name of a cookie (RFC 6265 4.1.1)")
        return self

    @property
    def place(self) -> Place:
        """Where the credential travels."""
        return Place(self.where, self.name or "")


class ApiKey(Placing):
    """How the API key travels."""

    header: HeaderName = Field("X-API-Key", description="Name of the request header")
    scheme: Word = Field("", description="Word before the key, with a blank between, as in Authorization: ApiKey …")

    @property
    def place(self) -> Place:
        """Where the key travels."""
        if self.where != "header":
            return Place(self.where, self.name or "")
        return Place("header", self.header, f"{self.scheme} " if self.scheme else "")


class TokenPlacing(Placing):
    """How a token travels, if not as ``Authorization: Bearer`` (RFC 6750 2.1)."""

    header: HeaderName = Field("Authorization", description="Name of the request header")
    name: str | None = Field(
        None,
        description="Name of the cookie, or of the parameter of the query; default there: access_token (RFC 6750 2.3)",
        min_length=1,
    )
    scheme: Word | None = Field(
        None,
        description='Word before the token, with a blank between: "Token", "JWT"; default: Bearer in Authorization,'
        " none in any other header",
    )

    @property
    def place(self) -> Place:
        """Where the token travels.

        >>> TokenPlacing(header="X-Auth-Token").place, TokenPlacing(scheme="Token").place.prefix
        (Place(where='header', name='X-Auth-Token', prefix=''), 'Token ')
        """
        if self.where != "header":
            return Place(self.where, self.name or ("access_token" if self.where == "query" else ""))
        usual = "Bearer" if self.header.lower() == "authorization" else ""
        word = usual if self.scheme is None else self.scheme
        return Place("header", self.header, f"{word} " if word else "")


def placed(table: Callable[[str], object]) -> Iterator[CredentialKind]:
    """Yield every kind of credential that a profile has, with the place where it travels; ``table`` gives its tables.

    >>> [row.place.name for row in placed({"api_key": ApiKey(header="X-Key")}.get)]
    ['X-Key', 'Authorization', 'Authorization', 'Authorization']
    """
    for row in KINDS.values():
        own = table(row.name)
        if isinstance(own, Placing):
            yield replace(row, place=own.place)
        elif not row.is_declared:
            yield row
