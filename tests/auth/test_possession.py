"""Proofs of possession (RFC 9449), judged by PyJWT; and what clients do about the nonces of servers."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.proofs import PossessionProof, hash_of
from pytest_apiauth.auth.requests import resource_request, token_request
from pytest_apiauth.auth.shell import curl
from pytest_apiauth.auth.texts import Ref, Role, Signing
from pytest_apiauth.credentials.binding import Binding
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile

VALUES = {Ref(Role.ACCESS_TOKEN): "made-up-token", Ref(Role.CLIENT_ID): "lab", Ref(Role.CLIENT_SECRET): "made-up"}
PROFILE = Profile.model_validate(
    {
        "schema": 1, "name": "shop", "api_url": "https://api.shop.example/v1", "token_url": "https://id.shop.example/token",
        "token": {"bound": "dpop"}, "grants": {"client_credentials": {}},
        "credentials": {"client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}},
        "zones": {"all": {"path": "/", "needs": ["bearer"], "probe": ["/items"]}},
    }
)  # fmt: skip


def sent(draft: Draft, binding: Binding | None = None) -> Request:
    """Return a request as it leaves."""
    return draft.request(VALUES, Signing(now=lambda: 1_700_000_000.5, binding=binding or Binding("shop")))


def read(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a request's proof, whose own key has to have signed it."""
    proof = request.header("DPoP")
    assert proof is not None
    header = jwt.get_unverified_header(proof)
    key = jwt.PyJWK.from_dict(header["jwk"])
    return header, jwt.decode(proof, key, algorithms=["ES256"], options={"verify_iat": False})


def test_a_request_with_a_token_is_proved() -> None:
    """The proof is about method, URL without its query, and token, and shows the public key alone (RFC 9449 4.2)."""
    request = sent(resource_request(PROFILE, "/items", ["bearer"]).with_query(("page", "2")))

    header, claims = read(request)

    assert request.header("Authorization") == "DPoP made-up-token"
    assert (header["typ"], header["alg"], sorted(header["jwk"])) == ("dpop+jwt", "ES256", ["crv", "kty", "x", "y"])
    about = {
        "htm": "GET",
        "htu": "https://api.shop.example/v1/items",
        "iat": 1_700_000_000,
        "ath": hash_of("made-up-token"),
    }
    assert {name: value for name, value in claims.items() if name != "jti"} == about


def test_the_hash_of_a_token() -> None:
    """It is that of the example of RFC 9449 7.1."""
    assert hash_of("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_a_token_is_asked_for_with_a_proof() -> None:
    """It is about no token, has the nonce that the server has given last, and is another one each time."""
    binding = Binding("shop")
    draft = token_request(PROFILE, "client_credentials")
    first = read(sent(draft, binding))[1]
    binding.learn("https://id.shop.example/", _answer("n-1"))

    second = read(sent(draft, binding))[1]

    assert ("ath" in first, "nonce" in first) == (False, False)
    assert (second["nonce"], second["htu"], second["htm"]) == ("n-1", "https://id.shop.example/token", "POST")
    assert first["jti"] != second["jti"]


def test_what_is_altered_is_proved_as_it_is_sent() -> None:
    """A proof goes with whatever a rule makes of the token, and a reader is told which proof it is."""
    valid = resource_request(PROFILE, "/items", ["bearer"])

    other = sent(valid.presenting("bearer", "another-token"))
    wrong = valid.proving(method="POST", claims=(("ath", None),))

    assert read(other)[1]["ath"] == hash_of("another-token")
    assert "ath" not in read(sent(wrong))[1]
    line = curl(wrong, VALUES)
    assert '-H "DPoP: ${DPOP_PROOF_OF_ANOTHER_METHOD_WITHOUT_ATH}"' in line
    assert valid.anonymous().proof is None


def test_another_key_is_another_key() -> None:
    """A run has one key for its tokens, whose private half is shown if that is asked for, and others by name."""
    binding, request = Binding("shop"), Request("GET", "https://api.shop.example/")

    own, again = (_key(PossessionProof().of(request, binding, 0)) for _ in range(2))
    other = _key(PossessionProof(key="other").of(request, binding, 0))
    shown = _key(PossessionProof(shows_private=True).of(request, binding, 0))

    assert own == again
    assert other["x"] != own["x"]
    assert {**own, "d": shown["d"]} == shown


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ("[token]\nbound = \"key\"", "token.bound: expected 'dpop' or 'mtls'"),
        ("[token]\nbound = \"dpop\"\n[bearer]\nheader = \"X-Token\"", "a token that is bound travels as"),
    ],
)  # fmt: skip
def test_what_a_profile_cannot_say_of_bound_tokens(changes: str, told: str, tmp_path: Any) -> None:
    """One line names the key and what is wrong with it."""
    path = tmp_path / "shop.apiauth.toml"
    path.write_text(f"schema = 1\n{changes}\n", encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        loading.load(path)

    assert told in str(caught.value)


def _key(proof: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(jwt.get_unverified_header(proof)["jwk"]))
    return found


def _answer(nonce: str) -> Any:
    from pytest_apiauth.messages import Response

    return Response(200, (("DPoP-Nonce", nonce),))
