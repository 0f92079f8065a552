"""The promise: what one API says about authentication, as a checked, immutable model.

`Profile` is read from a ``NAME.apiauth.toml`` file by `pytest_apiauth.loading`. This file and that one
are the only two that know the validation library. Every key is documented where it is declared; the
JSON Schema of ``python -m pytest_apiauth schema`` is made from these declarations.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pytest_apiauth.messages import Origin

Kind = Literal["api_key", "bearer", "personal_access_token", "basic"]
GrantType = Literal["client_credentials", "password", "refresh_token", "authorization_code"]
ClientAuth = Literal["none", "client_secret_basic", "client_secret_post", "client_secret_json"]
Rotation = Literal["new-token", "old-dies", "none"]
DEFAULT = "default"
_OBJECT: Final = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")
_APP: Final = re.compile(rf"{_OBJECT.pattern}(\(.*\))?")
URL_KEYS = ("api_url", "token_url", "authorize_url", "revocation_url", "introspection_url", "metadata_url")


class Model(BaseModel):
    """Common rules of every table: unknown keys are errors, values are frozen and never echoed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class Reference(Model):
    """Where a value is: ``{ env = "NAME" }``, or ``{ keyring = "SERVICE", username = "NAME" }``."""

    env: str | None = Field(None, description="Name of an environment variable (a .env file counts too)")
    keyring: str | None = Field(None, description="Service name in the system keyring")
    username: str = Field("", description="User name in the system keyring")

    @model_validator(mode="after")
    def _names_one_place(self) -> Reference:
        if (self.env is None) == (self.keyring is None):
            raise ValueError("name one place: { env = … } or { keyring = … }")
        return self

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"keyring entry {self.keyring}"


def _refuse_literal(value: object) -> object:
    if isinstance(value, str):
        raise ValueError('write where the secret is, never the secret: { env = "NAME" }')
    return value


SecretReference = Annotated[Reference, BeforeValidator(_refuse_literal)]
Plain = str | Reference
Status = Annotated[int, Field(ge=400, le=499)]
Seconds = Annotated[int, Field(gt=0)]
SafetyClass = Literal["consume", "revoke", "lockout", "load"]


def _tuple(value: object) -> object:
    """Let TOML's arrays be tuples, in strict mode too."""
    return tuple(value) if isinstance(value, list) else value


def _needs(value: object) -> object:
    """Read ``["api_key", "bearer"]`` as one alternative, a list of lists as several."""
    if isinstance(value, list):
        if all(isinstance(entry, str) for entry in value):
            return (tuple(value),) if value else ()
        if all(isinstance(entry, list) for entry in value):
            return tuple(tuple(entry) for entry in value)
        raise ValueError("either names of credentials, or lists of such names, not both")
    return value


Texts = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(_tuple), Field(min_length=1)]
SafetyClasses = Annotated[tuple[SafetyClass, ...], BeforeValidator(_tuple)]
Needs = Annotated[tuple[tuple[Kind, ...], ...], BeforeValidator(_needs)]


class Client(Model):
    """An OAuth client (RFC 6749 2)."""

    client_id: Plain | None = Field(None, description="Public identifier of the client")
    client_secret: SecretReference | None = Field(None, description="Where its secret is")
    redirect_uri: Plain | None = Field(None, description="Registered redirection URI")


class User(Model):
    """A resource owner with a password."""

    username: Plain | None = Field(None, description="Name the user logs in with")
    password: SecretReference | None = Field(None, description="Where the password is")


class Key(Model):
    """An API key."""

    api_key: SecretReference | None = Field(None, description="Where the key is")
    denied: Texts = Field((), description="Paths that this key may not see")


class Credentials(Client, User, Key):
    """The default client, user and key, and long-lived tokens got elsewhere."""

    personal_access_token: SecretReference | None = Field(None, description="Where the token is")
    refresh_token: SecretReference | None = Field(
        None, description="Where a refresh token is that an interactive grant has given"
    )


class ApiKey(Model):
    """How the API key travels."""

    header: str = Field("X-API-Key", description="Name of the request header")
    scheme: str = Field(
        "",
        description="Word before the key, with a blank between, as in Authorization: ApiKey …",
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]*$",
    )

    @property
    def prefix(self) -> str:
        """What stands before the key in its header."""
        return f"{self.scheme} " if self.scheme else ""


class Answer(Model):
    """Members that the document promises in a token answer (RFC 6749 5.1)."""

    token_type: str | None = Field(None, description="Documented spelling of the type")
    expires_in: Seconds | None = Field(None, description="Documented lifetime in seconds")
    scope: str | None = Field(None, description="Documented scope")
    refresh_token: bool | None = Field(None, description="Whether a refresh token comes with it")


class TokenSettings(Model):
    """How a token is asked for, and what comes back."""

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
    grant: GrantType | None = Field(None, description="Grant that clients use; default: the first of [grants]")
    answer: Answer = Answer()
    refresh_expires_in: Seconds | None = Field(None, description="Lifetime of a refresh token in seconds")
    leeway: Annotated[int, Field(ge=0)] = Field(
        30, description="Renew a token this many seconds before its end; rules allow a server as much after it"
    )


class Grant(Model):
    """One documented way to get a token."""

    client: str = Field(DEFAULT, description="Which of [clients] uses it")
    user: str = Field(DEFAULT, description="Which of [users] it is for")
    scope: str | None = Field(None, description="Scope to ask for, instead of token.scope")
    answer: Answer | None = Field(None, description="Documented answer, instead of token.answer")
    extra: dict[str, str] = Field({}, description="Further parameters of the request")


class Zone(Model):
    """Routes that need the same credentials."""

    path: str = Field(description="Common prefix of the routes")
    needs: Needs = Field((), description="Credentials needed: all of a list; any of a list of lists; [] for none")
    probe: Texts = Field((), description="Routes that a GET may touch safely")
    methods: Texts = Field((), description="Documented methods of the probes beyond GET and HEAD")
    members: Texts = Field((), description="Members that the probe's JSON answer is documented to have")
    identity: str | None = Field(None, description="Member of the probe's JSON answer that names the user")
    statements: Texts = Field((), description="Statements that this zone rests on")

    @property
    def is_protected(self) -> bool:
        """Whether anything is needed here."""
        return bool(self.needs) and () not in self.needs

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind of credential that some alternative names."""
        return frozenset(kind for alternative in self.needs for kind in alternative)


class ServerClock(Model):
    """A clock of the server under test that a run may move, so that lifetimes can be examined."""

    url: str | None = Field(
        None, description='Route that a POST with the JSON body {"seconds": N} moves the clock forward by'
    )
    callable: str | None = Field(
        None, description='Function that moves the clock of an app in this process: "shop.testing:advance"'
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> ServerClock:
        if self.url is None and self.callable is None:
            raise ValueError("name a url, or a callable for an app in this process")
        if self.callable is not None and _OBJECT.fullmatch(self.callable) is None:
            raise ValueError(f'callable: expected "module:function", got {self.callable!r}')
        return self


class Live(Model):
    """What a live run may do to the server."""

    allow: SafetyClasses = Field((), description="Safety classes to examine beyond read-only and issue")
    rate: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Requests per second; default: 10, and no pace where every URL is on loopback"
    )
    max_requests: Annotated[int, Field(gt=0)] = Field(5000, description="Requests that one run may send")
    wrong_passwords: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Wrong passwords for one user in one run; default: 3, or 100 where lockout is allowed"
    )


class Profile(Model):
    """What one API promises about authentication."""

    schema_: Literal[1] = Field(alias="schema", description="Version of this file format")
    name: str = Field("", description="Short name; default: the file's name")
    title: str = Field("", description="The API's own name")
    app: str | dict[str, str] | None = Field(
        None,
        description='The API as an ASGI or WSGI app, "shop.main:app", or a function that makes it,'
        ' "shop.main:create_app()": a run that is not live examines it in this process. A table names one app for each'
        " origin",
    )
    source: str = Field("", description="Where the promise was read")
    api_url: Plain | None = Field(None, description="Base URL of the API")
    token_url: str | None = Field(None, description="Token endpoint, absolute or relative to api_url")
    authorize_url: str | None = Field(None, description="Authorization endpoint, absolute or relative")
    revocation_url: str | None = Field(None, description="Revocation endpoint (RFC 7009), absolute or relative")
    introspection_url: str | None = Field(None, description="Introspection endpoint (RFC 7662), absolute or relative")
    metadata_url: str | None = Field(
        None, description="Authorization server metadata (RFC 8414, OpenID discovery), absolute or relative"
    )
    allowed_origins: Texts = Field((), description="Origins that the document allows to call from a browser (CORS)")
    clock: ServerClock | None = None
    live: Live = Live()
    standards: Texts = Field((), description='Standards that the document cites, such as "RFC 6749"')
    statements: dict[str, str] = Field({}, description="What the document states, by id")
    unauthenticated: Status | None = Field(
        None, description="Documented status of a request without credentials; unset promises a refusal only"
    )
    refusal: Statuses = Field((400, 401, 403), description="Documented statuses of a refusal")
    https_only: bool = Field(True, description="Whether the document demands HTTPS")
    insecure_hosts: Texts = Field((), description="Hosts, loopback aside, that may be called over plain HTTP")
    ca_file: str | None = Field(None, description="File of CA certificates to trust, in PEM")
    rotation: Rotation | None = Field(
        None,
        description="What a refresh does to the refresh token: new-token gives a new one and leaves the old one's"
        " fate open, old-dies says that the old one is dead, none keeps it; unset promises nothing",
    )
    api_key: ApiKey | None = None
    token: TokenSettings = TokenSettings()
    grants: dict[GrantType, Grant] = Field({}, description="Documented grants, the usual one first")
    credentials: Credentials = Credentials()
    clients: dict[str, Client] = Field({}, description="Further clients by name")
    users: dict[str, User] = Field({}, description="Further users by name")
    keys: dict[str, Key] = Field({}, description="Further API keys by name")
    zones: dict[str, Zone] = {}
    expected_failures: dict[str, str] = Field(
        {},
        description="Rules that are known to fail, by rule id or id[part], each with the reason; for app and live runs."
        " One that passes fails the run",
    )

    @model_validator(mode="after")
    def _hangs_together(self) -> Profile:
        wrong = [*self._wrong_urls(), *self._wrong_names(), *self._wrong_zones(), *self._wrong_apps()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _wrong_urls(self) -> list[str]:
        wrong = []
        for key in URL_KEYS:
            url = getattr(self, key)
            if not isinstance(url, str):
                continue
            parts = urlsplit(url)
            if parts.username or parts.password:
                wrong.append(f"{key}: a URL with a user name or password in it; credentials go to [credentials]")
            elif not parts.scheme and key != "api_url" and url.startswith("/"):
                continue
            elif parts.scheme not in ("https", "http") or not parts.hostname:
                wrong.append(f"{key}: expected an absolute http or https URL, got {url!r}")
            elif not self.may_be_plain(Origin.of(url)):
                wrong.append(
                    f"{key}: {parts.scheme}://{parts.hostname} would send credentials in clear; use https, or list"
                    " the host in insecure_hosts"
                )
        return wrong

    def _wrong_names(self) -> list[str]:
        wrong = []
        for name, grant in self.grants.items():
            if grant.client not in (DEFAULT, *self.clients):
                wrong.append(f"grants.{name}.client: no client {grant.client!r} in [clients]")
            if grant.user not in (DEFAULT, *self.users):
                wrong.append(f"grants.{name}.user: no user {grant.user!r} in [users]")
        if self.token.grant is not None and self.token.grant not in self.grants:
            wrong.append(f"token.grant: {self.token.grant!r} is not one of [grants]")
        if self.grants and self.token_url is None:
            wrong.append("token_url: needed, since [grants] lists a way to get a token")
        if "authorization_code" in self.grants and self.authorize_url is None:
            wrong.append("authorize_url: needed for the grant authorization_code")
        return wrong

    def _wrong_zones(self) -> list[str]:
        wrong = []
        for name, zone in self.zones.items():
            if "api_key" in zone.kinds and self.api_key is None:
                wrong.append(f"zones.{name}.needs: names api_key, but the profile has no [api_key]")
            if "bearer" in zone.kinds and not self.grants:
                wrong.append(f"zones.{name}.needs: names bearer, but [grants] lists no way to get a token")
            paths = (zone.path, *zone.probe)
            wrong += [f"zones.{name}: {path!r} must begin with a slash" for path in paths if not path.startswith("/")]
        return wrong

    def _wrong_apps(self) -> list[str]:
        wrong = []
        for origin, app in (self.app if isinstance(self.app, dict) else {"": self.app or ""}).items():
            key = f'app."{origin}"' if origin else "app"
            if app and _APP.fullmatch(app) is None:
                wrong.append(f'{key}: expected "module:app" or "module:create_app()", got {app!r}')
            parts = urlsplit(origin)
            if origin and (parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/")):
                wrong.append(f"{key}: expected an origin such as https://api.example.org")
        return wrong

    def may_be_plain(self, origin: Origin) -> bool:
        """Whether credentials may travel to this origin: HTTPS, loopback, or a host in ``insecure_hosts``."""
        return origin.scheme == "https" or origin.is_loopback or origin.host in self.insecure_hosts

    @property
    def base_url(self) -> str:
        """The API's base URL. Where the document names none, a reserved host name stands in (RFC 2606)."""
        return self.api_url if isinstance(self.api_url, str) else f"https://{self.name or 'api'}.example"

    def url(self, place: str) -> str:
        """Give the absolute URL of an endpoint or path; a path continues that of ``api_url``, as in httpx."""
        return place if urlsplit(place).scheme else self.base_url.rstrip("/") + place

    @property
    def token_endpoint(self) -> str:
        """Absolute URL of the token endpoint; empty where there is none."""
        return self.url(self.token_url) if self.token_url else ""

    @property
    def authorization_endpoint(self) -> str:
        """Absolute URL of the authorization endpoint; empty where there is none."""
        return self.url(self.authorize_url) if self.authorize_url else ""

    @property
    def origins(self) -> frozenset[Origin]:
        """Every origin the profile names: the only ones that a credential may travel to."""
        places = (getattr(self, key) for key in URL_KEYS if key != "api_url")
        return frozenset(Origin.of(url) for url in (self.base_url, *(self.url(place) for place in places if place)))

    @property
    def client_endpoints(self) -> frozenset[str]:
        """Absolute URLs at which a client authenticates itself (RFC 6749 2.3.1, RFC 7009 2.1, RFC 7662 2.1)."""
        places = (self.token_url, self.revocation_url, self.introspection_url)
        return frozenset(self.url(place) for place in places if place)

    @property
    def usual_grant(self) -> GrantType | None:
        """The grant that clients use: ``token.grant``, or the first of ``[grants]`` that stands alone."""
        if self.token.grant:
            return self.token.grant
        return next((name for name in self.grants if name != "refresh_token"), None)

    def scope_of(self, grant: GrantType) -> str | None:
        """The scope to ask for with a grant."""
        own = self.grants[grant].scope if grant in self.grants else None
        return own if own is not None else self.token.scope

    def answer_of(self, grant: GrantType) -> Answer:
        """The documented answer of a grant."""
        own = self.grants[grant].answer if grant in self.grants else None
        return own if own is not None else self.token.answer

    def zone_at(self, path: str) -> Zone | None:
        """The zone that an absolute path on the API's host lies in: the one with the longest prefix."""
        base = urlsplit(self.base_url).path.rstrip("/")
        if not path.startswith(base):
            return None
        inside = [zone for zone in self.zones.values() if path[len(base) :].startswith(zone.path)]
        return max(inside, key=lambda zone: len(zone.path), default=None)

    @property
    def token_route_needs_key(self) -> bool:
        """Whether the token endpoint itself lies in a zone that needs an API key (JI-18)."""
        if not self.token_endpoint or Origin.of(self.token_endpoint) != Origin.of(self.base_url):
            return False
        zone = self.zone_at(urlsplit(self.token_endpoint).path)
        return zone is not None and "api_key" in zone.kinds

    def replaced(self, **changes: Any) -> Profile:
        """Give a copy with some keys changed, checked again."""
        return Profile.model_validate({**self.model_dump(by_alias=True, exclude_unset=True), **changes})
