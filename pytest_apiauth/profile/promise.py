"""What follows from the keys of a profile: URLs, origins, the grants and clients that are used, answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from urllib.parse import urlsplit

from pytest_apiauth.messages import Origin
from pytest_apiauth.profile.document import Document
from pytest_apiauth.profile.endpoints import ENDPOINTS, URL_KEYS
from pytest_apiauth.profile.grants import GRANTS, GrantType, Spent
from pytest_apiauth.profile.kinds import DPOP, KINDS, CredentialKind, Kind, Place
from pytest_apiauth.profile.login_requests import Issuing
from pytest_apiauth.profile.placing import placed
from pytest_apiauth.profile.tables import (
    DEFAULT,
    Answer,
    Ended,
    Ending,
    Reference,
    Zone,
)


class Promise(Document):
    """A profile's keys, and what they mean together.

    >>> Promise(schema=1, api_url="https://api.shop.example", token_url="/token").token_endpoint
    'https://api.shop.example/token'
    """

    @cached_property
    def kinds(self) -> Mapping[Kind, CredentialKind]:
        """Every kind of credential that the profile has, with the place where each travels.

        >>> list(Promise(schema=1).kinds)
        ['bearer', 'personal_access_token', 'basic']
        """
        rows = {row.name: row for row in placed(lambda name: getattr(self, name, None), self.schemes)}
        return rows if self.token.bound != "dpop" else {**rows, "bearer": replace(rows["bearer"], place=DPOP)}

    def may_be_plain(self, origin: Origin) -> bool:
        """Whether credentials may travel to this origin: HTTPS, loopback, or a host in ``insecure_hosts``."""
        return origin.scheme == "https" or origin.is_loopback or origin.host in self.insecure_hosts

    @property
    def base_url(self) -> str:
        """The API's base URL. Where the document names none, a reserved host name stands in (RFC 2606).

        >>> Promise.model_validate({"schema": 1, "name": "The #1 shop"}).base_url
        'https://The-1-shop.example'
        """
        if isinstance(self.api_url, str):
            return self.api_url
        label = re.sub(r"[^\w.-]+", "-", self.name).strip("-.") or "api"
        return f"https://{label}.example"

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

    @property
    def token_leading_endpoints(self) -> tuple[str, ...]:
        """Absolute URLs at which clients ask for tokens, or begin to.

        >>> shop = Promise(schema=1, token_url="/token", authorize_url="/login", device_authorization_url="/device")
        >>> shop.token_leading_endpoints
        ('https://api.example/token', 'https://api.example/device')
        """
        places: Iterable[str | None] = (getattr(self, row.key) for row in ENDPOINTS if row.leads_to_token)
        return tuple(self.url(place) for place in places if place)

    def endpoint_of(self, grant: GrantType) -> str:
        """Return the absolute URL at which a grant asks for its token.

        >>> Promise(schema=1, token_url="/token", refresh_url="/renew").endpoint_of("refresh_token")
        'https://api.example/renew'
        """
        return self.refresh_endpoint if GRANTS[grant].refreshes else self.token_endpoint

    @property
    def authorization_endpoint(self) -> str:
        """Absolute URL of the authorization endpoint; empty if there is none."""
        return self.url(self.authorize_url) if self.authorize_url else ""

    @property
    def pushed_authorization_request_endpoint(self) -> str:
        """Absolute URL of the pushed authorization request endpoint; empty if there is none.

        >>> Promise(schema=1, pushed_authorization_request_url="/par").pushed_authorization_request_endpoint
        'https://api.example/par'
        """
        return self.url(self.pushed_authorization_request_url) if self.pushed_authorization_request_url else ""

    def beginning_of(self, grant: GrantType) -> str:
        """Return the absolute URL at which a client begins a grant that it then polls for; empty if there is none.

        >>> Promise(schema=1, device_authorization_url="/device").beginning_of("device_code")
        'https://api.example/device'
        """
        place = getattr(self, GRANTS[grant].begins_at) if GRANTS[grant].is_polled else None
        return self.url(place) if place else ""

    @cached_property
    def origins(self) -> frozenset[Origin]:
        """Every origin the profile names: the only ones that a credential may travel to."""
        places = (getattr(self, key) for key in (*URL_KEYS, "jwks_url") if key != "api_url")
        pages = self.login.origins if self.login is not None else ()
        urls = (self.base_url, *(self.url(place) for place in places if place), *pages)
        return frozenset(Origin.of(url) for url in urls)

    @property
    def plain_origin(self) -> Origin | None:
        """Where the API would be served over plain HTTP; None if nobody can tell. No credential may travel there.

        >>> print(Promise(schema=1, api_url="https://api.example/v1").plain_origin)
        http://api.example
        >>> Promise(schema=1, api_url="https://api.example:8443/v1").plain_origin is None
        True
        """
        if self.live.plain_url is not None:
            return Origin.of(self.live.plain_url)
        own = Origin.of(self.base_url)
        # What is on port 80 beside an API on a port of its own may be anything.
        return Origin("http", own.host, 80) if (own.scheme, own.port) == ("https", 443) else None

    @property
    def jwks_url(self) -> str | None:
        """Where the public keys are that tokens are checked with, as the profile spells it."""
        signed = self.jwt
        return signed.jwks_url if signed is not None else None

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
        return self.grant_spending("code")

    @property
    def polled_grant(self) -> GrantType | None:
        """The first of ``[grants]`` that a client begins, and then polls for until a person has decided."""
        return next((name for name in self.grants if GRANTS[name].is_polled), None)

    def grant_spending(self, member: Spent) -> GrantType | None:
        """Return the first of ``[grants]`` whose token request spends something; None if none does."""
        return next((name for name in self.grants if GRANTS[name].spends == member), None)

    @property
    def can_refresh(self) -> bool:
        """Whether ``[grants]`` has one that renews a token."""
        return any(GRANTS[name].refreshes for name in self.grants)

    @property
    def refresh_source(self) -> GrantType:
        """The grant whose answer is documented to bring a refresh token, of those that a profile can begin with."""
        begun = [name for name in self.grants if GRANTS[name].stands_alone]
        first: GrantType = begun[0] if begun else "refresh_token"  # got elsewhere, it begins with itself
        return next((name for name in begun if self.answer_of(name).refresh_token), first)

    @property
    def ended(self) -> Mapping[tuple[Ending, str], Reference]:
        """Where what was good once is, by how it ended and what it is: a key of ``[credentials]``, or a scheme.

        >>> was = {"revoked": {"api_key": {"env": "OLD_KEY"}}}
        >>> list(Promise.model_validate({"schema": 1, "credentials": was}).ended)
        [('revoked', 'api_key')]
        """
        tables = self._ended
        rows = [((ending, name), found) for ending, table in tables.items() for name, found in table if name != "user"]
        rows += [((ending, name), getattr(each, ending)) for name, each in self.schemes.items() for ending in tables]
        return {key: reference for key, reference in rows if reference is not None}

    @property
    def ended_users(self) -> Mapping[Ending, str]:
        """Who of ``[users]`` logs in no more, by how that ended: it was taken from them, or its time is over.

        >>> was = {"schema": 1, "users": {"former": {}}, "credentials": {"revoked": {"user": "former"}}}
        >>> dict(Promise.model_validate(was).ended_users)
        {'revoked': 'former'}
        """
        return {ending: table.user for ending, table in self._ended.items() if table.user is not None}

    @property
    def _ended(self) -> Mapping[Ending, Ended]:
        return {"revoked": self.credentials.revoked, "expired": self.credentials.expired}

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

        >>> Promise.model_validate({
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

        >>> Promise(schema=1, token_url="/token").request_of("password") is None
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

        >>> Promise(schema=1, api_key={"scheme": "ApiKey", "header": "Authorization"}).place_of("api_key").prefix
        'ApiKey '
        """
        return (self.kinds.get(kind) or KINDS[kind]).place

    @property
    def token_types(self) -> frozenset[str]:
        """What a token answer may call its token, in small letters: bearer, the word that it travels behind, or what
        an answer is documented to say.

        One that is to be bound to a key by proofs is nothing else than that (RFC 9449 5).
        """
        if self.token.bound == "dpop":
            return frozenset(("dpop",))
        told = [answer.token_type.lower() for answer in map(self.answer_of, self.grants) if answer.token_type]
        return frozenset(("bearer", self.place_of("bearer").word.lower() or "bearer", *told))

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

    def has_key_for_pair(self, path: str) -> bool:
        """Whether HTTP Basic holds a key at an absolute path, and no user's password.

        >>> keyed = {"schema": 1, "api_key": {"pair": "{key}:"}, "zones": {"all": {"path": "/", "needs": ["api_key"]}}}
        >>> Promise(**keyed).has_key_for_pair("/items")
        True
        """
        zone = self.zone_at(path)
        rows = [self.kinds[kind] for kind in zone.kinds] if zone is not None else []
        return any(row.place.pair for row in rows) and not any(len(row.roles[0]) == 2 for row in rows)

    @cached_property
    def token_route_keys(self) -> tuple[Kind, ...]:
        """The keys that the token endpoint itself needs, since it lies in a zone that does."""
        if not self.token_endpoint or Origin.of(self.token_endpoint) != Origin.of(self.base_url):
            return ()
        zone = self.zone_at(urlsplit(self.token_endpoint).path)
        keys = {name: row for name, row in self.kinds.items() if zone is not None and row.is_key and name in zone.kinds}
        # A request has one Authorization header (RFC 9110 11.6.2), and a client may need it for itself.
        login = self.login_request
        is_taken = login.basic if login is not None else self.token.client_auth == "client_secret_basic"
        return tuple(name for name, row in keys.items() if not (is_taken and row.place.is_authorization))
