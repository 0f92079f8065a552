"""What the authorization server publishes of itself (RFC 8414), held against what it does."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.rules import (
    ENDPOINTS,
    GRANTS,
    ISSUE,
    ITSELF,
    SHOULD,
    Answer,
    Api,
    Draft,
    Parts,
    Proof,
    consent,
    rule,
)

from .parts import UNATTENDED

LOOK = (
    "The document at /.well-known: it is best made from the settings that the endpoints use, not written"
    " by hand beside them."
)

WELL_KNOWN: Final = "/.well-known/"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
KNOWN_METHODS: Final = ("client_secret_basic", "client_secret_post")
"""Of those that work; that public clients may come, few servers say."""
CHALLENGE: Final = "apiauth-proof-key-0123456789-0123456789-012"
"""43 unreserved characters: what S256 gives, and what ``plain`` takes (RFC 7636 4.2)."""

described_servers = Parts(
    "no metadata document is documented",
    # As the profile spells it: where the API is, the environment or the app may say when the run begins.
    lambda profile: {"document": profile.metadata_url} if profile.metadata_url else {},
)


@rule(
    SHOULD,
    "RFC 8414 3.2",
    "RFC 8414 3.3",
    "RFC 9700 2.6",
    "RFC 9207 2",
    "RFC 9207 2.3",
    "RFC 9207 3",
    applies=described_servers,
    catches=(
        "metadata-issuer-wrong",
        "metadata-endpoint-wrong",
        "metadata-grant-missing",
        "metadata-client-method-wrong",
        "metadata-plain-advertised",
        "metadata-challenge-method-missing",
        "authorization-response-without-issuer",
        "authorization-response-issuer-wrong",
    ),
    safety=ISSUE,
    control=ITSELF,
)
def md_consistent(api: Api, place: str) -> None:
    """The metadata document says what the server does, and a server that announces its iss sends it."""
    url = api.profile.url(place)
    answer = api.send(Draft("GET", url, (("Accept", "application/json"),)))
    answer.require(answer.status == 200 and bool(answer.members), "200 with a JSON object")
    _check_issuer(answer, url)
    _check_endpoints(answer)
    _check_client_methods(answer)
    _check_grants(api, answer)
    _check_authorization(api, answer)


def _check_issuer(answer: Answer, url: str) -> None:
    """RFC 8414 3.3: the issuer is the one whose well-known URL this is."""
    issuer = answer.members.get("issuer")
    answer.require(isinstance(issuer, str), "a text as issuer", f"{type(issuer).__name__}")
    expected = issuer_of(url)
    if expected is not None:
        answer.require(_same_place(str(issuer), expected), f"the issuer {expected}", f"{issuer!r:.200}")


def _check_endpoints(answer: Answer) -> None:
    profile = answer.api.profile
    for member, key in ((row.metadata, row.key) for row in ENDPOINTS if row.metadata):
        named, place = answer.members.get(member), getattr(profile, key)
        # Few members must be there (RFC 8414 2), and OpenID discovery knows fewer still.
        if place and isinstance(named, str):
            url = profile.url(place)
            # Parameters that the profile adds to a URL, such as prompt=consent, are its own.
            is_same = _same_place(named, url) or _same_place(named, url.partition("?")[0])
            # Where clients come with a certificate the server may have another door (RFC 8705 5).
            aliases = answer.members.get("mtls_endpoint_aliases")
            alias = aliases.get(member) if isinstance(aliases, dict) else None
            is_same = is_same or (isinstance(alias, str) and _same_place(alias, url))
            answer.require(is_same, f"{url} as {member}", f"{named!r:.200}")


def _check_client_methods(answer: Answer) -> None:
    listed = _listed(answer, "token_endpoint_auth_methods_supported")
    method = answer.api.profile.token.client_auth
    if listed is not None and method in KNOWN_METHODS:
        answer.require(
            method in listed, f"{method}, which works, among token_endpoint_auth_methods_supported", f"{listed!r:.200}"
        )


def _check_grants(api: Api, answer: Answer) -> None:
    """Hold the grants published against those that work. An absent list is no list: the default fits nobody."""
    profile, listed = api.profile, _listed(answer, "grant_types_supported")
    if listed is None:
        return
    for name in profile.grants:
        works = GRANTS[name].grant_type
        answer.require(works in listed, f"{works}, which works, among grant_types_supported", f"{listed!r:.200}")
    usual = profile.usual_grant
    if usual not in UNATTENDED:
        return
    client = profile.grants[usual].client
    for grant in (row.grant_type for name, row in GRANTS.items() if name not in profile.grants):
        # Bare, so that it is refused for what is missing; what counts is whether the grant itself is known.
        scope = (("scope", profile.token.scope),) if profile.token.scope else ()
        bare = api.as_client(profile.token_endpoint, ("grant_type", grant), *scope, client=client)
        probe = api.send(bare.beside(api.control_of(usual)))
        if grant in listed:
            is_known = probe.members.get("error") != "unsupported_grant_type"
            probe.require(is_known, f"the grant {grant} known, since the metadata name it")
        else:
            probe.require(not probe.has_token, f"no token by {grant}, since the metadata do not name it")


def _check_authorization(api: Api, answer: Answer) -> None:
    """Ask for a code with each proof key method; an answer that is sent back at once says what there is to know."""
    if api.profile.code_grant is not None:
        # RFC 8414 2 and OpenID discovery alike demand this member.
        types = _listed(answer, "response_types_supported")
        answer.advise("code" in (types or ()), "code among response_types_supported", f"{types!r:.200}")
    replies = {method: _authorization(api, method) for method in ("S256", "plain")}
    listed = _listed(answer, "code_challenge_methods_supported")
    usual = replies["S256"]
    if listed is not None and usual is not None and "error" not in _sent_back(usual):
        for method, reply in replies.items():
            came = _sent_back(reply) if reply is not None else {}
            if reply is not None and method in listed:
                is_refused = came.get("error") == "invalid_request"
                reply.require(not is_refused, f"{method} accepted, since the metadata name it", "it refused")
            elif reply is not None:
                reply.require("code" not in came, f"{method} refused, since the metadata do not name it", "a code")
    announced = answer.members.get("authorization_response_iss_parameter_supported") is True
    for reply in replies.values():
        came = _sent_back(reply) if reply is not None else {}
        if reply is not None and "iss" in came:
            # RFC 9207 2.3: who sends it and publishes metadata says so there.
            reply.advise(announced, "iss announced in the metadata, since it is sent", "no announcement")
    if announced:
        for reply in replies.values():
            came = _sent_back(reply) if reply is not None else {}
            if reply is not None and came:
                expected = str(answer.members.get("issuer"))
                issuer = came.get("iss")
                reply.require(issuer == expected, f"iss={expected} in the answer, as announced", f"iss {issuer!r:.200}")


def _authorization(api: Api, method: str) -> Answer | None:
    """Ask the authorization endpoint for a code; None if the profile has no client that could."""
    profile = api.profile
    grant = profile.code_grant
    if grant is None or not profile.authorize_url:
        return None
    client = profile.grants[grant].client
    redirect_uri = api.examination.target.identities.client(client).redirect_uri
    if redirect_uri is None:
        return None
    # By nobody: what a server says at once takes no login.
    return api.send(api.authorization_request(Proof(None, CHALLENGE, method)).opened_by("").as_control())


def _sent_back(reply: Answer) -> dict[str, str]:
    """Return the parameters that the browser is sent back to the client with; empty if it is sent elsewhere."""
    location = reply.response.header("location") or ""
    target = next((value for name, value in reply.draft.query if name == "redirect_uri"), "")
    if not (isinstance(target, str) and location.startswith(target)):
        return {}
    found = {name: values[0] for name, values in consent.parameters_of(location).items()}
    return found if {"code", "error"} & found.keys() else {}


def issuer_of(url: str) -> str | None:
    """Return the issuer that a metadata document at this URL is for; None if the URL does not tell.

    RFC 8414 3.1 puts the well-known part between host and path, OpenID discovery behind the path.
    """
    parts = urlsplit(url)
    before, mark, after = parts.path.partition(WELL_KNOWN)
    if not mark:
        return None
    behind = after.partition("/")[2]
    path = before or (f"/{behind}" if behind else "")
    return parts._replace(path=path, query="", fragment="").geturl()


def _same_place(one: str, other: str) -> bool:
    """Compare URLs, with the names of the loopback host alike, and a slash at the end without meaning."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[object, ...]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return (url,)
    host = "loopback" if parts.hostname in LOOPBACK else parts.hostname
    return parts.scheme, host, port, parts.path.rstrip("/"), parts.query, parts.fragment


def _listed(answer: Answer, member: str) -> list[object] | None:
    found = answer.members.get(member)
    return found if isinstance(found, list) else None
