"""Faults in what certificates of clients are good for (RFC 8705)."""

from __future__ import annotations

import base64

from pytest_apiauth.embedded.keys import subject_of
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken
from pytest_apiauth.messages import Request


@fault("mtls-certificate-optional", "takes a token that is bound to a certificate from a client that presents none")
class MtlsCertificateOptional(Policy):
    def is_certified(self, token: AccessToken, request: Request) -> bool:
        return request.client_certificate is None or super().is_certified(token, request)


@fault("mtls-any-certificate", "takes a bound token with any certificate")
class MtlsAnyCertificate(Policy):
    def is_bound_to(self, token: AccessToken, certificate: bytes) -> bool:
        return True


@fault("mtls-bound-to-name", "takes a bound token with any certificate that has the name of the right one")
class MtlsBoundToName(Policy):
    def is_bound_to(self, token: AccessToken, certificate: bytes) -> bool:
        client = self.state.client_named(token.client) if token.client else None
        return super().is_bound_to(token, certificate) or (client is not None and _is_namesake(client, certificate))


@fault("mtls-client-unchecked", "takes any certificate for that of the client that is named")
class MtlsClientUnchecked(Policy):
    def is_certificate_of(self, client: ClientRecord, certificate: bytes) -> bool:
        return True


@fault("mtls-client-by-name", "takes a certificate of the client's name for the client's, whoever has signed it")
class MtlsClientByName(Policy):
    def is_certificate_of(self, client: ClientRecord, certificate: bytes) -> bool:
        return _is_namesake(client, certificate)


@fault("mtls-confirmation", "tells the hash of a token's certificate in hexadecimal digits")
class MtlsConfirmation(Policy):
    def confirmation(self, token: AccessToken) -> dict[str, str] | None:
        found = super().confirmation(token)
        return found and {name: base64.urlsafe_b64decode(f"{value}=").hex() for name, value in found.items()}


@fault("mtls-refresh-unbound", "refreshes the token of a public client with any certificate")
class MtlsRefreshUnbound(Policy):
    def may_be_refreshed_with(self, token: RefreshToken, certificate: bytes) -> bool:
        return True


def _is_namesake(client: ClientRecord, certificate: bytes) -> bool:
    return client.certificate is not None and subject_of(client.certificate) == subject_of(certificate)
