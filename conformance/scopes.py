"""The scope that a token needs: a good token of another scope is refused, and told why.

Where the tokens come from whose scope does not suffice: from each grant of the profile, asked for its own scope without
one of the words that the zone needs, or as it is if it does not ask for that word at all. What the server says of the
scope that it has granted counts; where it grants what was not asked for, nothing can be said.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_apiauth.rules import (
    DOC,
    GRANTS,
    ISSUE,
    PROFILE,
    Api,
    Draft,
    GrantType,
    History,
    NotApplicable,
    Proof,
    Tokens,
    Zone,
    consent,
    rule,
)

from .parts import issued_token_zones, scoped_zones
from .resource import challenges_of

LOOK = (
    "The check of scopes at the resource: it compares whole words of a list, and is made after the token"
    " was found good."
)


def scopes_without(api: Api, zone: Zone) -> Iterator[tuple[GrantType, str | None]]:
    """Yield grants and scopes to ask for, so that a word of the zone's is lacking; None is what clients ask for."""
    for grant in api.profile.grants:
        if not GRANTS[grant].stands_alone or not api.examination.can_use(grant):
            continue
        own = (api.profile.scope_of(grant) or "").split()
        for word in (zone.scope or "").split():
            left = [each for each in own if each != word]
            if left:
                yield grant, None if left == own else " ".join(left)


def asked_for(api: Api, grant: GrantType, scope: str | None) -> Draft | None:
    """Return a token request for a scope; None if nobody is asked for it, or no code came."""
    spent = GRANTS[grant].spends
    if scope is None:
        return api.token_request(grant)
    if spent is None:
        return api.token_request(grant).setting("scope", scope)
    if spent != "code":
        return None
    proof = Proof.fresh()
    draft = consent.asking(api.authorization_request(proof), scope=scope)
    found = consent.callback(draft, api.send(draft, alone=True).response, proof)
    return None if found is None else api.redemption(found)


def lesser_tokens(api: Api, zone: Zone, history: History) -> Iterator[Tokens]:
    """Yield tokens that lack a word of the zone's scope, as far as the server says."""
    for grant, scope in dict.fromkeys(scopes_without(api, zone)):
        draft = asked_for(api, grant, scope)
        answer = None if draft is None else api.send(draft, alone=True)
        if answer is None or not answer.has_token:
            continue
        asked = (scope or api.profile.scope_of(grant) or "").split()
        # RFC 6749 5.1: a scope that is the one that was asked for need not be told.
        granted = answer.granted or asked
        if set(granted) <= set(asked) and not set((zone.scope or "").split()) <= set(granted):
            yield history.taken(answer)


@rule(
    DOC,
    PROFILE,
    "RFC 6750 3.1",
    "RFC 6749 3.3",
    applies=scoped_zones,
    catches=("scope-ignored", "scope-any-word", "scope-refused-as-invalid"),
    safety=ISSUE,
    look="The scope check of the route: set(needed) <= set(token.scope.split()), and 403 with"
    " insufficient_scope rather than 401 (FastAPI: Security(..., scopes=[...])).",
)
def res_insufficient_scope(api: Api, zone: Zone) -> None:
    """A token without the documented scope is refused, with 403 rather than 401: it is good, and not good enough."""
    others = [each for each in issued_token_zones.find(api.profile).values() if each is not zone]
    elsewhere = [valid for other in others for valid in api.requests(other, "bearer")]
    tried = 0
    history = History(api)
    for tokens in lesser_tokens(api, zone, history):
        for valid in api.requests(zone, "bearer"):
            with api.row():
                tried += 1
                answer = api.send(history.using(tokens, valid)).refused()
                if 403 in api.profile.refusal and history.opened(tokens, elsewhere):
                    answer.advise(answer.status == 403, "403 for a good token whose scope does not suffice")
                told = {one.parameters.get("error") for one in challenges_of(answer)}
                words = "the error insufficient_scope, or none"
                answer.advise(answer.status != 403 or told <= {None, "insufficient_scope"}, words, "another one")
    if not tried:
        raise NotApplicable("no grant gives a token without the scope that is needed here")
