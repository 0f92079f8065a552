"""The promise: what one API says about authentication, as a checked, immutable model.

`Profile` is read from a ``NAME.apiauth.toml`` file by `pytest_apiauth.profile.loading`. This file, that one and
`pytest_apiauth.profile.tables` are the only ones that know the validation library. Every key is documented where it is
declared; the JSON Schema of ``python -m pytest_apiauth schema`` is made from these declarations. What holds of a grant
or of a kind of credential in every API stands in `pytest_apiauth.profile.grants` and `pytest_apiauth.profile.kinds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, model_validator

from pytest_apiauth.messages import Origin, why_not_a_url
from pytest_apiauth.profile.endpoints import ENDPOINTS, URL_KEYS, hint_at_variables
from pytest_apiauth.profile.grants import GRANTS, GrantType
from pytest_apiauth.profile.inherited import InheritedUrl, refuse_inherited
from pytest_apiauth.profile.kinds import KINDS, CredentialKind, Kind, Place
from pytest_apiauth.profile.login_requests import URLS, Issuing, LoginRequest, LogoutRequest, RefreshRequest, expanded
from pytest_apiauth.profile.placing import ApiKey, Scheme, TokenPlacing, crowded, is_free, placed, wrong_names
from pytest_apiauth.profile.tables import (
    DEFAULT,
    Algorithm,
    Answer,
    Client,
    ClientAuth,
    Credentials,
    Ended,
    Ending,
    GrantSettings,
    Key,
    Live,
    Login,
    Model,
    Needs,
    Plain,
    Recording,
    Reference,
    Refusals,
    Rotation,
    Seconds,
    ServerClock,
    Statements,
    Status,
    Texts,
    TokenSettings,
    User,
    Zone,
    wrong_apps,
)

__all__ = [
    "DEFAULT",
    "Algorithm",
    "Answer",
    "ApiKey",
    "Client",
    "ClientAuth",
    "Credentials",
    "Ending",
    "GrantSettings",
    "GrantType",
    "Key",
    "Kind",
    "Live",
    "Login",
    "Model",
    "Needs",
    "Plain",
    "Profile",
    "Reference",
    "Rotation",
    "Scheme",
    "Seconds",
    "Texts",
    "TokenPlacing",
    "TokenSettings",
    "User",
    "Zone",
    "is_free",
]


MOST_ZONES: Final = 500
"""Each rule about zones is examined in every one of them: this many are 13,000 tests."""


class Profile(Model):
    """What one API promises about authentication.

    >>> profile = Profile(schema=1, name="shop", api_url="https://api.shop.example", token_url="/token")
    >>> profile.token_endpoint, sorted(map(str, profile.origins))
    ('https://api.shop.example/token', ['https://api.shop.example'])
    """

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
    clock: ServerClock | None = None
    live: Live = Live()
    recording: Recording = Recording()
    login: Login | None = Field(
        None,
        description="A script in the place of the person who logs in for authorization_code; an empty table fills in"
        " the forms that it meets. Without it, codes are examined where the authorization endpoint answers at once",
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
        description="What a refresh does to the refresh token: new-token gives a new one and leaves the old one's"
        " fate open, old-dies says that the old one is dead, none keeps it; unset promises nothing",
    )
    api_key: ApiKey | None = None
    bearer: TokenPlacing | None = Field(
        None, description="Where tokens of [grants] travel, if not in Authorization: Bearer"
    )
    personal_access_token: TokenPlacing | None = Field(
        None, description="Where a personal access token travels, if not in Authorization: Bearer"
    )
    schemes: dict[str, Scheme] = Field({}, description="Further keys by name, as security schemes of OpenAPI are")
    token: TokenSettings = TokenSettings()
    grants: dict[GrantType, GrantSettings] = Field({}, description="Documented grants, the usual one first")
    credentials: Credentials = Credentials()
    clients: dict[str, Client] = Field({}, description="Further clients by name")
    users: dict[str, User] = Field({}, description="Further users by name")
    keys: dict[str, Key] = Field({}, description="Further API keys by name")
    zones: dict[str, Zone] = Field({}, description="Routes by the credentials that they need")
    expected_failures: dict[str, str] = Field(
        {},
        description="Rules that are known to fail, by rule id or id[part], each with the reason; for app and live runs."
        " One that passes fails the run",
    )

    _file: Path | None = PrivateAttr(None)
    _unchanged: Profile | None = PrivateAttr(None)
    _changes: str = PrivateAttr("")
    _inherited: tuple[InheritedUrl, ...] = PrivateAttr(())
    _kinds: dict[Kind, CredentialKind] = PrivateAttr({})

    @model_validator(mode="before")
    @classmethod
    def _stands_for(cls, given: object) -> object:
        return expanded(given)

    @model_validator(mode="after")
    def _hangs_together(self) -> Profile:
        wrong = [*self._wrong_urls(), *self._wrong_names(), *wrong_names(self.schemes, self.keys)]
        wrong += self._wrong_logins()
        self._kinds = {row.name: row for row in placed(lambda name: getattr(self, name, None), self.schemes)}
        wrong += [*self._wrong_zones(), *crowded(self.zones, self._kinds), *wrong_apps(self.app)]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def kinds(self) -> Mapping[Kind, CredentialKind]:
        """Every kind of credential that the profile has, with the place where each travels.

        >>> list(Profile(schema=1).kinds)
        ['bearer', 'personal_access_token', 'basic']
        """
        return self._kinds

    def _wrong_urls(self) -> list[str]:
        wrong = []
        written = {key: f"{table}.url" for table, key in URLS.items() if getattr(self, table) is not None}
        for name in URL_KEYS:
            url, key = getattr(self, name), written.get(name, name)
            if not isinstance(url, str):
                continue
            is_path = key != "api_url" and url.startswith("/")
            reason = why_not_a_url(f"https://api.example{url}" if is_path else url)
            if reason is not None:
                expected = "an absolute http or https URL" if key == "api_url" else "an absolute URL, or a path"
                wrong.append(f"{key}: expected {expected}, got {reason}{hint_at_variables(key, url)}")
            elif is_path:
                continue
            elif "@" in urlsplit(url).netloc:
                wrong.append(f"{key}: a URL with a user name or password in it; credentials go to [credentials]")
            elif not self.may_be_plain(Origin.of(url)):
                parts = urlsplit(url)
                wrong.append(
                    f"{key}: {parts.scheme}://{parts.hostname} would send credentials in clear; use https, or list"
                    " the host in insecure_hosts"
                )
        pages = map(Origin.of, self.login.origins if self.login is not None else ())
        wrong += [
            f"login.origins: {origin} would be sent passwords in clear; use https, or list the host in insecure_hosts"
            for origin in pages
            if not self.may_be_plain(origin)
        ]
        return wrong

    def _wrong_names(self) -> list[str]:
        wrong = []
        for name, grant in self.grants.items():
            if grant.client not in (DEFAULT, *self.clients):
                wrong.append(f"grants.{name}.client: no client {grant.client!r} in [clients]")
            if grant.user not in (DEFAULT, *self.users):
                wrong.append(f"grants.{name}.user: no user {grant.user!r} in [users]")
            if grant.client in (DEFAULT, *self.clients) and not self.may_use(self.client_of(name), name):
                wrong.append(f"grants.{name}: used by the client {self.client_of(name)}, whose grants do not list it")
        if self.token.grant is not None and self.token.grant not in self.grants:
            wrong.append(f"token.grant: {self.token.grant!r} is not one of [grants]")
        begun = [name for name in self.grants if GRANTS[name].takes == "access_token"]
        if begun and self.usual_grant is None:
            wrong.append(f"grants.{begun[0]}: begins with another grant's token, and [grants] lists no other one")
        if self.token.grant in begun:
            wrong.append(f"token.grant: {self.token.grant} begins with another grant's token; name that grant")
        if self.grants and self.token_url is None:
            wrong.append("token_url: needed, since [grants] lists a way to get a token")
        if self.login is not None and self.code_grant is None:
            wrong.append("login: a script for the grant authorization_code, which [grants] does not list")
        needed = [(key, name) for name in self.grants for key in GRANTS[name].urls]
        wrong += [f"{key}: needed for the grant {name}" for key, name in needed if getattr(self, key) is None]
        return wrong

    def _wrong_logins(self) -> list[str]:
        tables = {"refresh_request": self.refresh_request, "logout_request": self.logout_request}
        if self.login_request is None:
            return [f"{name}: belongs to a [login_request], which there is not" for name, own in tables.items() if own]
        wrong = []
        if self.token_url is None:
            wrong.append("login_request.url: needed: where the user logs in")
        if self.logout_request is not None and self.revocation_url is None:
            wrong.append("logout_request.url: needed: where the tokens are ended")
        if self.refresh_request is not None and self.refresh_endpoint == self.token_endpoint:
            wrong.append("refresh_request.url: needed, and another one than login_request.url")
        others = [name for name in self.grants if name not in ("password", "refresh_token")]
        wrong += [f"grants.{name}: a grant of OAuth, beside a [login_request], which is none" for name in others]
        if "refresh_token" in self.grants and self.refresh_request is None:
            wrong.append("grants.refresh_token: needs a [refresh_request], since [login_request] is no grant of OAuth")
        return wrong

    def _wrong_zones(self) -> list[str]:
        if len(self.zones) > MOST_ZONES:
            return [f"zones: {len(self.zones)} zones, expected at most {MOST_ZONES}; a zone holds all routes of a kind"]
        wrong = []
        for name, zone in self.zones.items():
            unknown = sorted(zone.kinds.difference(KINDS, self.schemes))
            listed = ", ".join(map(repr, (*KINDS, *self.schemes)))
            wrong += [f"zones.{name}.needs: expected names among {listed}, got {kind!r}" for kind in unknown]
            for kind in (each for each in KINDS.values() if each.name in zone.kinds):
                if kind.is_declared and getattr(self, kind.name) is None:
                    wrong.append(f"zones.{name}.needs: names {kind.name}, but the profile has no [{kind.name}]")
                if kind.is_issued and not self.grants:
                    wrong.append(f"zones.{name}.needs: names {kind.name}, but [grants] lists no way to get a token")
            paths = (zone.path, *zone.probe)
            wrong += [f"zones.{name}: {path!r} must begin with a slash" for path in paths if not path.startswith("/")]
        return wrong

    def may_be_plain(self, origin: Origin) -> bool:
        """Whether credentials may travel to this origin: HTTPS, loopback, or a host in ``insecure_hosts``."""
        return origin.scheme == "https" or origin.is_loopback or origin.host in self.insecure_hosts

    @property
    def place(self) -> str:
        """The file that the profile was read from: two profiles of one name have two. Its name, if there is none."""
        return self.name if self._file is None else str(self._file)

    @property
    def key(self) -> str:
        """What tells this promise from every other one of a run: its place, and how a test has changed it."""
        return f"{self.place}\n{self._changes}" if self._changes else self.place

    @property
    def unchanged(self) -> Profile | None:
        """The profile as its file has it, if this is how a test has changed it."""
        return self._unchanged

    @property
    def base_url(self) -> str:
        """The API's base URL. Where the document names none, a reserved host name stands in (RFC 2606)."""
        return self.api_url if isinstance(self.api_url, str) else f"https://{self.name or 'api'}.example"

    def url(self, place: str) -> str:
        """Return the absolute URL of an endpoint or path; a path continues that of ``api_url``, as in httpx."""
        return place if urlsplit(place).scheme else self.base_url.rstrip("/") + place

    @property
    def token_endpoint(self) -> str:
        """Absolute URL of the token endpoint; empty if there is none."""
        return self.url(self.token_url) if self.token_url else ""

    @property
    def refresh_endpoint(self) -> str:
        """Absolute URL at which tokens are renewed: the token endpoint's, unless the profile names another one."""
        return self.url(self.refresh_url) if self.refresh_url else self.token_endpoint

    def endpoint_of(self, grant: GrantType) -> str:
        """Return the absolute URL at which a grant asks for its token.

        >>> Profile(schema=1, token_url="/token", refresh_url="/renew").endpoint_of("refresh_token")
        'https://api.example/renew'
        """
        return self.refresh_endpoint if GRANTS[grant].refreshes else self.token_endpoint

    @property
    def authorization_endpoint(self) -> str:
        """Absolute URL of the authorization endpoint; empty if there is none."""
        return self.url(self.authorize_url) if self.authorize_url else ""

    @property
    def device_authorization_endpoint(self) -> str:
        """Absolute URL of the device authorization endpoint; empty if there is none."""
        return self.url(self.device_authorization_url) if self.device_authorization_url else ""

    @property
    def origins(self) -> frozenset[Origin]:
        """Every origin the profile names: the only ones that a credential may travel to."""
        places = (getattr(self, key) for key in URL_KEYS if key != "api_url")
        pages = self.login.origins if self.login is not None else ()
        urls = (self.base_url, *(self.url(place) for place in places if place), *pages)
        return frozenset(Origin.of(url) for url in urls)

    @property
    def client_endpoints(self) -> frozenset[str]:
        """Absolute URLs at which a client authenticates itself."""
        places: Iterable[str | None] = (getattr(self, row.key) for row in ENDPOINTS if row.takes_client)
        return frozenset(self.url(place) for place in places if place)

    @property
    def usual_grant(self) -> GrantType | None:
        """The grant that clients use: ``token.grant``, or the first of ``[grants]`` that stands alone."""
        if self.token.grant:
            return self.token.grant
        return next((name for name in self.grants if GRANTS[name].stands_alone), None)

    @property
    def interactive_grant(self) -> GrantType | None:
        """The first of ``[grants]`` that takes a person."""
        return next((name for name in self.grants if GRANTS[name].needs_person), None)

    @property
    def code_grant(self) -> GrantType | None:
        """The first of ``[grants]`` whose token request spends a code from the authorization endpoint."""
        return next((name for name in self.grants if GRANTS[name].spends == "code"), None)

    @property
    def device_grant(self) -> GrantType | None:
        """The first of ``[grants]`` whose token request spends a device code."""
        return next((name for name in self.grants if GRANTS[name].spends == "device_code"), None)

    @property
    def can_refresh(self) -> bool:
        """Whether ``[grants]`` has one that renews a token."""
        return any(GRANTS[name].refreshes for name in self.grants)

    @property
    def refresh_source(self) -> GrantType:
        """The grant whose answer is documented to bring a refresh token, of those that a profile can begin with."""
        first, *others = [name for name in self.grants if GRANTS[name].stands_alone]
        return next((name for name in (first, *others) if self.answer_of(name).refresh_token), first)

    @property
    def ended(self) -> Mapping[tuple[Ending, str], Reference]:
        """Where what was good once is, by how it ended and what it is: a key of ``[credentials]``, or a scheme.

        >>> was = {"revoked": {"api_key": {"env": "OLD_KEY"}}}
        >>> list(Profile.model_validate({"schema": 1, "credentials": was}).ended)
        [('revoked', 'api_key')]
        """
        tables: dict[Ending, Ended] = {"revoked": self.credentials.revoked, "expired": self.credentials.expired}
        rows = [((ending, name), reference) for ending, table in tables.items() for name, reference in table]
        rows += [((ending, name), getattr(each, ending)) for name, each in self.schemes.items() for ending in tables]
        return {key: reference for key, reference in rows if reference is not None}

    def may_use(self, client: str, grant: GrantType) -> bool:
        """Whether a client, by its name in the profile, may get tokens by a grant."""
        allowed = (self.credentials if client == DEFAULT else self.clients[client]).grants
        return allowed is None or grant in allowed

    def grant_of(self, client: str | None) -> GrantType | None:
        """The grant that a client uses: the usual one, or the first that it may use; None is the usual grant's own."""
        usual = self.usual_grant
        if client is None or client not in (DEFAULT, *self.clients) or usual is None or self.may_use(client, usual):
            return usual
        return next((name for name in self.grants if GRANTS[name].stands_alone and self.may_use(client, name)), None)

    def client_of(self, grant: GrantType | None) -> str:
        """Which of ``[clients]`` uses a grant; what renews a token is used by whoever has got it, unless it says else.

        >>> Profile.model_validate({
        ...     "schema": 1, "token_url": "/token", "clients": {"app": {}},
        ...     "grants": {"password": {"client": "app", "answer": {"refresh_token": True}}, "refresh_token": {}},
        ... }).client_of("refresh_token")
        'app'
        """
        row = self.grants.get(grant) if grant else None
        if row is not None and grant is not None and GRANTS[grant].refreshes and "client" not in row.model_fields_set:
            giving = (name for name in self.grants if GRANTS[name].stands_alone and self.answer_of(name).refresh_token)
            row = self.grants[next(giving, grant)]
        return row.client if row else DEFAULT

    def scope_of(self, grant: GrantType) -> str | None:
        """The scope to ask for with a grant."""
        own = self.grants[grant].scope if grant in self.grants else None
        return own if own is not None else self.token.scope

    def answer_of(self, grant: GrantType) -> Answer:
        """The documented answer of a grant."""
        own = self.grants[grant].answer if grant in self.grants else None
        found = own if own is not None else self.token.answer
        issuing = self.request_of(grant)
        if issuing is None or found.refresh_token is not None:
            return found
        return found.model_copy(update={"refresh_token": issuing.refresh_token is not None})

    def request_of(self, grant: GrantType) -> Issuing | None:
        """Return how a token is asked for by a grant, where that is not as OAuth has it.

        >>> Profile(schema=1, token_url="/token").request_of("password") is None
        True
        """
        return {"password": self.login_request, "refresh_token": self.refresh_request}.get(grant)

    @property
    def login_secrets(self) -> tuple[str, ...]:
        """What requests and answers of a login that is not OAuth's call their secrets."""
        tables = (self.login_request, self.refresh_request, self.logout_request)
        return tuple(dict.fromkeys(name for table in tables if table is not None for name in table.secrets))

    @property
    def is_oauth(self) -> bool:
        """Whether its tokens are asked for as RFC 6749 has it."""
        return self.login_request is None

    def place_of(self, kind: Kind) -> Place:
        """Return where in a request a kind of credential travels.

        >>> Profile(schema=1, api_key=ApiKey(scheme="ApiKey", header="Authorization")).place_of("api_key")
        Place(where='header', name='Authorization', prefix='ApiKey ')
        """
        return (self.kinds.get(kind) or KINDS[kind]).place

    @property
    def token_types(self) -> frozenset[str]:
        """What a token answer may call its token, in small letters: bearer, or the word that it travels behind."""
        return frozenset(("bearer", self.place_of("bearer").word.lower() or "bearer"))

    def statements_for(self, rule: str) -> tuple[str, ...]:
        """Return the ids of the document's sentences that back a rule."""
        return tuple(name for name, statement in self.statements.items() if rule in statement.rules)

    def zone_at(self, path: str) -> Zone | None:
        """The zone that an absolute path on the API's host lies in: the one with the longest prefix."""
        base = urlsplit(self.base_url).path.rstrip("/")
        if not path.startswith(base):
            return None
        inside = [zone for zone in self.zones.values() if path[len(base) :].startswith(zone.path)]
        return max(inside, key=lambda zone: len(zone.path), default=None)

    @property
    def token_route_keys(self) -> tuple[Kind, ...]:
        """The keys that the token endpoint itself needs, since it lies in a zone that does."""
        if not self.token_endpoint or Origin.of(self.token_endpoint) != Origin.of(self.base_url):
            return ()
        zone = self.zone_at(urlsplit(self.token_endpoint).path)
        return tuple(name for name, row in self.kinds.items() if zone is not None and row.is_key and name in zone.kinds)

    def read_from(self, file: Path, inherited: Iterable[InheritedUrl]) -> Profile:
        """Return a copy that knows which file it was read from, and which of its URLs are those of another API."""
        found = self.model_copy()
        found._file, found._inherited = file, tuple(inherited)
        return found

    def changed_from(self, unchanged: Profile, changes: str) -> Profile:
        """Return a copy that knows which profile it was before a test has changed it; ``changes`` tells how."""
        found = self.model_copy()
        found._unchanged, found._changes = unchanged, changes
        return found

    def refuse_inherited(self) -> None:
        """Raise ProfileError if it sends something to where the profile that it extends does, and not its own API."""
        refuse_inherited(self.name, self.base_url, self._inherited)

    def replaced(self, **changes: Any) -> Profile:
        """Return a copy with some keys changed, checked again."""
        found = Profile.model_validate({**self.model_dump(by_alias=True, exclude_unset=True), **changes})
        found._file, found._inherited = self._file, self._inherited
        found._unchanged, found._changes = self._unchanged, self._changes
        return found
