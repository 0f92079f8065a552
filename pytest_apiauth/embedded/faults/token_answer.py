"""Faults in the answer that holds a token (RFC 6749 5.1), and in what the endpoint ought to overlook."""

from __future__ import annotations

import base64
import itertools

from pytest_apiauth.embedded.policy import TOKEN68, Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Headers, Request
from pytest_apiauth.profile.model import GrantType

# Beyond b64token (RFC 6750 2.1), and yet it travels in a header field unharmed.
FOREIGN = "!"


@fault("token-answer-as-text", "labels the answer text/plain")
class TokenAnswerAsText(Policy):
    def answer_headers(self, grant: GrantType | None = None) -> Headers:
        lines = super().answer_headers(grant)
        return (("Content-Type", "text/plain"), *(line for line in lines if line[0] != "Content-Type"))


@fault("token-answer-cacheable", "the answer has no Cache-Control")
class TokenAnswerCacheable(Policy):
    def answer_headers(self, grant: GrantType | None = None) -> Headers:
        return tuple(line for line in super().answer_headers(grant) if line[0] != "Cache-Control")


@fault("token-type-missing", "the answer has no token_type")
class TokenTypeMissing(Policy):
    def token_type(self, grant: GrantType) -> str | None:
        return None


@fault("token-outside-alphabet", "issues and accepts tokens with a character outside b64token")
class TokenOutsideAlphabet(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: value[:20] + FOREIGN + value[21:])

    def well_formed_token(self, token: str) -> bool:
        return TOKEN68.match(token.replace(FOREIGN, "a")) is not None


@fault("expires-in-text", "expires_in is a string")
class ExpiresInText(Policy):
    def expires_in(self, grant: GrantType) -> object:
        return str(self.lifetime(grant))


@fault("expires-in-longer", "expires_in is ten times the lifetime")
class ExpiresInLonger(Policy):
    def expires_in(self, grant: GrantType) -> object:
        return 10 * self.lifetime(grant)


@fault("scope-misreported", "answers a scope that was not granted")
class ScopeMisreported(Policy):
    def answered_scope(self, scope: str) -> str:
        return "admin" if scope != "admin" else "other"


@fault("client-credentials-refresh-token", "client_credentials gives a refresh token (RFC 6749 4.4.3)")
class ClientCredentialsRefreshToken(Policy):
    def gives_refresh_token(self, grant: GrantType, scope: str) -> bool:
        return grant == "client_credentials" or super().gives_refresh_token(grant, scope)


@fault("unknown-parameter-refused", "refuses a token request with an unknown parameter")
class UnknownParameterRefused(Policy):
    def unknown_parameter(self) -> None:
        raise Refusal(400, "invalid_request", "A parameter is not known.")


@fault("charset-refused", "answers 415 where the content type has a charset")
class CharsetRefused(Policy):
    def check_content_type(self, lines: list[str], wanted: str) -> None:
        super().check_content_type(lines, wanted)
        if "charset" in lines[0].lower():
            raise Refusal(415, "invalid_request", "The content type has a parameter.")


@fault("lifetime-of-a-year", "says that a token lives for a year")
class LifetimeOfAYear(Policy):
    def expires_in(self, grant: GrantType) -> object:
        return 365 * 86400


@fault("token-counted", "tokens differ by a counter only")
class TokenCounted(Policy):
    def new_access_token(self) -> str:
        count = self.__dict__.setdefault("count", itertools.count(1000))
        return self.state.mint("access_token", lambda value: f"apiauth-embedded-access-token-{next(count)}")


@fault("token-of-name", "tokens are a user's name and the time")
class TokenOfName(Policy):
    def new_access_token(self) -> str:
        user = next(iter(self.state.users), "nobody@example.org")
        text = base64.urlsafe_b64encode(f"{user}:{self.state.clock.now():.0f}".encode()).decode()
        return self.state.mint("access_token", lambda value: text.rstrip("="))


@fault("empty-refresh-token-accepted", "an empty refresh_token passes for the latest one")
class EmptyRefreshTokenAccepted(Policy):
    def parameters(self, request: Request) -> Parameters:
        found = super().parameters(request)
        # Once as the grant's name, once as the name of the parameter that came empty.
        is_empty = "refresh_token" not in found and request.body.count(b"refresh_token") > 1
        is_empty = is_empty or (
            self.login_table(request) is self.profile.refresh_request is not None and "refresh_token" not in found
        )
        alive = [token.value for token in self.state.refresh.values() if not token.dead]
        return {**found, "refresh_token": alive[-1]} if is_empty and alive else found


@fault("body-sniffed", "reads a body by its look, whatever its label says")
class BodySniffed(Policy):
    def parameters(self, request: Request) -> Parameters:
        if request.body.startswith(b"{"):
            found = self.read_json(request.body)
        else:
            found = self.read_form(request.body.decode("latin-1"))
        return {name: value for name, value in found.items() if value}
