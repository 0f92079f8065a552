"""The tables of a profile that say where a credential travels, and what becomes of the kinds of credentials by them.

A kind has a place of its own in `KINDS`; a table of its name in the profile gives it another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from pytest_apiauth.profile.grants import Spent
from pytest_apiauth.profile.kinds import KINDS, CredentialKind, Place, Role, Where
from pytest_apiauth.profile.tables import (
    DEFAULT,
    OBJECT_SPELLING,
    TOKEN,
    Credentials,
    Model,
    Reference,
    Seconds,
    SecretReference,
    Zone,
    as_tuple,
)

SCHEME_NAME: Final = re.compile(r"[A-Za-z][\w-]*", re.ASCII)

Part = Literal["method", "path", "query", "body"]
Covered = Annotated[tuple[Part, ...], BeforeValidator(as_tuple)]
HeaderName = Annotated[str, Field(pattern=rf"^{TOKEN.pattern}$")]
Word = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]*$")]


PAIR: Final = re.compile(r"([^:{}\x00-\x1f\x7f]*:)?\{(key|token)\}(:[^{}\x00-\x1f\x7f]*)?")


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


class Halved(Placing):
    """Where a credential travels that may be one half of the pair of HTTP Basic, the other half being a dummy."""

    pair: str | None = None
    _what: ClassVar[str] = "key"
    """What stands for the credential in ``pair``."""

    @model_validator(mode="after")
    def _is_one_half(self) -> Self:
        if self.pair is None:
            return self
        what = self._what
        found = PAIR.fullmatch(self.pair)
        if found is None or found[2] != what or (found[1] is None) == (found[3] is None):
            raise ValueError(
                f'pair: expected "{{{what}}}:…" or "…:{{{what}}}", the user name and the password of HTTP Basic'
                f" (RFC 7617 2), of which one is the {what}; got {self.pair!r}"
            )
        if surplus := [key for key in ("where", "header", "scheme") if key in self.model_fields_set]:
            named = [{"where": "in"}.get(key, key) for key in surplus]
            raise ValueError(
                f"{' and '.join(named)} {'do' if named[1:] else 'does'} not go with pair, which travels as"
                f" Authorization: Basic; {named[0]} = false takes away what extends brings"
            )
        return self

    @property
    def place_of_pair(self) -> Place | None:
        """Where the pair travels of which it is one half; None if it is none.

        >>> ApiKey(pair="{key}:").place_of_pair
        Place(where='header', name='Authorization', prefix='Basic ', pair=('', ':'))
        """
        if self.pair is None:
            return None
        before, _, behind = self.pair.partition(f"{{{self._what}}}")
        return replace(KINDS["basic"].place, pair=(before, behind))


class ApiKey(Halved):
    """How the API key travels."""

    header: HeaderName = Field("X-API-Key", description="Name of the request header")
    scheme: Word = Field("", description="Word before the key, with a blank between, as in Authorization: ApiKey …")
    pair: str | None = Field(
        None,
        description="User name and password of HTTP Basic of which the key is one, and the other counts for nothing:"
        ' "{key}:", "{key}:x", "x:{key}"',
    )

    @property
    def place(self) -> Place:
        """Where the key travels."""
        if (pair := self.place_of_pair) is not None:
            return pair
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

        >>> TokenPlacing(header="X-Auth-Token").place.name, TokenPlacing(scheme="Token").place.prefix
        ('X-Auth-Token', 'Token ')
        """
        if self.where != "header":
            return Place(self.where, self.name or ("access_token" if self.where == "query" else ""))
        usual = "Bearer" if self.header.lower() == "authorization" else ""
        word = usual if self.scheme is None else self.scheme
        return Place("header", self.header, f"{word} " if word else "")


class PersonalToken(TokenPlacing, Halved):
    """How a personal access token travels, if not as ``Authorization: Bearer``."""

    pair: str | None = Field(
        None,
        description="User name and password of HTTP Basic of which the token is one, and the other counts for nothing:"
        ' "{token}:", ":{token}"',
    )
    _what: ClassVar[str] = "token"

    @property
    def place(self) -> Place:
        """Where the token travels.

        >>> PersonalToken(pair=":{token}").place.pair
        (':', '')
        """
        return self.place_of_pair or super().place


class Scheme(Placing):
    """A key of a name of its own, as a security scheme of OpenAPI is (``type: apiKey``).

    >>> Scheme.model_validate({"in": "header", "name": "DD-APPLICATION-KEY", "value": {"env": "DD_APP_KEY"}}).place.name
    'DD-APPLICATION-KEY'
    """

    name: str = Field(description="Name of the header, of the parameter of the query, or of the cookie", min_length=1)
    scheme: Word = Field("", description="Word before the value in a header, with a blank between")
    value: SecretReference | None = Field(None, description="Where the value is")
    values: dict[str, SecretReference] = Field({}, description="Where further values are, by the names of [keys]")

    sign: str | None = Field(
        None,
        description='Function that signs each request with the value as its key: "shop.signing:sign" is called with the'
        " request and the key, and returns what to add: a text for name, and for whatever goes with it",
    )
    covers: Covered = Field(
        (), description="What of a request is signed, of method, path, query and body: a signature is good for no other"
    )
    lifetime: Seconds | None = Field(None, description="Seconds that a signature is good for")
    once: bool = Field(False, description="Whether a signature is good for one request only")
    revoked: SecretReference | None = Field(None, description="Where a value is that was revoked")
    expired: SecretReference | None = Field(None, description="Where a value is whose time is over")

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if self.where != "header" and "scheme" in self.model_fields_set:
            raise ValueError(f'scheme does not go with in = "{self.where}"')
        if self.where != "query" and TOKEN.fullmatch(self.name) is None:
            raise ValueError(f"name: expected the name of a {self.where}")
        return self

    @model_validator(mode="after")
    def _signs_as_it_says(self) -> Self:
        if self.sign is None:
            if about := [key for key in ("covers", "lifetime", "once") if key in self.model_fields_set]:
                raise ValueError(f"{about[0]}: is about signatures, and no sign names a function that makes them")
            return self
        if OBJECT_SPELLING.fullmatch(self.sign) is None:
            raise ValueError(f'sign: expected "module:function", got {self.sign!r}')
        if self.where == "cookie":
            raise ValueError('sign: a signature travels with its request, in = "header" or in = "query"')
        if "scheme" in self.model_fields_set:
            raise ValueError("scheme does not go with sign, whose function writes the whole text")
        return self

    @property
    def place(self) -> Place:
        """Where the value travels, or what is made with it."""
        return Place(self.where, self.name, f"{self.scheme} " if self.scheme else "")

    def of(self, who: str) -> Reference | None:
        """Return where the value of the default key, or of another, is."""
        return self.value if who == DEFAULT else self.values.get(who)


_TAKEN: Final = frozenset(KINDS) | Credentials.model_fields.keys() | frozenset(get_args(Spent)) | {
    "access_token", "verifier", "named", "kept", "signing_key",
}  # fmt: skip
"""What a profile, or a placeholder in a curl line, calls something else."""


def _folded(name: str) -> str:
    """Return a name as its placeholder has it, but for capitals."""
    return name.lower().replace("-", "_")


def is_free(name: str) -> bool:
    """Whether one of ``[schemes]`` may be called so: nothing else in a profile is."""
    return _folded(name) not in _TAKEN


def wrong_names(schemes: Mapping[str, Scheme], keys: Collection[str]) -> Iterator[str]:
    """Say which of ``[schemes]`` cannot be called so, and which of their values is nobody's."""
    seen: dict[str, str] = {}
    for name, scheme in schemes.items():
        other = seen.setdefault(_folded(name), name)
        if not is_free(name):
            yield f"schemes.{name}: {name} is what a profile calls something else; choose another name"
        elif SCHEME_NAME.fullmatch(name) is None:
            yield f"schemes.{name}: expected a name of letters, digits, - and _, that begins with a letter"
        elif other != name:
            yield f"schemes.{name}: is spelt too much like schemes.{other}; choose another name"
        yield from (
            f"schemes.{name}.values.{who}: no key {who!r} in [keys]" for who in scheme.values if who not in keys
        )


def crowded(zones: Mapping[str, Zone], kinds: Mapping[str, CredentialKind]) -> Iterator[str]:
    """Say which zones need two credentials at once of which a request has room for one."""
    for name, zone in zones.items():
        for needed in zone.needs:
            seen: dict[tuple[str, str], str] = {}
            for kind in (kind for kind in needed if kind in kinds):
                place = kinds[kind].place
                other = seen.setdefault(place.spot, kind)
                if other != kind:
                    yield (
                        f"zones.{name}.needs: {other} and {kind} at once, but both travel in the {place.where}"
                        f" {place.name}, and a request has room for one; write them as alternatives, or give one of"
                        " them another place"
                    )


def placed(table: Callable[[str], object], schemes: Mapping[str, Scheme]) -> Iterator[CredentialKind]:
    """Yield every kind of credential that a profile has, with the place where it travels; ``table`` gives its tables.

    >>> [row.place.name for row in placed({"api_key": ApiKey(header="X-Key")}.get, {})]
    ['X-Key', 'Authorization', 'Authorization', 'Authorization']
    """
    for name, scheme in schemes.items():
        role: Role = "NAMED" if scheme.sign is None else "SIGNING_KEY"
        signed = scheme.sign is not None
        yield CredentialKind(name, ((role,),), scheme.place, is_declared=True, is_key=True, is_signed=signed)
    for row in KINDS.values():
        own = table(row.name)
        if isinstance(own, Placing):
            yield replace(row, place=own.place)
        elif not row.is_declared:
            yield row
