"""The names of secrets, each with where it counts and who says so. Recording, replaying and searching read this.

A name is folded before it is compared: ``X-Amz-Signature``, ``x_amz_signature`` and ``xAmzSignature`` are one. A star
stands for whatever goes before. Where a name is an ordinary word too, `Value` says which values count, ``beside`` the
names that settle it whatever the value, ``unless`` those that settle the contrary.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Place(enum.Flag):
    """Where a name stands."""

    HEADER = enum.auto()
    QUERY = enum.auto()
    """A parameter of a URL, or a pair ``name=value`` in any text."""
    FORM = enum.auto()
    MEMBER = enum.auto()
    """A member of JSON, or an element of XML."""


HEADER, QUERY, FORM, MEMBER = Place
PARAMETER: Final = QUERY | FORM
BODY: Final = PARAMETER | MEMBER
ANYWHERE: Final = HEADER | BODY


class Value(enum.Enum):
    """Which values are secret."""

    ANY = enum.auto()
    NO_WORD = enum.auto()
    """What can be a password: neither a word nor a number."""
    KEY = enum.auto()
    """What looks drawn at random, sixteen characters and more."""


ANY, NO_WORD, KEY = Value


@dataclass(frozen=True, slots=True)
class Name:
    """One name of secrets."""

    name: str
    places: Place
    source: str
    value: Value = ANY
    beside: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


_AWS: Final = "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html"
_AWS_STS: Final = "https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html"
_AZURE_SAS: Final = "https://learn.microsoft.com/rest/api/storageservices/create-service-sas"
_AZURE_RECORDINGS: Final = "Azure SDK, what its recordings of tests are cleaned of"
_CLOUDFRONT: Final = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "private-content-creating-signed-url-canned-policy.html"
)
_COINBASE: Final = "https://docs.cdp.coinbase.com/exchange/rest-api/authentication"
_CUSTOM: Final = "custom of many APIs"
_DATADOG: Final = "https://docs.datadoghq.com/api/latest/authentication"
_DETECT_SECRETS: Final = "detect-secrets, its list of keywords"
_FIREBASE: Final = "https://firebase.google.com/docs/database/rest/auth"
_GCS: Final = "https://cloud.google.com/storage/docs/authentication/canonical-requests"
_GOOGLE_KEYS: Final = "https://cloud.google.com/docs/authentication/api-keys-use"
_IANA_FIELDS: Final = "IANA, HTTP Field Name Registry"
_IANA_OAUTH: Final = "IANA, OAuth Parameters"
_JSONBIN: Final = "https://jsonbin.io/api-reference"
_NEW_RELIC: Final = "https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys"
_OPENWEATHER: Final = "https://openweathermap.org/appid"
_OSS: Final = "https://help.aliyun.com/en/oss/developer-reference/add-signatures-to-urls"
_OSS_V1: Final = "https://help.aliyun.com/en/oss/developer-reference/ddd-signatures-to-urls"
_PARSE: Final = "https://docs.parseplatform.org/rest/guide"
_SENTRY: Final = "https://develop.sentry.dev/sdk/overview"
_SCRUBBER: Final = "Sentry SDK, its denylist of names"
_SHOPIFY: Final = "https://shopify.dev/docs/apps/build/authentication-authorization"
_TRELLO: Final = "https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization"

_PERSONS: Final = ("user", "username", "usr", "uname", "login", "userid", "email", "account")
_SAS: Final = ("sv", "sr", "se", "sp", "ss", "srt", "skn", "skoid")
_SIGNATURES: Final = ("signature", "sig", "xamzsignature", "xgoogsignature", "xosssignature", "oauthsignature")

TABLE: Final = (
    # Fields of HTTP
    Name("Authorization", ANYWHERE, "RFC 9110 11.6.2"),
    Name("Proxy-Authorization", HEADER, "RFC 9110 11.7.2"),
    Name("*-Authorization", HEADER, "custom of proxies: X-Forwarded-Authorization, x-ms-copy-source-authorization"),
    Name("Authentication", HEADER, "custom of APIs that do not use Authorization"),
    Name("X-Authentication", HEADER, "https://docs.developer.betfair.com"),
    Name("X-Auth", HEADER, _CUSTOM),
    Name("*-Auth", HEADER, f"{_SENTRY} (X-Sentry-Auth)", KEY),
    Name("Cookie", HEADER, "RFC 6265 4.2"),
    Name("Set-Cookie", HEADER, "RFC 6265 4.1"),
    Name("Set-Cookie2", HEADER, _IANA_FIELDS),
    Name("DPoP", HEADER, "RFC 9449 4.1"),
    Name("Signature", HEADER, "RFC 9421 4.2"),
    # OAuth
    Name("access_token", ANYWHERE, "RFC 6749 5.1"),
    Name("refresh_token", ANYWHERE, "RFC 6749 5.1"),
    Name("client_secret", ANYWHERE, "RFC 6749 2.3.1"),
    Name("password", ANYWHERE, "RFC 6749 4.3.2"),
    Name("assertion", ANYWHERE, "RFC 7521 4.1"),
    Name("client_assertion", ANYWHERE, "RFC 7521 4.2"),
    Name("code_verifier", ANYWHERE, "RFC 7636 4.5"),
    Name("device_code", ANYWHERE, "RFC 8628 3.2"),
    Name("user_code", ANYWHERE, "RFC 8628 3.2"),
    Name("request_uri", ANYWHERE, "RFC 9126 2.2"),
    Name("token", ANYWHERE, "RFC 7009 2.1, RFC 7662 2.1"),
    Name("registration_access_token", ANYWHERE, "RFC 7592 3"),
    Name("subject_token", ANYWHERE, "RFC 8693 2.1"),
    Name("actor_token", ANYWHERE, "RFC 8693 2.1"),
    Name("id_token", ANYWHERE, "OpenID Connect Core 3.1.3.3"),
    Name("id_token_hint", ANYWHERE, "OpenID Connect Core 3.1.2.1"),
    Name("logout_token", ANYWHERE, "OpenID Connect Back-Channel Logout 2.5"),
    Name("authorization_code", ANYWHERE, _IANA_OAUTH),
    Name("auth_code", ANYWHERE, _CUSTOM),
    Name("SAMLResponse", ANYWHERE, "SAML 2.0 Bindings 3.5.4"),
    Name("oauth_signature", PARAMETER, "RFC 5849 3.4"),
    Name("consumer_key", ANYWHERE, "https://woocommerce.github.io/woocommerce-rest-api-docs", KEY),
    # Said by their last word, whoever uses them
    Name("*token", ANYWHERE, _SCRUBBER),
    Name("*secret", ANYWHERE, _SCRUBBER),
    Name("*password", ANYWHERE, _SCRUBBER),
    Name("*passwd", ANYWHERE, _SCRUBBER),
    Name("*passphrase", ANYWHERE, f"{_COINBASE} (CB-ACCESS-PASSPHRASE)"),
    Name("*pwd", ANYWHERE, _SCRUBBER, NO_WORD),
    Name("pwd", ANYWHERE, _DETECT_SECRETS),
    Name("jwt", ANYWHERE, "RFC 7519"),
    Name("bearer", ANYWHERE, "RFC 6750"),
    Name("otp", ANYWHERE, _CUSTOM),
    Name("credential", ANYWHERE, _CUSTOM),
    Name("*credential", PARAMETER, f"{_AWS} (X-Amz-Credential)"),
    Name("credentials", ANYWHERE, _SCRUBBER, NO_WORD),
    Name("*apikey", ANYWHERE, _SCRUBBER),
    Name("*apikeys", HEADER, "https://developer.tenable.com/docs/authorization (X-ApiKeys)"),
    Name("*privatekey", ANYWHERE, _SCRUBBER),
    Name("*secretkey", ANYWHERE, _DETECT_SECRETS),
    Name("*secretaccesskey", ANYWHERE, _AWS_STS),
    # Keys in headers: what kind of key it is tells them from Idempotency-Key, Surrogate-Key and Sec-WebSocket-Key
    Name("*-Access-Key", HEADER, f"{_JSONBIN} (X-Access-Key)"),
    Name("*-Account-Key", HEADER, _DETECT_SECRETS),
    Name("*-Admin-Key", HEADER, _CUSTOM),
    Name("*-App-Key", HEADER, _DETECT_SECRETS),
    Name("*-Application-Key", HEADER, f"{_DATADOG} (DD-APPLICATION-KEY)"),
    Name("*-Auth-Key", HEADER, "https://developers.cloudflare.com/fundamentals/api (X-Auth-Key)"),
    Name("*-Client-Key", HEADER, f"{_PARSE} (X-Parse-Client-Key)"),
    Name("*-Consumer-Key", HEADER, _CUSTOM),
    Name("*-Developer-Key", HEADER, _CUSTOM),
    Name("*-Encryption-Key", HEADER, f"{_AZURE_RECORDINGS} (x-ms-encryption-key)"),
    Name("*-Function-Key", HEADER, _CUSTOM),
    Name("*-Functions-Key", HEADER, "https://learn.microsoft.com/azure/azure-functions/function-keys-how-to"),
    Name("*-Insert-Key", HEADER, f"{_NEW_RELIC} (X-Insert-Key)"),
    Name("*-Integration-Key", HEADER, _CUSTOM),
    Name("*-License-Key", HEADER, f"{_NEW_RELIC} (X-License-Key)"),
    Name("*-Master-Key", HEADER, f"{_JSONBIN} (X-Master-Key)"),
    Name("*-Partner-Key", HEADER, _CUSTOM),
    Name("*-Query-Key", HEADER, f"{_NEW_RELIC} (X-Query-Key)"),
    Name("*-SAS-Key", HEADER, f"{_AZURE_RECORDINGS} (aeg-sas-key)"),
    Name("*-Server-Key", HEADER, _CUSTOM),
    Name("*-Service-Key", HEADER, _DETECT_SECRETS),
    Name("*-Session-Key", HEADER, _CUSTOM),
    Name("*-Shared-Key", HEADER, _CUSTOM),
    Name("*-Signing-Key", HEADER, _CUSTOM),
    Name("*-Subscription-Key", HEADER, "https://learn.microsoft.com/azure/api-management/api-management-subscriptions"),
    Name("*-Key", HEADER, _CUSTOM, KEY),
    Name("*-Signature", HEADER, "Stripe-Signature, X-Slack-Signature, X-Twilio-Signature, X-Hub-Signature of webhooks"),
    Name("*-Signature-256", HEADER, "https://docs.github.com/webhooks (X-Hub-Signature-256)"),
    Name("*-Hmac-SHA256", HEADER, f"{_SHOPIFY} (X-Shopify-Hmac-SHA256)"),
    Name("*-Hmac", HEADER, _CUSTOM),
    Name("*-Sign", HEADER, f"{_COINBASE} (CB-ACCESS-SIGN)", KEY),
    Name("*-Session", HEADER, "https://www.metabase.com/docs/latest/api (X-Metabase-Session)", NO_WORD),
    Name("*-Session-Id", HEADER, _CUSTOM, NO_WORD),
    Name("*-Assertion", HEADER, "https://cloud.google.com/iap/docs (X-Goog-IAP-JWT-Assertion)"),
    Name("X-Application", HEADER, "https://docs.developer.betfair.com", KEY),
    # Keys in URLs and bodies
    Name("access_key", BODY, _DETECT_SECRETS),
    Name("session_key", BODY, _CUSTOM),
    Name("secret_id", BODY, "https://developer.hashicorp.com/vault/docs/auth/approle", KEY),
    Name("*accesskeyid", BODY, f"{_AWS_STS}, {_OSS_V1} (OSSAccessKeyId)"),
    Name("*subscription-key", BODY, "https://learn.microsoft.com/azure/api-management/api-management-subscriptions"),
    Name("*master-key", BODY, _PARSE),
    Name("*auth-key", BODY, _DETECT_SECRETS),
    Name("*signing-key", BODY, _CUSTOM),
    Name("*encryption-key", BODY, _AZURE_RECORDINGS),
    Name("*shared-access-key", BODY, _AZURE_RECORDINGS),
    Name("*shared-access-signature", BODY, _AZURE_SAS),
    Name("*access-key", BODY, _DETECT_SECRETS, KEY),
    Name("*account-key", BODY, _AZURE_RECORDINGS, KEY),
    Name("*application-key", BODY, _DATADOG, KEY),
    Name("*app-key", BODY, _DETECT_SECRETS, KEY),
    Name("*client-key", BODY, _DETECT_SECRETS, KEY),
    Name("*function-key", BODY, _CUSTOM, KEY),
    Name("*integration-key", BODY, _CUSTOM, KEY),
    Name("*license-key", BODY, _NEW_RELIC, KEY),
    Name("*primary-key", BODY, _AZURE_RECORDINGS, KEY),
    Name("*secondary-key", BODY, _AZURE_RECORDINGS, KEY),
    Name("*routing-key", BODY, "https://developer.pagerduty.com/docs/events-api-v2", KEY),
    Name("*server-key", BODY, _CUSTOM, KEY),
    Name("*service-key", BODY, _DETECT_SECRETS, KEY),
    Name("*write-key", BODY, "https://segment.com/docs/connections/sources/catalog/libraries/server/http-api", KEY),
    Name("key", BODY, f"{_GOOGLE_KEYS}; with a token: {_TRELLO}", KEY, beside=("token", "cx")),
    Name("appid", BODY, f"{_OPENWEATHER}; WeChat's stands beside a secret and is a name", KEY, unless=("secret",)),
    Name("sentry_key", PARAMETER, _SENTRY),
    # Signed URLs
    Name("signature", ANYWHERE, f"{_CLOUDFRONT}, {_OSS_V1}"),
    Name("*signature", BODY, f"{_AWS} (X-Amz-Signature), {_GCS} (X-Goog-Signature), {_OSS} (x-oss-signature)", KEY),
    Name("sig", BODY, _AZURE_SAS, KEY, beside=_SAS),
    Name("sign", PARAMETER, _CUSTOM, KEY),
    Name("hmac", BODY, f"{_SHOPIFY} (the query of a call back)", KEY, beside=("shop", "timestamp")),
    # Words that are names of secrets beside a person's, or where the value tells
    Name("auth", BODY, _FIREBASE, KEY),
    Name("pass", BODY, _DETECT_SECRETS, NO_WORD, beside=_PERSONS),
    Name("db_pass", BODY, _DETECT_SECRETS),
    Name("user_pass", BODY, _CUSTOM),
    Name("key_pass", BODY, _DETECT_SECRETS),
    Name("pw", BODY, _CUSTOM, NO_WORD, beside=_PERSONS),
    Name("session", BODY, _SCRUBBER, KEY),
    Name("session_id", ANYWHERE, _SCRUBBER),
    Name("*sessid", BODY, "https://www.php.net/manual/en/session.configuration.php (PHPSESSID)"),
    Name("jsessionid", BODY, "Jakarta Servlet 6.0, 7.1.3"),
    Name("sid", PARAMETER, "https://fritz.com (sid of FRITZ!Box), connect.sid of Express", KEY),
    Name("sid", MEMBER, "Synology's of a log-in; Twilio's names a resource", KEY, unless=("accountsid", "uri", "url")),
    Name("*-SID", HEADER, _CUSTOM, KEY),
    Name("access", MEMBER, "https://django-rest-framework-simplejwt.readthedocs.io (beside refresh)", KEY),
    Name("refresh", MEMBER, "https://django-rest-framework-simplejwt.readthedocs.io (beside access)", KEY),
    Name("ticket", BODY, "https://apereo.github.io/cas (service tickets)", KEY),
)
"""All that is known by name, in no order that counts."""

HARMLESS: Final = (
    # Places in a list: which page is asked for must stay to be seen.
    "pagetoken", "nexttoken", "continuationtoken", "synctoken", "previoustoken",
    # Keys that name a request, a node of a cache or a partition (RFC 6455 11.3.1; IANA, HTTP Field Name Registry).
    "idempotencykey", "surrogatekey", "cachekey", "partitionkey", "sortkey", "websocketkey",
)  # fmt: skip
"""Endings of names, folded, that end like those of secrets and are none."""

MOMENTS: Final = (
    Name("X-Amz-Date", QUERY, _AWS, beside=_SIGNATURES),
    Name("X-Goog-Date", QUERY, _GCS, beside=_SIGNATURES),
    Name("x-oss-date", QUERY, _OSS, beside=_SIGNATURES),
    Name("Expires", QUERY, f"{_CLOUDFRONT}, {_OSS_V1}", beside=_SIGNATURES),
    Name("x-oss-expires", QUERY, _OSS, beside=_SIGNATURES),
    Name("Policy", QUERY, _CLOUDFRONT, beside=_SIGNATURES),
    Name("st", QUERY, _AZURE_SAS, beside=("sig",)),
    Name("se", QUERY, _AZURE_SAS, beside=("sig",)),
    Name("skt", QUERY, _AZURE_SAS, beside=("sig",)),
    Name("ske", QUERY, _AZURE_SAS, beside=("sig",)),
    Name("oauth_timestamp", PARAMETER, "RFC 5849 3.3", beside=("oauthsignature",)),
    Name("oauth_nonce", PARAMETER, "RFC 5849 3.3", beside=("oauthsignature",)),
)
"""Of a signed request: no secrets, but of the moment in which it was signed, and another in each run."""


def table() -> tuple[Name, ...]:
    """Return the names that count as those of secrets."""
    return TABLE
