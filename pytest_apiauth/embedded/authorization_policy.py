"""The decisions at the authorization endpoint, and on the codes it gives (RFC 6749 3.1, 4.1; RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import ClientRecord, Code
from pytest_apiauth.embedded.token_policy import TokenPolicy
from pytest_apiauth.messages import Headers, Request

CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z", re.ASCII)
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z", re.ASCII)
Pairs = list[tuple[str, str]]


class AuthorizationPolicy(TokenPolicy):
    """Decisions of the authorization endpoint; `Policy` adds those of resources."""

    consents = True
    """Whether everybody is let in at once; else pages ask for a password and for consent."""
    asks_first = False
    """Whether it asks who somebody is before it looks at what is asked for."""

    # Where the browser may be sent.

    def decisive(self, pairs: Pairs, name: str) -> str | None:
        """Return ``client_id`` or ``redirect_uri``; if one came twice, the browser's target is in doubt."""
        values = [value for key, value in pairs if key == name]
        return values[0] if len(values) == 1 and values[0] else None

    def landing(self, client: ClientRecord | None, presented: str) -> str | None:
        """Return where to send the browser: a registered place, or None for an error page (RFC 6749 3.1.2.4)."""
        if client is None or client.redirect_uri is None or not self.same_redirect_uri(presented, client.redirect_uri):
            return None
        return presented

    def same_redirect_uri(self, presented: str, registered: str) -> bool:
        """Compare redirection URIs as simple strings (RFC 6749 3.1.2.3, RFC 9700 4.1.3)."""
        return presented == registered

    def location(self, redirect_uri: str, answer: dict[str, str]) -> str:
        """Write the answer into the redirection URI, whose own query is kept (RFC 6749 4.1.2)."""
        return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(answer)}"

    def answered_state(self, state: str, is_error: bool) -> str | None:
        """Return the state to send back: the same text, on success and on error (RFC 6749 4.1.2)."""
        return state

    # What is asked for.

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse a repeated parameter; one that nobody knows is ignored (RFC 6749 3.1)."""
        known = list(names)
        if len(known) != len(set(known)):
            raise Refusal(302, "invalid_request", "A parameter came more than once.")

    def check_response_type(self, wanted: str | None) -> None:
        """Refuse any response type but ``code`` (RFC 6749 3.1.1)."""
        if wanted is None:
            raise Refusal(302, "invalid_request", "response_type is missing.")
        if wanted != "code":
            raise Refusal(302, "unsupported_response_type")

    def challenge(self, client: ClientRecord, challenge: str | None, method: str | None) -> str | None:
        """Read the proof key's challenge: S256 or nothing, and never nothing from a public client (RFC 9700 2.1.1)."""
        if challenge is None and method is None:
            if client.is_public:
                raise Refusal(302, "invalid_request", "code_challenge is missing.")
            return None
        # Without a method "plain" is meant (RFC 7636 4.3), and plain protects nothing.
        if challenge is None or method != "S256" or not CHALLENGE.match(challenge):
            raise Refusal(302, "invalid_request", "Only S256 challenges are taken.")
        return challenge

    def authorized_scope(self, requested: str | None) -> str:
        """Return the scope of a code. Raises Refusal if a mandatory one is missing or one is unknown."""
        return self.granted_scope("authorization_code", requested)

    # Header fields.

    def page_headers(self) -> Headers:
        """Return the header fields that keep a page out of other sites' frames (RFC 9700 4.16)."""
        return (("X-Frame-Options", "DENY"), ("Content-Security-Policy", "frame-ancestors 'none'"))

    def authorization_headers(self, request: Request) -> Headers:
        """Return further header fields of any answer: none, and no permission for scripts either (RFC 9700 2.6)."""
        return ()

    # What becomes of a code.

    def may_redeem(self, code: Code, client: ClientRecord | None) -> bool:
        """Whether a code was given to this client (RFC 6749 4.1.3)."""
        return code.client == (client.name if client else None)

    def is_used(self, code: Code) -> bool:
        """Whether a code was redeemed before: it works once (RFC 6749 4.1.2)."""
        return code.used

    def replay_ends(self, code: Code) -> Iterable[int]:
        """Return the families that end with the replay of a code: what it gave (RFC 6749 4.1.2)."""
        return (code.family,)

    def check_code_target(self, code: Code, redirect_uri: str | None) -> None:
        """Refuse any redirection URI but the one of the authorization request (RFC 6749 4.1.3)."""
        if redirect_uri is None:
            raise Refusal(400, "invalid_request", "redirect_uri is missing.")
        if redirect_uri != code.redirect_uri:
            raise Refusal(400, "invalid_grant", "redirect_uri is another one.")

    def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
        """Check the proof key (RFC 7636 4.6); a verifier nobody asked for is a downgrade and refused (RFC 9700)."""
        if challenge is None or verifier is None:
            return challenge is verifier
        return self.well_formed_verifier(verifier) and hmac.compare_digest(s256(verifier), challenge)

    def well_formed_verifier(self, verifier: str) -> bool:
        """Whether a verifier has 43 to 128 unreserved characters (RFC 7636 4.1)."""
        return VERIFIER.match(verifier) is not None


def s256(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
