"""Behaviours of bodies: bombs, encodings, JSON that is none or too much, and members of every kind."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

import gzip
import importlib
import json
import zlib
from collections.abc import Callable
from functools import cache, partial
from typing import Final

from pytest_apiauth.discover import reading
from tests.hostile.behaviours import DEVICE, DOCUMENT, GOOD, TOKEN, Later, answer, behaves, raw_token, token

MEGABYTE: Final = 1_000_000
PACKAGES: Final = {"br": "brotli", "zstd": "zstandard"}
"""What packs and unpacks codings that the standard library has not."""


def missing() -> list[str]:
    """Return the codings whose bombs are left out, since their package is not installed."""
    found = []
    for coding, package in PACKAGES.items():
        try:
            importlib.import_module(package)
        except ImportError:
            found.append(coding)
    return found


@cache
def _packed(coding: str, megabytes: int, text: bytes = b"a") -> bytes:
    """Pack megabytes of the same letter, within a token answer, without having them in memory at once."""
    begun, end = b'{"access_token": "', b'"}'
    if coding == "br":
        return bytes(importlib.import_module("brotli").compress(begun + text * (megabytes * MEGABYTE) + end))
    if coding == "zstd":
        return bytes(importlib.import_module("zstandard").compress(begun + text * (megabytes * MEGABYTE) + end))
    bits = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS, "raw deflate": -zlib.MAX_WBITS}[coding]
    compressor = zlib.compressobj(9, wbits=bits)
    pieces = [compressor.compress(begun)]
    pieces += [compressor.compress(text * MEGABYTE) for _ in range(megabytes)]
    return b"".join((*pieces, compressor.compress(end), compressor.flush()))


def _coded(body: bytes, coding: bytes) -> bytes:
    return answer(body, b"Content-Encoding: " + coding)


def _bomb(coding: str) -> bytes:
    return _coded(_packed(coding, 400), coding.encode())


def _four() -> bytes:
    return gzip.compress(gzip.compress(gzip.compress(_packed("gzip", 400))))


def _bombs() -> None:
    family = "bombs"
    behaves(family, "gzip", Later(lambda: _coded(_packed("gzip", 400), b"gzip")))
    behaves(family, "x-gzip", Later(lambda: _coded(_packed("gzip", 100), b"x-gzip")))
    behaves(family, "deflate", Later(lambda: _coded(_packed("deflate", 400), b"deflate")))
    behaves(family, "raw deflate", Later(lambda: _coded(_packed("raw deflate", 400), b"deflate")))
    behaves(family, "gzip in gzip", Later(lambda: _coded(gzip.compress(_packed("gzip", 400)), b"gzip, gzip")))
    behaves(family, "gzip in deflate", Later(lambda: _coded(zlib.compress(_packed("gzip", 400)), b"gzip, deflate")))
    behaves(family, "gzip four times", Later(lambda: _coded(_four(), b"gzip, gzip, gzip, gzip")))
    behaves(family, "a hundred codings", Later(lambda: _coded(_four(), b", ".join([b"gzip"] * 100))))
    behaves(family, "many gzip members", Later(lambda: _coded(_packed("gzip", 1) * 400, b"gzip")))
    behaves(family, "gzip, cut", Later(lambda: _coded(gzip.compress(token())[:-12], b"gzip")))
    behaves(family, "gzip, broken", Later(lambda: _coded(gzip.compress(token())[:20] + b"\xff" * 40, b"gzip")))
    behaves(family, "gzip that is none", Later(lambda: _coded(b"\x1f\x8b" + token(), b"gzip")))
    behaves(family, "deflate that is none", Later(lambda: _coded(b"no deflate", b"deflate")))
    behaves(family, "gzip that nothing announces", Later(lambda: answer(_packed("gzip", 400))))
    behaves(
        family,
        "blanks, sixteen megabytes",
        Later(lambda: _coded(gzip.compress(b" " * (15 * MEGABYTE) + b"x"), b"gzip")),
    )
    for coding in PACKAGES:
        if coding not in missing():
            behaves(family, coding, Later(partial(_bomb, coding)))


def _no_json() -> None:
    family = "encodings and JSON that is none"
    good = token().decode()
    same = {
        "UTF-16": "utf-16",
        "UTF-16 LE": "utf-16-le",
        "UTF-16 BE": "utf-16-be",
        "UTF-32": "utf-32",
        "BOM": "utf-8-sig",
    }
    for name, encoding in same.items():
        # Python's parser reads each of them; so does everybody else's with a mark.
        behaves(family, name, answer(good.encode(encoding)), TOKEN, may_pass=True)
        behaves(family, name, answer('{"openapi": 3}'.encode(encoding)), DOCUMENT)
    texts = {
        "nothing": b"", "blanks": b" \n\t ", "a brace": b"{", "HTML": b"<!doctype html><title>Log in</title>",
        "XML": b"<?xml version='1.0'?><a>&lt;</a>", "YAML": b"access_token: abc", "JSONP": b"f(" + token() + b")",
        "garbage behind": token() + b"x", "two values": token() + token(), "comments": b"/* x */" + token(),
        "single quotes": token().replace(b'"', b"'"), "no quotes": b"{access_token: abc}", "zeros": bytes(1000),
        "invalid UTF-8": token()[:-1] + b', "x": "\xff\xfe"}', "Latin-1": '{"é": 1}'.encode("latin-1"),
        "overlong UTF-8": b'{"access_token": "\xc0\xaf"}', "surrogates in UTF-8": b'{"access_token": "\xed\xa0\x80"}',
        "an escape": b"\x1b[2J\x1b]0;title\x07", "a NUL in a text": b'{"access_token": "a\x00b"}',
        "a line break in a text": b'{"access_token": "a\nb"}', "XML entities": b"<!DOCTYPE a [<!ENTITY a '" + b"x" * 999 + b"'>]><a>&a;</a>",
        "a null": b"null", "true": b"true", "a number": b"42", "a text": b'"text"', "a list": b"[]", "an empty object": b"{}",
        "NaN": b"NaN", "a list of a token": b"[" + token() + b"]", "1e999": b"1e999", "minus infinity": b"-Infinity",
    }  # fmt: skip
    for name, text in texts.items():
        behaves(family, name, answer(text), TOKEN, DOCUMENT)


def _many_members() -> bytes:
    return ("{" + ",".join(f'"n{n}":{n}' for n in range(600_000)) + "}").encode()


def _wide(megabytes: float) -> bytes:
    """A text in memory of which one letter makes four times its size."""
    return b'{"x": "' + "\U0001f600".encode() + b"x" * int(megabytes * MEGABYTE) + b'"}'


def _zipped(make: Callable[[], bytes]) -> bytes:
    return _coded(gzip.compress(make()), b"gzip")


MOST, NODES = reading.MOST_VALUES - 10, reading.MOST_NODES - 10
EDGES: Final[dict[str, Callable[[], bytes]]] = {
    "members": lambda: b"{" + b",".join(b'"n%d":%d' % (n, n) for n in range(MOST // 2)) + b"}",
    "lists": lambda: b'{"a":[' + b"[1]," * (MOST // 2) + b"1]}",
    "objects": lambda: b'{"a":[' + b",".join(b'{"n%d":{}}' % n for n in range(MOST // 4)) + b"]}",
    "texts": lambda: b'{"a":[' + b",".join(b'"text%06d"' % n for n in range(MOST)) + b"]}",
    "members of YAML": lambda: b"x:\n" + b"".join(b" n%d: a\n" % n for n in range(NODES // 2)),
    "lists of YAML": lambda: b"x: [" + b"[1]," * (NODES // 3) + b"1]\n",
}  # fmt: skip
"""Documents that are as large as documents may be, in each way that costs memory."""


def _too_much() -> None:
    family = "JSON that is too much"
    deep = 100_000
    behaves(family, "lists, deep", answer(b"[" * deep + b"]" * deep))
    behaves(family, "objects, deep", answer(b'{"a":' * deep + b"1" + b"}" * deep))
    behaves(family, "lists, deep, in a token", answer(raw_token(x="[" * deep + "]" * deep)))
    behaves(family, "lists, deep, without an end", answer(b"[" * deep))
    behaves(family, "nine hundred deep, in a token", answer(raw_token(x="[" * 900 + "]" * 900)), TOKEN, may_pass=True)
    behaves(
        family, "five million lists", Later(lambda: _coded(gzip.compress(b"[" + b"[]," * 5_000_000 + b"[]]"), b"gzip"))
    )
    behaves(
        family,
        "five million lists in a token",
        Later(lambda: _coded(gzip.compress(raw_token(x="[" + "[]," * 5_000_000 + "[]]")), b"gzip")),
    )
    behaves(
        family,
        "a million objects",
        Later(lambda: _coded(gzip.compress(b"[" + b'{"a":{}},' * 1_000_000 + b"1]"), b"gzip")),
    )
    behaves(family, "a million members", Later(lambda: _coded(gzip.compress(_many_members()), b"gzip")))
    behaves(family, "a number of a megabyte", answer(raw_token(x="9" * MEGABYTE)))
    behaves(
        family,
        "a text of fifteen megabytes",
        Later(lambda: _coded(gzip.compress(raw_token(x='"' + "x" * 15_000_000 + '"')), b"gzip")),
    )
    for megabytes in (1.0, 7.9, 15.0):
        behaves(family, f"a text of {megabytes:g} megabytes, wide", Later(partial(_zipped, partial(_wide, megabytes))))
    for name, make in EDGES.items():
        behaves(family, f"as many {name} as are read", Later(partial(_zipped, make)), DOCUMENT)
    behaves(
        family,
        "two million escapes",
        Later(lambda: _coded(gzip.compress(b'{"x": "' + b"\\u0041" * 2_500_000 + b'"}'), b"gzip")),
    )


KINDS: Final = {
    "null": "null", "true": "true", "zero": "0", "a fraction": "1.5", "a list": '["a"]', "an empty list": "[]",
    "an object": '{"value": "a"}', "an empty object": "{}", "an empty text": '""', "NaN": "NaN", "1e999": "1e999",
}  # fmt: skip
"""Values of each kind of JSON that are no token."""


def _members() -> None:
    family = "members of a token answer"
    for kind, value in KINDS.items():
        behaves(family, f"access_token: {kind}", answer(raw_token(access_token=value)), TOKEN)
        behaves(family, f"token_type: {kind}", answer(raw_token(token_type=value)), TOKEN, may_pass=kind == "null")
        behaves(family, f"refresh_token: {kind}", answer(raw_token(refresh_token=value)), TOKEN, may_pass=True)
        behaves(family, f"scope: {kind}", answer(raw_token(scope=value)), TOKEN, may_pass=True)
        behaves(family, f"error: {kind}", answer(b'{"error": %s}' % value.encode(), status=400), TOKEN)
    texts = {
        "of a megabyte": "x" * MEGABYTE, "with CR LF": "a\r\nX-Injected: 1", "with a NUL": "a\0b", "with an escape": "a\x1b[2J",
        "with a blank": "a b", "with letters that no header carries": "tokén☃", "lone surrogate": "a\ud800b",
        "with a tab": "a\tb", "of blanks": "   ", "right to left": "a\u202eb", "a line separator": "a\u2028b", "DEL": "a\x7fb",
    }  # fmt: skip
    for name, text in texts.items():
        behaves(
            family,
            f"access_token: {name}",
            answer(token(access_token=text)),
            TOKEN,
            may_pass=name in ("with a blank", "with a tab"),
        )
        if not name.startswith(("with", "of a")):
            continue
        behaves(family, f"refresh_token: {name}", answer(token(refresh_token=text)), TOKEN, may_pass=True)
        behaves(family, f"token_type: {name}", answer(token(token_type=text)), TOKEN)
        behaves(family, f"scope: {name}", answer(token(scope=text)), TOKEN, may_pass=True)
        behaves(family, f"error: {name}", answer(json.dumps({"error": text}).encode(), status=400), TOKEN)
    twice = b'{"access_token": "%s", "access_token": ' % GOOD.encode()
    behaves(family, "access_token twice, null last", answer(twice + b"null}"), TOKEN)
    behaves(family, "access_token twice, a list last", answer(twice + b"[]}"), TOKEN)
    behaves(
        family, "access_token twice, good last", answer(b'{"access_token": null, ' + token()[1:]), TOKEN, may_pass=True
    )
    behaves(family, "error beside a token", answer(token(error="invalid_grant")), TOKEN, may_pass=True)
    behaves(family, "a token with status 400", answer(token(), status=400), TOKEN)
    behaves(family, "a token with status 500", answer(token(), status=500), TOKEN)
    behaves(family, "a token with status 201", answer(token(), status=201), TOKEN)
    behaves(family, "access_token in other case", answer(b'{"Access_Token": "%s"}' % GOOD.encode()), TOKEN)


LIVES: Final = {
    "a text": '"3600"', "an empty text": '""', "a word": '"never"', "a date": '"2030-01-01T00:00:00Z"', "minus one": "-1",
    "zero": "0", "minus zero": "-0.0", "NaN": "NaN", "1e999": "1e999", "minus 1e999": "-1e999", "true": "true", "false": "false",
    "a list": "[3600]", "an object": '{"seconds": 3600}', "ten thousand digits": "9" * 10_000,
}  # fmt: skip
ODD_LIVES: Final = {
    "null": "null", "a half": "0.5", "a tenth of a nanosecond": "1e-10", "1e308": "1e308", "2^63": str(2**63), "four thousand digits": "9" * 4000,
    "3600.0": "3600.0",
}  # fmt: skip


def _devices() -> None:
    """Answers of the device authorization endpoint, whose every member is used (RFC 8628 3.2)."""
    usual = {
        "device_code": '"the-code-of-the-device"',
        "user_code": '"AB-CD"',
        "verification_uri": '"https://a.example/"',
    }
    numbers = {**LIVES, **ODD_LIVES}
    texts = {
        "an escape": json.dumps("a\x1b[2J"), "a megabyte": json.dumps("x" * MEGABYTE), "line breaks": json.dumps("a\nb\r\nc"),
        "a lone surrogate": '"a\\ud800b"', "right to left": json.dumps("a\u202eb"), "markup": json.dumps("<script>]]>"),
    }  # fmt: skip
    places = {
        "a script": '"javascript:alert(1)"',
        "a file": '"file:///etc/passwd"',
        "no URL": '"http://[::::]/"',
        "an escape": '"https://a.example/\\u001b[2J"',
    }
    rows = [(member, kind, value) for member in ("interval", "expires_in") for kind, value in numbers.items()]
    rows += [(member, kind, value) for member in usual for kind, value in KINDS.items()]
    rows += [(member, kind, value) for member in ("device_code", "user_code") for kind, value in texts.items()]
    rows += [
        (member, kind, value)
        for member in ("verification_uri", "verification_uri_complete")
        for kind, value in places.items()
    ]
    for member, kind, value in rows:
        members = {**usual, "interval": "1", "expires_in": "60", member: value}
        body = ("{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}").encode()
        is_used = (member in usual and kind not in texts) or (member == "verification_uri" and kind in places)
        behaves("device authorizations", f"{member}: {kind}", answer(body), DEVICE, may_pass=not is_used)


def _lives() -> None:
    for kind, value in LIVES.items():
        behaves("expires_in", f"expires_in: {kind}", answer(raw_token(expires_in=value)), TOKEN)
    for kind, value in ODD_LIVES.items():
        behaves("expires_in", f"expires_in: {kind}", answer(raw_token(expires_in=value)), TOKEN, may_pass=True)
    for clock in ("forward", "back", "still", "zero", "far"):
        body = answer(token())
        behaves("clocks", f"the clock goes {clock}", body, TOKEN, may_pass=True, clock=clock)
        behaves(
            "clocks",
            f"the clock goes {clock}, short lives",
            answer(token(expires_in=1)),
            TOKEN,
            may_pass=True,
            clock=clock,
        )


for _each in (_bombs, _no_json, _too_much, _members, _lives, _devices):
    _each()
