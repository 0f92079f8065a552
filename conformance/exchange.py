"""Token exchange (RFC 8693): a token for a token, and nothing for what is none.

Whom a server lets exchange what is its own policy, so the valid exchange of the profile is what every rule alters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ISSUE,
    ITSELF,
    MUST,
    REVOKE,
    SHOULD,
    Answer,
    Api,
    Draft,
    Edit,
    GrantType,
    NotApplicable,
    Parts,
    Profile,
    Role,
    about_token,
    rule,
)

from .client_authentication import from_nobody
from .revocation import is_self_contained

LOOK = (
    "The token exchange grant: the subject token goes through the same check as at a resource, after the"
    " client was authenticated."
)

NEAR_MISSES: Final = (
    Edit("toggle"), Edit("upper"), Edit("lower"), Edit("truncate", at=990), Edit("extend", text="a"),
    Edit("prepend", text="a"), Edit("delete", at=500), Edit("swap", at=300), Edit("reverse"),
)  # fmt: skip
TYPE: Final = "urn:ietf:params:oauth:token-type:"


def _exchanging(profile: Profile) -> dict[str, GrantType]:
    return {name: name for name in profile.grants if GRANTS[name].takes == "access_token"}


exchange = Parts("the grant token_exchange is not documented", _exchanging)
exchange_by_clients = Parts(
    "the grant token_exchange is not documented, or clients do not authenticate",
    lambda profile: _exchanging(profile) if profile.token.client_auth != "none" else {},
)
exchange_and_revocation = Parts(
    "the grant token_exchange is not documented, or no revocation endpoint",
    lambda profile: _exchanging(profile) if profile.revocation_url else {},
)


def gives_nothing(answer: Answer) -> None:
    """Require a refusal without a token; its code is a recommendation, since many servers say invalid_grant."""
    error = answer.no_token().members.get("error")
    answer.advise(error == "invalid_request", "the error invalid_request (RFC 8693 2.2.2)", f"error {error!r:.80}")


@rule(
    MUST,
    "RFC 8693 2.2.1",
    applies=exchange,
    catches="exchange-type-unsaid",
    safety=ISSUE,
    control=ITSELF,
    look="The members of the exchange's answer: access_token, issued_token_type as a URI, token_type (RFC 8693 2.2.1).",
)
def exchange_answer(api: Api, grant: GrantType) -> None:
    """The answer to an exchange has the token, its type as a URI, and how it is used."""
    answer = api.send(api.token_request(grant)).issued()
    said = answer.members.get("issued_token_type")
    answer.require(isinstance(said, str) and ":" in said, "issued_token_type, a URI", f"{said!r:.80}")
    used = answer.members.get("token_type")
    answer.require(isinstance(used, str) and bool(used), "token_type, a text", f"{used!r:.80}")
    control = ", ".join(answer.response.header_lines("cache-control")).lower()
    answer.advise("no-store" in control, "Cache-Control: no-store", control or "none")


@rule(
    MUST,
    "RFC 8693 2.2.2",
    applies=exchange,
    catches="exchange-subject-case-folded",
    safety=ISSUE,
    look="The lookup of the subject token: by its whole value in its case, with the check that a resource has.",
)
def exchange_near_miss(api: Api, grant: GrantType) -> None:
    """A near miss of a subject token is exchanged for nothing."""
    valid = api.token_request(grant)
    subject = valid.carried(Role.ACCESS_TOKEN)
    api.each((valid.editing(subject, edit) for edit in NEAR_MISSES), gives_nothing)


@rule(
    MUST,
    "RFC 8693 2.1",
    "RFC 8693 2.2.2",
    applies=exchange,
    catches="exchange-subject-unneeded",
    safety=ISSUE,
    look="subject_token and subject_token_type are required: their absence is invalid_request.",
)
def exchange_subject_needed(api: Api, grant: GrantType) -> None:
    """Without a subject token there is nothing to exchange."""
    valid = api.token_request(grant)
    empty = (valid.omitting("subject_token"), valid.setting("subject_token", ""))
    api.each((*empty, valid.setting("subject_token", "apiauth-no-such-token")), gives_nothing)


@rule(
    SHOULD,
    "RFC 8693 2.1",
    "RFC 8693 3",
    applies=exchange,
    catches="exchange-type-ignored",
    safety=ISSUE,
    look="subject_token_type is compared with the kinds that the server can verify, and the token is looked"
    " up as that kind.",
)
def exchange_token_type(api: Api, grant: GrantType) -> None:
    """An access token that is said to be of another type, or of none, is not taken for one."""
    valid = api.token_request(grant)

    def wrong() -> Iterator[Draft]:
        yield from (valid.setting("subject_token_type", TYPE + name) for name in ("refresh_token", "saml2"))
        yield valid.setting("subject_token_type", "urn:example:apiauth")

    api.each(wrong(), gives_nothing)


@rule(
    MUST,
    "RFC 6749 3.2.1",
    "RFC 8693 2.1",
    applies=exchange_by_clients,
    catches="exchange-anonymous",
    safety=ISSUE,
    look="The exchange authenticates the client before it looks at the subject token.",
)
def exchange_client(api: Api, grant: GrantType) -> None:
    """Where clients authenticate, nobody else exchanges a token that got into the wrong hands."""
    api.each(from_nobody(api.token_request(grant)), lambda answer: answer.no_token())


@rule(
    MUST,
    "RFC 8693 2.2.2",
    applies=exchange,
    catches="exchange-subject-outlived",
    safety=CONSUME,
    look="The expiry of the subject token is compared, as a resource does.",
)
def exchange_expired(api: Api, grant: GrantType) -> None:
    """A subject token whose lifetime is over is exchanged for nothing."""
    api.examination.needs_clock()
    usual = api.profile.usual_grant
    assert usual is not None
    members = api.examination.obtaining.issue(usual)
    life = members.get("expires_in", api.profile.answer_of(usual).expires_in)
    if not isinstance(life, int) or isinstance(life, bool):
        raise NotApplicable("neither the profile nor the answer tells how long a token lives")
    subject = api.keep("ENDED_TOKEN", str(members["access_token"]), Role.ACCESS_TOKEN)
    api.send(api.token_request(grant).setting("subject_token", subject)).issued()
    api.advance(life + api.profile.token.leeway)
    api.send(api.token_request(grant).setting("subject_token", subject)).no_token()


@rule(
    MUST,
    "RFC 8693 2.2.2",
    "RFC 7009 2.2",
    applies=exchange_and_revocation,
    catches="exchange-subject-revoked",
    safety=REVOKE,
    look="The state of the subject token is looked up, as a resource does: a signature alone says nothing of"
    " a revocation.",
)
def exchange_revoked(api: Api, grant: GrantType) -> None:
    """A subject token that was revoked is exchanged for nothing."""
    usual = api.profile.usual_grant
    assert usual is not None
    members = api.examination.obtaining.issue(usual)
    subject = api.keep("REVOKED_TOKEN", str(members["access_token"]), Role.ACCESS_TOKEN)
    api.send(api.token_request(grant).setting("subject_token", subject)).issued()
    url = api.profile.url(api.profile.revocation_url or "")
    ended = api.send(about_token(api.profile, url, subject, client=api.profile.grants[usual].client))
    if not ended.succeeds:
        raise NotApplicable("the server says that it does not revoke access tokens (RFC 7009 2.2.1)")
    again = api.send(api.token_request(grant).setting("subject_token", subject))
    if is_self_contained(api.examination.value(subject)):
        # It may live on, as at a resource (RFC 7009 3).
        again.advise(not again.has_token, "no token for a subject token that was revoked", "a token")
    else:
        again.no_token()
