"""What is truly to be found in the projects of users, each line looked up in the source of the packages or the project.

A line more in a report is a false alarm or a new finding, a line less a bug that the suite no longer sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.suite.book import REGISTRY
from tests.servers.test_django_oauth_toolkit import BEARER, EITHER, NOT_ASCII, ONE_CASE, QUERY, REUSE, TWICE, Place
from tests.sharing import about

bundled.load_chapters()
PROJECTS = Path(__file__).parent / "projects"


def about_project(name: str, *rules: str) -> pytest.MarkDecorator:
    """Mark a row in which a project lacks a protection with its files, and with those of the rules that miss it."""
    return about(*sorted((PROJECTS / name).rglob("*.py")), *(REGISTRY[rule].function for rule in rules))


RACES: set[Place] = {("ref-race", "refresh_token"), ("code-race", "authorization_code")}


@dataclass(frozen=True)
class Breakage:
    """One protection of a project taken away, and the rule whose business that is."""

    file: str
    protected: str
    careless: str
    rule: str
    part: str


@dataclass(frozen=True)
class Project:
    """A project, what is truly to be found in it, and how one of its protections is taken away."""

    name: str
    packages: tuple[str, ...]
    failures: dict[Place, str]
    warnings: dict[Place, str]
    passes: set[Place]
    file: str
    protected: str
    careless: str
    part: str
    """The zone that is open then."""
    breakages: tuple[Breakage, ...] = ()
    """Further protections, each of them taken away alone."""
    undecided: dict[Place, str] = field(default_factory=dict)
    """What a failure leaves open elsewhere."""

    def without_races(self, found: set[Place]) -> set[Place]:
        """Leave out who wins where two requests meet: a warning of them is true, and none says nothing."""
        return {place for place in found if place not in RACES}


TUTORIAL = "the tutorial's own code says so, and its profile cites the RFC"
FASTAPI = Project(
    "fastapi_shop",
    ("fastapi", "jwt", "multipart"),
    {
        ("tok-no-store", "password"): f"{TUTORIAL}: nothing sets Cache-Control",
        ("err-missing-param", "password"): "OAuth2PasswordRequestForm takes a form without grant_type;"
        " its sibling OAuth2PasswordRequestFormStrict does not",
    },
    {
        ("res-401-challenge", "items"): f"{TUTORIAL}: the 401 for a wrong key has no challenge",
        ("res-challenge-content", "users"): f"{TUTORIAL}: the challenge is the bare word Bearer",
        ("tok-expires-in", "password"): f"{TUTORIAL}: the answer has no expires_in",
        ("err-shape", "password"): "FastAPI's error is detail, not error",
        ("err-unsupported-grant", "password"): "FastAPI answers what its form does not allow with 422",
        ("err-duplicate-param", "password"): "a form gives the last of repeated parameters",
        ("err-invalid-grant", "password"): "FastAPI's error is detail, so a wrong password has no code",
    },
    {("zone-truth-table", "items"), ("zone-truth-table", "users"), ("zone-open", "status")},
    "main.py",
    '"/items", dependencies=[Depends(check_api_key)]',
    '"/items"',
    "items",
)
FLASK = Project(
    "flask_shop",
    ("flask",),
    {
        ("invalid-never-5xx", "account"): "base64.b64decode raises ValueError for text that is not ASCII; Werkzeug's"
        " Authorization.from_header catches binascii.Error and UnicodeError, which are kinds of it"
    },
    {},
    {("zone-truth-table", "account"), ("zone-truth-table", "catalogue"), ("zone-open", "status")},
    "flaskr/auth.py",
    '@bp.route("/catalogue")\n@key_required',
    '@bp.route("/catalogue")',
    "catalogue",
)
DJANGO = Project(
    "django_shop",
    ("django", "oauth2_provider", "rest_framework", "pytest_django"),
    {("basic-malformed", "password"): NOT_ASCII},
    {
        ("tok-in-url-refused", "me"): QUERY,
        ("tok-401-challenge", "password"): BEARER,
        ("tok-two-auth-methods", "password"): EITHER,
        ("err-duplicate-param", "password"): TWICE,
        ("tok-scheme-case", "password"): ONE_CASE,
        ("ref-reuse-kills-family", "refresh_token"): REUSE,
    },
    {("zone-truth-table", "me"), ("zone-identity", "me"), ("ref-client-bound", "refresh_token")},
    "shop/views.py",
    "@api_view()\ndef me",
    "@api_view()\n@permission_classes([AllowAny])\ndef me",
    "me",
)

ONLY_TYPE_ERRORS = (
    "base64.b64decode raises ValueError for text that is not ASCII; Authlib's extract_basic_authorization catches"
    " binascii.Error, which is a kind of ValueError, and TypeError"
)
ONLY_UTF8 = "Authlib's extract_basic_authorization decodes what it read as UTF-8 and lets UnicodeDecodeError pass"
FORBIDDEN_IN_DESCRIPTION = (
    "Authlib puts the redirect_uri that it refuses into error_description, and its OAuth2Error raises ValueError for a"
    " character that RFC 6749 4.1.2.1 does not allow there, such as a backslash"
)
AUTHLIB_BODY = "Authlib's authenticate_client_secret_basic looks at the header alone, whatever the body says"
AUTHLIB_QUERY = "Authlib takes grant_type and scope from the URL of a POST as well as from its body"
AUTHLIB_TWICE = "Authlib takes the first of repeated parameters; only its authorization endpoint refuses them"
HINT = "RFC 7009 2.1: a wrong hint MUST extend the search to all types; Authlib's create_query_token_func stops at it"
TELLS = "Authlib's _validate_client says 'The client does not exist on this server'"
AUTHLIB = Project(
    "authlib_shop",
    ("authlib", "flask", "flask_sqlalchemy", "waitress"),
    {
        ("invalid-never-5xx", "authorization_code"): FORBIDDEN_IN_DESCRIPTION,
        ("basic-malformed", "password"): ONLY_TYPE_ERRORS,
        ("basic-malformed", "client_credentials"): ONLY_TYPE_ERRORS,
        ("basic-utf8", "password"): ONLY_UTF8,
        ("basic-utf8", "client_credentials"): ONLY_UTF8,
    },
    {
        ("res-challenge-content", "me"): "RFC 6750 3.1: a request without credentials SHOULD NOT be told an error"
        " code; Authlib says missing_authorization",
        ("basic-challenge-realm", "password"): "RFC 7617 2: realm is REQUIRED; Authlib's challenge has an error only",
        ("basic-challenge-realm", "client_credentials"): "as for password",
        ("tok-get-refused", "password"): AUTHLIB_QUERY,
        ("tok-get-refused", "client_credentials"): AUTHLIB_QUERY,
        ("tok-two-auth-methods", "password"): AUTHLIB_BODY,
        ("tok-two-auth-methods", "client_credentials"): AUTHLIB_BODY,
        ("tok-client-mixed", "password"): AUTHLIB_BODY,
        ("tok-client-mixed", "client_credentials"): AUTHLIB_BODY,
        ("err-duplicate-param", "password"): AUTHLIB_TWICE,
        ("err-duplicate-param", "client_credentials"): AUTHLIB_TWICE,
        ("err-invalid-grant", "password"): "Authlib's ResourceOwnerPasswordCredentialsGrant says invalid_request",
        ("ref-reuse-kills-family", "refresh_token"): "the quick start revokes the old token only",
        ("ref-race", "refresh_token"): "the old token is read, and revoked after the new one is saved, without a lock",
        ("rev-hint-inert", "password"): HINT,
        ("rev-hint-inert", "refresh_token"): HINT,
        ("az-framing", "authorization_code"): "the project's page, as Authlib's example's, may be framed",
        ("leak-enum-client", "password"): TELLS,
        ("leak-enum-client", "client_credentials"): TELLS,
    },
    {
        ("zone-truth-table", "me"),
        ("zone-identity", "me"),
        ("zone-open", "status"),
        ("ref-client-bound", "refresh_token"),
        ("rev-effective", "refresh_token"),
        ("int-guarded", "password"),
        ("md-consistent", "document"),
    },
    "routes.py",
    '@require_oauth("profile")\ndef me():\n    return {"user": current_token.user and current_token.user.username}',
    'def me():\n    return {"user": "alice"}',
    "me",
    (
        Breakage(
            "provider.py",
            "return user if user and user.check_password(password) else None",
            "return user",
            "err-invalid-grant",
            "password",
        ),
        Breakage("models.py", "not self.refresh_token_revoked_at and ", "", "ref-old-dead", "refresh_token"),
        Breakage(
            "provider.py",
            "def introspect_token(self, token):",
            "def authenticate_endpoint_client(self, request):\n        return Client.query.first()\n\n"
            "    def introspect_token(self, token):",
            "int-guarded",
            "password",
        ),
    ),
    {("az-redirect-near-miss", "authorization_code"): FORBIDDEN_IN_DESCRIPTION},
)

SCHEME_IGNORED = (
    "HTTPBasicAuth reads what stands behind any scheme: as its source says, it 'also accepts other schemes besides"
    ' "Basic"\''
)
NO_ERROR = 'RFC 6750 3.1: a refused token SHOULD bring error="invalid_token"; Flask-HTTPAuth\'s challenge has a realm'
HTTPAUTH = Project(
    "flask_httpauth_shop",
    ("flask", "flask_httpauth", "waitress"),
    {},
    {
        ("res-challenge-content", "token"): NO_ERROR,
        ("res-challenge-content", "either"): NO_ERROR,
        ("res-malformed-header", "basic"): SCHEME_IGNORED,
        ("res-malformed-header", "either"): SCHEME_IGNORED,
        ("hdr-scheme-case", "either"): "RFC 9110 11.1: a scheme's case means nothing; MultiAuth compares it exactly",
    },
    {
        ("zone-truth-table", "basic"),
        ("zone-truth-table", "token"),
        ("zone-truth-table", "either"),
        ("zone-identity", "either"),
        ("zone-open", "status"),
    },
    "shop.py",
    '@multi_auth.login_required\ndef by_either():\n    return {"user": multi_auth.current_user()}',
    'def by_either():\n    return {"user": "alice"}',
    "either",
    (
        Breakage(
            "shop.py",
            "if username in users and check_password_hash(users.get(username), password):",
            "if username in users:",
            "res-basic-exact",
            "basic",
        ),
        Breakage(
            "shop.py",
            "    if token in tokens:\n        return tokens[token]\n    return None",
            '    return tokens.get(token, "alice")',
            "res-garbage-token",
            "token",
        ),
        Breakage(
            "shop.py",
            "    if token in tokens:\n        return tokens[token]\n    return None",
            "    return next((name for known, name in tokens.items() if known.lower() == token.lower()), None)",
            "res-token-case",
            "either",
        ),
    ),
)

DRF = Project(
    "drf_shop",
    ("django", "pytest_django", "rest_framework", "waitress"),
    {},
    {
        ("res-challenge-content", "bearer"): "RFC 6750 3: the scheme MUST be followed by an auth-param; the challenge"
        " of TokenAuthentication is its keyword alone",
        ("zone-surplus-bad", "status"): "Django REST framework authenticates before it asks whether that is needed",
    },
    {
        ("zone-truth-table", "token"),
        ("zone-truth-table", "bearer"),
        ("zone-truth-table", "basic"),
        ("zone-truth-table", "any"),
        ("zone-swap", "bearer"),
        ("zone-identity", "any"),
        ("zone-open", "status"),
    },
    "shop/views.py",
    "@authentication_classes([TokenAuthentication])\ndef by_token(request):\n"
    '    return Response({"user": request.user.username})',
    '@permission_classes([AllowAny])\ndef by_token(request):\n    return Response({"user": "alice"})',
    "token",
    (
        Breakage(
            "shop/views.py",
            'keyword = "Bearer"',
            'keyword = "Bearer"\n\n    def authenticate_credentials(self, key):\n'
            "        return super().authenticate_credentials(key.lower())",
            "res-token-case",
            "bearer",
        ),
        Breakage(
            "shop/views.py",
            "@authentication_classes([BasicAuthentication])",
            "@authentication_classes([])\n@permission_classes([AllowAny])",
            "res-no-cred-401",
            "basic",
        ),
    ),
)
SERVED = {project.name: project for project in (AUTHLIB, DRF, HTTPAUTH)}
"""Those that are run as real servers too."""
BY_NAME = {project.name: project for project in (FASTAPI, FLASK, DJANGO, *SERVED.values())}
