"""One profile against one target: the credentials in use, the requests made, the tokens asked for.

The vault names each credential (``ACCESS_TOKEN``, ``SECOND_CLIENT_SECRET``) as the curl lines do, and
gets it when it is first needed: from the profile's references, or from the token endpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from pytest_apiauth.auth.drafts import Base64, Draft, FormEncoded, Ref, Text, parts_of
from pytest_apiauth.credentials.secrets import Redactor, Secret, Vault
from pytest_apiauth.errors import CredentialError, NotRecordedError, UnsetError
from pytest_apiauth.messages import Request, Response, described
from pytest_apiauth.profile.model import DEFAULT, ApiKey, GrantSettings, GrantType, Kind, Profile, Zone
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.consent import Callback, Proof
from pytest_apiauth.suite.guesses import wrong_passwords
from pytest_apiauth.suite.outcomes import (
    OUT_OF_GUESSES,
    Counterexample,
    Inconclusive,
    NotApplicable,
    OutOfGuesses,
    OutOfReach,
    Refused,
    Unjudged,
    says_nothing,
)
from pytest_apiauth.suite.steps import Recent, uses_up
from pytest_apiauth.targets.target import Target

_ROLES: dict[Kind, tuple[str, ...]] = {
    "api_key": ("API_KEY",),
    "basic": ("USERNAME", "PASSWORD"),
    "personal_access_token": ("PERSONAL_ACCESS_TOKEN",),
}


class Examination:
    """The state that the rules of one profile share."""

    def __init__(self, target: Target, redactor: Redactor) -> None:
        self.target = target
        self.redactor = redactor
        self._began = target.sent
        self.tokens_issued = 0
        self.known: dict[str, str] = {}
        self._roles: dict[str, tuple[str, str]] = {}
        self._ways: dict[str, list[tuple[Kind, ...]]] = {}
        self._vault = Vault(self.value, self.known)
        self._moved = 0
        self.lacks_secret = False
        self.recent = Recent()
        self._recovery: Counterexample | None = None
        self._is_recovery_told = False

    @property
    def profile(self) -> Profile:
        """The target's profile."""
        return self.target.profile

    # Requests

    @property
    def requests(self) -> int:
        """How many requests have left, as the target counts them."""
        return self.target.sent - self._began

    def send(self, draft: Draft, *, sure: bool = False) -> Response:
        """Send a request with its secrets put in, and learn every token that comes back.

        With ``sure`` a server error is made sure of, as the target's `Retries` say.
        """
        settled = self.target.retries.settle(
            lambda: self.send_by(lambda request: [self.target.send(request)], draft)[0],
            lambda: not uses_up(draft),
            sure=sure,
        )
        response, failed = settled.response, settled.failed
        if failed is not None and response.status < 500 and self._recovery is None:
            self._recovery = Counterexample("no server error, not even once", described(failed), self.curl(draft), "")
        return response

    def told_once(self) -> Counterexample | None:
        """Return the first server error that a repetition did not meet again; once, since it is one finding."""
        if self._is_recovery_told or self._recovery is None:
            return None
        self._is_recovery_told = True
        return self._recovery

    def send_by(self, carry: Callable[[Request], list[Response]], draft: Draft) -> list[Response]:
        """Hand a request to what sends it, once or several times at once, and learn every token that comes back."""
        request = draft.request(self._vault)
        if self.target.kind == "live":
            self._spare_accounts(request)
        try:
            responses = carry(request)
        except NotRecordedError as reason:
            raise NotApplicable(str(reason)) from None
        for response in responses:
            self._learn(response)
            self.recent.add(draft, response)
        return responses

    def _spare_accounts(self, request: Request) -> None:
        """Raise OutOfGuesses where a wrong password would be one too many for an account."""
        names = [name for name in self.known if name.endswith("USERNAME")]
        users = {self.known[name]: self.known.get(name.removesuffix("USERNAME") + "PASSWORD", "") for name in names}
        of_client = request.method == "POST" and request.url in self.profile.client_endpoints
        for username in wrong_passwords(request, users, of_client=of_client):
            if not self.target.guess(username):
                raise OutOfGuesses(OUT_OF_GUESSES)

    def curl(self, draft: Draft) -> str:
        """Write a request as a curl line with placeholders, and make sure that it holds no secret."""
        return self.redactor.redact(draft.curl(self._vault))

    def request(self, path: str, kinds: tuple[Kind, ...]) -> Draft:
        """Give a GET of a path with the named credentials."""
        return Draft("GET", self.profile.url(path), tuple(self.header(kind) for kind in kinds))

    def header(self, kind: Kind, value: Text | None = None) -> tuple[str, Text]:
        """Give the header line of a credential, or of another value in its place."""
        if kind == "api_key":
            travels, key = self.profile.api_key or ApiKey(), self.ref("API_KEY") if value is None else value
            return travels.header, (travels.prefix, *parts_of(key)) if travels.scheme else key
        if kind == "basic":
            own: Text = ("Basic ", Base64((self.ref("USERNAME"), ":", self.ref("PASSWORD"))))
            return "Authorization", own if value is None else value
        name = "ACCESS_TOKEN" if kind == "bearer" else "PERSONAL_ACCESS_TOKEN"
        return "Authorization", ("Bearer ", *parts_of(self.ref(name) if value is None else value))

    def ways_into(self, zone: Zone) -> list[tuple[Kind, ...]]:
        """Give the alternatives of a zone's needs whose credentials are there."""
        # Asked once an example, and the credentials that a run has do not change while it runs.
        if zone.path not in self._ways:
            found = [way for way in zone.needs or ((),) if all(self._why_absent(kind) is None for kind in way)]
            self._ways[zone.path] = found
        return self._ways[zone.path]

    def why_closed(self, zone: Zone) -> str:
        """Say why no alternative of a zone's needs is at hand."""
        reasons = [self._why_absent(kind) for way in zone.needs for kind in way]
        return next((reason for reason in reasons if reason), f"no credential for {zone.path}")

    def _why_absent(self, kind: Kind) -> str | None:
        try:
            if kind == "bearer":
                grant = self.profile.usual_grant
                if grant == "authorization_code" and not self.target.has_browser:
                    consent.refresh_token_of(self.profile, self.target.identities, DEFAULT)
                    return None
                for name in self.token_request(grant).names if grant else ():
                    self.value(name)
            else:
                for role in _ROLES[kind]:
                    self.value(self.ref(role).name)
        except (NotApplicable, CredentialError) as reason:
            return str(reason)
        return None

    # Token requests

    def token_request(
        self,
        grant: GrantType,
        *,
        client: str = DEFAULT,
        user: str = DEFAULT,
        own: str = "",
        refresh_token: Ref | None = None,
        callback: Callback | None = None,
    ) -> Draft:
        """Give a valid token request, with a fresh refresh token or code where the grant takes one.

        ``own`` begins the placeholder names of those, so that two requests do not share one. With ``refresh_token``
        or ``callback`` that one is sent instead of a fresh one.
        """
        settings_of_grant = self.profile.grants.get(grant) or GrantSettings()
        client = settings_of_grant.client if client == DEFAULT else client
        user = settings_of_grant.user if user == DEFAULT else user
        parameters: list[tuple[str, object]] = [("grant_type", grant)]
        if grant == "password":
            parameters += [("username", self.ref("USERNAME", user)), ("password", self.ref("PASSWORD", user))]
        elif grant == "refresh_token":
            parameters.append(("refresh_token", refresh_token or self.fresh_refresh_token(client=client, own=own)))
        elif grant == "authorization_code":
            parameters += self._redeeming(callback or self.fresh_callback(client), client, own)
        scope = self.profile.scope_of(grant)
        if scope and grant != "authorization_code":
            parameters.append(("scope", scope))
        parameters += list(settings_of_grant.extra.items())
        return self.as_client(self.profile.token_endpoint, parameters, client)

    def as_client(self, url: str, parameters: Iterable[tuple[str, object]], client: str) -> Draft:
        """Give a POST in which a client proves itself in the documented way."""
        settings = self.profile.token
        proof: list[tuple[str, object]] = []
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
            proof = [("client_id", who), ("client_secret", secret)]
        return Draft("POST", url, tuple(headers), parameters=(*parameters, *proof), encoding=settings.body)

    def issue(
        self, grant: GrantType, *, client: str = DEFAULT, user: str = DEFAULT, draft: Draft | None = None
    ) -> dict[str, object]:
        """Ask for a token and give the members of the answer. Raises Unjudged or Refused where none comes."""
        draft = draft or self.token_request(grant, client=client, user=user)
        response = self.send(draft, sure=True)
        body = response.json()
        members = body if isinstance(body, dict) else {}
        if response.status != 200 or not isinstance(members.get("access_token"), str):
            what = f"{response.status}" if response.status != 200 else "200 without an access_token"
            error = members.get("error")
            raise (Unjudged if says_nothing(response) else Refused)(
                f"the valid token request to {draft.url} was answered with {what}"
                f"{f' ({error})' if isinstance(error, str) else ''}"
                f"{f', {response.media_type}' if response.media_type else ''}; expected 200 with a JSON access_token"
            )
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
        raise OutOfReach("no grant that works without a person gives a refresh token")

    def _renewed(self, user: str) -> str:
        """Get an access token by the refresh token of a person, and keep the one that takes its place."""
        identities, (client, user) = self.target.identities, consent.login_of(self.profile, user)
        with identities.turn(client, user):
            stored = consent.refresh_token_of(self.profile, identities, user)
            spent = self.keep(self.ref("LOGIN_REFRESH_TOKEN", user).name, stored.reveal())
            draft = self.token_request("refresh_token", client=client, user=user, refresh_token=spent)
            members = self.issue("refresh_token", draft=draft)
            if isinstance(found := members.get("refresh_token"), str) and found != stored.reveal():
                identities.keep_refresh_token(Secret(found, spent.name), client, user)
        return str(members["access_token"])

    def renew_tokens(self, draft: Draft) -> bool:
        """Forget the issued tokens that a request carries; whether there were any."""
        issued = [name for name in draft.names if self._roles.get(name, ("", ""))[0] == "ACCESS_TOKEN"]
        return bool([self.known.pop(name, None) for name in issued])

    # Time

    @property
    def now(self) -> float:
        """The time in seconds, by a clock of this run's own that moves along with the target's."""
        return time.monotonic() + self._moved

    def advance(self, seconds: int) -> None:
        """Move the target's clock forward and forget the tokens at hand, which may have ended by it.

        Raises NotApplicable where the clock cannot be moved.
        """
        self.needs_clock()
        self.target.advance(seconds)
        self._moved += seconds
        self.forget_tokens()

    def needs_clock(self) -> None:
        """Raise NotApplicable where the target's clock cannot be moved, before anything is asked of it."""
        if not self.target.can_move_clock:
            raise OutOfReach("lifetimes take a clock that can be moved, which the profile's [clock] names")

    def forget_tokens(self) -> None:
        """Forget the access tokens at hand: what a rule has done may have ended them. New ones come when needed."""
        for name in [name for name in self.known if name.endswith("ACCESS_TOKEN") and "PERSONAL" not in name]:
            del self.known[name]

    # Authorization requests

    def authorization_request(self, client: str = DEFAULT, proof: Proof | None = None) -> Draft:
        """Give a valid authorization request. Raises NotApplicable where the client has no redirection URI."""
        client = self._code_client(client)
        try:
            redirect_uri = self.target.identities.client(client).redirect_uri
        except CredentialError as reason:
            raise NotApplicable(str(reason)) from None
        if redirect_uri is None:
            raise NotApplicable(f"the client {client} has no redirect_uri")
        return consent.request(self.profile, self.ref("CLIENT_ID", client), redirect_uri, proof or Proof.fresh())

    def fresh_callback(self, client: str = DEFAULT) -> Callback:
        """Get a code that nothing else uses. Raises NotApplicable where that takes a browser."""
        self.need_browser()
        proof = Proof.fresh()
        draft = self.authorization_request(client, proof)
        response = self.send(draft)
        found = consent.callback(draft, response, proof)
        if found is None:
            raise Inconclusive(f"the valid authorization request was answered with {response.status} and no code")
        return found

    def need_browser(self) -> None:
        """Raise NotApplicable where a code takes a browser."""
        if not self.target.has_browser:
            raise OutOfReach(consent.needs_browser(self.profile))

    def _redeeming(self, found: Callback, client: str, own: str) -> list[tuple[str, object]]:
        client = self._code_client(client)
        code = self.keep(own + self.ref("CODE", client).name, found.code)
        parameters: list[tuple[str, object]] = [("code", code), ("redirect_uri", found.redirect_uri)]
        if found.verifier is not None:
            parameters.append(("code_verifier", self.keep(own + self.ref("VERIFIER", client).name, found.verifier)))
        if self.profile.token.client_auth == "none":
            parameters.append(("client_id", self.ref("CLIENT_ID", client)))
        return parameters

    def _code_client(self, client: str) -> str:
        usual = self.profile.grants.get("authorization_code") or GrantSettings()
        return usual.client if client == DEFAULT else client

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
                self.lacks_secret = self.lacks_secret or isinstance(reason, UnsetError)
                raise (OutOfReach if isinstance(reason, UnsetError) else NotApplicable)(str(reason)) from None
            self.redactor.learn(self.known[name], name)
        return self.known[name]

    def _resolve(self, name: str) -> str:
        kind, first = self._roles[name]
        identities = self.target.identities
        if kind == "ACCESS_TOKEN":
            grant = self.profile.usual_grant
            if grant is None:
                raise NotApplicable("the profile has no grant")
            if grant == "authorization_code" and not self.target.has_browser:
                return self._renewed(first)
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
            remedy = "; give it in apiauth_credentials or [credentials]" if self.target.kind == "app" else ""
            raise NotApplicable(f"the profile has no {name.lower().replace('_', ' ')}{remedy}")
        return found.reveal() if isinstance(found, Secret) else found

    def _learn(self, response: Response) -> None:
        body = response.json() if b"token" in response.body else None
        if isinstance(body, dict):
            self.tokens_issued += isinstance(body.get("access_token"), str)
            for member in ("access_token", "refresh_token", "id_token"):
                if isinstance(body.get(member), str):
                    self.redactor.learn(body[member], f"{self.profile.name}.{member}")
