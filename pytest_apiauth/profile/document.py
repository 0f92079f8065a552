"""The keys of a profile's file, each documented where it is declared."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from pytest_apiauth.profile.authorizing import Authorization
from pytest_apiauth.profile.grants import GrantType
from pytest_apiauth.profile.jwts import JwtSettings
from pytest_apiauth.profile.login_requests import LoginRequest, LogoutRequest, RefreshRequest, expanded
from pytest_apiauth.profile.placing import ApiKey, PersonalToken, Scheme, TokenPlacing
from pytest_apiauth.profile.running import Live, Login, Recording, ServerClock
from pytest_apiauth.profile.tables import (
    Credentials,
    GrantSettings,
    Model,
    OtherClient,
    OtherKey,
    Plain,
    Refusals,
    Rotation,
    Statements,
    Status,
    Texts,
    TokenSettings,
    User,
    Zone,
)


class Document(Model):
    """What a profile's file says, key by key; whether it hangs together is asked in `coherence`."""

    schema_: Literal[1] = Field(alias="schema", description="Version of this file format")
    name: str = Field("", description="Short name; default: the file's name")
    title: str = Field("", description="The API's own name")
    app: str | dict[str, str] | None = Field(
        None,
        description='The API as an ASGI or WSGI app, "shop.main:app", or a function that makes it,'
        ' "shop.main:create_app()": a run that is not live examines it in this process. A table names one app for each'
        " origin",
    )
    examine: bool = Field(
        False,
        description="Whether a live run of a folder examines this server, and not only one that names this file; for"
        " servers that are yours to examine. Not inherited",
    )
    source: str = Field("", description="Where the promise was read")
    api_url: Plain | None = Field(None, description="Base URL of the API")
    token_url: str | None = Field(None, description="Token endpoint, absolute or relative to api_url")
    refresh_url: str | None = Field(None, description="Where tokens are renewed, if not at token_url")
    authorize_url: str | None = Field(None, description="Authorization endpoint, absolute or relative")
    pushed_authorization_request_url: str | None = Field(
        None,
        description="Pushed authorization request endpoint (RFC 9126), absolute or relative; where there is one, a"
        " client pushes each authorization request before it opens the browser",
    )
    revocation_url: str | None = Field(None, description="Revocation endpoint (RFC 7009), absolute or relative")
    introspection_url: str | None = Field(None, description="Introspection endpoint (RFC 7662), absolute or relative")
    device_authorization_url: str | None = Field(
        None, description="Device authorization endpoint (RFC 8628), absolute or relative"
    )
    metadata_url: str | None = Field(
        None, description="Authorization server metadata (RFC 8414, OpenID discovery), absolute or relative"
    )
    allowed_origins: Texts = Field((), description="Origins that the document allows to call from a browser (CORS)")
    payloads: str | None = Field(
        None,
        description="OpenAPI or Swagger document, a file beside this one, whose examples are what GET routes of the"
        " embedded server answer in your tests",
    )
    clock: ServerClock | None = Field(
        None, description="A clock of the server that a run may move, so that lifetimes can be examined"
    )
    live: Live = Field(Live(), description="What a live run may do to the server, and how much of it")
    recording: Recording = Field(Recording(), description="What is secret in recordings of this API, and what is not")
    login: Login | None = Field(
        None,
        description="A script in the place of the person who logs in for authorization_code or device_code; an empty"
        " table fills in the forms that it meets. Without it, codes are examined where the authorization endpoint"
        " answers at once",
    )
    login_request: LoginRequest | None = Field(
        None, description="How a user logs in, where that is not by OAuth; it stands for [grants.password]"
    )
    refresh_request: RefreshRequest | None = Field(
        None, description="How a token of such a login is renewed; it stands for [grants.refresh_token]"
    )
    logout_request: LogoutRequest | None = Field(None, description="How the tokens of such a login are ended")
    standards: Texts = Field((), description='Standards that the document cites, such as "RFC 6749"')
    statements: Statements = Field(
        {}, description="What the document states, by id: a text, or a table with the rules that it backs"
    )
    rules: Texts = Field(
        (), description="Files with rules of your own, relative to this file; they run beside the book's"
    )
    unauthenticated: Status | None = Field(
        None, description="Documented status of a request without credentials; unset promises a refusal only"
    )
    refusal: Refusals = Field(
        (400, 401, 403),
        description="Documented statuses of a refusal; any other 4xx is a warning, a 2xx or 3xx that is not among them"
        " no refusal",
    )
    https_only: bool = Field(True, description="Whether the document demands HTTPS")
    insecure_hosts: Texts = Field((), description="Hosts, loopback aside, that may be called over plain HTTP")
    ca_file: str | None = Field(None, description="File of CA certificates to trust, in PEM")
    rotation: Rotation | None = Field(
        None,
        description="What a refresh does to the refresh token. new-token: the answer has a new one, and whether the old"
        " one still works is open; old-dies: the answer has a new one, and the old one is refused from then on; none:"
        " the answer has no other one, and the one that was sent goes on working. Unset promises nothing of it",
    )
    api_key: ApiKey | None = Field(None, description="How the API key travels; without it the API has none")
    bearer: TokenPlacing | None = Field(
        None, description="Where tokens of [grants] travel, if not in Authorization: Bearer"
    )
    personal_access_token: PersonalToken | None = Field(
        None, description="Where a personal access token travels, if not in Authorization: Bearer"
    )
    schemes: dict[str, Scheme] = Field({}, description="Further keys by name, as security schemes of OpenAPI are")
    authorization: Authorization = Field(
        Authorization(), description="What the document promises of authorizations, beyond RFC 6749"
    )
    token: TokenSettings = Field(TokenSettings(), description="How a token is asked for, and what comes back")
    jwt: JwtSettings | None = Field(
        None, description="Access tokens that are JWTs: how they are signed, and where the public key is"
    )
    grants: dict[GrantType, GrantSettings] = Field({}, description="Documented grants, the usual one first")
    credentials: Credentials = Field(
        Credentials(), description="Where the secrets of the default client, user and key are; never a secret itself"
    )
    clients: dict[str, OtherClient] = Field({}, description="Further clients by name")
    users: dict[str, User] = Field({}, description="Further users by name")
    keys: dict[str, OtherKey] = Field({}, description="Further API keys by name")
    zones: dict[str, Zone] = Field({}, description="Routes by the credentials that they need")
    expected_failures: dict[str, str] = Field(
        {},
        description="Rules that are known to fail, by rule id or id[part], each with the reason; for app and live runs."
        " One that passes fails the run",
    )

    @model_validator(mode="before")
    @classmethod
    def _stands_for(cls, given: object) -> object:
        return expanded(given)
