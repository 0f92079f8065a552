"""The decisions about what the server publishes of itself (RFC 8414, RFC 9207)."""

from __future__ import annotations

from urllib.parse import urlsplit

from pytest_apiauth.embedded.token_policy import Parameters, TokenPolicy

WELL_KNOWN = "/.well-known/"
REGISTERED_METHODS = frozenset(
    {"none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}
    | {"tls_client_auth", "self_signed_tls_client_auth"}
)
"""Ways of client authentication that have a name in the registry of RFC 7591 4.2."""


class MetadataPolicy(TokenPolicy):
    """Decisions of the metadata endpoint; `Policy` adds those of resources."""

    def issuer(self) -> str:
        """Return the identifier of this server: the URL of its metadata without the well-known part (RFC 8414 3).

        A profile may say another one.
        """
        if self.profile.authorization.issuer is not None:
            return self.profile.authorization.issuer
        url = urlsplit(self.profile.url(self.profile.metadata_url or self.profile.token_url or "/"))
        before, mark, after = url.path.partition(WELL_KNOWN)
        # OpenID discovery appends the well-known part, RFC 8414 puts it between host and path.
        path = (before or "/".join(("", *after.split("/")[1:]))) if mark else ""
        return f"{url.scheme}://{url.netloc}{path}".rstrip("/")

    def published_issuer(self) -> str:
        """Return the issuer as the metadata name it."""
        return self.issuer()

    def response_issuer(self) -> str | None:
        """Return the ``iss`` of an authorization response (RFC 9207 2); None leaves it out."""
        return self.issuer() if self.profile.metadata_url or self.profile.authorization.names_issuer else None

    def answered_issuer(self, parameters: Parameters, is_error: bool) -> str | None:
        """Return the ``iss`` of the answer to one request: the same in errors, and whatever the request says."""
        return self.response_issuer()

    def published_grants(self) -> list[str]:
        """Return the grants that the metadata name: the documented ones."""
        return [self.extensions().get(grant, grant) for grant in self.profile.grants]

    def published_client_methods(self) -> list[str]:
        """Return the ways of client authentication that the metadata name."""
        return [self.client_auth] if self.client_auth in REGISTERED_METHODS else []

    def published_challenge_methods(self) -> list[str]:
        """Return the proof key methods that the metadata name."""
        return ["S256"]

    def published_endpoints(self) -> dict[str, str]:
        """Return the URLs that the metadata name."""
        places = {
            "authorization_endpoint": self.profile.authorize_url,
            "token_endpoint": self.profile.token_url,
            "revocation_endpoint": self.profile.revocation_url,
            "introspection_endpoint": self.profile.introspection_url,
            "pushed_authorization_request_endpoint": self.profile.pushed_authorization_request_url,
            "device_authorization_endpoint": self.profile.device_authorization_url,
            "jwks_uri": self.profile.jwks_url,
        }
        return {name: self.profile.url(place) for name, place in places.items() if place}

    def key_set(self) -> dict[str, object]:
        """Return the set of public keys that tokens are checked with (RFC 7517 5); none, if tokens are no JWTs."""
        return {"keys": []}

    def metadata(self) -> dict[str, object]:
        """Return the metadata document (RFC 8414 2)."""
        with_codes = "authorization_code" in self.profile.grants
        document: dict[str, object] = {
            "issuer": self.published_issuer(),
            **self.published_endpoints(),
            "response_types_supported": ["code"] if with_codes else [],
            "grant_types_supported": self.published_grants(),
        }
        methods = self.published_client_methods()
        if methods:
            document["token_endpoint_auth_methods_supported"] = methods
        if self.profile.token.signs_with is not None:
            document["token_endpoint_auth_signing_alg_values_supported"] = [self.profile.token.signs_with]
        if with_codes:
            document["code_challenge_methods_supported"] = self.published_challenge_methods()
            document["authorization_response_iss_parameter_supported"] = True
        if self.profile.token.bound == "mtls":
            document["tls_client_certificate_bound_access_tokens"] = True
        if self.profile.authorization.require_pushed_authorization_requests:
            document["require_pushed_authorization_requests"] = True
        return document
