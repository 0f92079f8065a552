"""Header fields of any answer, and how JSON is written and labelled (RFC 9110 5, 8.3, 10; RFC 9111 5.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import count

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal_policy import JSON
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.messages import Headers, Origin, Request, Response
from pytest_apiauth.profile.model import GrantType

COOKIES: Headers = (
    ("Set-Cookie", "visit=3f9a61c2; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ("Set-Cookie", "lb=node-2; Path=/; Secure"),
)
LIMITS: Headers = (
    ("RateLimit-Policy", '"default";q=100;w=60'),
    ("RateLimit", '"default";r=0;t=30'),
    ("X-RateLimit-Remaining", "0"),
    ("Retry-After", "30"),
)


def is_for_token(policy: Policy, request: Request) -> bool:
    """Whether a request is for the token endpoint."""
    place = policy.profile.token_endpoint
    return bool(place) and request.url.partition("?")[0] == place


def is_for_resource(policy: Policy, request: Request) -> bool:
    """Whether a request is for the API itself."""
    return not is_for_token(policy, request) and Origin.of(request.url) == Origin.of(policy.profile.base_url)


def relabelled(lines: Headers, name: str, change: Callable[[str], str]) -> Headers:
    """Return header lines with the value of one field changed."""
    return tuple((each, change(value) if each.lower() == name else value) for each, value in lines)


class Adding(Policy):
    """Adds header lines to every answer."""

    added: Headers = ()

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        return Response(answer.status, (*answer.headers, *self.added), answer.body)


class Relabelling(Policy):
    """Changes the media type of JSON, at the token endpoint and elsewhere."""

    @staticmethod
    def label(media_type: str) -> str:
        """Spell a media type."""
        return media_type

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.media_type != JSON:
            return answer
        return Response(answer.status, relabelled(answer.headers, "content-type", self.label), answer.body)


class Rewriting(Policy):
    """Writes JSON in another way."""

    @staticmethod
    def written(content: object) -> str:
        """Write a value."""
        return json.dumps(content)

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.media_type != JSON or not answer.body:
            return answer
        return Response(answer.status, answer.headers, self.written(json.loads(answer.body)).encode())


class NoStoreSpelt(Policy):
    """Spells ``Cache-Control`` of answers that hold a token in another way."""

    cache_control: tuple[str, ...] = ()

    def answer_headers(self, grant: GrantType | None = None) -> Headers:
        lines = [(name, value) for name, value in super().answer_headers(grant) if name.lower() != "cache-control"]
        return (*lines, *(("Cache-Control", value) for value in self.cache_control))


@variant("json-charset", "JSON is labelled with a charset, as in the examples of RFC 6749")
class JsonCharset(Relabelling):
    @staticmethod
    def label(media_type: str) -> str:
        return media_type if "charset" in media_type.lower() else f"{media_type};charset=UTF-8"


@variant("json-type-in-capitals", "the media type is spelt Application/JSON (RFC 9110 8.3.1)")
class JsonTypeInCapitals(Relabelling):
    @staticmethod
    def label(media_type: str) -> str:
        return media_type.replace(JSON, "Application/JSON")


@variant("json-pretty", "JSON is written over several lines, with a line break at the end")
class JsonPretty(Rewriting):
    @staticmethod
    def written(content: object) -> str:
        return json.dumps(content, indent=4) + "\n"


@variant("json-compact", "JSON is written without blanks")
class JsonCompact(Rewriting):
    @staticmethod
    def written(content: object) -> str:
        return json.dumps(content, separators=(",", ":"))


@variant("json-escaped", "JSON has letters and slashes as escapes (RFC 8259 7)")
class JsonEscaped(Rewriting):
    @staticmethod
    def written(content: object) -> str:
        return json.dumps(content).replace("/", "\\/").replace("B", "\\u0042")


@variant("cache-control-several", "Cache-Control has further directives beside no-store")
class CacheControlSeveral(NoStoreSpelt):
    cache_control = ("private, no-cache, max-age=0, no-store, must-revalidate",)


@variant("cache-control-in-capitals", "the directive is spelt No-Store (RFC 9111 5.2)")
class CacheControlInCapitals(NoStoreSpelt):
    cache_control = ("No-Store",)


@variant("cache-control-two-lines", "Cache-Control comes in two lines (RFC 9110 5.3)")
class CacheControlTwoLines(NoStoreSpelt):
    cache_control = ("no-cache", "no-store")


@variant("pragma-absent", "no answer has Pragma, which RFC 9111 5.4 has retired")
class PragmaAbsent(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        lines = tuple((name, value) for name, value in answer.headers if name.lower() != "pragma")
        return Response(answer.status, lines, answer.body)


@variant("errors-without-no-store", "errors of the token endpoint hold no token and may be stored (RFC 6749 5.1)")
class ErrorsWithoutNoStore(Policy):
    def error_headers(self) -> Headers:
        dropped = ("cache-control", "pragma")
        return tuple((name, value) for name, value in super().error_headers() if name.lower() not in dropped)


@variant("limits-told", "every answer tells of a rate limit, and when to come again, without limiting anything")
class LimitsTold(Adding):
    added = LIMITS


@variant("cookies-set", "every answer sets cookies, which authenticate nothing")
class CookiesSet(Adding):
    added = COOKIES


@variant("vary", "answers vary by Authorization and by encoding too")
class Vary(Adding):
    added = (("Vary", "Authorization, Accept-Encoding"),)


@variant("request-ids", "answers name the server, the date and a number of their own")
class RequestIds(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        self._answers = getattr(self, "_answers", None) or count(1)
        number = hashlib.sha256(str(next(self._answers)).encode()).hexdigest()[:16]
        lines = (("Server", "example/2.4"), ("Date", "Tue, 14 Nov 2023 22:13:20 GMT"), ("X-Request-Id", number))
        return Response(answer.status, (*answer.headers, *lines), answer.body)


@variant("entity-tags", "resources have entity tags and answer 304 to those who have the answer (RFC 9110 13.1.2)")
class EntityTags(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status != 200 or request.method not in ("GET", "HEAD") or not is_for_resource(self, request):
            return answer
        tag = ("ETag", f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"')
        known = [part.strip() for line in request.header_lines("if-none-match") for part in line.split(",")]
        if tag[1] in known:
            return Response(304, (tag,))
        return Response(200, (*answer.headers, tag), answer.body)
