"""Applications with a login that is not OAuth's: what is truly to be found in each, and which rule misses what.

Each line was looked up in the source of the packages or of the application. What an application lacks is the name that
its ``create_app`` takes, or the path at which it is served so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.servers.test_django_oauth_toolkit import Place

ME = "me"
FORMER = "revoked.former"
TWO_WORDS = "a word behind the token is passed over: split(' ') and its kin"
NO_CHALLENGE = "the 401 has no WWW-Authenticate"
EXACT_WORD = "the scheme is compared as it is written"


@dataclass(frozen=True)
class Login:
    """One application, what is truly to be found in it, and the rules that miss its protections."""

    name: str
    packages: tuple[str, ...]
    failures: dict[Place, str] = field(default_factory=dict)
    warnings: dict[Place, str] = field(default_factory=dict)
    undecided: dict[Place, str] = field(default_factory=dict)
    passes: frozenset[Place] = frozenset()
    lacking: tuple[tuple[str, str, str], ...] = ()
    """What is taken away, the rule that fails by it, and the rule's part."""


TOO_DEEP = "the json of Python raises RecursionError for 20,000 brackets within each other, which nothing catches"
DJANGO = ("django", "rest_framework", "pytest_django", "time_machine")
SIMPLEJWT = Login(
    "simplejwt",
    (*DJANGO, "rest_framework_simplejwt"),
    warnings={
        ("res-challenge-content", ME): "simplejwt's challenge has a realm and no error code",
        ("hdr-scheme-case", ME): f"{EXACT_WORD}: get_raw_token looks for AUTH_HEADER_TYPES as they are",
        ("tok-body-bomb", "password"): TOO_DEEP,
    },
    passes=frozenset(
        [
            ("log-out-ends", "logout"),
            ("ref-old-dead", "refresh_token"),
            ("exp-boundary", ME),
            ("life-cycle", ME),
            ("ended-user", FORMER),
        ]
    ),
    lacking=(
        ("signature", "res-jwt-forged", ME),
        ("expiry", "exp-boundary", ME),
        ("type", "ref-not-access", ME),
        ("blacklist", "log-out-ends", "logout"),
        ("blacklist", "ref-old-dead", "refresh_token"),
        ("deactivated", "ended-user", FORMER),
    ),
)
REST_AUTH = Login(
    "restauth",
    (*DJANGO, "rest_framework_simplejwt", "dj_rest_auth"),
    warnings={
        ("res-401-challenge", ME): f"{NO_CHALLENGE} where LogoutView sets it for a token that has ended",
        ("tok-body-bomb", "password"): TOO_DEEP,
    },
    passes=frozenset([("log-out-ends", "logout"), ("ref-ancestor-dead", "refresh_token"), ("exp-boundary", ME)]),
    lacking=(("logout", "log-out-ends", "logout"), ("blacklist", "ref-old-dead", "refresh_token")),
)
DRF_TOKEN = Login(
    "drftoken",
    (*DJANGO,),
    passes=frozenset(
        [
            ("log-out-ends", "logout"),
            ("log-lacking", "password"),
            ("err-invalid-grant", "password"),
            ("ended-user", FORMER),
        ]
    ),
    lacking=(
        ("logout", "log-out-ends", "logout"),
        ("case", "res-token-case", ME),
        ("deactivated", "ended-user", FORMER),
    ),
)
KNOX = Login(
    "knox",
    (*DJANGO, "knox"),
    failures={("invalid-never-5xx", ME): "knox's authenticate_credentials takes the header for UTF-8, whatever it is"},
    passes=frozenset([("log-out-ends", "logout"), ("exp-boundary", ME), ("res-mutated-token", ME)]),
    lacking=(
        ("digest", "res-mutated-token", ME),
        ("expiry", "exp-boundary", ME),
        ("logout", "log-out-ends", "logout"),
    ),
)
FLASK_JWT = Login(
    "flask_jwt",
    ("flask_jwt_extended", "time_machine"),
    warnings={
        ("res-401-challenge", ME): NO_CHALLENGE,
        ("err-invalid-grant", "refresh_token"): "a token that cannot be read is answered with 422",
        ("res-malformed-header", ME): TWO_WORDS,
        ("hdr-scheme-case", ME): f"{EXACT_WORD}: JWT_HEADER_TYPE",
        ("tok-body-bomb", "password"): TOO_DEEP,
    },
    passes=frozenset([("log-out-ends", "logout"), ("acc-not-refresh", "refresh_token"), ("ref-not-access", ME)]),
    lacking=(
        ("blocklist", "log-out-ends", "logout"),
        ("renewal", "acc-not-refresh", "refresh_token"),
        ("type", "ref-not-access", ME),
        ("expiry", "exp-boundary", ME),
        ("password", "err-invalid-grant", "password"),
    ),
)
FLASK_TOKENS = Login(
    "flask_tokens",
    ("flask_httpauth", "itsdangerous", "time_machine"),
    warnings={("res-challenge-content", ME): "Flask-HTTPAuth's challenge has a realm and no error code"},
    passes=frozenset([("log-out-ends", "logout"), ("log-lacking", "password"), ("exp-boundary", ME)]),
    lacking=(
        ("signature", "res-mutated-token", ME),
        ("sessions", "log-out-ends", "logout"),
        ("expiry", "exp-boundary", ME),
        ("password", "err-invalid-grant", "password"),
    ),
)
USERS_JWT = Login(
    "users_jwt",
    ("fastapi_users", "time_machine"),
    warnings={("res-401-challenge", ME): NO_CHALLENGE},
    passes=frozenset([("res-jwt-forged", ME), ("exp-boundary", ME), ("err-form-robust", "password")]),
    lacking=(("signature", "res-jwt-forged", ME), ("expiry", "exp-boundary", ME)),
)
USERS_COOKIE = Login(
    "users_cookie",
    ("fastapi_users",),
    warnings={("res-401-challenge", ME): NO_CHALLENGE},
    passes=frozenset([("log-out-ends", "logout"), ("log-answer", "password"), ("log-lacking", "password")]),
    lacking=(("logout", "log-out-ends", "logout"), ("case", "res-token-case", ME)),
)
LITESTAR = Login(
    "litestar",
    ("litestar", "time_machine"),
    warnings={
        ("res-401-challenge", ME): NO_CHALLENGE,
        ("res-malformed-header", ME): TWO_WORDS,
        ("tok-body-bomb", "password"): "msgspec raises RecursionError for 20,000 brackets within each other",
    },
    passes=frozenset([("log-out-ends", "logout"), ("exp-boundary", ME), ("err-body-robust", "password")]),
    lacking=(
        ("revocation", "log-out-ends", "logout"),
        ("signature", "res-jwt-forged", ME),
        ("password", "err-invalid-grant", "password"),
    ),
)
EXPRESS = Login(
    "express",
    (),
    warnings={
        ("res-401-challenge", ME): f"{NO_CHALLENGE} where a refresh token is refused",
        ("res-challenge-content", ME): "the challenge is the bare word Bearer",
        ("res-malformed-header", ME): TWO_WORDS,
        ("hdr-scheme-case", ME): EXACT_WORD,
    },
    passes=frozenset([("log-out-ends", "logout"), ("ref-old-dead", "refresh_token"), ("res-jwt-forged", ME)]),
    lacking=(
        ("signature", "res-jwt-forged", ME),
        ("rotation", "ref-old-dead", "refresh_token"),
        ("logout", "log-out-ends", "logout"),
    ),
)
FASTIFY = Login(
    "fastify",
    (),
    failures={
        ("invalid-never-5xx", ME): "@fastify/jwt answers 401 for five of fast-jwt's error codes, and 500 for a token"
        " that is malformed or names another algorithm"
    },
    warnings={
        ("res-401-challenge", ME): NO_CHALLENGE,
        ("err-body-wrapped", "password"): "Fastify has Ajv take a list of one text for the text (coerceTypes: array)",
    },
    undecided={
        (rule, ME): "a token that is answered with 500 is not judged"
        for rule in ("res-jwt-forged", "res-jwt-own-key", "res-mutated-token", "res-token-wildcard")
    },
    passes=frozenset([("log-out-ends", "logout"), ("log-lacking", "password")]),
    lacking=(("guard", "res-no-cred-401", ME), ("logout", "log-out-ends", "logout")),
)
IN_PROCESS = (SIMPLEJWT, REST_AUTH, DRF_TOKEN, KNOX, FLASK_JWT, FLASK_TOKENS, USERS_JWT, USERS_COOKIE, LITESTAR)
"""Those in Python."""
SERVED = (EXPRESS, FASTIFY)
"""Those of Node.js, on the loopback interface."""
