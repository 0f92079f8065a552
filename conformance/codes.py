"""What becomes of an authorization code: it works once, for whom it was given, with the proof it was asked with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ITSELF,
    LOAD,
    LOCKOUT,
    MUST,
    NO_PROOF,
    REVOKE,
    SHOULD,
    Api,
    Draft,
    Edit,
    GrantType,
    History,
    NotApplicable,
    OutOfReach,
    Parameters,
    Proof,
    Role,
    Unchanged,
    consent,
    rule,
)

from .authorization import LOGIN_FIRST, STRANGE
from .client_authentication import OTHERS, WRONG, another_client, from_nobody, open_to_nobody
from .grid.cells import Class, Slot, fills
from .grid.classes import CASES, NEAR_MISSES, STAND_INS, brief
from .parts import authorization, code_of_clients
from .refresh import bearer_requests, need_opened
from .rotation import RACERS, RACES

LOOK = (
    "The redemption of a code: one atomic step that finds the row, compares client, redirect_uri and"
    " challenge with what was stored, and marks it used."
)


@rule(
    MUST,
    "RFC 6749 4.1.2",
    "RFC 6749 10.5",
    "RFC 9700 4.5",
    applies=authorization,
    catches="code-reusable",
    safety=CONSUME,
    look="A redeemed code is deleted or marked in the transaction that issues the token.",
)
def code_single_use(api: Api, grant: GrantType) -> None:
    """A code gives a token once, and never again."""
    draft = api.token_request(grant)
    api.send(draft).issued()
    for _ in range(2):
        again = api.send(draft.in_doubt()).no_token()
        again.advise(again.members.get("error") == "invalid_grant", "the error code invalid_grant")


@rule(
    SHOULD,
    "RFC 6749 4.1.2",
    "RFC 6749 10.5",
    applies=authorization,
    catches="code-race-lost",
    safety=LOAD,
    control=ITSELF,
    look="Reading and marking a code is one atomic step: DELETE ... RETURNING, or UPDATE ... WHERE used ="
    " false and a look at the count of rows.",
)
def code_race(api: Api, grant: GrantType) -> None:
    """Of several requests at once with one code, one at most gets a token."""
    api.send(api.token_request(grant)).issued()
    for _ in range(RACES):
        draft = api.token_request(grant)
        winners = History(api).all_at_once(draft, RACERS)
        again = api.send(draft, alone=True)
        again.require(len(winners) <= 1, "one token for one code", f"{len(winners)} tokens at the same moment")


@rule(
    SHOULD,
    "RFC 6749 4.1.2",
    applies=authorization,
    catches="code-reuse-spares-tokens",
    safety=REVOKE,
    look="Keep the row of a used code with what it has given, to revoke that when it comes again (RFC 6749 4.1.2).",
)
def code_reuse_revokes(api: Api, grant: GrantType) -> None:
    """A code that comes a second time ends the tokens that the first time gave."""
    draft = api.token_request(grant)
    drafts, history = bearer_requests(api), History(api)
    tokens = history.send(draft)
    opened = history.opened(tokens, drafts)
    if api.send(draft.in_doubt()).has_token:
        raise NotApplicable("the code worked a second time, which is another rule's finding")
    if tokens.refresh is not None and api.profile.can_refresh:
        spent = history.request(tokens, client=api.profile.client_of(grant))
        api.send(spent.in_doubt()).no_token()
    else:
        need_opened(drafts, opened)
    for valid in opened:
        api.send(history.using(tokens, valid)).refused()


def _grant_only(parameters: Parameters) -> Parameters:
    """Return the parameters of a token request without the client's own."""
    return tuple((name, value) for name, value in parameters if not name.startswith("client_"))


@rule(
    MUST,
    "RFC 6749 4.1.3",
    "RFC 6749 10.6",
    applies=authorization,
    catches=("code-any-client", "code-any-redirect", "code-redirect-optional"),
    safety=CONSUME,
    look="Client and redirect_uri are stored with the code and compared at its redemption, the latter"
    " whenever it was in the request (RFC 6749 4.1.3).",
)
def code_bound(api: Api, grant: GrantType) -> None:
    """A code works for the client and the redirect_uri that it was given for, and for no other."""
    for spell in (lambda uri: STRANGE, lambda uri: f"{uri}/apiauth", lambda uri: f"{uri}x", str.swapcase):
        with api.row():
            draft = api.token_request(grant)
            uri = str(dict(draft.parameters)["redirect_uri"])
            api.send(draft.setting("redirect_uri", spell(uri))).no_token()
    # OAuth 2.1 drops the parameter here, so its absence is no more than noted.
    without = api.send(api.token_request(grant).omitting("redirect_uri"))
    without.advise(not without.has_token, "no token without the redirect_uri of the authorization request")
    # That the other client's own request succeeds, whatever its grant, shows that the client itself is good. One that
    # can be sent codes may have no other grant.
    other = another_client(api, api.profile.client_of(grant))
    usable = [name for name in api.profile.grants if GRANTS[name].is_of_client and api.profile.may_use(other, name)]
    own = next(iter(usable), grant)
    if api.examination.target.identities.client(other).redirect_uri is not None and api.profile.may_use(other, grant):
        own = grant
    parameters = api.token_request(grant).parameters
    foreign = api.as_client(api.profile.token_endpoint, *_grant_only(parameters), client=other)
    api.send(foreign.beside(api.control_of(own, client=other))).no_token()


@fills(Slot.CODE, Class.NOTHING, Class.NEAR, Class.CASE, Class.STAND_IN, Class.ANOTHERS)
@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 6749 1.9",
    applies=authorization,
    catches="code-case-folded",
    safety=CONSUME,
    look="The lookup of the code: by its whole value in its case; mind the column's collation.",
)
def code_near_miss(api: Api, grant: GrantType) -> None:
    """What is nearly a code is none, and nothing else is one either."""
    for edit in (*brief(NEAR_MISSES, CASES, STAND_INS), Edit("whole")):
        # A code of its own for each row: a refused attempt may have ended it.
        with suppress(Unchanged), api.row():
            draft = api.token_request(grant)
            api.send(draft.editing(draft.carried(Role.CODE), edit)).no_token()
    with api.row():
        draft = api.token_request(grant)
        api.send(draft.omitting("code")).no_token()
    for role in OTHERS:
        with suppress(NotApplicable), api.row():
            other = api.ref(role)
            draft = api.token_request(grant)
            api.send(draft.replacing(draft.carried(Role.CODE), other)).no_token()


@rule(
    MUST,
    "RFC 6749 3.2.1",
    "RFC 6749 4.1.3",
    applies=code_of_clients,
    catches="code-client-optional",
    safety=LOCKOUT,
    look="The code grant authenticates the client as every other does; PKCE replaces no secret.",
)
def code_client_auth(api: Api, grant: GrantType) -> None:
    """A code gives a token to a client that proves itself, with its own secret."""
    cause = open_to_nobody(api)
    for which in range(3):
        with api.row():
            api.send(from_nobody(api.token_request(grant))[which]).no_token(cause)
    with api.row():
        api.send(api.token_request(grant).proving_wrongly(WRONG)).no_token(cause)


WRONG_VERIFIERS = (
    Edit("replace", at=0, text="~"), Edit("replace", at=500, text="~"), Edit("replace", at=999, text="~"),
    Edit("truncate", at=990), Edit("extend", text="a"), Edit("prepend", text="a"), Edit("delete", at=500),
    Edit("swap", at=300), Edit("toggle"), Edit("reverse"), Edit("double"), *brief(CASES, STAND_INS),
)  # fmt: skip
OF_CHALLENGE = (600, 950)
"""Where a challenge differs from the verifier's: a server may compare its beginning only."""


@fills(Slot.VERIFIER, Class.NOTHING, Class.NEAR, Class.CASE, Class.STAND_IN, Class.ANOTHERS)
@rule(
    MUST,
    "RFC 7636 4.6",
    "RFC 9700 2.1.1",
    applies=authorization,
    catches=("verifier-ignored", "verifier-optional", "verifier-not-hashed", "challenge-beginning-compared"),
    safety=CONSUME,
    look="The stored challenge decides whether a verifier is needed: compare base64url(sha256(verifier))"
    " without padding, all of it, with it.",
)
def pkce_verifier(api: Api, grant: GrantType) -> None:
    """A code that was asked for with a challenge takes the one verifier that fits it."""
    with api.row():
        api.send(api.token_request(grant).omitting("code_verifier")).no_token()
    with api.row():
        api.send(api.token_request(grant).setting("code_verifier", "")).no_token()
    for edit in WRONG_VERIFIERS:
        with api.row():
            draft = api.token_request(grant)
            answer = api.attempt(draft.editing(draft.carried(Role.VERIFIER), edit))
            if answer is not None:
                answer.no_token()
    with api.row():
        draft = api.token_request(grant)
        api.send(draft.setting("code_verifier", draft.carried(Role.CODE))).no_token()
    for at in OF_CHALLENGE:
        with api.row():
            proof = Proof.fresh()
            near = redemption(api, replace(proof, challenge=Edit("change", at).apply(str(proof.challenge))))
            if near is not None:
                api.send(near.in_doubt()).no_token()
    proof = Proof.fresh()
    itself = redemption(api, Proof(proof.challenge, proof.challenge, proof.method))
    if itself is not None:
        api.send(itself.in_doubt()).no_token()


def redemption(api: Api, proof: Proof, own: str = "") -> Draft | None:
    """Get a code with a proof key of one's own and give the request that redeems it; None if no code came."""
    api.examination.obtaining.need_browser()
    draft = api.authorization_request(proof).beside(api.authorization_request())
    answer = api.send(draft)
    found = consent.callback(draft, answer.response, proof)
    if not own:
        api.steps.clear()
        api.take(answer, "gives CODE")
    return None if found is None else api.redemption(found, own)


@rule(
    SHOULD,
    "RFC 9700 2.1.1",
    "RFC 9700 4.8.2",
    applies=authorization,
    catches="pkce-downgrade-accepted",
    safety=CONSUME,
    look="A code without a stored challenge is not redeemed with a code_verifier: refuse it (RFC 9700 4.8.2).",
)
def pkce_downgrade(api: Api, grant: GrantType) -> None:
    """A code that was asked for without a challenge is not redeemed with a verifier."""

    def code_without_challenge(own: str = "CONTROL") -> Draft:
        draft = redemption(api, NO_PROOF, own)
        if draft is None:
            raise NotApplicable("the server demands a proof key")
        return draft

    valid = code_without_challenge("").as_control(code_without_challenge)
    answer = api.send(valid.setting("code_verifier", str(Proof.fresh().verifier))).no_token()
    # RFC 9700 2.1.1 is strict about clients without a secret only.
    is_public = api.profile.token.client_auth == "none"
    answer.advise(not is_public, "a proof key demanded of a client without a secret", "a code without one")


WRONG_METHODS = ("plain", None, "PLAIN", "s256", "S512", "apiauth")
OUTSIDE = {
    "of 42 letters": "a" * 42,
    "of 129 letters": "a" * 129,
    "with a slash": "a" * 42 + "/",
    "with a blank": "a" * 42 + " ",
    "without a letter": "",
}
WITHIN = {"of 43 letters": "a" * 43, "of 128 letters": "a" * 128, "of signs": "-._~" * 11}


@fills(Slot.VERIFIER, Class.SIZE)
@rule(
    SHOULD,
    "RFC 7636 4.1",
    "RFC 7636 4.2",
    "RFC 7636 4.4.1",
    "RFC 9700 2.1.1",
    applies=authorization,
    catches=("pkce-plain-accepted", "pkce-any-method", "verifier-short-accepted"),
    safety=CONSUME,
    look="The methods of PKCE: S256 alone, and a verifier of 43 to 128 unreserved characters (RFC 7636 4.1).",
)
def pkce_plain(api: Api, grant: GrantType) -> None:
    """Challenges are of the method S256, and verifiers have 43 to 128 unreserved characters."""
    valid = api.authorization_request()
    seen = False
    for method in WRONG_METHODS:
        with api.row():
            proof = Proof.fresh()
            is_plain = method is None or method.lower() == "plain"
            api.steps[:] = ["export PROOF=$(openssl rand -hex 32)  # a verifier of your own"] if is_plain else []
            challenge = api.keep("PROOF", str(proof.verifier)) if is_plain else proof.challenge
            draft = consent.asking(valid, code_challenge=challenge, code_challenge_method=method)
            answer = api.send(draft)
            seen = seen or consent.sort_of(draft, answer.response) in ("refused", "client")
            found = consent.callback(draft, answer.response, proof)
            # A challenge may also be passed over in silence: then another code works without any proof.
            other = consent.callback(draft, api.send(draft).response, NO_PROOF) if found is not None else None
            for code in (found, other):
                if code is not None and api.send(api.redemption(code).in_doubt()).has_token:
                    words = f"an error for the challenge method {method or 'plain, meant by none'}"
                    answer.fails(words, "a code that works")
    api.control(valid)
    if not seen:
        raise OutOfReach(LOGIN_FIRST)
    if api.examination.has_browser:
        _lengths(api, grant)


def _lengths(api: Api, grant: GrantType) -> None:
    for words, verifier in WITHIN.items():
        with api.row():
            draft = redemption(api, Proof.of(verifier))
            if draft is not None:
                answer = api.send(draft.in_doubt())
                answer.require(answer.has_token, f"a token for a verifier {words}")
    for words, verifier in OUTSIDE.items():
        with api.row():
            draft = redemption(api, Proof.of(verifier))
            if draft is not None:
                answer = api.send(draft.in_doubt())
                answer.require(not answer.has_token, f"no token for a verifier {words}", "a token")
                answer.no_token()
