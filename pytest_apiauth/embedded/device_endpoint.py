"""The device authorization endpoint, and the page on which a person consents (RFC 8628 3.1 to 3.3).

The person consents as soon as the page is opened with the user's code, as the one at the authorization endpoint does,
unless the policy has pages that ask: then they log in, type the code if it did not come in the URL, and say yes or no.
What a step decides is in `DevicePolicy`; the token endpoint redeems the code.
"""

from __future__ import annotations

import json
from typing import Final

from pytest_apiauth.embedded.device_policy import LIFETIME
from pytest_apiauth.embedded.login_pages import LoginPages
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import query_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import DeviceCode, State
from pytest_apiauth.embedded.token_endpoint import TokenEndpoint
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile

HTML: Final = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))
DONE: Final = b"<!doctype html><title>Device</title><h1>The device may go on.</h1>"
UNKNOWN: Final = b"<!doctype html><title>Device</title><h1>There is no such code.</h1>"
DENIED: Final = b"<!doctype html><title>Device</title><h1>The device may not go on.</h1>"
ENTER: Final = b"""<!doctype html><title>Device</title><h1>What does the device show?</h1>
<form><label>Code <input name="user_code" autocomplete="off"></label><button>Continue</button></form>"""


class DeviceEndpoint:
    """Answers device authorization requests, and shows the page for the user's code."""

    def __init__(self, profile: Profile, state: State, policy: Policy, tokens: TokenEndpoint) -> None:
        self._profile = profile
        self._state = state
        self._policy = policy
        self._tokens = tokens
        self.pages = LoginPages(policy.verification_uri(), state, policy)

    def ask(self, request: Request) -> Response:
        """Answer a device authorization request."""
        if request.method != "POST":
            return Response(405, (("Allow", "POST"), ("Content-Length", "0")))
        try:
            members = self._policy.device_members(self._code(request))
        except Refusal as refusal:
            return self._tokens.refused(refusal, request)
        return Response(200, self._policy.device_headers(), json.dumps(members).encode())

    def _code(self, request: Request) -> DeviceCode:
        policy, state = self._policy, self._state
        parameters = policy.parameters(request)
        client = self._tokens.client(request, parameters) if policy.asking_client_is_checked() else None
        if client is None and policy.asking_client_is_checked():
            raise Refusal(400, "invalid_request", "client_id is missing.")
        value = policy.new_device_code()
        code = DeviceCode(
            value,
            policy.new_user_code(value),
            client.name if client else None,
            self._profile.grants["device_code"].user,
            policy.granted_scope("device_code", parameters.get("scope")),
            state.clock.now() + LIFETIME,
            state.new_family(),
        )
        state.devices[code.value] = code
        return code

    def page(self, request: Request) -> Response:
        """Show the page; whoever opens it with a code that is known has consented, unless pages ask."""
        if self._policy.consents:
            return self._decided(request, None)
        user = self.pages.user_of(request)
        if user is None:
            return self.pages.to_login(request)
        if "user_code" not in dict(query_pairs(request)):
            return self._page(200, ENTER)
        return self.pages.consent(request, user) if self._entered(request) else self._page(404, UNKNOWN)

    def consented(self, request: Request) -> Response:
        """Answer at the place that takes a consent."""
        return self.pages.consented(request, lambda asked, user: self._decided(asked, user or ""))

    def _decided(self, request: Request, user: str | None) -> Response:
        """Answer as somebody decides, by name; empty is for no, None for whoever the grant is for."""
        found = self._entered(request)
        for code in found:
            code.user = code.user if user is None else user
            code.consented, code.denied = user != "", user == ""
        if not found:
            return self._page(404, UNKNOWN)
        return self._page(200, DENIED if user == "" else DONE)

    def _entered(self, request: Request) -> list[DeviceCode]:
        entered = [value for name, value in query_pairs(request) if name == "user_code"]
        return [code for code in self._state.devices.values() if code.user_code in entered]

    def _page(self, status: int, body: bytes) -> Response:
        return Response(status, (*HTML, *self._policy.page_headers()), body)
