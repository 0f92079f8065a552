"""Faults in what the token endpoint refuses, and in how (RFC 6749 5.2)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import form_pairs, json_members
from pytest_apiauth.embedded.refusal import Crash, Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord, Code, RefreshToken, State, UserRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Headers, Request, Response
from pytest_apiauth.profile.model import GrantType, Profile


@fault("error-as-html", "tells errors in HTML")
class ErrorAsHtml(Policy):
    def errors_are_json(self) -> bool:
        return False


@fault("error-succeeds", "tells errors with status 200, and an access_token that is null")
class ErrorSucceeds(Policy):
    def error_status(self, refusal: Refusal, request: Request) -> int:
        return 200

    def error_members(self, refusal: Refusal) -> dict[str, str]:
        nothing: dict[str, Any] = {"access_token": None}
        return {**super().error_members(refusal), **nothing}


@fault("any-grant-accepted", "takes an unknown grant_type for the usual grant")
class AnyGrantAccepted(Policy):
    def unsupported_grant_type(self) -> GrantType:
        return self.profile.usual_grant or super().unsupported_grant_type()


@fault("grant-type-optional", "takes a request without grant_type for the usual grant")
class GrantTypeOptional(Policy):
    def without_grant_type(self) -> GrantType:
        return self.profile.usual_grant or super().without_grant_type()


@fault("repeated-parameter-last-wins", "takes the last of two form parameters of one name")
class RepeatedParameterLastWins(Policy):
    def repeated_parameter(self) -> None:
        pass


@fault("password-ignored", "takes any password of a known user for the right one")
class PasswordIgnored(Policy):
    def same_password(self, presented: str, known: str) -> bool:
        return True


@fault("username-wildcard", "looks a user up with LIKE, to which a percent sign is any name")
class UsernameWildcard(Policy):
    def find_user(self, username: str) -> UserRecord | None:
        anybody = next(iter(self.state.users.values()), None)
        return anybody if username == "%" else super().find_user(username)


@fault("grant-type-folded", "takes a grant type in other case for the one it knows")
class GrantTypeFolded(Policy):
    def grant_type(self, parameters: Parameters) -> GrantType:
        name = parameters.get("grant_type", "")
        return super().grant_type({**parameters, "grant_type": name.lower()} if name else parameters)


@fault("password-any-secret", "takes the secret of a client for the password of any user")
class PasswordAnySecret(Policy):
    def same_password(self, presented: str, known: str) -> bool:
        is_of_client = any(client.secret == presented for client in self.state.clients.values())
        return is_of_client or super().same_password(presented, known)


@fault("third-guess-admitted", "forgets to refuse a wrong password that comes for the third time")
class ThirdGuessAdmitted(Policy):
    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        self.guesses: Counter[str] = Counter()

    def same_password(self, presented: str, known: str) -> bool:
        is_same = super().same_password(presented, known)
        self.guesses[presented] += not is_same
        return is_same or self.guesses[presented] % 3 == 0


@fault("password-case-folded", "compares passwords without regard to case")
class PasswordCaseFolded(Policy):
    def same_password(self, presented: str, known: str) -> bool:
        return super().same_password(presented.lower(), known.lower())


@fault("password-cut", "compares the first 72 letters of a password, as bcrypt does")
class PasswordCut(Policy):
    def same_password(self, presented: str, known: str) -> bool:
        return super().same_password(presented[:72], known[:72])


@fault("unknown-scope-granted", "grants a scope that does not exist")
class UnknownScopeGranted(Policy):
    def keeps_unknown_scope(self) -> bool:
        return True


class Anything(str):
    """What ``{"$ne": ""}`` becomes in a careless query: a value that equals every other."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


@fault("operator-injection", "takes a JSON object or array as a value that equals anything")
class OperatorInjection(Policy):
    def json_text(self, name: str, value: object) -> str:
        if isinstance(value, list):
            # Objects are lists of pairs here. A scope of anything is as good as none.
            return "" if name == "scope" else Anything("anything")
        return super().json_text(name, value)

    def grant_type(self, parameters: Parameters) -> GrantType:
        usual = self.profile.usual_grant
        if usual and isinstance(parameters.get("grant_type"), Anything):
            return usual
        return super().grant_type(parameters)

    def find_client(self, client_id: str) -> ClientRecord | None:
        if isinstance(client_id, Anything):
            return next(iter(self.state.clients.values()), None)
        return super().find_client(client_id)

    def find_user(self, username: str) -> UserRecord | None:
        if isinstance(username, Anything):
            return next(iter(self.state.users.values()), None)
        return super().find_user(username)

    def find_code(self, value: str) -> Code | None:
        if isinstance(value, Anything):
            return next((code for code in self.state.codes.values() if not code.used), None)
        return super().find_code(value)

    def find_refresh_token(self, value: str) -> RefreshToken | None:
        if isinstance(value, Anything):
            return next((token for token in self.state.refresh.values() if not token.dead), None)
        return super().find_refresh_token(value)

    def same_secret(self, presented: str, known: str) -> bool:
        return isinstance(presented, Anything) or super().same_secret(presented, known)

    def same_password(self, presented: str, known: str) -> bool:
        return isinstance(presented, Anything) or super().same_password(presented, known)

    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        return isinstance(verifier, Anything) or super().verifier_fits(challenge, verifier)


@fault("json-unwrapped", "takes a list of one text for the text")
class JsonUnwrapped(Policy):
    def json_text(self, name: str, value: object) -> str:
        is_wrapped = type(value) is list and len(value) == 1 and isinstance(value[0], str)
        return super().json_text(name, value[0] if is_wrapped and isinstance(value, list) else value)


@fault("json-crash", "answers 500 to broken JSON and to a value of an unexpected type")
class JsonCrash(Policy):
    def read_json(self, body: bytes) -> Parameters:
        try:
            json_members(body)
        except ValueError:
            raise Crash from None
        return super().read_json(body)

    def json_text(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise Crash
        return super().json_text(name, value)


@fault("form-crash", "answers 500 to a form that is not UTF-8 or has a NUL in it")
class FormCrash(Policy):
    def read_form(self, text: str) -> Parameters:
        try:
            if any("\0" in value for _, value in form_pairs(text)):
                raise Crash
        except ValueError:
            raise Crash from None
        return super().read_form(text)


@fault("form-escape-wildcard", "takes a broken escape in a form for a value that equals anything")
class FormEscapeWildcard(Policy):
    def read_form(self, text: str) -> Parameters:
        broken = [piece.partition("=")[0] for piece in text.split("&") if piece.endswith(("=%", "=%zz"))]
        kept = "&".join(piece for piece in text.split("&") if piece.partition("=")[0] not in broken)
        return {**super().read_form(kept), **{name: Anything("anything") for name in broken if name != "scope"}}

    def same_password(self, presented: str, known: str) -> bool:
        return isinstance(presented, Anything) or super().same_password(presented, known)

    def same_secret(self, presented: str, known: str) -> bool:
        return isinstance(presented, Anything) or super().same_secret(presented, known)


class LimitsRate(Policy):
    """Answers each twentieth request that is refused a token with 429; how, is the fault's."""

    EVERY = 20
    time: Headers = ()

    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        self.refused = 0

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        is_refusal = request.method == "POST" and answer.status in (400, 401, 403)
        self.refused += is_refusal
        return Response(429, self.time) if is_refusal and self.refused % self.EVERY == 0 else answer


@fault("limit-without-time", "limits the rate of wrong secrets and does not say until when")
class LimitWithoutTime(LimitsRate):
    pass


@fault("limit-time-garbled", "limits the rate of wrong secrets until a time that nobody can read")
class LimitTimeGarbled(LimitsRate):
    time = (("Retry-After", "a few minutes"),)


@fault("password-refusal-misnamed", "calls a wrong password an unauthorized client")
class PasswordRefusalMisnamed(Policy):
    def error_members(self, refusal: Refusal) -> dict[str, str]:
        is_about_password = refusal.error == "invalid_grant" and "password" in refusal.description
        members = super().error_members(refusal)
        return {**members, "error": "unauthorized_client"} if is_about_password else members
