"""Every decision of the server, each a small method, so that a fault or a variant overrides one or two.

Theory of operation. `ResourceEndpoint`, `TokenEndpoint` and `AuthorizationEndpoint` know the order of the
steps; what a step decides is here (decisions about a protected resource), in `TokenPolicy` (decisions at
the token endpoint) or in `AuthorizationPolicy` (decisions at the authorization endpoint, and on its codes).
A decision reads the state and answers, or raises `Refusal`; it does not change the state.
A fault is a subclass that overrides methods; the server composes the chosen ones in front of `Policy`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_apiauth.embedded import cors
from pytest_apiauth.embedded.assertion_policy import AssertionPolicy
from pytest_apiauth.embedded.authorization_policy import AuthorizationPolicy
from pytest_apiauth.embedded.certificate_policy import CertificatePolicy
from pytest_apiauth.embedded.device_policy import DevicePolicy
from pytest_apiauth.embedded.exchange_policy import ExchangePolicy
from pytest_apiauth.embedded.login_policy import LoginPolicy
from pytest_apiauth.embedded.metadata_policy import MetadataPolicy
from pytest_apiauth.embedded.possession_policy import PROOF_ALGORITHMS, PossessionPolicy
from pytest_apiauth.embedded.pushed_policy import PushedPolicy
from pytest_apiauth.embedded.refresh_policy import RefreshPolicy
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.refusal_policy import JSON
from pytest_apiauth.embedded.signature_policy import SignaturePolicy
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, KeyRecord, UserRecord
from pytest_apiauth.embedded.target_policy import TargetPolicy
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Kind, Zone

TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z", re.ASCII)
"""``b64token`` of RFC 6750 2.1, which is ``token68`` of RFC 9110 11.2."""
BEARER_KINDS: Final[frozenset[Kind]] = frozenset({"bearer", "personal_access_token"})
Alternatives = tuple[tuple[Kind, ...], ...]
Holder = KeyRecord | AccessToken | UserRecord | ClientRecord
"""Who or what a valid credential stands for."""


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """What stands in the place of a credential: the word before it, if its place has one, and the rest."""

    word: str
    text: str
    is_broken: bool = False
    """Whether it should be one half of a pair of HTTP Basic, and is none."""


@dataclass(frozen=True, slots=True, repr=False)
class Presented:
    """The credentials that a request brings to the places where the profile has them travel, by their kinds.

    What stands in a place that several kinds share is there for each of them.
    """

    shown: Mapping[Kind, Shown] = field(default_factory=dict)
    request: Request | None = None
    """The request itself, for what is signed of it."""

    @property
    def is_nothing(self) -> bool:
        """Whether the request brings no credential at all."""
        return not self.shown

    def having(self, kinds: Iterable[Kind], what: Shown) -> Presented:
        """Return the same with something in the places of some kinds."""
        return replace(self, shown={**self.shown, **dict.fromkeys(kinds, what)})


class Policy(
    AuthorizationPolicy,
    PushedPolicy,
    DevicePolicy,
    ExchangePolicy,
    RefreshPolicy,
    LoginPolicy,
    AssertionPolicy,
    SignaturePolicy,
    PossessionPolicy,
    CertificatePolicy,
    TargetPolicy,
    MetadataPolicy,
):
    """The decisions of a server that keeps its profile's promise."""

    http_version = "HTTP/1.1"
    """The version of HTTP that answers on a socket begin with."""
    serves_plain_http = False
    """Whether the API answers over plain HTTP as well."""

    # What a request brings.

    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        """Read the credentials that a zone asks for; what it does not ask for is not even read."""
        found = {}
        for kind in sorted(kinds):
            value = self.choose_line(self.lines_of(kind, request))
            # A word has to come with something behind it; an empty value alone is something that was sent.
            if value is not None and (value or not self.spots[kind].word):
                word, text = self.parse_authorization(value) if self.spots[kind].word else ("", value)
                found[kind] = self.half_of_pair(kind, Shown(word, text))
        return Presented(found, request)

    def half_of_pair(self, kind: Kind, shown: Shown) -> Shown:
        """Return the half of a pair of HTTP Basic that counts, if the profile has one travel so (RFC 7617 2)."""
        half = self.spots[kind].half
        if not half:
            return shown
        try:
            name, password = self.split_basic(self.decode_base64(shown.text))
        except Refusal:
            return replace(shown, is_broken=True)
        return replace(shown, text=name if half == "name" else password)

    def lines_of(self, kind: Kind, request: Request) -> list[str]:
        """Return every value that stands where a kind of credential travels."""
        return self.spots[kind].values(request) if kind in self.spots else []

    def shows(self, presented: Presented, kind: Kind) -> bool:
        """Whether something came as a kind of credential does: in its place, behind its word if it has one."""
        shown, wanted = presented.shown.get(kind), self.spots[kind].word.lower()
        return shown is not None and (not wanted or self.is_scheme(shown.word, wanted))

    def as_token(self, text: str, kind: Kind) -> Shown:
        """Return a token as it would stand in its place."""
        return Shown(self.spots[kind].word, text)

    # Which credential is good.

    def holder(self, kind: Kind, presented: Presented) -> Holder | None:
        """Return whom a presented credential of one kind stands for; None if it is absent or bad."""
        if not self.shows(presented, kind):
            return None
        shown = presented.shown[kind]
        if shown.is_broken:
            return None
        if self.is_signing(kind):
            return None if presented.request is None else self.signing_key(kind, presented.request, shown.text)
        if kind in self.keys:
            return self.match_key(shown.text, self.state.keys_of(kind))
        if kind == "basic":
            return self.basic_holder(shown.text)
        if not self.well_formed_token(shown.text):
            return None
        known = self.state.access if kind == "bearer" else self.state.personal
        token = self.match_token(shown.text, known)
        if token is None or not self.token_is_good(token) or not self.is_for_this_api(token):
            return None
        return token if kind != "bearer" or self.is_of_its_sender(token, presented) else None

    def is_of_its_sender(self, token: AccessToken, presented: Presented) -> bool:
        """Whether a token comes from whoever has the key or the certificate that it is bound to, if it is."""
        if self.binds_to_certificates():
            return presented.request is not None and self.is_certified(token, presented.request)
        return not self.binds() or self.is_proved(token, presented)

    def is_proved(self, token: AccessToken, presented: Presented) -> bool:
        """Whether a request proves that it has the key that its token is bound to (RFC 9449 7.1)."""
        assert presented.request is not None
        jwk = self.key_proved(presented.request, presented.shown["bearer"].text)
        return jwk is not None and self.is_possessed(token, jwk)

    def match_key(self, presented: str, known: Mapping[str, KeyRecord]) -> KeyRecord | None:
        """Find an API key: every character counts."""
        return known.get(presented)

    def well_formed_token(self, token: str) -> bool:
        """Whether a bearer token is of the syntax of RFC 6750 2.1."""
        return TOKEN68.match(token) is not None

    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        """Find an access token: every character counts."""
        return known.get(presented)

    def token_is_good(self, token: AccessToken) -> bool:
        """Whether a token that was issued is still neither expired nor revoked."""
        return not token.dead and self.state.clock.now() < token.expires_at

    def basic_holder(self, credentials: str) -> UserRecord | ClientRecord | None:
        """Check HTTP Basic of a resource (RFC 7617 2): a user if the profile has users, else a client."""
        try:
            name, password = self.split_basic(self.decode_base64(credentials))
        except Refusal:
            return None
        if self.state.users:
            user = self.basic_user(name, password)
            return user if user is not None and self.same_basic_password(password, user.password) else None
        client = self.state.clients.get(name)
        return client if client is not None and self.client_passes(client, password) else None

    def basic_user(self, name: str, password: str) -> UserRecord | None:
        """Find the user that Basic credentials name, whatever the password."""
        return self.state.users.get(name)

    def same_basic_password(self, presented: str, known: str) -> bool:
        """Compare the password of a user at a resource: every character counts."""
        return self.same_secret(presented, known)

    # Who may go where.

    def needs(self, zone: Zone) -> Alternatives:
        """Return the credentials that a zone needs, in alternatives."""
        return zone.needs if zone.is_protected else ()

    def deciding_paths(self, raw: str, normal: str) -> tuple[str, ...]:
        """Return the paths whose zones must all be satisfied.

        The route is that of the normalised path, so its zone decides; the raw path's zone counts as well, which
        costs an honest client nothing.
        """
        return (normal, raw)

    def screen(self, request: Request) -> None:
        """Look at a request before anything else; refuse nothing, since unknown header fields do no harm."""

    def answer_early(self, request: Request) -> Response | None:
        """Answer a request before any credential is looked at: a browser's preflight question, and nothing else."""
        return cors.preflight(self.profile, request)

    def revise(self, request: Request, response: Response) -> Response:
        """Change an answer on its way out; a server that keeps its promise tells permitted origins, no more."""
        return cors.permitted(self.profile, request, response)

    def packed(self, request: Request, response: Response) -> Response:
        """Pack an answer for its way, after all else is decided about it; nothing is packed."""
        return response

    def knows_route(self, zone: Zone, place: str) -> bool:
        """Whether a zone has a route at a path; anybody learns if none is."""
        return True

    def looks_at_method_first(self) -> bool:
        """Whether a method that a route does not have is refused before credentials are looked at."""
        return False

    def allowed_methods(self, zone: Zone) -> tuple[str, ...]:
        """Return the methods that a zone's routes have."""
        return ("GET", "HEAD", *zone.methods)

    def screen_surplus(self, request: Request, kinds: frozenset[Kind]) -> None:
        """Look at credentials that a zone does not ask for; they cause no error."""

    def is_admitted_unseen(self, request: Request) -> bool:
        """Whether a request may pass a protected zone without its credentials being looked at."""
        return False

    def need_is_met(self, alternatives: Alternatives, held: Mapping[Kind, Holder]) -> bool:
        """Whether the good credentials include every one of some alternative."""
        return any(all(kind in held for kind in alternative) for alternative in alternatives)

    def has_scope(self, token: AccessToken, zone: Zone) -> bool:
        """Whether a token's scope has every word of the one that a zone documents (RFC 6750 3.1)."""
        return set((zone.scope or "").split()) <= set(token.scope.split())

    def may_see(self, key: KeyRecord, path: str) -> bool:
        """Whether a key reaches a path of the API (a key may be made for one workspace)."""
        return not _lies_in(path, key.denied)

    def may_reach(self, client: ClientRecord, path: str) -> bool:
        """Whether a client's tokens reach a path of the API (a client may be made for one workspace)."""
        return not _lies_in(path, client.denied)

    def acting_user(self, user: str | None) -> str | None:
        """Return the name of the user that a token acts as."""
        return user

    # How a refusal reads.

    def resource_challenges(self, kinds: tuple[Kind, ...], presented: Presented) -> list[Challenge]:
        """Return a challenge for each kind of credential that is lacking (RFC 9110 11.6.1, RFC 6750 3)."""
        challenges: dict[str, Challenge] = {}
        for kind in kinds:
            if kind in self.keys:
                challenge = self.key_challenge(kind)
                challenges[challenge.scheme] = challenge
            elif kind == "basic":
                challenges["Basic"] = self.basic_challenge()
            else:
                challenge = self.token_challenge(kind, presented)
                challenges[challenge.scheme] = challenge
        return list(challenges.values())

    def token_challenge(self, kind: Kind, presented: Presented) -> Challenge:
        """Return a challenge for a token: the word that it goes with in Authorization, or else Bearer."""
        scheme = self.spots[kind].scheme
        if scheme == "DPoP":
            # What went wrong is told only if a token came (RFC 9449 7.1).
            told = {"error": "invalid_token"} if self.shows(presented, kind) else {}
            return Challenge(scheme, {"realm": self.realm, **told, "algs": PROOF_ALGORITHMS})
        if scheme.lower() not in ("", "bearer"):
            return Challenge(scheme, {"realm": self.realm})
        return self.bearer_challenge("invalid_token", presented)

    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        """Return a Bearer challenge; it names an error only if a token came (RFC 6750 3.1)."""
        parameters = {"realm": self.realm}
        if any(self.shows(presented, kind) for kind in BEARER_KINDS):
            parameters["error"] = error
        return Challenge("Bearer", parameters)

    def key_challenge(self, kind: Kind) -> Challenge:
        """Return the challenge for a lacking key: that of HTTP Basic if it is one half of a pair."""
        return self.basic_challenge() if self.spots[kind].half else Challenge("ApiKey", {"realm": self.realm})

    def key_challenges(self) -> list[Challenge]:
        """Return the challenges for lacking keys at the token endpoint."""
        return list({each.scheme: each for each in map(self.key_challenge, self.token_route_keys())}.values())

    def scope_refusal(self, zone: Zone) -> Refusal:
        """Refuse a good token whose scope does not suffice, and say which one does (RFC 6750 3.1)."""
        found = self.token_challenge("bearer", Presented())
        told = {"error": "insufficient_scope", "scope": zone.scope or ""} if found.scheme == "Bearer" else {}
        challenges = [Challenge(found.scheme, {**found.parameters, **told})]
        return Refusal(self.refusal_status(403), "insufficient_scope", challenges=challenges)

    def refusal_content(self, error: str) -> tuple[str, bytes]:
        """Return the media type and the body of a refusal at a resource."""
        return JSON, json.dumps({"error": error}).encode()

    def resource_status(self, presented: Presented) -> int:
        """Return the status for credentials that are absent, as documented, or do not suffice (RFC 9110 15.5.2)."""
        return (presented.is_nothing and self.profile.unauthenticated) or self.refusal_status(401)

    def resource_error(self, presented: Presented) -> str:
        """Return the error code that the body of a refusal names."""
        return "unauthorized" if presented.is_nothing else "invalid_credentials"


def _lies_in(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(place.rstrip("/") + "/") for place in places)
