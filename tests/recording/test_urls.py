"""URLs that open something by themselves, wherever they stand: signed ones, hooks, those with a password."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException

from pytest_apiauth.credentials.looks import PATHS, TOKENS, Look
from pytest_apiauth.recording.scan import unclean
from tests.here import httpx
from tests.recording.planting import LETTERS, key, record_uncleaned
from tests.recording.taping import Ask, Loopback, Reply, run_tape

FORM_TYPE: Final = (("Content-Type", "application/x-www-form-urlencoded"),)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    """Serve on loopback."""
    server = Loopback()
    yield server
    server.close()


@pytest.mark.parametrize(("name", "dummy"), [("key", "dummy"), ("appid", "test-app"), ("sid", ""), ("api_key", "x")])
def test_dummy_of_a_test_meets_the_placeholder(name: str, dummy: str, server: Loopback, tmp_path: Path) -> None:
    """Where the tape has a placeholder any value is answered, a word too; the other parameters still count."""
    run_tape(tmp_path, server, [Ask(f"/x?a=1&{name}={key(name)}&b=%C3%A9", "GET")], is_live=True)
    asked = server.asked
    assert run_tape(tmp_path, server, [Ask(f"/x?a=1&{name}={dummy}&b=%C3%A9", "GET")], is_live=False).answers
    with pytest.raises(CannotOverwriteExistingCassetteException):
        run_tape(tmp_path, server, [Ask(f"/x?a=2&{name}={dummy}&b=%C3%A9", "GET")], is_live=False)
    assert server.asked == asked


def presigned(name: str, secret: str) -> str:
    """Give a URL that opens something by itself."""
    return f"https://files.example/a.pdf?a=1&{name}={secret}&Expires=1700000000"


ANSWERS: Final[dict[str, Callable[[str], Reply]]] = {
    "member": lambda url: Reply(json.dumps({"download_url": url}).encode()),
    "member-with-escapes": lambda url: Reply(json.dumps({"u": url}).replace("&", "\\u0026").replace("/", "\\/").encode()),
    "json-in-json": lambda url: Reply(json.dumps({"inner": json.dumps({"url": url})}).encode()),
    "location": lambda url: Reply(b"", (("Location", url),), 302),
    "link": lambda url: Reply(b"{}", (("Link", f'<{url}>; rel="next"'),)),
    "html": lambda url: Reply(f'<a href="{url.replace("&", "&amp;")}">file</a>'.encode(), (("Content-Type", "text/html"),)),
    "script": lambda url: Reply(f"<script>f('{url}'.replace('\\u0026', x))</script>".replace("&", "\\u0026").encode()),
    "xml": lambda url: Reply(f"<r><Url>{url.replace('&', '&amp;')}</Url></r>".encode(), (("Content-Type", "text/xml"),)),
    "text": lambda url: Reply(f"get {url} soon".encode(), (("Content-Type", "text/plain"),)),
    "form": lambda url: Reply(f"to={httpx.QueryParams({'u': url})}".encode(), FORM_TYPE),
    "url-in-url": lambda url: Reply(f'<a href="/go?{httpx.QueryParams({"to": url})}">'.encode()),
}  # fmt: skip


FAST = ("member", "location", "html")


@pytest.mark.parametrize(
    "answer", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in ANSWERS]
)
def test_presigned_url_in_an_answer(answer: str, server: Loopback, tmp_path: Path) -> None:
    """Whatever an answer is written in, the signature of a URL in it goes, and the rest of the URL stays."""
    names = (
        "X-Amz-Signature",
        "X-Goog-Signature",
        "sig",
        "Signature",
        "x-oss-signature",
        "X-Amz-Security-Token",
        "key",
    )
    secrets = [key(f"{answer}{name}") for name in names]
    asks = [
        Ask(f"/{name}", "GET", reply=ANSWERS[answer](presigned(name, secret)))
        for name, secret in zip(names, secrets, strict=True)
    ]
    taped = run_tape(tmp_path, server, asks, is_live=True)
    assert taped.refusal is None
    assert [name for name, secret in zip(names, secrets, strict=True) if secret in taped.text] == []
    assert taped.text.count("1700000000") == len(names)
    assert [line for line in unclean(taped.path) if "signature" in line.lower()] == []

    found = list(unclean(record_uncleaned(tmp_path, server, asks)))
    assert {line.split(": ")[1].partition(", ")[0] for line in found} >= {f"exchange {n}" for n in range(1, 8)}
    run_tape(tmp_path, server, asks, is_live=False)


def test_presigned_url_is_followed_in_replay(server: Loopback, tmp_path: Path) -> None:
    """Who signs anew in each run, at another moment, is answered from the tape."""

    def signed(run: int) -> list[Ask]:
        query = f"X-Amz-Date=2026112{run}T000000Z&X-Amz-Credential=AKIA{run}%2Fs3&X-Amz-Signature={key(str(run))}"
        sas = f"sv=2022-11-02&sp=r&st=2026-11-2{run}T00:00:00Z&se=2026-11-2{run}T01:00:00Z&sig={key(str(run))}%3D"
        return [
            Ask(f"/bucket/a?{query}&X-Amz-Expires=900", "GET"),
            Ask(f"/blob/a?{sas}", "GET"),
            Ask(f"/cdn/a?Expires=170000000{run}&Signature={key(str(run))}&Key-Pair-Id=K2JCJMDEHXQW5F", "GET"),
        ]

    run_tape(tmp_path, server, signed(1), is_live=True)
    asked = server.asked
    assert len(run_tape(tmp_path, server, signed(2), is_live=False).answers) == 3
    assert server.asked == asked


def drawn(look: Look, seed: str) -> tuple[str, str]:
    """Give a text with a secret in it, and what of it was drawn."""
    fill = {
        "digits": "123456789012345678",
        "key": key(seed, LETTERS, 34),
        "hex": key(seed, "0123456789abcdef"),
        "capitals": key(seed, string.ascii_uppercase + string.digits, 16),
    }
    text = look.example.format(**fill)
    return text, next(value for name, value in fill.items() if name != "digits" and f"{{{name}}}" in look.example)


@pytest.mark.parametrize("look", PATHS, ids=lambda look: look.example)
def test_secret_in_a_path(look: Look, server: Loopback, tmp_path: Path) -> None:
    """The path of a request, and a URL in an answer, lose what opens a door by itself; a replay has another."""
    path, secret = drawn(look, "one")
    url = f"https://hooks.example{path}"
    asks = [
        Ask(path, "POST", reply=Reply(json.dumps({"url": url}).encode())),
        Ask("/html", "GET", reply=Reply(url.encode())),
    ]
    taped = run_tape(tmp_path, server, asks, is_live=True)
    assert taped.refusal is None
    assert secret not in taped.text
    assert list(unclean(taped.path)) == []

    found = list(unclean(record_uncleaned(tmp_path, server, asks)))
    assert any("exchange 1, request, URL, path" in line for line in found)
    assert any("exchange 1, response, body, member url, path" in line for line in found)
    other = Ask(drawn(look, "two")[0], "POST")
    assert len(run_tape(tmp_path, server, [other], is_live=False).answers) == 1


@pytest.mark.parametrize(
    "look", [pytest.param(look, id=look.kind, marks=[pytest.mark.slow] * (n > 5)) for n, look in enumerate(TOKENS)]
)
def test_token_is_told_by_its_looks(look: Look, server: Loopback, tmp_path: Path) -> None:
    """A token or a key that a vendor gave a look of its own goes from any text, JSON and a parameter of any name."""
    text, secret = drawn(look, "one")
    asks = [
        Ask("/text", "GET", reply=Reply(f"use {text} now".encode(), ())),
        Ask("/json", "GET", reply=Reply(json.dumps({"note": f"use {text} now"}).encode())),
        Ask(f"/x?{httpx.QueryParams({'note': text})}", "GET"),
    ]
    taped = run_tape(tmp_path, server, asks, is_live=True)
    assert taped.refusal is None
    assert secret not in taped.text
    assert list(unclean(taped.path)) == []

    found = list(unclean(record_uncleaned(tmp_path, server, asks)))
    assert {f"exchange {number}" for number in (1, 2, 3) for line in found if f"exchange {number}, " in line and look.kind in line} == {
        "exchange 1", "exchange 2", "exchange 3",
    }  # fmt: skip
    assert not [line for line in found if secret in line]


def test_password_of_a_url_in_a_text(server: Loopback, tmp_path: Path) -> None:
    """User information of a URL that stands in an answer goes; a mail address and a port stay."""
    text = b"redis://app:s3same-Str33t@cache.example:6379/0 mailto:ann@shop.example https://shop.example:8080/a@b"
    taped = run_tape(tmp_path, server, [Ask("/x", "GET", reply=Reply(text, ()))], is_live=True)
    assert "redis://app:apiauth-password-1@cache.example:6379/0" in " ".join(taped.text.split())
    assert "mailto:ann@shop.example https://shop.example:8080/a@b" in " ".join(taped.text.split())


def test_neighbours_are_those_of_one_url(server: Loopback, tmp_path: Path) -> None:
    """In a text the names of another URL do not count as neighbours."""
    text = b"/login?user=ann&pass=sunshine /seats?pass=maybe /door?user=bob"
    taped = run_tape(tmp_path, server, [Ask("/x", "GET", reply=Reply(text, ()))], is_live=True)
    assert "user=ann&pass=apiauth-pass-1 /seats?pass=maybe /door?user=bob" in " ".join(taped.text.split())


def test_hex_of_a_known_value_is_replaced(server: Loopback, tmp_path: Path) -> None:
    """A token that an answer repeats in hexadecimal digits, small, capital or between colons, is found."""
    token = "Vis1ble-AsC-tok_n~42"
    raw = token.encode()
    forms = {raw.hex(), raw.hex().upper(), raw.hex(":"), raw.hex(":").upper()}
    asks = [
        Ask(reply=Reply(json.dumps({"access_token": token}).encode())),
        Ask("/x", "GET", reply=Reply(json.dumps({"seen": [f"x{form}x" for form in forms]}).encode())),
    ]
    taped = run_tape(tmp_path, server, asks, is_live=True)
    assert [
        form for form in forms if form in yaml.safe_load(taped.text)["interactions"][1]["response"]["body"]["string"]
    ] == []
