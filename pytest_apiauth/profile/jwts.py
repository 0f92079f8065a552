"""What a profile says of access tokens that are JWTs: whose key signs them, and where its public half is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from pytest_apiauth.profile.tables import Algorithm, Model, Plain, Reference, SecretReference


class UnfitTokens(Model):
    """Tokens that the same key has signed, and that are not for this API: none of them is taken."""

    audience: SecretReference | None = Field(None, description="Where a token is that is for another API")
    issuer: SecretReference | None = Field(None, description="Where a token is that another issuer has issued")
    type: SecretReference | None = Field(
        None, description="Where a token of another type is: an ID token, say, or one that resets a password"
    )


def _text(value: object) -> object:
    if isinstance(value, str) and "PRIVATE" in value:
        raise ValueError("a private key; name the public one, and the other, if at all, in signing_key")
    return value


class JwtSettings(Model):
    """Access tokens that are JWTs (RFC 9068).

    >>> JwtSettings(jwks_url="/jwks").alg
    'RS256'
    """

    alg: Algorithm = Field("RS256", description="How the embedded server signs them")
    public_key: Annotated[Plain | None, BeforeValidator(_text)] = Field(
        None, description="Public key that they are checked with, in PEM, as a JWK or as a line of SSH"
    )
    jwks_url: str | None = Field(
        None,
        description="Where the set of public keys is (RFC 7517 5), absolute or relative; default: what the metadata's"
        " jwks_uri says, if the profile names its origin",
    )
    signing_key: SecretReference | None = Field(
        None,
        description="Where the key is that signs them, if that is a key for tests: with it, tokens are examined that"
        " are for others, too old, or of another type",
    )
    unfit: UnfitTokens = Field(
        UnfitTokens(), description="Where tokens are that the same key has signed, and that are not for this API"
    )

    @property
    def references(self) -> Iterator[tuple[str, Reference]]:
        """What is referred to, each with its label."""
        own = (("public_key", self.public_key), ("signing_key", self.signing_key))
        for name, value in (*own, *((f"unfit.{name}", each) for name, each in self.unfit)):
            if isinstance(value, Reference):
                yield f"jwt.{name}", value
