"""The public keys of an API, from where it says that they are; no rule."""

from __future__ import annotations

import json

from pytest_apiauth.rules import Api, Draft, Inconclusive, NotApplicable, Origin, OutOfReach, Parts, Published

from .parts import token_zones

KINDS = ("RSA", "EC", "OKP")
"""Types of keys that have a public half (RFC 7518 6.1, RFC 8037 2)."""

published_zones = Parts(
    "no zone with a probe needs a bearer token, or neither [jwt] nor metadata say where its public key is",
    lambda profile: (
        token_zones.find(profile)
        if profile.metadata_url or (profile.jwt is not None and (profile.jwt.public_key or profile.jwt.jwks_url))
        else {}
    ),
)


def published_keys(api: Api) -> list[Published]:
    """Return the public keys that the API's tokens may be checked with; asked for once.

    Raises NotApplicable if nothing says where they are, and Inconclusive if they are not there.
    """
    own = api.examination.target.identities.public_key()
    return [own] if own is not None else api.once("published keys", lambda: _key_set(api))


def _key_set(api: Api) -> list[Published]:
    url = api.profile.url(api.profile.jwks_url) if api.profile.jwks_url else _named_by_metadata(api)
    keys = _document(api, url).get("keys")
    found: list[Published] = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    if not found:
        raise Inconclusive(f"no set of keys at {url}")
    return [key for key in found if not isinstance(key, str) and key.get("kty") in KINDS]


def _named_by_metadata(api: Api) -> str:
    url = _document(api, api.profile.url(api.profile.metadata_url or "")).get("jwks_uri")
    if not isinstance(url, str):
        raise NotApplicable("the metadata name no jwks_uri, and the profile no [jwt] public_key or jwks_url")
    try:
        origin = Origin.of(url)
    except ValueError:
        raise NotApplicable(f"the jwks_uri of the metadata is no URL: {url!r:.100}") from None
    if origin not in api.profile.origins:
        raise OutOfReach(
            f"the jwks_uri of the metadata is at {origin}, which the profile does not name: jwks_url of [jwt]"
        )
    return url


def _document(api: Api, url: str) -> dict[str, object]:
    answer = api.send(Draft("GET", url, (("Accept", "application/json"),)), server_errors=True)
    try:
        found = json.loads(answer.response.body)
    except (ValueError, RecursionError):
        found = None
    if answer.status != 200 or not isinstance(found, dict):
        raise Inconclusive(f"{url} was answered with {answer.got} and no JSON object")
    return found
