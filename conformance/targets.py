"""Resource indicators (RFC 8707): a token is for the API that its request names, and opens no other."""

from __future__ import annotations

from typing import Final

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ISSUE,
    MAY,
    MUST,
    SHOULD,
    Answer,
    Api,
    Draft,
    GrantType,
    NotApplicable,
    Parts,
    Proof,
    Role,
    Zone,
    consent,
    rule,
)

from .parts import authorization, issued_token_zones, renewal, unattended_grants

LOOK = (
    "What becomes of the resource parameter: it is compared with a list of known APIs, stored with the"
    " grant, and put into the token's audience."
)

UNKNOWN: Final = "https://apiauth.example/no-such-api"
named_targets = Parts(
    "token requests are not documented to name a resource, or no grant works without a person",
    lambda profile: unattended_grants.find(profile) if profile.token.resource else {},
)
redeeming_grants = Parts(
    "no further resource is documented, or no grant redeems a code or a refresh token",
    lambda profile: {**authorization.find(profile), **renewal.find(profile)} if profile.token.other_resources else {},
)
guarded_zones = Parts(
    "no further resource is documented, or no zone with a probe needs an issued token",
    lambda profile: issued_token_zones.find(profile) if profile.token.other_resources else {},
)


def for_no_api(answer: Answer) -> None:
    """Require a refusal without a token; RFC 8707 2 has a code for it."""
    error = answer.no_token().members.get("error")
    answer.advise(error == "invalid_target", "the error invalid_target (RFC 8707 2)", f"error {error!r:.80}")


def asking_for(api: Api, grant: GrantType, resource: str) -> Draft:
    """Return a token request for another resource, with a code for it if the grant takes one.

    Raises NotApplicable if none comes.
    """
    if GRANTS[grant].spends != "code":
        return api.token_request(grant).setting("resource", resource)
    api.examination.obtaining.need_browser()
    proof = Proof.fresh()
    asked = consent.asking(api.authorization_request(proof), resource=resource)
    found = consent.callback(asked, api.send(asked).response, proof)
    if found is None:
        raise NotApplicable(f"no code comes for {resource}")
    return api.redemption(found).setting("resource", resource)


@rule(
    SHOULD,
    "RFC 8707 2",
    applies=named_targets,
    catches="target-unknown-taken",
    safety=ISSUE,
    look="The resource parameter is looked up in the list of APIs; any other value is invalid_target (RFC 8707 2).",
)
def target_unknown(api: Api, grant: GrantType) -> None:
    """A resource on a host that the server does not know gives no token: whoever is there could use it here.

    One below a known one, or in capitals, it may take for that one (RFC 8707 2, RFC 3986 6.2.2.1).
    """
    valid = api.token_request(grant)
    scheme, between, rest = api.profile.token.resource[0].partition("://")
    host, slash, path = rest.partition("/")
    near = (f"{host}.apiauth.example", f"apiauth-{host}", f"apiauth.example/{host}") if between else ()
    names = (UNKNOWN, *(f"{scheme}://{each}{slash}{path}" for each in near))
    api.each((valid.setting("resource", name) for name in names), for_no_api)


@rule(
    SHOULD,
    "RFC 8707 2",
    applies=named_targets,
    catches="target-fragment-dropped",
    safety=ISSUE,
    look="The resource parameter has to be an absolute URI without a fragment, as it came: refuse, do not repair.",
)
def target_malformed(api: Api, grant: GrantType) -> None:
    """A resource is an absolute URI without a fragment; anything else gives no token."""
    valid = api.token_request(grant)
    known = api.profile.token.resource[0]
    api.each((valid.setting("resource", text) for text in (f"{known}#apiauth", "/apiauth", "apiauth")), for_no_api)


@rule(
    MUST,
    "RFC 9700 2.3",
    "RFC 8707 3",
    applies=guarded_zones,
    catches="target-any-api",
    safety=ISSUE,
    look="The resource server compares the token's audience with its own name (RFC 8707 3).",
)
def target_bound(api: Api, zone: Zone) -> None:
    """A token that was issued for another API is refused: that API may be anybody's, and has seen it."""
    grant = api.profile.usual_grant
    assert grant is not None
    for resource in api.profile.token.other_resources:
        with api.row():
            answer = api.send(asking_for(api, grant, resource))
            if not answer.has_token:
                raise NotApplicable(f"the client gets no token for {resource}")
            other = api.keep("OTHER_TOKEN", str(answer.members["access_token"]), Role.ACCESS_TOKEN)
            for valid in api.requests(zone, "bearer"):
                api.send(valid.presenting("bearer", other)).refused()


@rule(
    MAY,
    "RFC 8707 2.2",
    applies=redeeming_grants,
    catches="target-grant-exceeded",
    safety=CONSUME,
    look="The resource of the grant is stored with code and refresh token, and what is asked for at the"
    " token endpoint has to be among it.",
)
def target_granted(api: Api, grant: GrantType) -> None:
    """A code or a refresh token that is for one resource gives no token for another: nobody has consented to that.

    What a server permits here is its own policy, so this is no more than noted; one that goes on with what was granted,
    whatever is asked for, gives a token that opens this API still.
    """
    zones = issued_token_zones.find(api.profile).values()
    for resource in api.profile.token.other_resources:
        with api.row():
            answer = api.send(api.token_request(grant).setting("resource", resource))
            if not answer.has_token:
                for_no_api(answer)
                continue
            token = api.keep("OTHER_TOKEN", str(answer.members["access_token"]), Role.ACCESS_TOKEN)
            drafts = [valid.presenting("bearer", token) for zone in zones for valid in api.requests(zone, "bearer")]
            is_ours = bool(drafts) and 200 <= api.send(drafts[0]).status < 300
            answer.require(is_ours, f"no token for {resource}", "one")
