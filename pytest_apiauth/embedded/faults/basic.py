"""Faults in HTTP Basic (RFC 7617, RFC 6749 2.3.1) and in how secrets are compared."""

from __future__ import annotations

import base64

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Challenge, Crash, Refusal
from pytest_apiauth.embedded.registry import fault

SHORTEST_PREFIX = 4
# Stands in for the secret that did not come; no header field can carry it.
NO_SECRET = "\0no secret came"


@fault("basic-not-decoded", "compares id and secret as they came, without undoing the form encoding")
class BasicNotDecoded(Policy):
    def decode_basic_part(self, text: str) -> str:
        return text


@fault("basic-split-last-colon", "splits id and secret at the last colon")
class BasicSplitLastColon(Policy):
    def split_basic(self, pair: str) -> tuple[str, str]:
        name, password = super().split_basic(pair)
        head, colon, tail = password.rpartition(":")
        return f"{name}{colon}{head}", tail


@fault("basic-colon-optional", "admits the Basic credentials of a known id that have no colon")
class BasicColonOptional(Policy):
    def split_basic(self, pair: str) -> tuple[str, str]:
        return super().split_basic(pair) if ":" in pair else (pair, NO_SECRET)

    def same_secret(self, presented: str, known: str) -> bool:
        return presented == NO_SECRET or super().same_secret(presented, known)


@fault("basic-malformed-crash", "answers 500 to Basic credentials that are not base64")
class BasicMalformedCrash(Policy):
    def decode_base64(self, text: str) -> str:
        try:
            return super().decode_base64(text)
        except Refusal:
            raise Crash from None


@fault("basic-empty-secret-accepted", "takes an empty secret in Basic for the right one")
class BasicEmptySecretAccepted(Policy):
    def same_secret(self, presented: str, known: str) -> bool:
        return not presented or super().same_secret(presented, known)


@fault("secret-prefix-compare", "takes a prefix of the secret, or the secret with a suffix, for the secret")
class SecretPrefixCompare(Policy):
    def same_secret(self, presented: str, known: str) -> bool:
        is_near = known.startswith(presented) or presented.startswith(known)
        return (is_near and len(presented) >= SHORTEST_PREFIX) or super().same_secret(presented, known)


@fault("secret-case-folded", "compares secrets without regard to case")
class SecretCaseFolded(Policy):
    def same_secret(self, presented: str, known: str) -> bool:
        return super().same_secret(presented.lower(), known.lower())


@fault("basic-challenge-without-realm", "the Basic challenge has no realm")
class BasicChallengeWithoutRealm(Policy):
    def basic_challenge(self) -> Challenge:
        return Challenge("Basic")


@fault("basic-latin-crash", "fails on Basic credentials that are not UTF-8")
class BasicLatinCrash(Policy):
    def decode_base64(self, text: str) -> str:
        try:
            base64.b64decode(text.encode("latin-1"), validate=True).decode("utf-8")
        except UnicodeDecodeError:
            raise Crash from None
        except ValueError:
            pass
        return super().decode_base64(text)
