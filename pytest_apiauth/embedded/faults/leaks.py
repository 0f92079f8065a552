"""Faults that tell too much."""

from __future__ import annotations

import json
from dataclasses import replace

from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord, UserRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import GrantType


@fault("refusal-echoes-credential", "a refusal repeats the credential that it refuses")
class RefusalEchoesCredential(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status in (400, 401, 403) and request.method == "GET":
            brought = (value for kind in self.spots for value in self.lines_of(kind, request))
            said = next(brought, "")
            lines = (*answer.headers, ("X-Debug", said)) if said.isprintable() else answer.headers
            return replace(answer, headers=lines)
        return answer


@fault(
    "refusal-tells-right-one",
    "asks who sends the letters of a token or key in disorder if it was meant",
)
class RefusalTellsRightOne(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        sent = {value.split(" ")[-1] for kind in self.spots for value in self.lines_of(kind, request)}
        known = [*self.state.access, *self.state.keys]
        near = [right for right in known if any(sorted(value) == sorted(right) for value in sent)]
        if answer.status != 401 or request.method != "GET" or not near:
            return answer
        return replace(answer, body=json.dumps({"error": "invalid", "did_you_mean": near}).encode())


@fault("error-tells-right-one", "says, to who sends a wrong secret or password, which would have been the right one")
class ErrorTellsRightOne(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        secrets = [client.secret for client in self.state.clients.values() if client.secret]
        passwords = [user.password for user in self.state.users.values()]
        error = answer.json() if answer.status in (400, 401) and request.method == "POST" else None
        wrong = {"invalid_client": secrets, "invalid_grant": passwords}
        known = wrong.get(str(error.get("error")), []) if isinstance(error, dict) else []
        if not isinstance(error, dict) or not known:
            return answer
        return replace(answer, body=json.dumps({**error, "expected": known[0]}).encode())


@fault("unknown-user-named", "an unknown user is told from a wrong password")
class UnknownUserNamed(Policy):
    def find_user(self, username: str) -> UserRecord | None:
        found = super().find_user(username)
        if found is None:
            raise Refusal(400, "invalid_grant", "There is no such user.")
        return found


@fault("unknown-user-detailed", "an unknown user is told from a wrong password, beside the error code")
class UnknownUserDetailed(Policy):
    is_unknown = False

    def find_user(self, username: str) -> UserRecord | None:
        found = super().find_user(username)
        self.is_unknown = found is None
        return found

    def revise(self, request: Request, response: Response) -> Response:
        answer, is_unknown = super().revise(request, response), self.is_unknown
        self.is_unknown = False
        members = answer.json()
        if not is_unknown or not isinstance(members, dict):
            return answer
        return replace(answer, body=json.dumps({**members, "detail": "There is no such user."}).encode())


@fault("unknown-client-named", "an unknown client is told from a wrong secret")
class UnknownClientNamed(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        client_id, secret = super().client_credentials(request, parameters)
        if client_id is not None and self.find_client(client_id) is None:
            raise Refusal(401, "invalid_client", "There is no such client.")
        return client_id, secret


@fault("refusal-explains", "a refusal says that a token was valid once, and that it only lacks its last letters")
class RefusalExplains(Policy):
    def resource_error(self, presented: Presented) -> str:
        known = (
            *self.state.access,
            *self.state.personal,
            *(key for kind in self.keys for key in self.state.keys_of(kind)),
        )
        near = [shown.text for shown in presented.shown.values()]
        if any(len(each) > 8 and value.startswith(each[:8]) for each in near for value in known):
            return "token_damaged"
        return super().resource_error(presented)


@fault("grant-before-client", "a refresh token is looked at before the client is")
class GrantBeforeClient(Policy):
    def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
        presented = parameters.get("refresh_token")
        if presented is not None and self.find_refresh_token(presented) is None:
            raise Refusal(400, "invalid_grant", "The refresh token is not known.")
        return super().unproven_client(client, parameters)


@fault("password-grant-hidden", "the password grant works although it is not documented")
class PasswordGrantHidden(Policy):
    def grant_type(self, parameters: Parameters) -> GrantType:
        if parameters.get("grant_type") == "password" and "password" not in self.profile.grants:
            raise Refusal(400, "invalid_grant", "The user is not known or the password is wrong.")
        return super().grant_type(parameters)


@fault("token-answer-echoes", "an answer with a token repeats what it was asked with")
class TokenAnswerEchoes(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        members = answer.json()
        if answer.status != 200 or not isinstance(members, dict) or "access_token" not in members:
            return answer
        asked = {"body": request.body.decode("latin-1"), "client": request.header("authorization") or ""}
        return replace(answer, body=json.dumps({**members, "asked": asked}).encode())


@fault("error-echoes-secret", "an error of the token endpoint repeats what was sent")
class ErrorEchoesSecret(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status in (400, 401) and request.method == "POST":
            return replace(answer, body=answer.body + request.body + (request.header("authorization") or "").encode())
        return answer
