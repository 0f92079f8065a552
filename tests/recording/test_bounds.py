"""Cassettes that somebody made to be slow, large or endless: searched in bounded time and memory, a line for each."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import types
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.credentials.looks import PATHS, TOKENS
from pytest_apiauth.recording.contents import LARGEST, CassetteError, content_of
from pytest_apiauth.recording.scan import unclean
from tests.recording.taping import SEARCHING, Ask, Loopback, Reply, run_tape
from tests.sharing import about

MEGABYTE: Final = 1 << 20
SECONDS: Final = 10
MEMORY: Final = 300 * MEGABYTE
LIMITED: Final = f"""
import resource, sys
from pytest_apiauth.__main__ import main
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
status = main(["scan", sys.argv[1]])
if sys.platform == "linux":
    # What the kernel tells of resources is never below that of whoever started the process.
    most = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) << 10
else:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("in bounds" if most < {MEMORY} else f"took {{most >> 20}} MB", status)
"""
TEXT, JSON, FORM, PARTS = (
    "text/plain",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=X",
)


def packed(piece: bytes, size: int) -> bytes:
    """Compress a piece that is repeated until it has that size, a bit at a time."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    step = piece * max(1, MEGABYTE // len(piece))
    done = [compressor.compress(step) for _ in range(size // len(step))]
    return b"".join((*done, compressor.flush()))


def tape(body: bytes, media_type: str, coding: str = "", count: int = 1) -> bytes:
    """Write a cassette of answers with a body."""
    headers = f"content-type: [{json.dumps(media_type)}]" + (f", content-encoding: [{coding}]" if coding else "")
    exchange = (
        "- request: {body: null, headers: {}, method: GET, uri: http://shop.example/}\n  response:\n"
        f"    body: {{string: !!binary {base64.b64encode(body).decode()}}}\n"
        f"    headers: {{{headers}}}\n    status: {{code: 200, message: OK}}\n"
    )
    return f"interactions:\n{exchange * count}version: 1\n".encode()


def named(lines: int, wide: int) -> bytes:
    """Write lines that each name the one before it many times over."""
    pairs = (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * wide)}]\n" for n in range(1, lines))
    return f"a0: &a0 [x]\n{''.join(pairs)}interactions: [*a{lines - 1}]\n".encode()


LARGE: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "multipart-that-explodes": (lambda: tape(b"--X\r\n" + b"; name=a" * (10 * MEGABYTE // 8), PARTS), "no secret found"),
    "gzip-bomb": (lambda: tape(packed(b"a" * 1000, 400 * MEGABYTE), TEXT, "gzip"), "response: not looked into: more than 16 MB"),
    "gzip-bomb-without-a-header": (lambda: tape(packed(b"a" * 1000, 400 * MEGABYTE), TEXT), "response: not looked into: more than 16 MB"),
    "gzip-in-gzip": (lambda: tape(gzip.compress(packed(b"a" * 1000, 1000 * MEGABYTE)), TEXT, "'gzip, gzip'"), "response: not looked into: more than 16 MB"),
    "gzip-of-many-members": (lambda: tape(gzip.compress(b"", mtime=0) * 500_000, TEXT, "gzip"), "no secret found"),
    "many-bombs": (lambda: tape(packed(b"k=v ", 15 * MEGABYTE), TEXT, "gzip", 100), "the rest is not looked into: bodies of more than 32 MB"),
    "json-of-brackets": (lambda: tape(gzip.compress(b"[" + b"{}," * 249_000 + b"1]"), JSON, "gzip"), "no secret found"),
    "form-of-neighbours": (lambda: tape(gzip.compress(b"".join(b"a%d=1&key=ab&" % n for n in range(240_000))), FORM, "gzip"), "no secret found"),
    "json-of-neighbours": (lambda: tape(gzip.compress(b"{" + b"".join(b'"a%d":1,"key":"ab",' % n for n in range(200_000)) + b'"a":1}'), JSON, "gzip"), "no secret found"),
    "url-of-neighbours": (lambda: tape(gzip.compress(b"see http://a/?" + b"".join(b"a%d=1&key=ab&" % n for n in range(400_000))), TEXT, "gzip"), "no secret found"),
    "json-of-members": (lambda: tape(gzip.compress(b"[" + b'{"a":"b"},' * 249_000 + b"1]"), JSON, "gzip"), "no secret found"),
    "json-of-too-many": (lambda: tape(gzip.compress(b"[" + b"[]," * 4_000_000 + b"1]", 1), JSON, "gzip"), "not looked into: JSON of more than 500000 values"),
    "form-of-too-many": (lambda: tape(packed(b"a=1&", 15 * MEGABYTE), FORM, "gzip"), "not looked into: a text of more than 500000 pieces"),
    "parts-of-too-many": (lambda: tape(b"--X\r\n" + b"--X" * (3 * MEGABYTE), PARTS), "not looked into: a text of more than 500000 pieces"),
    "pairs": (lambda: tape(packed(b"key=ab ", 15 * MEGABYTE), TEXT, "gzip"), "no secret found"),
    "elements": (lambda: tape(packed(b"<ab>c</ab>", 15 * MEGABYTE), TEXT, "gzip"), "no secret found"),
    "percent-signs": (lambda: tape(packed(b"%25", 15 * MEGABYTE), TEXT, "gzip"), "not looked into: a text of more than 500000 percent signs"),
    "very-many-secrets": (lambda: tape(packed(b"eyJaaaaaaaa.aaaa. ", 15 * MEGABYTE), TEXT, "gzip"), "the rest is not looked into: there is too much"),
    "keys-without-an-end": (lambda: tape(packed(b"-----BEGIN PRIVATE KEY----- ", 15 * MEGABYTE), TEXT, "gzip"), "no secret found"),
    "prefixes": (lambda: tape(packed(b"xoxb-ghp_sk_live_AIzaglpat-SG.AKIA", 15 * MEGABYTE), TEXT, "gzip"), "no secret found"),
    "one-long-word": (lambda: tape(base64.b64encode(b"\x91" * (8 * MEGABYTE)), TEXT), "no secret found"),
    "encoding-that-is-no-charset": (lambda: tape(packed(b"a-b", 15 * MEGABYTE), "text/plain; charset=punycode", "gzip"), "no secret found"),
    "yaml-too-large": (lambda: b"interactions: []\nx: " + b"a" * (40 * MEGABYTE), "not looked into: more than 16 MB"),
    "yaml-of-values": (lambda: b"interactions: [" + b"a," * (7 * MEGABYTE) + b"]", "not looked into: more than 200000 values"),
    "yaml-of-few-values": (lambda: b"interactions: [" + b"a," * 199_000 + b"]", "the rest is not looked into: 1001 findings"),
    "yaml-of-aliases": (lambda: named(30, 10), "not looked into: more than 200000 values"),
    "yaml-of-itself": (lambda: b"interactions: &a [*a]\n", "not looked into: more than 200000 values"),
    "yaml-of-merges": (lambda: b"a0: &a0 {k: v}\n" + b"".join(b"a%d: &a%d {<<: [%s]}\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 20)) + b"interactions: []\n", "not looked into: more than 200000 values"),
    "yaml-of-a-number": (lambda: b"interactions: []\nx: 1" + b":1" * (5 * MEGABYTE), "not looked into: a number of more than 4000 digits"),
    "yaml-of-levels": (lambda: b"interactions: " + b"[" * 100_000 + b"]" * 100_000, "t.yaml: "),
}  # fmt: skip


@pytest.mark.slow
@about(*SEARCHING)
@pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes there")
@pytest.mark.parametrize("name", LARGE)
def test_large_is_searched_within_bounds(name: str, tmp_path: Path) -> None:
    """Ten seconds of the processor and 300 MB are enough for any file, and what is left out is a finding."""
    make, expected = LARGE[name]
    (tmp_path / "t.yaml").write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr
    assert expected in done.stdout
    assert done.stdout.splitlines()[-1] == f"in bounds {0 if expected == 'no secret found' else 2}"


def test_time_of_a_multipart_text_grows_with_it(tmp_path: Path) -> None:
    """A text in which each line may begin the head of a part is read once; a part's secret is still found."""
    parts = b'--X\r\nContent-Disposition: form-data; name="a"\r\n' + b"; name=a" * 50_000
    secret = b'\r\n--X\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--X--\r\n'
    (tmp_path / "t.yaml").write_bytes(tape(parts + secret, PARTS))
    (line,) = unclean(tmp_path / "t.yaml")
    assert line.endswith(": exchange 1, response, body, part password: password is not a placeholder")


def links(folder: Path, kind: str) -> None:
    """Put what is no ordinary file where a cassette may be."""
    path = folder / "t.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to("t.yaml")
    elif kind == "dangling":
        path.symlink_to("nowhere.yaml")
    elif kind == "latin-1":
        path.write_bytes(b"interactions: [] # \xe4\n")
    else:
        path.write_bytes("interactions: []\n".encode("utf-16"))


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and links there")
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("pipe", "not a regular file"), ("endless", "not a regular file"), ("loop", "symbolic links"),
     ("dangling", "No such file"), ("latin-1", "not UTF-8"), ("utf-16", "not UTF-8")],
)  # fmt: skip
def test_what_cannot_be_read_is_a_finding(
    kind: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe, an endless file, a link to nowhere and other encodings are one line each, and fail the search."""
    links(tmp_path, kind)
    assert main(["scan", str(tmp_path)]) == 2
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    assert line.startswith(f"{tmp_path / 't.yaml'}: not ")
    assert expected in line


def test_folder_named_like_a_cassette_is_entered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder may be called ``a.yaml``; files of other contents are passed over, large ones too."""
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "a.yaml" / "b.yaml").write_bytes(tape(b"{}", JSON))
    (tmp_path / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    (tmp_path / "large.json").write_bytes(b"[" + b" " * LARGEST + b"]")
    assert main(["scan", str(tmp_path)]) == 0
    assert "1 cassettes, no secret found" in capsys.readouterr().out


def test_anything_anywhere_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cassette that was written by hand may have any type anywhere: a line, and the rest is searched."""
    odd = (
        "interactions:\n- 1\n- {request: 1, response: []}\n"
        "- {request: {uri: 1, headers: [], body: 1}, response: {headers: {a: {b: c}}, status: {code: x}, body: 7}}\n"
        f"- {{request: {{uri: http://a/, headers: {{}}}}, response: {{headers: {{}}, body: {{string: '{'[' * 250}{']' * 250}'}}}}}}\n"
        "- {request: {uri: 'http://a/?client_secret=hunter2', headers: {}}, response: {headers: {}}}\n"
    )
    (tmp_path / "t.yaml").write_text(odd, encoding="utf-8")
    assert main(["scan", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "exchange 4, response: not looked into: JSON of more than 200 levels" in told.out
    assert "exchange 5, request, URL, parameter client_secret: client-secret is not a placeholder" in told.out
    assert "hunter2" not in told.out + told.err


def test_place_does_not_tell_a_secret(tmp_path: Path) -> None:
    """A name that is a token itself, or has control characters, is not printed."""
    body = json.dumps({"Zk93bQ7xR2pLm8Tn4VyC0": {"password": "hunter2"}, "a\x1b[2J": {"password": "hunter2"}})
    (tmp_path / "t.yaml").write_bytes(tape(body.encode(), JSON))
    first, second, third = sorted(unclean(tmp_path / "t.yaml"))
    assert "member a [2J.password" in first
    assert "body: something that looks like a token" in third
    assert "member ….password" in second


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_bomb_is_not_recorded(coding: str, tmp_path: Path) -> None:
    """What is too large to be looked into is not written; the line says so."""
    body = zlib.compress(b"a" * (LARGEST + 1)) if coding == "deflate" else gzip.compress(b"a" * (LARGEST + 1))
    body = gzip.compress(body) if coding == "gzip, gzip" else body
    server = Loopback()
    try:
        reply = Reply(body, (("Content-Type", "text/plain"), ("Content-Encoding", coding)))
        taped = run_tape(tmp_path, server, [Ask("/x", "GET", reply=reply)], is_live=True)
    finally:
        server.close()
    assert str(taped.refusal).endswith("/x: not looked into: more than 16 MB")
    assert not taped.path.exists()


def test_contents_are_those_of_the_standard_library() -> None:
    """Several members, padding, zlib's and bare DEFLATE come out as they went in; what is cut off is an error."""
    text = os.urandom(10_000) + b"a" * 100_000
    assert content_of(gzip.compress(text) + gzip.compress(b"b") + b"\0\0", "gzip", "").raw == text + b"b"
    assert content_of(zlib.compress(text), "deflate", "").raw == text
    assert content_of(zlib.compress(text)[2:-4], "deflate", "").raw == text
    assert content_of(gzip.compress(b"a" * LARGEST), "gzip", "").raw == b"a" * LARGEST
    for cut in (gzip.compress(text)[:-9], gzip.compress(text) + b"x"):
        with pytest.raises(CassetteError, match="cannot be looked into"):
            content_of(cut, "gzip", "")
    with pytest.raises(CassetteError, match="5 content codings"):
        content_of(b"x", "gzip, gzip, gzip, gzip, gzip", "")


def test_brotli_is_undone_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that makes a megabyte of each byte is stopped before it has made much more than the bound."""
    made = 0

    class Decompressor:
        def process(self, piece: bytes) -> bytes:
            nonlocal made
            made += len(piece) * MEGABYTE
            return bytes(len(piece) * MEGABYTE)

        def is_finished(self) -> bool:
            return False

    module = types.ModuleType("brotli")
    monkeypatch.setattr(module, "Decompressor", Decompressor, raising=False)
    monkeypatch.setitem(sys.modules, "brotli", module)
    with pytest.raises(CassetteError, match="not looked into: more than 16 MB"):
        content_of(b"x" * 100_000, "br", "")
    assert made <= LARGEST + 16 * MEGABYTE
    with pytest.raises(CassetteError, match="cannot be looked into: EOFError"):
        content_of(b"x", "br", "")


def test_marks_of_looks_are_in_lower_case() -> None:
    """A text is searched for the marks of secrets' looks in lower case, and each example has its mark."""
    every = (*PATHS, *TOKENS)
    assert [look.mark for look in every if look.mark != look.mark.lower()] == []
    assert [look.mark for look in every if look.mark not in look.example.lower()] == []
