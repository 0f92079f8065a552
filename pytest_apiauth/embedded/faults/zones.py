"""Faults in what a zone asks for, and of whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from pytest_apiauth.embedded.policy import Alternatives, Holder, Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, KeyRecord
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import DEFAULT, Kind, Zone

AUTHORIZATION_KINDS: frozenset[Kind] = frozenset({"bearer", "personal_access_token", "basic"})


@fault("open-zone-closed", "asks for a credential in a zone that is documented as open")
class OpenZoneClosed(Policy):
    def needs(self, zone: Zone) -> Alternatives:
        if zone.is_protected:
            return super().needs(zone)
        if self.profile.api_key is not None:
            return (("api_key",),)
        return next((each.needs for each in self.profile.zones.values() if each.is_protected), ())


@fault("surplus-credential-refused", "refuses a credential that the zone does not need")
class SurplusCredentialRefused(Policy):
    def screen_surplus(self, request: Request, kinds: frozenset[Kind]) -> None:
        key_is_surplus = any(self.lines_of(kind, request) for kind in self.keys if kind not in kinds)
        is_brought = any(self.lines_of(kind, request) for kind in AUTHORIZATION_KINDS)
        token_is_surplus = not kinds & AUTHORIZATION_KINDS and is_brought
        if key_is_surplus or token_is_surplus:
            raise Refusal(self.refusal_status(400), "invalid_request", "A credential is not needed.")
        super().screen_surplus(request, kinds)


@fault("surplus-invalid-refused", "refuses a bad credential in an open zone")
class SurplusInvalidRefused(Policy):
    def screen_surplus(self, request: Request, kinds: frozenset[Kind]) -> None:
        if not kinds:
            everything = frozenset(self.spots)
            presented = self.presented(request, everything)
            bad_keys = [kind for kind in self.keys if kind in presented.shown and not self.holder(kind, presented)]
            came = AUTHORIZATION_KINDS & presented.shown.keys()
            token_is_bad = came and not any(self.holder(kind, presented) for kind in came)
            if bad_keys or token_is_bad:
                challenges = self.resource_challenges(tuple(bad_keys) or ("bearer",), presented)
                raise Refusal(self.refusal_status(401), "invalid_credentials", challenges=challenges)
        super().screen_surplus(request, kinds)


@fault("any-credential-suffices", "admits a request with one of several credentials that are needed together")
class AnyCredentialSuffices(Policy):
    def need_is_met(self, alternatives: Alternatives, held: Mapping[Kind, Holder]) -> bool:
        return any(kind in held for alternative in alternatives for kind in alternative)


@fault("other-zones-needs-suffice", "admits a request to a zone with what another zone needs")
class OtherZonesNeedsSuffice(Policy):
    def needs(self, zone: Zone) -> Alternatives:
        own = super().needs(zone)
        others = (
            way for each in self.profile.zones.values() for way in super(OtherZonesNeedsSuffice, self).needs(each)
        )
        return (*own, *others) if own else own


@fault("slots-interchangeable", "takes a token in the API key's place for a key, and a key for a token")
class SlotsInterchangeable(Policy):
    def match_key(self, presented: str, known: Mapping[str, KeyRecord]) -> KeyRecord | None:
        found = super().match_key(presented, known)
        if found is None and any(presented in self.state.keys_of(kind) for kind in self.keys):
            return KeyRecord("another", presented)
        token = self.state.access.get(presented) or self.state.personal.get(presented)
        if found is None and token is not None and self.token_is_good(token):
            return KeyRecord("token", presented)
        return found

    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        found = super().match_token(presented, known)
        if found is None and presented in self.state.keys:
            return self.state.anyones_token(presented, DEFAULT)
        return found


@fault("zone-by-raw-path", "asks for the credentials of the path as it came, and serves the normalised one")
class ZoneByRawPath(Policy):
    def deciding_paths(self, raw: str, normal: str) -> tuple[str, ...]:
        return (raw,)


class IdentityTold(Policy):
    """Answers as somebody whom the request names, of those who have an account."""

    def named(self, request: Request) -> str | None:
        """Return who is named beside the credential: nobody, where nothing is looked at."""
        return None

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        named, members = self.named(request), answer.json()
        if answer.status != 200 or named not in self.state.users or not isinstance(members, dict):
            return answer
        told = {zone.identity for zone in self.profile.zones.values()} & members.keys()
        return replace(answer, body=json.dumps({**members, **dict.fromkeys(map(str, told), named)}).encode())


@fault("identity-from-query", "answers as the user whom the query names, whoever asks")
class IdentityFromQuery(IdentityTold):
    def named(self, request: Request) -> str | None:
        return dict(parse_qsl(urlsplit(request.url).query)).get("user_id")


@fault("identity-from-header", "answers as the user whom X-User-Id names, whoever asks")
class IdentityFromHeader(IdentityTold):
    def named(self, request: Request) -> str | None:
        return request.header("x-user-id")


@fault("identity-mixed", "lets every user's token act as the default user")
class IdentityMixed(Policy):
    def acting_user(self, user: str | None) -> str | None:
        return None if user is None else DEFAULT
