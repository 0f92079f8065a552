"""What is known of each grant: one row a grant, read by code, tests and documentation alike.

Nothing else asks for a grant by its name; it asks for what its row says. Only the embedded server keeps knowledge of
its own, since it is what the rest is held against.

>>> GRANTS["password"].members
('username', 'password')
>>> [name for name, grant in GRANTS.items() if grant.needs_person]
['authorization_code', 'device_code']
>>> GRANTS["device_code"].grant_type
'urn:ietf:params:oauth:grant-type:device_code'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

GrantType = Literal[
    "client_credentials", "password", "refresh_token", "authorization_code", "device_code", "token_exchange"
]
"""Names of grants, as the keys of ``[grants]`` spell them. A name more takes a row more in `GRANTS`."""
Spent = Literal["code", "refresh_token", "device_code"]
"""Members of a token request that a server takes once, or may take once."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What holds of a grant in every API that has it.

    >>> GRANTS["refresh_token"].spends, GRANTS["client_credentials"].is_unattended
    ('refresh_token', True)
    """

    name: GrantType
    section: str
    """Where its token request stands."""
    members: tuple[str, ...] = ()
    """What its token request says beside ``grant_type``, ``scope`` and the client, in this order."""
    acts_for_user: bool = False
    """Whether its token stands for a person, and not for the client."""
    needs_person: bool = False
    """Whether somebody has to consent, in a browser, before the token request."""
    needs_client: bool = True
    """Whether it is nothing without a registered client; a login form may know none."""
    stands_alone: bool = True
    """Whether it begins by itself, and not with what another grant has given."""
    asks_scope: bool = True
    """Whether its token request may ask for a scope; elsewhere the scope was asked for before."""
    takes: Literal["refresh_token", "access_token"] | None = None
    """The member of another grant's answer that it begins with, if it does not stand alone."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What else its token request says, in every API unless a profile's ``extra`` says otherwise."""
    spends: Spent | None = None
    """The member that cannot be sent twice."""
    urls: tuple[str, ...] = ()
    """Keys of the profile that it needs beside ``token_url``."""
    begins_at: str = ""
    """The key of the profile where its client begins it, if it then polls until somebody has decided (RFC 8628 3.1)."""
    flows: tuple[str, ...] = ()
    """Its names among the flows of OpenAPI 3 and of Swagger 2."""
    urn: str = ""
    """What a token request calls it, if it is an extension grant (RFC 6749 4.5)."""

    @property
    def grant_type(self) -> str:
        """What a token request calls it."""
        return self.urn or self.name

    @property
    def is_polled(self) -> bool:
        """Whether its client asks for the token again and again until a person, who is elsewhere, has decided."""
        return bool(self.begins_at)

    @property
    def refreshes(self) -> bool:
        """Whether it renews what another grant has given."""
        return self.spends == "refresh_token"

    @property
    def takes_password(self) -> bool:
        """Whether its token request carries a user's password, which can be guessed at."""
        return "password" in self.members

    @property
    def is_unattended(self) -> bool:
        """Whether a machine can repeat it: nothing is used up, nobody has to consent."""
        return self.stands_alone and not self.needs_person

    @property
    def is_of_client(self) -> bool:
        """Whether a client gets a token for itself by it."""
        return self.is_unattended and not self.acts_for_user


def _table(*rows: Grant) -> Mapping[GrantType, Grant]:
    return {row.name: row for row in rows}


GRANTS: Final = _table(
    Grant("client_credentials", "RFC 6749 4.4.2", flows=("clientCredentials", "application")),
    Grant(
        "password",
        "RFC 6749 4.3.2",
        members=("username", "password"),
        acts_for_user=True,
        needs_client=False,
        flows=("password",),
    ),
    Grant(
        "authorization_code",
        "RFC 6749 4.1.3",
        members=("code", "redirect_uri", "code_verifier"),
        acts_for_user=True,
        needs_person=True,
        asks_scope=False,
        spends="code",
        urls=("authorize_url",),
        flows=("authorizationCode", "accessCode"),
    ),
    Grant(
        "device_code",
        "RFC 8628 3.4",
        members=("device_code",),
        acts_for_user=True,
        needs_person=True,
        asks_scope=False,
        spends="device_code",
        urls=("device_authorization_url",),
        begins_at="device_authorization_url",
        flows=("deviceAuthorization",),
        urn="urn:ietf:params:oauth:grant-type:device_code",
    ),
    Grant(
        "refresh_token",
        "RFC 6749 6",
        members=("refresh_token",),
        needs_client=False,
        stands_alone=False,
        takes="refresh_token",
        spends="refresh_token",
    ),
    Grant(
        "token_exchange",
        "RFC 8693 2.1",
        members=("subject_token",),
        acts_for_user=True,
        stands_alone=False,
        takes="access_token",
        fixed={"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
        urn="urn:ietf:params:oauth:grant-type:token-exchange",
    ),
)
"""Every grant, those that work without a person first: the order in which a new profile lists them."""
