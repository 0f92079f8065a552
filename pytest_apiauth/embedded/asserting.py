"""How a client proves itself by an assertion: the order of the steps (RFC 7523 3).

What a step decides is in `AssertionPolicy`.
"""

from __future__ import annotations

from pytest_apiauth.embedded.jws import taken_apart
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.state import ClientRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request


def asserting_client(policy: Policy, request: Request, parameters: Parameters) -> ClientRecord | None:
    """Return the client that a request proves to come from. Raises Refusal if it proves none."""
    client_id, text = parameters.get("client_id"), parameters.get("client_assertion")
    if text is None:
        client = None if client_id is None else policy.find_client(client_id)
        return policy.unproven_client(client, parameters)
    if parameters.get("client_secret") or request.header_lines("authorization"):
        raise policy.two_methods()
    token = taken_apart(text)
    if token is None or not policy.knows_assertion_type(parameters.get("client_assertion_type")):
        raise policy.invalid_client("The assertion is no JWT.")
    client = policy.asserted_client(token)
    if client is None or not policy.names_same_client(client, parameters):
        raise policy.invalid_client("The assertion is of nobody who is known here.")
    if not policy.is_signed_as_documented(token) or not policy.is_signed_by(token, client):
        raise policy.invalid_client("The assertion is not signed by the client.")
    if not policy.is_meant_for_us(token):
        raise policy.invalid_client("The assertion is for somebody else.")
    if policy.has_ended(token) or not policy.has_begun(token):
        raise policy.invalid_client("The assertion is not good at this time.")
    if not policy.is_new(client, token):
        raise policy.invalid_client("The assertion was used before, or has no jti.")
    policy.state.assertions.add(policy.mark_of(client, token))
    return client
