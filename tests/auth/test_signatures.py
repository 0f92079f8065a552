"""Drafts that are signed at the last moment, by a project's own function; and what a profile may say of that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.requests import resource_request
from pytest_apiauth.auth.shell import curl
from pytest_apiauth.auth.texts import Ref, Role, Signing, Unchanged
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from tests import signing

REF = Ref(Role.SIGNING_KEY, kind="hmac")
VALUES = {REF: "made-up-key"}


def profile(**changes: Any) -> Profile:
    """Return the profile of an API whose requests are signed."""
    scheme = {"in": "header", "name": "X-Signature", "value": {"env": "KEY"}, "sign": "tests.signing:sign"}
    zones = {"all": {"path": "/", "needs": ["hmac"], "probe": ["/cards"]}}
    return Profile.model_validate(
        {"schema": 1, "name": "shop", "schemes": {"hmac": {**scheme, **changes}}, "zones": zones}
    )


def valid(**changes: Any) -> Draft:
    """Return a valid request."""
    return resource_request(profile(**changes), "/cards", ["hmac"])


def is_good(request: Request) -> bool:
    """Whether a request has the signature of what it is."""
    return signing.sign(request, VALUES[REF])["X-Signature"] == request.header("X-Signature")


def test_an_altered_request_is_signed_as_it_is_sent() -> None:
    """Whatever is altered of a request is altered before it is signed; who has to know the signature is told."""
    learnt: list[tuple[str, str]] = []
    draft = replace(valid().with_query(("page", "2")).setting("label", "new").encoded("json"), method="POST")

    request = draft.request(VALUES, Signing(learn=lambda text, label: learnt.append((text, label))))

    assert is_good(request)
    assert learnt == [(request.header("X-Signature"), "hmac.signature")]


@pytest.mark.parametrize(
    ("change", "other"),
    [
        (("method", "POST"), {"method": "POST"}),
        (("path", "/keys"), {"url": "https://shop.example/keys"}),
        (("query", "a=1"), {"url": "https://shop.example/cards?a=1"}),
        (("body", "{}"), {"body": b"{}"}),
    ],
)
def test_a_signature_of_another_request(change: tuple[str, str], other: dict[str, Any]) -> None:
    """It is good for that one, and for no other; a reader is told which it is."""
    draft = valid().signing("hmac", over=(change,))

    request = draft.request(VALUES)

    assert not is_good(request)
    assert is_good(replace(request, **other))
    assert f"${{HMAC_SIGNATURE_OF_ANOTHER_{change[0].upper()}}}" in curl(draft, VALUES)


def test_an_altered_signature() -> None:
    """The edit is made of what the function has made, and what goes with it stays; or it is left out."""
    learnt: list[str] = []
    valid().signing("hmac", edit=Edit("whole", text="a word")).request(
        VALUES, Signing(learn=lambda text, label: learnt.append(text))
    )
    cut = valid().signing("hmac", edit=Edit("truncate", at=500)).request(VALUES)
    bare = valid().signing("hmac", is_left_out=True).request(VALUES)

    assert len(cut.header("X-Signature") or "") == 32
    assert cut.header("X-Number")
    assert bare.header("X-Signature") is None
    assert bare.header("X-Number")
    assert [len(text) for text in learnt] == [64]


def test_another_key_signs_otherwise_or_not_at_all() -> None:
    """A key that signs alike, as one of HMAC with a zero behind it does, is no other key."""
    forged = valid().editing(REF, Edit("reverse"))

    assert not is_good(forged.request(VALUES))
    assert "${HMAC_SIGNATURE_BY_ANOTHER_KEY}" in curl(forged, VALUES)
    with pytest.raises(Unchanged):
        valid().editing(REF, Edit("extend", text="\0")).request(VALUES)


def test_a_function_may_fail_on_what_makes_no_sense() -> None:
    """An altered request that it cannot sign is not sent; a valid one is the project's own mistake."""
    draft = valid(sign="tests.signing:fail")

    with pytest.raises(Unchanged):
        draft.with_query(("a", "1")).request(VALUES)
    with pytest.raises(ProfileError, match=r"tests\.signing:fail failed: ValueError"):
        draft.request(VALUES)


def test_a_key_that_signs_never_travels() -> None:
    """No text that has it is put into a request, wherever a rule puts it."""
    key = valid().credential("hmac").refs[0]

    for draft in (valid().with_headers(("X-Key", key)), valid().with_query(("key", key)), valid().dressed("hmac", key)):
        with pytest.raises(Unchanged):
            draft.request(VALUES)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sign": "sign"}, "schemes.hmac: sign: expected \"module:function\", got 'sign'"),
        ({"in": "cookie"}, "a signature travels with its request"),
        ({"scheme": "Hawk"}, "scheme does not go with sign"),
        ({"sign": None, "covers": ["body"]}, "covers: is about signatures, and no sign names a function"),
        ({"covers": ["host"]}, "schemes.hmac.covers"),
    ],
)
def test_what_a_profile_cannot_say_of_signatures(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    """Each mistake is one line that names the key."""
    table = {"in": "header", "name": "X-Signature", "sign": "tests.signing:sign", **changes}
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items() if value is not None]
    path = tmp_path / "shop.apiauth.toml"
    path.write_text("\n".join(["schema = 1", "[schemes.hmac]", *lines, ""]), encoding="utf-8")

    with pytest.raises(ProfileError) as caught:
        loading.load(path)

    assert told in str(caught.value)
