"""One profile against one target: the credentials in use, the requests made, the tokens asked for.

Each credential is got when it is first needed: from the profile's references, or from the token endpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass

from pytest_apiauth.auth import requests, shell
from pytest_apiauth.auth.drafts import Control, Draft
from pytest_apiauth.auth.identified import value_of
from pytest_apiauth.auth.requests import Proof, row_of
from pytest_apiauth.auth.texts import Ref, Role, Text
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError, NotRecordedError, UnsetError
from pytest_apiauth.messages import Request, Response, described
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.model import DEFAULT, GrantType, Kind, Profile, Zone
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.consent import Callback
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
from pytest_apiauth.suite.steps import Recent
from pytest_apiauth.targets.target import Target


class _Values(Mapping[Ref, str]):
    """Credentials, each got when it is first asked for."""

    def __init__(self, get: Callable[[Ref], str], known: Mapping[Ref, str]) -> None:
        self._get, self._known = get, known

    def __getitem__(self, ref: Ref) -> str:
        return self._get(ref)

    def __iter__(self) -> Iterator[Ref]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@dataclass(frozen=True, slots=True)
class _Anew:
    """Makes a token request that spends something anew, so that two of them never share what they spend."""

    examination: Examination
    grant: GrantType
    client: str

    def __call__(self) -> Draft:
        return self.examination.token_request(self.grant, client=self.client, own="CONTROL")


class Examination:
    """The state that the rules of one profile share."""

    def __init__(self, target: Target, redactor: Redactor) -> None:
        self.target = target
        self.redactor = redactor
        self._began = target.sent
        self.tokens_issued = 0
        self.known: dict[Ref, str] = {}
        self._ways: dict[str, list[tuple[Kind, ...]]] = {}
        self._values = _Values(self.value, self.known)
        self._moved = 0
        self.lacks_secret = False
        self.recent = Recent()
        self.found: dict[Hashable, object] = {}
        """What rules have found out about the target, for those that come after them."""
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
            lambda: not draft.spends,
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
        request = draft.request(self._values)
        if self.target.kind.is_live:
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
        secrets = {Role.USERNAME: Role.PASSWORD, Role.CLIENT_ID: Role.CLIENT_SECRET}
        names = [ref for ref in self.known if ref.role in secrets]
        users = {self.known[ref]: self.known.get(Ref(secrets[ref.role], ref.who), "") for ref in names}
        of_client = request.method == "POST" and request.url in self.profile.client_endpoints
        for username in wrong_passwords(request, users, of_client=of_client):
            if not self.target.guess(username):
                raise OutOfGuesses(OUT_OF_GUESSES)

    def curl(self, draft: Draft) -> str:
        """Write a request as a curl line with placeholders, and make sure that it holds no secret."""
        return self.redactor.redact(shell.curl(draft, self._values))

    def request(self, path: str, kinds: tuple[Kind, ...]) -> Draft:
        """Return a GET of a path with the named credentials."""
        return requests.resource_request(self.profile, path, kinds)

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
            if KINDS[kind].is_issued:
                grant = self.profile.usual_grant
                if grant and GRANTS[grant].needs_person and not self.target.has_browser:
                    consent.refresh_token_of(self.profile, self.target.identities, DEFAULT)
                    return None
                for ref in self.token_request(grant).refs if grant else ():
                    self.value(ref)
            else:
                for ref in requests.credential(self.profile, kind).refs:
                    self.value(ref)
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
        """Return a valid token request, with a fresh refresh token or code if the grant takes one.

        ``own`` begins the placeholder names of those, so that two requests do not share one. With ``refresh_token``
        or ``callback`` that one is sent instead of a fresh one.
        """
        row = row_of(self.profile, grant)
        client, user = (row.client if client == DEFAULT else client), (row.user if user == DEFAULT else user)
        given: dict[str, Text | None] = {}
        spent = GRANTS[grant].spends
        if spent == "refresh_token":
            given["refresh_token"] = refresh_token or self.fresh_refresh_token(client=client, own=own)
        elif spent == "code":
            given = self._redeeming(callback or self.fresh_callback(client), client, own)
        draft = requests.token_request(self.profile, grant, client=client, user=user, own=own, given=given)
        return draft if spent is None else draft.as_control(_Anew(self, grant, client))

    def control_of(self, grant: GrantType, client: str = DEFAULT) -> Control:
        """Return the control of requests of a grant, made anew each time if it spends something."""
        client = row_of(self.profile, grant).client if client == DEFAULT else client
        draft = requests.token_request(self.profile, grant, client=client)
        return Control(draft, None if GRANTS[grant].spends is None else _Anew(self, grant, client))

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
            if not GRANTS[grant].stands_alone or not promises:
                continue
            if GRANTS[grant].needs_person and not self.target.has_browser:
                continue
            found = self.issue(grant, client=client, user=user).get("refresh_token")
            if isinstance(found, str):
                return self.keep(Ref(Role.REFRESH_TOKEN, client, own), found)
        raise OutOfReach("no grant that works without a person gives a refresh token")

    def _renewed(self, user: str) -> str:
        """Get an access token by the refresh token of a person, and keep the one that takes its place."""
        identities, (client, user) = self.target.identities, consent.login_of(self.profile, user)
        with identities.turn(client, user):
            stored = consent.refresh_token_of(self.profile, identities, user)
            spent = self.keep(Ref(Role.REFRESH_TOKEN, user, "LOGIN"), stored.reveal())
            draft = self.token_request("refresh_token", client=client, user=user, refresh_token=spent)
            members = self.issue("refresh_token", draft=draft)
            if isinstance(found := members.get("refresh_token"), str) and found != stored.reveal():
                identities.keep_refresh_token(Secret(found, spent.name), client, user)
        return str(members["access_token"])

    def renew_tokens(self, draft: Draft) -> bool:
        """Forget the issued tokens that a request carries; whether there were any."""
        return bool([self.known.pop(ref, None) for ref in draft.refs if ref.is_issued])

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
        for ref in [ref for ref in self.known if ref.is_issued]:
            del self.known[ref]

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
        return requests.authorization_request(self.profile, redirect_uri, proof or Proof.fresh(), client=client)

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

    def _redeeming(self, found: Callback, client: str, own: str) -> dict[str, Text | None]:
        code = self.keep(Ref(Role.CODE, client, own), found.code)
        verifier = None
        if found.verifier is not None:
            verifier = self.keep(Ref(Role.VERIFIER, client, own), found.verifier)
        return {"code": code, "redirect_uri": found.redirect_uri, "code_verifier": verifier}

    def _code_client(self, client: str) -> str:
        return row_of(self.profile, "authorization_code").client if client == DEFAULT else client

    # Credentials

    def keep(self, ref: Ref, value: str) -> Ref:
        """Keep a value under its reference, and learn it as a secret."""
        self.known[ref] = value
        self.redactor.learn(value, ref.name)
        return ref

    def value(self, ref: Ref) -> str:
        """Return the value behind a reference. Raises NotApplicable if there is none."""
        if ref not in self.known:
            try:
                value = self._resolve(ref)
            except CredentialError as reason:
                self.lacks_secret = self.lacks_secret or isinstance(reason, UnsetError)
                raise (OutOfReach if isinstance(reason, UnsetError) else NotApplicable)(str(reason)) from None
            self.keep(ref, value)
        return self.known[ref]

    def _resolve(self, ref: Ref) -> str:
        if ref.is_issued:
            grant = self.profile.usual_grant
            if grant is None:
                raise NotApplicable("the profile has no grant")
            if GRANTS[grant].needs_person and not self.target.has_browser:
                return self._renewed(ref.who)
            return str(self.issue(grant, user=ref.who)["access_token"])
        found = value_of(self.target.identities, ref)
        if found is None:
            remedy = "; give it in apiauth_credentials or [credentials]" if self.target.kind.is_app else ""
            raise NotApplicable(f"the profile has no {ref.name.lower().replace('_', ' ')}{remedy}")
        return found.reveal() if isinstance(found, Secret) else found

    def _learn(self, response: Response) -> None:
        body = response.json() if b"token" in response.body else None
        if isinstance(body, dict):
            self.tokens_issued += isinstance(body.get("access_token"), str)
            for member in ("access_token", "refresh_token", "id_token"):
                if isinstance(body.get(member), str):
                    self.redactor.learn(body[member], f"{self.profile.name}.{member}")
