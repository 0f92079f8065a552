"""The conformance suite: a book of rules, one module a chapter, one function a rule."""

CHAPTERS = (
    "resource",
    "headers",
    "basic",
    "client_authentication",
    "token_answer",
    "token_errors",
    "refresh",
    "api_keys",
    "zones",
)
