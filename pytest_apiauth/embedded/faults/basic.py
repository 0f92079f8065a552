"""Faults in HTTP Basic (RFC 7617, RFC 6749 2.3.1) and in how secrets are compared."""

from __future__ import annotations

import base64

from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.reading import query_pairs
from pytest_apiauth.embedded.refusal import Challenge, Crash, Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import UserRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind

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


def visible(text: str) -> str:
    """Return a text without its control characters."""
    return "".join(letter for letter in text if letter >= " " and letter != "\x7f")


@fault("basic-controls-dropped", "drops control characters of a client's id and secret")
class BasicControlsDropped(Policy):
    def decode_basic_part(self, text: str) -> str:
        return visible(super().decode_basic_part(text))


@fault("basic-zone-controls-dropped", "drops control characters of a user's name and password at a resource")
class BasicZoneControlsDropped(Policy):
    def basic_user(self, name: str, password: str) -> UserRecord | None:
        return super().basic_user(visible(name), password)

    def same_basic_password(self, presented: str, known: str) -> bool:
        return super().same_basic_password(visible(presented), known)


@fault("basic-from-query", "takes name and password from the query where no Authorization came")
class BasicFromQuery(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        found = super().presented(request, kinds)
        told = dict(query_pairs(request))
        if "basic" not in kinds - found.shown.keys() or not told.keys() >= {"username", "password"}:
            return found
        pair = base64.b64encode(f"{told['username']}:{told['password']}".encode()).decode()
        return found.having(("basic",), self.as_token(pair, "basic"))


@fault("basic-zone-cut-at-nul", "compares a user's password at a resource as far as to a NUL, where texts of C end")
class BasicZoneCutAtNul(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        return super().same_basic_password(presented.partition("\0")[0], known)


@fault("basic-empty-secret-accepted", "takes an empty secret in Basic for the right one")
class BasicEmptySecretAccepted(Policy):
    def same_secret(self, presented: str, known: str) -> bool:
        return not presented or super().same_secret(presented, known)


@fault("secret-cut-at-72", "looks at the first 72 bytes of a secret only, as bcrypt does")
class SecretCutAt72(Policy):
    def same_secret(self, presented: str, known: str) -> bool:
        return super().same_secret(*(text.encode()[:72].decode("utf-8", "replace") for text in (presented, known)))


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


@fault("basic-zone-any-password", "a resource takes any password of a known user for the right one")
class BasicZoneAnyPassword(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        return True


@fault("basic-zone-empty-password", "a resource takes an empty password for the right one")
class BasicZoneEmptyPassword(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        return not presented or super().same_basic_password(presented, known)


@fault("basic-zone-prefix-compare", "a resource compares the first half of a password only")
class BasicZonePrefixCompare(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        return super().same_basic_password(presented[: len(known) // 2], known[: len(known) // 2])


@fault("basic-zone-cut-at-colon", "a resource looks at a password up to its first colon only")
class BasicZoneCutAtColon(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        return super().same_basic_password(presented.partition(":")[0], known.partition(":")[0])


@fault("basic-zone-case-folded", "a resource compares passwords without regard to case")
class BasicZoneCaseFolded(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        return super().same_basic_password(presented.lower(), known.lower())


@fault("basic-zone-any-user", "a resource asks whether anybody has the password, and not whether the named user has it")
class BasicZoneAnyUser(Policy):
    def basic_user(self, name: str, password: str) -> UserRecord | None:
        anybody = (user for user in self.state.users.values() if user.password == password)
        return super().basic_user(name, password) or next(anybody, None)


@fault("basic-zone-shared-passwords", "a resource takes the password of any user for that of the named one")
class BasicZoneSharedPasswords(Policy):
    def same_basic_password(self, presented: str, known: str) -> bool:
        anybodys = any(user.password == presented for user in self.state.users.values())
        return anybodys or super().same_basic_password(presented, known)


@fault("client-scheme-case-sensitive", "the token endpoint knows the word Basic in one spelling only")
class ClientSchemeCaseSensitive(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        for line in request.header_lines("authorization"):
            word = self.parse_authorization(line)[0]
            if self.is_scheme(word, "basic") and word != "Basic":
                raise self.invalid_client()
        return super().client_credentials(request, parameters)
