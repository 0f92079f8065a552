"""Authorization server metadata (RFC 8414) and OpenID discovery documents."""

from __future__ import annotations

from typing import Final, get_args
from urllib.parse import urlsplit

from pytest_apiauth.discover.findings import (
    Findings,
    GrantFound,
    Needs,
    ZoneFound,
    is_web_url,
    secured,
    text_in,
    texts_in,
)
from pytest_apiauth.discover.reading import Document, DocumentError
from pytest_apiauth.messages import Origin
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.model import Algorithm, ClientAuth, TokenSettings

_AUTHENTICATION: Final[tuple[ClientAuth, ...]] = (
    "client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt", "tls_client_auth",
    "self_signed_tls_client_auth", "none",
)  # fmt: skip

ASSERTING: Final = ("private_key_jwt", "client_secret_jwt")
WELL_KNOWN: Final = "/.well-known/"


def examine(document: Document) -> Findings:
    """Read what a document says. Raises DocumentError if its issuer is no URL, or no grant can be used."""
    content = document.content
    issuer = text_in(content, "issuer")
    if not is_web_url(issuer):
        raise DocumentError(f"{document.source}: issuer: expected an https URL, got {one_line(issuer)!r}")
    findings = Findings(urlsplit(issuer).hostname or "", document.source)
    user_info = text_in(content, "userinfo_endpoint")
    base = str(Origin.of(user_info if is_web_url(user_info) else issuer))
    findings.api_url = secured(findings, "api_url", base)
    findings.remark(
        "api_url", "the document names the authorization server only; if your API is elsewhere, write its URL"
    )
    findings.cite("RFC 6749", "RFC 6750", "RFC 8414")
    for row in ENDPOINTS:
        if row.metadata and is_web_url(url := text_in(content, row.metadata)):
            findings.urls[row.key] = _continued(findings, secured(findings, row.key, url))
            findings.cite(*filter(None, [row.standard]))
    if WELL_KNOWN in urlsplit(document.base).path:
        findings.urls["metadata_url"] = _continued(findings, document.base)
    if content.get("authorization_response_iss_parameter_supported") is True:
        findings.cite("RFC 9207")
        findings.iss = issuer
    required = content.get("require_pushed_authorization_requests") is True
    findings.requires_pushed = required and "pushed_authorization_request_url" in findings.urls
    if texts_in(content, "code_challenge_methods_supported"):
        findings.cite("RFC 7636")
    _note_grants(findings, document)
    _note_client(findings, document)
    _note_user_info(findings, user_info)
    return findings


def _continued(findings: Findings, url: str) -> str:
    """Write a URL on the API's own host as a path, so that another ``api_url`` takes it along."""
    return url.removeprefix(findings.api_url or "") if url.startswith(f"{findings.api_url}/") else url


def _note_grants(findings: Findings, document: Document) -> None:
    # Where the member is left out, it means these two (RFC 8414 2).
    supported = texts_in(document.content, "grant_types_supported") or ["authorization_code", "implicit"]
    scopes = texts_in(document.content, "scopes_supported")
    usable = [
        grant
        for grant in GRANTS.values()
        if grant.grant_type in supported and {"token_url", *grant.urls} <= findings.urls.keys()
        if grant.takes != "access_token"
    ]
    if not [grant for grant in usable if grant.stands_alone]:
        raise DocumentError(
            f"{document.source}: no grant that a profile can hold: token_endpoint and grant_types_supported are needed"
        )
    refreshes = any(grant.refreshes for grant in usable)
    for grant in usable:
        wanted = [scope for scope in ("openid", "offline_access") if scope in scopes and grant.needs_person]
        findings.grants[grant.name] = GrantFound(" ".join(wanted) or None, refreshes and "offline_access" in wanted)
    if any("offline_access" in (found.scope or "") for found in findings.grants.values()):
        findings.remark(
            "authorize_url",
            "offline_access asks for a refresh token; some servers give one only with ?prompt=consent at the end of it"
            " (OpenID Connect Core 11)",
        )
    begun = {grant.grant_type: grant.name for grant in GRANTS.values() if grant.takes == "access_token"}
    for name in begun.keys() & set(supported):
        findings.remark("grants", f"documented too, for clients that may: write [grants.{begun[name]}] for it")
    left_out = [name for name in supported if name not in {grant.grant_type for grant in usable} | begun.keys()]
    if left_out:
        findings.remark(
            "grants", f"documented too, but nothing that a profile can hold: {one_line(', '.join(left_out))}"
        )
    if scopes:
        findings.remark("token.scope", f"scopes of this server: {one_line(', '.join(scopes))}")


def _note_client(findings: Findings, document: Document) -> None:
    # Where the member is left out, it means client_secret_basic (RFC 8414 2).
    methods = texts_in(document.content, "token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    findings.client_auth = next((method for method in _AUTHENTICATION if method in methods), None)
    if findings.client_auth in ASSERTING:
        findings.cite("RFC 7523")
        by_secret, usual = findings.client_auth == "client_secret_jwt", TokenSettings(client_auth=findings.client_auth)
        listed = texts_in(document.content, "token_endpoint_auth_signing_alg_values_supported")
        fitting = [name for name in get_args(Algorithm) if name in listed and name.startswith("HS") == by_secret]
        findings.alg = fitting[0] if fitting and usual.signs_with not in fitting else None
    _note_certificates(findings, document)
    if findings.client_auth is None:
        findings.remark(
            "token.client_auth", f"this server takes {one_line(', '.join(methods))}, which a profile cannot hold"
        )
    elif len(methods) > 1:
        findings.remark(
            "token.client_auth", f"this server takes {one_line(', '.join(methods))}; write what your client uses"
        )


def _note_certificates(findings: Findings, document: Document) -> None:
    """Have clients that prove themselves by certificates go where the document wants them to (RFC 8705 5)."""
    content, aliases = document.content, document.content.get("mtls_endpoint_aliases")
    found = aliases if isinstance(aliases, dict) else {}
    bound = content.get("tls_client_certificate_bound_access_tokens") is True
    findings.is_certified = findings.client_auth in ("tls_client_auth", "self_signed_tls_client_auth")
    if findings.is_certified:
        findings.cite("RFC 8705")
        findings.is_bound = bound
        for row in ENDPOINTS:
            url = text_in(found, row.metadata) if row.metadata and row.key != "authorize_url" else ""
            if row.key in findings.urls and is_web_url(url):
                findings.urls[row.key] = _continued(findings, secured(findings, row.key, url))
    elif bound:
        places = f" and the endpoints that it has for them, at {one_line(_hosts(found))}" if _hosts(found) else ""
        findings.remark(
            "token.client_auth",
            f'this server can bind tokens to a certificate: if yours are, write bound = "mtls"{places} (RFC 8705)',
        )


def _hosts(aliases: dict[str, object]) -> str:
    """Return the hosts of endpoints for clients that present a certificate."""
    urls = [url for name in aliases if is_web_url(url := text_in(aliases, name))]
    return ", ".join(sorted({urlsplit(url).netloc for url in urls}))


def _note_user_info(findings: Findings, url: str) -> None:
    """Make the one protected route that such a document names a zone: it takes a token of the user's own."""
    place = _continued(findings, url) if is_web_url(url) else ""
    interactive = next((grant for grant in findings.grants if GRANTS[grant].needs_person), None)
    if place.startswith("/") and interactive is not None:
        needs: Needs = (frozenset(name for name, kind in KINDS.items() if kind.is_issued),)
        findings.zones.append(ZoneFound("userinfo", place, needs, (place,)))
        findings.remark(
            "zones.userinfo",
            f"takes a token with the scope openid, which {interactive} gives; add zones of your API",
        )
        # Clients use the first grant, and the only route that is known needs this one.
        findings.grants = {interactive: findings.grants[interactive], **findings.grants}
        return
    findings.remark("zones", "the document names no route; write a zone for those of your API that need a token")
