"""Bodies on the tape are what was sent and what came, readable, and what a client sees again."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import yaml
from vcr.request import Request

from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.message import as_it_came
from pytest_apiauth.recording.tape import clean_tape
from pytest_apiauth.recording.vault import Vault
from tests.here import INSTALLED
from tests.recording.taping import Loopback, Reply, Taped, taping

SECRET = "s3cr+t/%41-Value"
KNOWN = "gr4nted-Tok3n-123456"
"""A value that the run knows: it is secret in a body of any kind."""


@pytest.fixture
def server() -> Iterator[Loopback]:
    """Answer on loopback."""
    loopback = Loopback()
    yield loopback
    loopback.close()


def form_data() -> aiohttp.FormData:
    """Make a form of two parts."""
    form = aiohttp.FormData()
    form.add_field("client_secret", SECRET)
    form.add_field("file", KNOWN.encode(), filename="a.txt")
    return form


async def pieces() -> AsyncIterator[bytes]:
    """Give a body in pieces."""
    yield b'{"label": "in pieces",'
    yield f' "password": "{SECRET}"}}'.encode()


BODIES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "form": ("application/x-www-form-urlencoded", lambda: {"data": {"grant_type": "password", "password": SECRET}}),
    "pairs": ("application/x-www-form-urlencoded", lambda: {"data": [("client_secret", SECRET)]}),
    "json": ("application/json", lambda: {"json": {"label": "one", "inner": [{"password": SECRET}]}}),
    "parts": ("multipart/form-data", lambda: {"data": form_data()}),
    "payload": ("application/json", lambda: {"data": aiohttp.JsonPayload({"password": SECRET})}),
    "pieces": ("application/octet-stream", lambda: {"data": pieces()}),
}


def post(server: Loopback, folder: Path, body: dict[str, Any], *, is_live: bool) -> tuple[Taped, dict[str, Any]]:
    """Post with aiohttp under a cassette."""

    async def ask() -> tuple[dict[str, Any], str | None]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{server.port}/token", **body) as answer,
        ):
            members: dict[str, Any] = await answer.json()
            return members, answer.headers.get("Content-Encoding")

    with taping(folder, is_live=is_live, secrets=(KNOWN,) if is_live else ()) as (test, lines):
        members, _ = asyncio.run(ask())
    return Taped(folder / "tape.yaml", test.refusal, "\n".join(lines), []), members


@pytest.mark.parametrize("kind", BODIES)
def test_aiohttp_is_recorded_as_it_sends_and_replayed(kind: str, server: Loopback, tmp_path: Path) -> None:
    """A form, JSON, parts and pieces that aiohttp encodes are on the tape as they were sent, without their secrets."""
    media_type, body = BODIES[kind]
    taped, _ = post(server, tmp_path, body(), is_live=True)

    assert taped.refusal is None
    assert taped.survivors({SECRET, KNOWN}) == set()
    ((sent_type, sent),) = server.heard
    assert sent_type.partition(";")[0] == media_type
    (recorded,) = (each["request"] for each in read(taped.path))
    assert recorded["headers"].get("Content-Type", [media_type])[0].partition(";")[0] == media_type
    assert recorded["body"].encode() == sent.replace(quoted(kind), b"apiauth-" + name(kind)).replace(
        KNOWN.encode(), b"apiauth-access-token-1"
    )

    server.next = Reply(status=500)
    _, again = post(server, tmp_path, body(), is_live=False)
    assert (again, server.asked) == ({}, 1)


def quoted(kind: str) -> bytes:
    """Return the secret as the body has it."""
    return b"s3cr%2Bt%2F%2541-Value" if kind in ("form", "pairs") else SECRET.encode()


def name(kind: str) -> bytes:
    """Return what stands for it."""
    return b"client-secret-1" if kind in ("pairs", "parts") else b"password-1"


def read(path: Path) -> list[dict[str, Any]]:
    """Read the exchanges of a cassette."""
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]
    return found


def test_body_that_nobody_can_look_into_is_one_line() -> None:
    """The line names the request and what can be sent instead."""

    request = Request("POST", "https://api.shop.example/items?token=s3cret", object(), {})
    line = "POST https://api.shop.example/items?token=apiauth-any: a body of type object cannot be looked into; send"
    with pytest.raises(CassetteError, match=re.escape(line)):
        clean_tape([(request, {})], Vault(), [])


def _get_by(name: str) -> Callable[[str], tuple[Any, str | None]]:
    def get(url: str) -> tuple[Any, str | None]:
        answer = importlib.import_module(name).get(url)
        return answer.json(), answer.headers.get("content-encoding")

    return get


LIBRARIES: dict[str, Callable[[str], tuple[Any, str | None]]] = {
    **{name: _get_by(name) for name in INSTALLED},
    "requests": lambda url: (lambda answer: (answer.json(), answer.headers.get("content-encoding")))(
        requests.get(url, timeout=20)
    ),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_content_encoding_is_what_it_was(library: str, coding: str, server: Loopback, tmp_path: Path) -> None:
    """A client sees the same header and the same content when it is replayed, and the tape is readable."""
    members = {"access_token": KNOWN, "label": "readable"}
    body = json.dumps(members).encode()
    for each in coding.split(", "):
        body = gzip.compress(body) if each == "gzip" else zlib.compress(body)
    server.next = Reply(body, (("Content-Type", "application/json"), ("Content-Encoding", coding)))
    url = f"http://127.0.0.1:{server.port}/items"
    with taping(tmp_path, is_live=True, secrets=(KNOWN,)) as (test, _):
        before = LIBRARIES[library](url)
    server.next = Reply(status=500)
    with taping(tmp_path, is_live=False):
        after = LIBRARIES[library](url)

    assert test.refusal is None
    assert before == (members, coding)
    assert after == ({**members, "access_token": "apiauth-access-token-1"}, coding)
    assert '"label": "readable"' in read(tmp_path / "tape.yaml")[0]["response"]["body"]["string"]


@pytest.mark.parametrize("recorder", LIBRARIES)
def test_cassette_of_one_library_is_played_to_another(recorder: str, server: Loopback, tmp_path: Path) -> None:
    """Whoever undoes content codings gets a coded body, and who has them undone before does not."""
    server.next = Reply(gzip.compress(b'{"a": 1}'), (("Content-Encoding", "gzip"), ("X-Own", "b")))
    url = f"http://127.0.0.1:{server.port}/items"
    with taping(tmp_path, is_live=True):
        recorded = LIBRARIES[recorder](url)
    for library in LIBRARIES.values():
        with taping(tmp_path, is_live=False):
            assert library(url) == recorded == ({"a": 1}, "gzip")


def test_coding_that_is_not_known_here_is_left_off() -> None:
    """Without the package that codes it an answer is played plain, as vcrpy by itself would."""
    answer = {"headers": {"x": ["a"]}, "body": {"string": b"{}", "coding": "unheard-of"}}

    assert as_it_came(answer, is_read_coded=True) == answer
    assert as_it_came(answer, is_read_coded=False)["headers"] == {"x": ["a"], "content-encoding": ["unheard-of"]}
