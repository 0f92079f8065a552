"""Secrets that are told by their looks alone, each with its vendor's document: in paths of URLs, and anywhere.

Every pattern takes time in proportion to the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of secret looks; the pattern's group is the secret."""

    kind: str
    mark: str
    """What stands in every such text, in lower case: a text without it is not searched."""
    pattern: re.Pattern[str]
    source: str
    example: str
    """With ``{key}`` and the like where letters are drawn."""


def _look(kind: str, mark: str, pattern: str, source: str, example: str) -> Look:
    return Look(kind, mark, re.compile(pattern, re.ASCII), source, example)


PATHS: Final = (
    _look(
        "bot-token", "/bot", r"/bot(\d{5,20}(?::|%3[Aa])[\w-]{30,64})(?![\w-])",
        "https://core.telegram.org/bots/api#making-requests", "/bot{digits}:{key}/getMe",
    ),
    _look(
        "webhook", "/services/t", r"/services/(T[A-Z0-9]{6,20}/B[A-Z0-9]{6,20}/[A-Za-z0-9]{16,64})(?!\w)",
        "https://api.slack.com/messaging/webhooks", "/services/T0AB1CD2E/B0AB1CD2E/{key}",
    ),
    _look(
        "webhook", "/webhooks/", r"/webhooks/\d{15,22}/([\w-]{40,128})(?![\w-])",
        "https://discord.com/developers/docs/resources/webhook", "/api/webhooks/{digits}/{key}{key}",
    ),
    _look(
        "webhook", "/incomingwebhook/", r"/IncomingWebhook/([0-9a-f]{32})(?!\w)",
        "https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors", "/IncomingWebhook/{hex}/x",
    ),
    _look(
        "webhook", "/with/key/", r"/with/key/([\w-]{16,64})(?![\w-])",
        "https://ifttt.com/maker_webhooks", "/trigger/door/with/key/{key}",
    ),
    _look(
        "session-id", ";jsessionid=", r"(?i);jsessionid=([^;/?#&\s\"'<>\\]+)",
        "Jakarta Servlet 6.0, 7.1.3", "/cart;jsessionid={key}",
    ),
)  # fmt: skip
"""Secrets that stand in paths."""

TOKENS: Final = (
    _look(
        "private-key", "private key-----",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY-----((?:[^-]|-(?!----)){20,})-----END ",
        "RFC 7468 10 and 11", "-----BEGIN PRIVATE KEY-----\n{key}\n{key}\n-----END PRIVATE KEY-----",
    ),
    _look(
        "aws-access-key-id", "akia", r"(?<![A-Za-z0-9])(AKIA[A-Z0-9]{16})(?![A-Za-z0-9])",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html", "AKIA{capitals}",
    ),
    _look(
        "aws-access-key-id", "asia", r"(?<![A-Za-z0-9])(ASIA[A-Z0-9]{16})(?![A-Za-z0-9])",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html", "ASIA{capitals}",
    ),
    _look(
        "slack-token", "xox", r"(?<![\w-])(xox[a-z]-[A-Za-z0-9-]{10,250})(?![\w-])",
        "https://api.slack.com/authentication/token-types", "xoxb-{digits}-{key}",
    ),
    _look(
        "github-token", "gh", r"(?<!\w)(gh[opusr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})(?!\w)",
        "https://github.blog/engineering/behind-githubs-new-authentication-token-formats", "ghp_{key}abcd",
    ),
    _look(
        "gitlab-token", "glpat-", r"(?<![\w-])(glpat-[\w.-]{20,300})(?![\w-])",
        "https://docs.gitlab.com/security/tokens", "glpat-{key}",
    ),
    _look(
        "stripe-key", "k_", r"(?<!\w)([sr]k_(?:live|test)_[A-Za-z0-9]{16,255})(?!\w)",
        "https://docs.stripe.com/keys", "sk_test_{key}",
    ),
    _look(
        "google-api-key", "aiza", r"(?<![\w-])(AIza[\w-]{35})(?![\w-])",
        "https://cloud.google.com/docs/authentication/api-keys", "AIza{key}a",
    ),
    _look(
        "sendgrid-key", "sg.", r"(?<![\w.])(SG\.[\w-]{16,32}\.[\w-]{16,64})(?![\w-])",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys", "SG.abcdefghijklmnopqrstuv.{key}",
    ),
)  # fmt: skip
"""Tokens and keys that vendors have given a look of their own."""
