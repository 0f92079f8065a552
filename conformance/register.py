"""What the catalogue has and the book has not, and what covers a statement beside the rules."""

from __future__ import annotations

UNBUILT = {
    "res-insufficient-scope": "needs a route and a narrower token that the three documents do not describe; a profile"
    " has one scope a grant",
    "hdr-spacing": "good servers differ, RFC 6750 2.1 and RFC 9110 11.4 allow one space or more; that no blank makes a"
    " server fail, invalid-never-5xx examines",
    "tok-basic-supported": "a client that is documented to authenticate in the body says nothing of Basic; where Basic"
    " is documented, every valid token request is the test",
    "tok-pragma": "RFC 9111 5.4 has made Pragma obsolete; nothing depends on it where tok-no-store holds",
    "err-throttle": "needs a burst of wrong secrets, which locks accounts, and leaves no valid twin to tell a limit"
    " from an outage",
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

COVERED_ELSEWHERE = {
    "DA-03": ("tests/plugin/test_secrets.py",),
    "DA-05": ("tests/auth/test_grants.py", "tests/embedded/test_authorization.py"),
    "DA-06": ("tests/embedded/test_authorization.py",),
    "DA-09": ("tests/auth/test_grants.py",),
    "DA-10": ("tests/http/test_guard.py",),
    "DA-11": ("tests/auth/test_grants.py", "tests/embedded/test_token_endpoint.py"),
    "DA-16": ("tests/http/test_guard.py",),
    "DA-18": ("conformance/dastra.apiauth.toml",),
    "DA-19": ("tests/auth/test_grants.py",),
    "DI-04": ("tests/plugin/test_secrets.py",),
    "DI-09": ("tests/plugin/test_secrets.py",),
    "DI-10": ("tests/embedded/test_token_endpoint.py",),
    "JI-07": ("tests/embedded/test_zones.py",),
    "JI-12": ("tests/http/test_clients.py",),
    "JI-13": ("tests/embedded/test_refresh.py",),
    "JI-17": ("tests/http/test_clients.py",),
}
"""Statements that clients, fixtures or the embedded server keep, with the tests that hold them to it."""
