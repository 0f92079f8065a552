"""Refusals at resources: status, body, and what is looked at first (RFC 9110 15.5, RFC 6750 3.1)."""

from __future__ import annotations

import json
from itertools import count

from pytest_apiauth.embedded.policy import Holder, Policy, Presented
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, KeyRecord
from pytest_apiauth.embedded.variants.headers import is_for_resource
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Kind, Zone

PAGE = b"<!doctype html><html><head><title>Unauthorized</title></head><body><h1>Unauthorized</h1></body></html>\n"


@variant("403-refusal", "a credential that came and does not suffice is refused with 403, where that is documented")
class ForbiddenRefusal(Policy):
    def resource_status(self, presented: Presented) -> int:
        return super().resource_status(presented) if presented.is_nothing else self.refusal_status(403)


@variant("400-refusal", "a credential that came and does not suffice is refused with 400, where that is documented")
class BadRequestRefusal(Policy):
    def resource_status(self, presented: Presented) -> int:
        return super().resource_status(presented) if presented.is_nothing else self.refusal_status(400)


@variant("403-without-challenge", "a bad API key is refused with 403, which needs no challenge (RFC 9110 15.5.4)")
class ForbiddenWithoutChallenge(Policy):
    def resource_status(self, presented: Presented) -> int:
        is_key_alone = bool(presented.shown) and presented.shown.keys() <= {*self.keys}
        return self.refusal_status(403) if is_key_alone else super().resource_status(presented)

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        lines = answer.header_lines("www-authenticate")
        # A challenge for a token stays: RFC 6750 3 wants it with any refusal.
        if answer.status != 403 or not is_for_resource(self, request) or "bearer" in ", ".join(lines).lower():
            return answer
        kept = tuple((name, value) for name, value in answer.headers if name.lower() != "www-authenticate")
        return Response(answer.status, kept, answer.body)


@variant("403-scope-bare", "a good token whose scope does not suffice is refused with 403 and nothing more")
class ScopeRefusalBare(Policy):
    def scope_refusal(self, zone: Zone) -> Refusal:
        return Refusal(self.refusal_status(403), "forbidden")


@variant("refusal-empty", "a refusal has no body")
class RefusalEmpty(Policy):
    def refusal_content(self, error: str) -> tuple[str, bytes]:
        return "text/plain", b""


@variant("refusal-page", "a refusal is a page of HTML")
class RefusalPage(Policy):
    def refusal_content(self, error: str) -> tuple[str, bytes]:
        return "text/html; charset=utf-8", PAGE


@variant("refusal-problem", "a refusal is a problem document (RFC 9457)")
class RefusalProblem(Policy):
    def refusal_content(self, error: str) -> tuple[str, bytes]:
        return "application/problem+json", json.dumps({"type": "about:blank", "title": "Refused"}).encode()


@variant("refusal-text", "a refusal is a line of plain text")
class RefusalText(Policy):
    def refusal_content(self, error: str) -> tuple[str, bytes]:
        return "text/plain; charset=utf-8", b"Access denied.\n"


@variant("refusal-message", "a refusal is JSON of a form of its own, in another language than the documents'")
class RefusalMessage(Policy):
    def refusal_content(self, error: str) -> tuple[str, bytes]:
        return "application/json", json.dumps({"message": "Accès refusé", "code": 1401, "errors": []}).encode()


@variant("refusal-numbered", "every refusal has a number to ask support about")
class RefusalNumbered(Policy):
    def refusal_content(self, error: str) -> tuple[str, bytes]:
        self._refusals = getattr(self, "_refusals", None) or count(1)
        return "application/json", json.dumps({"error": error, "incident": f"R-{next(self._refusals)}"}).encode()


@variant("other-grants-forbidden", "a client's own token is forbidden where the usual grant gives users' ones, or they")
class OtherGrantsForbidden(Policy):
    def holder(self, kind: Kind, presented: Presented) -> Holder | None:
        found = super().holder(kind, presented)
        usual = self.profile.usual_grant
        if kind != "bearer" or not isinstance(found, AccessToken) or usual is None:
            return found
        if (found.user is None) is not (usual == "client_credentials"):
            challenges = [self.bearer_challenge("insufficient_scope", presented)]
            raise Refusal(self.refusal_status(403), "insufficient_scope", challenges=challenges)
        return found


@variant("unknown-path-404-first", "a route that does not exist is 404 for anybody")
class UnknownPathFirst(Policy):
    def knows_route(self, zone: Zone, place: str) -> bool:
        bound: list[KeyRecord | ClientRecord] = [*self.state.keys.values(), *self.state.clients.values()]
        places = [*zone.probe, *(path for holder in bound for path in holder.denied)]
        return place in places


@variant("wrong-method-405-first", "a method that a route does not have is 405 for anybody")
class WrongMethodFirst(Policy):
    def looks_at_method_first(self) -> bool:
        return True


@variant("no-head", "resources have no HEAD: 405")
class NoHead(Policy):
    def allowed_methods(self, zone: Zone) -> tuple[str, ...]:
        return tuple(method for method in super().allowed_methods(zone) if method != "HEAD")


@variant("options-open", "OPTIONS is answered without credentials and tells the methods (RFC 9110 9.3.7)")
class OptionsOpen(Policy):
    def answer_early(self, request: Request) -> Response | None:
        early = super().answer_early(request)
        zone = self.profile.zone_at(request.path)
        if early is not None or request.method != "OPTIONS" or zone is None or not is_for_resource(self, request):
            return early
        return Response(204, (("Allow", ", ".join((*self.allowed_methods(zone), "OPTIONS"))),))


@variant("slash-redirects", "a slash too many at the end is answered with the URL without it, for anybody")
class SlashRedirects(Policy):
    def answer_early(self, request: Request) -> Response | None:
        early = super().answer_early(request)
        path = request.path
        base = self.profile.base_url.rstrip("/").partition("://")[2].partition("/")[2]
        probes = [f"/{base}{probe}" if base else probe for zone in self.profile.zones.values() for probe in zone.probe]
        if early is None and path.endswith("/") and path[:-1] in probes and is_for_resource(self, request):
            return Response(308, (("Location", path[:-1]), ("Content-Length", "0")))
        return early
