"""The way there: HTTPS only, and no redirect that takes a credential elsewhere."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from pytest_apiauth.rules import (
    DOC,
    ITSELF,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Draft,
    NotApplicable,
    Origin,
    OutOfReach,
    Parts,
    UnreachableError,
    Zone,
    rule,
)

from .parts import all_zones, protected_zones

LOOK = (
    "The proxy or load balancer before the app, and the redirects that it makes (Django:"
    " SECURE_SSL_REDIRECT and SECURE_PROXY_SSL_HEADER; uvicorn: --proxy-headers)."
)

https_zones = Parts(
    "the API is not documented as HTTPS only, or is called over plain HTTP here",
    lambda profile: all_zones.find(profile) if profile.https_only and profile.base_url.startswith("https:") else {},
)


@rule(
    DOC,
    "RFC 6750 5.2",
    PROFILE,
    applies=https_zones,
    catches="plain-http-served",
    control=ITSELF,
    look="What listens on port 80: it redirects to HTTPS and does nothing else (Django: SECURE_SSL_REDIRECT;"
    " nginx: return 301).",
)
def tls_only(api: Api, zone: Zone) -> None:
    """Nothing is served over plain HTTP: no answer, a redirect, or a refusal. No credential is sent there."""
    plain = plain_origin(api)
    for valid in api.requests(zone):
        api.send(valid).accepted()
        path = urlsplit(valid.url)._replace(scheme="", netloc="").geturl()
        draft = Draft("GET", f"{plain}{path}")
        try:
            response = api.examination.send(draft)
        except UnreachableError:
            continue
        if response.status >= 500:
            continue  # a router that knows of no route there serves nothing
        answer = api.send(draft) if response.status == 429 else Answer(api, draft, response)
        answer.require(not 200 <= answer.status < 300, "no content over plain HTTP")
        answer.require(answer.status != 401, "no challenge for credentials over plain HTTP")
        if 300 <= answer.status < 400:
            there = place_of(answer.draft.url, answer.response.header("location") or "")
            answer.advise(there is not None and there.scheme == "https", "a redirect to HTTPS")


def plain_origin(api: Api) -> Origin:
    """Return where the API would be over plain HTTP. Raises NotApplicable if that says nothing, or nobody knows."""
    kind, profile = api.examination.target.kind, api.profile
    if kind.is_app:
        raise NotApplicable("what is served over plain HTTP is a matter of the server in front of the app")
    own = Origin.of(profile.base_url)
    if own.scheme != "https":
        raise NotApplicable("the API is called over plain HTTP here")
    # The embedded server has one place alone: that of the profile.
    plain = profile.plain_origin if kind.is_live else Origin("http", own.host, 80)
    if plain is None:
        raise OutOfReach("the API has a port of its own: where it would be over plain HTTP, live.plain_url says")
    return plain


def place_of(url: str, location: str) -> Origin | None:
    """Return where a redirect of a URL leads; None if that is no place."""
    try:
        return Origin.of(urljoin(url, location))
    except ValueError:
        return None


def leads_astray(answer: Answer, carried: list[str]) -> bool:
    """Whether a redirect leads to another origin, to plain HTTP, or has a credential in its URL."""
    place = answer.response.header("location")
    if place is None:
        return False
    here = Origin.of(answer.draft.url)
    return place_of(answer.draft.url, place) != here or any(value in place for value in carried)


@rule(
    SHOULD,
    "RFC 9700 4.12",
    PROFILE,
    applies=protected_zones,
    catches="redirects-to-http",
    look="How redirects are built: from request.url behind a proxy they say http://; forward the scheme"
    " (uvicorn --proxy-headers), and mind redirects of trailing slashes.",
)
def tls_no_cross_redirect(api: Api, zone: Zone) -> None:
    """A request with credentials is never redirected to another origin or down to plain HTTP."""
    for valid in api.requests(zone):
        # What travels in the query is in the URL already, and stays there on the way to another spelling of the path.
        hidden = (good for good in valid.credentials if good.place.where != "query")
        carried = [api.examination.value(ref) for good in hidden for ref in good.refs]
        path = urlsplit(valid.url).path
        for target in (path, f"{path}/", path.rstrip("/"), f"/{path}", path.upper()):
            with api.row():
                answer = api.attempt(replace(valid, target=target))
                if answer is not None and 300 <= answer.status < 400:
                    answer.require(not leads_astray(answer, carried), "a redirect within the same origin")
