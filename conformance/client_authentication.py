"""How a client proves itself at the token endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from pytest_apiauth.rules import (
    DEFAULT,
    ISSUE,
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Cause,
    Draft,
    Edit,
    GrantType,
    NotApplicable,
    OutOfReach,
    Parts,
    Profile,
    Ref,
    Role,
    Text,
    Unchanged,
    equivalent,
    proof_role,
    rule,
)

from .grid.cells import Class, Slot, fills
from .grid.classes import NAMELESS, NEAR_MISSES, SIZES, STAND_INS
from .grid.standing import guessed
from .parts import authenticated_clients, basic_clients, secret_clients, unattended_grants
from .resource import challenges_of

LOOK = (
    "The function that authenticates the client at the token endpoint: it runs before any grant does,"
    " knows one method a client, and ends with invalid_client."
)

WRONG = Edit("reverse")
OTHERS = (
    Role.CLIENT_ID, Role.CLIENT_SECRET, Role.USERNAME, Role.PASSWORD, Role.API_KEY, Role.PERSONAL_ACCESS_TOKEN,
    Role.ACCESS_TOKEN,
)  # fmt: skip
"""What a run has that could stand in a secret's place."""


def without_client(draft: Draft) -> Draft:
    """Take the client's credentials away, wherever they stand."""
    return draft.without("client")


def another_client(api: Api, than: str, grant: GrantType | None = None) -> str:
    """Return the name of another client that can prove itself, and use a grant. Raises NotApplicable if none is."""
    return api.another(proof_role(api.profile), than=than, grant=grant).who


def from_nobody(valid: Draft) -> tuple[Draft, ...]:
    """Return a token request without client authentication: with no id at all, the client's, and one of nobody."""
    nobody, client = without_client(valid), valid.carried(Role.CLIENT_ID)
    return nobody, nobody.setting("client_id", client), nobody.setting("client_id", "apiauth-nobody")


def open_to_nobody(api: Api, *grants: GrantType) -> Cause:
    """Name what explains a token for a client that is not what it should be: anybody gets one, by one of the grants.

    That is one finding, and the matter of tok-client-auth-needed; what else then works in client authentication
    shows nothing further. It is asked once an examination, and only when there is something to explain.
    """

    def is_open(grant: GrantType) -> bool:
        return any(api.send(draft).has_token for draft in from_nobody(api.token_request(grant)))

    def holds() -> bool:
        asked = grants or authenticated_clients.find(api.profile).values()
        return any(api.once(("open to nobody", grant), partial(is_open, grant)) for grant in asked)

    return Cause("tok-client-auth-needed", holds)


def others_values(api: Api, valid: Draft, secret: Ref) -> Iterator[Draft]:
    """Yield a token request with each other credential of the run in the place of one.

    In the place of a name no secret is put: names are what servers write into their logs.
    """
    own = api.examination.value(secret)
    for role in (each for each in OTHERS if each.is_public or not secret.role.is_public):
        try:
            other = api.ref(role)
        except NotApplicable:
            continue
        if role is not secret.role and not equivalent(api.examination.value(other), own):
            yield valid.replacing(secret, other)


@fills(Slot.CLIENT_SECRET, Class.STAND_IN, Class.ANOTHERS, Class.SIZE)
@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=secret_clients,
    catches="secret-ignored",
    safety=LOCKOUT,
    look="The secret check of the token endpoint: a client that has a secret needs it in every grant; answer"
    " 401 with invalid_client (RFC 6749 5.2).",
)
def tok_wrong_secret(api: Api, grant: GrantType) -> None:
    """A wrong secret gives no token, and the answer says invalid_client."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    secret = valid.carried(Role.CLIENT_SECRET)
    wrong: tuple[Edit, ...] = (Edit("reverse"), Edit("whole", text="apiauth-wrong-secret-0123456789"))
    for draft in (*(valid.editing(secret, edit) for edit in wrong), *others_values(api, valid, secret)):
        with api.row():
            answer = api.send(draft).no_token(cause)
            answer.advise(answer.status in (400, 401), "400 or 401 for a wrong client secret")
            answer.advise(answer.members.get("error") == "invalid_client", "the error code invalid_client")
    for value in (*STAND_INS, *SIZES):
        with suppress(Unchanged), api.row():
            guessed(api, valid, secret, value.edit, cause)
    # In the body as well, if a client that authenticates by header may be checked less.
    nobody = without_client(valid).setting("client_id", valid.carried(Role.CLIENT_ID))
    api.each(
        (nobody.setting("client_secret", secret) for secret in ("apiauth-wrong-secret-0123456789", "")),
        lambda answer: answer.no_token(cause),
    )


@fills(Slot.CLIENT_ID, Class.NEAR, Class.STAND_IN, Class.ANOTHERS, Class.SIZE)
@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 6749 2.2",
    PROFILE,
    applies=secret_clients,
    catches="client-id-prefix",
    safety=LOCKOUT,
    look="The lookup of the client: by its whole id in its exact case; mind the column's collation.",
)
def tok_client_unknown(api: Api, grant: GrantType) -> None:
    """A secret is its client's: beside an id that is nearly the client's, it gives no token."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    client = valid.carried(Role.CLIENT_ID)
    # No change of case: the register of a server may well be kept without.
    for table in (NEAR_MISSES, NAMELESS, SIZES):
        for value in table:
            with suppress(Unchanged), api.row():
                guessed(api, valid, client, value.edit, cause)
    api.each(others_values(api, valid, client), lambda answer: answer.no_token(cause))


@fills((Slot.CLIENT_ID, Slot.CLIENT_SECRET), Class.NOTHING)
@rule(
    MUST,
    "RFC 6749 3.2.1",
    PROFILE,
    applies=authenticated_clients,
    catches="client-auth-optional",
    safety=ISSUE,
    look="The list of methods of the client: 'none' is for public clients alone (Authlib:"
    " check_endpoint_auth_method, oauthlib: client_authentication_required).",
)
def tok_client_auth_needed(api: Api, grant: GrantType) -> None:
    """A client that does not authenticate gets no token, with or without its id."""
    valid = api.token_request(grant)
    api.each(from_nobody(valid), Answer.no_token)


@rule(
    SHOULD,
    "RFC 6749 5.2",
    "RFC 9110 15.5.2",
    applies=basic_clients,
    catches="client-refusal-without-challenge",
    safety=LOCKOUT,
    look="The handler of invalid_client: 401 with WWW-Authenticate: Basic if the client came by the"
    " Authorization header (RFC 6749 5.2).",
)
def tok_401_challenge(api: Api, grant: GrantType) -> None:
    """A client refused by its Basic header gets 401 and a Basic challenge."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    answer = api.send(valid.editing(valid.carried(Role.CLIENT_SECRET), Edit("reverse"))).no_token(cause)
    answer.require(answer.status == 401, "401 for a wrong Basic header")
    schemes = [challenge.scheme for challenge in challenges_of(answer)]
    answer.require("basic" in schemes, "a Basic challenge with the 401", f"challenges {schemes}")


@rule(
    MUST,
    "RFC 6749 3.2",
    PROFILE,
    applies=unattended_grants,
    catches=("token-by-get", "token-parameters-anywhere"),
    safety=ISSUE,
    look="The methods of the token route: POST alone, with parameters from the body alone (Flask:"
    " request.form and not request.values).",
)
def tok_get_refused(api: Api, grant: GrantType) -> None:
    """A token is issued to a POST only."""
    valid = api.token_request(grant)
    # Secrets of the body stay in the body: a URL ends in logs.
    public: tuple[tuple[str, Text], ...] = tuple(
        (name, value) for name, value in valid.parameters if isinstance(value, str)
    )
    # No HEAD: its answer has no content, so no token either.
    for method in ("GET", "PUT"):
        for draft in (replace(valid, method=method), replace(valid, method=method, query=public)):
            with api.row():
                answer = api.attempt(draft)
                if answer is not None:
                    # What stands at the same place for other methods may be a page.
                    answer.no_token(is_due=False, again=False)
    if public:
        with api.row():
            without = valid.omitting(*(name for name, _ in public))
            # Who gives a token without them has not read them anywhere.
            if not api.send(without).has_token:
                in_query = api.send(replace(without, query=public))
                in_query.advise_no_token("no token for parameters in the URL, which is written into logs")
    api.control(valid)


@rule(
    MUST,
    "RFC 6749 2.3.1",
    "RFC 6749 4.4.2",
    PROFILE,
    applies=secret_clients,
    catches="token-parameters-from-query",
    safety=LOCKOUT,
    look="Where the token endpoint reads parameters: from the body, never from the query (Flask:"
    " request.form and not request.values; Django: request.POST).",
)
def tok_nothing_in_url(api: Api, grant: GrantType) -> None:
    """Client credentials in the URL authenticate nobody."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    client, secret = valid.carried(Role.CLIENT_ID), valid.carried(Role.CLIENT_SECRET)
    draft = without_client(valid).with_query(("client_id", client), ("client_secret", secret))
    api.send(draft).no_token(cause)


@rule(
    SHOULD,
    "RFC 6749 2.3",
    applies=basic_clients,
    catches="second-method-wins",
    safety=LOCKOUT,
    look="The method of client authentication is decided once: a request with a Basic header and a"
    " client_secret is refused with 400 or 401, and no second method is tried.",
)
def tok_two_auth_methods(api: Api, grant: GrantType) -> None:
    """A client that authenticates in two ways at once is refused, at least if one of them is wrong."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    client, secret = valid.carried(Role.CLIENT_ID), valid.carried(Role.CLIENT_SECRET)
    both = valid.setting("client_id", client).setting("client_secret", secret)
    wrong_header = valid.editing(valid.carried(Role.CLIENT_SECRET), WRONG)
    wrong_header = wrong_header.setting("client_id", client).setting("client_secret", secret)
    wrong_body = valid.setting("client_id", client).setting("client_secret", "apiauth-wrong")
    for draft in (wrong_header, wrong_body):
        api.send(draft).no_token(cause)
    api.send(both).advise_no_token("a refusal of two good methods at once", cause)


def _not_granted(profile: Profile) -> dict[str, tuple[str, GrantType]]:
    every = (DEFAULT, *profile.clients)
    asked = authenticated_clients.find(profile).values()
    return {f"{who}.{grant}": (who, grant) for who in every for grant in asked if not profile.may_use(who, grant)}


@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=Parts("no client is documented as one that may not use some grant", _not_granted),
    catches="grants-of-any-client",
    safety=ISSUE,
    look="The grants of a client: check its list before the grant runs (Authlib: check_grant_type, oauthlib:"
    " validate_grant_type); answer unauthorized_client.",
)
def tok_client_grants(api: Api, which: tuple[str, GrantType]) -> None:
    """A client that proves itself gets no token by a grant that it may not use."""
    who, grant = which
    profile = api.profile
    asked = [name for name in authenticated_clients.find(profile).values() if profile.may_use(who, name)]
    # By its own name alone the default client is whoever uses the grant.
    own = next((name for name in asked if who != DEFAULT or profile.client_of(name) == who), None)
    if own is None:
        raise OutOfReach(f"the client {who} has no grant that works without a person, to show that it is good")
    named = ("client_id", "client_secret")
    parameters = [each for each in api.token_request(grant).parameters if each[0] not in named]
    draft = api.as_client(profile.token_endpoint, *parameters, client=who).beside(api.control_of(own, client=who))
    answer = api.send(draft).no_token()
    error = answer.members.get("error")
    answer.advise(error == "unauthorized_client", "the error code unauthorized_client", f"error {error!r:.80}")


@rule(
    MUST,
    "RFC 6749 3.2.1",
    "RFC 6749 2.3.1",
    PROFILE,
    applies=secret_clients,
    catches=("secret-of-any-client", "body-client-ignored"),
    safety=LOCKOUT,
    look="The secret is compared with the one of the client that the same pair names, and client_id in the"
    " body has to be the authenticated client.",
)
def tok_client_mixed(api: Api, grant: GrantType) -> None:
    """One client's id with another one's secret gives no token, nor does a foreign id beside a good header."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    if api.profile.token.client_auth == "client_secret_basic":
        answer = api.send(valid.setting("client_id", "apiauth-nobody"))
        words = "a refusal of a client_id in the body that is not the authenticated client's"
        answer.advise_no_token(words, cause)
    secret = valid.carried(Role.CLIENT_SECRET)
    other = api.another(Role.CLIENT_SECRET, than=secret.who)
    if api.examination.value(other) == api.examination.value(secret):
        raise NotApplicable(f"the client {other.who} has the secret of {secret.who}, so neither is another's")
    api.send(valid.replacing(valid.carried(Role.CLIENT_SECRET), other)).no_token(cause)
