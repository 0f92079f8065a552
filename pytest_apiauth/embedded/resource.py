"""Protected resources: which zone a path lies in, whether the request may enter it, and what it then sees.

Theory of operation. A path is normalised the way a careless proxy might do it (percent-decoding, dot
segments, doubled and backward slashes), and the credentials of the zone it *then* lies in are asked for. The
answers to valid requests are made once and shared: they depend on route and user alone, and so a valid request
is answered alike every time. A test may have asked for answers of its own: those are given in their place, of any
method, to whoever may enter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

from pytest_apiauth.embedded.answering import Match, OwnAnswers
from pytest_apiauth.embedded.policy import Alternatives, Holder, Policy, Presented
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.state import AccessToken, KeyRecord, State, UserRecord
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Kind, Profile, Zone

JSON_TYPE: Final = ("Content-Type", "application/json")
USER_MEMBERS: Final = frozenset({"user", "username", "name", "login", "email"})


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Where a path leads."""

    zone_name: str
    zone: Zone
    place: str
    """The normalised path, relative to the API's base path."""
    needs: tuple[Alternatives, ...]
    """What each deciding zone needs; all of these must be met."""
    kinds: frozenset[Kind]


class ResourceEndpoint:
    """Answers requests to the routes of the profile's zones."""

    def __init__(self, profile: Profile, state: State, policy: Policy, own: OwnAnswers) -> None:
        self._profile = profile
        self._own = own
        self._state = state
        self._policy = policy
        self._base = urlsplit(profile.base_url).path.rstrip("/")
        self._route = lru_cache(maxsize=4096)(self._find_route)
        self._payload = lru_cache(maxsize=4096)(self._make_payload)

    def answer(self, request: Request, path: str, own: Sequence[Match] = ()) -> Response:
        """Answer a request to a path of the API; with one of the test's ``own`` answers, if it may enter."""
        route = self._route(path)
        if route is None or not self._policy.knows_route(route.zone, route.place):
            # Where no zone is, nothing is promised, and so nothing is asked for.
            given = self._own.taken(own, request) if own and route is None else None
            return given or self._nothing_there(request)
        allowed = self._policy.allowed_methods(route.zone)
        is_offered = request.method in allowed
        try:
            is_looked_at = is_offered or own or not self._policy.looks_at_method_first()
            user = self._enter(request, route) if is_looked_at else None
        except Refusal as refusal:
            return self._refused(refusal, request, route)
        given = self._own.taken(own, request) if own else None
        if given is not None:
            return given
        if not is_offered:
            self._state.note(request, 405, allowed=" and ".join(allowed))
            return Response(405, (("Allow", ", ".join(allowed)), JSON_TYPE), b'{"error": "method_not_allowed"}')
        return self._payload(route.zone_name, route.place, user)

    def refusal(self, request: Request, path: str, asked: Response) -> Response:
        """Refuse a request whatever it brings, with the status, the header fields and the body of an answer."""
        route = self._route(path)
        kinds: frozenset[Kind] = (route.kinds if route else None) or frozenset({"bearer"})
        lines = self._policy.challenge_lines(self._challenges(request, kinds)) if asked.status == 401 else ()
        if asked.body or asked.header("content-type") is not None:
            return Response(asked.status, (*lines, *asked.headers), asked.body)
        media_type, body = self._policy.refusal_content("refused")
        return Response(asked.status, (("Content-Type", media_type), *lines, *asked.headers), body)

    def kinds(self, path: str) -> frozenset[Kind]:
        """Return the kinds of credentials that are looked at on a path."""
        route = self._route(path)
        return route.kinds if route else frozenset()

    def lacking(self, request: Request, path: str) -> tuple[Kind, ...]:
        """Return the kinds of credentials that a request to a path has to bring, and has no sign of."""
        route = self._route(path)
        try:
            presented = self._policy.presented(request, route.kinds if route else frozenset())
        except Refusal:
            return ()
        for alternatives in route.needs if route else ():
            ways = [[kind for kind in way if not self._policy.shows(presented, kind)] for way in alternatives]
            if all(ways):
                fewest = min(ways, key=len)
                return tuple(fewest)
        return ()

    def _nothing_there(self, request: Request) -> Response:
        self._state.note(request, 404)
        return Response(404, (JSON_TYPE,), b'{"error": "not_found"}')

    def _refused(self, refusal: Refusal, request: Request, route: Route) -> Response:
        self._state.note(request, refusal.status, refusal)
        challenges = refusal.challenges
        if refusal.status == 401 and not challenges:
            challenges = self._policy.resource_challenges(tuple(sorted(route.kinds)), Presented())
        media_type, body = self._policy.refusal_content(refusal.error)
        lines = (("Content-Type", media_type), *self._policy.challenge_lines(challenges))
        return Response(refusal.status, lines, body)

    def _challenges(self, request: Request, kinds: frozenset[Kind]) -> list[Challenge]:
        try:
            presented = self._policy.presented(request, kinds)
        except Refusal:
            presented = Presented()
        return self._policy.resource_challenges(tuple(sorted(kinds)), presented)

    def _enter(self, request: Request, route: Route) -> str | None:
        """Check that a request may enter, and return the user it acts as."""
        policy = self._policy
        policy.screen_surplus(request, route.kinds)
        if not route.needs or policy.is_admitted_unseen(request):
            return None
        presented = policy.presented(request, route.kinds)
        held: dict[Kind, Holder] = {}
        for kind in route.kinds:
            holder = policy.holder(kind, presented)
            if holder is not None:
                held[kind] = holder
        for alternatives in route.needs:
            if not policy.need_is_met(alternatives, held):
                lacking = tuple(dict.fromkeys(kind for row in alternatives for kind in row if kind not in held))
                raise Refusal(
                    policy.resource_status(presented),
                    policy.resource_error(presented),
                    challenges=policy.resource_challenges(lacking, presented),
                )
        for kind in filter(policy.is_signing, held):
            self._state.signatures.setdefault(presented.shown[kind].text, self._state.clock.now())
        if policy.binds() and "bearer" in held and (proof := policy.proof_of(request)) is not None:
            self._state.proofs.add(str(proof.claims.get("jti")))
        self._check_scope(route, held)
        if not all(self._reaches(holder, route.place) for holder in held.values()):
            raise Refusal(policy.refusal_status(403), "forbidden")
        return self._user(held)

    def _reaches(self, holder: Holder, place: str) -> bool:
        """Whether a key, or a token of a client, is good for a path."""
        if isinstance(holder, KeyRecord):
            return self._policy.may_see(holder, place)
        client = self._state.client_named(holder.client or "") if isinstance(holder, AccessToken) else None
        return client is None or self._policy.may_reach(client, place)

    def _check_scope(self, route: Route, held: Mapping[Kind, Holder]) -> None:
        """Refuse an issued token whose scope does not suffice, unless what came beside it opens the zone by itself."""
        token, policy = held.get("bearer"), self._policy
        if not isinstance(token, AccessToken) or policy.has_scope(token, route.zone):
            return
        others = {kind: holder for kind, holder in held.items() if kind != "bearer"}
        if not all(policy.need_is_met(alternatives, others) for alternatives in route.needs):
            raise policy.scope_refusal(route.zone)

    def _user(self, held: Mapping[Kind, Holder]) -> str | None:
        for holder in held.values():
            if isinstance(holder, AccessToken):
                return self._policy.acting_user(holder.user)
            if isinstance(holder, UserRecord):
                return holder.name
        return None

    def _find_route(self, path: str) -> Route | None:
        normal = normalised(path)
        found = self._zone_at(normal)
        if found is None:
            return None
        deciding = [self._zone_at(each) for each in self._policy.deciding_paths(path, normal)]
        zones = {zone.path: zone for _, zone in filter(None, deciding)}
        needs = tuple(need for need in map(self._policy.needs, zones.values()) if need)
        kinds = frozenset(kind for alternatives in needs for row in alternatives for kind in row)
        return Route(*found, normal[len(self._base) :], needs, kinds)

    def _zone_at(self, path: str) -> tuple[str, Zone] | None:
        zone = self._profile.zone_at(path)
        return next(((name, each) for name, each in self._profile.zones.items() if each is zone), None)

    def _make_payload(self, zone_name: str, place: str, user: str | None) -> Response:
        zone = self._profile.zones[zone_name]
        record = self._state.user_named(user)
        name = record.username if record else user
        if place in zone.probe and (zone.example or zone.members):
            body = _documented(zone, name)
        else:
            body = {"zone": zone_name}
            if name is not None:
                body["user"] = name
        content = json.dumps(body).encode()
        return Response(200, (JSON_TYPE, ("Cache-Control", "private")), content)


def normalised(path: str) -> str:
    """Return the path that a careless proxy or framework might make of this one."""
    if "%" not in path and "\\" not in path and "//" not in path and "/." not in path:
        return path
    segments: list[str] = []
    pieces = unquote(path, "latin-1").replace("\\", "/").split("/")
    for piece in pieces:
        if piece == "..":
            segments = segments[:-1]
        elif piece not in ("", "."):
            segments.append(piece)
    slash = "/" if pieces[-1] in ("", ".", "..") and segments else ""
    return "/" + "/".join(segments) + slash


def _documented(zone: Zone, user: str | None) -> dict[str, object]:
    """Return the documented example if there is one, else the documented members with values made up."""
    if zone.example:
        return {**zone.example, zone.identity: user} if zone.identity and user is not None else dict(zone.example)
    body: dict[str, object] = {}
    for member in zone.members:
        body[member] = user if member in USER_MEMBERS else 0 if member in ("total", "count") else []
    if user is not None and not USER_MEMBERS & body.keys():
        body["user"] = user
    return body
