"""What mutation begins with: real files of the repository, and what is known to be nasty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from .cases import NO_FILES, Case
from .targets import TARGETS
from .watching import ROOT

CORPUS: Final = Path(__file__).parent / "corpus"
"""What was found, by target: small files that every run begins with, and a fast test replays."""
DEEP: Final = 100_000


def _doubling(name: str, first: str, line: str) -> str:
    """Return YAML of lines that each name the one before nine times."""
    lines = [f"{name}0: &{name}0 {first}"]
    for number in range(1, 12):
        below = ", ".join([f"*{name}{number - 1}"] * 9)
        lines.append(f"{name}{number}: &{name}{number} {line.replace('BELOW', f'[{below}]')}")
    return "\n".join(lines)


OBJECTS: Final = (
    "!!python/object/apply:os.system ['touch PWNED']",
    "!!python/object/new:subprocess.Popen [['touch', 'PWNED']]",
    "!!python/module:antigravity",
    "!!python/name:this.s",
    "!!python/object:pathlib.Path {}",
    "!!python/tuple [1, 2]",
)
NASTY: Final[tuple[bytes, ...]] = (
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xef\xbb\xbf{}", b"\r\r\n\r", b"\x1b[2J\x9b\x07", b"null", b"[]", b"{}",
    b'"text"', b"0", b"-", b"NaN", b"- - -", b"--- \n---\n", b"%YAML 9.9\n---\n{}", b"\xed\xa0\x80", b"=", b"\x85\xa0",
    '{"a": 1}'.encode("utf-16"), "a: 1".encode("utf-32"), b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP,
    b"- " * DEEP, b"{a: " * DEEP, b"9" * 5000, b"1e999999999", b"x" * 300_000, b"\n" * 100_000, b"a\n" * 50_000,
    b"1:" * 3000 + b"1", _doubling("a", "[x]", "BELOW").encode(),
    _doubling("b", "{k: 1}", "{<<: BELOW}").encode(), b"&a [*a]", b"a: &a {b: *a}", b"<<: 1", b"? [a, b]\n: 1",
    *(text.encode() for text in OBJECTS),
)  # fmt: skip
"""What stands in the place of a whole file."""
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 10**30, 10**400, 1e308, float("nan"), float("inf"), "", " ", "\ud800", "\x00", "a\r\nb",
    "\x1b]8;;https://evil.example\x07x", "\u202egnp.exe", "x" * 5000, "\ufeff", "é" * 3, "::error::x", "##[error]x",
    "http://[", "http://[::1%25]/", "//evil.example/x", "https://\ud800.example", "file:///etc/passwd", "../../../x",
    "javascript:alert(1)", "https://u:p@h.example/", "https://h.example:99999/", "/{", "{}", "%00", "%", "&#0;",
    "https://169.254.169.254/x#/y", "#/paths", "#/a/../../b", [], {}, [[]], [None], {"": None}, {"$ref": "#"},
    {"$ref": "https://127.0.0.1:9/x.json#/a"}, {"$ref": "file:///etc/passwd"}, {"$ref": "#/"}, {"env": "PATH"},
    {"env": ""}, {"env": "A=B"}, {"env": "\x00"}, {"file": "/etc/passwd"}, {"file": "\x00"},
    {"keyring": "", "username": ""},
    [{}] * 40, {str(n): n for n in range(40)}, [[[[[[[[[[]]]]]]]]]],
)  # fmt: skip
"""What stands in the place of one value."""
TEXTS: Final = (
    *(text.encode("utf-8", "surrogatepass") for text in VALUES if isinstance(text, str)),
    b"\0", b"\r", b"\r\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80", b"\x9b", b"\x1b", b'"', b"'", b"'''", b'"""',
    b"\\", b"\\u0000", b"\\ud800", b"\\x00", b"\\U0010ffff", b"{", b"}", b"[", b"]", b"[[", b":", b": ", b"=", b" = ",
    b",", b"#", b"&a ", b"*a", b"!!binary ", b"!!python/name:this.s ", b"!!int ", b"!!float ", b"!!timestamp ",
    b"!!set ",
    b"<<: ", b"? ", b"| \n", b"- ", b"9" * 4400, b"1e999", b"0x", b"1_000", b"12:30:45", b"2001-01-01", b".inf", b"NaN",
    b"~", b"true", b"${A}", b"${A:-${A}}", b"$", b"export ", b"${", b"inf", b"1979-05-27T07:32:00Z", b"nan",
)  # fmt: skip
"""What is put in between."""
CHALLENGES: Final = (
    "Bearer", 'Bearer realm="shop"', 'Bearer realm="a, b", error="invalid_token", error_description="it \\"is\\" old"',
    'Basic realm="x", Bearer', "Negotiate dG9rZW4=, Basic realm=a",
    'Digest realm="x", nonce="abc", qop="auth,auth-int"', 'Basic realm="x", charset="UTF-8"\nBearer scope="a b"',
    "Basic , ,Bearer", 'DPoP algs="ES256 PS256", error="use_dpop_nonce"',
    "Bearer " + ", ".join(f"p{n}=v" for n in range(2000)), "a=" * 3000, 'B a="' + "\\" * 3000, "B " + "a" * 30000,
    'B a="' + '\\"' * 3000 + '"', "B " + " " * 30000 + "x", "B" + "," * 30000, "x " * 10000, "B " + "a =" * 9000,
    "B a=b" + "\t" * 20000 + "c",
)  # fmt: skip
DOTENVS: Final = (
    b"FUZZ_URL=https://api.shop.example\nFUZZ_CLIENT=shop\nFUZZ_SECRET='made up'\n"
    b'export FUZZ_USER="ada"\nFUZZ_PASSWORD=p#1\n',
    b"FUZZ_URL=https://api.shop.example\nA=x\nFUZZ_CLIENT=${A}${A:-b}\nFUZZ_SECRET=${FUZZ_SECRET}\n",
)


def cases(name: str) -> list[Case]:
    """Return all that a target's run begins with, and its mutations are made of."""
    found = [Case(content) for content in (*_found(name), *real(name), *NASTY)]
    return found if TARGETS[name].only_files else [*found, *NO_FILES]


@cache
def real(name: str) -> tuple[bytes, ...]:
    """Return files as they should be, of the repository or made by it."""
    return tuple(_MAKERS[name]())


def _found(name: str) -> Iterator[bytes]:
    for path in sorted((CORPUS / name).glob("*")):
        yield path.read_bytes()


def _files(*patterns: str) -> Iterator[bytes]:
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            yield path.read_bytes()


def _profiles() -> Iterator[bytes]:
    yield from _files("conformance/*.apiauth.toml", "tests/profiles/*.toml", "tests/servers/*.toml")


def _documents() -> Iterator[bytes]:
    import yaml

    from tests.discover.test_openapi import SCHEMES, get, needing, openapi

    every = openapi({"/me": get(needing("oauth")), "/{id}": get(), "/a": get({"key": []})}, components=None)
    every["components"] = {"securitySchemes": SCHEMES}
    yield json.dumps(every).encode()
    yield yaml.safe_dump(every).encode()
    for content in _files("tests/documents/[fp]*.json"):
        yield content
        yield yaml.safe_dump(json.loads(content)).encode()
    swagger = {"swagger": "2.0", "host": "api.example", "schemes": ["https"], "basePath": "/v1", "info": {"title": "S"},
               "paths": {"/me": {"get": {"security": [{"o": ["a"]}], "responses": {}}}},
               "securityDefinitions": {"o": {"type": "oauth2", "flow": "application", "tokenUrl": "/t",
                                             "scopes": {"a": ""}}}}  # fmt: skip
    yield json.dumps(swagger).encode()


def _metadata() -> Iterator[bytes]:
    from tests.discover.test_metadata import DOCUMENT

    yield json.dumps(DOCUMENT).encode()
    yield from _files("tests/documents/oidc-provider.json")


def _cassettes() -> Iterator[bytes]:
    yield from _files("cassettes/*/*.yaml", "tests/servers/cassettes/*/*.yaml")


def _kept() -> Iterator[bytes]:
    for came_after in (None, "0" * 64):
        yield json.dumps({"profile": "shop", "token_endpoint": "https://id.shop.example/token", "client_id": "client",
                          "user": "", "came_after": came_after, "refresh_token": "made-up"}).encode()  # fmt: skip


def _certificates() -> Iterator[bytes]:
    import trustme

    made = trustme.CA().issue_cert("client.example")
    yield b"".join(each.bytes() for each in made.cert_chain_pems) + made.private_key_pem.bytes()


def _reports() -> Iterator[bytes]:
    from pytest_apiauth.report import plain
    from pytest_apiauth.report.record import Advice, Cause, Counterexample, LeftOut, Limited, NotReady, Rows
    from tests.report.records import entry, rule, run_of

    shown = Counterexample("a refusal", "200 | `OK` <b>", "curl 'x'", "curl 'y'", ("curl 'z'",))
    advice = (Advice("user", "SHOULD", "x", "y", "curl a", "curl b"),)
    run = run_of(
        rule("fail", counterexample=shown, advice=advice), rule("skip"), rule("warning"),
        causes=(Cause("x", 2, ("y",)),),
        limited=(Limited("GET /", 1, 1, 1, 0),), left_out=LeftOut(1, ("a",), 0.5),
    )  # fmt: skip
    yield json.dumps(plain.written(run)).encode()
    for found in (
        entry("fail", counterexample=shown, advice=advice, rows=Rows(3, 1, 1)),
        entry(
            "skip",
            not_ready=NotReady("not ready", "no token"),
            is_out_of_reach=True,
            limited=(Limited("x", 1, 0, 0, 0),),
        ),
    ):
        yield json.dumps(plain.written(found)).encode()


_MAKERS: Final = {
    "profile": _profiles,
    "openapi": _documents,
    "metadata": _metadata,
    "cassette": _cassettes,
    "kept": _kept,
    "dotenv": lambda: iter(DOTENVS),
    "certificate": _certificates,
    "challenge": lambda: (text.encode() for text in CHALLENGES),
    "report": _reports,
}
