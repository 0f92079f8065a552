"""What a profile says of authorization requests, and of the answers that take the browser back to the client."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, model_validator

from pytest_apiauth.messages import why_not_a_url
from pytest_apiauth.profile.tables import Model


class Authorization(Model):
    """What the document promises of authorizations, beyond RFC 6749.

    >>> Authorization(iss="https://id.shop.example").names_issuer, Authorization().names_issuer
    (True, False)
    """

    iss: bool | str = Field(
        False,
        description="Whether every answer of the authorization endpoint names its issuer, errors too (RFC 9207): true,"
        " or better the issuer itself. Clients refuse an answer that does not",
    )

    require_pushed_authorization_requests: bool = Field(
        False,
        description="Whether the authorization endpoint refuses every request that was not pushed before (RFC 9126 5),"
        " to pushed_authorization_request_url",
    )

    @model_validator(mode="after")
    def _names_an_issuer(self) -> Authorization:
        if isinstance(self.iss, str):
            reason = why_not_a_url(self.iss)
            if reason is None and {"query", "fragment"} & _parts_of(self.iss):
                reason = "one with a query or a fragment"
            if reason is not None:
                raise ValueError(f"iss: expected true or the issuer, a URL without query and fragment, got {reason}")
        return self

    @property
    def names_issuer(self) -> bool:
        """Whether an answer without ``iss`` is not the server's."""
        return self.iss is not False

    @property
    def issuer(self) -> str | None:
        """The issuer that answers name, if the profile says which one."""
        return self.iss if isinstance(self.iss, str) else None


def _parts_of(url: str) -> set[str]:
    return {name for name, value in urlsplit(url)._asdict().items() if value}
