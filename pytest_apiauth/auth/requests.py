"""Every valid request of a profile, built once: as drafts over placeholders.

Theory of operation. What a request looks like follows from the profile alone; what its references stand for, from
whoever sends it. So the fixtures' clients put their own values in at once (`requester`), the suite alters the draft
first, a recording plays it, and all of them send the same valid request. Each draft is its own control.

A token request has, in this order: ``grant_type``, the members of its grant, the scope, the resource, what the profile
adds for the grant, and the client if it stands in the body. A public client says who it is (RFC 6749 3.2.1), if it has
a name.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.certified import Certified
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.layouts import Layout
from pytest_apiauth.auth.proofs import PossessionProof
from pytest_apiauth.auth.signatures import Signature
from pytest_apiauth.auth.texts import SPENT, Assertion, FormEncoded, Ref, Role, Text
from pytest_apiauth.credentials.request_signing import RequestSigner
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import KINDS, Place
from pytest_apiauth.profile.login_requests import LaidOut
from pytest_apiauth.profile.model import DEFAULT, GrantSettings, GrantType, Kind, Profile, Reference

ROLES: Final[Mapping[str, Role]] = {
    **SPENT,
    "username": Role.USERNAME,
    "password": Role.PASSWORD,
    "code_verifier": Role.VERIFIER,
    "subject_token": Role.ACCESS_TOKEN,
    "access_token": Role.ACCESS_TOKEN,
    "client_id": Role.CLIENT_ID,
    "client_secret": Role.CLIENT_SECRET,
}
"""What stands in the members of token requests, as far as it is no plain text."""
OF_USER: Final = (Role.USERNAME, Role.PASSWORD, Role.ACCESS_TOKEN)
"""Those of them that are a user's; the others are the client's."""
OF_SCHEMES: Final = (Role.NAMED, Role.SIGNING_KEY)
"""What is of one of ``[schemes]``, by its kind."""
BASIC: Final = Place("header", "Authorization", "Basic ")
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""What a client says its assertion is (RFC 7523 2.2)."""


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """A proof key for code exchange (RFC 7636 4): what the code is asked with, and what is shown for it later.

    >>> proof = Proof.fresh()
    >>> proof.method, Proof.of(proof.verifier) == proof
    ('S256', True)
    """

    verifier: str | None = None
    challenge: str | None = None
    method: str | None = None

    @classmethod
    def of(cls, verifier: str) -> Proof:
        """Return the S256 proof of a verifier (RFC 7636 4.2)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        return cls(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "S256")

    @classmethod
    def fresh(cls) -> Proof:
        """Return a proof that nobody has seen."""
        return cls.of(secrets.token_urlsafe(48))


NO_PROOF: Final = Proof()


def row_of(profile: Profile, grant: GrantType | None) -> GrantSettings:
    """Return what a profile says of a grant; the usual if it says nothing."""
    row = (profile.grants.get(grant) if grant else None) or GrantSettings()
    client = profile.client_of(grant)
    return row if row.client == client else row.model_copy(update={"client": client})


def resource_request(profile: Profile, path: str, kinds: Iterable[Kind]) -> Draft:
    """Return a GET of a path that carries the credentials of some kinds."""
    found = tuple(credential(profile, kind) for kind in kinds)
    is_bound = any(profile.kinds[each.kind].is_issued for each in found if each.kind in profile.kinds)
    proof = _proof(profile) if is_bound else None
    whose = certified(profile, row_of(profile, profile.usual_grant).client, is_bound=is_bound)
    return Draft("GET", profile.url(path), credentials=found, proof=proof, certificate=whose).as_control()


def _proof(profile: Profile) -> PossessionProof | None:
    return PossessionProof() if profile.token.bound == "dpop" else None


def certified(
    profile: Profile, client: str, *, is_bound: bool = False, proves_client: bool = False
) -> Certified | None:
    """Return whose certificate a request comes with: that of its client, if the profile names one or it takes one.

    >>> certified(Profile(schema=1), "default"), certified(Profile(schema=1), "default", is_bound=True)
    (None, None)
    """
    row = profile.credentials if client == DEFAULT else profile.clients.get(client)
    is_named = row is not None and row.certificate is not None
    is_needed = proves_client or (is_bound and profile.token.bound == "mtls")
    return Certified(client, proves_client) if is_named or is_needed else None


def credential(
    profile: Profile, kind: Kind, *, client: str | None = None, user: str = DEFAULT, key: str = DEFAULT
) -> Credential:
    """Return a credential of a kind, as the profile documents it.

    HTTP Basic carries the user if the profile has one, else the client (RFC 7617 2): by default the usual grant's.
    """
    client = client or row_of(profile, profile.usual_grant).client
    of_client = (Role.CLIENT_ID, Role.CLIENT_SECRET)
    owners = dict.fromkeys((Role.API_KEY, *OF_SCHEMES), key) | dict.fromkeys(of_client, client)
    row = profile.kinds.get(kind) or KINDS[kind]
    ways = [[_ref(Role[name], owners.get(Role[name], user), kind) for name in names] for names in row.roles]
    refs = next((way for way in ways if all(is_named(profile, ref) for ref in way)), ways[0])
    value: Text = refs[0] if len(refs) == 1 else (refs[0], ":", refs[1])
    made = Signature(RequestSigner.of(profile, kind)) if row.is_signed else None
    return Credential(kind, value, profile.place_of(kind), is_pair=len(refs) == 2, signature=made)


def _ref(role: Role, who: str, kind: Kind) -> Ref:
    return Ref(role, who, kind=kind if role in OF_SCHEMES else "")


def is_named(profile: Profile, ref: Ref) -> bool:
    """Whether a profile says where a value is; one that is issued is not its business."""
    if ref.role in OF_SCHEMES:
        return profile.schemes[ref.kind].of(ref.who) is not None
    sections: dict[Role, Mapping[str, object]] = {
        Role.CLIENT_ID: profile.clients,
        Role.CLIENT_SECRET: profile.clients,
        Role.PRIVATE_KEY: profile.clients,
        Role.KEY_ID: profile.clients,
        Role.CERTIFICATE: profile.clients,
        Role.USERNAME: profile.users,
        Role.PASSWORD: profile.users,
        Role.API_KEY: profile.keys,
    }
    row = profile.credentials if ref.who == DEFAULT else sections.get(ref.role, {}).get(ref.who)
    return getattr(row, ref.role.value.lower(), None) is not None


def token_request(
    profile: Profile,
    grant: GrantType,
    *,
    client: str | None = None,
    user: str | None = None,
    key: str = DEFAULT,
    own: str = "",
    given: Mapping[str, Text | None] | None = None,
) -> Draft:
    """Return the token request that the profile documents for a grant (RFC 6749 4.1.3, 4.3.2, 4.4.2, 6).

    ``client`` and ``user`` default to those of the grant's own table. ``given`` are texts for members of the grant
    in the place of the usual references; None leaves a member away. ``own`` begins the names of what is spent.
    """
    row, known = row_of(profile, grant), GRANTS[grant]
    client, user = client or row.client, user or row.user
    table = profile.request_of(grant)
    if table is not None:
        return laid_out(
            profile, profile.endpoint_of(grant), table, client=client, user=user, key=key, own=own, given=given
        )
    members: dict[str, object] = {"grant_type": known.grant_type, **known.fixed}
    for name in known.members:
        text = (given or {})[name] if name in (given or {}) else _reference(name, client, user, own)
        if text is not None:
            members[name] = text
    # A code was given for its scope already; a refresh keeps its scope unless the profile says more.
    has_scope = known.asks_scope and (known.stands_alone or grant in profile.grants)
    scope = profile.scope_of(grant) if has_scope else None
    if scope:
        members["scope"] = scope
    if profile.token.resource:
        members["resource"] = profile.token.resource if profile.token.body == "form" else profile.token.resource[0]
    draft = posted(profile, profile.endpoint_of(grant), {**members, **row.extra}, client=client, key=key)
    return replace(draft, proof=_proof(profile)).as_control()


def laid_out(
    profile: Profile,
    url: str,
    table: LaidOut,
    *,
    client: str = DEFAULT,
    user: str = DEFAULT,
    key: str = DEFAULT,
    own: str = "",
    given: Mapping[str, Text | None] | None = None,
) -> Draft:
    """Return a request of a login that is not OAuth's, with the members that its table names."""
    members: dict[str, object] = {}
    for name in table.members:
        text = given[name] if given and name in given else _reference(name, client, user, own)
        if text is not None:
            members[name] = text
    keys = tuple(credential(profile, kind, key=key) for kind in profile.token_route_keys)
    return Draft(
        table.method,
        url,
        (("Accept", "application/json"),),
        keys,
        parameters=tuple(members.items()),
        encoding=table.encoding,
        layout=Layout(table),
    ).as_control()


def logout_request(profile: Profile, given: Mapping[str, Text], *, client: str = DEFAULT) -> Draft:
    """Return the request that ends the tokens of a login that is not OAuth's; ``given`` are the tokens.

    ::

        api.send(logout_request(api.profile, {"access_token": tokens.access}))
    """
    table = profile.logout_request
    assert table is not None
    return laid_out(profile, profile.url(profile.revocation_url or ""), table, client=client, given=given)


def _reference(member: str, client: str, user: str, own: str) -> Ref | None:
    role = ROLES.get(member)
    if role is None:
        return None
    return Ref(role, user) if role in OF_USER else Ref(role, client, own)


def posted(
    profile: Profile, url: str, members: Mapping[str, object], *, client: str = DEFAULT, key: str = DEFAULT
) -> Draft:
    """Return a POST in which a client says who it is, as it does for a token; to another endpoint too."""
    proof, named = _client(profile, client)
    keys = [credential(profile, kind, key=key) for kind in profile.token_route_keys]
    return Draft(
        "POST",
        url,
        (("Accept", "application/json"),),
        (*proof, *keys),
        parameters=tuple(_each_of({**members, **named})),
        encoding=profile.token.body,
        certificate=certified(profile, client, is_bound=True, proves_client=profile.token.is_certified),
    ).as_control()


def _each_of(members: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the members of a body; one that has several values is repeated (RFC 8707 2)."""
    for name, value in members.items():
        if name == "resource" and isinstance(value, tuple):
            yield from ((name, each) for each in value)
        else:
            yield name, value


def _client(profile: Profile, client: str) -> tuple[tuple[Credential, ...], dict[str, object]]:
    """Return the credentials by which a client proves itself, and what stands of it in the body."""
    method = profile.token.client_auth
    who, secret = Ref(Role.CLIENT_ID, client), Ref(Role.CLIENT_SECRET, client)
    if method == "none" or profile.token.is_certified:
        return (), {"client_id": who} if profile.token.is_certified or is_named(profile, who) else {}
    if profile.token.signs_with is not None:
        # The assertion says who it is of; who says so beside it too is understood everywhere (RFC 7521 4.2).
        proof = assertion(profile, client)
        return (), {"client_id": who, "client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}
    if method != "client_secret_basic":
        return (), {"client_id": who, "client_secret": secret}
    pair: Text = (who, ":", secret)
    if profile.token.basic_encoding == "form":
        # A blank as %20: whoever decodes percent signs but no plus signs reads it too.
        pair = (FormEncoded(who, also=" "), ":", FormEncoded(secret, also=" "))
    return (Credential("client", pair, BASIC, is_pair=True),), {}


def assertion(profile: Profile, client: str = DEFAULT) -> Assertion:
    """Return what a client proves itself by where it signs that (RFC 7523 2.2, OpenID Connect Core 9).

    >>> profile = Profile(schema=1, token_url="https://id.example/token", token={"client_auth": "private_key_jwt"})
    >>> assertion(profile).alg, assertion(profile).audience
    ('RS256', 'https://id.example/token')
    """
    settings, alg = profile.token.assertion, profile.token.signs_with
    assert alg is not None
    row = profile.credentials if client == DEFAULT else profile.clients.get(client)
    given = row.key_id if row is not None and proof_role(profile) is Role.PRIVATE_KEY else None
    kid: Ref | str = Ref(Role.KEY_ID, client) if isinstance(given, Reference) else given or ""
    parts = (Ref(Role.CLIENT_ID, client), Ref(proof_role(profile), client), kid)
    return Assertion(parts, settings.audience or profile.token_endpoint, alg, settings.lifetime)


def proof_role(profile: Profile) -> Role:
    """Return what a client proves itself with: its key, its certificate, its secret, or nothing but its name.

    >>> proof_role(Profile(schema=1))
    <Role.CLIENT_SECRET: 'CLIENT_SECRET'>
    """
    by_method = {"none": Role.CLIENT_ID, "private_key_jwt": Role.PRIVATE_KEY}
    if profile.token.is_certified:
        return Role.CERTIFICATE
    return by_method.get(profile.token.client_auth, Role.CLIENT_SECRET)


def about_token(profile: Profile, url: str, token: Text, *, client: str = DEFAULT, hint: str | None = None) -> Draft:
    """Return the request with which a client revokes a token (RFC 7009 2.1), or asks about one (RFC 7662 2.1).

    >>> profile = Profile(schema=1, token_url="https://login.example/token")
    >>> about_token(profile, "https://login.example/revoke", "2YotnFZF", hint="access_token").parameters
    (('token', '2YotnFZF'), ('token_type_hint', 'access_token'))
    """
    members: dict[str, object] = {"token": token}
    if hint is not None:
        members["token_type_hint"] = hint
    return posted(profile, url, members, client=client)


def beginning(profile: Profile, grant: GrantType, *, client: str | None = None, key: str = DEFAULT) -> Draft:
    """Return the request with which a client begins a grant that it then polls for (RFC 8628 3.1)."""
    row, scope = row_of(profile, grant), profile.scope_of(grant)
    members: dict[str, object] = {"scope": scope} if scope else {}
    place = profile.beginning_of(grant)
    return posted(profile, place, {**members, **row.extra}, client=client or row.client, key=key)


def authorization_request(
    profile: Profile, redirect_uri: str, proof: Proof, *, client: str | None = None, state: str | None = None
) -> Draft:
    """Return an authorization request (RFC 6749 4.1.1); the endpoint's own query is kept (RFC 6749 3.1).

    Where the profile says where to, it is one that its client pushes first.
    """
    parts = urlsplit(profile.authorization_endpoint)
    grant = profile.code_grant
    client = client or row_of(profile, grant).client
    asked: list[tuple[str, Text | None]] = [
        *parse_qsl(parts.query, keep_blank_values=True),
        ("response_type", "code"),
        ("client_id", Ref(Role.CLIENT_ID, client)),
        ("redirect_uri", redirect_uri),
        ("scope", (profile.scope_of(grant) if grant else profile.token.scope) or None),
        *(("resource", each) for each in profile.token.resource),
        ("state", secrets.token_urlsafe(32) if state is None else state),
        ("code_challenge", proof.challenge),
        ("code_challenge_method", proof.method),
    ]
    query = tuple((name, value) for name, value in asked if value is not None)
    url = urlunsplit(parts._replace(query="", fragment=""))
    push = pushing(profile, client) if profile.pushed_authorization_request_url else None
    return Draft("GET", url, (("Accept", "text/html"),), query=query, push=push).as_control()


def pushing(profile: Profile, client: str) -> Draft:
    """Return the request in which a client pushes what it asks for (RFC 9126 2.1), still without that.

    It is a form whatever token requests are, and the client proves itself in it as it does in those.
    """
    draft = posted(profile, profile.pushed_authorization_request_endpoint, {}, client=client).encoded("form")
    # Who asks is part of what is asked for.
    return replace(draft.omitting("client_id"), control=None)
