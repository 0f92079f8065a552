"""Forgeries: what they make of a JWT, and that the shell makes the same of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.auth.bash import edited, joined
from pytest_apiauth.auth.editing import made, words_of
from pytest_apiauth.auth.edits import equivalent
from pytest_apiauth.auth.forgeries import Forgery, is_jwt

bundled.load_chapters()
SHELL = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


def part(content: object) -> str:
    """Write one part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


START = f"{part({'alg': 'HS256', 'kid': '1'})}.{part({'sub': 'somebody', 'exp': 1})}"
SIGNATURE = hmac.digest(b"key", START.encode(), hashlib.sha256)
TOKEN = f"{START}.{base64.urlsafe_b64encode(SIGNATURE).decode().rstrip('=')}"


def table() -> list[Forgery]:
    """Give the forgeries of the suite itself."""
    book = importlib.import_module("pytest_apiauth.conformance.forging")
    by_public_key = book.by_public_key([b"-----BEGIN\n'$x", b"\x00\xff"])
    return [
        *book.FORGERIES,
        *book.TWICE,
        *book.AROUND.values(),
        book.SERIALIZED,
        *by_public_key,
        *book.by_own_key("RS512"),
    ]


def test_the_shell_makes_the_same_forgery() -> None:
    """The words for a forgery make what the forgery makes, and have no part of the token in them."""
    forgeries = [each for each in table() if each.apply(TOKEN) is not None]
    for each in forgeries:
        words = words_of(each)
        assert made(["TOKEN", *words], {"TOKEN": TOKEN}) == each.apply(TOKEN), words
        assert not any(piece in " ".join(words) for piece in TOKEN.split("."))
    # One of them through a shell: each takes a process.
    script = "".join(f'printf "%s\\n" {joined(edited("TOKEN", each))}\n' for each in forgeries[:: len(forgeries) // 4])
    shown = subprocess.run(["bash", "-c", script], env=SHELL | {"TOKEN": TOKEN}, capture_output=True)
    assert shown.stdout.decode().splitlines() == [each.apply(TOKEN) for each in forgeries[:: len(forgeries) // 4]]


def test_a_forgery_is_another_token() -> None:
    """No forgery of the table gives the token itself or another spelling of it, and nearly all can be made of it."""
    made = [forged for forged in (each.apply(TOKEN) for each in table()) if forged is not None]
    assert not any(equivalent(forged, TOKEN) for forged in made)
    assert len(made) == len(set(made)) >= len(table()) - 2


def test_a_signature_of_our_own() -> None:
    """A forged signature is the HMAC of header and claims by the key that is named."""
    forged = Forgery((("alg", "HS256"),), (("sub", "admin"),), "forged", "secret").apply(TOKEN)
    assert forged is not None
    content, _, signature = forged.rpartition(".")
    assert base64.urlsafe_b64decode(signature + "=") == hmac.digest(b"secret", content.encode(), hashlib.sha256)
    assert json.loads(base64.urlsafe_b64decode(content.split(".")[1] + "==")) == {"sub": "admin", "exp": 1}


@pytest.mark.parametrize(
    "value",
    [
        "opaque",
        "a.b.c",
        f"{part({})}.{part({})}.x",
        f"{START}",
        f"{TOKEN}.x.x",
        f"{part([])}.{part({})}.x",
        "..",
        "é.é.é",
    ],
)
def test_what_is_no_jwt(value: str) -> None:
    """Three parts, the first two JSON objects, the first with an algorithm: anything else is left alone."""
    assert is_jwt(TOKEN)
    assert not is_jwt(value)
    assert Forgery(signature="empty").apply(value) is None


def test_a_forgery_says_what_it_is() -> None:
    """Written as text, it names what is changed."""
    assert str(Forgery((("alg", "none"),), (), "empty")) == "header alg='none', signature empty"
