"""What references stand for: looked up without a request, obtained in a step of its own."""

from __future__ import annotations

import pytest

from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.profile import loading
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.outcomes import NotApplicable
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL

TOKEN = Ref(Role.ACCESS_TOKEN)


@pytest.fixture
def examination() -> Examination:
    """An examination of jindexe on the embedded server."""
    profile, redactor = loading.load(loading.builtin_profiles()["jindexe"]), Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    return Examination(target, redactor)


def test_looking_a_placeholder_up_sends_nothing(examination: Examination) -> None:
    """Configured values are looked up; a token that nobody has asked for is not there, and is not asked for."""
    assert examination.placeholders[Ref(Role.API_KEY)]
    with pytest.raises(KeyError, match="ACCESS_TOKEN has to be obtained first"):
        examination.placeholders[TOKEN]
    with pytest.raises(NotApplicable, match="the profile has no client id"):
        examination.placeholders[Ref(Role.CLIENT_ID)]

    assert examination.requests == 0


def test_what_a_request_needs_is_obtained_before_it_is_sent(examination: Examination) -> None:
    """A request that carries a token takes one request more, once."""
    draft = examination.request("/user/me", ("api_key", "bearer"))
    for _ in range(2):
        assert examination.send(draft).status == 200

    assert examination.requests == 3


def test_a_token_that_may_have_ended_is_still_written_down(examination: Examination) -> None:
    """A curl line about the past sends nothing; the next request that carries the token gets it anew."""
    draft = examination.request("/user/me", ("api_key", "bearer"))
    examination.send(draft)
    old = examination.placeholders[TOKEN]
    examination.forget_tokens()
    edited = draft.editing(TOKEN, Edit("truncate", at=500))

    assert "edit ACCESS_TOKEN truncate 50%" in examination.curl(edited)
    assert examination.requests == 2
    assert examination.send(draft).status == 200
    assert examination.placeholders[TOKEN] != old
    assert examination.requests == 4
