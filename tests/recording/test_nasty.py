"""Thirty and more exchanges written to get a secret past the recorder."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.recording.taping import SEARCHING, Ask, Loopback, Reply, run_tape
from tests.sharing import about

pytestmark = [pytest.mark.slow, about(*SEARCHING)]  # a run of pytest each

S = 's3cr+t/%41:"\\=&-Value'
"""Every character that encodings trip over; another form of it in each encoding."""
U = "gehëim-пароль-密码"
V = "Vis1ble-AsC-tok_n~42"
"""Where only a token's characters can stand."""
JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
TEXT = (("Content-Type", "text/plain"),)


def basic(identifier: str, secret: str) -> tuple[str, str]:
    """Give a header of Basic credentials."""
    return "Authorization", "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()


def answer(members: object, *headers: tuple[str, str], status: int = 200) -> Reply:
    """Give a JSON answer."""
    return Reply(json.dumps(members).encode(), (*JSON, *headers), status)


def asks(members: object, media_type: str = "application/json", charset: str = "utf-8") -> Ask:
    """Give a request with a JSON body."""
    return Ask(headers=(("Content-Type", media_type),), body=json.dumps(members, ensure_ascii=False).encode(charset))


TOKEN = {"access_token": V, "token_type": "Bearer", "expires_in": 3600}
NASTY: dict[str, tuple[list[Ask], set[str]]] = {
    "charset-in-json-type": ([asks({"client_secret": S}, "application/json; charset=utf-8")], {S}),
    "vendor-type": ([asks({"client_secret": U}, "application/vnd.api+json")], {U}),
    "no-type": ([Ask(body=json.dumps({"password": S}).encode())], {S}),
    "latin-1": ([asks({"password": "pässwört-lätin"}, "application/json; charset=iso-8859-1", "latin-1")], {"pässwört-lätin"}),
    "utf-16": ([asks({"password": U}, "application/json", "utf-16")], {U}),
    "utf-16-le-without-mark": ([asks({"password": V}, "application/json", "utf-16-le")], {V}),
    "byte-order-mark": ([Ask(headers=JSON, body=b"\xef\xbb\xbf" + json.dumps({"password": S}).encode())], {S}),
    "nested": ([asks({"a": [{"b": {"auth": {"refreshToken": S}}}]})], {S}),
    "twice-the-same-member": ([Ask(headers=JSON, body=b'{"password":"First-Secret-1","password":"Second-Secret-2"}')],
                              {"First-Secret-1", "Second-Secret-2"}),
    "json-in-json": ([asks({"body": json.dumps({"access_token": S})})], {S}),
    "php-escapes": ([Ask(headers=TEXT, body=b'x={"api_key":"slash\\/ed\\/Key-7"}')], {"slash/ed/Key-7"}),
    "form": ([Ask(headers=FORM, body=f"grant_type=password&username=u&password={quote_plus(S)}".encode())], {S}),
    "form-lower-case-percent": ([Ask(headers=FORM, body=b"client_secret=a%2fb%3a%2b-Secret")], {"a/b:+-Secret"}),
    "form-without-type": ([Ask(body=f"grant_type=authorization_code&code={V}&code_verifier={quote(S)}".encode())], {V, S}),
    "form-brackets": ([Ask(headers=FORM, body=f"user%5Bpassword%5D={quote_plus(U)}".encode())], {U}),
    "multipart": ([Ask(headers=(("Content-Type", "multipart/form-data; boundary=XX"),),
                       body=f'--XX\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\n{S}\r\n--XX--\r\n'.encode())], {S}),
    "gzip-request": ([Ask(headers=(*JSON, ("Content-Encoding", "gzip")), body=gzip.compress(json.dumps({"password": S}).encode()))], {S}),
    "gzip-answer": ([Ask(reply=Reply(gzip.compress(json.dumps(TOKEN).encode()), (*JSON, ("Content-Encoding", "gzip"))))], {V}),
    "deflate-answer": ([Ask(reply=Reply(zlib.compress(json.dumps(TOKEN).encode()), (*JSON, ("Content-Encoding", "deflate"))))], {V}),
    "gzip-unannounced": ([Ask(reply=Reply(gzip.compress(json.dumps(TOKEN).encode()), (("Content-Type", "application/octet-stream"),)))], {V}),
    "form-answer": ([Ask(reply=Reply(f"access_token={V}&scope=&token_type=bearer".encode(), FORM))], {V}),
    "form-answer-as-text": ([Ask(reply=Reply(f"access_token={V}&scope=&token_type=bearer".encode(), TEXT))], {V}),
    "basic": ([Ask(headers=(basic("id", S),))], {S}),
    "basic-form-encoded": ([Ask(headers=(basic("id", quote_plus(S)),), reply=answer({"echo": S}))], {S}),
    "basic-key-without-password": ([Ask(headers=(basic("sk_live_Key123", ""),), reply=answer({"key": "sk_live_Key123"}))], {"sk_live_Key123"}),
    "basic-key-beside-a-dummy": ([Ask(headers=(basic("sk_live_4eC39HqLyjW", "x"),), reply=answer({"own": "sk_live_4eC39HqLyjW"}))], {"sk_live_4eC39HqLyjW"}),
    "basic-token-beside-a-word": ([Ask(headers=(basic("ghp_16C7e42F292c6912", "x-oauth-basic"),), reply=answer({"own": "ghp_16C7e42F292c6912"}))],
                                  {"ghp_16C7e42F292c6912"}),
    "userinfo-key-beside-a-dummy": ([Ask(method="GET", path="/x", reply=answer({"next": "https://sk_live_4eC39HqLyjW:x@api.example/2"}))],
                                    {"sk_live_4eC39HqLyjW"}),
    "location-key-beside-a-dummy": ([Ask(method="GET", reply=Reply(b"", (("Location", "https://sk_live_4eC39HqLyjW:unused@api.example/2"),), 302))],
                                    {"sk_live_4eC39HqLyjW"}),
    "unknown-scheme": ([Ask(headers=(("Authorization", f"Custom {V}"),))], {V}),
    "no-scheme": ([Ask(headers=(("Authorization", V),))], {V}),
    "scheme-with-parameters": ([Ask(headers=(("Authorization", f'Token token="{V}", nonce="1"'),), reply=answer({"echo": V}))], {V}),
    "api-key-header": ([Ask(headers=(("X-API-Key", V), ("X-Auth-Token", V[::-1])))], {V, V[::-1]}),
    "query": ([Ask(path=f"/x?a=1&access_token={quote(S)}&b=2", method="GET")], {S}),
    "userinfo": ([Ask(path="/x", method="GET", userinfo=f"user:{quote(S, safe='')}")], {S}),
    "path": ([Ask(reply=answer(TOKEN)), Ask(path="/introspect/{token}", method="GET")], {V}),
    "cookies": ([Ask(reply=answer({}, ("Set-Cookie", f"session={V}; Path=/; HttpOnly"))), Ask(path="/me", method="GET")], {V}),
    "location": ([Ask(path="/authorize?response_type=code&state=abcdefgh", method="GET",
                      reply=Reply(b"", (("Location", f"https://client.example/cb?code={V}&state=abcdefgh"),), 302))], {V}),
    "fragment": ([Ask(method="GET", reply=Reply(b"", (("Location", f"https://client.example/cb#access_token={V}&x=1"),), 302))], {V}),
    "echo-before-it-is-known": ([Ask(method="GET", path="/x", reply=answer({"hint": f"use {V} now"})), Ask(reply=answer(TOKEN))], {V}),
    "echo-in-html": ([asks({"password": S}), Ask(reply=Reply(f"<p>{S.replace('&', '&amp;').replace(chr(34), '&quot;')}</p>".encode(), (("Content-Type", "text/html"),)))], {S}),
    "echo-in-base64": ([asks({"password": U}), Ask(reply=answer({"blob": base64.b64encode(f"xx{U}yy".encode()).decode()}))], {U}),
    "echo-in-error": ([Ask(headers=FORM, body=f"client_secret={quote_plus(S)}".encode(), reply=answer({"error_description": f"bad: {S}"}, status=400))], {S}),
    "echo-as-key": ([Ask(reply=answer(TOKEN)), Ask(reply=answer({V: {"active": True}}))], {V}),
    "jwt-in-prose": ([Ask(reply=Reply(b"your id: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ok", TEXT))], {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}),
    "xml": ([Ask(reply=Reply(f"<r><AccessToken>{V}</AccessToken></r>".encode(), (("Content-Type", "application/xml"),)))], {V}),
    "javascript": ([Ask(reply=Reply(f'callback({{"access_token" : "{V}"}});'.encode(), (("Content-Type", "text/javascript"),)))], {V}),
    "binary": ([asks({"password": V}), Ask(reply=Reply(b"\xff\xfe\x00\xd8\x89PNG" + V.encode() + b"\xff", (("Content-Type", "image/png"),)))], {V}),
    "long-lines": ([asks({"password": "word " * 40 + "end"}, "application/json")], {"word " * 40 + "end"}),
    "number": ([asks({"password": 12345678})], {"12345678"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    """Serve on loopback."""
    server = Loopback()
    yield server
    server.close()


@pytest.mark.parametrize("name", NASTY)
def test_nothing_survives_and_replay_passes(name: str, server: Loopback, tmp_path: Path) -> None:
    """Neither the cassette in any reading nor a log line has the secret, and the tape can be replayed."""
    exchanges, secrets = NASTY[name]
    taped = run_tape(tmp_path, server, exchanges, is_live=True)
    assert taped.refusal is None
    assert taped.survivors(secrets) == set()

    asked = server.asked
    replayed = run_tape(tmp_path, server, exchanges, is_live=False)
    assert [status for status, _ in replayed.answers] == [status for status, _ in taped.answers]
    assert server.asked == asked


def test_enough_are_nasty() -> None:
    """The list keeps its length."""
    assert len(NASTY) >= 30


def test_unknown_coding_is_not_written(server: Loopback, tmp_path: Path) -> None:
    """A body that nothing here can look into is never written."""
    reply = Reply(b"\x0b\x02\x80\x00\x03", (*JSON, ("Content-Encoding", "x-unheard-of")))
    taped = run_tape(tmp_path, server, [Ask(reply=reply)], is_live=True)
    assert "'x-unheard-of' cannot be looked into" in str(taped.refusal)
    assert not taped.path.exists()


def test_value_that_the_run_knows_is_replaced_anywhere(server: Loopback, tmp_path: Path) -> None:
    """A secret of the run is found where no name or position tells it."""
    ask = Ask(path=f"/x/{V}?q={V}", method="GET", headers=(("X-Odd", V),), reply=answer({"odd": [V]}))
    taped = run_tape(tmp_path, server, [ask], is_live=True, secrets=(V,))
    assert taped.survivors({V}) == set()
    assert taped.text.count("apiauth-access-token-1") == 4


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_a_value_that_comes_back_in_other_case_is_replaced(
    change: Callable[[str], str], server: Loopback, tmp_path: Path
) -> None:
    """A server that says it in capitals says it all the same; a short value is looked for as it is."""
    reply = answer({"error_description": f"{change(V)} is not known, nor is {change('aB3456')}"}, status=400)
    taped = run_tape(tmp_path, server, [Ask(reply=reply)], is_live=True, secrets=(V, "aB3456"))
    assert taped.survivors({change(V)}) == set()
    assert change("aB3456") in taped.text


def test_short_secret_is_removed_by_position(server: Loopback, tmp_path: Path) -> None:
    """A value too short to be looked for is removed where its place says what it is, and nowhere else."""
    ask = asks({"password": "ab12", "note": "ab12 is a cable"})
    text = run_tape(tmp_path, server, [ask], is_live=True).text
    assert '"password": "apiauth-password-1"' in text
    assert "ab12 is a cable" in text


def test_ordinary_words_are_left_alone(server: Loopback, tmp_path: Path) -> None:
    """What only looks like a secret stays: country codes, cursors, prose about passwords, a weak password's word."""
    body = {"code": "FR", "next_page_token": "p2", "token_type": "bearer", "expires_in": 3600, "has_password": True}
    asked = asks({"grant_type": "password", "password": "password"})
    refused = answer({"password": ["This field is required."]}, status=400)
    tape = [
        Ask(path="/c?code=FR&page_token=p2", method="GET", reply=answer(body)),
        Ask(path=asked.path, headers=asked.headers, body=asked.body, reply=refused),
    ]
    text = " ".join(run_tape(tmp_path, server, tape, is_live=True).text.split())
    assert json.dumps(body) in text
    assert "/c?code=FR&page_token=p2" in text
    assert '"grant_type": "password", "password": "apiauth-password-1"' in text
    assert "This field is required." in text


def test_what_has_no_secret_is_kept_to_the_byte(server: Loopback, tmp_path: Path) -> None:
    """A body without a secret is not written anew."""
    body = b'{"b":1.10,   "a":"\\u00e9"}'
    tape = [Ask(method="GET", path="/x?q=%7Ea+b", reply=Reply(body))]
    run_tape(tmp_path, server, tape, is_live=True)
    replayed = run_tape(tmp_path, server, tape, is_live=False)
    assert replayed.answers == [(200, body)]
    assert "/x?q=%7Ea+b" in replayed.text
