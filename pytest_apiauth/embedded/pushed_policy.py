"""The decisions on authorization requests that a client pushes, and on the names that they get (RFC 9126)."""

from __future__ import annotations

from typing import Final

from pytest_apiauth.embedded.authorization_policy import Pairs
from pytest_apiauth.embedded.reading import form_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refusal_policy import JSON, NO_STORE
from pytest_apiauth.embedded.state import ClientRecord, PushedRequest
from pytest_apiauth.embedded.token_policy import FORM, Parameters, TokenPolicy
from pytest_apiauth.messages import Headers, Request

LIFETIME: Final = 60
URN: Final = "urn:ietf:params:oauth:request_uri:"


class PushedPolicy(TokenPolicy):
    """Decisions about pushed authorization requests; `Policy` adds those of resources."""

    # What is pushed (RFC 9126 2.1).

    def is_push(self, request: Request) -> bool:
        """Whether a request is a POST, as it has to be."""
        return request.method == "POST"

    def pushed_pairs(self, request: Request) -> Pairs:
        """Read what is pushed from the body, a form, and from nowhere else."""
        self.check_content_type(request.header_lines("content-type"), FORM)
        try:
            return form_pairs(request.body.decode("latin-1"))
        except ValueError:
            raise Refusal(400, "invalid_request", "The body is not form-encoded UTF-8.") from None

    def excuses_push(self, parameters: Parameters) -> bool:
        """Whether a client pushes that does not prove itself as it does for a token."""
        return False

    def check_pushed_names(self, names: set[str]) -> None:
        """Refuse a push that refers to another one."""
        if "request_uri" in names:
            raise Refusal(400, "invalid_request", "A pushed request has no request_uri.")

    def checks_pushed_target(self) -> bool:
        """Whether a redirect_uri is looked at when it is pushed, and not only when it is opened."""
        return True

    def new_request_uri(self) -> str:
        """Mint a name for what was pushed, that nobody guesses (RFC 9126 2.2)."""
        return self.state.mint("request_uri", lambda value: f"{URN}{value}")

    def pushed_status(self) -> int:
        """Return the status of the answer: something was made (RFC 9126 2.2)."""
        return 201

    def pushed_members(self, pushed: PushedRequest) -> dict[str, object]:
        """Return the members of the answer (RFC 9126 2.2)."""
        return {"request_uri": pushed.value, "expires_in": LIFETIME}

    def pushed_headers(self) -> Headers:
        """Return the header fields of the answer."""
        return (("Content-Type", JSON), *NO_STORE)

    # What becomes of it at the authorization endpoint (RFC 9126 4).

    def has_to_be_pushed(self) -> bool:
        """Whether the authorization endpoint takes nothing else."""
        return self.profile.authorization.require_pushed_authorization_requests

    def find_pushed(self, value: str) -> PushedRequest | None:
        """Find what was pushed: every character counts."""
        return self.state.pushed.get(value)

    def may_open(self, pushed: PushedRequest, client: ClientRecord | None) -> bool:
        """Whether it is the client that has pushed it."""
        return client is not None and client.name == pushed.client

    def pushed_is_used(self, pushed: PushedRequest) -> bool:
        """Whether it has led to an answer before."""
        return pushed.used

    def pushed_has_expired(self, pushed: PushedRequest) -> bool:
        """Whether its time is over."""
        return self.state.clock.now() >= pushed.expires_at

    def opened_pairs(self, pushed: PushedRequest, beside: Pairs) -> Pairs:
        """Return what counts: what was pushed, whatever stands beside its name in the URL (RFC 9101 6.3)."""
        return list(pushed.pairs)
