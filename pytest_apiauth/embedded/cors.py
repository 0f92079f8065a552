"""Cross-origin requests of browsers (Fetch standard, 3.2): the preflight question and the permission."""

from __future__ import annotations

from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.model import Profile


def preflight(profile: Profile, request: Request) -> Response | None:
    """Answer a preflight of a documented origin; None for any other request. A preflight never has credentials."""
    if request.method != "OPTIONS" or not profile.allowed_origins:
        return None
    if request.header("origin") is None or request.header("access-control-request-method") is None:
        return None
    asked = request.header("access-control-request-headers") or ""
    lines = (("Access-Control-Allow-Methods", "GET, HEAD"), ("Access-Control-Allow-Headers", asked))
    return permitted(profile, request, Response(204, lines if is_allowed(profile, request) else ()))


def permitted(profile: Profile, request: Request, response: Response) -> Response:
    """Permit a documented origin to read an answer; the answer varies by origin wherever origins are documented."""
    if not profile.allowed_origins or request.header("origin") is None or not _is_api(profile, request):
        return response
    lines = [("Vary", "Origin")]
    if is_allowed(profile, request):
        lines.append(("Access-Control-Allow-Origin", request.header("origin") or ""))
    return Response(response.status, (*response.headers, *lines), response.body)


def is_allowed(profile: Profile, request: Request) -> bool:
    """Whether the request comes from a documented origin, compared as a whole."""
    return request.header("origin") in profile.allowed_origins


def _is_api(profile: Profile, request: Request) -> bool:
    """Whether the request is for the API itself: an authorization endpoint permits nobody (RFC 9700 2.6)."""
    return Origin.of(request.url) == Origin.of(profile.base_url)
