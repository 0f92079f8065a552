"""Faults of pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from pytest_apiauth.embedded.authorization_policy import Pairs
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.pushed_policy import URN
from pytest_apiauth.embedded.reading import query_pairs
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord, PushedRequest
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Headers, Request


@fault("pushed-status-200", "answers a pushed authorization request with 200")
class PushedStatus200(Policy):
    def pushed_status(self) -> int:
        return 200


@fault("pushed-expires-in-text", "writes the lifetime of a request_uri as a text")
class PushedExpiresInText(Policy):
    def pushed_members(self, pushed: PushedRequest) -> dict[str, object]:
        members = super().pushed_members(pushed)
        return {**members, "expires_in": str(members["expires_in"])}


@fault("pushed-answer-cacheable", "lets caches keep a request_uri")
class PushedAnswerCacheable(Policy):
    def pushed_headers(self) -> Headers:
        return tuple(line for line in super().pushed_headers() if line[0] not in ("Cache-Control", "Pragma"))


@fault("pushed-anonymous", "takes an authorization request from whoever pushes it in a client's name")
class PushedAnonymous(Policy):
    def excuses_push(self, parameters: Parameters) -> bool:
        return "client_secret" not in parameters


@fault("pushed-any-secret", "takes an authorization request from a client whose secret is wrong")
class PushedAnySecret(Policy):
    def excuses_push(self, parameters: Parameters) -> bool:
        return "client_secret" in parameters


@fault("pushed-by-get", "takes an authorization request that is pushed in the URL of a GET")
class PushedByGet(Policy):
    def is_push(self, request: Request) -> bool:
        return request.method == "GET" or super().is_push(request)

    def pushed_pairs(self, request: Request) -> Pairs:
        return query_pairs(request) if request.method == "GET" else super().pushed_pairs(request)


@fault("pushed-request-uri-taken", "takes a pushed authorization request that has a request_uri")
class PushedRequestUriTaken(Policy):
    def check_pushed_names(self, names: set[str]) -> None:
        return None


@fault("pushed-redirect-any", "sends the browser to any redirect_uri that was pushed")
class PushedRedirectAny(Policy):
    _is_opened = False

    def checks_pushed_target(self) -> bool:
        return False

    def opened_pairs(self, pushed: PushedRequest, beside: Pairs) -> Pairs:
        self._is_opened = True
        return super().opened_pairs(pushed, beside)

    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        is_opened, self._is_opened = self._is_opened, False
        return is_opened or super().same_redirect_uri(presented, registered)


@fault("pushed-counted", "counts the names of pushed authorization requests")
class PushedCounted(Policy):
    def new_request_uri(self) -> str:
        self.state.minted += 1
        value = f"{URN}{self.state.minted:032}"
        self.state.learn(value, "request_uri")
        return value


@fault("pushed-case-folded", "finds a pushed authorization request whatever the capitals of its request_uri")
class PushedCaseFolded(Policy):
    def find_pushed(self, value: str) -> PushedRequest | None:
        near = (each for name, each in self.state.pushed.items() if name.lower() == value.lower())
        return super().find_pushed(value) or next(near, None)


@fault("pushed-any-client", "opens an authorization request for a client that has not pushed it")
class PushedAnyClient(Policy):
    def may_open(self, pushed: PushedRequest, client: ClientRecord | None) -> bool:
        return client is not None


@fault("pushed-reusable", "opens a pushed authorization request again and again")
class PushedReusable(Policy):
    def pushed_is_used(self, pushed: PushedRequest) -> bool:
        return False


@fault("pushed-never-expires", "opens a pushed authorization request when its time is over")
class PushedNeverExpires(Policy):
    def pushed_has_expired(self, pushed: PushedRequest) -> bool:
        return False


@fault("pushed-overridden", "prefers the parameters of the URL to those that were pushed")
class PushedOverridden(Policy):
    def opened_pairs(self, pushed: PushedRequest, beside: Pairs) -> Pairs:
        given = {name: value for name, value in beside if name not in ("request_uri", "redirect_uri")}
        return list({**dict(pushed.pairs), **given}.items())


@fault("pushed-optional", "takes authorization requests that were not pushed, where the profile says that it does not")
class PushedOptional(Policy):
    def has_to_be_pushed(self) -> bool:
        return False
