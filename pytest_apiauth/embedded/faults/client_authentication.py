"""Faults in client authentication at the token endpoint (RFC 6749 2.3, 3.2)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import form_pairs
from pytest_apiauth.embedded.refusal import Challenge
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import DEFAULT, GrantType


def in_query(request: Request) -> Parameters:
    """Read the parameters of the query; a query that is no form has none."""
    try:
        return {name: value for name, value in form_pairs(request.query) if value}
    except ValueError:
        return {}


@fault("secret-ignored", "takes any secret of a known client for the right one")
class SecretIgnored(Policy):
    def client_passes(self, client: ClientRecord, secret: str) -> bool:
        return bool(secret) or super().client_passes(client, secret)


@fault("client-id-prefix", "looks a client up by the first half of its id")
class ClientIdPrefix(Policy):
    def find_client(self, client_id: str) -> ClientRecord | None:
        halves = (each for name, each in self.state.clients.items() if name[: len(name) // 2] in client_id)
        return super().find_client(client_id) or next(halves, None)


@fault("client-auth-optional", "takes a request without client credentials for one of the default client")
class ClientAuthOptional(Policy):
    def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
        if client is None and self.client_auth != "none":
            return self.state.client_named(DEFAULT)
        return super().unproven_client(client, parameters)


@fault("client-refusal-without-challenge", "the 401 to a client has no WWW-Authenticate")
class ClientRefusalWithoutChallenge(Policy):
    def client_challenges(self, request: Request) -> list[Challenge]:
        return []


@fault("token-by-get", "issues tokens to GET, with the parameters in the query or in a body")
class TokenByGet(Policy):
    def is_token_method(self, method: str) -> bool:
        return method == "GET" or super().is_token_method(method)

    def parameters(self, request: Request) -> Parameters:
        if request.method != "GET":
            return super().parameters(request)
        return {**in_query(request), **(super().parameters(request) if request.body else {})}


@fault("token-parameters-from-query", "reads client credentials and grant parameters from the query of a POST too")
class TokenParametersFromQuery(Policy):
    def parameters(self, request: Request) -> Parameters:
        query = in_query(request)
        if query and not request.body:
            return query
        return {**query, **super().parameters(request)}

    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        query = in_query(request)
        if "client_secret" in query and request.header("authorization") is None:
            return query.get("client_id"), query["client_secret"]
        return super().client_credentials(request, parameters)


@fault("second-method-wins", "a good secret in the body makes up for a bad Basic header")
class SecondMethodWins(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        if self.client_auth == "client_secret_basic" and "client_secret" in parameters:
            return parameters.get("client_id"), parameters["client_secret"]
        return super().client_credentials(request, parameters)


@fault("body-client-ignored", "a client_id in the body that is not the authenticated client's is overlooked")
class BodyClientIgnored(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        if "client_secret" not in parameters and request.header("authorization") is not None:
            parameters = {name: value for name, value in parameters.items() if name != "client_id"}
        return super().client_credentials(request, parameters)


@fault("secret-of-any-client", "the secret of any client passes for any other client")
class SecretOfAnyClient(Policy):
    def client_passes(self, client: ClientRecord, secret: str) -> bool:
        return any(super(SecretOfAnyClient, self).client_passes(each, secret) for each in self.state.clients.values())


@fault("grants-of-any-client", "gives a client tokens by grants that it is not registered for")
class GrantsOfAnyClient(Policy):
    def may_use(self, client: ClientRecord | None, grant: GrantType) -> bool:
        return True
