"""Revoking tokens (RFC 7009) and asking whether one lives (RFC 7662), where the API offers it.

Every token that a rule revokes is one of its own. Good servers differ in what a hint does, in whether another
client is told that it may not revoke, and in what becomes of a self-contained access token: that warns at most.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from pytest_apiauth.auth.drafts import Draft, Ref
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.profile.model import DEFAULT, GrantType, Profile, Zone
from pytest_apiauth.rules import Control, Level, Parts, Safety, draws, rule
from pytest_apiauth.suite.api import Answer, Exchange
from pytest_apiauth.suite.outcomes import NotApplicable, OutOfReach

from .client_authentication import without_client
from .parts import UNATTENDED, issued_token_zones, issuing_grants, refresh
from .strategies import B64TOKEN, case_changes, near_misses, strangers, wildcards

UNKNOWN: Final = "apiauth-no-such-token-0123456789"
WRONG_SECRET: Final = "apiauth-wrong-secret-0123456789"

unknown_tokens = st.text(B64TOKEN, min_size=8, max_size=120)
edits_or_none = st.none() | near_misses | case_changes | wildcards | strangers


def _authenticates(profile: Profile) -> bool:
    return profile.token.client_auth != "none"


def _usual(profile: Profile) -> dict[str, GrantType]:
    return {profile.usual_grant: profile.usual_grant} if profile.usual_grant else {}


revocable = Parts(
    "no revocation endpoint is documented",
    lambda profile: {**issuing_grants.find(profile), **refresh.find(profile)} if profile.revocation_url else {},
)
usually_revocable = Parts(
    "no revocation endpoint is documented",
    lambda profile: {**_usual(profile), **refresh.find(profile)} if profile.revocation_url else {},
)
revoking = Parts(
    "no revocation endpoint is documented", lambda profile: _usual(profile) if profile.revocation_url else {}
)
strange_clients = Parts(
    "no revocation endpoint is documented, or clients do not authenticate",
    lambda profile: {"anonymous": "", "second": "second"} if profile.revocation_url and _authenticates(profile) else {},
)
asking = Parts(
    "no introspection endpoint is documented, or clients do not authenticate",
    lambda profile: _usual(profile) if profile.introspection_url and _authenticates(profile) else {},
)
asked_zones = Parts(
    "no introspection endpoint is documented, or no zone needs an issued token",
    lambda profile: issued_token_zones.find(profile) if asking.find(profile) else {},
)


@rule(
    "rev-unknown-200", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 7009 2.2",),
    applies=revoking, control=Control.ITSELF, faults=("revocation-unknown-refused",),
)  # fmt: skip
@draws(unknown=unknown_tokens)
def unknown_token_is_no_error(exchange: Exchange, grant: GrantType, unknown: str) -> None:
    """Revoking a token that nobody knows succeeds: it is as dead as the client wants it."""
    valid = revocation(exchange, unknown, client_of(exchange, grant))
    revoked(exchange.send(valid))
    without = exchange.send(valid.without("token"), twin=valid)
    without.advise(400 <= without.status < 500, "a refusal with a 4xx status where no token is named")


@rule(
    "rev-effective", level=Level.MUST, safety=Safety.REVOKE, sources=("RFC 7009 2", "RFC 7009 2.1", "RFC 7009 2.2"),
    applies=revocable, control=Control.TWIN,
    faults=(
        "revocation-without-effect", "revocation-of-refresh-without-effect", "revocation-repeated-refused",
        "revocation-without-cascade", "introspection-dead-active",
    ),
)  # fmt: skip
def revocation_ends_the_token(exchange: Exchange, grant: GrantType) -> None:
    """A revoked token is refused from then on; with a refresh token goes what stems from it."""
    if grant == "refresh_token":
        for is_refreshed in (False, True):
            _refresh_token_ends(exchange, is_refreshed=is_refreshed)
        return
    token = fresh(exchange, grant)
    # A resource may check a self-contained token by itself, and then RFC 7009 3 leaves it open when it ends.
    is_binding = not _is_self_contained(exchange.examination.value(token.name))
    client = client_of(exchange, grant)
    for use, answer in _after_revocation(exchange, token, client):
        words = f"the access token {use.death} after its revocation"
        answer.require(use.is_dead(answer) or not is_binding, words, f"{answer.got}, as if it were alive")
        answer.advise(use.is_dead(answer), words, f"{answer.got}, as if it were alive")
        exchange.proved_again(use.twin)
    revoked(exchange.send(revocation(exchange, token, client)))


@rule(
    "rev-client-bound", level=Level.SHOULD, safety=Safety.REVOKE, sources=("RFC 7009 2.1",),
    applies=strange_clients, control=Control.TWIN, faults=("revocation-open", "revocation-any-client"),
)  # fmt: skip
def revocation_is_bound(exchange: Exchange, who: str) -> None:
    """Nobody but the client that a token was issued to can revoke it."""
    grant = exchange.profile.usual_grant
    assert grant is not None
    if who:
        exchange.credential("CLIENT_SECRET", who)
    owner = client_of(exchange, grant)
    token = fresh(exchange, grant)
    uses = _shown(_uses(exchange, owner, token))
    # What the same client may do shows that the refusal is about the token and not about the client.
    twin = revocation(exchange, UNKNOWN, who or owner)
    valid = revocation(exchange, token, who or owner)
    for draft in [valid] if who else strangers_of(valid):
        answer = exchange.send(draft, twin=twin)
        for use in uses:
            after = exchange.send(use.draft)
            answer.require(use.lives(after), "the token alive afterwards", f"{answer.got}, and the token is dead")
        # Another client may be told 200 all the same: to it the token is as good as unknown.
        answer.advise(bool(who) or 400 <= answer.status < 500, "a refusal with a 4xx status")
        exchange.proved_again(twin)


@rule(
    "rev-hint-inert", level=Level.SHOULD, safety=Safety.REVOKE, sources=("RFC 7009 2.1",),
    applies=usually_revocable, control=Control.TWIN,
    faults=("revocation-hint-trusted", "revocation-hint-unknown-inert"),
)  # fmt: skip
def hint_is_inert(exchange: Exchange, grant: GrantType) -> None:
    """A wrong or unknown token_type_hint does not keep a token from being revoked."""
    if grant == "refresh_token":
        for hint in ("access_token", "apiauth_unknown", "refresh_token"):
            _refresh_token_ends(exchange, hint=hint)
        return
    client = client_of(exchange, grant)
    plain = _after_revocation(exchange, fresh(exchange, grant), client)
    if any(use.lives(answer) for use, answer in plain):
        raise NotApplicable("a revocation without a hint does not end the token either")
    for hint in ("refresh_token", "apiauth_unknown", "access_token"):
        for use, answer in _after_revocation(exchange, fresh(exchange, grant), client, hint):
            words = f"the access token {use.death} after its revocation with token_type_hint={hint}"
            answer.require(not use.lives(answer), words, f"{answer.got}, as if it were alive")


@rule(
    "int-guarded", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 7662 2.1", "RFC 7662 2.2", "RFC 7662 2.3"),
    applies=asking, control=Control.TWIN,
    faults=(
        "introspection-open", "introspection-any-client", "introspection-unknown-refused", "introspection-reason-told",
    ),
)  # fmt: skip
def introspection_is_guarded(exchange: Exchange, grant: GrantType) -> None:
    """Who asks about a token must authenticate, and learns of a token that is not live just that."""
    token = exchange.credential("ACCESS_TOKEN")
    valid = introspection(exchange, token, client_of(exchange, grant))
    for draft in strangers_of(valid):
        with exchange.row():
            answer = exchange.send(draft, twin=valid)
            is_refusal = answer.is_refusal and "active" not in answer.members
            answer.require(is_refusal, "a refusal that does not say whether the token lives")
            answer.advise(400 <= answer.status < 500, "a refusal with a 4xx status")
            exchange.proved_again(valid)
    without = exchange.send(valid.without("token"), twin=valid)
    without.require(without.members.get("active") is not True, "no live token where none is named", "active: true")
    seen = set()
    for edit in (Edit("whole", text=UNKNOWN), Edit("replace", at=500, text="x"), Edit("reverse"), Edit("double")):
        with exchange.row():
            found = exchange.attempt(valid.editing(token.name, edit), twin=valid)
            if found is None:
                continue
            told = found.members.get("active")
            is_dead = found.status == 200 and told is False
            found.require(is_dead, "200 with active: false", f"{found.got}, active: {told}")
            found.advise(set(found.members) == {"active"}, "nothing but active: false", f"{sorted(found.members)}")
            seen.add(json.dumps(found.members, sort_keys=True))
            found.advise(len(seen) == 1, "the same answer for every token that is not live")


@rule(
    "int-agrees", level=Level.SHOULD, safety=Safety.ISSUE, sources=("RFC 7662 2.2",),
    applies=asked_zones, control=Control.TWIN, faults=("introspection-live-inactive", "introspection-case-folded"),
)  # fmt: skip
@draws(edit=edits_or_none)
def introspection_agrees(exchange: Exchange, zone: Zone, edit: Edit | None) -> None:
    """Introspection says of a token, valid or almost, what the API itself does with it."""
    grant = exchange.profile.usual_grant
    assert grant is not None
    token = exchange.credential("ACCESS_TOKEN")
    asked = introspection(exchange, token, client_of(exchange, grant))
    for valid in exchange.requests(zone, "bearer"):
        used = exchange.send(valid.editing(token.name, edit) if edit else valid, twin=valid)
        told = exchange.send(asked.editing(token.name, edit) if edit else asked, twin=asked)
        works = used.is_admitted
        expected = f"active: {str(works).lower()}, since the API answers the same token with {used.status}"
        told.require((told.members.get("active") is True) == works, expected, f"{told.got}, the opposite")
        known = exchange.examination.value(asked.secret("CLIENT_ID"))
        told.advise(
            told.members.get("client_id") in (None, known), "the client_id of the token's own client", "another"
        )


# Requests


def revocation(exchange: Exchange, token: Ref | str, client: str, hint: str | None = None) -> Draft:
    """Give the request with which a client revokes a token (RFC 7009 2.1)."""
    return _about(exchange, exchange.profile.revocation_url or "", token, client, hint)


def introspection(exchange: Exchange, token: Ref | str, client: str) -> Draft:
    """Give the request with which a client asks about a token (RFC 7662 2.1)."""
    return _about(exchange, exchange.profile.introspection_url or "", token, client)


def _about(exchange: Exchange, url: str, token: Ref | str, client: str, hint: str | None = None) -> Draft:
    parameters: list[tuple[str, object]] = [("token", token)]
    if hint is not None:
        parameters.append(("token_type_hint", hint))
    if not _authenticates(exchange.profile) and exchange.profile.credentials.client_id is not None:
        parameters.append(("client_id", exchange.credential("CLIENT_ID", client)))
    return exchange.as_client(url, *parameters, client=client)


def client_of(exchange: Exchange, grant: GrantType) -> str:
    """Give the name of the client that uses a grant."""
    row = exchange.profile.grants.get(grant)
    return row.client if row else DEFAULT


def fresh(exchange: Exchange, grant: GrantType) -> Ref:
    """Get an access token that nothing else uses."""
    exchange.steps.clear()
    return exchange.keep("REVOKED_TOKEN", str(exchange.examination.issue(grant)["access_token"]))


def strangers_of(valid: Draft) -> Iterator[Draft]:
    """Give a client's request from nobody, from its mere name, and from a client that does not exist."""
    client, secret = valid.carried("CLIENT_ID"), valid.carried("CLIENT_SECRET")
    yield without_client(valid)
    yield without_client(valid).setting("client_id", client)
    # No client of the real ones, so that nobody is locked out by it.
    unknown = valid.editing(client.name, Edit("whole", text="apiauth-nobody"))
    yield unknown.editing(secret.name, Edit("whole", text=WRONG_SECRET))


def revoked(answer: Answer) -> Answer:
    """Require the answer to a revocation that succeeds, as one of an unknown token does (RFC 7009 2.2)."""
    answer.require(200 <= answer.status < 300, "success, since the token is dead afterwards")
    return answer.advise(answer.status == 200, "the status 200")


# Whether a token lives


@dataclass(frozen=True, slots=True)
class Use:
    """A request that shows whether an access token lives, and its twin with another token."""

    draft: Draft
    twin: Draft
    is_question: bool = False

    @property
    def death(self) -> str:
        """How the answer says that the token is dead."""
        return "not active" if self.is_question else "refused"

    def lives(self, answer: Answer) -> bool:
        """Whether the answer says that the token lives."""
        if self.is_question:
            return answer.members.get("active") is True
        return answer.succeeds

    def is_dead(self, answer: Answer) -> bool:
        """Whether the answer says that the token is dead: a resource refuses it, and does not send it elsewhere."""
        return not self.lives(answer) if self.is_question else answer.is_refusal


def _uses(exchange: Exchange, client: str, *tokens: Ref) -> list[Use]:
    """Give the requests that show now that access tokens live: at each zone, and by introspection."""
    uses = []
    for token in tokens:
        for zone in issued_token_zones.find(exchange.profile).values():
            header = exchange.header("bearer", token)
            uses += [Use(valid.with_header(*header), valid) for valid in exchange.requests(zone, "bearer")]
        if asking.find(exchange.profile):
            twin = introspection(exchange, exchange.credential("ACCESS_TOKEN"), client)
            uses.append(Use(introspection(exchange, token, client), twin, is_question=True))
    return [use for use in uses if use.lives(exchange.send(use.draft))]


def _shown(uses: list[Use]) -> list[Use]:
    if not uses:
        raise NotApplicable("no request shows whether an access token of this grant lives")
    return uses


def _after_revocation(exchange: Exchange, token: Ref, client: str, hint: str | None = None) -> list[tuple[Use, Answer]]:
    """Revoke an access token and use it again. Raises NotApplicable where the server revokes none."""
    uses = _shown(_uses(exchange, client, token))
    answer = exchange.send(revocation(exchange, token, client, hint))
    if answer.members.get("error") == "unsupported_token_type" and hint is None:
        raise NotApplicable("the server says that it does not revoke access tokens (RFC 7009 2.2.1)")
    if hint is None:
        revoked(answer)
    exchange.take(answer)
    exchange.examination.forget_tokens()
    return [(use, exchange.send(use.draft, twin=use.twin)) for use in uses]


def _refresh_token_ends(exchange: Exchange, *, is_refreshed: bool = False, hint: str | None = None) -> None:
    """Revoke a refresh token, the first or the second of its line, and require that it gives no token any more."""
    profile = exchange.profile
    grants = [name for name in profile.grants if name in UNATTENDED or exchange.examination.target.has_browser]
    giving = [name for name in grants if name != "refresh_token" and profile.answer_of(name).refresh_token]
    if not giving:
        raise OutOfReach("no grant that works without a person gives a refresh token")
    grant, client = giving[0], client_of(exchange, "refresh_token")
    exchange.steps.clear()
    members = exchange.examination.issue(grant, client=client)
    tokens = [exchange.keep("REVOKED_TOKEN", str(members["access_token"]))]
    if not isinstance(members.get("refresh_token"), str):
        raise NotApplicable("no refresh token came with the token")
    token = exchange.keep("REVOKED_REFRESH_TOKEN", str(members["refresh_token"]))
    if is_refreshed:
        again = exchange.send(exchange.token_request("refresh_token").setting("refresh_token", token)).members
        tokens.append(exchange.keep("REVOKED_TOKEN_OF_REFRESH", str(again.get("access_token"))))
        if isinstance(again.get("refresh_token"), str):
            token = exchange.keep("REVOKED_REFRESH_TOKEN", str(again["refresh_token"]))
    uses = _uses(exchange, client, *tokens) if hint is None else []
    answer = exchange.send(revocation(exchange, token, client, hint))
    if hint is None:
        revoked(answer)
    exchange.take(answer)
    exchange.examination.forget_tokens()
    for use in uses:
        after = exchange.send(use.draft, twin=use.twin)
        words = f"the access tokens {use.death} after the revocation of their refresh token"
        after.advise(not use.lives(after), words, f"{after.got}, as if it were alive")
    spent = exchange.token_request("refresh_token").setting("refresh_token", token)
    exchange.send(spent, twin=exchange.twin("refresh_token")).no_token()


def _is_self_contained(token: str) -> bool:
    """Whether a token is a signed JWT (RFC 7519 3), which a resource can check by itself."""
    head, *rest = token.split(".")
    try:
        return len(rest) == 2 and "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return False
