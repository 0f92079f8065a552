"""Faults in the checking of assertions by which clients prove themselves (RFC 7523)."""

from __future__ import annotations

from pytest_apiauth.embedded.jws import Jws
from pytest_apiauth.embedded.keys import public_key_of, verifies
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import ClientRecord


@fault("assertion-unsigned", "takes a client's assertion that says alg none and has no signature for a good one")
class AssertionUnsigned(Policy):
    def is_signed_as_documented(self, token: Jws) -> bool:
        return _says_none(token) or super().is_signed_as_documented(token)

    def is_signed_by(self, token: Jws, client: ClientRecord) -> bool:
        return (_says_none(token) and not token.signature) or super().is_signed_by(token, client)


@fault("assertion-signature-ignored", "reads what a client's assertion claims without a look at its signature")
class AssertionSignatureIgnored(Policy):
    def is_signed_by(self, token: Jws, client: ClientRecord) -> bool:
        return bool(token.signature)


@fault("assertion-key-of-any-client", "takes a client's assertion that any other client has signed")
class AssertionKeyOfAnyClient(Policy):
    def is_signed_by(self, token: Jws, client: ClientRecord) -> bool:
        return any(
            super(AssertionKeyOfAnyClient, self).is_signed_by(token, each) for each in self.state.clients.values()
        )


@fault("assertion-key-from-itself", "takes the key to check a client's assertion with from the assertion")
class AssertionKeyFromItself(Policy):
    def is_signed_by(self, token: Jws, client: ClientRecord) -> bool:
        key = public_key_of(token.header["jwk"]) if "jwk" in token.header else None
        own = key is not None and verifies(str(token.header.get("alg")), key, token.content, token.signature)
        return own or super().is_signed_by(token, client)


@fault("assertion-public-key-as-secret", "checks a client's assertion as it asks for, by HMAC with the public key too")
class AssertionPublicKeyAsSecret(Policy):
    def is_signed_as_documented(self, token: Jws) -> bool:
        return _is_hmac(token) or super().is_signed_as_documented(token)

    def is_signed_by(self, token: Jws, client: ClientRecord) -> bool:
        if not _is_hmac(token):
            return super().is_signed_by(token, client)
        return verifies(str(token.header["alg"]), self.key_of(client), token.content, token.signature)


@fault("assertion-outlived", "takes a client's assertion whose time is over")
class AssertionOutlived(Policy):
    def has_ended(self, token: Jws) -> bool:
        return "exp" not in token.claims


@fault("assertion-endless", "takes a client's assertion that does not say when its time is over")
class AssertionEndless(Policy):
    def has_ended(self, token: Jws) -> bool:
        return "exp" in token.claims and super().has_ended(token)


@fault("assertion-too-early", "takes a client's assertion before the moment from which it may be used")
class AssertionTooEarly(Policy):
    def has_begun(self, token: Jws) -> bool:
        return True


@fault("assertion-for-anybody", "takes a client's assertion whoever it is for")
class AssertionForAnybody(Policy):
    def is_meant_for_us(self, token: Jws) -> bool:
        return True


@fault("assertion-audience-prefix", "takes a client's assertion for a server whose name begins like its own")
class AssertionAudiencePrefix(Policy):
    def is_our_name(self, audience: str) -> bool:
        return super().is_our_name(audience) or audience.startswith(self.profile.token_endpoint)


@fault("assertion-issuer-ignored", "looks at the subject of a client's assertion alone")
class AssertionIssuerIgnored(Policy):
    def asserted_client(self, token: Jws) -> ClientRecord | None:
        subject = token.claims.get("sub")
        return self.find_client(subject) if isinstance(subject, str) else None


@fault("assertion-type-ignored", "does not look at what a client says that its assertion is")
class AssertionTypeIgnored(Policy):
    def knows_assertion_type(self, name: str | None) -> bool:
        return True


@fault("assertion-replayable", "takes a client's assertion any number of times")
class AssertionReplayable(Policy):
    def is_new(self, client: ClientRecord, token: Jws) -> bool:
        return True


def _says_none(token: Jws) -> bool:
    return str(token.header.get("alg")).lower() == "none"


def _is_hmac(token: Jws) -> bool:
    return str(token.header.get("alg")).startswith("HS")
