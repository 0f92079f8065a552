"""The tables of a profile: where credentials are, how a token is asked for, what a zone needs.

Every key is documented where it is declared; `pytest_apiauth.profile.model` puts the tables together, and gives them to
everybody else.
"""

from __future__ import annotations

import json
import os
import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pytest_apiauth.messages import why_not_a_url
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.grants import GrantType
from pytest_apiauth.profile.kinds import Kind

ClientAuth = Literal[
    "none", "client_secret_basic", "client_secret_post", "client_secret_json", "client_secret_jwt", "private_key_jwt",
    "tls_client_auth", "self_signed_tls_client_auth",
]  # fmt: skip
Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Ways to sign a JWT (RFC 7518 3.1, RFC 8037 3.1)."""
Rotation = Literal["new-token", "old-dies", "none"]
DEFAULT = "default"
LONGEST_NAME: Final = 200
"""Letters of a variable's name, or of a keyring's entry, that are shown."""
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OBJECT_SPELLING: Final = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")
APP_SPELLING: Final = re.compile(rf"{OBJECT_SPELLING.pattern}(\(.*\))?")


class Model(BaseModel):
    """Common rules of every table: unknown keys are errors, values are frozen and never echoed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class Reference(Model):
    """Where a value is: ``{ env = "NAME" }``, ``{ file = "PATH" }``, ``{ keyring = "SERVICE", username = "NAME" }``."""

    env: str | None = Field(None, description="Name of an environment variable (a .env file counts too)")
    keyring: str | None = Field(None, description="Service name in the system keyring")
    username: str = Field("", description="User name in the system keyring")
    file: str | None = Field(None, description="File that holds the value and nothing else, relative to this one")

    @model_validator(mode="after")
    def _names_one_place(self) -> Reference:
        if sum(place is not None for place in (self.env, self.keyring, self.file)) != 1:
            raise ValueError("name one place: { env = … }, { keyring = … } or { file = … }")
        return self

    def __str__(self) -> str:
        if self.file is not None:
            return f"file {os.path.relpath(self.file)}"
        name = f"environment variable {self.env}" if self.env else f"keyring entry {self.keyring}"
        return one_line(name, LONGEST_NAME)


def _refuse_literal(value: object) -> object:
    if isinstance(value, str):
        raise ValueError('write where the secret is, never the secret: { env = "NAME" }')
    return value


SecretReference = Annotated[Reference, BeforeValidator(_refuse_literal)]
Plain = str | Reference
Status = Annotated[int, Field(ge=400, le=499)]
Seconds = Annotated[int, Field(gt=0)]
Ending = Literal["revoked", "expired"]
"""How what was good once has ended."""
SafetyClass = Literal["consume", "revoke", "lockout", "load"]


def as_tuple(value: object) -> object:
    """Let TOML's arrays be tuples, in strict mode too."""
    return tuple(value) if isinstance(value, list) else value


def _one_or_several(value: object) -> object:
    """Read a text as a list of one."""
    return (value,) if isinstance(value, str) else as_tuple(value)


def _needs(value: object) -> object:
    """Read ``["api_key", "bearer"]`` as one alternative, a list of lists as several."""
    if isinstance(value, list):
        if all(isinstance(entry, str) for entry in value):
            return (tuple(value),) if value else ()
        if all(isinstance(entry, list) for entry in value):
            return tuple(tuple(entry) for entry in value)
        raise ValueError("either names of credentials, or lists of such names, not both")
    return value


def _json_object(given: object) -> object:
    """Read the text of a JSON object; a table is taken as it is."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        raise ValueError("expected a table, or the text of a JSON object") from None


Texts = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
OneOrSeveral = Annotated[
    tuple[str, ...], BeforeValidator(_one_or_several, json_schema_input_type=str | tuple[str, ...])
]
Refusals = Annotated[tuple[Annotated[int, Field(ge=200, le=499)], ...], BeforeValidator(as_tuple), Field(min_length=1)]
Example = Annotated[dict[str, Any], BeforeValidator(_json_object, json_schema_input_type=dict[str, Any] | str)]
Grants = Annotated[tuple[GrantType, ...], BeforeValidator(as_tuple)]
Needs = Annotated[
    tuple[tuple[Kind, ...], ...],
    BeforeValidator(_needs, json_schema_input_type=tuple[Kind, ...] | tuple[tuple[Kind, ...], ...]),
]


class Client(Model):
    """An OAuth client (RFC 6749 2)."""

    client_id: Plain | None = Field(None, description="Public identifier of the client")
    client_secret: SecretReference | None = Field(None, description="Where its secret is")
    private_key: SecretReference | None = Field(
        None, description='Where its private key is, in PEM or as a JWK, for client_auth = "private_key_jwt"'
    )
    key_id: Plain | None = Field(None, description="What the server knows that key by, the kid of its assertions")
    certificate: SecretReference | None = Field(
        None,
        description="Where the certificate is, in PEM, that it presents by mutual TLS (RFC 8705), at the profile's"
        " origins; further ones of its chain may follow, and its private key",
    )
    certificate_key: SecretReference | None = Field(
        None, description="Where that private key is, in PEM, if not behind the certificate"
    )
    redirect_uri: Plain | None = Field(None, description="Registered redirection URI")
    grants: Grants | None = Field(
        None, description="Those of [grants] that this client may use; by default all. It gets no token by another one"
    )


class OtherClient(Client):
    """One of several clients."""

    denied: Texts = Field((), description="Paths that a token of this client may not see")


class User(Model):
    """A resource owner with a password."""

    username: Plain | None = Field(None, description="Name the user logs in with")
    password: SecretReference | None = Field(None, description="Where the password is")
    session: SecretReference | None = Field(
        None, description="Where the value of a session is that the user has logged in to, for [login]"
    )


class Key(Model):
    """An API key."""

    api_key: SecretReference | None = Field(None, description="Where the key is")


class OtherKey(Key):
    """One of several keys."""

    denied: Texts = Field((), description="Paths that this key may not see")


class Ended(Model):
    """Credentials that were good once, and that nothing takes any more."""

    api_key: SecretReference | None = Field(None, description="Where the key is")
    personal_access_token: SecretReference | None = Field(None, description="Where the token is")
    access_token: SecretReference | None = Field(None, description="Where a token is that a grant has given")
    refresh_token: SecretReference | None = Field(None, description="Where the refresh token is")
    client_secret: SecretReference | None = Field(None, description="Where the secret is, of the default client")
    password: SecretReference | None = Field(None, description="Where the password is, of the default user")
    user: str | None = Field(None, description="Which of [users] was deactivated: nobody logs in as them any more")


class Credentials(Client, User, Key):
    """The default client, user and key, and long-lived tokens got elsewhere."""

    personal_access_token: SecretReference | None = Field(None, description="Where the token is")
    refresh_token: SecretReference | None = Field(
        None, description="Where a refresh token is that an interactive grant has given"
    )
    revoked: Ended = Field(Ended(), description="Credentials that were revoked or changed: none of them is taken")
    expired: Ended = Field(Ended(), description="Credentials whose time is over: none of them is taken")


class Answer(Model):
    """Members that the document promises in a token answer (RFC 6749 5.1)."""

    token_type: str | None = Field(None, description="Documented spelling of the type")
    expires_in: Seconds | None = Field(None, description="Documented lifetime in seconds")
    scope: str | None = Field(None, description="Documented scope")
    refresh_token: bool | None = Field(None, description="Whether a refresh token comes with it")


class Assertions(Model):
    """How a client's assertions look, each made for one request (RFC 7523 3, OpenID Connect Core 9)."""

    alg: Algorithm | None = Field(
        None, description="How they are signed; default: RS256, and HS256 for client_secret_jwt"
    )
    audience: str | None = Field(
        None, description="Whom they are for, such as the server's issuer; default: the URL of the token endpoint"
    )
    lifetime: Annotated[int, Field(gt=0, le=3600)] = Field(60, description="Seconds that each is good for")


class TokenSettings(Model):
    """How a token is asked for, and what comes back.

    >>> TokenSettings(client_auth="private_key_jwt").signs_with, TokenSettings().signs_with
    ('RS256', None)
    """

    body: Literal["form", "json"] = Field("form", description="Encoding of the request body")
    client_auth: ClientAuth = Field(
        "client_secret_basic", description="How the client authenticates (names of RFC 7591 2)"
    )
    basic_encoding: Literal["form", "raw"] = Field(
        "form",
        description="Encoding of id and secret before base64: form as in RFC 6749 2.3.1, or raw as in"
        " RFC 7617; the two differ only for characters other than letters, digits and -._~",
    )
    scope: str | None = Field(None, description="Scope to ask for")
    bound: Literal["dpop", "mtls"] | None = Field(
        None,
        description="What binds issued tokens to whoever asked for them: dpop, proofs of a key that each run makes"
        " (RFC 9449), and they travel as Authorization: DPoP; mtls, the client's certificate (RFC 8705 3)",
    )
    assertion: Assertions = Field(
        Assertions(), description="How a client's assertions look, for private_key_jwt and client_secret_jwt"
    )
    resource: OneOrSeveral = Field(
        (),
        description="The API that tokens are for, an absolute URI, if requests name it (RFC 8707); a list of several"
        " that each token is for has this API first",
    )
    other_resources: Texts = Field(
        (), description="Further resources of the authorization server, whose tokens are for other APIs than this one"
    )
    scope_required: bool = Field(False, description="Whether the document says that the scope must be asked for")
    grant: GrantType | None = Field(None, description="Grant that clients use; default: the first of [grants]")
    answer: Answer = Field(Answer(), description="Members that the document promises in a token answer")
    refresh_expires_in: Seconds | None = Field(None, description="Lifetime of a refresh token in seconds")
    leeway: Annotated[int, Field(ge=0)] = Field(
        30, description="Renew a token this many seconds before its end; rules allow a server as much after it"
    )

    @model_validator(mode="after")
    def _names_resources(self) -> TokenSettings:
        if self.other_resources and not self.resource:
            raise ValueError("other_resources: resource is needed, which says what tokens of this API are for")
        if set(self.resource) & set(self.other_resources):
            raise ValueError("other_resources: names resource itself, and means others")
        if len(self.resource) > 1 and self.body == "json":
            raise ValueError('resource: several of them take body = "form", where a parameter may be repeated')
        every = {"resource": self.resource, "other_resources": self.other_resources}
        for key, named in ((key, each) for key, names in every.items() for each in names):
            if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+", named) is None:
                raise ValueError(f"{key}: expected an absolute URI without a fragment (RFC 8707 2)")
        return self

    @model_validator(mode="after")
    def _signs_as_it_says(self) -> TokenSettings:
        if "assertion" in self.model_fields_set and self.signs_with is None:
            raise ValueError('assertion: for client_auth = "private_key_jwt" or "client_secret_jwt"')
        alg = self.assertion.alg
        if alg is not None and alg.startswith("HS") != (self.client_auth == "client_secret_jwt"):
            fitting = "HS256, HS384 or HS512" if self.client_auth == "client_secret_jwt" else "that of a private key"
            raise ValueError(f"assertion.alg: expected {fitting} for {self.client_auth}, got {alg}")
        return self

    @property
    def is_certified(self) -> bool:
        """Whether a client proves itself by the certificate that it presents (RFC 8705 2).

        >>> TokenSettings(client_auth="tls_client_auth").is_certified, TokenSettings(bound="mtls").is_certified
        (True, False)
        """
        return self.client_auth in ("tls_client_auth", "self_signed_tls_client_auth")

    @property
    def takes_certificate(self) -> bool:
        """Whether no token is given without a certificate: it proves the client, or the token is bound to it."""
        return self.is_certified or self.bound == "mtls"

    @property
    def signs_with(self) -> Algorithm | None:
        """How a client signs the assertion that it proves itself by; None if it proves itself in another way."""
        usual: dict[str, Algorithm] = {"private_key_jwt": "RS256", "client_secret_jwt": "HS256"}
        return (self.assertion.alg or usual[self.client_auth]) if self.client_auth in usual else None


class GrantSettings(Model):
    """One documented way to get a token."""

    client: str = Field(DEFAULT, description="Which of [clients] uses it")
    user: str = Field(DEFAULT, description="Which of [users] it is for")
    scope: str | None = Field(None, description="Scope to ask for, instead of token.scope")
    answer: Answer | None = Field(None, description="Documented answer, instead of token.answer")
    extra: dict[str, str] = Field({}, description="Further parameters of the request")


class Zone(Model):
    """Routes that need the same credentials.

    >>> zone = Zone(path="/user/", needs=["api_key", "bearer"], probe=["/user/me"])
    >>> zone.needs, zone.is_protected
    ((('api_key', 'bearer'),), True)
    """

    path: str = Field(description="Common prefix of the routes")
    needs: Needs = Field((), description="Credentials needed: all of a list; any of a list of lists; [] for none")
    probe: Texts = Field((), description="Routes that a GET may touch safely")
    scope: str | None = Field(
        None, description="Scope, one word or several, without each of which an issued token is refused here"
    )
    methods: Texts = Field((), description="Documented methods of the probes beyond GET and HEAD")
    headers: dict[str, str] = Field(
        {},
        description="Headers that each request of the suite has here beside its credentials, such as a version that the"
        ' API asks for, or { Accept = "application/json" } where it sends browsers on to a page',
    )
    members: Texts = Field((), description="Members that the probe's JSON answer is documented to have")
    identity: str | None = Field(None, description="Member of the probe's JSON answer that names the user")
    example: Example = Field(
        {},
        description="Documented answer of the probe, as a table or as JSON text; the embedded server gives it",
    )
    statements: Texts = Field((), description="Statements that this zone rests on")

    @property
    def is_protected(self) -> bool:
        """Whether anything is needed here."""
        return bool(self.needs) and () not in self.needs

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind of credential that some alternative names."""
        return frozenset(kind for alternative in self.needs for kind in alternative)


class Statement(Model):
    """One sentence of the API's document, and what holds the API to it."""

    text: str = Field(description="What the document says")
    rules: Texts = Field((), description="Rules that it backs, by id: they bind this API at their own level")
    tests: Texts = Field((), description="What holds it beside the rules: tests of clients or of the server")


def _statement(given: object) -> object:
    """Read a sentence alone as a statement that backs no rule."""
    return {"text": given} if isinstance(given, str) else given


Statements = dict[str, Annotated[Statement, BeforeValidator(_statement, json_schema_input_type=str | Statement)]]


def wrong_apps(apps: str | dict[str, str] | None) -> list[str]:
    """Say what is wrong with the ``app`` of a profile."""
    wrong = []
    for origin, app in (apps if isinstance(apps, dict) else {"": apps or ""}).items():
        key = f'app."{origin}"' if origin else "app"
        if app and APP_SPELLING.fullmatch(app) is None:
            wrong.append(f'{key}: expected "module:app" or "module:create_app()", got {app!r}')
        if origin and (why_not_a_url(origin) is not None or urlsplit(origin).path.strip("/")):
            wrong.append(f"{key}: expected an origin such as https://api.example.org")
    return wrong
