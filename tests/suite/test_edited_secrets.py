"""What an edit makes of a secret is a secret too: an app that logs what it was sent, and a server that repeats it."""

from __future__ import annotations

import random
import string
from dataclasses import replace

import pytest

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.shell import curl
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.examination import Examination

from .test_api import Scripted

LETTERS = string.ascii_letters + string.digits
EDITS = (
    Edit("reverse"), Edit("upper"), Edit("lower"), Edit("swapcase"), Edit("toggle", 300), Edit("change", 500),
    Edit("swap", 400), Edit("delete", 500), Edit("insert", 500, "x"), Edit("replace", 500, "-"), Edit("truncate", 999),
    Edit("truncate", 800), Edit("percent"), Edit("base64"), Edit("double"), Edit("around", text=" "),
    Edit("extend", text="x"), Edit("cut", 999, "zz"),
)  # fmt: skip
"""What leaves enough of a value to tell it."""


@pytest.mark.parametrize("length", [12, 20, 60])
def test_what_is_sent_edited_is_known_from_then_on(length: int) -> None:
    """No echo of an edited password shows it, in any letter case or order, however short it is."""
    luck = random.Random(length)
    password = "a" + "".join(luck.choices(LETTERS, k=length - 1))
    echoed: list[str] = []

    def echo(request: Request, serve: object) -> Response:
        echoed.append(request.body.decode())
        return Response(400, body=b"{}")

    target, redactor = Scripted(echo), OutputRedactor()
    examination = Examination(target, redactor)
    secret = Ref(Role.PASSWORD)
    examination.placeholders.keep(secret, password)
    made = []
    for edit in EDITS:
        edited = edit.apply(password)
        assert edited is not None
        made.append(edited)
        draft = examination.obtaining.token_request("password")
        examination.send(replace(draft.editing(secret, edit), control=None))
        for text in (f"no user has the password {edited}!", echoed[-1], f"{edited!r} is wrong"):
            shown = redactor.redact_shown(text)
            assert edited not in shown, edit
            assert password[:-1] not in shown
            assert "[apiauth:" in shown, edit
    assert len(set(made)) == len(EDITS)


def test_what_is_no_longer_the_secret_is_not_looked_for() -> None:
    """A word that stands in its place, and a beginning that many values share, are ordinary texts; so are names."""
    for edit in (
        Edit("whole", text="administrator"),
        Edit("first", 8),
        Edit("truncate", 500),
        Edit("cut", 300, "x" * 40),
    ):
        assert edit.telling("apiauth-Ab12Cd34Ef56") is None
    assert Edit("truncate", 999).telling("password1") is None

    redactor = OutputRedactor()
    examination = Examination(Scripted(lambda request, serve: Response(400)), redactor)
    draft = examination.obtaining.token_request("password")
    name = examination.value(draft.carried(Role.USERNAME))
    examination.send(replace(draft.editing(draft.carried(Role.USERNAME), Edit("reverse")), control=None))
    assert redactor.redact(name[::-1]) == name[::-1]


@pytest.mark.parametrize("edit", [edit for edit in EDITS if edit.at])
def test_a_curl_line_does_not_count_the_letters_of_a_secret(edit: Edit) -> None:
    """Values of other lengths are edited by the same line: whoever has the value counts."""
    draft = Draft("GET", "https://api.example", headers=(("X", Ref(Role.PASSWORD, edit=edit)),))
    lines = {curl(draft, {Ref(Role.PASSWORD): "aBc" * count + "x" * 9}) for count in (7, 11, 40)}

    assert len(lines) == 1
    said = "${PASSWORD%?}" if edit.at == 999 else f"edit PASSWORD {edit.operation} {edit.at / 10:g}%"
    assert said in lines.pop()
