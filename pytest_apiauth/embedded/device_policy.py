"""The decisions at the device authorization endpoint, and on the codes it gives (RFC 8628)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refusal_policy import JSON, NO_STORE
from pytest_apiauth.embedded.state import ClientRecord, DeviceCode, opaque
from pytest_apiauth.embedded.token_policy import TokenPolicy
from pytest_apiauth.messages import Headers

INTERVAL: Final = 5
LIFETIME: Final = 1800
LETTERS: Final = "BCDFGHJKLM" + "NPQRSTVWXZ"
"""Letters that make no words and are not taken for one another (RFC 8628 6.1)."""


class DevicePolicy(TokenPolicy):
    """Decisions about device codes; `Policy` adds those of resources."""

    def extensions(self) -> Mapping[str, str]:
        return {**super().extensions(), "device_code": "urn:ietf:params:oauth:grant-type:device_code"}

    def extension_members(self) -> frozenset[str]:
        return super().extension_members() | {"device_code"}

    # The answer of the device authorization endpoint (RFC 8628 3.2).

    def asking_client_is_checked(self) -> bool:
        """Whether a client must be known, and prove itself if it can (RFC 8628 3.1)."""
        return True

    def new_device_code(self) -> str:
        """Mint a device code, with as much in it as a token has (RFC 8628 5.2)."""
        return self.state.mint("device_code")

    def new_user_code(self, device_code: str) -> str:
        """Make the code that a person enters: eight letters (RFC 8628 6.1)."""
        digits = opaque("user_code", device_code).encode()
        letters = "".join(LETTERS[digit % len(LETTERS)] for digit in digits[:8])
        return f"{letters[:4]}-{letters[4:]}"

    def verification_uri(self) -> str:
        """Return the page on which a person enters the code."""
        place = self.profile.device_authorization_url or ""
        return f"{self.profile.url(place)}/verify"

    def device_members(self, code: DeviceCode) -> dict[str, object]:
        """Return the members of the answer."""
        page = self.verification_uri()
        return {
            "device_code": code.value,
            "user_code": code.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={quote(code.user_code)}",
            "expires_in": LIFETIME,
            "interval": INTERVAL,
        }

    def device_headers(self) -> Headers:
        """Return the header fields of the answer."""
        return (("Content-Type", JSON), *NO_STORE)

    # What becomes of a device code (RFC 8628 3.5).

    def find_device_code(self, value: str) -> DeviceCode | None:
        """Find a device code: every character counts."""
        return self.state.devices.get(value)

    def unknown_device_code(self) -> Refusal:
        """Make the refusal of a code that nobody knows."""
        return Refusal(400, "invalid_grant", "The device code is not known.")

    def may_poll(self, code: DeviceCode, client: ClientRecord | None) -> bool:
        """Whether a device code was given to this client."""
        return code.client == (client.name if client else None)

    def device_code_is_used(self, code: DeviceCode) -> bool:
        """Whether a device code has given its token."""
        return code.used

    def device_code_has_expired(self, code: DeviceCode) -> bool:
        """Whether a device code's time is over."""
        return self.state.clock.now() >= code.expires_at

    def has_consent(self, code: DeviceCode) -> bool:
        """Whether the person has entered the user's code and agreed."""
        return code.consented

    def check_decision(self, code: DeviceCode) -> None:
        """Refuse a code whose person has said no."""
        if code.denied:
            raise Refusal(400, "access_denied", "The user has said no.")

    def is_too_fast(self, code: DeviceCode) -> bool:
        """Whether a client asks again before the interval is over."""
        return code.asked_at is not None and self.state.clock.now() - code.asked_at < INTERVAL

    def pending_error(self) -> str:
        """Return the error code that says that the person has not decided yet."""
        return "authorization_pending"
