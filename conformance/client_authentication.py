"""How a client proves itself at the token endpoint."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

from pytest_apiauth.auth.drafts import Draft, Text
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.profile.model import GrantType
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, rule
from pytest_apiauth.suite.api import Cause, Exchange
from pytest_apiauth.suite.examination import Examination

from .parts import authenticated_clients, basic_clients, unattended_grants
from .resource import challenges_of

WRONG = Edit("reverse")


def without_client(draft: Draft) -> Draft:
    """Take the client's credentials away, wherever they stand."""
    return draft.without_header("Authorization").without("client_id", "client_secret")


def from_nobody(valid: Draft) -> tuple[Draft, ...]:
    """Give a token request without client authentication: with no id at all, the client's, and one of nobody."""
    nobody, client = without_client(valid), valid.carried("CLIENT_ID")
    return nobody, nobody.setting("client_id", client), nobody.setting("client_id", "apiauth-nobody")


_OPEN: WeakKeyDictionary[Examination, dict[GrantType, bool]] = WeakKeyDictionary()


def open_to_nobody(exchange: Exchange, *grants: GrantType) -> Cause:
    """Name what explains a token for a client that is not what it should be: anybody gets one, by one of the grants.

    That is one finding, and the matter of tok-client-auth-needed; what else then works in client authentication
    shows nothing further. It is asked once an examination, and only when there is something to explain.
    """

    def is_open(grant: GrantType) -> bool:
        known = _OPEN.setdefault(exchange.examination, {})
        if grant not in known:
            valid = exchange.token_request(grant)
            known[grant] = any(exchange.send(draft, twin=valid).has_token for draft in from_nobody(valid))
        return known[grant]

    def holds() -> bool:
        return any(is_open(grant) for grant in grants or authenticated_clients.find(exchange.profile).values())

    return Cause("tok-client-auth-needed", holds)


@rule(
    "tok-wrong-secret", level=Level.MUST, safety=Safety.LOCKOUT, sources=("RFC 6749 5.2", "DA-01", "DI-06", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("secret-ignored",),
)  # fmt: skip
def wrong_secret(exchange: Exchange, grant: GrantType) -> None:
    """A wrong secret gives no token, and the answer says invalid_client."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    wrong: tuple[Edit, ...] = (Edit("reverse"), Edit("whole", text="apiauth-wrong-secret-0123456789"), Edit("double"))
    for edit in wrong:
        with exchange.row():
            answer = exchange.send(valid.editing(valid.secret("CLIENT_SECRET"), edit), twin=valid).no_token(cause)
            answer.advise(answer.status in (400, 401), "400 or 401 for a wrong client secret")
            answer.advise(answer.members.get("error") == "invalid_client", "the error code invalid_client")
    # In the body as well, where a client that authenticates by header may be checked less.
    nobody = without_client(valid).setting("client_id", valid.carried("CLIENT_ID"))
    for secret in ("apiauth-wrong-secret-0123456789", ""):
        with exchange.row():
            exchange.send(nobody.setting("client_secret", secret), twin=valid).no_token(cause)


@rule(
    "tok-client-auth-needed", level=Level.MUST, safety=Safety.ISSUE,
    sources=("RFC 6749 3.2.1", "DA-12", "DI-01", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("client-auth-optional",),
)  # fmt: skip
def client_authentication_needed(exchange: Exchange, grant: GrantType) -> None:
    """A client that does not authenticate gets no token, with or without its id."""
    valid = exchange.token_request(grant)
    for draft in from_nobody(valid):
        with exchange.row():
            exchange.send(draft, twin=valid).no_token()


@rule(
    "tok-401-challenge", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 6749 5.2", "RFC 9110 15.5.2"),
    applies=basic_clients, control=Control.TWIN, faults=("client-refusal-without-challenge",),
)  # fmt: skip
def challenge_for_basic(exchange: Exchange, grant: GrantType) -> None:
    """A client refused by its Basic header gets 401 and a Basic challenge."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    answer = exchange.send(valid.editing(valid.secret("CLIENT_SECRET"), Edit("reverse")), twin=valid).no_token(cause)
    answer.require(answer.status == 401, "401 for a wrong Basic header")
    schemes = [challenge.scheme for challenge in challenges_of(answer)]
    answer.require("basic" in schemes, "a Basic challenge with the 401", f"challenges {schemes}")


@rule(
    "tok-get-refused", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 3.2", PROFILE),
    applies=unattended_grants, control=Control.TWIN, faults=("token-by-get",),
)  # fmt: skip
def not_by_get(exchange: Exchange, grant: GrantType) -> None:
    """A token is issued to a POST only."""
    valid = exchange.token_request(grant)
    # Secrets of the body stay in the body: a URL ends in logs.
    public: tuple[tuple[str, Text], ...] = tuple(
        (name, value) for name, value in valid.parameters if isinstance(value, str)
    )
    for method in ("GET", "HEAD", "PUT"):
        for draft in (replace(valid, method=method), replace(valid, method=method, query=public)):
            with exchange.row():
                answer = exchange.attempt(draft, twin=valid)
                if answer is not None:
                    # What stands at the same place for other methods may be a page.
                    answer.no_token(is_due=False)


@rule(
    "tok-nothing-in-url", level=Level.MUST, safety=Safety.LOCKOUT,
    sources=("RFC 6749 2.3.1", "RFC 6749 4.4.2", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("token-parameters-from-query",),
)  # fmt: skip
def nothing_in_url(exchange: Exchange, grant: GrantType) -> None:
    """Client credentials in the URL authenticate nobody."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    client, secret = valid.carried("CLIENT_ID"), valid.carried("CLIENT_SECRET")
    draft = without_client(valid).with_query(("client_id", client), ("client_secret", secret))
    exchange.send(draft, twin=valid).no_token(cause)


@rule(
    "tok-two-auth-methods", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 6749 2.3",),
    applies=basic_clients, control=Control.TWIN, faults=("second-method-wins",),
)  # fmt: skip
def two_methods(exchange: Exchange, grant: GrantType) -> None:
    """A client that authenticates in two ways at once is refused, at least where one of them is wrong."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    client, secret = valid.carried("CLIENT_ID"), valid.carried("CLIENT_SECRET")
    both = valid.setting("client_id", client).setting("client_secret", secret)
    wrong_header = valid.editing(valid.secret("CLIENT_SECRET"), WRONG)
    wrong_header = wrong_header.setting("client_id", client).setting("client_secret", secret)
    wrong_body = valid.setting("client_id", client).setting("client_secret", "apiauth-wrong")
    for draft in (wrong_header, wrong_body):
        exchange.send(draft, twin=valid).no_token(cause)
    exchange.send(both, twin=valid).advise_no_token("a refusal of two good methods at once", cause)


@rule(
    "tok-client-mixed", level=Level.MUST, safety=Safety.LOCKOUT, sources=("RFC 6749 3.2.1", "RFC 6749 2.3.1", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("secret-of-any-client", "body-client-ignored"),
)  # fmt: skip
def mixed_clients(exchange: Exchange, grant: GrantType) -> None:
    """One client's id with another one's secret gives no token, nor does a foreign id beside a good header."""
    cause = open_to_nobody(exchange, grant)
    valid = exchange.token_request(grant)
    if exchange.profile.token.client_auth == "client_secret_basic":
        answer = exchange.send(valid.setting("client_id", "apiauth-nobody"), twin=valid)
        words = "a refusal of a client_id in the body that is not the authenticated client's"
        answer.advise_no_token(words, cause)
    other = exchange.credential("CLIENT_SECRET", "second")
    exchange.send(valid.replacing(valid.secret("CLIENT_SECRET"), other), twin=valid).no_token(cause)
