"""Resource indicators (RFC 8707): a token is for the API that its request names, and opens no other."""

from __future__ import annotations

from typing import Final

from pytest_apiauth.rules import (
    ISSUE,
    MUST,
    SHOULD,
    Answer,
    Api,
    GrantType,
    NotApplicable,
    Parts,
    Role,
    Zone,
    rule,
)

from .parts import issued_token_zones, unattended_grants

UNKNOWN: Final = "https://apiauth.example/no-such-api"
named_targets = Parts(
    "token requests are not documented to name a resource, or no grant works without a person",
    lambda profile: unattended_grants.find(profile) if profile.token.resource else {},
)
guarded_zones = Parts(
    "no further resource is documented, or no zone with a probe needs an issued token",
    lambda profile: issued_token_zones.find(profile) if profile.token.other_resources else {},
)


def for_no_api(answer: Answer) -> None:
    """Require a refusal without a token; RFC 8707 2 has a code for it."""
    error = answer.no_token().members.get("error")
    answer.advise(error == "invalid_target", "the error invalid_target (RFC 8707 2)", f"error {error!r:.80}")


@rule(SHOULD, "RFC 8707 2", applies=named_targets, catches="target-unknown-taken", safety=ISSUE)
def target_unknown(api: Api, grant: GrantType) -> None:
    """A resource on a host that the server does not know gives no token: whoever is there could use it here.

    One below a known one, or in capitals, it may take for that one (RFC 8707 2, RFC 3986 6.2.2.1).
    """
    valid = api.token_request(grant)
    scheme, between, rest = str(api.profile.token.resource).partition("://")
    host, slash, path = rest.partition("/")
    near = (f"{host}.apiauth.example", f"apiauth-{host}", f"apiauth.example/{host}") if between else ()
    names = (UNKNOWN, *(f"{scheme}://{each}{slash}{path}" for each in near))
    api.each((valid.setting("resource", name) for name in names), for_no_api)


@rule(SHOULD, "RFC 8707 2", applies=named_targets, catches="target-fragment-dropped", safety=ISSUE)
def target_malformed(api: Api, grant: GrantType) -> None:
    """A resource is an absolute URI without a fragment; anything else gives no token."""
    valid = api.token_request(grant)
    known = str(api.profile.token.resource)
    api.each((valid.setting("resource", text) for text in (f"{known}#apiauth", "/apiauth", "apiauth")), for_no_api)


@rule(MUST, "RFC 9700 2.3", "RFC 8707 3", applies=guarded_zones, catches="target-any-api", safety=ISSUE)
def target_bound(api: Api, zone: Zone) -> None:
    """A token that was issued for another API is refused: that API may be anybody's, and has seen it."""
    grant = api.profile.usual_grant
    assert grant is not None
    for resource in api.profile.token.other_resources:
        with api.row():
            answer = api.send(api.token_request(grant).setting("resource", resource))
            if not answer.has_token:
                raise NotApplicable(f"the client gets no token for {resource}")
            other = api.keep("OTHER_TOKEN", str(answer.members["access_token"]), Role.ACCESS_TOKEN)
            for valid in api.requests(zone, "bearer"):
                api.send(valid.presenting("bearer", other)).refused()
