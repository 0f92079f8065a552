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
    _look(
        "slack-token", "xapp-", r"(?<![\w-])(xapp-\d-[A-Z0-9]{6,20}-\d{6,20}-[a-f0-9]{32,128})(?![\w-])",
        "https://api.slack.com/authentication/token-types", "xapp-1-A0AB1CD2E-{digits}-{hex}{hex}",
    ),
    _look(
        "stripe-webhook-secret", "whsec_", r"(?<!\w)(whsec_[A-Za-z0-9+/]{24,100}={0,2})(?![\w=])",
        "https://docs.stripe.com/webhooks", "whsec_{key}",
    ),
    _look(
        "google-token", "ya29.", r"(?<![\w.])(ya29\.[\w-]{20,2048})(?![\w-])",
        "https://developers.google.com/identity/protocols/oauth2", "ya29.{key}",
    ),
    _look(
        "google-client-secret", "gocspx-", r"(?<![\w-])(GOCSPX-[\w-]{20,64})(?![\w-])",
        "https://developers.google.com/identity/protocols/oauth2", "GOCSPX-{key}",
    ),
    _look(
        "shopify-token", "shp", r"(?<!\w)(shp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32})(?!\w)",
        "https://shopify.dev/docs/apps/build/authentication-authorization", "shpat_{hex}",
    ),
    _look(
        "openai-key", "sk-",
        r"(?<![\w-])(sk-(?:(?:proj|svcacct|admin|ant)-[A-Za-z0-9_-]{20,256}|[A-Za-z0-9]{32,64}))(?![\w-])",
        "https://platform.openai.com/docs/api-reference/authentication; Anthropic's begin so too", "sk-proj-{key}",
    ),
    _look(
        "npm-token", "npm_", r"(?<!\w)(npm_[A-Za-z0-9]{36})(?!\w)",
        "https://docs.npmjs.com/about-access-tokens", "npm_{key}ab",
    ),
    _look(
        "pypi-token", "pypi-", r"(?<![\w-])(pypi-AgE[\w-]{24,512})(?![\w-])",
        "https://pypi.org/help/#apitoken", "pypi-AgE{key}",
    ),
    _look(
        "huggingface-token", "hf_", r"(?<!\w)(hf_[A-Za-z0-9]{30,64})(?!\w)",
        "https://huggingface.co/docs/hub/security-tokens", "hf_{key}",
    ),
    _look(
        "digitalocean-token", "_v1_", r"(?<!\w)(do[opr]_v1_[a-f0-9]{64})(?!\w)",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token", "dop_v1_{hex}{hex}",
    ),
    _look(
        "atlassian-token", "atatt3", r"(?<!\w)(ATATT3[\w=-]{24,512})(?![\w=-])",
        "https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account",
        "ATATT3{key}",
    ),
    _look(
        "databricks-token", "dapi", r"(?<!\w)(dapi[a-f0-9]{32}(?:-\d)?)(?![\w-])",
        "https://docs.databricks.com/dev-tools/auth/pat", "dapi{hex}",
    ),
    _look(
        "grafana-token", "gl",
        r"(?<!\w)(gl(?:sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|c_[A-Za-z0-9+/]{32,400}={0,2}))(?![\w=])",
        "https://grafana.com/docs/grafana/latest/administration/service-accounts", "glc_{key}",
    ),
    _look(
        "vault-token", "hvs.", r"(?<![\w.])(hv[sb]\.[\w-]{24,300})(?![\w-])",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens", "hvs.{key}",
    ),
    _look(
        "newrelic-key", "nrak-", r"(?<![\w-])(NRAK-[A-Z0-9]{27})(?![\w-])",
        "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys", "NRAK-{capitals}ABCDEFGHIJK",
    ),
    _look(
        "postman-key", "pmak-", r"(?<![\w-])(PMAK-[a-f0-9]{24}-[a-f0-9]{34})(?![\w-])",
        "https://learning.postman.com/docs/developer/postman-api/authentication", "PMAK-" + "0a" * 12 + "-{hex}ab",
    ),
)  # fmt: skip
"""Tokens and keys that vendors have given a look of their own."""
