"""Why a request was refused: looked into when somebody asks, as a server without faults and variants would see it.

What was decided at the time is not asked again. What a record says of a token stays true: its end, and that it is dead.
So whoever asks after a test finds what was found then, and a test that nobody asks about pays nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.credentials.request_signing import RequestSigner
from pytest_apiauth.embedded.answering import OwnAnswers
from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.reading import cookie_pairs, query_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refused import Refused
from pytest_apiauth.embedded.resource import ResourceEndpoint, normalised
from pytest_apiauth.embedded.state import AccessToken, KeyRecord, State
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind, Profile

STEPS: Final = frozenset({"authorization_pending", "slow_down", "use_dpop_nonce"})
"""Errors that say what a client is to do next: no refusals."""
USUAL_NAMES: Final = frozenset({"apikey", "xapikey", "key", "token", "accesstoken", "xauthtoken", "xaccesstoken"})
"""What a header, a parameter or a cookie with a credential is often called, without its hyphens."""
AUTHORIZATION: Final = "authorization"


class Why(enum.Enum):
    """What a refusal is about."""

    ORIGIN = enum.auto()
    TARGET = enum.auto()
    PATH = enum.auto()
    METHOD = enum.auto()
    LACKING = enum.auto()
    CREDENTIAL = enum.auto()
    SCOPE = enum.auto()
    DENIED = enum.auto()
    REQUEST = enum.auto()
    ENDPOINT = enum.auto()


BY_STATUS: Final = {400: Why.TARGET, 404: Why.PATH, 421: Why.ORIGIN}
"""What a refusal is about that takes no look at what the request brings."""


class What(enum.Enum):
    """What stood where a credential was due."""

    EXPIRED = enum.auto()
    ENDED = enum.auto()
    REFRESH_TOKEN = enum.auto()
    OTHER_TOKEN = enum.auto()
    NO_TOKEN = enum.auto()
    UNKNOWN_TOKEN = enum.auto()
    UNFIT_TOKEN = enum.auto()
    OTHER_API = enum.auto()
    UNPROVED = enum.auto()
    UNKNOWN_KEY = enum.auto()
    WAS_GOOD = enum.auto()
    SIGN_FAILED = enum.auto()
    WRONG_SIGNATURE = enum.auto()
    USED_SIGNATURE = enum.auto()
    OLD_SIGNATURE = enum.auto()
    MALFORMED = enum.auto()
    UNKNOWN_USER = enum.auto()
    ENDED_USER = enum.auto()
    WRONG_PASSWORD = enum.auto()
    UNKNOWN_CLIENT = enum.auto()
    WRONG_SECRET = enum.auto()
    NOTHING = enum.auto()


@dataclass(frozen=True, slots=True)
class Found:
    """What stood in one place, by its name; no value of the request is in here."""

    kind: Kind
    place: str
    what: What
    detail: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Reason:
    """Why one request was refused."""

    why: Why
    request: Request
    status: int
    zone: str = ""
    """The zone that its path lies in."""
    places: tuple[str, ...] = ()
    """Where what is lacking would be."""
    elsewhere: str = ""
    """Where something came that may be it, and how."""
    found: tuple[Found, ...] = ()
    allowed: str = ""
    """The methods that there are."""
    scope: tuple[str, str] = ("", "")
    """That of the token, and that of the zone."""
    error: str = ""
    description: str = ""


class Reasons:
    """Finds out why requests were refused; without ``is_sound`` only what no fault can be the reason of."""

    def __init__(self, profile: Profile, state: State, *, is_sound: bool) -> None:
        self._profile = profile
        self._state = state
        self._is_sound = is_sound
        self._policy = Policy(profile, state)
        self._resources = ResourceEndpoint(profile, state, self._policy, OwnAnswers(state.clock))

    def of(self, refused: Refused, *, is_of_api: bool) -> Reason | None:
        """Return why a request was refused; None if no reason is found.

        ``is_of_api`` tells whether it came to the API, and not to an endpoint.
        """
        request, status = refused.request, refused.status
        if refused.allowed:
            return self._of_method(refused, is_of_api)
        if not refused.error:
            why = BY_STATUS.get(status)
            is_there = why is Why.PATH and is_of_api and self._zone(request)
            return None if why is None or is_there else Reason(why, request, status)
        if refused.error in STEPS:
            return None
        if is_of_api:
            return self._of_resource(refused)
        return self._told(Why.ENDPOINT, refused, tuple(self._bad_sender(request, refused.error)))

    def _zone(self, request: Request) -> str:
        zone = self._profile.zone_at(normalised(path_of(request)))
        return next((name for name, each in self._profile.zones.items() if each is zone), "")

    def _of_method(self, refused: Refused, is_of_api: bool) -> Reason | None:
        request, zone = refused.request, self._zone(refused.request) if is_of_api else ""
        has_method = zone and request.method in self._policy.allowed_methods(self._profile.zones[zone])
        if has_method or not (zone or self._is_sound):
            return None
        return Reason(Why.METHOD, request, refused.status, zone=zone, allowed=refused.allowed)

    def _of_resource(self, refused: Refused) -> Reason | None:
        request, status, zone = refused.request, refused.status, self._zone(refused.request)
        lacking = self._resources.lacking(request, path_of(request))
        if lacking:
            # A browser asks by OPTIONS whether it may send a credential, and sends none with that.
            if request.method == "OPTIONS":
                return None
            places = tuple(self._policy.spots[kind].shown for kind in lacking)
            return Reason(Why.LACKING, request, status, zone, places, self._elsewhere(request, lacking))
        try:
            presented = self._policy.presented(request, self._resources.kinds(path_of(request)))
        except Refusal:
            return self._told(Why.REQUEST, refused)
        found = [self._bad(kind, presented, refused.at) for kind in presented.shown]
        bad = tuple(each for each in found if each is not None)
        if bad:
            return Reason(Why.CREDENTIAL, request, status, zone, found=bad)
        token = self._token_in(presented)
        if token is not None and zone and not self._policy.has_scope(token, self._profile.zones[zone]):
            return Reason(Why.SCOPE, request, status, zone, scope=(token.scope, self._profile.zones[zone].scope or ""))
        if refused.error == "forbidden" and self._is_sound:
            return Reason(Why.DENIED, request, status, zone)
        return self._told(Why.REQUEST, refused)

    def _told(self, why: Why, refused: Refused, found: tuple[Found, ...] = ()) -> Reason | None:
        """Return the reason that the decision itself has, unless a fault may have taken it."""
        if not self._is_sound:
            return None
        return Reason(
            why, refused.request, refused.status, found=found, error=refused.error, description=refused.description
        )

    # A credential of a resource

    def _token_in(self, presented: Presented) -> AccessToken | None:
        shown = presented.shown.get("bearer")
        return None if shown is None else self._state.access.get(shown.text)

    def _bad(self, kind: Kind, presented: Presented, at: float) -> Found | None:
        """Return what is wrong with what came as one kind of credential; None if nothing is, or none came."""
        policy = self._policy
        if not policy.shows(presented, kind):
            return None
        text = presented.shown[kind].text
        what: What | None
        if presented.shown[kind].is_broken:
            what, detail = What.MALFORMED, ""
        elif policy.is_signing(kind):
            what, detail = self._of_signature(kind, presented, at)
        elif kind in policy.keys:
            what, detail = self._of_key(kind, text), ""
        elif kind == "basic":
            what, detail = self._of_basic(text), ""
        else:
            what, detail = self._of_token(kind, presented, at)
        return None if what is None else Found(kind, policy.spots[kind].shown, what, detail)

    def _of_key(self, kind: Kind, text: str) -> What | None:
        if text in self._state.keys_of(kind):
            return None
        return What.WAS_GOOD if self._was_good(text) else What.UNKNOWN_KEY

    def _was_good(self, text: str) -> bool:
        return any(text in values for values in self._state.ended.values())

    def _of_token(self, kind: Kind, presented: Presented, at: float) -> tuple[What | None, str]:
        state, text = self._state, presented.shown[kind].text
        own, other = (state.access, state.personal) if kind == "bearer" else (state.personal, state.access)
        token = own.get(text)
        if token is None:
            return self._of_no_token(text, text in other), ""
        if text in state.unfit.values():
            return What.UNFIT_TOKEN, ""
        if token.expires_at <= at:
            return What.EXPIRED, f"{at - token.expires_at:.0f}"
        if token.dead:
            return What.ENDED, ""
        if not self._policy.is_for_this_api(token):
            return What.OTHER_API, ""
        if kind == "bearer" and not self._policy.is_of_its_sender(token, presented):
            return What.UNPROVED, ""
        return None, ""

    def _of_no_token(self, text: str, is_other: bool) -> What:
        if is_other:
            return What.OTHER_TOKEN
        if text in self._state.refresh:
            return What.REFRESH_TOKEN
        if self._was_good(text):
            return What.WAS_GOOD
        return What.UNKNOWN_TOKEN if self._policy.well_formed_token(text) else What.NO_TOKEN

    def _of_basic(self, text: str) -> What | None:
        try:
            name, password = self._policy.split_basic(self._policy.decode_base64(text))
        except Refusal:
            return What.MALFORMED
        if self._state.users:
            return self._of_user(name, password)
        client = self._state.clients.get(name)
        if client is None:
            return What.UNKNOWN_CLIENT
        return None if self._policy.client_passes(client, password) else What.WRONG_SECRET

    def _of_user(self, name: str, password: str) -> What | None:
        if name in self._state.ended_users:
            return What.ENDED_USER
        user = self._state.users.get(name)
        if user is None:
            return What.UNKNOWN_USER
        return None if self._policy.same_password(password, user.password) else What.WRONG_PASSWORD

    def _of_signature(self, kind: Kind, presented: Presented, at: float) -> tuple[What | None, str]:
        table, text, request = self._profile.schemes[kind], presented.shown[kind].text, presented.request
        keys = list(self._state.keys_of(kind).values())
        if request is None or not keys:
            return What.WRONG_SIGNATURE, ""
        try:
            if not any(self._has_signed(kind, request, key, text) for key in keys):
                return What.WRONG_SIGNATURE, ""
        except ProfileError as error:
            return What.SIGN_FAILED, str(error).removeprefix(f"{self._profile.name}: ")
        came = self._state.signatures.get(text)
        if came is None:
            return None, ""
        if table.once:
            return What.USED_SIGNATURE, ""
        return (What.OLD_SIGNATURE, "") if table.lifetime is not None and came + table.lifetime <= at else (None, "")

    def _has_signed(self, kind: Kind, request: Request, key: KeyRecord, text: str) -> bool:
        """Whether a key has signed a request. Raises ProfileError if the function that tells does not work."""
        signer = RequestSigner.of(self._profile, kind)
        return signer.signature(signer.made(request, key.value)) == text

    # What came elsewhere

    def _elsewhere(self, request: Request, lacking: tuple[Kind, ...]) -> str:
        """Say where something stands that may be what is lacking: by its name, never by its value."""
        spots = [self._policy.spots[kind] for kind in lacking]
        for each in spots:
            if each.word and each.values(request):
                return f"its {each.name} has no {each.word} in front"
        taken = {(each.where, each.name.lower()) for each in self._policy.spots.values()}
        places: Iterator[tuple[str, str, str]] = (
            (where, name, text)
            for where, pairs in (
                ("header", request.headers),
                ("parameter", query_pairs(request)),
                ("cookie", cookie_pairs(request)),
            )
            for name, text in pairs
        )
        asked = {_bare(each.name) for each in spots}
        for where, name, text in places:
            spot = "query" if where == "parameter" else where
            if (spot, name.lower()) in taken or name.lower() in (AUTHORIZATION, "cookie"):
                continue
            if _bare(name) in asked | USUAL_NAMES or self._state.knows(text.rpartition(" ")[2]):
                return f"it has the {where} {name}"
        due = (self._policy.spots[kind].name.lower() for kind in self._resources.kinds(path_of(request)))
        is_idle = request.header(AUTHORIZATION) is not None and AUTHORIZATION not in due
        return "it has an Authorization" if is_idle else ""

    # Who asks at an endpoint

    def _bad_sender(self, request: Request, error: str) -> Iterator[Found]:
        """Yield what is wrong with the client or the user that a request names."""
        policy = self._policy
        try:
            keys = [*self._bad_keys(request)]
            if keys:
                yield from keys
                return
            parameters = policy.parameters(request)
            if error == "invalid_client":
                yield from self._bad_client(*policy.client_credentials(request, parameters))
        except Refusal:
            return
        if error == "invalid_grant" and "username" in parameters:
            what = self._of_user(parameters["username"], parameters.get("password", ""))
            if what is not None:
                yield Found("basic", "username", what)

    def _bad_keys(self, request: Request) -> Iterator[Found]:
        """Yield what is wrong with the keys that the endpoint itself needs."""
        policy, needed = self._policy, self._policy.token_route_keys()
        presented = policy.presented(request, frozenset(needed))
        for kind in needed:
            found = self._bad(kind, presented, self._state.clock.now())
            if not policy.shows(presented, kind):
                found = Found(kind, policy.spots[kind].shown, What.NOTHING)
            if found is not None:
                yield found

    def _bad_client(self, client_id: str | None, secret: str | None) -> Iterator[Found]:
        if client_id is None:
            return
        client = self._policy.find_client(client_id)
        if client is None:
            yield Found("basic", "client_id", What.UNKNOWN_CLIENT)
        elif secret is not None and not self._policy.client_passes(client, secret):
            yield Found("basic", "client_secret", What.WRONG_SECRET)


def path_of(request: Request) -> str:
    """Return the path of a request, whose target may be a whole URL (RFC 9112 3.2.2)."""
    try:
        path = request.path
        return path if path.startswith("/") else urlsplit(path).path or "/"
    except ValueError:
        return "/"  # of a URL that is none


def _bare(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
