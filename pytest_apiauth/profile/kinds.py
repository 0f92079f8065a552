"""What is known of each kind of credential: one row a kind, read by code, tests and documentation alike.

Nothing else asks for a kind by its name to learn what it is made of or where it travels; it asks the row in
`Profile.kinds`, which is the one of this table with the place that the profile decides. Only the embedded server keeps
knowledge of its own, since it is what the rest is held against.

>>> KINDS["basic"].roles
(('USERNAME', 'PASSWORD'), ('CLIENT_ID', 'CLIENT_SECRET'))
>>> [name for name, kind in KINDS.items() if kind.is_token]
['bearer', 'personal_access_token']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = str
"""The name of a kind, as ``needs`` spells it: one of `KINDS`, or one of a profile's own ``[schemes]``."""
Role = Literal[
    "API_KEY",
    "ACCESS_TOKEN",
    "PERSONAL_ACCESS_TOKEN",
    "USERNAME",
    "PASSWORD",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "NAMED",
    "SIGNING_KEY",
]
"""What a credential is made of, by the names that placeholders have; NAMED is the value of one of ``[schemes]``,
SIGNING_KEY that of one which signs."""
Where = Literal["header", "query", "cookie"]
"""The parts of a request that a credential may travel in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a request a credential travels, and what stands with it there.

    >>> Place("header", "authorization").is_authorization, Place("cookie", "key").line, Place("query", "key").line
    (True, 'Cookie', None)
    """

    where: Where
    name: str
    prefix: str = ""
    pair: tuple[str, str] | None = None
    """What stands before and behind it in the pair of HTTP Basic (RFC 7617 2) of which it is one half, the other one
    counting for nothing; None if it travels as it is."""

    @property
    def bare(self) -> Place:
        """The same place for a text that travels as it is, with nothing before it."""
        return replace(self, prefix="", pair=None)

    @property
    def is_authorization(self) -> bool:
        """Whether it takes up the Authorization header, of which a request has one at most (RFC 9110 11.6.2)."""
        return self.where == "header" and self.name.lower() == "authorization"

    @property
    def spot(self) -> tuple[Where, str]:
        """What of a request it takes up, of which there is one: two credentials of one spot do not go together.

        >>> Place("header", "X-Key").spot == Place("header", "x-key", "Word ").spot
        True
        """
        return self.where, self.name.lower() if self.where == "header" else self.name

    @property
    def line(self) -> str | None:
        """The name of the header line that it travels in; None if it travels in the URL."""
        return {"header": self.name, "cookie": "Cookie", "query": None}[self.where]

    @property
    def word(self) -> str:
        """The word before it, as it is documented; empty if there is none.

        >>> Place("header", "Authorization", "Token ").word
        'Token'
        """
        return self.prefix.strip()

    @property
    def scheme(self) -> str:
        """The authentication scheme that it goes with, in small letters (RFC 9110 11.1); empty if it goes with none."""
        return self.word.lower() if self.is_authorization else ""


@dataclass(frozen=True, slots=True)
class CredentialKind:
    """What holds of a kind of credential in every API that takes it.

    >>> KINDS["bearer"].place.prefix, KINDS["bearer"].is_issued
    ('Bearer ', True)
    """

    name: Kind
    roles: tuple[tuple[Role, ...], ...]
    """What it is made of; of several alternatives, the first that a profile has."""
    place: Place
    """Where it travels, unless the profile's table of its name says otherwise."""
    is_declared: bool = False
    """Whether a profile has it only if there is a table of its name."""
    is_key: bool = False
    """Whether it says which program asks, and goes beside whatever says who is meant."""
    is_token: bool = False
    """Whether it is a token, which a server has given to somebody."""
    is_issued: bool = False
    """Whether the token endpoint gives it, by one of ``[grants]``."""
    is_of_user: bool = False
    """Whether each of ``[users]`` has one."""
    is_signed: bool = False
    """Whether what travels is made for each request with the key, which itself does not travel."""
    note: str = ""
    """What its name leaves open, for whoever reads it in a profile."""


def _table(*rows: CredentialKind) -> Mapping[Kind, CredentialKind]:
    return {row.name: row for row in rows}


BEARER: Final = Place("header", "Authorization", "Bearer ")
"""Where a token travels by RFC 6750 2.1."""
DPOP: Final = Place("header", "Authorization", "DPoP ")
"""Where a token travels that is bound to a key (RFC 9449 7.1)."""
KINDS: Final = _table(
    CredentialKind("api_key", (("API_KEY",),), Place("header", "X-API-Key"), is_declared=True, is_key=True),
    CredentialKind(
        "bearer",
        (("ACCESS_TOKEN",),),
        BEARER,
        is_token=True,
        is_issued=True,
        is_of_user=True,
    ),
    CredentialKind(
        "personal_access_token",
        (("PERSONAL_ACCESS_TOKEN",),),
        BEARER,
        is_token=True,
        note="a token that you have, sent as Authorization: Bearer, or as [personal_access_token] says",
    ),
    CredentialKind(
        "basic",
        (("USERNAME", "PASSWORD"), ("CLIENT_ID", "CLIENT_SECRET")),
        Place("header", "Authorization", "Basic "),
        is_of_user=True,
        note="user name and password in each request",
    ),
)
"""Every kind of credential."""
