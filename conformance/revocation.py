"""Revoking tokens (RFC 7009) and asking whether one lives (RFC 7662), if the API offers it.

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

from pytest_apiauth.rules import (
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
    OutOfReach,
    Parts,
    Profile,
    Ref,
    Role,
    Zone,
    about_token,
    draws,
    rule,
)

from .client_authentication import WRONG, another_client, without_client
from .grid.cells import Class, Slot, fills
from .grid.classes import CASES, NEAR_MISSES, SIZES, STAND_INS
from .parts import by_oauth, issued_token_zones, issuing_grants, refresh
from .strategies import B64TOKEN, case_changes, near_misses, strangers, wildcards

LOOK = (
    "The revocation and introspection views: they authenticate the client, look the token up by its whole"
    " value, and write the state that the resource server reads."
)

UNKNOWN: Final = "apiauth-no-such-token-0123456789"

unknown_tokens = st.text(B64TOKEN, min_size=8, max_size=120)
edits_or_none = st.none() | near_misses | case_changes | wildcards | strangers


def _authenticates(profile: Profile) -> bool:
    return profile.token.client_auth != "none"


def _usual(profile: Profile) -> dict[str, GrantType]:
    return {profile.usual_grant: profile.usual_grant} if profile.usual_grant else {}


revocable = by_oauth(
    Parts(
        "no revocation endpoint is documented",
        lambda profile: {**issuing_grants.find(profile), **refresh.find(profile)} if profile.revocation_url else {},
    )
)
usually_revocable = by_oauth(
    Parts(
        "no revocation endpoint is documented",
        lambda profile: {**_usual(profile), **refresh.find(profile)} if profile.revocation_url else {},
    )
)
revoking = by_oauth(
    Parts("no revocation endpoint is documented", lambda profile: _usual(profile) if profile.revocation_url else {})
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
    MUST,
    "RFC 7009 2.2",
    applies=revoking,
    catches="revocation-unknown-refused",
    control=ITSELF,
    look="The revocation view answers 200 for a token that it does not find (RFC 7009 2.2).",
)
@draws(unknown=unknown_tokens)
def rev_unknown_200(api: Api, grant: GrantType, unknown: str) -> None:
    """Revoking a token that nobody knows succeeds: it is as dead as the client wants it."""
    valid = revocation(api, unknown, client_of(api, grant))
    revoked(api.send(valid))
    without = api.send(valid.omitting("token"))
    without.advise(400 <= without.status < 500, "a refusal with a 4xx status where no token is named")


@rule(
    MUST,
    "RFC 7009 2",
    "RFC 7009 2.1",
    "RFC 7009 2.2",
    "RFC 7662 2.2",
    applies=revocable,
    catches=(
        "revocation-without-effect",
        "revocation-of-refresh-without-effect",
        "revocation-repeated-refused",
        "revocation-without-cascade",
        "introspection-dead-active",
        "introspection-dead-described",
    ),
    safety=REVOKE,
    look="What the revocation view writes is what resources read: signed tokens need a list of ended ones,"
    " caches an invalidation, and a refresh token takes its access tokens along.",
)
def rev_effective(api: Api, grant: GrantType) -> None:
    """A revoked token is refused from then on; with a refresh token goes what stems from it."""
    if GRANTS[grant].refreshes:
        for is_refreshed in (False, True):
            _refresh_token_ends(api, is_refreshed=is_refreshed)
        return
    token = fresh(api, grant)
    # A resource may check a self-contained token by itself, and then RFC 7009 3 leaves it open when it ends.
    is_binding = not is_self_contained(api.examination.value(token))
    client = client_of(api, grant)
    for use, answer in _after_revocation(api, token, client):
        words = f"the access token {use.death} after its revocation"
        answer.require(use.is_dead(answer) or not is_binding, words, f"{answer.got}, as if it were alive")
        answer.advise(use.is_dead(answer), words, f"{answer.got}, as if it were alive")
        if use.is_question and use.is_dead(answer):
            answer.advise(set(answer.members) == {"active"}, "nothing but active: false", f"{sorted(answer.members)}")
        api.control(use.draft)
    revoked(api.send(revocation(api, token, client)))


@rule(
    SHOULD,
    "RFC 7009 2.1",
    applies=strange_clients,
    catches=("revocation-open", "revocation-any-client"),
    safety=REVOKE,
    look="The revocation view authenticates the client, and compares it with the token's own (RFC 7009 2.1).",
)
def rev_client_bound(api: Api, who: str) -> None:
    """Nobody but the client that a token was issued to can revoke it."""
    grant = api.profile.usual_grant
    assert grant is not None
    owner = client_of(api, grant)
    if who:
        who = another_client(api, owner)
    token = fresh(api, grant)
    uses = _shown(_uses(api, owner, token))
    # What the same client may do shows that the refusal is about the token and not about the client.
    valid = revocation(api, token, who or owner).beside(revocation(api, UNKNOWN, who or owner))
    for draft in [valid] if who else strangers_of(valid):
        answer = api.send(draft)
        for use in uses:
            after = api.send(use.draft.as_control())
            answer.require(use.lives(after), "the token alive afterwards", f"{answer.got}, and the token is dead")
        # Another client may be told 200 all the same: to it the token is as good as unknown.
        answer.advise(bool(who) or 400 <= answer.status < 500, "a refusal with a 4xx status")
        api.control(valid)


@rule(
    SHOULD,
    "RFC 7009 2.1",
    applies=usually_revocable,
    catches=("revocation-hint-trusted", "revocation-hint-unknown-inert"),
    safety=REVOKE,
    look="token_type_hint is a hint: where the hinted kind is not found, or not known, look among the others"
    " (RFC 7009 2.1).",
)
def rev_hint_inert(api: Api, grant: GrantType) -> None:
    """A wrong or unknown token_type_hint does not keep a token from being revoked."""
    if GRANTS[grant].refreshes:
        for hint in ("access_token", "apiauth_unknown", "refresh_token"):
            _refresh_token_ends(api, hint=hint)
        return
    client = client_of(api, grant)
    plain = _after_revocation(api, fresh(api, grant), client)
    if any(use.lives(answer) for use, answer in plain):
        raise NotApplicable("a revocation without a hint does not end the token either")
    for hint in ("refresh_token", "apiauth_unknown", "access_token"):
        for use, answer in _after_revocation(api, fresh(api, grant), client, hint):
            words = f"the access token {use.death} after its revocation with token_type_hint={hint}"
            answer.require(not use.lives(answer), words, f"{answer.got}, as if it were alive")


@fills(Slot.ASKED, Class.NOTHING, Class.NEAR, Class.CASE, Class.STAND_IN, Class.SIZE)
@rule(
    MUST,
    "RFC 7662 2.1",
    "RFC 7662 2.2",
    "RFC 7662 2.3",
    applies=asking,
    catches=(
        "introspection-open",
        "introspection-any-client",
        "introspection-unknown-refused",
        "introspection-reason-told",
        "introspection-case-folded",
    ),
    safety=ISSUE,
    look='The introspection view authenticates whoever asks, and answers {"active": false} and no more for'
    " any token that is not live (RFC 7662 2.2).",
)
def int_guarded(api: Api, grant: GrantType) -> None:
    """Who asks about a token must authenticate, and learns of a token that is not live just that."""
    token = api.ref(Role.ACCESS_TOKEN)
    valid = introspection(api, token, client_of(api, grant))
    for draft in strangers_of(valid):
        with api.row():
            answer = api.send(draft)
            is_refusal = answer.is_refusal and "active" not in answer.members
            answer.require(is_refusal, "a refusal that does not say whether the token lives")
            answer.advise(400 <= answer.status < 500, "a refusal with a 4xx status")
            api.control(valid)
    with api.row():
        without = api.send(valid.omitting("token"))
        without.require(without.members.get("active") is not True, "no live token where none is named", "active: true")
    seen = set()
    tables = (NEAR_MISSES, CASES, STAND_INS, SIZES)
    for edit in (Edit("whole", text=UNKNOWN), *(value.edit for table in tables for value in table)):
        with api.row():
            found = api.attempt(valid.editing(token, edit))
            if found is None:
                continue
            told = found.members.get("active")
            is_dead = found.status == 200 and told is False
            found.require(is_dead, "200 with active: false", f"{found.got}, active: {told}")
            found.advise(set(found.members) == {"active"}, "nothing but active: false", f"{sorted(found.members)}")
            seen.add(json.dumps(found.members, sort_keys=True))
            found.advise(len(seen) == 1, "the same answer for every token that is not live")


@rule(
    SHOULD,
    "RFC 7662 2.2",
    applies=asked_zones,
    catches="introspection-live-inactive",
    safety=ISSUE,
    look="The introspection view uses the check that resources use; look for a second lookup with other filters.",
)
@draws(edit=edits_or_none)
def int_agrees(api: Api, zone: Zone, edit: Edit | None) -> None:
    """Introspection says of a token, valid or almost, what the API itself does with it."""
    grant = api.profile.usual_grant
    assert grant is not None
    token = api.ref(Role.ACCESS_TOKEN)
    asked = introspection(api, token, client_of(api, grant))
    for valid in api.requests(zone, "bearer"):
        used = api.send(valid.editing(token, edit) if edit else valid)
        told = api.send(asked.editing(token, edit) if edit else asked)
        works = used.is_admitted
        expected = f"active: {str(works).lower()}, since the API answers the same token with {used.status}"
        told.require((told.members.get("active") is True) == works, expected, f"{told.got}, the opposite")
        known = api.examination.value(asked.carried(Role.CLIENT_ID))
        told.advise(
            told.members.get("client_id") in (None, known), "the client_id of the token's own client", "another"
        )


# Requests


def revocation(api: Api, token: Ref | str, client: str, hint: str | None = None) -> Draft:
    """Return the request with which a client revokes a token (RFC 7009 2.1)."""
    url = api.profile.url(api.profile.revocation_url or "")
    return about_token(api.profile, url, token, client=client, hint=hint)


def introspection(api: Api, token: Ref | str, client: str) -> Draft:
    """Return the request with which a client asks about a token (RFC 7662 2.1)."""
    return about_token(api.profile, api.profile.url(api.profile.introspection_url or ""), token, client=client)


def client_of(api: Api, grant: GrantType) -> str:
    """Return the name of the client that uses a grant."""
    return api.profile.client_of(grant)


def fresh(api: Api, grant: GrantType) -> Ref:
    """Get an access token that nothing else uses."""
    api.steps.clear()
    return api.keep("REVOKED_TOKEN", str(api.examination.obtaining.issue(grant)["access_token"]), Role.ACCESS_TOKEN)


def strangers_of(valid: Draft) -> Iterator[Draft]:
    """Yield a client's request from nobody, from its mere name, and from a client that does not exist."""
    client = valid.carried(Role.CLIENT_ID)
    yield without_client(valid)
    yield without_client(valid).setting("client_id", client)
    # No client of the real ones, so that nobody is locked out by it.
    unknown = valid.editing(client, Edit("whole", text="apiauth-nobody"))
    yield unknown.proving_wrongly(WRONG)


def revoked(answer: Answer) -> Answer:
    """Require the answer to a revocation that succeeds, as one of an unknown token does (RFC 7009 2.2)."""
    answer.require(200 <= answer.status < 300, "success, since the token is dead afterwards")
    return answer.advise(answer.status == 200, "the status 200")


# Whether a token lives


@dataclass(frozen=True, slots=True)
class Use:
    """A request that shows whether an access token lives; beside one with another token."""

    draft: Draft
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


def _uses(api: Api, client: str, *tokens: Ref) -> list[Use]:
    """Return the requests that show now that access tokens live: at each zone, and by introspection."""
    uses = []
    for token in tokens:
        for zone in issued_token_zones.find(api.profile).values():
            uses += [Use(valid.presenting("bearer", token)) for valid in api.requests(zone, "bearer")]
        if asking.find(api.profile):
            question = introspection(api, token, client).beside(introspection(api, api.ref(Role.ACCESS_TOKEN), client))
            uses.append(Use(question, is_question=True))
    return [use for use in uses if use.lives(api.send(use.draft.as_control()))]


def _shown(uses: list[Use]) -> list[Use]:
    if not uses:
        raise NotApplicable("no request shows whether an access token of this grant lives")
    return uses


def _after_revocation(api: Api, token: Ref, client: str, hint: str | None = None) -> list[tuple[Use, Answer]]:
    """Revoke an access token and use it again. Raises NotApplicable if the server revokes none."""
    uses = _shown(_uses(api, client, token))
    answer = api.send(revocation(api, token, client, hint))
    if answer.members.get("error") == "unsupported_token_type" and hint is None:
        raise NotApplicable("the server says that it does not revoke access tokens (RFC 7009 2.2.1)")
    if hint is None:
        revoked(answer)
    api.take(answer)
    api.forget_tokens()
    return [(use, api.send(use.draft)) for use in uses]


def _refresh_token_ends(api: Api, *, is_refreshed: bool = False, hint: str | None = None) -> None:
    """Revoke a refresh token, the first or the second of its line, and require that it gives no token any more."""
    profile = api.profile
    grants = [name for name in profile.grants if api.examination.can_use(name)]
    giving = [name for name in grants if GRANTS[name].stands_alone and profile.answer_of(name).refresh_token]
    if not giving:
        raise OutOfReach("no grant that works without a person gives a refresh token")
    grant, client = giving[0], client_of(api, "refresh_token")
    api.steps.clear()
    members = api.examination.obtaining.issue(grant, client=client)
    tokens = [api.keep("REVOKED_TOKEN", str(members["access_token"]), Role.ACCESS_TOKEN)]
    if not isinstance(members.get("refresh_token"), str):
        raise NotApplicable("no refresh token came with the token")
    token = api.keep("REVOKED_REFRESH_TOKEN", str(members["refresh_token"]), Role.REFRESH_TOKEN)
    if is_refreshed:
        again = api.send(api.token_request("refresh_token").setting("refresh_token", token).as_control()).members
        tokens.append(api.keep("REVOKED_TOKEN_OF_REFRESH", str(again.get("access_token")), Role.ACCESS_TOKEN))
        if isinstance(again.get("refresh_token"), str):
            token = api.keep("REVOKED_REFRESH_TOKEN", str(again["refresh_token"]), Role.REFRESH_TOKEN)
    uses = _uses(api, client, *tokens) if hint is None else []
    answer = api.send(revocation(api, token, client, hint))
    if hint is None:
        revoked(answer)
    api.take(answer)
    api.forget_tokens()
    for use in uses:
        after = api.send(use.draft)
        words = f"the access tokens {use.death} after the revocation of their refresh token"
        after.advise(not use.lives(after), words, f"{after.got}, as if it were alive")
    spent = api.token_request("refresh_token").setting("refresh_token", token)
    api.send(spent.in_doubt()).no_token()


def is_self_contained(token: str) -> bool:
    """Whether a token is a JWT, signed or encrypted (RFC 7519 3), which a resource can check by itself."""
    head, *rest = token.split(".")
    try:
        return len(rest) in (2, 4) and "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return False
