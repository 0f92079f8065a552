"""The decisions on resource indicators: which API a token is for (RFC 8707)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import AccessToken
from pytest_apiauth.embedded.token_policy import Parameters, TokenPolicy

ERROR: Final = "invalid_target"


class TargetPolicy(TokenPolicy):
    """Decisions about resource indicators; `Policy` adds those of resources."""

    def extension_members(self) -> frozenset[str]:
        return super().extension_members() | {"resource"}

    def may_repeat(self, name: str) -> bool:
        """Whether a parameter may come more than once: a token may be for several resources (RFC 8707 2)."""
        return (name == "resource" and bool(self.profile.token.resource)) or super().may_repeat(name)

    def requested_target(self, parameters: Parameters, status: int = 400) -> str | None:
        """Return what a request names, if it does and this server has any resource (RFC 8707 2).

        Several stand between blanks, of which a URI has none.
        """
        named = parameters.get("resource")
        if named is None or not self.profile.token.resource:
            return None
        for each in named.split(" "):
            if not self.is_well_formed_target(each) or not self.knows_target(each):
                raise Refusal(status, ERROR, "The resource is not known here.")
        return named

    def is_well_formed_target(self, resource: str) -> bool:
        """Whether a resource is an absolute URI without a fragment (RFC 8707 2)."""
        try:
            return bool(urlsplit(resource).scheme) and "#" not in resource
        except ValueError:
            return False

    def knows_target(self, resource: str) -> bool:
        """Whether a resource is a documented one; every character counts."""
        return resource in (*self.profile.token.resource, *self.profile.token.other_resources)

    def awarded_target(self, granted: str | None, requested: str | None) -> str | None:
        """Return the resource of a token: of what was granted before, and no other is had by it (RFC 8707 2.2)."""
        if granted is not None and not set((requested or granted).split(" ")) <= set(granted.split(" ")):
            raise Refusal(400, ERROR, "The resource exceeds what was granted.")
        return granted if requested is None else requested

    def is_for_this_api(self, token: AccessToken) -> bool:
        """Whether a token was issued for the API that the profile is about (RFC 9700 2.3)."""
        return token.resource is None or self.profile.token.resource[0] in token.resource.split(" ")
