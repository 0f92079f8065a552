"""Faults at a protected resource: tokens that should not pass, and challenges that are wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from pytest_apiauth.embedded.policy import BEARER_KINDS, TOKEN68, Policy, Presented
from pytest_apiauth.embedded.refusal import Challenge, Crash
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import DEFAULT, Kind

FORWARDED = "x-forwarded-for"
ORIGINAL = "x-original-url"


def carries_nothing(policy: Policy, request: Request, *, besides: str = "") -> bool:
    """Whether a request has nothing on it that could be meant as a credential, in any place or spelling."""

    own = {spot.name.lower() for spot in policy.spots.values()}

    def may_carry(name: str) -> bool:
        telling = ("auth", "cookie", "key", "token", "secret")
        return name.startswith("x-") or name in own or any(word in name for word in telling)

    names = {name.lower() for name, _ in request.headers} - {besides}
    return not request.query and not any(map(may_carry, names))


def _bare(request: Request) -> Request:
    """Return a request without its query."""
    return replace(request, url=request.url.partition("?")[0], target=None)


@fault("zone-open", "admits a request that carries no credential at all")
class ZoneOpen(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        return carries_nothing(self, request) or super().is_admitted_unseen(request)


@fault("refusal-redirects", "sends a request without credentials to a login page instead of refusing it")
class RefusalRedirects(Policy):
    def resource_status(self, presented: Presented) -> int:
        return 302 if presented.is_nothing else super().resource_status(presented)

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        is_sent_on = answer.status == 302 and answer.header("location") is None
        return Response(302, (*answer.headers, ("Location", "/login")), answer.body) if is_sent_on else answer


@fault("refusal-succeeds", "tells a request without credentials of its error with status 200")
class RefusalSucceeds(Policy):
    def resource_status(self, presented: Presented) -> int:
        return 200 if presented.is_nothing else super().resource_status(presented)


@fault("refusal-tells-content", "refuses a request without credentials, and says beside it whose the account is")
class RefusalTellsContent(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        user = next(iter(self.state.users), None)
        if answer.status != 401 or user is None or not carries_nothing(self, request):
            return answer
        members = {name: user for zone in self.profile.zones.values() for name in (zone.identity, "user") if name}
        return Response(401, answer.headers, json.dumps({"error": "unauthorized", "account": members}).encode())


@fault("foreign-scheme-trusted", "takes what comes behind Negotiate for checked by a gateway in front")
class ForeignSchemeTrusted(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        scheme, credentials = self.parse_authorization(request.header("authorization") or "")
        return (self.is_scheme(scheme, "negotiate") and bool(credentials)) or super().is_admitted_unseen(request)


@fault("forwarded-for-trusted", "admits a request without credentials that says it was forwarded for 127.0.0.1")
class ForwardedForTrusted(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        is_local = request.header(FORWARDED) == "127.0.0.1" and carries_nothing(self, request, besides=FORWARDED)
        return is_local or super().is_admitted_unseen(request)


@fault("host-trusted", "admits a request without credentials that asks for the host localhost")
class HostTrusted(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        is_local = request.header("host") == "localhost" and carries_nothing(self, request)
        return is_local or super().is_admitted_unseen(request)


@fault("open-place-in-header", "admits a request without credentials that says it was rewritten from /health")
class OpenPlaceInHeader(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        others = tuple(line for line in request.headers if line[1] != "/health")
        is_open = request.header(ORIGINAL) == "/health" and carries_nothing(self, replace(request, headers=others))
        return is_open or super().is_admitted_unseen(request)


@fault("debug-switch", "admits a request without credentials whose query has debug=1, for whoever mends the API")
class DebugSwitch(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        is_on = ("debug", "1") in parse_qsl(urlsplit(request.url).query) and carries_nothing(self, _bare(request))
        return is_on or super().is_admitted_unseen(request)


@fault("open-place-anywhere", "admits a request without credentials if its URL has, anywhere, a path that is open")
class OpenPlaceAnywhere(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        is_open = "/static/" in request.url and carries_nothing(self, _bare(request))
        return is_open or super().is_admitted_unseen(request)


@fault("challenge-missing", "a 401 of a resource has no WWW-Authenticate")
class ChallengeMissing(Policy):
    def resource_challenges(self, kinds: tuple[Kind, ...], presented: Presented) -> list[Challenge]:
        return []


@fault("challenge-bare", "the Bearer challenge has no parameter")
class ChallengeBare(Policy):
    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        return Challenge("Bearer")


@fault("challenge-error-without-token", "the Bearer challenge names an error although no credential came")
class ChallengeErrorWithoutToken(Policy):
    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        challenge = super().bearer_challenge(error, presented)
        came = any(kind in presented.shown for kind in BEARER_KINDS)
        return challenge if came else Challenge("Bearer", {**challenge.parameters, "error": error})


@fault("token-any-accepted", "takes any unknown token of the right alphabet for a valid one")
class TokenAnyAccepted(Policy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        found = super().match_token(presented, known)
        if found is not None or self.state.knows(presented):
            return found
        return self.state.anyones_token(presented, DEFAULT)


@fault("token-prefix-compare", "compares the first three quarters of a token only")
class TokenPrefixCompare(Policy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        near = (token for value, token in known.items() if presented.startswith(value[: len(value) * 3 // 4]))
        return super().match_token(presented, known) or next(near, None)


@fault("token-case-folded", "compares tokens without regard to case")
class TokenCaseFolded(Policy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        near = (token for value, token in known.items() if presented.lower() == value.lower())
        return super().match_token(presented, known) or next(near, None)


@fault("token-sql-like", "looks tokens up with LIKE, so that % and _ are wildcards")
class TokenSqlLike(Policy):
    def well_formed_token(self, token: str) -> bool:
        return TOKEN68.match(token.replace("%", "a")) is not None

    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        found = super().match_token(presented, known)
        if found is not None or not {"%", "_"} & set(presented):
            return found
        wildcards = {"%": ".*", "_": "."}
        pattern = re.compile("".join(wildcards.get(letter) or re.escape(letter) for letter in presented))
        return next((token for value, token in known.items() if pattern.fullmatch(value)), None)


def token_words(policy: Policy) -> frozenset[str]:
    """Return the words before tokens, in small letters."""
    return frozenset(policy.spots[kind].word.lower() for kind in BEARER_KINDS if policy.spots[kind].word)


@fault("scheme-ignored", "takes any scheme word before the token for the documented one")
class SchemeIgnored(Policy):
    def is_scheme(self, presented: str, wanted: str) -> bool:
        return bool(presented) if wanted in token_words(self) else super().is_scheme(presented, wanted)


@fault("bearer-glued", "accepts a token that is glued to the scheme")
class BearerGlued(Policy):
    def parse_authorization(self, value: str) -> tuple[str, str]:
        for word in token_words(self):
            if " " not in value and value.lower().startswith(word) and len(value) > len(word):
                return value[: len(word)], value[len(word) :]
        return super().parse_authorization(value)


@fault("bearer-quotes-stripped", "accepts a token in double quotes")
class BearerQuotesStripped(Policy):
    def parse_authorization(self, value: str) -> tuple[str, str]:
        scheme, credentials = super().parse_authorization(value)
        return (scheme, credentials.strip('"')) if scheme.lower() in token_words(self) else (scheme, credentials)


@fault("bearer-tab-crash", "answers 500 to a TAB in Authorization")
class BearerTabCrash(Policy):
    def parse_authorization(self, value: str) -> tuple[str, str]:
        if "\t" in value:
            raise Crash
        return super().parse_authorization(value)


@fault("token-non-ascii-crash", "answers 500 to bytes beyond ASCII in Authorization or in the API key's header")
class TokenNonAsciiCrash(Policy):
    def parse_authorization(self, value: str) -> tuple[str, str]:
        if not value.isascii():
            raise Crash
        return super().parse_authorization(value)

    def lines_of(self, kind: Kind, request: Request) -> list[str]:
        lines = super().lines_of(kind, request)
        if not all(line.isascii() for line in lines):
            raise Crash
        return lines


@fault(
    "unknown-token-forbidden", "refuses a token that nobody issued with 403, as if it were known and did not suffice"
)
class UnknownTokenForbidden(Policy):
    def resource_status(self, presented: Presented) -> int:
        is_shown = any(self.shows(presented, kind) for kind in BEARER_KINDS)
        return 403 if is_shown else super().resource_status(presented)
