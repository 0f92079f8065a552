"""The decisions on certificates that clients present by mutual TLS (RFC 8705).

Theory of operation. That its sender has the key of a certificate is for TLS to see to, or for whoever calls this server
as a function: what a request comes with is taken to be its sender's. What it is good for is decided here. A client is
known by the very certificate that it has registered (RFC 8705 2.2), with ``tls_client_auth`` too: there is no authority
here whose word for a name would count. A token is bound to the hash of one.
"""

from __future__ import annotations

import hashlib

from pytest_apiauth.embedded.jws import encoded
from pytest_apiauth.embedded.keys import certificate_in
from pytest_apiauth.embedded.metadata_policy import MetadataPolicy
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request


class CertificatePolicy(MetadataPolicy):
    """Decisions about certificates; `Policy` adds those of resources."""

    def binds_to_certificates(self) -> bool:
        """Whether tokens are bound to certificates here."""
        return self.profile.token.bound == "mtls"

    def certifies(self) -> bool:
        """Whether clients prove themselves by certificates here."""
        return self.profile.token.is_certified

    def certificate_of(self, request: Request) -> bytes | None:
        """Return the certificate that a request comes with, in DER."""
        found = request.client_certificate
        return certificate_in(found.chain) if found is not None else None

    def certified_client(self, request: Request, parameters: Parameters) -> ClientRecord | None:
        """Return the client that a request proves to come from (RFC 8705 2). Raises Refusal if it proves none."""
        if parameters.get("client_secret") or request.header_lines("authorization"):
            raise self.two_methods()
        client, certificate = self.find_client(parameters.get("client_id", "")), self.certificate_of(request)
        if certificate is None:
            return self.unproven_client(client, parameters)
        if client is None or not self.is_certificate_of(client, certificate):
            raise self.invalid_client("The client is not known, or its certificate is another one.")
        return client

    def is_certificate_of(self, client: ClientRecord, certificate: bytes) -> bool:
        """Whether a certificate is the one that a client has registered (RFC 8705 2.2)."""
        return client.certificate is not None and certificate == client.certificate

    def certificate_to_bind(self, request: Request) -> bytes | None:
        """Return the certificate that a token is asked for with, and bound to (RFC 8705 3)."""
        return self.certificate_of(request)

    def is_certified(self, token: AccessToken, request: Request) -> bool:
        """Whether a token comes with the certificate that it is bound to, or is bound to none (RFC 8705 3)."""
        certificate = self.certificate_of(request)
        return token.thumbprint is None or (certificate is not None and self.is_bound_to(token, certificate))

    def is_bound_to(self, token: AccessToken, certificate: bytes) -> bool:
        """Whether a certificate is the one that a token is bound to."""
        return token.thumbprint == hash_of(certificate)

    def may_be_refreshed_with(self, token: RefreshToken, certificate: bytes) -> bool:
        """Whether a refresh token is bound to a certificate, or to none (RFC 8705 4)."""
        return token.thumbprint is None or token.thumbprint == hash_of(certificate)

    def confirmation(self, token: AccessToken) -> dict[str, str] | None:
        """Return what is told of the certificate that a token is bound to (RFC 8705 3.2)."""
        return {"x5t#S256": token.thumbprint} if self.binds_to_certificates() and token.thumbprint else None


def hash_of(certificate: bytes) -> str:
    """Return what a certificate is known by, its ``x5t#S256`` (RFC 8705 3.1)."""
    return encoded(hashlib.sha256(certificate).digest())
