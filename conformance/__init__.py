"""The conformance suite: a book of rules, one module a chapter, one function a rule."""

CHAPTERS = (
    "resource",
    "jwt",
    "headers",
    "basic",
    "client_authentication",
    "token_answer",
    "token_errors",
    "refresh",
    "expiry",
    "revocation",
    "authorization",
    "codes",
    "device",
    "exchange",
    "metadata",
    "transport",
    "leaks",
    "api_keys",
    "zones",
    "lifecycle",
)
