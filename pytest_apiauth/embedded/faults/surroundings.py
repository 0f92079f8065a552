"""Faults around a resource: methods, spellings of paths, caches, cookies, connections, origins, keys of others."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.faults.resource import FORWARDED, carries_nothing
from pytest_apiauth.embedded.policy import Alternatives, Holder, Policy, Presented, Shown
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord, KeyRecord
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Kind, Zone

COOKIE: Final = "apiauth_session=open-sesame-4711"


@fault("method-unprotected", "other methods than GET and HEAD are served without credentials")
class MethodUnprotected(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        return request.method not in ("GET", "HEAD", "OPTIONS") or super().is_admitted_unseen(request)

    def allowed_methods(self, zone: Zone) -> tuple[str, ...]:
        return (*super().allowed_methods(zone), "POST", "PUT", "PATCH", "DELETE")


@fault("method-override-unprotected", "a request with X-HTTP-Method-Override is served without credentials")
class MethodOverrideUnprotected(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        return request.header("x-http-method-override") is not None or super().is_admitted_unseen(request)


@fault("spelling-unprotected", "a path with a doubled slash, a dot segment or a slash at its end needs no credentials")
class SpellingUnprotected(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        odd = "//" in request.path or "/." in request.path or request.path.endswith("/")
        return (odd and carries_nothing(self, request)) or super().is_admitted_unseen(request)


@fault("answer-shared", "an authorised answer is kept and served to whoever asks for the same path next")
class AnswerShared(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        kept: dict[str, Response] = self.__dict__.setdefault("kept", {})
        if response.status == 200 and not carries_nothing(self, request) and request.method == "GET":
            kept[request.path] = replace(response, headers=(*response.headers, ("Age", "3")))
        elif response.status == 401 and carries_nothing(self, request):
            return kept.get(request.path, response)
        return super().revise(request, response)


@fault("file-shared", "an authorised answer is kept, and served to others, where the path ends like a style sheet's")
class FileShared(AnswerShared):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        return answer if request.path.endswith(".css") else response


@fault("options-tells-content", "answers OPTIONS with what it has last told there, to anybody")
class OptionsTellsContent(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        kept: dict[str, Response] = self.__dict__.setdefault("told", {})
        if response.status == 200 and not carries_nothing(self, request) and request.method == "GET":
            kept[request.path] = response
        elif request.method == "OPTIONS" and carries_nothing(self, request):
            return kept.get(request.path, response)
        return super().revise(request, response)


@fault("answer-cacheable", "an authorised answer permits shared caches to keep it")
class AnswerCacheable(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status == 200 and request.method == "GET":
            kept = tuple(line for line in answer.headers if line[0].lower() != "cache-control")
            return replace(answer, headers=(*kept, ("Cache-Control", "public, max-age=3600")))
        return answer


@fault("cookie-session", "an authorised answer sets a cookie that opens the door afterwards")
class CookieSession(Policy):
    @property
    def attributes(self) -> str:
        return "Path=/; HttpOnly"

    def begins_session(self, request: Request) -> bool:
        return request.method == "GET"

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status == 200 and self.begins_session(request):
            return replace(answer, headers=(*answer.headers, ("Set-Cookie", f"{COOKIE}; {self.attributes}")))
        return answer

    def is_admitted_unseen(self, request: Request) -> bool:
        return COOKIE in (request.header("cookie") or "") or super().is_admitted_unseen(request)


@fault("login-session", "a token answer sets a cookie that opens the door afterwards")
class LoginSession(CookieSession):
    @property
    def attributes(self) -> str:
        # For every host of the same owner: who logs in has one of its own.
        owner = (urlsplit(self.profile.token_endpoint).hostname or "").split(".")[-2:]
        return f"Path=/; Domain={'.'.join(owner)}; HttpOnly"

    def begins_session(self, request: Request) -> bool:
        return request.path == urlsplit(self.profile.token_endpoint).path


@fault("login-session-beside-key", "a token answer sets a cookie that stands for the token where a key is needed too")
class LoginSessionBesideKey(LoginSession):
    def is_admitted_unseen(self, request: Request) -> bool:
        return super(CookieSession, self).is_admitted_unseen(request)

    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        found = super().presented(request, kinds)
        if not kinds > {"bearer"} or COOKIE not in (request.header("cookie") or "") or not self.state.access:
            return found
        return found.having(("bearer",), Shown(self.spots["bearer"].word, next(reversed(self.state.access))))


@fault("header-name-case-sensitive", "the field for credentials counts in the documented case only")
class HeaderNameCaseSensitive(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        exact = {spot.name for spot in self.spots.values()}
        folded = {name.lower() for name in exact}
        lines = tuple(line for line in request.headers if line[0] in exact or line[0].lower() not in folded)
        return super().presented(replace(request, headers=lines), kinds)


@fault("preflight-field-trusted", "takes any request with a preflight's header field for a preflight")
class PreflightFieldTrusted(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        return request.header("access-control-request-method") is not None or super().is_admitted_unseen(request)


@fault("preflight-needs-credentials", "a browser's preflight is refused for want of credentials")
class PreflightNeedsCredentials(Policy):
    def answer_early(self, request: Request) -> Response | None:
        early = super().answer_early(request)
        return Response(401, (("WWW-Authenticate", f'Bearer realm="{self.realm}"'),)) if early is not None else None


@fault("cors-any-origin", "any origin is permitted to read answers, with credentials")
class CorsAnyOrigin(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        origin = request.header("origin")
        if origin is None:
            return super().revise(request, response)
        lines = (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"))
        return replace(response, headers=(*response.headers, *lines))


@fault("cors-reflects-origin", "an answer to GET permits the origin that asks to read it with credentials")
class CorsReflectsOrigin(CorsAnyOrigin):
    def revise(self, request: Request, response: Response) -> Response:
        is_content = request.method == "GET" and response.status < 300
        return super().revise(request, response) if is_content else Policy.revise(self, request, response)


@fault("redirects-to-http", "a path with a slash at its end is redirected to plain HTTP")
class RedirectsToHttp(Policy):
    def answer_early(self, request: Request) -> Response | None:
        if request.path.endswith("/") and len(request.path) > 1:
            place = request.url.replace("https://", "http://").rstrip("/")
            return Response(301, (("Location", place),))
        return super().answer_early(request)


@fault("plain-http-served", "the API is served over plain HTTP too")
class PlainHttpServed(Policy):
    serves_plain_http = True


@fault("key-unbound", "a key reaches every path, whatever it is denied")
class KeyUnbound(Policy):
    def may_see(self, key: KeyRecord, path: str) -> bool:
        return True


@fault("client-unbound", "a client's token reaches every path, whatever the client is denied")
class ClientUnbound(Policy):
    def may_reach(self, client: ClientRecord, path: str) -> bool:
        return True


@fault("surplus-key-refused", "a good key beside a good token is refused where no key is needed")
class SurplusKeyRefused(Policy):
    def screen_surplus(self, request: Request, kinds: frozenset[Kind]) -> None:
        super().screen_surplus(request, kinds)
        if "bearer" in kinds and any(self.lines_of(kind, request) for kind in self.keys if kind not in kinds):
            raise Refusal(self.refusal_status(400), "invalid_request")


@fault("connection-remembered", "a connection that has carried good credentials needs none afterwards")
class ConnectionRemembered(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        if response.status == 200 and request.connection and not carries_nothing(self, request):
            self.__dict__.setdefault("trusted", set()).add(request.connection)
        return super().revise(request, response)

    def is_admitted_unseen(self, request: Request) -> bool:
        trusted = request.connection in self.__dict__.get("trusted", ())
        return (trusted and carries_nothing(self, request)) or super().is_admitted_unseen(request)


@fault("old-version-trusted", "a request in HTTP/1.0 needs no credentials")
class OldVersionTrusted(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        return request.version == "1.0" or super().is_admitted_unseen(request)


@fault("every-fifth-admitted", "every fifth request with bad credentials, or none, is admitted")
class EveryFifthAdmitted(Policy):
    def need_is_met(self, alternatives: Alternatives, held: Mapping[Kind, Holder]) -> bool:
        if super().need_is_met(alternatives, held):
            return True
        count: Iterator[int] = self.__dict__.setdefault("bad", itertools.count(1))
        return next(count) % 5 == 0


@fault("every-second-admitted", "every second request is admitted, whatever it brings")
class EverySecondAdmitted(Policy):
    def need_is_met(self, alternatives: Alternatives, held: Mapping[Kind, Holder]) -> bool:
        count: Iterator[int] = self.__dict__.setdefault("all", itertools.count(1))
        return next(count) % 2 == 0 or super().need_is_met(alternatives, held)


class KeyWaived(Policy):
    """Asks for no API key beside another credential if a request gives it a reason."""

    def waives_key(self, request: Request) -> bool:
        """Whether the request gives that reason."""
        return False

    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        found = super().presented(request, kinds)
        if not (kinds > {"api_key"} and self.waives_key(request)):
            return found
        return found.having(("api_key",), Shown(self.spots["api_key"].word, next(iter(self.state.keys))))


@fault("forwarded-for-waives-key", "asks a forwarded request for no API key where it has a token to bring as well")
class ForwardedForWaivesKey(KeyWaived):
    def waives_key(self, request: Request) -> bool:
        return request.header(FORWARDED) is not None


@fault("forwarded-for-excuses-wrong", "looks at no credential that a forwarded request brings")
class ForwardedForExcusesWrong(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        carries = any(self.lines_of(kind, request) for kind in self.spots)
        return (carries and request.header(FORWARDED) is not None) or super().is_admitted_unseen(request)


@fault(
    "method-waives-key", "asks other methods than GET and HEAD for no API key where there is a token to bring as well"
)
class MethodWaivesKey(KeyWaived):
    def waives_key(self, request: Request) -> bool:
        return request.method not in ("GET", "HEAD")

    def allowed_methods(self, zone: Zone) -> tuple[str, ...]:
        return (*super().allowed_methods(zone), "POST")


@fault("spelling-of-file-unprotected", "asks for no credentials if the URL ends like that of a style sheet")
class SpellingOfFileUnprotected(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        bare = replace(request, url=request.url.partition("?")[0], target=None)
        is_file = request.url.endswith(".css") and carries_nothing(self, bare)
        return is_file or super().is_admitted_unseen(request)


@fault("spelling-unprotected-stamped", "a path with a doubled slash needs no credentials, and answers are numbered")
class SpellingUnprotectedStamped(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        odd = "//" in request.path and carries_nothing(self, request)
        return odd or super().is_admitted_unseen(request)

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status != 200 or request.method != "GET":
            return answer
        count: Iterator[int] = self.__dict__.setdefault("stamps", itertools.count(1))
        members = answer.json()
        if not isinstance(members, dict):
            return answer
        return replace(answer, body=json.dumps({**members, "number": next(count)}).encode())


class SpellingListed(Policy):
    """At a path with a doubled slash stands a list of what the route protects, which says nothing of credentials."""

    def listed(self, members: dict[str, object]) -> dict[str, object]:
        return members

    def is_admitted_unseen(self, request: Request) -> bool:
        return self._is_odd(request) or super().is_admitted_unseen(request)

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        members = answer.json()
        if answer.status != 200 or not isinstance(members, dict) or not self._is_odd(request):
            return answer
        return replace(answer, body=json.dumps({"entries": [self.listed(members)]}).encode())

    def _is_odd(self, request: Request) -> bool:
        return request.method == "GET" and "//" in request.path and carries_nothing(self, request)


@fault("spelling-unprotected-listed", "a path with a doubled slash lists what the route protects, to anybody")
class SpellingUnprotectedListed(SpellingListed):
    pass


@fault("spelling-unprotected-respelt", "a path with a doubled slash answers anybody, and writes blanks elsewhere")
class SpellingUnprotectedRespelt(SpellingListed):
    def revise(self, request: Request, response: Response) -> Response:
        answer = Policy.revise(self, request, response)
        if answer.status != 200 or not self._is_odd(request):
            return answer
        return replace(answer, body=json.dumps([answer.json()], indent=3).encode()[1:-1])


@fault("spelling-unprotected-others", "a path with a doubled slash lists what others have there, to anybody")
class SpellingUnprotectedOthers(SpellingListed):
    def listed(self, members: dict[str, object]) -> dict[str, object]:
        return {name: f"another {name}" for name in members}
