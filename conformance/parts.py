"""Applicability: which parts of a profile the rules are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_apiauth.rules import GRANTS, KINDS, CredentialKind, Grant, GrantType, Kind, Parts, Profile, Zone

TOKENS: tuple[Kind, ...] = tuple(name for name, kind in KINDS.items() if kind.is_token)
BASIC = KINDS["basic"].place.scheme
"""What `Place.scheme` is of whatever travels as HTTP Basic does."""
PAIRS: tuple[Kind, ...] = tuple(name for name, kind in KINDS.items() if len(kind.roles[0]) == 2)
"""The kinds of credentials that are a name and a password."""
Zones = Callable[[Profile], Mapping[str, Zone]]


def _zones(wanted: Callable[[Zone], bool]) -> Zones:
    return lambda profile: {name: zone for name, zone in profile.zones.items() if zone.probe and wanted(zone)}


def _taking(wanted: Callable[[CredentialKind], bool]) -> Zones:
    """Find the zones that take a kind of credential, as the profile has it, of which something holds."""
    # Where a credential may be left out, nothing follows from one that is bad.
    return lambda profile: _zones(
        lambda zone: zone.is_protected and any(wanted(profile.kinds[kind]) for kind in zone.kinds)
    )(profile)


def _named(kind: Kind) -> Callable[[CredentialKind], bool]:
    return lambda row: row.name == kind


def keys_in(profile: Profile, zone: Zone) -> tuple[Kind, ...]:
    """Return the kinds of keys that a zone takes: the API key, and those that the profile names."""
    return tuple(name for name, row in profile.kinds.items() if row.is_key and name in zone.kinds)


def tokens_of(profile: Profile, wanted: Callable[[CredentialKind], bool]) -> tuple[Kind, ...]:
    """Return the kinds of tokens of which something holds where the profile has them travel."""
    return tuple(name for name, row in profile.kinds.items() if row.is_token and wanted(row))


def goes_with_a_scheme(kind: CredentialKind) -> bool:
    """Whether a credential stands in Authorization behind a word, which is an authentication scheme."""
    return bool(kind.place.scheme)


def has_known_scheme(kind: CredentialKind) -> bool:
    """Whether that scheme is one that standards describe: a token's, or HTTP Basic."""
    is_described = kind.is_token or kind.name in PAIRS or kind.place.pair is not None
    return is_described and goes_with_a_scheme(kind)


def schemes_in(profile: Profile, zone: Zone) -> set[str]:
    """Return the schemes of the credentials that a zone takes; an empty text for what goes with none."""
    return {profile.place_of(kind).scheme for kind in zone.kinds}


def is_bearer(kind: CredentialKind) -> bool:
    """Whether a token travels as RFC 6750 2.1 has it."""
    return kind.is_token and kind.place.scheme == "bearer"


def is_hidden(kind: CredentialKind) -> bool:
    """Whether a credential is documented to travel where no log has it: anywhere but in the URL."""
    return kind.place.where != "query"


def first_of(parts: Parts) -> Parts:
    """Return the first of some parts alone, where one stands for all of them."""
    return Parts(parts.otherwise, lambda profile: dict([*parts.find(profile).items()][:1]), parts.foreign)


protected_zones = Parts("no zone with a probe needs credentials", _zones(lambda zone: zone.is_protected))
open_zones = Parts("no zone with a probe is open to all", _zones(lambda zone: not zone.is_protected))
all_zones = Parts("no zone has a probe", _zones(lambda zone: True))
token_zones = Parts("no zone with a probe needs a bearer token", _taking(lambda kind: kind.is_token))
bearer_zones = Parts("no zone with a probe needs a token behind the word Bearer", _taking(is_bearer))
scheme_zones = Parts(
    "no zone with a probe needs a token behind the word of a scheme, or HTTP Basic",
    _taking(has_known_scheme),
)
hidden_token_zones = Parts(
    "no zone with a probe needs a token that travels outside of the URL",
    _taking(lambda kind: kind.is_token and is_hidden(kind)),
)
authorization_zones = Parts(
    "no zone with a probe reads the Authorization header", _taking(lambda kind: kind.place.is_authorization)
)
header_zones = Parts(
    "no zone with a probe needs a credential in a header", _taking(lambda kind: kind.place.where == "header")
)
issued_token_zones = Parts("no zone with a probe needs an issued token", _taking(lambda kind: kind.is_issued))
scoped_zones = Parts(
    "no zone with a probe names the scope that an issued token needs",
    lambda profile: {name: zone for name, zone in issued_token_zones.find(profile).items() if zone.scope},
)
query_zones = Parts(
    "no zone with a probe takes a credential in the query of the URL",
    _taking(lambda kind: kind.place.where == "query" and not kind.is_signed),
)
key_zones = Parts("no zone with a probe needs an API key", _taking(lambda kind: kind.is_key))
basic_zones = Parts("no zone with a probe takes HTTP Basic", _taking(_named("basic")))
identity_zones = Parts(
    "no zone names the member that tells the user",
    _zones(lambda zone: bool(zone.identity) and any(KINDS[kind].is_of_user for kind in zone.kinds & KINDS.keys())),
)


def grants_that(
    wanted: Callable[[Grant], bool], when: Callable[[Profile], bool] = lambda profile: True
) -> Callable[[Profile], Mapping[str, GrantType]]:
    """Return what finds the grants of a profile that are of a sort, for `Parts`."""
    return lambda profile: {
        name: name for name in profile.grants if wanted(GRANTS[name]) and profile.token_url and when(profile)
    }


def _unattended(when: Callable[[Profile], bool] = lambda profile: True) -> Callable[[Profile], Mapping[str, GrantType]]:
    return grants_that(lambda grant: grant.is_unattended, when)


def _refreshing(when: Callable[[Profile], bool] = lambda profile: True) -> Callable[[Profile], Mapping[str, GrantType]]:
    return grants_that(lambda grant: grant.refreshes, lambda profile: _has_refresh(profile) and when(profile))


def _has_refresh(profile: Profile) -> bool:
    return any(profile.answer_of(grant).refresh_token for grant in profile.grants)


def body_encoding(profile: Profile) -> str:
    """Return how the body of a token request is written: ``form`` or ``json``."""
    table = profile.request_of("password")
    return profile.token.body if table is None else table.encoding


def _by(*methods: str) -> Callable[[Profile], bool]:
    return lambda profile: profile.token.client_auth in methods


def authenticates(profile: Profile) -> bool:
    """Whether clients authenticate themselves."""
    return not _by("none")(profile)


UNATTENDED: tuple[GrantType, ...] = tuple(name for name, grant in GRANTS.items() if grant.is_unattended)
FOREIGN = "the login is not OAuth's, and the profile cites no RFC 6749"


def by_oauth(parts: Parts) -> Parts:
    """Return the same parts, of profiles whose tokens are asked for as RFC 6749 has it, or that cite it."""

    def find(profile: Profile) -> Mapping[str, Any]:
        is_cited = any(standard.startswith("RFC 6749") for standard in profile.standards)
        return parts.find(profile) if profile.is_oauth or is_cited else {}

    return Parts(parts.otherwise, find, FOREIGN)


# What gives a token, by OAuth or not: a login that is not OAuth's counts as the grant password.
issuing_logins = Parts("the profile has no token endpoint", grants_that(lambda grant: grant.stands_alone))
unattended_logins = Parts("no grant works without a person", _unattended())
usual_login = Parts(
    "no grant works without a person",
    lambda profile: {
        name: name for name in [each for each in UNATTENDED if each in unattended_logins.find(profile)][:1]
    },
)
"""The login that stands for others at the token endpoint, which reads the requests of all of them."""
form_logins = Parts(
    "token requests are not form-encoded", _unattended(lambda profile: body_encoding(profile) == "form")
)
json_logins = Parts("token requests are not JSON", _unattended(lambda profile: body_encoding(profile) == "json"))
password_logins = Parts("the grant password is not documented", grants_that(lambda grant: grant.takes_password))
logins_of_others = Parts(
    "no user but one is documented", lambda profile: password_logins.find(profile) if profile.users else {}
)
other_logins = Parts("the login is OAuth's", lambda profile: {} if profile.is_oauth else password_logins.find(profile))
logging_out = Parts(
    "the profile has no [logout_request]",
    lambda profile: {"logout": "password"} if profile.logout_request is not None else {},
)
renewal = Parts("no documented grant gives a refresh token", _refreshing())


issuing_grants = by_oauth(issuing_logins)
unattended_grants = by_oauth(unattended_logins)
form_grants = by_oauth(form_logins)
scoped_grants = Parts(
    "no grant that works without a person asks for a scope",
    lambda profile: {name: name for name in UNATTENDED if name in profile.grants and profile.scope_of(name)},
)
client_credentials_grant = Parts(
    "the grant client_credentials is not documented", grants_that(lambda grant: grant.is_of_client)
)
basic_clients = Parts("clients do not authenticate with HTTP Basic", _unattended(_by("client_secret_basic")))
usual_basic_client = first_of(basic_clients)
form_encoded_basic = Parts(
    "Basic credentials are not documented as form-encoded",
    grants_that(
        lambda grant: grant.is_of_client,
        lambda profile: _by("client_secret_basic")(profile) and profile.token.basic_encoding == "form",
    ),
)
authenticated_clients = by_oauth(Parts("clients do not authenticate", _unattended(authenticates)))
secret_clients = by_oauth(
    Parts(
        "clients do not authenticate by sending a secret",
        _unattended(_by("client_secret_basic", "client_secret_post", "client_secret_json")),
    )
)
asserting_clients = by_oauth(
    Parts(
        "clients do not authenticate by assertions", _unattended(lambda profile: profile.token.signs_with is not None)
    )
)
key_clients = by_oauth(Parts("clients do not authenticate by a key", _unattended(_by("private_key_jwt"))))
refresh = by_oauth(renewal)
refresh_by_clients = by_oauth(Parts("no refresh token, or clients do not authenticate", _refreshing(authenticates)))
rotation = Parts(
    "the profile promises no new refresh token",
    _refreshing(lambda profile: profile.rotation in ("new-token", "old-dies")),
)


def _has_one_token(profile: Profile) -> bool:
    """Whether a login gives one token for both, which is renewed by itself."""
    tables = [profile.request_of(grant) for grant in profile.grants]
    places = [table.answer for table in tables if table is not None]
    return any(each["access_token"] == each.get("refresh_token") for each in places if "access_token" in each)


refresh_zones = Parts(
    "no zone needs an issued token, or no documented grant gives a refresh token of its own",
    lambda profile: issued_token_zones.find(profile) if _has_refresh(profile) and not _has_one_token(profile) else {},
)
own_refresh = Parts(
    "no documented grant gives a refresh token of its own", _refreshing(lambda profile: not _has_one_token(profile))
)
guessed_grants = Parts(
    "neither a password nor a refresh token is exchanged for a token",
    lambda profile: {**password_logins.find(profile), **renewal.find(profile)},
)
undocumented_lifetimes = by_oauth(
    Parts(
        "the lifetime of every token is documented",
        lambda profile: {
            name: name
            for name in profile.grants
            if GRANTS[name].stands_alone and profile.answer_of(name).expires_in is None
        },
    )
)
no_password_grant = Parts(
    "the grant password is documented",
    lambda profile: {} if password_logins.find(profile) else unattended_grants.find(profile),
)


def scoped_first(profile: Profile) -> list[GrantType]:
    """Return the grants that give a refresh token and ask for more than one scope."""
    giving = [name for name in profile.grants if GRANTS[name].stands_alone and profile.answer_of(name).refresh_token]
    return [name for name in giving if len((profile.scope_of(name) or "").split()) > 1]


scoped_refresh = Parts(
    "no grant that gives a refresh token asks for more than one scope",
    lambda profile: renewal.find(profile) if profile.is_oauth and scoped_first(profile) else {},
)
dying_rotation = Parts(
    "the profile does not say that a refresh ends the old refresh token",
    _refreshing(lambda profile: profile.rotation == "old-dies"),
)
lasting_refresh = Parts(
    "the lifetime of a refresh token is not documented",
    _refreshing(lambda profile: profile.token.refresh_expires_in is not None),
)
code_grant = Parts("the grant authorization_code is not documented", grants_that(lambda grant: grant.spends == "code"))
authorization = Parts(
    "the grant authorization_code is not documented",
    grants_that(lambda grant: grant.spends == "code", lambda profile: profile.authorize_url is not None),
)
code_of_clients = Parts(
    "the grant authorization_code is not documented, or clients do not authenticate",
    lambda profile: authorization.find(profile) if profile.token.client_auth != "none" else {},
)
mandatory_scope = Parts(
    "no scope is documented as mandatory for an authorization",
    lambda profile: authorization.find(profile) if profile.token.scope_required else {},
)
