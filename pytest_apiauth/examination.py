"""One profile against one target: the credentials in use, the requests made, the tokens asked for.

The vault names each credential (``ACCESS_TOKEN``, ``SECOND_CLIENT_SECRET``) as the curl lines do, and
gets it when it is first needed: from the profile's references, or from the token endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from pytest_apiauth.drafts import Base64, Draft, FormEncoded, Ref, Text, parts_of
from pytest_apiauth.errors import ApiAuthError, CredentialError
from pytest_apiauth.flow import authorization_request, code_from_callback
from pytest_apiauth.messages import Response
from pytest_apiauth.profile import DEFAULT, Grant, GrantType, Kind, Profile, Zone
from pytest_apiauth.secrets import Redactor, Secret
from pytest_apiauth.target import Target


class Inconclusive(Exception):
    """Nothing can be said of the rule: the valid request failed, the rate is limited, no answer came."""


class NotApplicable(Exception):
    """The rule needs what this profile or target does not have."""


class Unready(ApiAuthError):
    """The profile's own valid requests fail, so that nothing can be examined."""


_ROLES: dict[Kind, tuple[str, ...]] = {
    "api_key": ("API_KEY",),
    "basic": ("USERNAME", "PASSWORD"),
    "personal_access_token": ("PERSONAL_ACCESS_TOKEN",),
}


class Vault(Mapping[str, str]):
    """Credentials by placeholder name, each got when first asked for."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination

    def __getitem__(self, name: str) -> str:
        return self._examination.value(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._examination.known)

    def __len__(self) -> int:
        return len(self._examination.known)


class Examination:
    """The state that the rules of one profile share."""

    def __init__(self, target: Target, redactor: Redactor) -> None:
        self.target = target
        self.redactor = redactor
        self.requests = 0
        self.tokens_issued = 0
        self.known: dict[str, str] = {}
        self._roles: dict[str, tuple[str, str]] = {}
        self._vault = Vault(self)

    @property
    def profile(self) -> Profile:
        """The target's profile."""
        return self.target.profile

    def prepare(self) -> None:
        """Send a valid request into every protected zone. Raises Unready, in one line, where one fails.

        That an open zone is open is for a rule to judge.
        """
        for zone in self.profile.zones.values():
            if not zone.probe or not zone.is_protected:
                continue
            ways = self.ways_into(zone)
            if not ways:
                raise Unready(f"{self.profile.name}: {self.why_closed(zone)}")
            for probe in zone.probe:
                draft = self.request(probe, ways[0])
                try:
                    response = self.send(draft)
                except Inconclusive as reason:
                    raise Unready(f"{self.profile.name}: {reason}") from None
                if not 200 <= response.status < 300:
                    raise Unready(
                        f"{self.profile.name}: the valid request to {draft.url} was answered with {response.status},"
                        f" expected a 2xx status; check probe and credentials with: {self.curl(draft)}"
                    )

    # Requests

    def send(self, draft: Draft) -> Response:
        """Send a request with its secrets put in, and learn every token that comes back."""
        request = draft.request(self._vault)
        self.requests += 1
        response = self.target.send(request)
        self._learn(response)
        return response

    def curl(self, draft: Draft) -> str:
        """Write a request as a curl line with placeholders, and make sure that it holds no secret."""
        return self.redactor.redact(draft.curl(self._vault))

    def request(self, path: str, kinds: tuple[Kind, ...]) -> Draft:
        """Give a GET of a path with the named credentials."""
        return Draft("GET", self.profile.url(path), tuple(self.header(kind) for kind in kinds))

    def header(self, kind: Kind, value: Text | None = None) -> tuple[str, Text]:
        """Give the header line of a credential, or of another value in its place."""
        if kind == "api_key":
            name = self.profile.api_key.header if self.profile.api_key else "X-API-Key"
            return name, self.ref("API_KEY") if value is None else value
        if kind == "basic":
            return "Authorization", ("Basic ", Base64((self.ref("USERNAME"), ":", self.ref("PASSWORD"))))
        name = "ACCESS_TOKEN" if kind == "bearer" else "PERSONAL_ACCESS_TOKEN"
        return "Authorization", ("Bearer ", *parts_of(self.ref(name) if value is None else value))

    def ways_into(self, zone: Zone) -> list[tuple[Kind, ...]]:
        """Give the alternatives of a zone's needs whose credentials are there."""
        return [way for way in zone.needs or ((),) if all(self._why_absent(kind) is None for kind in way)]

    def why_closed(self, zone: Zone) -> str:
        """Say why no alternative of a zone's needs is at hand."""
        reasons = [self._why_absent(kind) for way in zone.needs for kind in way]
        return next((reason for reason in reasons if reason), f"no credential for {zone.path}")

    def _why_absent(self, kind: Kind) -> str | None:
        try:
            if kind == "bearer":
                grant = self.profile.usual_grant
                if grant == "authorization_code" and not self.target.has_browser:
                    return "the grant authorization_code needs a browser, which a live run does not have"
                for name in self.token_request(grant).names if grant else ():
                    self.value(name)
            else:
                for role in _ROLES[kind]:
                    self.value(self.ref(role).name)
        except NotApplicable as reason:
            return str(reason)
        return None

    # Token requests

    def token_request(self, grant: GrantType, *, client: str = DEFAULT, user: str = DEFAULT, own: str = "") -> Draft:
        """Give a valid token request, with a fresh refresh token or code where the grant takes one.

        ``own`` begins the placeholder names of those, so that two requests do not share one.
        """
        settings = self.profile.token
        settings_of_grant = self.profile.grants.get(grant) or Grant()
        client = settings_of_grant.client if client == DEFAULT else client
        user = settings_of_grant.user if user == DEFAULT else user
        parameters: list[tuple[str, object]] = [("grant_type", grant)]
        if grant == "password":
            parameters += [("username", self.ref("USERNAME", user)), ("password", self.ref("PASSWORD", user))]
        elif grant == "refresh_token":
            parameters.append(("refresh_token", self.fresh_refresh_token(client=client, own=own)))
        elif grant == "authorization_code":
            parameters += self._fresh_code(client, own)
        scope = self.profile.scope_of(grant)
        if scope and grant != "authorization_code":
            parameters.append(("scope", scope))
        headers: list[tuple[str, Text]] = [("Accept", "application/json")]
        if self.profile.token_route_needs_key:
            headers.append(self.header("api_key"))
        who, secret = self.ref("CLIENT_ID", client), self.ref("CLIENT_SECRET", client)
        if settings.client_auth == "client_secret_basic":
            pair: Text = (who, ":", secret)
            if settings.basic_encoding == "form":
                pair = (FormEncoded(who), ":", FormEncoded(secret))
            headers.append(("Authorization", ("Basic ", Base64(pair))))
        elif settings.client_auth in ("client_secret_post", "client_secret_json"):
            parameters += [("client_id", who), ("client_secret", secret)]
        parameters += list(settings_of_grant.extra.items())
        return Draft(
            "POST", self.profile.token_endpoint, tuple(headers), parameters=tuple(parameters), encoding=settings.body
        )

    def issue(self, grant: GrantType, *, client: str = DEFAULT, user: str = DEFAULT) -> dict[str, object]:
        """Ask for a token and give the members of the answer. Raises Inconclusive where none comes."""
        draft = self.token_request(grant, client=client, user=user)
        response = self.send(draft)
        body = response.json()
        members = body if isinstance(body, dict) else {}
        if response.status != 200 or not isinstance(members.get("access_token"), str):
            what = f"{response.status}" if response.status != 200 else "200 without an access_token"
            error = members.get("error")
            raise Inconclusive(
                f"the valid token request to {draft.url} was answered with {what}"
                f"{f' ({error})' if isinstance(error, str) else ''}"
                f"{f', {response.media_type}' if response.media_type else ''}; expected 200 with a JSON access_token"
            )
        self.tokens_issued += 1
        return members

    def fresh_refresh_token(self, *, client: str = DEFAULT, user: str = DEFAULT, own: str = "") -> Ref:
        """Get a refresh token that nothing else uses, and give its placeholder name."""
        for grant in self.profile.grants:
            promises = self.profile.answer_of(grant).refresh_token
            if grant == "refresh_token" or not promises:
                continue
            if grant == "authorization_code" and not self.target.has_browser:
                continue
            found = self.issue(grant, client=client, user=user).get("refresh_token")
            if isinstance(found, str):
                return self.keep(own + self.ref("REFRESH_TOKEN", client).name, found)
        raise NotApplicable("no grant that works without a person gives a refresh token")

    def renew_tokens(self, draft: Draft) -> bool:
        """Forget the issued tokens that a request carries; whether there were any."""
        stale = [name for name in draft.names if name.endswith("ACCESS_TOKEN") and "PERSONAL" not in name]
        return bool([self.known.pop(name, None) for name in stale])

    def _fresh_code(self, client: str, own: str) -> list[tuple[str, object]]:
        if not self.target.has_browser:
            raise NotApplicable("the grant authorization_code needs a browser, which a live run does not have")
        asked = authorization_request(self.profile, self.target.identities, client=client)
        parts = urlsplit(asked.url)
        query = tuple((name, values[0]) for name, values in parse_qs(parts.query).items())
        answer = self.send(Draft("GET", parts._replace(query="").geturl(), query=query))
        code = code_from_callback(asked, answer.header("location") or "")
        ref = self.keep(own + self.ref("CODE", client).name, code)
        return [("code", ref), ("redirect_uri", asked.redirect_uri), ("code_verifier", asked.verifier)]

    # Credentials

    def ref(self, kind: str, who: str = DEFAULT) -> Ref:
        """Name a credential of the default or another client, user or key: ``SECOND_CLIENT_SECRET``."""
        name = kind if who == DEFAULT else f"{who.upper().replace('-', '_')}_{kind}"
        self._roles[name] = (kind, who)
        return Ref(name)

    def keep(self, name: str, value: str) -> Ref:
        """Keep a value under a placeholder name, and learn it as a secret."""
        self.known[name] = value
        self.redactor.learn(value, name)
        return Ref(name)

    def value(self, name: str) -> str:
        """Give a credential by its placeholder name. Raises NotApplicable where there is none."""
        if name not in self.known:
            try:
                self.known[name] = self._resolve(name)
            except CredentialError as reason:
                raise NotApplicable(str(reason)) from None
            self.redactor.learn(self.known[name], name)
        return self.known[name]

    def _resolve(self, name: str) -> str:
        kind, first = self._roles[name]
        identities = self.target.identities
        if kind == "ACCESS_TOKEN":
            grant = self.profile.usual_grant
            if grant is None:
                raise NotApplicable("the profile has no grant")
            return str(self.issue(grant, user=first)["access_token"])
        if kind == "PERSONAL_ACCESS_TOKEN":
            found: Secret | str | None = identities.personal_access_token()
        elif kind.startswith("CLIENT"):
            client = identities.client(first)
            found = client.client_id if kind == "CLIENT_ID" else client.client_secret
        elif kind == "API_KEY":
            found = identities.key(first).api_key
        else:
            user = identities.user(first)
            found = user.username if kind == "USERNAME" else user.password
        if found is None:
            raise NotApplicable(f"the profile has no {name.lower().replace('_', ' ')}")
        return found.reveal() if isinstance(found, Secret) else found

    def _learn(self, response: Response) -> None:
        body = response.json() if b"token" in response.body else None
        if isinstance(body, dict):
            for member in ("access_token", "refresh_token", "id_token"):
                if isinstance(body.get(member), str):
                    self.redactor.learn(body[member], f"{self.profile.name}.{member}")
