"""Behaviours of text: what a terminal obeys, what markup and XML choke on, secrets sent back, challenges, redirects, TLS."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import parse_qs, quote

from tests.hostile.behaviours import API, DOCUMENT, TOKEN, answer, behaves, token

POISON: Final = {
    "terminal escapes": "\x1b[2J\x1b[31mred\x1b[0m",
    "a terminal's title": "\x1b]0;owned\x07",
    "a terminal's answer": "\x1b[6n\x1bP+q\x1b\\",
    "backspaces": "passed\x08\x08\x08\x08\x08\x08",
    "eight-bit controls": "\x9b2J\x90x\x9c",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "CDATA": "]]><!-- &amp; &#0; -->",
    "XML-illegal": "a\x01\x02\x0b\x0c\x1f\x7fb",
    "Markdown": "](http://evil.example) `x` | | ![x](//evil.example)",
    "right to left": "a\u202egnp.exe\u2066",
    "invisible": "a\u200b\u2060\ufeffb",
    "lone surrogates": "a\ud800\udfff\udc80b",
    "noncharacters": "a\ufffe\uffff\U0001fffeb",
    "line breaks": "a\n\nFAILED shop\r\nok\u2028x\u2029y\x85z",
    "a line of 20,000 letters": "x" * 20_000,
    "20,000 lines": "x\n" * 20_000,
    "format strings": "%s %n {0} {self} ${HOME} $(id) `id`",
}
"""Texts by what they are meant to do."""
_IN_HEADERS: Final = {name: text for name, text in POISON.items() if not {"\n", "\r", "\0"} & set(text)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _poison() -> None:
    family = "poisonous text"
    for name, text in POISON.items():
        written = json.dumps(text).encode()
        described = b'{"error": %s, "error_description": %s, "error_uri": %s}' % (written, written, written)
        behaves(family, f"{name} in an error", answer(described, status=401), TOKEN)
        behaves(
            family,
            f"{name} in a member's name",
            answer(b'{%s: 1, "openapi": %s}' % (written, written)),
            TOKEN,
            DOCUMENT,
        )
        behaves(family, f"{name} in a page", answer(b"<html>" + _bytes(text), media=b"Content-Type: text/html"), TOKEN)
        behaves(
            family,
            f"{name} in a token",
            answer(token(access_token=text)),
            TOKEN,
            may_pass=text.isascii() and text.isprintable(),
        )
        titled = {
            "openapi": "3.0.0",
            "info": {"title": text, "version": text},
            "servers": [{"url": text}],
            "paths": {text: {"get": {}}},
        }
        behaves(family, f"{name} in a title", answer(json.dumps(titled).encode()), DOCUMENT, may_pass=True)
    for name, text in _IN_HEADERS.items():
        raw = _bytes(text)
        behaves(family, f"{name} in a reason", answer(b"", status=500, reason=raw), TOKEN)
        behaves(family, f"{name} in a media type", answer(b"x", media=b"Content-Type: text/" + raw), TOKEN)
        behaves(
            family,
            f"{name} in a challenge",
            _challenged(b'Bearer realm="' + raw + b'", error="' + raw + b'"'),
            API,
            may_pass=True,
        )
        behaves(family, f"{name} in a location", answer(b"", b"Location: " + raw, status=302), DOCUMENT)


def _challenged(challenge: bytes) -> bytes:
    return answer(b"{}", b"WWW-Authenticate: " + challenge, status=401, reason=b"Unauthorized")


def _challenges() -> None:
    family = "challenges"
    parameters = b", ".join(b"p%d=1" % n for n in range(100_000))
    challenges = {
        "100,000 parameters": b"Bearer " + parameters,
        "8,000 parameters": b"Bearer " + parameters[:90_000].rpartition(b",")[0],
        "80,000 commas": b"Bearer " + b"," * 80_000,
        "40,000 schemes": b", ".join([b"a"] * 30_000),
        "an open quote": b'Bearer realm="' + b"x" * 80_000,
        "40,000 escapes": b'Bearer realm="' + b"\\x" * 40_000 + b'"',
        "40,000 equals": b"Bearer a" + b"=" * 80_000,
        "40,000 blanks": b"Bearer" + b" " * 80_000 + b"x",
        "quotes and commas": b'Bearer a="' + b'",a="' * 15_000 + b'"',
        "nothing": b"", "a comma": b",", "a quote": b'"', "high bytes": b"\xff\xfe\x80",
        "a nonce of 80 kB": b'DPoP error="use_dpop_nonce", nonce="' + b"n" * 80_000 + b'"',
    }  # fmt: skip
    for name, text in challenges.items():
        behaves(family, f"challenge: {name}", _challenged(text), API, may_pass=True)
    many = answer(b"{}", *[b"WWW-Authenticate: Bearer realm=a"] * 900, status=401)
    behaves(family, "challenge: 900 lines", many, TOKEN, API, may_pass=(API,))
    behaves(
        family,
        "a nonce without end",
        answer(b'{"error": "use_dpop_nonce"}', b"DPoP-Nonce: " + b"n" * 80_000, status=400),
        TOKEN,
    )


def _back(status: int, request: bytes) -> list[bytes]:
    """Redirect a request to where it has come."""
    return [answer(b"", b"Location: " + request.split(b" ", 2)[1], status=status)]


def _redirects() -> None:
    family = "redirects"
    places = {
        "to itself": b"", "to nowhere": b"#", "of ninety kilobytes": b"/" + b"x" * 90_000, "to a script": b"javascript:alert(1)",
        "to a file": b"file:///etc/passwd", "to another host": b"http://evil.example/", "to no URL": b"http://[::::]/",
        "to a port of words": b"http://a:b/", "to high bytes": b"/\xff\xfe", "with a password": b"http://user:pass@evil.example/",
    }  # fmt: skip
    for name, place in places.items():
        behaves(family, f"redirect {name}", answer(b"", b"Location: " + place, status=302))
    for status in (301, 303, 307, 308):
        behaves(family, f"redirect {status} to itself", partial(_back, status))
    behaves(family, "redirect without a place", answer(b"", status=302))
    behaves(family, "redirect twice", answer(b"", b"Location: /a", b"Location: /b", status=302))


def _echo(write: Callable[[str], bytes]) -> Callable[[bytes], list[bytes]]:
    """Send a request back: its head, its body, what its form holds, and what its Basic credentials are."""

    def play(request: bytes) -> list[bytes]:
        text = request.decode("latin-1")
        lines, _, body = text.partition("\r\n\r\n")
        told = [lines, body, *(value for values in parse_qs(body).values() for value in values)]
        pairs = [line.partition("Basic ")[2] for line in lines.split("\r\n") if "Basic " in line]
        told += [base64.b64decode(pair + "==").decode("latin-1") for pair in pairs]
        return [write(" ".join(told))]

    return play


def _echoes() -> None:
    family = "secrets sent back"
    plain = " ".join
    ways: dict[str, Callable[[str], bytes]] = {
        "an error": lambda told: answer(json.dumps({"error": told}).encode(), status=400),
        "a description": lambda told: answer(
            json.dumps({"error": "x", "error_description": told}).encode(), status=400
        ),
        "a member's name": lambda told: answer(json.dumps({told: 1}).encode()),
        "a page": lambda told: answer(told.encode("latin-1"), media=b"Content-Type: text/html", status=500),
        "a reason": lambda told: answer(b"", status=400, reason=plain(told.split()).encode("latin-1")),
        "a location": lambda told: answer(b"", b"Location: /?" + plain(told.split()).encode("latin-1"), status=302),
        "a location, percent-encoded": lambda told: answer(b"", b"Location: /?" + quote(told).encode(), status=302),
        "a media type": lambda told: answer(b"x", media=b"Content-Type: text/" + plain(told.split()).encode("latin-1")),
        "a token type": lambda told: answer(token(token_type=told)),
        "a lifetime": lambda told: answer(token(expires_in=told)),
        "base64": lambda told: answer(
            json.dumps({"error": base64.b64encode(told.encode()).decode()}).encode(), status=400
        ),
        "every other case": lambda told: answer(json.dumps({"error": told.swapcase()}).encode(), status=400),
        "a challenge": lambda told: _challenged(b'Bearer realm="' + plain(told.split()).encode("latin-1") + b'"'),
    }
    for name, write in ways.items():
        behaves(family, f"sent back in {name}", _echo(write), TOKEN)
    behaves(
        family,
        "sent back as a token",
        _echo(lambda told: answer(token(access_token=told.split()[-1]))),
        TOKEN,
        may_pass=True,
    )


def _limits() -> None:
    family = "rate limits"
    times = {
        "an hour": b"3600", "a century": b"3155760000", "a thousand digits": b"9" * 1000, "negative": b"-1", "NaN": b"NaN",
        "1e999": b"1e999", "other digits": "²".encode(), "a far date": b"Fri, 31 Dec 9999 23:59:59 GMT",
        "a broken date": b"Fri, 99 Foo 9999 99:99:99 GMT", "a date of great numbers": b"Fri, 31 Dec 99999999999 23:59:59 +9999",
        "nothing": b"", "zero": b"0",
    }  # fmt: skip
    for name, time in times.items():
        for status in (429, 503):
            behaves(
                family,
                f"{status}, again after {name}",
                answer(b"{}", b"Retry-After: " + time, status=status),
                TOKEN,
                API,
            )


def _tls() -> None:
    for certificate in ("expired", "not yet", "another host", "self-signed", "another authority"):
        behaves("TLS", f"a certificate: {certificate}", answer(token()), TOKEN, certificate=certificate)
    for trouble in ("no TLS", "silent", "closed", "garbage"):
        behaves("TLS", f"a handshake: {trouble}", answer(token()), TOKEN, certificate=trouble)


def _odd() -> None:
    family = "documents"
    schema = {"openapi": "3.0.0", "info": {"title": "a", "version": "1"}, "paths": {}}
    documents = {
        "a reference to itself": {**schema, "paths": {"/a": {"$ref": "#/paths/~1a"}}},
        "a reference to another host": {**schema, "paths": {"/a": {"$ref": "http://evil.example/x"}}},
        "a reference to a file": {**schema, "paths": {"/a": {"$ref": "file:///etc/passwd"}}},
        "servers elsewhere": {**schema, "servers": [{"url": "file:///etc"}, {"url": "http://[::"}]},
        "ten thousand paths": {**schema, "paths": {f"/p{n}": {"get": {"security": [{"a": []}]}} for n in range(10_000)}},
        "everything of other kinds": {"openapi": [], "info": 1, "servers": "x", "paths": 7, "components": None},
        "a version of a megabyte": {**schema, "openapi": "3." + "0" * 1_000_000},
        "a title of a path": {**schema, "info": {"title": "../../../etc/passwd", "version": "1"}},
        "metadata of other kinds": {"issuer": [], "token_endpoint": 1, "grant_types_supported": "x"},
        "endpoints elsewhere": {"issuer": "https://a.example", "token_endpoint": "javascript:1", "authorization_endpoint": "file:///x"},
    }  # fmt: skip
    for name, document in documents.items():
        behaves(family, name, answer(json.dumps(document).encode()), DOCUMENT, may_pass=True)
    yaml = {
        "aliases without end": b"a: &a [x]\n" + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(98, 115)),
        "a tag of Python's": b"!!python/object/apply:os.system ['id']", "merges without end": b"a: &a {<<: *a}",
        "deep": b"- " * 5000 + b"x", "flow, deep": b"a: " + b"[" * 50_000, "an anchor of itself": b"&a [*a]",
    }  # fmt: skip
    for name, text in yaml.items():
        behaves(family, f"YAML: {name}", answer(text, media=b"Content-Type: application/yaml"), DOCUMENT)


for _each in (_poison, _challenges, _redirects, _echoes, _limits, _tls, _odd):
    _each()
