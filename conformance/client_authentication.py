"""How a client proves itself at the token endpoint."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.drafts import Draft, Text
from pytest_apiauth.edits import Edit
from pytest_apiauth.exchange import Exchange
from pytest_apiauth.profile import GrantType
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, rule

from .parts import authenticated_clients, basic_clients, unattended_grants
from .resource import challenges_of

WRONG = Edit("reverse")


def without_client(draft: Draft) -> Draft:
    """Take the client's credentials away, wherever they stand."""
    return draft.without_header("Authorization").without("client_id", "client_secret")


@rule(
    "tok-wrong-secret", level=Level.MUST, safety=Safety.LOCKOUT, sources=("RFC 6749 5.2", "DA-01", "DI-06", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("secret-ignored",),
)  # fmt: skip
def wrong_secret(exchange: Exchange, grant: GrantType) -> None:
    """A wrong secret gives no token, and the answer says invalid_client."""
    valid = exchange.token_request(grant)
    wrong: tuple[Edit, ...] = (Edit("reverse"), Edit("whole", text="apiauth-wrong-secret-0123456789"), Edit("double"))
    for edit in wrong:
        with exchange.row():
            answer = exchange.send(valid.editing(valid.secret("CLIENT_SECRET"), edit), twin=valid).no_token()
            answer.advise(answer.status in (400, 401), "400 or 401 for a wrong client secret")
            answer.advise(answer.members.get("error") == "invalid_client", "the error code invalid_client")
    # In the body as well, where a client that authenticates by header may be checked less.
    nobody = without_client(valid).setting("client_id", valid.carried("CLIENT_ID"))
    for secret in ("apiauth-wrong-secret-0123456789", ""):
        with exchange.row():
            exchange.send(nobody.setting("client_secret", secret), twin=valid).no_token()


@rule(
    "tok-client-auth-needed", level=Level.MUST, safety=Safety.ISSUE,
    sources=("RFC 6749 3.2.1", "DA-12", "DI-01", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("client-auth-optional",),
)  # fmt: skip
def client_authentication_needed(exchange: Exchange, grant: GrantType) -> None:
    """A client that does not authenticate gets no token, with or without its id."""
    valid = exchange.token_request(grant)
    nobody = without_client(valid)
    client = valid.carried("CLIENT_ID")
    for draft in (nobody, nobody.setting("client_id", client), nobody.setting("client_id", "apiauth-nobody")):
        with exchange.row():
            exchange.send(draft, twin=valid).no_token()


@rule(
    "tok-401-challenge", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 6749 5.2", "RFC 9110 15.5.2"),
    applies=basic_clients, control=Control.TWIN, faults=("client-refusal-without-challenge",),
)  # fmt: skip
def challenge_for_basic(exchange: Exchange, grant: GrantType) -> None:
    """A client refused by its Basic header gets 401 and a Basic challenge."""
    valid = exchange.token_request(grant)
    answer = exchange.send(valid.editing(valid.secret("CLIENT_SECRET"), Edit("reverse")), twin=valid).no_token()
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
                    answer.no_token()


@rule(
    "tok-nothing-in-url", level=Level.MUST, safety=Safety.LOCKOUT,
    sources=("RFC 6749 2.3.1", "RFC 6749 4.4.2", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("token-parameters-from-query",),
)  # fmt: skip
def nothing_in_url(exchange: Exchange, grant: GrantType) -> None:
    """Client credentials in the URL authenticate nobody."""
    valid = exchange.token_request(grant)
    client, secret = valid.carried("CLIENT_ID"), valid.carried("CLIENT_SECRET")
    draft = without_client(valid).with_query(("client_id", client), ("client_secret", secret))
    exchange.send(draft, twin=valid).no_token()


@rule(
    "tok-two-auth-methods", level=Level.SHOULD, safety=Safety.LOCKOUT, sources=("RFC 6749 2.3",),
    applies=basic_clients, control=Control.TWIN, faults=("second-method-wins",),
)  # fmt: skip
def two_methods(exchange: Exchange, grant: GrantType) -> None:
    """A client that authenticates in two ways at once is refused, at least where one of them is wrong."""
    valid = exchange.token_request(grant)
    client, secret = valid.carried("CLIENT_ID"), valid.carried("CLIENT_SECRET")
    both = valid.setting("client_id", client).setting("client_secret", secret)
    wrong_header = valid.editing(valid.secret("CLIENT_SECRET"), WRONG)
    exchange.send(wrong_header.setting("client_id", client).setting("client_secret", secret), twin=valid).no_token()
    exchange.send(valid.setting("client_id", client).setting("client_secret", "apiauth-wrong"), twin=valid).no_token()
    exchange.send(both, twin=valid).advise_no_token("a refusal of two good methods at once")


@rule(
    "tok-client-mixed", level=Level.MUST, safety=Safety.LOCKOUT, sources=("RFC 6749 3.2.1", "RFC 6749 2.3.1", PROFILE),
    applies=authenticated_clients, control=Control.TWIN, faults=("secret-of-any-client", "body-client-ignored"),
)  # fmt: skip
def mixed_clients(exchange: Exchange, grant: GrantType) -> None:
    """One client's id with another one's secret gives no token, nor does a foreign id beside a good header."""
    valid = exchange.token_request(grant)
    if exchange.profile.token.client_auth == "client_secret_basic":
        answer = exchange.send(valid.setting("client_id", "apiauth-nobody"), twin=valid)
        answer.advise_no_token("a refusal of a client_id in the body that is not the authenticated client's")
    other = exchange.credential("CLIENT_SECRET", "second")
    exchange.send(valid.replacing(valid.secret("CLIENT_SECRET"), other), twin=valid).no_token()
