"""What the catalogue has and the book has not, and which rules are cheap enough to run often."""

from __future__ import annotations

UNBUILT = {
    "hdr-spacing": "good servers differ, RFC 6750 2.1 and RFC 9110 11.4 allow one space or more; that no blank makes a"
    " server fail, invalid-never-5xx examines",
    "tok-basic-supported": "a client that is documented to authenticate in the body says nothing of Basic; where Basic"
    " is documented, every valid token request is the test",
    "tok-pragma": "RFC 9111 5.4 has made Pragma obsolete; nothing depends on it where tok-no-store holds",
    "tls-modern": "needs handshakes that the local TLS library no longer offers; scanners for it exist",
}
"""Ids of the catalogue without a rule, each with its reason."""

SMOKE = frozenset(
    {
        "zone-truth-table", "zone-open", "zone-token-route", "zone-identity", "key-missing", "tls-only",
        "tok-200-json", "tok-members", "tok-no-store", "tok-expires-in", "tok-expires-doc", "tok-scope-reported",
    }
)  # fmt: skip
"""A dozen cheap rules, read-only or one token each: they tell whether authentication still works."""
