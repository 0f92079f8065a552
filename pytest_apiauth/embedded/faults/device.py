"""Faults of the device authorization grant (RFC 8628)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord, DeviceCode
from pytest_apiauth.messages import Headers


@fault("device-verification-url", "calls the page for the user's code verification_url")
class DeviceVerificationUrl(Policy):
    def device_members(self, code: DeviceCode) -> dict[str, object]:
        members = super().device_members(code)
        return {name.replace("verification_uri", "verification_url"): value for name, value in members.items()}


@fault("device-expires-in-text", "writes the lifetime of a device code as a text")
class DeviceExpiresInText(Policy):
    def device_members(self, code: DeviceCode) -> dict[str, object]:
        members = super().device_members(code)
        return {**members, "expires_in": str(members["expires_in"])}


@fault("device-answer-cacheable", "lets caches keep a device code")
class DeviceAnswerCacheable(Policy):
    def device_headers(self) -> Headers:
        return tuple(line for line in super().device_headers() if line[0] not in ("Cache-Control", "Pragma"))


@fault("device-anonymous", "gives device codes to clients that nobody knows")
class DeviceAnonymous(Policy):
    def asking_client_is_checked(self) -> bool:
        return False

    def may_poll(self, code: DeviceCode, client: ClientRecord | None) -> bool:
        return code.client is None or super().may_poll(code, client)


@fault("device-code-counted", "gives device codes that differ in a counter only")
class DeviceCodeCounted(Policy):
    def new_device_code(self) -> str:
        value = f"device-code-of-{self.realm}-{len(self.state.devices):08}"
        self.state.learn(value, "device_code")
        return value


@fault("device-user-code-constant", "gives every device the same code to show")
class DeviceUserCodeConstant(Policy):
    def new_user_code(self, device_code: str) -> str:
        return "BCDF-GHJK"


@fault("device-without-consent", "gives a token for a device code before anybody has consented")
class DeviceWithoutConsent(Policy):
    def has_consent(self, code: DeviceCode) -> bool:
        return True


@fault("device-pending-renamed", "has an error code of its own for a person who has not decided yet")
class DevicePendingRenamed(Policy):
    def pending_error(self) -> str:
        return "pending"


@fault("device-never-slows", "lets a device ask as fast as it likes")
class DeviceNeverSlows(Policy):
    def is_too_fast(self, code: DeviceCode) -> bool:
        return False


@fault("device-unknown-pending", "has a device wait for a code that nobody knows")
class DeviceUnknownPending(Policy):
    def unknown_device_code(self) -> Refusal:
        return Refusal(400, "authorization_pending", "The person has not decided yet.")


@fault("device-user-code-taken", "takes the code that the person enters for the device's own")
class DeviceUserCodeTaken(Policy):
    def find_device_code(self, value: str) -> DeviceCode | None:
        by_user_code = (code for code in self.state.devices.values() if code.user_code == value)
        return super().find_device_code(value) or next(by_user_code, None)


@fault("device-code-case-folded", "compares device codes without regard to case")
class DeviceCodeCaseFolded(Policy):
    def find_device_code(self, value: str) -> DeviceCode | None:
        near = (code for code in self.state.devices.values() if code.value.lower() == value.lower())
        return super().find_device_code(value) or next(near, None)


@fault("device-any-client", "lets any client redeem a device code")
class DeviceAnyClient(Policy):
    def may_poll(self, code: DeviceCode, client: ClientRecord | None) -> bool:
        return True


@fault("device-code-reusable", "gives a token for a device code again and again")
class DeviceCodeReusable(Policy):
    def device_code_is_used(self, code: DeviceCode) -> bool:
        return False


@fault("device-code-never-expires", "takes a device code whose time is over")
class DeviceCodeNeverExpires(Policy):
    def device_code_has_expired(self, code: DeviceCode) -> bool:
        return False
